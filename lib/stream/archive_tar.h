/*
 * archive_tar.h - writing an archive's tar: regular files with nothing about who wrote them.
 */
#ifndef IDKIT_STREAM_ARCHIVE_TAR_H
#define IDKIT_STREAM_ARCHIVE_TAR_H

#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "err.h"
#include "outfile.h"

struct tar_writer;

/* `out` is borrowed.  Every member gets this time. */
struct tar_writer *tar_writer_new(struct outfile *out, time_t time, struct err *err);

/* A whole member; *offset is where its bytes begin. */
int tar_writer_add(struct tar_writer *tar, const char *name, struct slice bytes, uint64_t *offset,
                   struct err *err);

/* The blocks of zeros that end a tar. */
int tar_writer_end(struct tar_writer *tar, struct err *err);

/* Writes nothing any more.  free(NULL) is nothing. */
void tar_writer_free(struct tar_writer *tar);

#endif
