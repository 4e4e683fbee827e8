#include <check.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "interrupt.h"
#include "jobs.h"

static int add_one(void *arg, struct err *err)
{
	(void)err;
	atomic_fetch_add((atomic_int *)arg, 1);
	return 0;
}

START_TEST(all_run_and_end)
{
	struct err err = ERR_INIT;
	atomic_int count = 0;
	struct jobs *jobs = jobs_new(&err);
	for (int i = 0; i < JOBS_LARGEST; i++)
		ck_assert_int_eq(jobs_start(jobs, add_one, &count, &err), 0);
	ck_assert_int_eq(jobs_start(jobs, add_one, &count, &err), -1);
	ck_assert_int_eq(err.kind, ERR_USAGE);
	err_clear(&err);
	ck_assert_int_eq(jobs_wait(jobs, &err), 0);
	ck_assert_int_eq(count, JOBS_LARGEST);
	/* And once more. */
	ck_assert_int_eq(jobs_start(jobs, add_one, &count, &err), 0);
	ck_assert_int_eq(jobs_wait(jobs, &err), 0);
	ck_assert_int_eq(count, JOBS_LARGEST + 1);
	jobs_free(jobs);
}
END_TEST

/* A thread that blocks as a query does: only its stop function ends it, and only when it is called
 * while the thread blocks. */
struct blocked {
	struct jobs *jobs;
	atomic_bool blocking;
	atomic_bool stopped;
	atomic_int stops;
};

static void stop_blocked(void *arg)
{
	struct blocked *blocked = arg;
	atomic_fetch_add(&blocked->stops, 1);
	if (atomic_load(&blocked->blocking))
		atomic_store(&blocked->stopped, true);
}

static int block(void *arg, struct err *err)
{
	struct blocked *blocked = arg;
	/* The first call of stop comes now, and passes it by. */
	while (atomic_load(&blocked->stops) == 0)
		usleep(1000);
	usleep(20000);
	atomic_store(&blocked->blocking, true);
	while (!atomic_load(&blocked->stopped))
		usleep(1000);
	return err_set(err, ERR_DATABASE, "canceling statement due to user request");
}

static int fail_first(void *arg, struct err *err)
{
	(void)arg;
	return err_set(err, ERR_INPUT, "the first error");
}

START_TEST(first_error_ends_those_that_block)
{
	struct err err = ERR_INIT;
	struct blocked blocked = { 0 };
	blocked.jobs = jobs_new(&err);
	ck_assert_int_eq(jobs_on_stop(blocked.jobs, stop_blocked, &blocked, &err), 0);
	ck_assert_int_eq(jobs_start(blocked.jobs, block, &blocked, &err), 0);
	ck_assert_int_eq(jobs_start(blocked.jobs, fail_first, NULL, &err), 0);
	ck_assert_int_eq(jobs_wait(blocked.jobs, &err), -1);
	ck_assert_int_eq(err.kind, ERR_INPUT);
	ck_assert_str_eq(err.message, "the first error");
	ck_assert_int_ge(blocked.stops, 2);
	jobs_free(blocked.jobs);
}
END_TEST

/* Waits for what never comes. */
struct waiting {
	struct jobs *jobs;
	pthread_mutex_t mutex;
	pthread_cond_t condition;
};

static int wait_forever(void *arg, struct err *err)
{
	struct waiting *waiting = arg;
	int result = 0;
	pthread_mutex_lock(&waiting->mutex);
	while (result == 0)
		result = jobs_sleep(waiting->jobs, &waiting->condition, &waiting->mutex, err);
	pthread_mutex_unlock(&waiting->mutex);
	return result;
}

START_TEST(failure_wakes_those_that_sleep)
{
	struct err err = ERR_INIT, mine = ERR_INIT;
	struct waiting waiting = { jobs_new(&err), PTHREAD_MUTEX_INITIALIZER,
		                   PTHREAD_COND_INITIALIZER };
	ck_assert_int_eq(jobs_start(waiting.jobs, wait_forever, &waiting, &err), 0);
	ck_assert_int_eq(jobs_check(waiting.jobs, &err), 0);
	err_set(&mine, ERR_SYSTEM, "disk full");
	jobs_fail(waiting.jobs, &mine);
	ck_assert_int_eq(jobs_check(waiting.jobs, &err), -1);
	ck_assert_str_eq(err.message, "disk full");
	err_clear(&err);
	ck_assert_int_eq(jobs_wait(waiting.jobs, &err), -1);
	ck_assert_str_eq(err.message, "disk full");
	jobs_free(waiting.jobs);
}
END_TEST

START_TEST(signal_ends_all)
{
	struct err err = ERR_INIT;
	interrupt_install();
	struct waiting waiting = { jobs_new(&err), PTHREAD_MUTEX_INITIALIZER,
		                   PTHREAD_COND_INITIALIZER };
	ck_assert_int_eq(jobs_start(waiting.jobs, wait_forever, &waiting, &err), 0);
	raise(SIGTERM);
	ck_assert_int_eq(jobs_wait(waiting.jobs, &err), -1);
	ck_assert_int_eq(err.kind, ERR_SIGNAL);
	ck_assert_int_eq(err.signal, SIGTERM);
	jobs_free(waiting.jobs);
}
END_TEST

/* Until the pipe is full; then write(2) blocks, and no poll(2) is in front of it. */
static int write_forever(void *arg, struct err *err)
{
	static const char bytes[65536];
	while (interrupt_check(err) == 0)
		if (write(*(int *)arg, bytes, sizeof(bytes)) == 0)
			break;
	return -1;
}

/* The signal comes to this thread, not to those that write. */
START_TEST(signal_ends_system_calls)
{
	struct err err = ERR_INIT;
	int fds[2];
	ck_assert_int_eq(pipe(fds), 0);
	interrupt_install();
	struct jobs *jobs = jobs_new(&err);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(jobs_start(jobs, write_forever, &fds[1], &err), 0);
	usleep(100000);
	raise(SIGTERM);
	ck_assert_int_eq(jobs_wait(jobs, &err), -1);
	ck_assert_int_eq(err.kind, ERR_SIGNAL);
	jobs_free(jobs);
}
END_TEST

START_TEST(free_ends_what_runs)
{
	struct err err = ERR_INIT;
	struct waiting waiting = { jobs_new(&err), PTHREAD_MUTEX_INITIALIZER,
		                   PTHREAD_COND_INITIALIZER };
	ck_assert_int_eq(jobs_start(waiting.jobs, wait_forever, &waiting, &err), 0);
	jobs_free(waiting.jobs);
	jobs_free(NULL);
}
END_TEST

START_TEST(processors_are_counted)
{
	ck_assert_int_ge(jobs_processors(), 1);
	ck_assert_int_le(jobs_processors(), JOBS_LARGEST);
}
END_TEST

Suite *test_core_jobs(void)
{
	Suite *suite = suite_create("core_jobs");
	TCase *tcase = tcase_create("core");
	tcase_add_test(tcase, all_run_and_end);
	tcase_add_test(tcase, first_error_ends_those_that_block);
	tcase_add_test(tcase, failure_wakes_those_that_sleep);
	tcase_add_test(tcase, signal_ends_all);
	tcase_add_test(tcase, signal_ends_system_calls);
	tcase_add_test(tcase, free_ends_what_runs);
	tcase_add_test(tcase, processors_are_counted);
	suite_add_tcase(suite, tcase);
	return suite;
}
