/* What the restore's sessions are set to. */
#include <check.h>

#include "restore_tuning.h"

Suite *test_pg_restore_tuning(void);

#define GB (1024ULL * 1024)
#define MB 1024ULL

static const struct {
	unsigned long long memory_kb;
	unsigned jobs;
	unsigned long long own_kb;
	unsigned long long expected_kb;
} memory[] = {
	{ 16 * GB, 1, 64 * MB, GB },        /* a sixteenth */
	{ 64 * GB, 1, 64 * MB, GB },        /* at most */
	{ 64 * GB, 8, 64 * MB, 512 * MB },  /* for all jobs */
	{ 8 * GB, 4, 64 * MB, 128 * MB },
	{ 2 * GB, 8, 64 * MB, 64 * MB },    /* never less than the server's own */
	{ 16 * GB, 2, 2 * GB, 2 * GB },
	{ 0, 1, 64 * MB, 256 * MB },        /* another machine's is not known */
	{ 0, 8, 64 * MB, 64 * MB },
	{ 0, 2, 64 * MB, 128 * MB },
	{ 16 * GB, 0, 64 * MB, GB },
};

START_TEST(memory_is_shared)
{
	ck_assert_uint_eq(restore_tuning_memory(memory[_i].memory_kb, memory[_i].jobs,
	                                        memory[_i].own_kb),
	                  memory[_i].expected_kb);
}
END_TEST

START_TEST(processors_are_shared)
{
	ck_assert_uint_eq(restore_tuning_helpers(2, 2), 0);
	ck_assert_uint_eq(restore_tuning_helpers(2, 8), 0);
	ck_assert_uint_eq(restore_tuning_helpers(8, 2), 3);
	ck_assert_uint_eq(restore_tuning_helpers(8, 5), 0);
	ck_assert_uint_eq(restore_tuning_helpers(9, 4), 1);
}
END_TEST

static void check(const char *set, const char *message)
{
	const char *const sets[] = { "work_mem=1MB", set };
	const struct restore_tuning tuning = { .jobs = 1, .sets = sets, .set_count = 2 };
	struct err err = ERR_INIT;
	int result = restore_tuning_check(&tuning, &err);
	ck_assert_msg(result == (message ? -1 : 0), "%s", set);
	ck_assert_int_eq(err.kind, message ? ERR_USAGE : ERR_NONE);
	ck_assert_str_eq(err.message, message ? message : "");
}

START_TEST(a_set_is_name_and_value)
{
	check("maintenance_work_mem=1GB", NULL);
	check("my.own=", NULL);
	check("statement_timeout=9", NULL);
	check("work_mem", "--set \"work_mem\": NAME=VALUE is expected");
	check("=1", "--set \"=1\": NAME=VALUE is expected");
	check("", "--set \"\": NAME=VALUE is expected");
	check("DateStyle=German", "--set \"DateStyle=German\": the restore relies on this setting, "
	                          "which is the script's to set");
	check("client_encoding=LATIN1",
	      "--set \"client_encoding=LATIN1\": the restore relies on this setting, which is the "
	      "script's to set");
	check("STANDARD_CONFORMING_STRINGS=off",
	      "--set \"STANDARD_CONFORMING_STRINGS=off\": the restore relies on this setting, which is "
	      "the script's to set");
}
END_TEST

START_TEST(names_ignore_case)
{
	const char *const sets[] = { "Work_Mem=1MB", "b=2" };
	const struct restore_tuning tuning = { .jobs = 1, .sets = sets, .set_count = 2 };
	ck_assert(restore_tuning_sets(&tuning, SLICE_LITERAL("work_mem")));
	ck_assert(restore_tuning_sets(&tuning, SLICE_LITERAL("b")));
	ck_assert(!restore_tuning_sets(&tuning, SLICE_LITERAL("work")));
	ck_assert(!restore_tuning_sets(&tuning, SLICE_LITERAL("work_mem2")));
	ck_assert(!restore_tuning_sets(&tuning, SLICE_LITERAL("")));
}
END_TEST

Suite *test_pg_restore_tuning(void)
{
	Suite *suite = suite_create("pg_restore_tuning");
	TCase *tcase = tcase_create("tuning");
	tcase_add_loop_test(tcase, memory_is_shared, 0, sizeof(memory) / sizeof(*memory));
	tcase_add_test(tcase, processors_are_shared);
	tcase_add_test(tcase, a_set_is_name_and_value);
	tcase_add_test(tcase, names_ignore_case);
	suite_add_tcase(suite, tcase);
	return suite;
}
