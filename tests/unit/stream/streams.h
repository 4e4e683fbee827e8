/*
 * streams.h - what the tests of streams, filters and sinks share: inputs in pieces, a sink that
 * records, and sample streams.
 *
 * Each helper asserts that it worked: a test that uses one needs no checks of its own for that.
 */
#ifndef IDKIT_TEST_STREAMS_H
#define IDKIT_TEST_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "input.h"
#include "outfile.h"
#include "record.h"

/* An input over bytes in memory.  `piece` 0: all at once; else each read(2) gives exactly that
 * many. It must be a power of two up to 512, and no read may ask for less: the rest would be lost.
 * NULL with `err` set when the input refuses. */
struct input *input_of(struct slice bytes, size_t piece, struct err *err);

/* Everything that an input gives, read `most` bytes at a time; 0, or -1 with `err` set. */
int input_of_all(struct slice bytes, size_t piece, size_t most, struct buf *out, struct err *err);

/* Bytes in a file descriptor, at its beginning. */
int fd_of(struct slice bytes);

/*
 * A sink that remembers.  `bytes` is what a foreign stream's writer would write; `log` has a line a
 * record (rows that came in pieces are put together):
 *
 *     header own
 *     3 pre-data statement 2: CREATE TABLE a(b int); [TABLE|public|a|joe]
 *     4 data copy 3: public.a (b) rows=2 … last
 *     trailer idkit
 */
struct recorder {
	struct sink sink;
	struct buf bytes;
	struct buf log;
	size_t writes;
	size_t fail_at; /* the number, from 1, of the write that fails; 0: none */
	bool failed;
	bool trailer_seen;
	bool finished;
	uint64_t block_rows;
};
void recorder_init(struct recorder *recorder);
void recorder_release(struct recorder *recorder);
/* What a failing recorder says. */
#define RECORDER_FAILURE "the recorder fails"

/* A plain_reader over the bytes, run into the sink (not finished).  0 or -1. */
int read_into(struct slice bytes, size_t piece, bool allow_incomplete, struct sink *sink,
              struct err *err);

/* An outfile whose bytes can be had back. */
struct capture {
	char path[64];
};
struct outfile *capture_open(struct capture *capture);
/* Appends the finished file and removes it. */
void capture_take(struct capture *capture, struct buf *out);

/* Reads the bytes, writes them with a plain_writer, and appends what it has written. */
int copy_stream(struct slice bytes, size_t piece, bool allow_incomplete, struct buf *out,
                struct err *err);

/* A small stream of ours with everything in it, made by plain_writer from records. */
void own_stream(struct buf *out);
/* The like as pg_dump writes it, up to and including the end mark, and what stands behind it. */
extern const char dump_to_mark[];
extern const char dump_behind_mark[];
void dump_stream(struct buf *out);
/* Every LF becomes CR LF. */
void to_crlf(const struct buf *from, struct buf *to);

/* For building streams by hand. */
void write_header(struct sink *sink, const char *database);
void write_statement(struct sink *sink, enum section section, const char *lead, const char *sql);
/* One chunk; `columns` is "a, b" or NULL for a table without. */
void write_rows(struct sink *sink, const char *table, const char *columns, const char *rows);
void write_trailer(struct sink *sink);

#endif
