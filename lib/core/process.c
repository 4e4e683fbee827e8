#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interrupt.h"
#include "io.h"
#include "process_child.h"

/* As much of stderr as a message shows: the end, where the cause stands. */
#define SHOWN_STDERR_BYTES (ERR_MESSAGE_BYTES / 2)

struct process {
	pid_t pid; /* -1 when waited for */
	int output;
	/* A memory file: unlike a pipe it takes what the child says while nobody reads. */
	int stderr_fd;
	char *program;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static struct process *process_new(const char *program, struct err *err)
{
	struct process *process = malloc(sizeof(*process));
	const char *slash = strrchr(program, '/');

	if (!process)
		goto memory;
	process->pid = -1;
	process->output = process->stderr_fd = -1;
	process->program = strdup(slash ? slash + 1 : program);
	if (!process->program)
		goto memory;
	return process;
memory:
	free(process);
	err_memory(err, "a child process");
	return NULL;
}

static int reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* The child writes errno to the pipe when it cannot become the program; a program that has started
 * has closed it. */
static int read_start_error(int fd)
{
	int errnum = 0;
	ssize_t got;

	do
		got = read(fd, &errnum, sizeof(errnum));
	while (got < 0 && errno == EINTR);
	return got == sizeof(errnum) ? errnum : 0;
}

/* No handler of ours may run in the child between fork and exec: all signals wait meanwhile. */
static pid_t fork_child(const struct child_setup *setup)
{
	sigset_t all, old;
	pid_t parent = getpid();

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid_t pid = fork();
	if (pid == 0)
		child_run(setup, parent);
	int saved_errno = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved_errno;
	return pid;
}

static int start_child(struct process *process, struct child_setup *setup, struct err *err)
{
	int out[2] = { -1, -1 }, status[2] = { -1, -1 };
	int result = -1;

	process->stderr_fd = memfd_create("stderr", MFD_CLOEXEC);
	if (process->stderr_fd < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(status, O_CLOEXEC) < 0) {
		err_system(err, errno, "cannot run %s", setup->argv[0]);
		goto out;
	}
	process->output = out[0];
	setup->stdout_fd = out[1];
	setup->stderr_fd = process->stderr_fd;
	setup->status_fd = status[1];
	process->pid = fork_child(setup);
	if (process->pid < 0) {
		err_system(err, errno, "cannot run %s", setup->argv[0]);
		goto out;
	}
	close_fd(&status[1]);
	int errnum = read_start_error(status[0]);
	if (errnum != 0) {
		reap(process->pid);
		process->pid = -1;
		err_system(err, errnum, "cannot run %s", setup->argv[0]);
		goto out;
	}
	result = 0;
out:
	close_fd(&out[1]);
	close_fd(&status[0]);
	close_fd(&status[1]);
	return result;
}

struct process *process_start(const struct process_spec *spec, struct err *err)
{
	struct child_setup setup = { .argv = spec->argv, .stdin_fd = spec->stdin_fd };
	struct process *process = process_new(spec->argv[0], err);

	if (!process)
		return NULL;
	setup.env = child_environment(spec->set_env, spec->unset_env, err);
	if (!setup.env || start_child(process, &setup, err) < 0) {
		process_free(process);
		process = NULL;
	}
	child_environment_free(setup.env);
	return process;
}

int process_output(const struct process *process)
{
	return process->output;
}

static bool interrupted(void)
{
	struct err unused = ERR_INIT;

	return interrupt_check(&unused) < 0;
}

/* Until the child has ended or a signal has come.  Kernels before 5.3 have no pidfd_open(2): there
 * waitpid(2), which the caller calls next, returns with EINTR on most signals. */
static void wait_end_or_signal(pid_t pid)
{
	struct pollfd fds[2] = {
		{ .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN },
		{ .fd = interrupt_fd(), .events = POLLIN },
	};

	if (fds[0].fd < 0)
		return;
	while (!interrupted() && poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	close(fds[0].fd);
}

static int wait_status(pid_t pid)
{
	bool asked_to_end = false;
	int status = 0;

	wait_end_or_signal(pid);
	do {
		if (!asked_to_end && interrupted()) {
			kill(pid, SIGTERM);
			asked_to_end = true;
		}
	} while (waitpid(pid, &status, 0) < 0 && errno == EINTR);
	return status;
}

/* The last PROCESS_STDERR_BYTES of what the child wrote there. */
static void read_stderr(int fd, struct buf *text)
{
	struct stat file;

	if (fstat(fd, &file) < 0 || file.st_size == 0)
		return;
	off_t at = file.st_size > PROCESS_STDERR_BYTES ? file.st_size - PROCESS_STDERR_BYTES : 0;
	size_t len = (size_t)(file.st_size - at);
	if (buf_reserve(text, len) < 0)
		return;
	ssize_t got = pread(fd, text->data + text->len, len, at);
	if (got > 0)
		text->len += (size_t)got;
	text->data[text->len] = '\0';
}

/* The end of `text` in whole lines. */
static struct slice shown_stderr(struct slice text)
{
	text = slice_trim(text);
	if (text.len <= SHOWN_STDERR_BYTES)
		return text;
	text.data += text.len - SHOWN_STDERR_BYTES;
	text.len = SHOWN_STDERR_BYTES;
	const char *newline = memchr(text.data, '\n', text.len);
	if (newline) {
		text.len -= (size_t)(newline + 1 - text.data);
		text.data = newline + 1;
	}
	return text;
}

static int explain_status(const char *program, int status, struct slice said, struct err *err)
{
	if (interrupt_explain(err) < 0)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	bool was_set = err_is_set(err);
	if (WIFSIGNALED(status))
		err_set(err, ERR_SYSTEM, "%s was ended by signal %d (%s)", program, WTERMSIG(status),
		        strsignal(WTERMSIG(status)));
	else
		err_set(err, ERR_SYSTEM, "%s failed with exit status %d", program, WEXITSTATUS(status));
	said = shown_stderr(said);
	if (!was_set && said.len > 0)
		err_append(err, ":\n%.*s", SLICE_ARG(said));
	return -1;
}

int process_wait(struct process *process, struct buf *stderr_text, struct err *err)
{
	struct buf said = BUF_INIT;

	close_fd(&process->output);
	int status = wait_status(process->pid);
	process->pid = -1;
	read_stderr(process->stderr_fd, &said);
	if (stderr_text)
		buf_add_slice(stderr_text, buf_slice(&said));
	int result = explain_status(process->program, status, buf_slice(&said), err);
	buf_release(&said);
	return result;
}

void process_free(struct process *process)
{
	if (!process)
		return;
	close_fd(&process->output);
	if (process->pid > 0) {
		kill(process->pid, SIGTERM);
		reap(process->pid);
	}
	close_fd(&process->stderr_fd);
	free(process->program);
	free(process);
}

static int read_all(int fd, struct buf *output, const char *program, struct err *err)
{
	ssize_t got;

	do {
		if (buf_reserve(output, 65536) < 0)
			return buf_check(output, program, err);
		got = io_read(fd, output->data + output->len, output->capacity - output->len - 1, program,
		              err);
		if (got < 0)
			return -1;
		output->len += (size_t)got;
		output->data[output->len] = '\0';
	} while (got > 0);
	return 0;
}

int process_run(const struct process_spec *spec, struct buf *output, struct err *err)
{
	struct buf name = BUF_INIT;
	struct process *process = process_start(spec, err);
	int result = -1;

	if (!process)
		return -1;
	buf_addf(&name, "the output of %s", process->program);
	if (buf_check(&name, "a child process", err) < 0 ||
	    read_all(process->output, output, name.data, err) < 0)
		goto out;
	result = process_wait(process, NULL, err);
out:
	buf_release(&name);
	process_free(process);
	return result;
}
