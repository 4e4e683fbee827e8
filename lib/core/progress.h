/*
 * progress.h - how far it is: a line on the terminal, or JSON lines for a program.
 *
 * Workers add what they have done (from any thread, cheaply); a thread of its own shows it twice
 * a second, from the first figure or phase on: before, a password may be asked for on the terminal.
 * NULL is a progress that nobody sees.
 *
 * The bar is one line on standard error, never wider than the terminal; it goes away at the end, and
 * makes room for each line of the log.  It is not drawn on a terminal without the means for it
 * (TERM=dumb), nor by a process in the background.
 *
 * One process at a time can use a terminal's line: of a pipeline's tools, with PROGRESS_AUTO, only
 * the one whose standard output is no pipe has a bar, which is the last.
 *
 * The thread takes no signals, and no lock that a child process could need: fork(2) at any time is
 * harmless.
 */
#ifndef IDKIT_CORE_PROGRESS_H
#define IDKIT_CORE_PROGRESS_H

#include <stdint.h>

#include "err.h"
#include "log.h"

enum progress_mode {
	/* A bar when standard error is a terminal and standard output is no pipe, nothing otherwise. */
	PROGRESS_AUTO,
	PROGRESS_BAR,
	PROGRESS_JSON, /* one object a line on standard error */
	PROGRESS_NONE,
};

extern const char *const progress_modes[]; /* for the option: "auto", "bar", "json", "none", NULL */

struct progress;

/*
 * `log` becomes a log whose lines and the bar don't garble each other: the tool uses it from now on,
 * until progress_free().  *result is NULL, and the log untouched, when nothing is to be shown.
 */
int progress_new(enum progress_mode mode, const char *program, struct log *log,
                 struct progress **result, struct err *err);

/* What it will come to, as far as is known (0: unknown), which may be said more than once. */
void progress_expect(struct progress *progress, uint64_t bytes, uint64_t tables);

/* "definitions", "rows", "indexes", "checking": a literal.  Only of "rows" the time left is told. */
void progress_phase(struct progress *progress, const char *phase);

void progress_add(struct progress *progress, uint64_t bytes, uint64_t rows);
void progress_table_done(struct progress *progress);

/* The last line in JSON says "state":"done", and the total is what has come; "failed" when freed without
 * this. */
void progress_done(struct progress *progress);
void progress_free(struct progress *progress);

#endif
