#include <check.h>
#include <stdlib.h>

#include "listing.h"
#include "streams.h"

Suite *test_stream_listing(void);

static void check_listing(struct slice stream, bool allow_incomplete, const char *expected)
{
	struct capture capture;
	struct buf text = BUF_INIT;
	struct err err = ERR_INIT;
	struct sink *sink = listing_new(capture_open(&capture), "a.sql", &err);
	int result = read_into(stream, 0, allow_incomplete, sink, &err);
	ck_assert_msg(result == 0, "%s", err.message);
	ck_assert_int_eq(sink_finish(sink, &err), 0);
	sink_free(sink);
	capture_take(&capture, &text);
	ck_assert_str_eq(text.data, expected);
	buf_release(&text);
}

#define COLUMNS ";\n; number; line section type schema name owner\n;\n"

START_TEST(own_stream_is_listed)
{
	struct buf stream = BUF_INIT;
	own_stream(&stream);
	check_listing(buf_slice(&stream), false,
	              ";\n; Contents of a.sql\n;     database: keycloak\n" COLUMNS
	              "1; 8 pre-data TABLE public a joe\n"
	              "2; 19 pre-data FUNCTION public f() joe\n"
	              "3; 26 data TABLE DATA public a - (2 rows, 35 bytes)\n"
	              "4; 32 data TABLE DATA public b - (1 rows, 2 bytes)\n"
	              "TODO\n");
	buf_release(&stream);
}
END_TEST

START_TEST(dump_is_listed)
{
	struct buf stream = BUF_INIT;
	dump_stream(&stream);
	check_listing(buf_slice(&stream), false, "TODO");
	buf_release(&stream);
}
END_TEST

START_TEST(script_without_comments_is_listed)
{
	check_listing(SLICE_LITERAL("CREATE TABLE s.t (a int);\nINSERT INTO s.t VALUES (1);\n"
	                            "SELECT some_function('a long text that is cut somewhere', 123456);\n"
	                            "COPY s.t (a) FROM stdin;\n1\n\\.\nCOPY s.t (a) FROM stdin;\n2\n\\.\n"),
	              true, "TODO");
}
END_TEST

START_TEST(name_with_a_newline_stays_on_its_line)
{
	check_listing(SLICE_LITERAL("CREATE TABLE s.\"a\nb\" (c int);\n"), true, "TODO");
}
END_TEST

Suite *test_stream_listing(void)
{
	Suite *suite = suite_create("stream_listing");
	TCase *tc = tcase_create("listing");

	tcase_add_test(tc, own_stream_is_listed);
	tcase_add_test(tc, dump_is_listed);
	tcase_add_test(tc, script_without_comments_is_listed);
	tcase_add_test(tc, name_with_a_newline_stays_on_its_line);
	suite_add_tcase(suite, tc);
	return suite;
}
