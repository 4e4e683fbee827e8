/*
 * The inside of the archive writer, shared by archive_writer.c (the sink, its branches, what is
 * appended), archive_gather.c (what one thread does: gathering and hashing) and archive_pack.c
 * (compressing, in that thread or in several).
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
	size_t largest_bytes; /* of a member's text: FRAME_LARGEST_BYTES, but in tests */
	struct err err;  /* of a member that was begun and is not whole: nothing goes behind it */
};

/* A member to be appended. */
struct archive_piece {
	/* What the manifest says of it.  Its texts are the piece's; name and place come with the rest.
	 */
	struct manifest_member member;
	struct slice frame;
	size_t uncounted_source; /* SIZE_MAX: rows and sum are known */
};

/* It is packed now: `frame` lives until it is appended. */
int archive_piece_seal(struct archive_piece *piece, struct slice frame, uint64_t raw_bytes,
                       struct err *err);
void archive_piece_release(struct archive_piece *piece);

/* From any thread.  The piece is sealed; it is released by the caller, also afterwards. */
int archive_writer_append(struct archive_writer *writer, struct archive_piece *piece,
                          struct err *err);

/* Compresses members in several threads and appends them in the order in which they were put. */
struct packing;

struct packing *packing_new(struct archive_writer *writer, int jobs, struct err *err);
void packing_free(struct packing *packing);
/* Takes the piece over, also on error, and the text: `text` is an empty buffer then. */
int packing_put(struct packing *packing, struct buf *text, struct archive_piece *piece,
                struct err *err);
/* All that was put is appended. */
int packing_drain(struct packing *packing, struct err *err);

/* What one thread needs to make members. */
struct gatherer;

struct gatherer *gatherer_new(struct archive_writer *writer, int jobs, struct err *err);
void gatherer_free(struct gatherer *gatherer);
int gatherer_statement(struct gatherer *gatherer, const struct record *record, struct err *err);
int gatherer_data(struct gatherer *gatherer, const struct record *record, struct err *err);
/* White space and comments at the stream's end; all is appended then. */
int gatherer_rest(struct gatherer *gatherer, struct slice text, struct err *err);
/* Statements that wait become a member.  What follows is in this section or a later one. */
int gatherer_flush(struct gatherer *gatherer, enum section section, struct err *err);
/* What it has gathered, large objects and sequences included. */
struct contents *gatherer_contents(struct gatherer *gatherer);

#endif
