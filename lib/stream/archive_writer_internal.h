/*
 * The inside of the archive writer, shared by archive_writer.c (the sink, its branches, what is
 * appended) and archive_gather.c (what one thread does: gathering, hashing, compressing).
 */
#ifndef IDKIT_STREAM_ARCHIVE_WRITER_INTERNAL_H
#define IDKIT_STREAM_ARCHIVE_WRITER_INTERNAL_H

#include <pthread.h>

#include "archive.h"
#include "archive_frame.h"
#include "archive_tar.h"
#include "contents.h"
#include "hash.h"
#include "manifest.h"

/* A member whose rows the source's manifest knows, at the end. */
struct uncounted_member {
	size_t member; /* of ours */
	size_t source; /* of the archive that it comes from */
};

struct archive_writer {
	struct sink sink;
	struct archive_options options;
	struct outfile *out;
	struct tar_writer *tar;
	struct gatherer *gatherer; /* of the sink's own thread */
	pthread_mutex_t lock;      /* for all that follows */
	struct manifest *manifest;
	struct contents *branched; /* what the branches have written */
	struct uncounted_member *uncounted;
	size_t uncounted_count;
	enum section section; /* of the last piece */
	uint64_t number;
	size_t branches; /* that are not finished */
	struct err err;  /* of a member that was begun and is not whole: nothing goes behind it */
};

/* A piece that is ready to be appended. */
struct archive_piece {
	enum section section;
	struct slice frame;
	uint64_t raw_bytes;
	const struct copy_table *table; /* of rows; NULL for statements */
	uint64_t rows;
	struct hash128 sum;
	size_t uncounted_source; /* SIZE_MAX: rows and sum are known */
};

/* From any thread. */
int archive_writer_append(struct archive_writer *writer, const struct archive_piece *piece,
                          struct err *err);

/* What one thread needs to make members. */
struct gatherer;

struct gatherer *gatherer_new(struct archive_writer *writer, struct err *err);
void gatherer_free(struct gatherer *gatherer);
int gatherer_statement(struct gatherer *gatherer, const struct record *record, struct err *err);
int gatherer_data(struct gatherer *gatherer, const struct record *record, struct err *err);
/* White space and comments at the stream's end. */
int gatherer_rest(struct gatherer *gatherer, struct slice text, struct err *err);
/* Statements that wait become a member.  What follows is in this section or a later one. */
int gatherer_flush(struct gatherer *gatherer, enum section section, struct err *err);
/* What it has gathered, large objects and sequences included. */
struct contents *gatherer_contents(struct gatherer *gatherer);

#endif
