/*
 * archive_frame.h - a member's text as one zstd frame: content size and checksum in it.
 *
 * A size that a frame declares is believed only as far as memory for it does no harm: up to
 * FRAME_TRUSTED_BYTES it is allocated at once, beyond that as the bytes really come.
 */
#ifndef IDKIT_STREAM_ARCHIVE_FRAME_H
#define IDKIT_STREAM_ARCHIVE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/* A row or statement as large as PostgreSQL has them, behind a chunk that was almost full. */
#define FRAME_LARGEST_BYTES (((size_t)1 << 30) + ((size_t)64 << 20))
#define FRAME_TRUSTED_BYTES ((size_t)64 << 20)
/* What a frame of that size takes at most, incompressible. */
#define FRAME_LARGEST_PACKED_BYTES (FRAME_LARGEST_BYTES + (FRAME_LARGEST_BYTES >> 8) + 65536)

struct frame_packer;

struct frame_packer *frame_packer_new(int level, bool long_window, struct err *err);
void frame_packer_free(struct frame_packer *packer);

/* *packed is emptied first. */
int frame_pack(struct frame_packer *packer, struct slice text, struct buf *packed,
               struct err *err);

/* The size that the frame declares.  ERR_INPUT when it is no frame, or declares none or one beyond
 * FRAME_LARGEST_BYTES. */
int frame_text_bytes(struct slice frame, uint64_t *bytes, struct err *err);

struct frame_unpacker;

struct frame_unpacker *frame_unpacker_new(struct err *err);
void frame_unpacker_free(struct frame_unpacker *unpacker);

/* All of it, in `text`, which is emptied first.  ERR_INPUT when the bytes are anything but one whole
 * frame, and for a zero byte in the text, which PostgreSQL has nowhere: of a bomb that unpacks to zeros no
 * more than the trusted size gets into memory. */
int frame_unpack(struct frame_unpacker *unpacker, struct slice frame, struct buf *text,
                 struct err *err);

/* The first bytes of the text, at least `least` unless it is shorter, from the first bytes of a
 * frame: less when these run out. */
int frame_unpack_front(struct frame_unpacker *unpacker, struct slice front, size_t least,
                       struct buf *text, struct err *err);

#endif
