/*
 * unpack_sink.h - sink: unpacks what comes as chunks (stream/chunk.h), in several threads, for the
 * next one.
 *
 * Chunks that last are unpacked by jobs, each of which writes into a branch of the next sink, in no
 * order; others where they come.  Everything else goes on as it is.  The next sink's branches are
 * finished before it gets the TRAILER.
 */
#ifndef IDKIT_VERIFY_UNPACK_SINK_H
#define IDKIT_VERIFY_UNPACK_SINK_H

#include "record.h"

/* `next` is borrowed.  With one job no thread is started. */
struct sink *unpack_sink_new(struct sink *next, int jobs, struct err *err);

#endif
