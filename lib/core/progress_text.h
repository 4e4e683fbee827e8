/*
 * progress_text.h - what progress.c shows, as text: pure functions of a moment's figures.
 *
 * Internal to progress*.c and their test.
 */
#ifndef IDKIT_CORE_PROGRESS_TEXT_H
#define IDKIT_CORE_PROGRESS_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* The figures at one moment.  0 is "unknown" for totals and the rate. */
struct progress_view {
	const char *state; /* "running", "done", "failed" */
	const char *phase; /* NULL before the first */
	double seconds;
	uint64_t bytes;
	uint64_t total_bytes;
	uint64_t rows;
	uint64_t tables;
	uint64_t total_tables;
	double bytes_per_second;
};

/* Whole seconds to the end of the rows at the present rate; -1: can't be told, as in other phases. */
int64_t progress_seconds_left(const struct progress_view *view);

/*
 * Appends one line, without its end, of at most `width` ASCII characters:
 *
 *     iddump: rows  [=====>      ]  45%  1.2/2.7 GiB  120 MiB/s  0:12 left  3400000 rows  12/516 tables
 *
 * What does not fit is left out, the least telling first.
 */
void progress_bar_text(const struct progress_view *view, const char *program, size_t width,
                       struct buf *line);

/* Appends one JSON object and a newline. */
void progress_json_text(const struct progress_view *view, struct buf *line);

#endif
