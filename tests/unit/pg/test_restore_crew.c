/* Workers without connections: what they wait for, and whose error counts. */
#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "jobs.h"
#include "restore_crew.h"

Suite *test_pg_restore_crew(void);

struct fake {
	struct crew_task task;
	atomic_bool *go; /* it runs until then */
	const char *failure;
	atomic_int *ended;
};

static atomic_int begun = 0;

static int run_fake(struct crew_worker *worker, struct crew_task *task, struct err *err)
{
	const struct fake *fake = (struct fake *)task;
	(void)worker;
	atomic_fetch_add(&begun, 1);
	while (!atomic_load(fake->go))
		usleep(1000);
	return fake->failure ? err_set(err, ERR_DATABASE, "%s", fake->failure) : 0;
}

static void free_fake(struct crew_task *task)
{
	atomic_fetch_add(((struct fake *)task)->ended, 1);
	free(task);
}

static atomic_bool now = true;

static void add(struct crew *crew, size_t bytes, atomic_bool *go, const char *failure,
                atomic_int *ended)
{
	struct err err = ERR_INIT;
	struct fake *fake = calloc(1, sizeof(*fake));
	ck_assert_ptr_nonnull(fake);
	fake->task.bytes = bytes;
	fake->task.run = run_fake;
	fake->task.free = free_fake;
	fake->go = go;
	fake->failure = failure;
	fake->ended = ended;
	ck_assert_int_eq(crew_add(crew, &fake->task, &err), 0);
}

static struct crew *new_crew(unsigned jobs, size_t bytes)
{
	const struct crew_options options = { .jobs = jobs, .bytes = bytes };
	struct err err = ERR_INIT;
	struct crew *crew = crew_new(&options, &err);
	ck_assert_ptr_nonnull(crew);
	return crew;
}

static void wait_for_room(struct crew *crew)
{
	struct err err = ERR_INIT;
	ck_assert_int_eq(crew_wait_for_room(crew, &err), 0);
}

static void drain(struct crew *crew)
{
	struct err err = ERR_INIT;
	ck_assert_int_eq(crew_drain(crew, &err), 0);
}

static int set_soon(void *arg, struct err *err)
{
	(void)err;
	usleep(50000);
	atomic_store((atomic_bool *)arg, true);
	return 0;
}

static struct jobs *soon(atomic_bool *go)
{
	struct err err = ERR_INIT;
	struct jobs *jobs = jobs_new(&err);
	ck_assert_int_eq(jobs_start(jobs, set_soon, go, &err), 0);
	return jobs;
}

/* Two a worker may wait, one a worker runs. */
START_TEST(tasks_without_bytes_are_counted)
{
	struct crew *crew = new_crew(1, 0);
	atomic_bool go = false;
	atomic_int ended = 0;
	add(crew, 0, &go, NULL, &ended);
	add(crew, 0, &go, NULL, &ended);
	wait_for_room(crew);
	ck_assert_int_eq(ended, 0);
	add(crew, 0, &go, NULL, &ended);
	struct jobs *jobs = soon(&go);
	wait_for_room(crew);
	ck_assert_int_ge(ended, 1);
	drain(crew);
	ck_assert_int_eq(ended, 3);
	crew_free(crew);
	jobs_free(jobs);
}
END_TEST

/* What runs is in memory, too. */
START_TEST(bytes_are_held_until_a_task_is_freed)
{
	struct crew *crew = new_crew(2, 100);
	atomic_bool go = false;
	atomic_int ended = 0;
	add(crew, 120, &go, NULL, &ended);
	add(crew, 80, &go, NULL, &ended);
	wait_for_room(crew);
	ck_assert_int_eq(ended, 0);
	add(crew, 1, &go, NULL, &ended);
	struct jobs *jobs = soon(&go);
	wait_for_room(crew);
	ck_assert_int_ge(ended, 1);
	drain(crew);
	/* All of it is given back; one that is larger than all room comes in by itself. */
	add(crew, 200, &now, NULL, &ended);
	wait_for_room(crew);
	add(crew, 1000, &now, NULL, &ended);
	wait_for_room(crew);
	ck_assert_int_ge(ended, 5 - 1);
	drain(crew);
	ck_assert_int_eq(ended, 5);
	crew_free(crew);
	jobs_free(jobs);
}
END_TEST

START_TEST(a_workers_error_that_came_first_is_the_one)
{
	struct crew *crew = new_crew(2, 0);
	struct err err = ERR_INIT, later = ERR_INIT;
	atomic_int ended = 0;
	add(crew, 0, &now, "a row was refused", &ended);
	ck_assert_int_eq(crew_drain(crew, &err), -1);
	ck_assert_str_eq(err.message, "a row was refused");
	err_set(&later, ERR_INPUT, "the pipe has ended");
	ck_assert_int_eq(crew_fail(crew, &later), -1);
	ck_assert_str_eq(later.message, "a row was refused");
	ck_assert_int_eq(later.kind, ERR_DATABASE);
	crew_free(crew);
	ck_assert_int_eq(ended, 1);
}
END_TEST

/* What fails in a worker behind it, fails because of it, or would have been the next error. */
START_TEST(the_sinks_error_that_came_first_is_the_one)
{
	struct crew *crew = new_crew(2, 0);
	struct err err = ERR_INIT, later = ERR_INIT;
	atomic_bool go = false;
	atomic_int ended = 0;
	add(crew, 0, &go, "canceling statement due to user request", &ended);
	while (begun == 0)
		usleep(1000);
	err_set(&err, ERR_INPUT, "the stream is damaged");
	ck_assert_int_eq(crew_fail(crew, &err), -1);
	ck_assert_str_eq(err.message, "the stream is damaged");
	atomic_store(&go, true);
	while (ended == 0)
		usleep(1000);
	/* As when source_run() comes back with it. */
	ck_assert_int_eq(crew_fail(crew, &err), -1);
	ck_assert_str_eq(err.message, "the stream is damaged");
	ck_assert_int_eq(crew_drain(crew, &later), -1);
	ck_assert_str_eq(later.message, "the stream is damaged");
	crew_free(crew);
}
END_TEST

/* All are told at once, and no next task begins. */
START_TEST(the_sinks_error_ends_the_workers)
{
	struct crew *crew = new_crew(1, 0);
	struct err err = ERR_INIT;
	atomic_bool go = false;
	atomic_int ended = 0;
	add(crew, 0, &go, NULL, &ended);
	while (begun == 0)
		usleep(1000);
	add(crew, 0, &now, NULL, &ended);
	err_set(&err, ERR_INPUT, "the stream is damaged");
	crew_fail(crew, &err);
	atomic_store(&go, true);
	crew_free(crew);
	ck_assert_int_eq(begun, 1);
	ck_assert_int_eq(ended, 2);
	ck_assert_str_eq(err.message, "the stream is damaged");
}
END_TEST

Suite *test_pg_restore_crew(void)
{
	Suite *suite = suite_create("pg_restore_crew");
	TCase *tcase = tcase_create("crew");
	tcase_add_test(tcase, tasks_without_bytes_are_counted);
	tcase_add_test(tcase, bytes_are_held_until_a_task_is_freed);
	tcase_add_test(tcase, a_workers_error_that_came_first_is_the_one);
	tcase_add_test(tcase, the_sinks_error_that_came_first_is_the_one);
	tcase_add_test(tcase, the_sinks_error_ends_the_workers);
	suite_add_tcase(suite, tcase);
	return suite;
}
