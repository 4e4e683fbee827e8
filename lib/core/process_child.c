#include "process_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* "NAME=value" or "NAME". */
static bool has_name(const char *entry, const char *name)
{
	size_t len = strlen(name);
	return strncmp(entry, name, len) == 0 && (entry[len] == '=' || entry[len] == '\0');
}

static bool is_changed(const char *entry, const char *const *set, const char *const *unset)
{
	for (; set && set[0]; set += 2)
		if (has_name(entry, set[0]))
			return true;
	for (; unset && unset[0]; unset++)
		if (has_name(entry, unset[0]))
			return true;
	return false;
}

static size_t count_strings(const char *const *strings)
{
	size_t count = 0;

	while (strings && strings[count])
		count++;
	return count;
}

char **child_environment(const char *const *set, const char *const *unset, struct err *err)
{
	const char *const *inherited = (const char *const *)environ;
	size_t count = 0;
	char **env = calloc(count_strings(inherited) + count_strings(set) / 2 + 1, sizeof(*env));

	if (!env)
		goto memory;
	for (; inherited && *inherited; inherited++) {
		if (is_changed(*inherited, set, unset))
			continue;
		env[count] = strdup(*inherited);
		if (!env[count++])
			goto memory;
	}
	for (; set && set[0]; set += 2)
		if (asprintf(&env[count++], "%s=%s", set[0], set[1]) < 0) {
			env[count - 1] = NULL; /* undefined after a failure */
			goto memory;
		}
	return env;
memory:
	child_environment_free(env);
	err_memory(err, "the environment of a child process");
	return NULL;
}

void child_environment_free(char **env)
{
	for (size_t i = 0; env && env[i]; i++)
		free(env[i]);
	free(env);
}

/* exec(3) keeps what is ignored.  SIGPIPE is ignored by us and not for the program, which would
 * write on into a closed pipe; what nohup(1) ignores stays ignored.  Handlers must go before the
 * signals are let in. */
static void reset_signals(void)
{
	struct sigaction action, standard = { .sa_handler = SIG_DFL };
	sigset_t none;

	sigemptyset(&standard.sa_mask);
	for (int number = 1; number < NSIG; number++)
		if (sigaction(number, NULL, &action) == 0 &&
		    (action.sa_handler != SIG_IGN || number == SIGPIPE || number == SIGXFSZ))
			sigaction(number, &standard, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Out of the way of 0, 1 and 2, which may be among ours when this process was started with them
 * closed. */
static int lift(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static int connect_standard_fds(const struct child_setup *setup)
{
	int in =
	    setup->stdin_fd < 0 ? lift(open("/dev/null", O_RDONLY | O_CLOEXEC)) : lift(setup->stdin_fd);
	int out = lift(setup->stdout_fd);
	int error = lift(setup->stderr_fd);

	if (in < 0 || out < 0 || error < 0 || dup2(in, STDIN_FILENO) < 0 ||
	    dup2(out, STDOUT_FILENO) < 0 || dup2(error, STDERR_FILENO) < 0)
		return -1;
	return 0;
}

static void report(int status_fd, int errnum)
{
	if (write(status_fd, &errnum, sizeof(errnum)) < 0)
		_exit(126);
}

void child_run(const struct child_setup *setup, pid_t parent)
{
	int status_fd = lift(setup->status_fd);

	/* The parent may have died before prctl(2): nobody would send the signal then. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		goto failed;
	if (getppid() != parent)
		_exit(127);
	if (connect_standard_fds(setup) < 0)
		goto failed;
	reset_signals();
	execvpe(setup->argv[0], (char *const *)(void *)setup->argv, setup->env);
failed:
	report(status_fd, errno);
	_exit(127);
}
