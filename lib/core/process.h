/*
 * process.h - a child program whose output is read and whose failure is never lost.
 *
 * The child's stderr is kept (its last PROCESS_STDERR_BYTES) for the message.  The child gets
 * SIGTERM when this process dies, whatever the way (Linux: prctl PR_SET_PDEATHSIG), so that a
 * killed iddump leaves no pg_dump holding locks.  Linux counts the death of the thread that started
 * the child: that thread must live at least as long as the child.
 */
#ifndef IDKIT_CORE_PROCESS_H
#define IDKIT_CORE_PROCESS_H

#include <stddef.h>

#include "buf.h"
#include "err.h"

#define PROCESS_STDERR_BYTES 16384

struct process;

struct process_spec {
	const char *const *argv;     /* argv[0] is the program, looked up in PATH; NULL at the end */
	const char *const *set_env;  /* pairs name, value, …, NULL: put in the child's environment;
	                                a NULL value can't be: use unset_env */
	const char *const *unset_env; /* names, NULL at the end; may be NULL */
	int stdin_fd;                /* the child's stdin; -1 is /dev/null.  Borrowed. */
};

/* Starts it; NULL on error (not found, fork refused). */
struct process *process_start(const struct process_spec *spec, struct err *err);

/* The reading end of the child's stdout: lives until process_wait() or process_free(). */
int process_output(const struct process *process);

/*
 * Waits for its end, closing the reading end first.  0 when it exited with status 0.  Else -1 and
 * an ERR_SYSTEM that names the program, its status or signal, and what it wrote to stderr.
 * `stderr_text`, when not NULL, gets what it wrote, also on success.
 */
int process_wait(struct process *process, struct buf *stderr_text, struct err *err);

/* Ends a child that still runs (SIGTERM, then waits).  free(NULL) is nothing. */
void process_free(struct process *process);

/* Runs to the end, all of stdout in `output`.  0 or -1. */
int process_run(const struct process_spec *spec, struct buf *output, struct err *err);

#endif
