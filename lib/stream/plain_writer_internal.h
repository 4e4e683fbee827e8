/* Shared by plain_writer.c and plain_branch.c only. */
#ifndef IDKIT_STREAM_PLAIN_WRITER_INTERNAL_H
#define IDKIT_STREAM_PLAIN_WRITER_INTERNAL_H

#include "plain_writer.h"

struct plain_writer;

/* Gathers COPY blocks, hashes them in its caller's thread, and puts them into the writer whole. */
struct sink *plain_branch_new(struct plain_writer *writer, struct err *err);

/* A whole block, first and last piece in one, with the hash of its rows' bytes.  From any thread. */
int plain_writer_put_block(struct plain_writer *writer, const struct record *record,
                           struct hash128 chunk_hash, struct err *err);

#endif
