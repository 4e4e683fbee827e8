/*
 * progress.h - how far it is: a line on the terminal, or JSON lines for a program.
 *
 * Workers add what they have done (from any thread, cheaply); a thread of its own shows it twice
 * a second.  NULL is a progress that nobody sees.
 */
#ifndef IDKIT_CORE_PROGRESS_H
#define IDKIT_CORE_PROGRESS_H

#include <stdint.h>

#include "err.h"
#include "log.h"

enum progress_mode {
	PROGRESS_AUTO, /* a bar when standard error is a terminal, nothing otherwise */
	PROGRESS_BAR,
	PROGRESS_JSON, /* one object a line on standard error */
	PROGRESS_NONE,
};

extern const char *const progress_modes[]; /* for the option: "auto", "bar", "json", "none", NULL */

struct progress;

/*
 * `log` becomes a log whose lines and the bar don't garble each other: the tool uses it from now on,
 * until progress_free().  *progress is NULL, and the log untouched, when nothing is to be shown.
 */
int progress_new(enum progress_mode mode, const char *program, struct log *log,
                 struct progress **progress, struct err *err);

/* What it will come to, as far as is known (0: unknown), which may be said more than once. */
void progress_expect(struct progress *progress, uint64_t bytes, uint64_t tables);

/* "definitions", "rows", "indexes", "checking": a literal. */
void progress_phase(struct progress *progress, const char *phase);

void progress_add(struct progress *progress, uint64_t bytes, uint64_t rows);
void progress_table_done(struct progress *progress);

/* The last line: "done" on the bar, "state":"done" in JSON; "failed" when freed without it. */
void progress_done(struct progress *progress);
void progress_free(struct progress *progress);

#endif
