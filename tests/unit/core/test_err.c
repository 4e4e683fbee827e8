#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

Suite *test_core_err(void);

START_TEST(first_error_wins)
{
	struct err err = ERR_INIT;

	ck_assert(!err_is_set(&err));
	ck_assert_int_eq(err_set(&err, ERR_INPUT, "line %d", 7), -1);
	ck_assert_int_eq(err_set(&err, ERR_USAGE, "other"), -1);
	ck_assert_int_eq(err_system(&err, ENOENT, "other"), -1);
	ck_assert_int_eq(err.kind, ERR_INPUT);
	ck_assert_str_eq(err.message, "line 7");
	err_clear(&err);
	ck_assert(!err_is_set(&err));
	ck_assert_str_eq(err.message, "");
}
END_TEST

START_TEST(system_and_memory_messages)
{
	struct err err = ERR_INIT;

	err_system(&err, ENOENT, "cannot open %s", "a.sql");
	ck_assert_int_eq(err.kind, ERR_SYSTEM);
	ck_assert_str_eq(err.message, "cannot open a.sql: No such file or directory");
	err_clear(&err);
	err_memory(&err, "a chunk");
	ck_assert_int_eq(err.kind, ERR_SYSTEM);
	ck_assert_str_eq(err.message, "out of memory for a chunk");
}
END_TEST

START_TEST(prefix_and_append)
{
	struct err err = ERR_INIT;

	err_prefix(&err, "nothing");
	err_append(&err, "nothing");
	ck_assert_str_eq(err.message, "");
	err_set(&err, ERR_DATABASE, "refused");
	ck_assert_int_eq(err_prefix(&err, "table %s", "a"), -1);
	ck_assert_int_eq(err_append(&err, "; try %d", 2), -1);
	ck_assert_str_eq(err.message, "table a: refused; try 2");
	ck_assert_int_eq(err.kind, ERR_DATABASE);
}
END_TEST

START_TEST(long_message_is_cut)
{
	struct err err = ERR_INIT;
	char *text = malloc(3 * ERR_MESSAGE_BYTES);

	for (size_t len = ERR_MESSAGE_BYTES - 2; len < ERR_MESSAGE_BYTES + 2; len++) {
		memset(text, 'x', len);
		text[len] = '\0';
		err_clear(&err);
		err_set(&err, ERR_INPUT, "%s", text);
		ck_assert_uint_eq(strlen(err.message),
		                  len < ERR_MESSAGE_BYTES ? len : ERR_MESSAGE_BYTES - 1);
		ck_assert_int_eq(strcmp(err.message + strlen(err.message) - 3, "...") == 0,
		                 len >= ERR_MESSAGE_BYTES);
	}
	free(text);
}
END_TEST

/* Whatever the cut's place in a three-byte sequence, no part of one remains. */
START_TEST(cut_keeps_characters_whole)
{
	struct err err = ERR_INIT;
	char text[ERR_MESSAGE_BYTES + 8];

	for (size_t shift = 0; shift < 3; shift++) {
		memset(text, 'x', shift);
		for (size_t at = shift; at + 3 < sizeof(text); at += 3)
			memcpy(text + at, "\xE2\x82\xAC", 4);
		err_clear(&err);
		err_set(&err, ERR_INPUT, "%s", text);
		size_t len = strlen(err.message);
		ck_assert_str_eq(err.message + len - 3, "...");
		ck_assert_uint_eq((len - 3 - shift) % 3, 0);
	}
}
END_TEST

START_TEST(cut_keeps_reason_and_prefix)
{
	struct err err = ERR_INIT;
	char text[2 * ERR_MESSAGE_BYTES];
	static const char tail[] = "...: No such file or directory; hint";

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_system(&err, ENOENT, "%s", text);
	err_append(&err, "; hint");
	ck_assert_uint_eq(strlen(err.message), ERR_MESSAGE_BYTES - 1);
	ck_assert_str_eq(err.message + strlen(err.message) - strlen("; hint"), "; hint");
	ck_assert_ptr_null(strstr(err.message, tail)); /* the second cut goes through the first */
	err_prefix(&err, "%s", text);
	ck_assert_uint_le(strlen(err.message), ERR_MESSAGE_BYTES - 1);
	ck_assert_ptr_nonnull(strstr(err.message, "x...: x"));
}
END_TEST

START_TEST(exit_statuses)
{
	static const int wanted[] = { 0, 1, 2, 3, 4, 5 };

	for (int kind = ERR_NONE; kind <= ERR_SYSTEM; kind++) {
		struct err err = { .kind = (enum err_kind)kind };
		ck_assert_int_eq(err_exit_status(&err), wanted[kind]);
	}
	struct err err = { .kind = ERR_SIGNAL, .signal = 15 };
	ck_assert_int_eq(err_exit_status(&err), 143);
}
END_TEST

Suite *test_core_err(void)
{
	Suite *suite = suite_create("core/err");
	TCase *tc = tcase_create("err");

	tcase_add_test(tc, first_error_wins);
	tcase_add_test(tc, system_and_memory_messages);
	tcase_add_test(tc, prefix_and_append);
	tcase_add_test(tc, long_message_is_cut);
	tcase_add_test(tc, cut_keeps_characters_whole);
	tcase_add_test(tc, cut_keeps_reason_and_prefix);
	tcase_add_test(tc, exit_statuses);
	suite_add_tcase(suite, tc);
	return suite;
}
