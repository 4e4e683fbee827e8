#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "token.h"

Suite *test_sql_token(void);

/* The tokens as text: kind's letter and the text, parted by blanks. */
static char *list_tokens(const char *sql, bool standard_strings)
{
	struct tokens tokens = tokens_of(slice_of(sql), standard_strings);
	struct buf out = BUF_INIT;
	struct token token;

	while (token_next(&tokens, &token)) {
		buf_addf(&out, "%s%c:", out.len > 0 ? " " : "", "wqsdnpy"[token.kind]);
		buf_add_slice(&out, token.text);
	}
	ck_assert_uint_eq(tokens.rest.len, 0);
	buf_addc(&out, '\0');
	return buf_detach(&out);
}

static void check_tokens(const char *sql, const char *expected, bool standard_strings)
{
	char *result = list_tokens(sql, standard_strings);

	ck_assert_str_eq(result, expected);
	free(result);
}

START_TEST(kinds)
{
	static const struct {
		const char *sql;
		const char *expected;
	} cases[] = {
		{ "", "" },
		{ " /* a */ -- b", "" },
		{ "SELECT a.b;", "w:SELECT w:a y:. w:b y:;" },
		{ "foo$bar\xC3\xA4 _1", "w:foo$bar\xC3\xA4 w:_1" },
		{ "\"a\"\"b\".u&\"c\"", "q:\"a\"\"b\" y:. q:u&\"c\"" },
		{ "'a''b' E'\\'' b'1'x'f' n'a' U&'\\'", "s:'a''b' s:E'\\'' s:b'1' s:x'f' s:n'a' s:U&'\\'" },
		{ "'a'\n 'b' 'c'", "s:'a'\n 'b' s:'c'" },
		{ "'a' -- ' \n'b'", "s:'a' -- ' \n'b'" },
		{ "type'a' u&1 u &'a'", "w:type s:'a' w:u y:& n:1 w:u y:& s:'a'" },
		{ "$$a$$ $t$ $$ $u$ $t$ $a", "d:$$a$$ d:$t$ $$ $u$ $t$ y:$ w:a" },
		{ "$12 $1$$a$$", "p:$12 p:$1 d:$$a$$" },
		{ "1 1.5 .5 1. 1e5 1.5E-3 0x1F 1_000",
		  "n:1 n:1.5 n:.5 n:1. n:1e5 n:1.5E-3 n:0x1F n:1_000" },
		{ "1..2 a.1", "n:1 y:. n:.2 w:a n:.1" },
		{ "a::int b:=1 c=>2", "w:a y::: w:int w:b y::= n:1 w:c y:=> n:2" },
		{ "a<=b a=-1 a@-1 a+-b", "w:a y:<= w:b w:a y:= y:- n:1 w:a y:@- n:1 w:a y:+ y:- w:b" },
		{ "a<--b\nc*/**/d", "w:a y:< w:c y:* w:d" },
		{ "([,])", "y:( y:[ y:, y:] y:)" },
		{ "\\restrict a", "y:\\ w:restrict w:a" },
		{ "'open", "s:'open" },
		{ "E'open\\", "s:E'open\\" },
		{ "\"open", "q:\"open" },
		{ "$a$open$a", "d:$a$open$a" },
		{ "/* open", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_tokens(cases[i].sql, cases[i].expected, true);
	check_tokens("'\\'' N'\\'' B'\\'", "s:'\\'' s:N'\\'' s:B'\\'", false);
}
END_TEST

START_TEST(takes_only_what_matches)
{
	struct tokens tokens = tokens_of(SLICE_LITERAL("/* x */ Select ( \"select\""), true);
	struct token token;

	ck_assert(token_peek(&tokens, &token));
	ck_assert(!token_take_word(&tokens, "selec"));
	ck_assert(!token_take_symbol(&tokens, "select"));
	ck_assert(token_take_word(&tokens, "select"));
	ck_assert(!token_take_word(&tokens, "("));
	ck_assert(token_take_symbol(&tokens, "("));
	ck_assert(!token_take_word(&tokens, "select"));
	ck_assert(token_next(&tokens, &token));
	ck_assert(!token_peek(&tokens, &token));
}
END_TEST

/* NULL: can't be told. */
static void check_value(const char *sql, bool standard_strings, const char *expected)
{
	struct tokens tokens = tokens_of(slice_of(sql), standard_strings);
	struct buf value = BUF_INIT;
	struct token token;
	bool known;

	ck_assert(token_next(&tokens, &token));
	buf_adds(&value, "<");
	known = token_string_value(&token, standard_strings, &value);
	ck_assert_msg(known == (expected != NULL), "%s", sql);
	ck_assert_str_eq(value.data + 1, known ? expected : "");
	buf_release(&value);
}

START_TEST(values)
{
	check_value("'a''b'", true, "a'b");
	check_value("''", true, "");
	check_value("'a\\n'", true, "a\\n");
	check_value("'a\\n'", false, "a\n");
	check_value("N'a\\n'", true, "a\\n");
	check_value("E'\\b\\f\\n\\r\\t\\\\\\'\\q''-'", true, "\b\f\n\r\t\\'q'-");
	check_value("E'\\101\\x42\\x4\\60'", true,
	            "AB\x04"
	            "0");
	check_value("E'\\u00e4\\U0001F600\\ud83d\\ude00'", true,
	            "\xC3\xA4\xF0\x9F\x98\x80\xF0\x9F\x98\x80");
	check_value("E'\\u00e'", true, NULL);
	check_value("E'\\ud83dx'", true, NULL);
	check_value("E'a'\n'\\x41'", true, "aA");
	check_value("'a' -- it's\n  'b'", true, "ab");
	check_value("$a$ '$$' $a$", true, " '$$' ");
	check_value("$$$$", true, "");
	check_value("$$a", true, NULL);
	check_value("'a", true, NULL);
	check_value("'a''", true, NULL);
	check_value("U&'a'", true, NULL);
	check_value("B'1'", true, NULL);
	check_value("a", true, NULL);
	check_value("\"a\"", true, NULL);
}
END_TEST

START_TEST(bodies)
{
	static const struct {
		const char *sql;
		const char *expected; /* NULL: as it is */
	} cases[] = {
		{ "SELECT $$a$$, 'b';", NULL },
		{ "SET a = 'b';", NULL },
		{ "CREATE TABLE t (a int);", NULL },
		{ "CREATE VIEW v AS SELECT 'a', E'\\'b' AS \"c'd\";",
		  "CREATE VIEW v AS SELECT '', E'' AS \"c'd\";" },
		{ "INSERT INTO t VALUES ('DROP', $$a$$);", "INSERT INTO t VALUES ('', $$$$);" },
		{ "COMMENT ON TABLE t IS 'begin atomic; end';", "COMMENT ON TABLE t IS '';" },
		{ "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $x$DROP TABLE t$x$;",
		  "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $x$$x$;" },
		{ "-- lead\ncreate or replace procedure p() as 'a''b' language sql;",
		  "-- lead\ncreate or replace procedure p() as '' language sql;" },
		{ "CREATE FUNCTION f(a text DEFAULT 'd') AS E'obj\\'', 'sym' LANGUAGE 'c' COST 1;",
		  "CREATE FUNCTION f(a text DEFAULT '') AS E'', '' LANGUAGE '' COST 1;" },
		{ "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS end; SELECT 2; END;",
		  "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC END;" },
		{ "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC END;",
		  "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC END;" },
		{ "CREATE FUNCTION f() BEGIN ATOMIC SELECT 1", NULL },
		{ "DO $$BEGIN END$$;", "DO $$$$;" },
		{ "DO LANGUAGE plpgsql 'a';", "DO LANGUAGE plpgsql '';" },
		{ "DO LANGUAGE 'plpgsql' E'a';", "DO LANGUAGE '' E'';" },
		{ "DO 'a' LANGUAGE 'plpgsql';", "DO '' LANGUAGE '';" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf scratch = BUF_INIT;
		struct slice sql = slice_of(cases[i].sql);
		struct slice result = statement_without_bodies(sql, true, &scratch);

		ck_assert_msg(slice_equals(result, cases[i].expected ? cases[i].expected : cases[i].sql),
		              "%.*s", SLICE_ARG(result));
		buf_release(&scratch);
	}
}
END_TEST

Suite *test_sql_token(void)
{
	Suite *suite = suite_create("sql_token");
	TCase *tcase = tcase_create("token");

	tcase_add_test(tcase, kinds);
	tcase_add_test(tcase, takes_only_what_matches);
	tcase_add_test(tcase, values);
	tcase_add_test(tcase, bodies);
	suite_add_tcase(suite, tcase);
	return suite;
}
