/* The inside of the plain reader, shared by plain_reader*.c only. */
#ifndef IDKIT_STREAM_PLAIN_READER_INTERNAL_H
#define IDKIT_STREAM_PLAIN_READER_INTERNAL_H

#include "copy_block.h"
#include "hash.h"
#include "header.h"
#include "plain_reader.h"
#include "plain_writer.h"
#include "splitter.h"
#include "window.h"

struct plain_reader {
	struct source source;
	struct plain_reader_options options;
	struct input *input;
	const char *name;  /* for messages */
	struct sink *sink; /* during run */
	struct window window;
	struct splitter splitter;
	size_t scanned;   /* bytes at the window's start that the splitter has seen */
	size_t bom_bytes; /* of these, a byte order mark that it was not shown */
	struct stream_header *header;
	bool own;         /* the stream is ours */
	bool is_piece;    /* of an archive: statements without header and trailer */
	enum section folder; /* in which the piece lies */
	struct plain_chunks *chunks; /* NULL: rows are delivered as such */
	struct hash_stream *hash; /* of our own stream, as its trailer has it */
	struct hash_stream *chunk_hash;
	enum section section;
	uint64_t statements;
	bool end_mark_seen; /* pg_dump's closing comment, and no statement behind it */
	bool is_cluster;    /* pg_dumpall's script */
	bool done;
	/* pg_dump's last comment about an object: toc_object's slices point into toc_text. */
	struct buf toc_text;
	struct object toc_object;
	bool has_toc;
	struct buf names; /* what statement_object()'s slices point into */
};

/* Scans to the next event: 1, or 0 at the input's end, or -1. */
int plain_reader_scan(struct plain_reader *reader, enum split_event *event, struct err *err);
void plain_reader_take(struct plain_reader *reader, size_t bytes);
/* ERR_INPUT "NAME:LINE: …". */
int plain_reader_damaged(const struct plain_reader *reader, uint64_t line, struct err *err,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));
/* A record whose lead is the window's first bytes. */
struct record plain_reader_record(const struct plain_reader *reader, enum record_kind kind,
                                  size_t lead_bytes);
/* In a stream of ours the newline behind a statement is the writer's, not part of the next lead. */
int plain_reader_end_line(struct plain_reader *reader, struct err *err);
int plain_reader_deliver_comments(struct plain_reader *reader, size_t bytes, struct err *err);

/* plain_reader_statement.c: the scanned bytes are a whole statement, of which the first are its lead. */
int plain_reader_handle_statement(struct plain_reader *reader, size_t lead, struct err *err);
/* ERR_INPUT when there is a zero byte in a statement or command. */
int plain_reader_check_zero(const struct plain_reader *reader, struct slice sql, uint64_t line,
                            struct err *err);
/* What a setting changes for the reading of what follows. */
int plain_reader_follow_setting(struct plain_reader *reader, const struct record *record,
                                struct err *err);
/* plain_reader_copy.c: the scanned bytes are a COPY FROM STDIN; its rows follow. */
int plain_reader_handle_copy(struct plain_reader *reader, struct record *statement,
                             struct err *err);
/* plain_reader_chunks.c: rows are left where they are, in the file. */
struct plain_chunks;
/* Sets reader->chunks when the input is a file that can be read at any place.  0 or -1. */
int plain_chunks_new(struct plain_reader *reader, struct err *err);
void plain_chunks_free(struct plain_chunks *chunks);
/* A block begins, whose record this is: takes copies of its texts, which last. */
int plain_chunks_begin(struct plain_chunks *chunks, const struct record *record, struct err *err);
/* Whole rows at the window's start, which are about to be taken; data->row_count of them. */
int plain_chunks_add(struct plain_chunks *chunks, struct plain_reader *reader,
                     const struct record_data *data, struct slice rows, struct err *err);
/* The block has ended, and fits its mark. */
int plain_chunks_end(struct plain_chunks *chunks, struct plain_reader *reader, struct err *err);
/* plain_reader_marks.c */
int plain_reader_read_header(struct plain_reader *reader, struct err *err);
int plain_reader_handle_mark(struct plain_reader *reader, size_t line_start, struct err *err);
/* Of somebody else's script: is it the end mark? */
void plain_reader_follow_comment(struct plain_reader *reader, struct slice line);

#endif
