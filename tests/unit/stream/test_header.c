#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "header.h"

Suite *test_stream_header(void);

static char *print(const struct stream_header *header)
{
	struct buf text = BUF_INIT;
	struct err err = ERR_INIT;
	int result = stream_header_print(header, &text, &err);
	ck_assert_msg(result == 0, "%s", err.message);
	return buf_detach(&text);
}

static struct stream_header *parse(const char *text)
{
	struct err err = ERR_INIT;
	struct stream_header *header = stream_header_parse(slice_of(text), &err);
	ck_assert_msg(header != NULL, "%s", err.message);
	return header;
}

static void check_print(const struct stream_header *header, const char *expected)
{
	char *text = print(header);
	ck_assert_str_eq(text, expected);
	free(text);
}

START_TEST(values_come_back)
{
	struct err err = ERR_INIT;
	struct stream_header *header = stream_header_new(&err);
	ck_assert(stream_header_own(header));
	ck_assert_int_eq(stream_header_set(header, "database", "a \"b\"\n", &err), 0);
	ck_assert_int_eq(stream_header_set_number(header, "port", LONG_MAX, &err), 0);
	ck_assert_int_eq(stream_header_set(header, "gone", "x", &err), 0);
	ck_assert_int_eq(stream_header_set(header, "gone", NULL, &err), 0);
	ck_assert_int_eq(stream_header_set(header, "never", NULL, &err), 0);
	ck_assert_str_eq(stream_header_get(header, "database"), "a \"b\"\n");
	check_print(header,
	            "{\"format\":1,\"database\":\"a \\\"b\\\"\\n\",\"port\":9223372036854775807}");
	char *text = print(header);
	struct stream_header *again = parse(text);
	ck_assert_str_eq(stream_header_get(again, "database"), "a \"b\"\n");
	ck_assert_int_eq(stream_header_get_number(again, "port", 0), LONG_MAX);
	ck_assert_int_eq(stream_header_get_number(again, "format", 0), STREAM_FORMAT);
	ck_assert_ptr_null(stream_header_get(again, "gone"));
	ck_assert_int_eq(stream_header_get_number(again, "database", -3), -3);
	ck_assert_ptr_null(stream_header_get(again, "port"));
	free(text);
	stream_header_free(again);
	stream_header_free(header);
}
END_TEST

START_TEST(unknown_keys_and_their_order_are_kept)
{
	static const char text[] =
	    "{\"later\":{\"z\":[1,2.5,null],\"a\":true},\"format\":1,\"b\":\"x\"}";
	struct stream_header *header = parse(text);
	struct err err = ERR_INIT;
	struct stream_header *copy = stream_header_copy(header, &err);
	check_print(header, text);
	stream_header_free(header);
	check_print(copy, text);
	stream_header_free(copy);
}
END_TEST

START_TEST(filters_are_appended)
{
	struct err err = ERR_INIT;
	struct stream_header *header = parse("{\"format\":1}");
	ck_assert_int_eq(stream_header_add_filter(header, "-v a", &err), 0);
	struct stream_header *copy = stream_header_copy(header, &err);
	ck_assert_int_eq(stream_header_add_filter(copy, "-x \"b\"", &err), 0);
	check_print(copy, "{\"format\":1,\"filters\":[\"-v a\",\"-x \\\"b\\\"\"]}");
	/* A copy is one's own. */
	check_print(header, "{\"format\":1,\"filters\":[\"-v a\"]}");
	stream_header_free(copy);
	stream_header_free(header);
}
END_TEST

START_TEST(text_that_is_not_utf8_is_refused)
{
	struct err err = ERR_INIT;
	struct stream_header *header = parse("{\"format\":1}");
	ck_assert_int_eq(stream_header_set(header, "database", "\xe4", &err), -1);
	ck_assert_str_eq(err.message, "the stream's header can't hold \"database\": it is not UTF-8");
	ck_assert_int_eq(err.kind, ERR_INPUT);
	err_clear(&err);
	ck_assert_int_eq(stream_header_add_filter(header, "-v \xe4", &err), -1);
	ck_assert_str_eq(err.message, "a filter's text must be UTF-8: \"-v \xe4\"");
	ck_assert_int_eq(err.kind, ERR_USAGE);
	ck_assert_ptr_null(stream_header_get(header, "database"));
	stream_header_free(header);
}
END_TEST

START_TEST(foreign_header_knows_nothing)
{
	struct err err = ERR_INIT;
	struct stream_header *header = stream_header_foreign(&err);
	struct stream_header *copy = stream_header_copy(header, &err);
	ck_assert(!stream_header_own(header));
	ck_assert(!stream_header_own(copy));
	ck_assert_ptr_null(stream_header_get(header, "format"));
	ck_assert_int_eq(stream_header_get_number(header, "format", 9), 9);
	stream_header_free(header);
	stream_header_free(copy);
	stream_header_free(NULL);
}
END_TEST

#define DAMAGED   "the stream's header is damaged: "
#define FORMAT(n) "the stream has format " n ", this version reads up to 1: use a newer idkit"

static const struct {
	const char *text;
	const char *message;
} bad[] = {
	{ "", DAMAGED "'[' or '{' expected near end of file" },
	{ "[1]", DAMAGED "it is no JSON object" },
	{ "{\"format\":1", DAMAGED "'}' expected near end of file" },
	{ "{\"format\":1} x", DAMAGED "end of file expected near 'x'" },
	{ "{\"format\":1,\"format\":1}", DAMAGED "duplicate object key near '\"format\"'" },
	{ "{\"format\":2}", FORMAT("2") },
	{ "{\"format\":0}", FORMAT("0") },
	{ "{\"format\":\"1\"}", FORMAT("0") },
	{ "{}", FORMAT("0") },
};

START_TEST(bad_header_is_refused)
{
	struct err err = ERR_INIT;
	ck_assert_ptr_null(stream_header_parse(slice_of(bad[_i].text), &err));
	ck_assert_str_eq(err.message, bad[_i].message);
	ck_assert_int_eq(err.kind, ERR_INPUT);
}
END_TEST

START_TEST(roles_by_what_for)
{
	struct err err = ERR_INIT;
	struct stream_header *header = parse("{\"format\":1}");
	ck_assert_uint_eq(stream_header_role_count(header, STREAM_ROLE_OWNER), 0);
	ck_assert_int_eq(stream_header_add_role(header, STREAM_ROLE_ACL, "b \"c\"", &err), 0);
	ck_assert_int_eq(stream_header_add_role(header, STREAM_ROLE_OWNER, "a", &err), 0);
	ck_assert_int_eq(stream_header_add_role(header, STREAM_ROLE_ACL, "no \xff UTF-8", &err), 0);
	ck_assert_int_eq(stream_header_add_role(header, STREAM_ROLE_ACL, "a", &err), 0);
	check_print(header, "{\"format\":1,\"roles\":{\"owner\":[\"a\"],\"acl\":[\"b \\\"c\\\"\",\"a\"],"
	                    "\"other\":[]}}");
	ck_assert_uint_eq(stream_header_role_count(header, STREAM_ROLE_ACL), 2);
	ck_assert_str_eq(stream_header_role(header, STREAM_ROLE_ACL, 0), "b \"c\"");
	ck_assert_ptr_null(stream_header_role(header, STREAM_ROLE_ACL, 2));
	stream_header_clear_roles(header);
	check_print(header, "{\"format\":1}");
	stream_header_free(header);
	/* Damage is no list. */
	header = parse("{\"format\":1,\"roles\":{\"owner\":\"a\",\"acl\":[7,\"b\"]}}");
	ck_assert_uint_eq(stream_header_role_count(header, STREAM_ROLE_OWNER), 0);
	ck_assert_uint_eq(stream_header_role_count(header, STREAM_ROLE_OTHER), 0);
	ck_assert_uint_eq(stream_header_role_count(header, STREAM_ROLE_ACL), 2);
	ck_assert_ptr_null(stream_header_role(header, STREAM_ROLE_ACL, 0));
	stream_header_free(header);
	header = stream_header_foreign(&err);
	ck_assert_uint_eq(stream_header_role_count(header, STREAM_ROLE_OWNER), 0);
	stream_header_free(header);
}
END_TEST

Suite *test_stream_header(void)
{
	Suite *suite = suite_create("stream_header");
	TCase *tc = tcase_create("header");

	tcase_add_test(tc, values_come_back);
	tcase_add_test(tc, unknown_keys_and_their_order_are_kept);
	tcase_add_test(tc, filters_are_appended);
	tcase_add_test(tc, roles_by_what_for);
	tcase_add_test(tc, text_that_is_not_utf8_is_refused);
	tcase_add_test(tc, foreign_header_knows_nothing);
	tcase_add_loop_test(tc, bad_header_is_refused, 0, (int)(sizeof(bad) / sizeof(*bad)));
	suite_add_tcase(suite, tc);
	return suite;
}
