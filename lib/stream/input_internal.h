/*
 * The stages an input is made of: the innermost reads a descriptor, each outer one decodes what the
 * inner one gives.  A stage owns the one inside it; its constructor does too when it fails.
 */
#ifndef IDKIT_STREAM_INPUT_INTERNAL_H
#define IDKIT_STREAM_INPUT_INTERNAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

/* Enough to tell a tar by its magic at 257. */
#define INPUT_PEEK_BYTES 512

struct input_stage;

struct input_stage_ops {
	/* Up to len bytes, 0 at the end, -1 on error. */
	ssize_t (*read)(struct input_stage *stage, void *data, size_t len, struct err *err);
	void (*free)(struct input_stage *stage);
	/* From another thread: a read that waits, and all later ones, say "the end". */
	void (*stop)(struct input_stage *stage);
};

struct input_stage {
	const struct input_stage_ops *ops;
	const char *name; /* of the whole input; borrowed */
	char peeked[INPUT_PEEK_BYTES];
	size_t peeked_start;
	size_t peeked_end;
};

ssize_t input_stage_read(struct input_stage *stage, void *data, size_t len, struct err *err);
void input_stage_free(struct input_stage *stage);
void input_stage_stop(struct input_stage *stage);

struct input_stage *input_zstd_new(struct input_stage *inner, struct err *err);
struct input_stage *input_gzip_new(struct input_stage *inner, struct err *err);
struct input_stage *input_pg_restore_new(struct input_stage *inner, struct err *err);
struct input_stage *input_pg_restore_directory_new(const char *path, struct err *err);

#endif
