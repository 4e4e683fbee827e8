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
	              "1; 9 pre-data TABLE public a joe\n"
	              "2; 21 pre-data FUNCTION public f() joe\n"
	              "3; 27 data TABLE DATA public a - (2 rows, 28 bytes)\n"
	              "4; 33 data TABLE DATA public b - (1 rows, 2 bytes)\n"
	              "5; 38 data TABLE DATA public a - (1 rows, 5 bytes)\n"
	              "6; 43 data TABLE DATA public nothing - (2 rows, 2 bytes)\n"
	              "7; 49 data TABLE DATA public empty - (0 rows, 0 bytes)\n"
	              "8; 57 data SEQUENCE SET public s joe\n"
	              "9; 67 post-data INDEX public a_i joe\n"
	              ";\n; 13 statements, 6 rows; ends with idkit's trailer, which fits\n");
	buf_release(&stream);
}
END_TEST

START_TEST(dump_is_listed)
{
	struct buf stream = BUF_INIT;
	dump_stream(&stream);
	check_listing(buf_slice(&stream), false,
	              ";\n; Contents of a.sql\n;     format: plain, not idkit's\n" COLUMNS
	              "1; 18 pre-data FUNCTION public f() joe\n"
	              "2; 35 pre-data TABLE public a joe\n"
	              "3; 47 pre-data TABLE public none joe\n"
	              "4; 55 data TABLE DATA public a joe (4 rows, 56 bytes)\n"
	              "5; 67 data TABLE DATA public none joe (2 rows, 2 bytes)\n"
	              "6; 77 data SEQUENCE SET public s joe\n"
	              "7; 84 post-data CONSTRAINT public a a_pkey joe\n"
	              ";\n; 15 statements, 6 rows; ends with pg_dump's end mark\n");
	buf_release(&stream);
}
END_TEST

START_TEST(script_without_comments_is_listed)
{
	check_listing(
	    SLICE_LITERAL("CREATE TABLE s.t (a int);\nINSERT INTO s.t VALUES (1);\n"
	                  "SELECT some_function('a long text that is cut somewhere', 123456);\n"
	                  "COPY s.t (a) FROM stdin;\n1\n\\.\nCOPY s.t (a) FROM stdin;\n2\n\\.\n"),
	    true,
	    ";\n; Contents of a.sql\n;     format: plain, not idkit's\n" COLUMNS
	    "1; 1 pre-data TABLE s t -\n"
	    "2; 2 data TABLE DATA s t -\n"
	    "3; 3 data SELECT some_function('a long text that is cut somewhere', 12 ...\n"
	    "4; 4 data TABLE DATA s t - (2 rows, 4 bytes)\n"
	    ";\n; 5 statements, 2 rows; ends with no end mark\n");
}
END_TEST

START_TEST(name_with_a_newline_stays_on_its_line)
{
	check_listing(SLICE_LITERAL("CREATE TABLE s.\"a\nb\" (c int);\n"), true,
	              ";\n; Contents of a.sql\n;     format: plain, not idkit's\n" COLUMNS
	              "1; 1 pre-data TABLE s a b -\n"
	              ";\n; 1 statements, 0 rows; ends with no end mark\n");
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
