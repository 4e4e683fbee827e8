/* Which tables are cut, and that every page of each is read once. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "dump_plan.h"

Suite *test_pg_dump_plan(void);

#define MIB  ((uint64_t)1 << 20)
#define PAGE 8192

#define MOST_TABLES 64

static struct catalog_table tables[MOST_TABLES];
static struct catalog catalog;

static void begin(void)
{
	memset(tables, 0, sizeof(tables));
	catalog = (struct catalog){ .tables = tables };
}

static struct catalog_table *add(uint64_t bytes)
{
	struct catalog_table *table = &tables[catalog.table_count++];
	*table = (struct catalog_table){ .condition = "", .bytes = bytes, .is_heap = true };
	return table;
}

static struct dump_plan plan_of(int jobs, bool all_ordered, uint32_t page_bytes)
{
	struct err err = ERR_INIT;
	struct dump_plan plan;
	ck_assert_int_eq(dump_plan_make(&catalog, jobs, all_ordered, page_bytes, &plan, &err), 0);
	return plan;
}

/* The part that begins with this page, or NULL. */
static const struct data_part *part_at(const struct dump_plan *plan,
                                       const struct catalog_table *table, uint32_t page)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->tasks[i].part.table == table && plan->tasks[i].part.first_page == page)
			return &plan->tasks[i].part;
	return NULL;
}

/* The parts of a table follow one another from its first page on, and the last one is open. */
static size_t parts_of(const struct dump_plan *plan, const struct catalog_table *table)
{
	const struct data_part *part = part_at(plan, table, 0);
	size_t parts = 1;
	for (; part && part->end_page > 0; parts++) {
		ck_assert_uint_gt(part->end_page, part->first_page);
		part = part_at(plan, table, part->end_page);
	}
	ck_assert_msg(part != NULL, "some pages are nobody's");
	return parts;
}

static size_t tasks_of(const struct dump_plan *plan, const struct catalog_table *table)
{
	size_t count = 0;
	for (size_t i = 0; i < plan->count; i++)
		count += plan->tasks[i].part.table == table;
	return count;
}

static void check_order(const struct dump_plan *plan)
{
	for (size_t i = plan->ordered_count + 1; i < plan->count; i++)
		ck_assert_uint_ge(plan->tasks[i - 1].bytes, plan->tasks[i].bytes);
}

START_TEST(one_job_keeps_the_catalogs_order)
{
	begin();
	for (uint64_t i = 0; i < 10; i++)
		add(i * 100 * MIB);
	struct dump_plan plan = plan_of(1, false, PAGE);
	ck_assert_uint_eq(plan.count, 10);
	ck_assert_uint_eq(plan.ordered_count, 10);
	for (size_t i = 0; i < 10; i++) {
		ck_assert_ptr_eq(plan.tasks[i].part.table, &tables[i]);
		ck_assert(data_part_is_whole(&plan.tasks[i].part));
	}
	dump_plan_release(&plan);
}
END_TEST

START_TEST(largest_come_first)
{
	begin();
	for (uint64_t i = 0; i < 10; i++)
		add((i * 7 % 10) * MIB);
	struct dump_plan plan = plan_of(4, false, PAGE);
	ck_assert_uint_eq(plan.count, 10);
	ck_assert_uint_eq(plan.ordered_count, 0);
	ck_assert_uint_eq(plan.bytes, 45 * MIB);
	check_order(&plan);
	dump_plan_release(&plan);
}
END_TEST

START_TEST(one_large_table_is_cut)
{
	begin();
	struct catalog_table *large = add(4096 * MIB);
	add(MIB);
	struct dump_plan plan = plan_of(4, false, PAGE);
	ck_assert_uint_eq(parts_of(&plan, large), tasks_of(&plan, large));
	ck_assert_uint_ge(tasks_of(&plan, large), 16);
	ck_assert_uint_eq(tasks_of(&plan, &tables[1]), 1);
	check_order(&plan);
	dump_plan_release(&plan);
}
END_TEST

/* Four of the same size for two jobs are even: nothing is gained by cutting them. */
START_TEST(even_tables_stay_whole)
{
	begin();
	for (int i = 0; i < 4; i++)
		add(1000 * MIB);
	struct dump_plan plan = plan_of(2, false, PAGE);
	ck_assert_uint_eq(plan.count, 4);
	dump_plan_release(&plan);
	/* A fifth one would leave a job without work. */
	add(1000 * MIB);
	plan = plan_of(2, false, PAGE);
	ck_assert_uint_gt(plan.count, 5);
	size_t whole = 0;
	for (size_t i = 0; i < plan.count; i++)
		whole += data_part_is_whole(&plan.tasks[i].part);
	ck_assert_uint_eq(whole, 4);
	dump_plan_release(&plan);
}
END_TEST

START_TEST(what_cannot_be_cut)
{
	begin();
	add(4096 * MIB)->is_heap = false;
	add(4096 * MIB)->condition = "WHERE a > 0";
	add(31 * MIB);
	add(0)->toast_bytes = 4096 * MIB;
	struct dump_plan plan = plan_of(8, false, PAGE);
	ck_assert_uint_eq(plan.count, 4);
	dump_plan_release(&plan);
	begin();
	add(4096 * MIB);
	plan = plan_of(8, false, 0);
	ck_assert_uint_eq(plan.count, 1);
	dump_plan_release(&plan);
}
END_TEST

/* Long values are kept apart: few pages, but many bytes. */
START_TEST(long_values_are_cut_by_their_rows)
{
	begin();
	struct catalog_table *table = add(20 * PAGE);
	table->toast_bytes = 8192 * MIB;
	struct dump_plan plan = plan_of(4, false, PAGE);
	ck_assert_uint_eq(tasks_of(&plan, table), 20);
	ck_assert_uint_eq(parts_of(&plan, table), 20);
	dump_plan_release(&plan);
}
END_TEST

START_TEST(some_tables_have_an_order)
{
	begin();
	add(MIB);
	add(2 * MIB)->is_config = true;
	add(3 * MIB);
	add(1 * MIB)->is_config = true;
	add(0)->is_partitioned = true;
	struct dump_plan plan = plan_of(4, false, PAGE);
	ck_assert_uint_eq(plan.count, 4);
	ck_assert_uint_eq(plan.table_count, 4);
	ck_assert_uint_eq(plan.ordered_count, 2);
	ck_assert_ptr_eq(plan.tasks[0].part.table, &tables[1]);
	ck_assert_ptr_eq(plan.tasks[1].part.table, &tables[3]);
	ck_assert_ptr_eq(plan.tasks[2].part.table, &tables[2]);
	dump_plan_release(&plan);
	plan = plan_of(4, true, PAGE);
	ck_assert_uint_eq(plan.ordered_count, 4);
	ck_assert_ptr_eq(plan.tasks[0].part.table, &tables[0]);
	dump_plan_release(&plan);
}
END_TEST

START_TEST(nothing_to_read)
{
	begin();
	struct dump_plan plan = plan_of(8, false, PAGE);
	ck_assert_uint_eq(plan.count, 0);
	dump_plan_release(&plan);
}
END_TEST

/* Whatever the sizes: every page of each table once, and no job has much more than the others. */
START_TEST(any_sizes)
{
	srand((unsigned)_i);
	begin();
	int jobs = 1 + rand() % 32;
	for (int i = 0; i < MOST_TABLES; i++)
		add((uint64_t)(rand() % 1000) * (uint64_t)(rand() % 1000) * MIB / 100);
	struct dump_plan plan = plan_of(jobs, false, PAGE);
	for (size_t i = 0; i < catalog.table_count; i++)
		ck_assert_uint_eq(parts_of(&plan, &tables[i]), tasks_of(&plan, &tables[i]));
	check_order(&plan);
	uint64_t loads[32] = { 0 }, most = 0;
	for (size_t i = 0; i < plan.count; i++) {
		int least = 0;
		for (int job = 1; job < jobs; job++)
			if (loads[job] < loads[least])
				least = job;
		loads[least] += plan.tasks[i].bytes;
		if (loads[least] > most)
			most = loads[least];
	}
	uint64_t share = plan.bytes / (uint64_t)jobs;
	ck_assert_uint_le(most, share + share / 4 + 64 * MIB);
	dump_plan_release(&plan);
}
END_TEST

Suite *test_pg_dump_plan(void)
{
	Suite *suite = suite_create("pg_dump_plan");
	TCase *tc = tcase_create("plan");

	tcase_add_test(tc, one_job_keeps_the_catalogs_order);
	tcase_add_test(tc, largest_come_first);
	tcase_add_test(tc, one_large_table_is_cut);
	tcase_add_test(tc, even_tables_stay_whole);
	tcase_add_test(tc, what_cannot_be_cut);
	tcase_add_test(tc, long_values_are_cut_by_their_rows);
	tcase_add_test(tc, some_tables_have_an_order);
	tcase_add_test(tc, nothing_to_read);
	tcase_add_loop_test(tc, any_sizes, 0, 100);
	suite_add_tcase(suite, tc);
	return suite;
}
