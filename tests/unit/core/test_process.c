#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interrupt.h"
#include "io.h"
#include "process.h"

Suite *test_core_process(void);

/* Runs `script` in a shell; its stdout in `output`. */
static int run_shell(const char *script, struct buf *output, struct err *err)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct process_spec spec = { .argv = argv, .stdin_fd = -1 };

	return process_run(&spec, output, err);
}

static void assert_fails(const char *script, const char *message)
{
	struct buf output = BUF_INIT;
	struct err err = ERR_INIT;

	ck_assert_int_eq(run_shell(script, &output, &err), -1);
	ck_assert_int_eq(err.kind, ERR_SYSTEM);
	ck_assert_str_eq(err.message, message);
	buf_release(&output);
}

static void assert_prints(const char *script, const char *wanted)
{
	struct buf output = BUF_INIT;
	struct err err = ERR_INIT;

	ck_assert_msg(run_shell(script, &output, &err) == 0, "%s", err.message);
	ck_assert_str_eq(output.data, wanted);
	buf_release(&output);
}

START_TEST(output_and_empty_stdin)
{
	assert_prints("echo out; echo err >&2; cat", "out\n");
	assert_prints("", "");
}
END_TEST

START_TEST(failures)
{
	assert_fails("exit 3", "sh failed with exit status 3");
	assert_fails("echo x; echo cause >&2; echo more >&2; exit 1",
	             "sh failed with exit status 1:\ncause\nmore");
	assert_fails("echo cause >&2; kill -9 $$", "sh was ended by signal 9 (Killed):\ncause");
}
END_TEST

START_TEST(cannot_run)
{
	static const struct {
		const char *program, *message;
	} cases[] = {
		{ "idkit-no-such-program", "cannot run idkit-no-such-program: No such file or directory" },
		{ "/dev/null", "cannot run /dev/null: Permission denied" },
	};
	const char *argv[] = { cases[_i].program, NULL };
	struct process_spec spec = { .argv = argv, .stdin_fd = -1 };
	struct err err = ERR_INIT;

	ck_assert_ptr_null(process_start(&spec, &err));
	ck_assert_int_eq(err.kind, ERR_SYSTEM);
	ck_assert_str_eq(err.message, cases[_i].message);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no zombie */
}
END_TEST

/* Neither stdout nor stderr may block the child for good, in whatever order they fill. */
START_TEST(a_megabyte_of_each)
{
	static const char script[] = "head -c 1000000 /dev/zero | tr '\\0' e >&2;"
	                             "head -c 1000000 /dev/zero | tr '\\0' o;"
	                             "head -c 1000000 /dev/zero | tr '\\0' e >&2; echo last >&2";
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct process_spec spec = { .argv = argv, .stdin_fd = -1 };
	struct buf said = BUF_INIT;
	struct err err = ERR_INIT;
	struct process *process = process_start(&spec, &err);
	char *data = malloc(1000001);

	ck_assert_int_eq(io_read_full(process_output(process), data, 1000001, "sh", &err), 1000000);
	ck_assert_int_eq(process_wait(process, &said, &err), 0);
	ck_assert_uint_eq(said.len, PROCESS_STDERR_BYTES);
	ck_assert_str_eq(said.data + said.len - 6, "elast\n");
	process_free(process);
	buf_release(&said);
	free(data);
}
END_TEST

START_TEST(message_shows_the_end_of_stderr)
{
	struct buf output = BUF_INIT;
	struct err err = ERR_INIT;

	ck_assert_int_eq(
	    run_shell("for i in $(seq 10000); do echo line $i >&2; done; exit 1", &output, &err), -1);
	size_t len = strlen(err.message);
	ck_assert_uint_lt(len, ERR_MESSAGE_BYTES - 1);
	ck_assert_str_eq(err.message + len - strlen("\nline 9999\nline 10000"),
	                 "\nline 9999\nline 10000");
	ck_assert_mem_eq(err.message, "sh failed with exit status 1:\nline 9", 36);
	buf_release(&output);
}
END_TEST

START_TEST(environment)
{
	const char *const argv[] = { "sh", "-c", "echo \"$A|$B|${C-unset}|$D\"", NULL };
	const char *const set[] = { "A", "new=1", "B", "", NULL };
	const char *const unset[] = { "C", "NOT_THERE", NULL };
	struct process_spec spec = { .argv = argv, .set_env = set, .unset_env = unset, .stdin_fd = -1 };
	struct buf output = BUF_INIT;
	struct err err = ERR_INIT;

	setenv("A", "old", 1);
	setenv("B", "old", 1);
	setenv("C", "old", 1);
	setenv("D", "kept", 1);
	ck_assert_int_eq(process_run(&spec, &output, &err), 0);
	ck_assert_str_eq(output.data, "new=1||unset|kept\n");
	ck_assert_str_eq(getenv("A"), "old");
	buf_release(&output);
}
END_TEST

START_TEST(stdin_is_passed_on)
{
	const char *const argv[] = { "cat", NULL };
	struct process_spec spec = { .argv = argv };
	struct buf output = BUF_INIT;
	struct err err = ERR_INIT;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], "abc", 3), 3);
	close(fds[1]);
	spec.stdin_fd = fds[0];
	ck_assert_int_eq(process_run(&spec, &output, &err), 0);
	ck_assert_str_eq(output.data, "abc");
	ck_assert_int_eq(close(fds[0]), 0); /* borrowed */
	buf_release(&output);
}
END_TEST

/* With 0, 1 and 2 closed our own pipes get these numbers. */
START_TEST(standard_descriptors_closed)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct buf output = BUF_INIT;
		struct err err = ERR_INIT;
		close(0);
		close(1);
		close(2);
		int result = run_shell("cat; echo out; echo err >&2; exit 4", &output, &err);
		_exit(result == -1 && strcmp(output.data, "out\n") == 0 &&
		              strcmp(err.message, "sh failed with exit status 4:\nerr") == 0
		          ? 0
		          : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* We ignore SIGPIPE; the child must not, or "yes" would go on after a failed write. */
START_TEST(signals_are_the_childs_own)
{
	/* glibc's own 32 and 33 may come to us ignored (a child of make, by posix_spawn), and nothing
	 * in glibc can change that. */
	const unsigned long long glibc = 3ULL << 31;
	struct buf output = BUF_INIT;
	struct err err = ERR_INIT;
	unsigned long long blocked, ignored, caught;
	sigset_t block;

	interrupt_install();
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &block, NULL);
	ck_assert_int_eq(
	    run_shell("cat /proc/self/status | grep -E '^Sig(Blk|Ign|Cgt)' | cut -f2", &output, &err), 0);
	ck_assert_int_eq(sscanf(output.data, "%llx %llx %llx", &blocked, &ignored, &caught), 3);
	ck_assert_uint_eq(blocked & ~glibc, 0);
	ck_assert_uint_eq(ignored & ~glibc, 0);
	ck_assert_uint_eq(caught & ~glibc, 0);
	buf_release(&output);
}
END_TEST

START_TEST(wait_closes_the_output_first)
{
	const char *const argv[] = { "yes", NULL };
	struct process_spec spec = { .argv = argv, .stdin_fd = -1 };
	struct err err = ERR_INIT;

	interrupt_install();
	struct process *process = process_start(&spec, &err);
	ck_assert_int_eq(process_wait(process, NULL, &err), -1);
	ck_assert_str_eq(err.message, "yes was ended by signal 13 (Broken pipe)");
	process_free(process);
}
END_TEST

START_TEST(free_ends_the_child)
{
	const char *const argv[] = { "sleep", "1000", NULL };
	struct process_spec spec = { .argv = argv, .stdin_fd = -1 };
	struct err err = ERR_INIT;

	process_free(process_start(&spec, &err));
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	process_free(NULL);
}
END_TEST

START_TEST(interrupt_ends_the_wait)
{
	const char *const argv[] = { "sleep", "1000", NULL };
	struct process_spec spec = { .argv = argv, .stdin_fd = -1 };
	struct err err = ERR_INIT;

	interrupt_install();
	struct process *process = process_start(&spec, &err);
	pid_t parent = getpid(), killer = -1;
	if (_i == 0)
		raise(SIGINT);
	else if ((killer = fork()) == 0) {
		usleep(100000);
		kill(parent, SIGINT);
		_exit(0);
	}
	ck_assert_int_eq(process_wait(process, NULL, &err), -1);
	ck_assert_int_eq(err.kind, ERR_SIGNAL);
	ck_assert_int_eq(err.signal, SIGINT);
	process_free(process);
	if (killer > 0)
		waitpid(killer, NULL, 0);
}
END_TEST

START_TEST(interrupt_ends_the_run)
{
	const char *const argv[] = { "sh", "-c", "kill -INT $PPID; exec sleep 1000", NULL };
	struct process_spec spec = { .argv = argv, .stdin_fd = -1 };
	struct buf output = BUF_INIT;
	struct err err = ERR_INIT;

	interrupt_install();
	ck_assert_int_eq(process_run(&spec, &output, &err), -1);
	ck_assert_int_eq(err.kind, ERR_SIGNAL);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	buf_release(&output);
}
END_TEST

/* A clean-up's child is not ended by the signal that caused the clean-up. */
START_TEST(held_interrupt_leaves_the_child)
{
	interrupt_install();
	interrupt_hold();
	raise(SIGINT);
	assert_prints("sleep 0.1; echo done", "done\n");
	interrupt_release();
}
END_TEST

/* The child tells its pid through a pipe that stays open as long as it lives. */
START_TEST(child_dies_with_us)
{
	const char *const argv[] = { "sh", "-c", "echo $$ >&0; exec sleep 1000", NULL };
	struct process_spec spec = { .argv = argv };
	struct err err = ERR_INIT;
	char text[32];
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	spec.stdin_fd = fds[1];
	pid_t pid = fork();
	if (pid == 0) {
		process_start(&spec, &err);
		pause();
	}
	close(fds[1]);
	ck_assert_int_gt(read(fds[0], text, sizeof(text)), 0);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(read(fds[0], text, sizeof(text)), 0);
	close(fds[0]);
}
END_TEST

Suite *test_core_process(void)
{
	Suite *suite = suite_create("core/process");
	TCase *tc = tcase_create("process");

	tcase_add_test(tc, output_and_empty_stdin);
	tcase_add_test(tc, failures);
	tcase_add_loop_test(tc, cannot_run, 0, 2);
	tcase_add_test(tc, a_megabyte_of_each);
	tcase_add_test(tc, message_shows_the_end_of_stderr);
	tcase_add_test(tc, environment);
	tcase_add_test(tc, stdin_is_passed_on);
	tcase_add_test(tc, standard_descriptors_closed);
	tcase_add_test(tc, signals_are_the_childs_own);
	tcase_add_test(tc, wait_closes_the_output_first);
	tcase_add_test(tc, free_ends_the_child);
	tcase_add_loop_test(tc, interrupt_ends_the_wait, 0, 2);
	tcase_add_test(tc, interrupt_ends_the_run);
	tcase_add_test(tc, held_interrupt_leaves_the_child);
	tcase_add_test(tc, child_dies_with_us);
	suite_add_tcase(suite, tc);
	return suite;
}
