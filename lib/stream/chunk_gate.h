/*
 * chunk_gate.h - large chunks, one at a time.
 *
 * A row may be 1 GiB, and a frame of some kilobytes may claim to hold one: eight threads that each
 * unpack such a chunk take 8 GiB.  Those that work at the same stream share a gate, which their
 * unpackers (chunk.h) pass with chunks above CHUNK_LARGE_BYTES only: then one thread has one in
 * memory, and the others wait for their turn or work at chunks of the usual size.
 *
 * Who has the turn must not wait for one who waits for it.
 */
#ifndef IDKIT_STREAM_CHUNK_GATE_H
#define IDKIT_STREAM_CHUNK_GATE_H

#include "err.h"
#include "jobs.h"

struct chunk_gate;

/* `jobs` are the threads; borrowed.  Freed when none of them runs any more. */
struct chunk_gate *chunk_gate_new(struct jobs *jobs, struct err *err);
void chunk_gate_free(struct chunk_gate *gate);

/* Waits for the turn.  0, or -1 with the first error when the jobs have failed meanwhile. */
int chunk_gate_enter(struct chunk_gate *gate, struct err *err);
/* Only who has entered. */
void chunk_gate_leave(struct chunk_gate *gate);

#endif
