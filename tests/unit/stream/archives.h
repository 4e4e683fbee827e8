/*
 * archives.h - what the tests of archives share: making them, reading them, and taking them apart.
 *
 * Each helper asserts that it worked, but those that take an `err`.
 */
#ifndef IDKIT_TEST_ARCHIVES_H
#define IDKIT_TEST_ARCHIVES_H

#include "archive.h"
#include "streams.h"

/* How an archive gets to its reader. */
enum archive_way {
	WAY_FILE,        /* rows unpacked */
	WAY_FILE_PACKED, /* chunks, which the test unpacks */
	WAY_PIPE,
	WAY_PIPE_PACKED,
	WAY_PIPE_BYTES, /* in pieces of one byte */
	WAYS,
};
extern const char *const way_names[];

/* The archive's bytes, in a file or a pipe.  NULL with `err` set when the input refuses. */
struct input *archive_input(struct slice bytes, enum archive_way way, struct err *err);

/* Reads an archive into the sink, which gets rows: packed chunks are unpacked on the way.  0 or -1. */
int read_archive(struct slice bytes, enum archive_way way, struct sink *sink, struct err *err);

/* A plain stream of ours as an archive. */
void make_archive(struct slice plain, size_t chunk_bytes, struct buf *archive);
/* own_stream() as an archive, a member for each COPY block. */
void own_archive(struct buf *archive);
/* The way back. */
void make_plain(struct slice archive, enum archive_way way, struct buf *plain);

/* A sink that owns `next` and gives it the rows of chunks. */
struct sink *unpacking_sink_new(struct sink *next);

/* ---- a tar in parts ---- */

#define MOST_MEMBERS 64

struct tar_part {
	char name[101];
	struct buf head; /* the header's block, and whatever extended headers a test has put before it */
	struct buf data; /* without padding */
};

struct tar {
	struct tar_part parts[MOST_MEMBERS];
	size_t count;
	bool without_end; /* no blocks of zeros */
};

/* As SHA256SUMS has it: the sum in hex, two blanks, the name, a newline. */
void sum_line(struct buf *sums, struct slice bytes, const char *name);

void tar_take_apart(struct slice archive, struct tar *tar);
/* own_archive() in parts. */
void own_tar(struct tar *tar);
void tar_put_together(const struct tar *tar, struct buf *archive);
void tar_release(struct tar *tar);

/* Its index; the test ends when there is none. */
size_t tar_find(const struct tar *tar, const char *name);
void tar_remove(struct tar *tar, size_t index);
void tar_insert(struct tar *tar, size_t index, const char *name, char type, struct slice data);
/* A header of ustar, with a sum that fits. */
void tar_header(struct buf *head, const char *name, char type, const char *size_field);
/* Other bytes, and a header for them. */
void tar_replace(struct tar *tar, size_t index, struct slice data);
/* SHA256SUMS and END for what the members hold now: a liar who knows the format. */
void tar_sum(struct tar *tar);
/* In a member's text: the first `old` becomes `new`; then tar_sum(). */
void tar_edit(struct tar *tar, const char *name, const char *old, const char *new);

#endif
