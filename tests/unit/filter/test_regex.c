#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "regex.h"

Suite *test_filter_regex(void);

static const struct {
	const char *pattern;
	const char *subject;
	bool ignore_case;
	bool matches;
} cases[] = {
	/* The recipes' own. */
	{ "DROP\\ SCHEMA\\ public", "DROP SCHEMA public;", false, true },
	{ "DROP\\ SCHEMA\\ public", "DROP SCHEMA private;", false, false },
	{ "(CREATE|DROP) EXTENSION", "CREATE EXTENSION plpgsql;", false, true },
	{ "a{2,3}b", "aab", false, true },
	/* Case. */
	{ "drop", "DROP TABLE a;", false, false },
	{ "drop", "DROP TABLE a;", true, true },
	{ "\xc3\xa4", "\xc3\x84", true, true },
	/* The subject's ends, not its lines'. */
	{ "^DROP", "DROP TABLE a;", false, true },
	{ "^DROP", "SELECT 1\nDROP;", false, false },
	{ ";$", "SELECT 1;", false, true },
	{ "1$", "SELECT 1\nFROM a;", false, false },
	{ ";$", "SELECT 1;\n", false, false },
	{ "A.*B", "A\nB", false, true },
	{ "^$", "", false, true },
	/* GNU's word ends. */
	{ "\\<joe\\>", "OWNER TO joe;", false, true },
	{ "\\<joe\\>", "OWNER TO joey;", false, false },
	{ "\\<joe\\>", "OWNER TO ajoe;", false, false },
	{ "\\<joe", "joe", false, true },
	{ "joe\\>", "joe", false, true },
	{ "\\\\<a", "\\<a", false, true },
	{ "\\\\<a", "\\a", false, false },
	{ "[\\<]", "<", false, true },
	{ "[\\<]", "(", false, false },
	{ "[]\\<]b", "<b", false, true },
	{ "[^]\\>]", "a", false, true },
	{ "[^]\\>]", ">", false, false },
	{ "[[:alpha:]]\\>", "a", false, true },
	{ "[[:alpha:]\\>]b", ">b", false, true },
	{ "[\\]]\\<a", "]a", false, true },
	/* Bytes that are no UTF-8 match nothing, and hurt nothing. */
	{ "b",
	  "\xff\xfe"
	  "b",
	  false, true },
	{ "a.b",
	  "a\xff"
	  "b",
	  false, false },
};

/* A variable that was not set, a stray "|": nothing would be left of the dump. */
START_TEST(pattern_that_matches_everything_is_refused)
{
	static const char *const everything[] = { "", "|a", "a|", "a*", "^", "$", "(a?)" };
	for (size_t i = 0; i < sizeof(everything) / sizeof(*everything); i++) {
		struct err err = ERR_INIT;
		ck_assert_ptr_null(regex_new(everything[i], false, &err));
		ck_assert_int_eq(err.kind, ERR_USAGE);
		ck_assert_ptr_nonnull(strstr(err.message, "matches every statement, since it matches "
		                                          "the empty text"));
	}
}
END_TEST

START_TEST(pattern_matches_or_not)
{
	struct err err = ERR_INIT;
	struct regex *regex = regex_new(cases[_i].pattern, cases[_i].ignore_case, &err);
	ck_assert_msg(regex != NULL, "%s", err.message);
	ck_assert_msg(regex_match(regex, slice_of(cases[_i].subject), &err) == cases[_i].matches,
	              "%s on %s", cases[_i].pattern, cases[_i].subject);
	ck_assert_str_eq(regex_pattern(regex), cases[_i].pattern);
	regex_free(regex);
}
END_TEST

START_TEST(absent_subject_is_empty)
{
	struct err err = ERR_INIT;
	struct regex *regex = regex_new("^$", false, &err);
	ck_assert_int_eq(regex_match(regex, SLICE_NONE, &err), 1);
	regex_free(regex);
}
END_TEST

#define WRONG "the regular expression can't be read: "

static const struct {
	const char *pattern;
	const char *message;
} bad[] = {
	{ "DROP (", WRONG "missing closing parenthesis\n  DROP (\n        ^ here" },
	{ "a)b", WRONG "unmatched closing parenthesis\n  a)b\n   ^ here" },
	{ "*a", WRONG "quantifier does not follow a repeatable item\n  *a\n  ^ here" },
	{ "[a", WRONG "missing terminating ] for character class\n  [a\n    ^ here" },
	{ "[\\<a", WRONG "missing terminating ] for character class\n" },
	{ "a\\", WRONG "\\ at end of pattern\n  a\\\n    ^ here" },
	{ "\xff", WRONG "UTF-8 error" },
};

START_TEST(bad_pattern_shows_where)
{
	struct err err = ERR_INIT;
	ck_assert_ptr_null(regex_new(bad[_i].pattern, false, &err));
	ck_assert_msg(strncmp(err.message, bad[_i].message, strlen(bad[_i].message)) == 0, "%s",
	              err.message);
	ck_assert_int_eq(err.kind, ERR_USAGE);
}
END_TEST

/* Backtracking without end is stopped, within seconds also under a sanitizer. */
START_TEST(hopeless_pattern_gives_up)
{
	static const char *const patterns[] = { "^(a+)+$", "(a|aa)+$", "(a*)*[^a!]" };
	struct timespec before, after;
	char subject[5001];
	memset(subject, 'a', 5000);
	strcpy(subject + 4999, "!");
	clock_gettime(CLOCK_MONOTONIC, &before);
	struct err err = ERR_INIT;
	struct regex *regex = regex_new(patterns[_i], false, &err);
	ck_assert_int_eq(regex_match(regex, slice_of(subject), &err), -1);
	clock_gettime(CLOCK_MONOTONIC, &after);
	ck_assert_int_eq(err.kind, ERR_USAGE);
	ck_assert_ptr_nonnull(strstr(err.message, "gave up: "));
	ck_assert_ptr_nonnull(strstr(err.message, patterns[_i]));
	ck_assert_int_lt(after.tv_sec - before.tv_sec, 10);
	regex_free(regex);
}
END_TEST

START_TEST(long_subject_is_matched)
{
	struct err err = ERR_INIT;
	size_t len = 8 * 1024 * 1024;
	char *subject = malloc(len);
	memset(subject, 'a', len);
	subject[len - 1] = 'b';
	struct regex *regex = regex_new("^(a|c)*b$", false, &err);
	int found = regex_match(regex, (struct slice){ subject, len }, &err);
	/* Either answer is honest; a wrong one is not. */
	ck_assert_msg(found == 1 || (found == -1 && err.kind == ERR_USAGE), "%d", found);
	regex_free(regex);
	regex = regex_new("c|b$", false, &err);
	err_clear(&err);
	ck_assert_int_eq(regex_match(regex, (struct slice){ subject, len }, &err), 1);
	regex_free(regex);
	free(subject);
}
END_TEST

Suite *test_filter_regex(void)
{
	Suite *suite = suite_create("filter_regex");
	TCase *tc = tcase_create("regex");

	tcase_add_test(tc, pattern_that_matches_everything_is_refused);
	tcase_add_loop_test(tc, pattern_matches_or_not, 0, (int)(sizeof(cases) / sizeof(*cases)));
	tcase_add_test(tc, absent_subject_is_empty);
	tcase_add_loop_test(tc, bad_pattern_shows_where, 0, (int)(sizeof(bad) / sizeof(*bad)));
	tcase_add_loop_test(tc, hopeless_pattern_gives_up, 0, 3);
	tcase_add_test(tc, long_subject_is_matched);
	suite_add_tcase(suite, tc);
	return suite;
}
