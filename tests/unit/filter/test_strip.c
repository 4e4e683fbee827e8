/* Statements go, or only they stay; rows, comments and the stream's marks go along as they should.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "plain_writer.h"
#include "streams.h"
#include "strip.h"

Suite *test_filter_strip(void);

#define MOST_PATTERNS 4

/* A filter's patterns and what it has to tell. */
struct rules {
	const char *strip[MOST_PATTERNS];
	const char *keep[MOST_PATTERNS];
	bool ignore_case;
};

static size_t count_patterns(const char *const *patterns)
{
	size_t count = 0;
	while (count < MOST_PATTERNS && patterns[count])
		count++;
	return count;
}

static struct strip_options options_of(const struct rules *rules)
{
	return (struct strip_options){ rules->strip, count_patterns(rules->strip), rules->keep,
		                           count_patterns(rules->keep), rules->ignore_case, false };
}

static void add_log_line(void *arg, enum log_level level, const char *line)
{
	buf_addf(arg, "%s%s\n", level == LOG_NOTE ? "note: " : "", line);
}

struct outcome {
	struct buf text;
	struct buf log;
	struct strip_stats stats;
	struct strip_count stripped[MOST_PATTERNS];
	struct strip_count kept[MOST_PATTERNS];
};

static struct outcome strip(struct slice script, const struct rules *rules)
{
	struct outcome outcome = { .text = BUF_INIT, .log = BUF_INIT };
	struct log log = { LOG_NOTE, add_log_line, &outcome.log };
	struct strip_options options = options_of(rules);
	struct capture capture;
	struct err err = ERR_INIT;
	struct sink *writer = plain_writer_new(capture_open(&capture), &err);
	struct sink *sink = strip_filter_new(&options, writer, &log, &err);
	ck_assert_msg(sink != NULL, "%s", err.message);
	int result = read_into(script, 0, true, sink, &err);
	ck_assert_msg(result == 0, "%s", err.message);
	ck_assert_int_eq(sink_finish(sink, &err), 0);
	outcome.stats = *strip_filter_stats(sink);
	for (size_t i = 0; i < options.strip_count; i++)
		outcome.stripped[i] = strip_filter_stripped(sink, i);
	for (size_t i = 0; i < options.keep_count; i++)
		outcome.kept[i] = strip_filter_kept(sink, i);
	sink_free(sink);
	buf_adds(&outcome.log, "");
	capture_take(&capture, &outcome.text);
	return outcome;
}

static void outcome_release(struct outcome *outcome)
{
	buf_release(&outcome->text);
	buf_release(&outcome->log);
}

static void check_text(const struct rules *rules, const char *script, const char *expected)
{
	struct outcome outcome = strip(slice_of(script), rules);
	ck_assert_str_eq(outcome.text.data, expected);
	outcome_release(&outcome);
}

static void check_strip(const char *pattern, const char *script, const char *expected)
{
	const struct rules rules = { .strip = { pattern } };
	check_text(&rules, script, expected);
}

static void check_keep(const char *pattern, const char *script, const char *expected)
{
	const struct rules rules = { .keep = { pattern } };
	check_text(&rules, script, expected);
}

/* ---- what matches ---- */

START_TEST(statement_is_matched_as_a_whole)
{
	check_strip("^DROP.*x;$", "DROP TABLE a,\n  x;\nSELECT 'DROP x';\n", "\nSELECT 'DROP x';\n");
	check_strip("^SELECT 1;$", "SELECT 1;\n  SELECT 1;\nSELECT 1 ;\n", "\nSELECT 1 ;\n");
	/* Comments in front do not count, those inside do. */
	check_strip("x", "-- x\nSELECT 1;\nSELECT /* x */ 2;\n", "-- x\nSELECT 1;\n");
	check_strip("\\<a\\>", "DROP a;DROP ab;DROP \"a\";", "DROP ab;");
}
END_TEST

START_TEST(case_is_ignored_when_told)
{
	const struct rules rules = { .strip = { "drop" }, .ignore_case = true };
	check_text(&rules, "DROP a;\nDrOp b;\nSELECT 1;\n", "\nSELECT 1;\n");
	check_strip("drop", "DROP a;\nSELECT 1;\n", "DROP a;\nSELECT 1;\n");
}
END_TEST

#define BODY                                                                                       \
	"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$\nBEGIN\n  DROP SCHEMA public;\nEND "  \
	"$$;\n"

START_TEST(body_of_a_function_is_not_matched)
{
	check_strip("DROP SCHEMA", BODY "DROP SCHEMA public;\n", BODY);
	check_strip("FUNCTION f", BODY "SELECT 1;\n", "\nSELECT 1;\n");
	check_strip("DROP", "DO $x$ BEGIN DROP TABLE a; END $x$;\n",
	            "DO $x$ BEGIN DROP TABLE a; END $x$;\n");
	check_keep("DROP", BODY "DROP TABLE a;\n", "\nDROP TABLE a;\n");
}
END_TEST

START_TEST(rows_are_never_matched)
{
	check_strip("DROP", "COPY a (b) FROM stdin;\nDROP x;\nDROP y;\n\\.\n",
	            "COPY a (b) FROM stdin;\nDROP x;\nDROP y;\n\\.\n");
	check_keep("DROP", "COPY a (b) FROM stdin;\nDROP x;\n\\.\nDROP z;\n", "DROP z;\n");
}
END_TEST

START_TEST(copy_goes_with_its_rows)
{
	const struct rules rules = { .strip = { "^COPY public\\.a " } };
	struct outcome outcome =
	    strip(SLICE_LITERAL(
	              "SELECT 1;\n\nCOPY public.a (b) FROM stdin;\n1\n2\n\\.\n\n"
	              "COPY public.b (b) FROM stdin;\n3\n\\.\nCOPY public.a (b) FROM stdin;\n\\.\n"),
	          &rules);
	ck_assert_str_eq(outcome.text.data, "SELECT 1;\nCOPY public.b (b) FROM stdin;\n3\n\\.\n");
	ck_assert_str_eq(outcome.log.data, "note: stripped COPY public.a with its 2 rows\n");
	ck_assert_uint_eq(outcome.stats.stripped.statements, 2);
	ck_assert_uint_eq(outcome.stats.stripped.rows, 2);
	ck_assert_uint_eq(outcome.stats.read.rows, 3);
	outcome_release(&outcome);
}
END_TEST

START_TEST(patterns_have_their_accounts)
{
	const struct rules rules = { .strip = { "DROP", "DROP|ALTER", "GRANT" }, .keep = { "a", "b" } };
	struct outcome outcome =
	    strip(SLICE_LITERAL("DROP a;ALTER a;CREATE a;CREATE b;CREATE c;SET d=1;"
	                        "COPY b FROM stdin;\n1\n2\n\\.\n"),
	          &rules);
	ck_assert_str_eq(outcome.text.data,
	                 "CREATE a;CREATE b;SET d=1;COPY b FROM stdin;\n1\n2\n\\.\n");
	ck_assert_uint_eq(outcome.stats.read.statements, 7);
	ck_assert_uint_eq(outcome.stats.stripped.statements, 3);
	ck_assert_uint_eq(outcome.stats.unmatched.statements, 1);
	/* The first pattern that matches counts. */
	ck_assert_uint_eq(outcome.stripped[0].statements, 1);
	ck_assert_uint_eq(outcome.stripped[1].statements, 1);
	ck_assert_uint_eq(outcome.stripped[2].statements, 0);
	ck_assert_uint_eq(outcome.kept[0].statements, 1);
	ck_assert_uint_eq(outcome.kept[1].statements, 2);
	ck_assert_uint_eq(outcome.kept[1].rows, 2);
	outcome_release(&outcome);
}
END_TEST

START_TEST(settings_stay_with_what_is_kept)
{
	check_keep("CREATE TABLE a",
	           "\\restrict k\nSET x = 1;\nSELECT pg_catalog.set_config('search_path', '', false);\n"
	           "\\connect d\nSET SESSION AUTHORIZATION 'joe';\nCREATE TABLE a (b int);\n"
	           "CREATE TABLE c (b int);\n\\unrestrict k\n",
	           "\\restrict k\nSET x = 1;\nSELECT pg_catalog.set_config('search_path', '', false);\n"
	           "\\connect d\nSET SESSION AUTHORIZATION 'joe';\nCREATE TABLE a (b int);\n"
	           "\\unrestrict k\n");
	/* But -v takes them. */
	const struct rules rules = { .strip = { "^SET x" }, .keep = { "CREATE" } };
	check_text(&rules, "SET x = 1;\nCREATE TABLE a ();\n", "\nCREATE TABLE a ();\n");
}
END_TEST

/* ---- comments ---- */

#define TOC(name, type) "--\n-- Name: " name "; Type: " type "; Schema: public; Owner: joe\n--\n\n"
#define TABLE_A         TOC("a", "TABLE") "CREATE TABLE public.a (\n);\n\n\n"
#define OWNER_A         "ALTER TABLE public.a OWNER TO joe;\n\n"
#define TABLE_B                                                                                    \
	TOC("b", "TABLE") "CREATE TABLE public.b (\n);\n\n\nALTER TABLE public.b OWNER TO joe;\n\n"

START_TEST(comment_stays_while_something_of_its_object_does)
{
	check_strip("CREATE TABLE public.a", "SELECT 1;\n\n" TABLE_A OWNER_A TABLE_B,
	            "SELECT 1;\n\n" TOC("a", "TABLE") "\n\n\n" OWNER_A TABLE_B);
	check_strip("ALTER TABLE public.a", TABLE_A OWNER_A TABLE_B,
	            TOC("a", "TABLE") "CREATE TABLE public.a (\n);\n\n" TABLE_B);
}
END_TEST

START_TEST(comment_goes_with_the_last_of_its_object)
{
	check_strip("public\\.a\\>", TABLE_A OWNER_A TABLE_B, "\n\n" TABLE_B);
	check_strip("public\\.a\\>", "SELECT 1;\n\n" TABLE_A OWNER_A TABLE_B, "SELECT 1;\n\n" TABLE_B);
	check_strip("public\\.b\\>", TABLE_A OWNER_A TABLE_B "-- end\n",
	            TABLE_A "ALTER TABLE public.a OWNER TO joe;\n\n-- end\n");
}
END_TEST

/* pg_dump sets things between objects: these are not about the object before. */
START_TEST(setting_does_not_take_a_comment_over)
{
	check_strip("public\\.a\\>",
	            "SELECT 1;\n\n" TABLE_A OWNER_A "SET default_tablespace = '';\n\n" TABLE_B,
	            "SELECT 1;\n\nSET default_tablespace = '';\n\n" TABLE_B);
	check_strip("DATABASE d",
	            TOC("d", "DATABASE") "CREATE DATABASE d;\n\n\nALTER DATABASE d OWNER TO joe;\n\n"
	                                 "\\connect d\n\nSET x = 1;\n\n" TABLE_B,
	            "\n\n\\connect d\n\nSET x = 1;\n\n" TABLE_B);
}
END_TEST

START_TEST(other_comments_stay)
{
	check_strip(
	    "^SET a",
	    "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from 15\n\nSET a = 1;\nSET b = 2;\n",
	    "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from 15\n\n\nSET b = 2;\n");
	check_strip("DROP", "SELECT 1; -- one\n-- two\nDROP a;\n/* three */ DROP b; SELECT 2;\n",
	            "SELECT 1; -- one\n-- two\n\n/* three */  SELECT 2;\n");
	/* Before pg_dump's, and at the very end. */
	check_strip("public\\.a\\>", "-- mine\n\n" TABLE_A OWNER_A, "-- mine\n\n\n\n");
	check_strip("DROP", "-- last\nDROP a;\n", "-- last\n\n");
}
END_TEST

/* psql's commands end with their line. */
START_TEST(command_keeps_its_line)
{
	check_strip("DROP", "\\connect d\nDROP a; SELECT 1;\n", "\\connect d\n SELECT 1;\n");
	check_strip("DROP", "\\connect d\nDROP a; -- c\nSELECT 1;\n",
	            "\\connect d\n -- c\nSELECT 1;\n");
	check_strip("COPY", "\\connect d\nCOPY a (b) FROM stdin;\n1\n\\.\nSELECT 1;\n",
	            "\\connect d\nSELECT 1;\n");
	check_strip("DROP", "\\connect d\r\nDROP a; SELECT 1;\r\n", "\\connect d\n SELECT 1;\r\n");
	check_strip("DROP", "\\connect d\nDROP a;", "\\connect d\n");
	check_strip("DROP", "SELECT 1; DROP a; SELECT 2;\n", "SELECT 1; SELECT 2;\n");
	check_strip("DROP", "\\connect d", "\\connect d");
}
END_TEST

START_TEST(end_mark_stays)
{
	struct buf dump = BUF_INIT, stripped = BUF_INIT;
	const struct rules rules = { .strip = { "." } };
	dump_stream(&dump);
	struct outcome outcome = strip(buf_slice(&dump), &rules);
	struct recorder recorder;
	struct err err = ERR_INIT;
	recorder_init(&recorder);
	ck_assert_int_eq(read_into(buf_slice(&outcome.text), 0, false, &recorder.sink, &err), 0);
	ck_assert_str_eq(recorder.log.data, "header foreign\ntrailer pg_dump\n");
	recorder_release(&recorder);
	outcome_release(&outcome);
	buf_release(&stripped);
	buf_release(&dump);
}
END_TEST

/* ---- streams of ours ---- */

static struct recorder record_stream(struct slice stream)
{
	struct recorder recorder;
	struct err err = ERR_INIT;
	recorder_init(&recorder);
	int result = read_into(stream, 0, false, &recorder.sink, &err);
	ck_assert_msg(result == 0, "%s\n%.*s", err.message, SLICE_ARG(stream));
	return recorder;
}

static const char *const own_patterns[] = {
	"COPY public.a",  "COPY public.nothing", "CREATE",   "^SET", "ALTER TABLE",
	"setval",         "lo_create|lo_put",    "INDEX",    "COPY", ".",
	"FUNCTION|INDEX", "^CREATE TABLE",       "OWNER TO",
};

START_TEST(filtered_stream_of_ours_is_valid_again)
{
	struct buf stream = BUF_INIT;
	const struct rules rules = { .strip = { own_patterns[_i] } };
	own_stream(&stream);
	struct outcome outcome = strip(buf_slice(&stream), &rules);
	ck_assert_uint_gt(outcome.stats.stripped.statements, 0);
	struct recorder recorder = record_stream(buf_slice(&outcome.text));
	ck_assert_ptr_nonnull(strstr(recorder.log.data, "trailer idkit\n"));
	recorder_release(&recorder);
	outcome_release(&outcome);
	buf_release(&stream);
}
END_TEST

START_TEST(trailer_and_header_tell_what_was_filtered)
{
	struct buf stream = BUF_INIT;
	const struct rules rules = { .strip = { "COPY public\\.a " }, .keep = { "COPY" } };
	own_stream(&stream);
	struct outcome outcome = strip(buf_slice(&stream), &rules);
	const char *line_end = strchr(outcome.text.data, '\n');
	char *header =
	    slice_dup((struct slice){ outcome.text.data, (size_t)(line_end - outcome.text.data) });
	ck_assert_str_eq(header,
	                 "-- idkit-header: {\"format\":1,\"database\":\"keycloak\",\"filters\":["
	                 "\"-v COPY public\\\\.a \",\"-x COPY\"]}");
	free(header);
	ck_assert_ptr_nonnull(strstr(stream.data, "{\"schema\":\"public\",\"name\":\"a\""));
	ck_assert_ptr_null(strstr(outcome.text.data, "{\"schema\":\"public\",\"name\":\"a\""));
	ck_assert_ptr_nonnull(strstr(outcome.text.data, "{\"schema\":\"public\",\"name\":\"b\""));
	ck_assert_ptr_nonnull(
	    strstr(outcome.text.data, "-- idkit-trailer: {\"statements\":4,\"rows\":3,\"tables\":["));
	struct recorder recorder = record_stream(buf_slice(&outcome.text));
	ck_assert_ptr_null(strstr(recorder.log.data, "public.a"));
	recorder_release(&recorder);
	outcome_release(&outcome);
	buf_release(&stream);
}
END_TEST

START_TEST(unmatched_stream_of_ours_differs_in_its_header_alone)
{
	struct buf stream = BUF_INIT;
	const struct rules nothing = { .strip = { NULL } }, never = { .strip = { "no such" } };
	own_stream(&stream);
	struct outcome outcome = strip(buf_slice(&stream), &nothing);
	ck_assert_str_eq(outcome.text.data, stream.data);
	outcome_release(&outcome);
	outcome = strip(buf_slice(&stream), &never);
	const char *body = strchr(stream.data, '\n'), *own_body = strchr(outcome.text.data, '\n');
	const char *hash = strrchr(body, ':');
	ck_assert_int_eq(strncmp(body, own_body, (size_t)(hash - body)), 0);
	outcome_release(&outcome);
	buf_release(&stream);
}
END_TEST

/* ---- errors ---- */

START_TEST(bad_pattern_is_a_usage_error)
{
	const struct rules rules[] = { { .strip = { "ok", "(" } }, { .keep = { "[" } } };
	for (size_t i = 0; i < 2; i++) {
		struct strip_options options = options_of(&rules[i]);
		struct recorder recorder;
		struct err err = ERR_INIT;
		recorder_init(&recorder);
		ck_assert_ptr_null(strip_filter_new(&options, &recorder.sink, NULL, &err));
		ck_assert_int_eq(err.kind, ERR_USAGE);
		ck_assert_ptr_nonnull(strstr(err.message, "^ here"));
		recorder_release(&recorder);
	}
}
END_TEST

START_TEST(hopeless_pattern_names_the_statement)
{
	const struct rules rules = { .strip = { "^(a+)+$" } };
	struct strip_options options = options_of(&rules);
	struct buf script = BUF_INIT;
	struct recorder recorder;
	struct err err = ERR_INIT;
	buf_adds(&script, "SELECT 1;\n\n");
	for (int i = 0; i < 3000; i++)
		buf_addc(&script, 'a');
	buf_adds(&script, ";\n");
	recorder_init(&recorder);
	struct sink *sink = strip_filter_new(&options, &recorder.sink, NULL, &err);
	ck_assert_int_eq(read_into(buf_slice(&script), 0, true, sink, &err), -1);
	ck_assert_int_eq(err.kind, ERR_USAGE);
	ck_assert_str_eq(err.message, "line 3: the regular expression \"^(a+)+$\" gave up: match limit "
	                              "exceeded: simplify it");
	ck_assert(!recorder.trailer_seen);
	sink_free(sink);
	recorder_release(&recorder);
	buf_release(&script);
}
END_TEST

Suite *test_filter_strip(void)
{
	Suite *suite = suite_create("filter_strip");
	TCase *tc = tcase_create("strip");

	tcase_add_test(tc, statement_is_matched_as_a_whole);
	tcase_add_test(tc, case_is_ignored_when_told);
	tcase_add_test(tc, body_of_a_function_is_not_matched);
	tcase_add_test(tc, rows_are_never_matched);
	tcase_add_test(tc, copy_goes_with_its_rows);
	tcase_add_test(tc, patterns_have_their_accounts);
	tcase_add_test(tc, settings_stay_with_what_is_kept);
	tcase_add_test(tc, comment_stays_while_something_of_its_object_does);
	tcase_add_test(tc, comment_goes_with_the_last_of_its_object);
	tcase_add_test(tc, setting_does_not_take_a_comment_over);
	tcase_add_test(tc, other_comments_stay);
	tcase_add_test(tc, command_keeps_its_line);
	tcase_add_test(tc, end_mark_stays);
	tcase_add_loop_test(tc, filtered_stream_of_ours_is_valid_again, 0,
	                    (int)(sizeof(own_patterns) / sizeof(*own_patterns)));
	tcase_add_test(tc, trailer_and_header_tell_what_was_filtered);
	tcase_add_test(tc, unmatched_stream_of_ours_differs_in_its_header_alone);
	tcase_add_test(tc, bad_pattern_is_a_usage_error);
	tcase_add_test(tc, hopeless_pattern_names_the_statement);
	suite_add_tcase(suite, tc);
	return suite;
}
