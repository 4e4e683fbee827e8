/*
 * plain_writer.h - sink: a script in plain format.
 *
 * A stream of ours gets header, section marks, chunk marks and trailer, all computed from what
 * passes; a stream of somebody else's is written as it was read, byte for byte.
 */
#ifndef IDKIT_STREAM_PLAIN_WRITER_H
#define IDKIT_STREAM_PLAIN_WRITER_H

#include "hash.h"
#include "outfile.h"
#include "record.h"

/* The comment lines that carry our marks; each is followed by a JSON object, the section mark by
 * the section's name. */
#define PLAIN_MARK "-- idkit-"
#define PLAIN_MARK_HEADER "-- idkit-header: "
#define PLAIN_MARK_SECTION "-- idkit-section: "
#define PLAIN_MARK_CHUNK "-- idkit-chunk: "
#define PLAIN_MARK_TRAILER "-- idkit-trailer: "
/* Last in the trailer's object: the hash of every byte of the stream before its own digits. */
#define PLAIN_TRAILER_HASH ",\"xxh128\":\""

/* Appends the line behind a chunk of ours. */
void plain_chunk_mark(struct buf *line, uint64_t rows, struct hash128 hash);

/* Owns `out` from now on, also when NULL is returned on error; sink_finish() finishes it. */
struct sink *plain_writer_new(struct outfile *out, struct err *err);

#endif
