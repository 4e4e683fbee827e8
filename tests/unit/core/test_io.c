#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interrupt.h"
#include "io.h"

Suite *test_core_io(void);

/* Writes the digits to the descriptor one at a time, so that the reader gets them in pieces. */
static void *write_slowly(void *arg)
{
	for (int i = 0; i < 10; i++) {
		char digit = (char)('0' + i);
		ck_assert_int_eq(write(*(int *)arg, &digit, 1), 1);
		usleep(1000);
	}
	close(*(int *)arg);
	return NULL;
}

START_TEST(read_full_joins_pieces)
{
	struct err err = ERR_INIT;
	pthread_t writer;
	char data[16] = "";
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(pthread_create(&writer, NULL, write_slowly, &fds[1]), 0);
	ck_assert_int_eq(io_read_full(fds[0], data, 4, "a pipe", &err), 4);
	ck_assert_str_eq(data, "0123");
	ck_assert_int_eq(io_read_full(fds[0], data, sizeof(data), "a pipe", &err), 6);
	ck_assert_mem_eq(data, "456789", 6);
	ck_assert_int_eq(io_read_full(fds[0], data, sizeof(data), "a pipe", &err), 0);
	ck_assert_int_eq(io_read(fds[0], data, sizeof(data), "a pipe", &err), 0);
	ck_assert(!err_is_set(&err));
	pthread_join(writer, NULL);
	close(fds[0]);
}
END_TEST

START_TEST(errors_are_named)
{
	struct err err = ERR_INIT;
	char byte = 'x';
	int full = open("/dev/full", O_WRONLY);

	ck_assert_int_eq(io_read(-1, &byte, 1, "k.sql", &err), -1);
	ck_assert_str_eq(err.message, "cannot read k.sql: Bad file descriptor");
	err_clear(&err);
	ck_assert_int_eq(io_write(full, &byte, 1, "k.sql", &err), -1);
	ck_assert_int_eq(err.kind, ERR_SYSTEM);
	ck_assert_str_eq(err.message, "cannot write k.sql: No space left on device");
	close(full);
}
END_TEST

START_TEST(reader_gone)
{
	struct err err = ERR_INIT;
	int fds[2];

	interrupt_install();
	ck_assert_int_eq(pipe(fds), 0);
	close(fds[0]);
	ck_assert_int_eq(io_write(fds[1], "x", 1, "k.sql", &err), -1);
	ck_assert_int_eq(err.kind, ERR_SYSTEM);
	ck_assert_str_eq(err.message, "cannot write k.sql: the reader has gone away");
	close(fds[1]);
}
END_TEST

/* More than a pipe holds: write(2) is short, whether the descriptor blocks or not. */
START_TEST(write_all)
{
	struct err err = ERR_INIT;
	size_t len = 1000000;
	char *data = calloc(1, len);
	int fds[2], status;

	ck_assert_int_eq(pipe2(fds, _i ? O_NONBLOCK : 0), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char *got = calloc(1, len + 1);
		close(fds[1]);
		_exit(io_read_full(fds[0], got, len + 1, "a pipe", &err) == (ssize_t)len ? 0 : 1);
	}
	close(fds[0]);
	ck_assert_int_eq(io_write(fds[1], data, len, "a pipe", &err), 0);
	close(fds[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	free(data);
}
END_TEST

static void *interrupt_soon(void *arg)
{
	(void)arg;
	usleep(50000);
	kill(getpid(), SIGTERM); /* this thread takes it: the other is in poll(2) */
	usleep(50000);
	return NULL;
}

static void *interrupt_with_reader_masked(void *arg)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	pthread_sigmask(SIG_UNBLOCK, &term, NULL);
	return interrupt_soon(arg);
}

/* The reader blocks the signal, so that read(2) would never see EINTR: the descriptor wakes it. */
START_TEST(interrupt_in_other_thread_ends_read)
{
	struct err err = ERR_INIT;
	pthread_t thread;
	sigset_t term;
	char byte;
	int fds[2];

	interrupt_install();
	ck_assert_int_eq(pipe(fds), 0);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &term, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_with_reader_masked, NULL), 0);
	ck_assert_int_eq(io_read(fds[0], &byte, 1, "a pipe", &err), -1);
	ck_assert_int_eq(err.kind, ERR_SIGNAL);
	ck_assert_int_eq(err.signal, SIGTERM);
	pthread_join(thread, NULL);
}
END_TEST

Suite *test_core_io(void)
{
	Suite *suite = suite_create("core/io");
	TCase *tc = tcase_create("io");

	tcase_add_test(tc, read_full_joins_pieces);
	tcase_add_test(tc, errors_are_named);
	tcase_add_test(tc, reader_gone);
	tcase_add_loop_test(tc, write_all, 0, 2);
	tcase_add_test(tc, interrupt_in_other_thread_ends_read);
	suite_add_tcase(suite, tc);
	return suite;
}
