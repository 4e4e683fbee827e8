/* The inside of the archive reader, shared by archive_reader*.c only. */
#ifndef IDKIT_STREAM_ARCHIVE_READER_INTERNAL_H
#define IDKIT_STREAM_ARCHIVE_READER_INTERNAL_H

#include "archive.h"
#include "archive_check.h"
#include "archive_frame.h"
#include "archive_members.h"
#include "chunk.h"
#include "copy_block.h"
#include "manifest.h"
#include "plain_piece.h"

/* What data members begin with: of a table, mostly the same for all of them. */
struct table_front {
	struct table_front *next;
	struct buf text; /* the rest points into it */
	struct copy_block block;
	struct copy_target target;
	struct object object;
	struct buf names;
};

void table_front_free(struct table_front *front);

/* A chunk that lasts as long as the source. */
struct lasting_member {
	struct chunk chunk;
	char *place;
};

struct archive_delivery;

struct archive_reader {
	struct source source;
	struct archive_reader_options options;
	struct input *input;
	struct archive_members members;
	struct stream_header *header;
	struct sink *sink; /* during run */
	/* What was found, as a manifest would have it; from a file, without sums. */
	struct manifest *found;
	struct archive_end end;
	struct manifest *manifest; /* the archive's own, checked; from a pipe NULL until the end */
	struct plain_piece_state state;
	struct frame_unpacker *frames;
	struct archive_delivery *delivery; /* NULL: rows are delivered packed */
	struct buf bytes; /* the present member */
	struct buf text;
	struct buf place;
	struct table_front *fronts; /* from a file: of the members so far */
	struct lasting_member *lasting; /* a place for each member of the manifest */
};

/* "k.idar: member NAME", in reader->place. */
int archive_reader_place(struct archive_reader *reader, const char *name, struct err *err);

/* archive_reader_data.c: delivers a data member.  From a file: with or without its bytes being read. */
int archive_reader_file_rows(struct archive_reader *reader, size_t index, struct err *err);
/* From a pipe: its bytes are in reader->bytes, its front in reader->text.  Notes its table. */
int archive_reader_pipe_rows(struct archive_reader *reader, size_t index, struct err *err);
/* Unpacks the front of a member: is it rows?  1, 0 or -1. */
int archive_reader_is_rows(struct archive_reader *reader, struct slice bytes, struct err *err);

/* archive_reader_deliver.c: rows, packed or not.  A front of a chunk that does not last is taken over,
 * and so are reader->bytes. */
int archive_reader_deliver(struct archive_reader *reader, struct table_front *front,
                           const struct chunk *chunk, struct err *err);

struct archive_delivery *archive_delivery_new(struct archive_reader *reader, int jobs,
                                              struct err *err);
void archive_delivery_free(struct archive_delivery *delivery);
/* All rows so far are delivered.  NULL has none. */
int archive_delivery_drain(struct archive_delivery *delivery, struct err *err);

#endif
