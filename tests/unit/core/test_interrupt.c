#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interrupt.h"

Suite *test_core_interrupt(void);

static atomic_int calls;

static void count_call(void *arg)
{
	atomic_fetch_add(&calls, *(int *)arg);
}

static bool fd_is_readable(void)
{
	struct pollfd wait = { .fd = interrupt_fd(), .events = POLLIN };
	return poll(&wait, 1, 0) == 1;
}

START_TEST(signal_becomes_error)
{
	static const char *const messages[] = {
		[SIGINT] = "interrupted by SIGINT",
		[SIGTERM] = "interrupted by SIGTERM",
		[SIGHUP] = "interrupted by SIGHUP",
	};
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct err err = ERR_INIT;
	int number = signals[_i];

	interrupt_install();
	ck_assert_int_eq(interrupt_signal(), 0);
	ck_assert_int_eq(interrupt_check(&err), 0);
	ck_assert_int_eq(interrupt_explain(&err), 0);
	ck_assert(!fd_is_readable());
	raise(number);
	ck_assert_int_eq(interrupt_signal(), number);
	ck_assert(fd_is_readable());
	ck_assert_int_eq(interrupt_check(&err), -1);
	ck_assert_int_eq(err.kind, ERR_SIGNAL);
	ck_assert_int_eq(err_exit_status(&err), 128 + number);
	ck_assert_str_eq(err.message, messages[number]);
}
END_TEST

START_TEST(first_signal_wins)
{
	interrupt_install();
	raise(SIGTERM);
	raise(SIGINT);
	raise(SIGINT);
	ck_assert_int_eq(interrupt_signal(), SIGTERM);
}
END_TEST

START_TEST(explain_replaces)
{
	struct err err = ERR_INIT;

	interrupt_install();
	err_set(&err, ERR_DATABASE, "canceling statement due to user request");
	ck_assert_int_eq(interrupt_explain(&err), 0);
	ck_assert_int_eq(err.kind, ERR_DATABASE);
	raise(SIGINT);
	ck_assert_int_eq(interrupt_check(&err), -1);
	ck_assert_int_eq(err.kind, ERR_DATABASE);
	ck_assert_int_eq(err.signal, 0);
	ck_assert_int_eq(interrupt_explain(&err), -1);
	ck_assert_int_eq(err.kind, ERR_SIGNAL);
	ck_assert_int_eq(err.signal, SIGINT);
}
END_TEST

START_TEST(cancels_are_called)
{
	int one = 1, hundred = 100;

	interrupt_install();
	int first = interrupt_set_cancel(count_call, &one);
	int second = interrupt_set_cancel(count_call, &hundred);
	ck_assert_int_ne(first, second);
	raise(SIGINT);
	ck_assert_int_eq(atomic_load(&calls), 101);
	interrupt_clear_cancel(first);
	interrupt_clear_cancel(first); /* nothing */
	interrupt_clear_cancel(-1);
	raise(SIGINT); /* a query that began after the first signal */
	ck_assert_int_eq(atomic_load(&calls), 201);
}
END_TEST

START_TEST(slots_run_out_and_come_back)
{
	int one = 1;

	interrupt_install();
	for (int i = 0; i < INTERRUPT_CANCELS; i++)
		ck_assert_int_ge(interrupt_set_cancel(count_call, &one), 0);
	ck_assert_int_eq(interrupt_set_cancel(count_call, &one), -1);
	interrupt_clear_cancel(7);
	ck_assert_int_eq(interrupt_set_cancel(count_call, &one), 7);
	raise(SIGTERM);
	ck_assert_int_eq(atomic_load(&calls), INTERRUPT_CANCELS);
}
END_TEST

START_TEST(hold_postpones)
{
	struct err err = ERR_INIT;
	int one = 1;

	interrupt_install();
	interrupt_set_cancel(count_call, &one);
	interrupt_hold();
	interrupt_hold();
	raise(SIGINT);
	interrupt_release();
	ck_assert_int_eq(interrupt_check(&err), 0);
	ck_assert_int_eq(interrupt_explain(&err), 0);
	ck_assert_int_eq(interrupt_fd(), -1);
	ck_assert_int_eq(atomic_load(&calls), 0);
	ck_assert_int_eq(interrupt_signal(), SIGINT);
	interrupt_release();
	ck_assert_int_eq(atomic_load(&calls), 1);
	ck_assert(fd_is_readable());
	ck_assert_int_eq(interrupt_check(&err), -1);
	/* Made up for once only. */
	interrupt_hold();
	interrupt_release();
	ck_assert_int_eq(atomic_load(&calls), 1);
}
END_TEST

START_TEST(ignored_stays_ignored)
{
	struct sigaction old;

	signal(SIGHUP, SIG_IGN);
	interrupt_install();
	ck_assert_int_eq(raise(SIGHUP), 0);
	ck_assert_int_eq(interrupt_signal(), 0);
	ck_assert_int_eq(sigaction(SIGPIPE, NULL, &old), 0);
	ck_assert(old.sa_handler == SIG_IGN);
	raise(SIGINT);
	ck_assert_int_eq(interrupt_signal(), SIGINT);
}
END_TEST

/* What the shell sees is the signal, not an exit status. */
START_TEST(end_by_signal)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		interrupt_install();
		raise(SIGTERM);
		interrupt_end(interrupt_signal());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGTERM);
}
END_TEST

Suite *test_core_interrupt(void)
{
	Suite *suite = suite_create("core/interrupt");
	TCase *tc = tcase_create("interrupt");

	tcase_add_loop_test(tc, signal_becomes_error, 0, 3);
	tcase_add_test(tc, first_signal_wins);
	tcase_add_test(tc, explain_replaces);
	tcase_add_test(tc, cancels_are_called);
	tcase_add_test(tc, slots_run_out_and_come_back);
	tcase_add_test(tc, hold_postpones);
	tcase_add_test(tc, ignored_stays_ignored);
	tcase_add_test(tc, end_by_signal);
	suite_add_tcase(suite, tc);
	return suite;
}
