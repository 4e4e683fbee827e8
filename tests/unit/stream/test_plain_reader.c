/* What the reader makes of scripts of all kinds, and what it refuses. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "plain_writer.h"
#include "streams.h"

Suite *test_stream_plain_reader(void);

#define END_MARK "--\n-- PostgreSQL database dump complete\n--\n\n"

/* ---- reader and writer give the input back ---- */

static const char *const scripts[] = {
	dump_to_mark,
	"",
	"\n",
	"  \n\t",
	"SELECT 1;",
	"SELECT 1;\n",
	"SELECT 1",
	"SELECT 1\n",
	"-- only a comment",
	"-- only a comment\n",
	"/* a */ -- b\n/* c\n-- d\n*/",
	";;\n;",
	"SELECT 1; SELECT 2;SELECT 3;\n",
	"SELECT 1; -- behind\nSELECT 2; /* behind */\n",
	"\xef\xbb\xbfSELECT 1;\n",
	"\xef\xbb\xbf",
	"\xef\xbb\xbf-- comment\nSELECT 1;\n",
	"\xef\xbb\xbf\\connect a\nSELECT 1;\n",
	"\\restrict abc\n\n\\connect \"a b\"\nSELECT 1;\n\\unrestrict abc\n",
	"\\connect a",
	"SELECT 1; \\connect a \t\nSELECT 2;",
	"COPY a (b) FROM stdin;\n1\n\\.\n",
	"COPY a (b) FROM stdin;\n1\n\\.",
	"COPY a (b) FROM stdin;\n\\.\n",
	"COPY a (b) FROM stdin;\n\\.",
	"SELECT 1; COPY a (b) FROM stdin;  \n1\n\\.\nSELECT 2;",
	"COPY a (b) FROM stdin;\n\\.b\n\\..\n\\\\.\n\\.\n",
	"COPY a (b, \"c;\nd\") FROM stdin;\n1\t2\n\\.\n",
	"COPY a FROM stdin WITH (FORMAT csv);\n1,\"\n\n\"\n\\.\n",
	"COPY public.a  FROM stdin;\n\n\n\\.\n",
	"COPY a TO stdout;\nSELECT 1;\n",
	"INSERT INTO a VALUES (1, 'x;\n\\.\n''');\nINSERT INTO a VALUES (2, E'\\';');\n",
	"SET standard_conforming_strings = off;\nSELECT '\\';';\n",
	"SET standard_conforming_strings TO 'N';\nSELECT '\\';';\n",
	"CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END;\nSELECT 2;\n",
	"SELECT 1;\n-- idkit is named here\n",
	"\x1f",
};
#define SCRIPTS ((int)(sizeof(scripts) / sizeof(*scripts)))

static void check_identity(struct slice script)
{
	static const size_t pieces[] = { 0, 1, 64 };
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		struct buf out = BUF_INIT;
		struct err err = ERR_INIT;
		int result = copy_stream(script, pieces[i], true, &out, &err);
		ck_assert_msg(result == 0, "%s\n%.*s", err.message, SLICE_ARG(script));
		ck_assert_msg(out.len == script.len &&
		                  memcmp(out.data, script.data ? script.data : "", out.len) == 0,
		              "written as\n%s\n---- from\n%.*s", out.data, SLICE_ARG(script));
		buf_release(&out);
	}
}

START_TEST(script_comes_back_byte_for_byte)
{
	check_identity(slice_of(scripts[_i]));
}
END_TEST

START_TEST(crlf_script_comes_back_byte_for_byte)
{
	struct buf script = BUF_INIT, crlf = BUF_INIT;
	buf_adds(&script, scripts[_i]);
	to_crlf(&script, &crlf);
	check_identity(buf_slice(&crlf));
	buf_release(&script);
	buf_release(&crlf);
}
END_TEST

START_TEST(own_stream_comes_back_byte_for_byte)
{
	struct buf stream = BUF_INIT;
	own_stream(&stream);
	check_identity(buf_slice(&stream));
	buf_release(&stream);
}
END_TEST

/* Behind the header, marks and comments may stand in any order. */
START_TEST(own_stream_with_loose_comments_comes_back)
{
	struct capture capture;
	struct buf stream = BUF_INIT;
	struct err err = ERR_INIT;
	struct sink *writer = plain_writer_new(capture_open(&capture), &err);
	write_header(writer, NULL);
	write_statement(writer, SECTION_PRE_DATA, "-- first\n", "");
	write_statement(writer, SECTION_DATA, "\n/* then */\n\n", "");
	write_statement(writer, SECTION_POST_DATA, "", "SELECT 1;");
	write_statement(writer, SECTION_POST_DATA, "\n-- last\n", "");
	write_trailer(writer);
	ck_assert_int_eq(sink_finish(writer, &err), 0);
	sink_free(writer);
	capture_take(&capture, &stream);
	check_identity(buf_slice(&stream));
	buf_release(&stream);
}
END_TEST

/* ---- records ---- */

static void check_log(struct slice script, bool allow_incomplete, const char *log)
{
	struct recorder recorder;
	struct err err = ERR_INIT;
	recorder_init(&recorder);
	int result = read_into(script, 0, allow_incomplete, &recorder.sink, &err);
	ck_assert_msg(result == 0, "%s", err.message);
	ck_assert_str_eq(recorder.log.data, log);
	ck_assert_uint_eq(recorder.bytes.len, script.len);
	recorder_release(&recorder);
}

static const char dump_log[] =
    "header foreign\n"
    "5 pre-data statement 1: \\restrict Zq3xY7\n"
    "10 pre-data statement 2: SET statement_timeout = 0;\n"
    "11 pre-data statement 3: SET client_encoding = 'UTF8';\n"
    "12 pre-data statement 4: SELECT pg_catalog.set_config('search_path', '', false);\n"
    "18 pre-data statement 5: CREATE FUNCTION public.f() RETURNS void\n    LANGUAGE plpgsql\n"
    "    AS $$\nBEGIN\n  EXECUTE 'DROP SCHEMA public';\n"
    "  -- PostgreSQL database dump complete\nEND $$; [FUNCTION|public|f()|joe]\n"
    "27 pre-data statement 6: ALTER FUNCTION public.f() OWNER TO joe; [FUNCTION|public|f()|joe]\n"
    "29 pre-data statement 7: SET default_tablespace = '';\n"
    "35 pre-data statement 8: CREATE TABLE public.a (\n    id integer,\n"
    "    \"n;\" text DEFAULT 'it''s; --'::text\n); [TABLE|public|a|joe]\n"
    "41 pre-data statement 9: ALTER TABLE public.a OWNER TO joe; [TABLE|public|a|joe]\n"
    "47 pre-data statement 10: CREATE TABLE public.\"none\" (\n); [TABLE|public|none|joe]\n"
    "55 data copy 11: public.a (id,n;) rows=4%s\n"
    "67 data copy 12: public.none () rows=2%s\n"
    "77 data statement 13: SELECT pg_catalog.setval('public.s', 1, false); "
    "[SEQUENCE SET|public|s|joe]\n"
    "84 post-data statement 14: ALTER TABLE ONLY public.a\n"
    "    ADD CONSTRAINT a_pkey PRIMARY KEY (id); [CONSTRAINT|public|a a_pkey|joe]\n"
    "92 post-data statement 15: \\unrestrict Zq3xY7\n"
    "trailer pg_dump\n";

START_TEST(dump_is_understood)
{
	struct buf dump = BUF_INIT, log = BUF_INIT;
	dump_stream(&dump);
	buf_addf(&log, dump_log, "", "");
	check_log(buf_slice(&dump), false, log.data);
	buf_release(&dump);
	buf_release(&log);
}
END_TEST

/* Saved on Windows: still pg_dump's, with its objects and its end mark, on the same lines. */
START_TEST(crlf_dump_is_understood)
{
	struct buf dump = BUF_INIT, crlf = BUF_INIT, log = BUF_INIT, crlf_log = BUF_INIT;
	struct recorder recorder;
	struct err err = ERR_INIT;
	dump_stream(&dump);
	to_crlf(&dump, &crlf);
	buf_addf(&log, dump_log, " crlf", " crlf");
	recorder_init(&recorder);
	ck_assert_int_eq(read_into(buf_slice(&crlf), 0, false, &recorder.sink, &err), 0);
	for (size_t i = 0; i < recorder.log.len; i++)
		if (recorder.log.data[i] != '\r')
			buf_addc(&crlf_log, recorder.log.data[i]);
	ck_assert_str_eq(crlf_log.data, log.data);
	recorder_release(&recorder);
	buf_release(&dump);
	buf_release(&crlf);
	buf_release(&log);
	buf_release(&crlf_log);
}
END_TEST

START_TEST(last_statement_may_lack_its_semicolon)
{
	check_log(SLICE_LITERAL("-- why\nCREATE VIEW v AS SELECT 1\n"), true,
	          "header foreign\n"
	          "2 pre-data statement 1: CREATE VIEW v AS SELECT 1\n [VIEW||v|]\n"
	          "trailer none\n");
	/* A lone dash is no comment. */
	check_log(SLICE_LITERAL("SELECT 1;\n-"), true,
	          "header foreign\n1 pre-data statement 1: SELECT 1;\n"
	          "2 pre-data statement 2: -\ntrailer none\n");
}
END_TEST

#define CLUSTER     "--\n-- PostgreSQL database cluster dump\n--\n\nCREATE ROLE joe;\n\n"
#define CLUSTER_END "--\n-- PostgreSQL database cluster dump complete\n--\n\n"

/* Each database's own end mark is not the script's. */
START_TEST(cluster_dump_ends_with_its_own_mark)
{
	struct recorder recorder;
	struct err err = ERR_INIT;
	recorder_init(&recorder);
	int result = read_into(SLICE_LITERAL(CLUSTER "\\connect a\n\nSELECT 1;\n\n" END_MARK), 0, false,
	                       &recorder.sink, &err);
	ck_assert_int_eq(result, -1);
	ck_assert_int_eq(err.kind, ERR_INPUT);
	recorder_release(&recorder);
	check_log(SLICE_LITERAL(CLUSTER "\\connect a\n\nSELECT 1;\n\n" END_MARK CLUSTER_END), false,
	          "header foreign\n5 pre-data statement 1: CREATE ROLE joe; [ROLE||joe|]\n"
	          "7 pre-data statement 2: \\connect a\n9 pre-data statement 3: SELECT 1;\n"
	          "trailer pg_dump\n");
}
END_TEST

START_TEST(zero_byte_in_a_statement_is_damage)
{
	const struct slice damaged[] = {
		SLICE_LITERAL("SELECT 1;\nUPDATE t SET a = 1\n\0 WHERE b;\n"),
		SLICE_LITERAL("SELECT 1;\n\nCOPY t (a\0) FROM stdin;\n\\.\n"),
		SLICE_LITERAL("SELECT 1;\n\n\\restrict a\0b\n"),
	};
	for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++) {
		struct recorder recorder;
		struct err err = ERR_INIT;
		recorder_init(&recorder);
		ck_assert_int_eq(read_into(damaged[i], 0, true, &recorder.sink, &err), -1);
		ck_assert_str_eq(err.message,
		                 "script:3: a zero byte stands here: the script is damaged");
		ck_assert_int_eq(err.kind, ERR_INPUT);
		recorder_release(&recorder);
	}
}
END_TEST

START_TEST(nothing_at_all_is_said_to_be_nothing)
{
	struct recorder recorder;
	struct err err = ERR_INIT;
	recorder_init(&recorder);
	ck_assert_int_eq(read_into(SLICE_LITERAL(""), 0, false, &recorder.sink, &err), -1);
	ck_assert_str_eq(err.message, "script is empty");
	ck_assert_int_eq(err.kind, ERR_INPUT);
	recorder_release(&recorder);
}
END_TEST

START_TEST(end_mark_counts_only_as_a_comment_of_its_own)
{
	static const char *const none[] = {
		"SELECT 1;\n",
		"SELECT '\n-- PostgreSQL database dump complete\n';\n",
		"SELECT $$\n-- PostgreSQL database dump complete\n$$;\n",
		"/*\n-- PostgreSQL database dump complete\n*/\n",
		"-- -- PostgreSQL database dump complete\n",
		"-- PostgreSQL database dump complete, almost\n",
		"COPY a (b) FROM stdin;\n-- PostgreSQL database dump complete\n\\.\n",
		END_MARK "SELECT 1;\n",
		END_MARK "\\connect a\n",
		END_MARK "SELECT",
	};
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		struct recorder recorder;
		struct err err = ERR_INIT;
		recorder_init(&recorder);
		ck_assert_int_eq(read_into(slice_of(none[i]), 0, false, &recorder.sink, &err), -1);
		ck_assert_msg(strstr(err.message,
		                     ": the script has no end mark (pg_dump's \"PostgreSQL database "
		                     "dump complete\"): it is truncated, or not pg_dump's; "
		                     "--allow-incomplete accepts it"),
		              "%s", err.message);
		ck_assert(!recorder.trailer_seen);
		recorder_release(&recorder);
	}
	check_log(SLICE_LITERAL("-- PostgreSQL database dump complete"), false,
	          "header foreign\ntrailer pg_dump\n");
	check_log(SLICE_LITERAL(END_MARK "\\unrestrict a\n"), false,
	          "header foreign\n5 pre-data statement 1: \\unrestrict a\ntrailer pg_dump\n");
}
END_TEST

/* ---- what is refused ---- */

#define REFUSED " is refused: nothing is executed on a script's behalf, remove the line"
#define UNSAFE(name)                                                                               \
	"a script in encoding " name " can't be split safely: dump it with --encoding=UTF8"
#define OPEN(where)                                                                                \
	"the input ends " where ", in a statement that begins behind this line: it is truncated"

static const struct {
	const char *script;
	const char *message;
} refused[] = {
	{ "\xff\xfe-\n", "script:1: the input is UTF-16 (as PowerShell's \">\" writes): write it with "
	                 "pg_dump -f instead" },
	{ "\xfe\xff\n", "script:1: the input is UTF-16 (as PowerShell's \">\" writes): write it with "
	                "pg_dump -f instead" },
	{ "\n\\! rm -rf /\n", "script:2: psql's command \"\\!\"" REFUSED },
	{ "\\i other.sql\n", "script:1: psql's command \"\\i\"" REFUSED },
	{ "SELECT 1;\n\n-- c\n\\copy a from b\n", "script:4: psql's command \"\\copy\"" REFUSED },
	{ "SELECT 1;\\gexec\n", "script:1: psql's command \"\\gexec\"" REFUSED },
	{ "\\encoding SJIS\r\n", "script:1: a script in encoding SJIS can't be split safely: dump it "
	                         "with --encoding=UTF8" },
	{ "\\encodings\n", "script:1: psql's command \"\\encodings\"" REFUSED },
	{ "\\connectx a\n", "script:1: psql's command \"\\connectx\"" REFUSED },
	{ "\\", "script:1: psql's command \"\\\"" REFUSED },
	{ "SELECT 1;\nSELECT 2\n\\gexec\n", "script:3: a backslash stands inside a statement: psql's "
	                                    "commands are never executed, remove it" },
	{ "SELECT 1; COPY a (b) FROM stdin; SELECT 2;\n1\n\\.\n",
	  "script:1: text follows a COPY … FROM stdin on its line: its rows begin on the next" },
	{ "-- c\nCOPY a FROM stdin (FORMAT binary);\n",
	  "script:2: COPY in binary format can't stand in "
	  "a script" },
	{ "COPY BINARY a FROM stdin;\n", "script:1: COPY in binary format can't stand in a script" },
	{ "COPY a (1) FROM stdin;\n1\n\\.\n",
	  "script:1: COPY statement not understood: COPY a (1) FROM stdin;" },
	{ "\nCOPY s.a (b) FROM stdin;\n1\n2\n",
	  "script:5: the input ends inside the rows of s.a, whose COPY is at line 2: it is truncated" },
	{ "COPY a (b) FROM stdin;\n1\n2",
	  "script:3: the input ends inside the rows of a, whose COPY is at line 1: it is truncated" },
	{ "COPY a (b) FROM stdin;\n\\",
	  "script:2: the input ends inside the rows of a, whose COPY is at line 1: it is truncated" },
	{ "COPY a (b) FROM stdin;",
	  "script:1: the input ends inside the rows of a, whose COPY is at line 1: it is truncated" },
	{ "COPY a (b) FROM stdin",
	  "script:1: the input ends inside the rows of a, whose COPY is at line 1: it is truncated" },
	{ "SELECT 1;\nSELECT 'it", "script:1: " OPEN("inside a quoted string") },
	{ "SELECT \"it", "script:1: " OPEN("inside a quoted identifier") },
	{ "SELECT $a$ $$ ", "script:1: " OPEN("inside a dollar-quoted string") },
	{ "SELECT 1; /* /* */ ", "script:1: " OPEN("inside a comment") },
	{ "SELECT (1;", "script:1: " OPEN("inside parentheses") },
	{ "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1;",
	  "script:1: " OPEN("inside a function's BEGIN ATOMIC body") },
	{ "\nSET client_encoding = 'SJIS';\n", "script:2: " UNSAFE("SJIS") },
	{ "SET client_encoding TO 'Shift-JIS-2004';\n", "script:1: " UNSAFE("Shift-JIS-2004") },
	{ "SET NAMES 'big5';\n", "script:1: " UNSAFE("big5") },
	{ "SELECT pg_catalog.set_config('client_encoding', 'GB18030', false);\n",
	  "script:1: " UNSAFE("GB18030") },
	{ "\n-- idkit-trailer: {}\n",
	  "script:2: a mark of idkit's stands in a script that does not begin "
	  "with idkit's header: its beginning is missing or damaged" },
	{ "\xef\xbb\xbf-- idkit-header: {\"format\":1}\n",
	  "script:1: a mark of idkit's stands in a script that does not begin with idkit's header: its "
	  "beginning is missing or damaged" },
	{ "-- idkit-header: {\"format\":2}\n",
	  "script:1: the stream has format 2, this version reads up to 1: use a newer idkit" },
	{ "-- idkit-header: []\n", "script:1: the stream's header is damaged: it is no JSON object" },
	{ "-- idkit-header: {\"format\":1}\n",
	  "script:2: the stream ends before its trailer: it is truncated" },
	{ "-- idkit-header: {\"format\":1}\nSELECT 1",
	  "script:2: the stream ends before its trailer: it is truncated" },
	{ "-- idkit-header: {\"format\":1}\n-- idkit-section: middle\n",
	  "script:2: unknown section \"middle\"" },
	{ "-- idkit-header: {\"format\":1}\n\n-- idkit-chunk: {\"rows\":0}\n",
	  "script:3: a mark that does not belong here: -- idkit-chunk: {\"rows\":0}\n" },
	{ "-- idkit-header: {\"format\":1}\n-- idkit-trailer: {}\n",
	  "script:2: the stream's trailer is damaged or cut short" },
	{ "-- idkit-header: {\"format\":1}\nCOPY a.b (c) FROM stdin;\n1\n\\.\n-- idkit-chunk: x\n",
	  "script:2: the rows of a.b from this line to line 4 are damaged: they don't fit their hash" },
	{ "-- idkit-header: {\"format\":1}\nCOPY a.b (c) FROM stdin;\n1\n\\.\n-- idkit-ch",
	  "script:4: the input ends inside the rows of a.b, whose COPY is at line 2: it is truncated" },
};

START_TEST(script_is_refused)
{
	for (size_t piece = 0; piece <= 1; piece++) {
		struct recorder recorder;
		struct err err = ERR_INIT;
		recorder_init(&recorder);
		int result = read_into(slice_of(refused[_i].script), piece, true, &recorder.sink, &err);
		ck_assert_int_eq(result, -1);
		ck_assert_str_eq(err.message, refused[_i].message);
		ck_assert_int_eq(err.kind, ERR_INPUT);
		ck_assert(!recorder.trailer_seen);
		recorder_release(&recorder);
	}
}
END_TEST

static void check_edit(const char *from, const char *to, const char *message)
{
	struct buf stream = BUF_INIT;
	struct recorder recorder;
	struct err err = ERR_INIT;
	own_stream(&stream);
	ck_assert_uint_eq(strlen(from), strlen(to));
	char *at = strstr(stream.data, from);
	ck_assert_msg(at != NULL, "%s", from);
	memcpy(at, to, strlen(to));
	recorder_init(&recorder);
	ck_assert_int_eq(read_into(buf_slice(&stream), 0, true, &recorder.sink, &err), -1);
	ck_assert_str_eq(err.message, message);
	recorder_release(&recorder);
	buf_release(&stream);
}

START_TEST(edited_own_stream_is_refused)
{
	check_edit("2\tDROP", "2\tdrop",
	           "script:27: the rows of public.a from this line to line 30 are "
	           "damaged: they don't fit their hash");
	check_edit("TO joe;", "TO eve;",
	           "script:68: the stream is damaged: its bytes don't fit the hash "
	           "in its trailer");
	check_edit("\"rows\":6,\"tables\"", "\"rows\":5,\"tables\"",
	           "script:68: the stream is damaged: its bytes don't fit the hash in its trailer");
}
END_TEST

START_TEST(digits_of_the_trailer_are_compared_as_written)
{
	struct buf stream = BUF_INIT;
	struct recorder recorder;
	struct err err = ERR_INIT;
	own_stream(&stream);
	char *digit = stream.data + stream.len - 4;
	while (*digit < 'a' || *digit > 'f')
		digit--;
	*digit = (char)(*digit - 'a' + 'A');
	recorder_init(&recorder);
	ck_assert_int_eq(read_into(buf_slice(&stream), 0, false, &recorder.sink, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.message, "don't fit the hash in its trailer"));
	recorder_release(&recorder);
	buf_release(&stream);
}
END_TEST

START_TEST(what_follows_the_trailer_is_refused)
{
	struct buf stream = BUF_INIT;
	struct recorder recorder;
	struct err err = ERR_INIT;
	own_stream(&stream);
	buf_adds(&stream, "\n");
	recorder_init(&recorder);
	ck_assert_int_eq(read_into(buf_slice(&stream), 1, false, &recorder.sink, &err), -1);
	ck_assert_str_eq(err.message,
	                 "script:69: something follows the stream's trailer: one stream only");
	recorder_release(&recorder);
	buf_release(&stream);
}
END_TEST

/* More than the window holds: one row, one statement, and rows whose end falls anywhere in it. */
START_TEST(large_rows_and_statements_pass)
{
	struct buf script = BUF_INIT;
	struct err err = ERR_INIT;
	buf_adds(&script, "SELECT '");
	for (size_t i = 0; i < 700000; i++)
		buf_addc(&script, (char)('a' + i % 26));
	buf_adds(&script, "';\nCOPY a (b) FROM stdin;\n");
	for (size_t i = 0; i < 600001; i++)
		buf_addc(&script, (char)('a' + i % 26));
	buf_addc(&script, '\n');
	for (size_t i = 0; i < 300000; i++)
		buf_addf(&script, "%zu\n", i);
	buf_adds(&script, "\\.\n" END_MARK);
	struct recorder recorder;
	recorder_init(&recorder);
	ck_assert_int_eq(read_into(buf_slice(&script), 0, false, &recorder.sink, &err), 0);
	ck_assert_uint_eq(recorder.bytes.len, script.len);
	ck_assert_int_eq(memcmp(recorder.bytes.data, script.data, script.len), 0);
	ck_assert_uint_eq(recorder.block_rows, 300001);
	recorder_release(&recorder);
	buf_release(&script);
}
END_TEST

/* The search for the end line works in blocks: let the end stand at each place of them. */
START_TEST(end_line_is_found_at_any_offset)
{
	for (size_t len = 0; len < 300; len++) {
		struct buf script = BUF_INIT;
		struct err err = ERR_INIT;
		struct recorder recorder;
		buf_adds(&script, "COPY a (b) FROM stdin;\n");
		for (size_t i = 0; i < len; i++)
			buf_addc(&script, '\\');
		buf_adds(&script, "\n\\.\nSELECT 1;\n" END_MARK);
		recorder_init(&recorder);
		ck_assert_int_eq(read_into(buf_slice(&script), 0, false, &recorder.sink, &err), 0);
		ck_assert_str_eq(recorder.log.data, "header foreign\n1 data copy 1: .a (b) rows=1\n"
		                                    "4 data statement 2: SELECT 1;\ntrailer pg_dump\n");
		recorder_release(&recorder);
		buf_release(&script);
	}
}
END_TEST

START_TEST(newlines_are_counted)
{
	char text[700];
	uint64_t expected = 0;
	memset(text, 'x', sizeof(text));
	for (size_t len = 0; len < sizeof(text); len++) {
		ck_assert_uint_eq(rows_count((struct slice){ text, len }), expected);
		if (len % 3 == 0 || len > 300) {
			text[len] = '\n';
			expected++;
		}
	}
	ck_assert_uint_eq(rows_count(SLICE_NONE), 0);
}
END_TEST

Suite *test_stream_plain_reader(void)
{
	Suite *suite = suite_create("stream_plain_reader");
	TCase *tc = tcase_create("plain_reader");

	tcase_add_loop_test(tc, script_comes_back_byte_for_byte, 0, SCRIPTS);
	tcase_add_loop_test(tc, crlf_script_comes_back_byte_for_byte, 0, SCRIPTS);
	tcase_add_test(tc, own_stream_comes_back_byte_for_byte);
	tcase_add_test(tc, own_stream_with_loose_comments_comes_back);
	tcase_add_test(tc, dump_is_understood);
	tcase_add_test(tc, crlf_dump_is_understood);
	tcase_add_test(tc, last_statement_may_lack_its_semicolon);
	tcase_add_test(tc, cluster_dump_ends_with_its_own_mark);
	tcase_add_test(tc, zero_byte_in_a_statement_is_damage);
	tcase_add_test(tc, nothing_at_all_is_said_to_be_nothing);
	tcase_add_test(tc, end_mark_counts_only_as_a_comment_of_its_own);
	tcase_add_loop_test(tc, script_is_refused, 0, (int)(sizeof(refused) / sizeof(*refused)));
	tcase_add_test(tc, edited_own_stream_is_refused);
	tcase_add_test(tc, digits_of_the_trailer_are_compared_as_written);
	tcase_add_test(tc, what_follows_the_trailer_is_refused);
	tcase_add_test(tc, large_rows_and_statements_pass);
	tcase_add_test(tc, end_line_is_found_at_any_offset);
	tcase_add_test(tc, newlines_are_counted);
	suite_add_tcase(suite, tc);
	return suite;
}
