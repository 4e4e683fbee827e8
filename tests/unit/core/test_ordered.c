#include <check.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "interrupt.h"
#include "ordered.h"

#define COUNT 1000

struct item {
	int number;
	int worked; /* number * 2, by some thread */
};

struct run {
	struct item items[64];
	int results[COUNT];
	int result_count;
	atomic_int working;
	atomic_int most;    /* at once */
	atomic_int fail_at; /* the number whose work fails; -1: none */
	int refuse_at;      /* whose delivery fails */
	int jobs;
};

static int work(void *context, void *arg, int worker, struct err *err)
{
	struct run *run = context;
	struct item *item = arg;
	ck_assert_int_ge(worker, 0);
	ck_assert_int_lt(worker, run->jobs);
	int now = atomic_fetch_add(&run->working, 1) + 1;
	int most = atomic_load(&run->most);
	while (now > most && !atomic_compare_exchange_weak(&run->most, &most, now))
		;
	/* Later ones are often done before earlier ones. */
	if (item->number % 3 == 0)
		usleep(200);
	item->worked = item->number * 2;
	atomic_fetch_sub(&run->working, 1);
	if (item->number == run->fail_at)
		return err_set(err, ERR_INPUT, "item %d is damaged", item->number);
	return 0;
}

static int deliver(void *context, void *arg, struct err *err)
{
	struct run *run = context;
	const struct item *item = arg;
	if (item->number == run->refuse_at)
		return err_set(err, ERR_SYSTEM, "no room for item %d", item->number);
	run->results[run->result_count++] = item->worked;
	return 0;
}

static struct ordered *begin(struct run *run, int jobs)
{
	struct err err = ERR_INIT;
	*run = (struct run){ .fail_at = -1, .refuse_at = -1, .jobs = jobs };
	const struct ordered_options options = {
		.jobs = jobs,
		.items = run->items,
		.item_size = sizeof(run->items[0]),
		.context = run,
		.work = work,
		.deliver = deliver,
	};
	ck_assert_uint_le(ordered_items(jobs), 64);
	struct ordered *ordered = ordered_new(&options, &err);
	ck_assert_ptr_nonnull(ordered);
	return ordered;
}

static int submit_all(struct ordered *ordered, struct err *err)
{
	for (int i = 0; i < COUNT; i++) {
		struct item *item = ordered_next(ordered, err);
		if (!item)
			return -1;
		*item = (struct item){ .number = i };
		if (ordered_submit(ordered, err) < 0)
			return -1;
	}
	return ordered_drain(ordered, err);
}

static const int job_counts[] = { 1, 2, 8, 32 };

START_TEST(results_come_in_order)
{
	struct run run;
	struct err err = ERR_INIT;
	int jobs = job_counts[_i];
	struct ordered *ordered = begin(&run, jobs);
	ck_assert_msg(submit_all(ordered, &err) == 0, "%s", err.message);
	ck_assert_int_eq(run.result_count, COUNT);
	for (int i = 0; i < COUNT; i++)
		ck_assert_int_eq(run.results[i], 2 * i);
	ck_assert_int_le(run.most, jobs);
	if (jobs > 1)
		ck_assert_int_gt(run.most, 1);
	/* And once more after a drain. */
	run.result_count = 0;
	ck_assert_int_eq(submit_all(ordered, &err), 0);
	ck_assert_int_eq(run.result_count, COUNT);
	ordered_free(ordered);
}
END_TEST

START_TEST(an_error_of_work_comes_out)
{
	struct run run;
	struct err err = ERR_INIT;
	struct ordered *ordered = begin(&run, job_counts[_i]);
	run.fail_at = 500;
	ck_assert_int_eq(submit_all(ordered, &err), -1);
	ck_assert_str_eq(err.message, "item 500 is damaged");
	ck_assert_int_eq(err.kind, ERR_INPUT);
	/* Nothing behind it is delivered. */
	ck_assert_int_le(run.result_count, 500);
	ordered_free(ordered);
}
END_TEST

START_TEST(an_error_of_delivery_comes_out)
{
	struct run run;
	struct err err = ERR_INIT;
	struct ordered *ordered = begin(&run, job_counts[_i]);
	run.refuse_at = 999;
	ck_assert_int_eq(submit_all(ordered, &err), -1);
	ck_assert_str_eq(err.message, "no room for item 999");
	ck_assert_int_eq(run.result_count, 999);
	ordered_free(ordered);
}
END_TEST

/* What waits is not worked on, what runs is waited for: the items are gone behind ordered_free().
 */
START_TEST(freed_in_the_middle)
{
	struct run *run = malloc(sizeof(*run));
	struct err err = ERR_INIT;
	struct ordered *ordered = begin(run, 8);
	for (int i = 0; i < 16; i++) {
		struct item *item = ordered_next(ordered, &err);
		*item = (struct item){ .number = i };
		ck_assert_int_eq(ordered_submit(ordered, &err), 0);
	}
	ordered_free(ordered);
	ck_assert_int_eq(run->working, 0);
	ck_assert_int_eq(run->result_count, 0);
	free(run);
	ordered_free(NULL);
}
END_TEST

START_TEST(a_signal_ends_it)
{
	struct run run;
	struct err err = ERR_INIT;
	interrupt_install();
	struct ordered *ordered = begin(&run, 2);
	raise(SIGTERM);
	ck_assert_int_eq(submit_all(ordered, &err), -1);
	ck_assert_int_eq(err.kind, ERR_SIGNAL);
	ordered_free(ordered);
}
END_TEST

Suite *test_core_ordered(void);
Suite *test_core_ordered(void)
{
	Suite *suite = suite_create("core/ordered");
	TCase *tcase = tcase_create("ordered");
	const int counts = sizeof(job_counts) / sizeof(job_counts[0]);
	tcase_add_loop_test(tcase, results_come_in_order, 0, counts);
	tcase_add_loop_test(tcase, an_error_of_work_comes_out, 0, counts);
	tcase_add_loop_test(tcase, an_error_of_delivery_comes_out, 0, counts);
	tcase_add_test(tcase, freed_in_the_middle);
	tcase_add_test(tcase, a_signal_ends_it);
	suite_add_tcase(suite, tcase);
	return suite;
}
