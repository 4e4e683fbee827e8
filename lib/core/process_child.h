/*
 * process_child.h - what happens in the child between fork(2) and exec(3).
 *
 * Internal to process.c.  Other threads may have held any lock at the fork: the child calls only
 * what is async-signal-safe, and all that needs memory (its environment) is made before.
 */
#ifndef IDKIT_CORE_PROCESS_CHILD_H
#define IDKIT_CORE_PROCESS_CHILD_H

#include <sys/types.h>

#include "err.h"

struct child_setup {
	const char *const *argv;
	char **env;
	int stdin_fd; /* -1 is /dev/null */
	int stdout_fd;
	int stderr_fd;
	int status_fd; /* gets errno, as an int, when the program cannot be run */
};

/* This process' environment, changed as process.h's set_env and unset_env say (either may be NULL).
 * NULL on error. */
char **child_environment(const char *const *set, const char *const *unset, struct err *err);
void child_environment_free(char **env);

/* Becomes the program or ends.  All signals are blocked when it is called. */
void child_run(const struct child_setup *setup, pid_t parent) __attribute__((noreturn));

#endif
