/*
 * window.h - the part of a script that is in memory: a buffer that slides over the input.
 *
 * Bytes are looked at in place, then taken; pointers into the window hold until the next fill or
 * take.  It grows only when one statement or row is larger than it is.
 */
#ifndef IDKIT_STREAM_WINDOW_H
#define IDKIT_STREAM_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "hash.h"
#include "input.h"

struct window {
	struct input *input; /* borrowed; NULL when all of it is in memory */
	const char *name;    /* for messages; borrowed */
	char *memory;
	const char *borrowed; /* instead of memory: all of it */
	size_t capacity;
	size_t start;
	size_t end;
	bool at_end;              /* the input has no more */
	uint64_t line;            /* of the first byte in the window */
	uint64_t taken;           /* bytes before it */
	struct hash_stream *hash; /* over what was taken; NULL for none.  Borrowed. */
};

int window_init(struct window *window, struct input *input, struct err *err);
/* Over bytes in memory, which are borrowed. */
void window_init_memory(struct window *window, struct slice bytes, const char *name);
void window_release(struct window *window);

const char *window_data(const struct window *window);
size_t window_bytes(const struct window *window);

/* Reads more behind what is there: 1, or 0 at the input's end, or -1. */
int window_fill(struct window *window, struct err *err);

/* Fills until there is a newline at or behind `from`: its offset + 1; at the input's end without one,
 * what there is; -1 on error. */
ssize_t window_line_end(struct window *window, size_t from, struct err *err);

/* The first `bytes` are dealt with. */
void window_take(struct window *window, size_t bytes);

/* As window_take(), for a caller that has counted the newlines in them. */
void window_take_lines(struct window *window, size_t bytes, uint64_t lines);

#endif
