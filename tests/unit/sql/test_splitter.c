#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "splitter.h"

Suite *test_sql_splitter(void);

/*
 * What a script is split into, written as text: each event as its letter (S statement, C comment,
 * B backslash) with the bytes taken since the one before, in brackets; then what the end is inside
 * of.  A statement's lead is parted from its text by '^'.
 */
static void add_event(struct buf *out, enum split_event event, const char *from, size_t len,
                      size_t lead)
{
	buf_addf(out, "%c[", "?SCB"[event]);
	buf_add(out, from, lead);
	buf_addc(out, '^');
	buf_add(out, from + lead, len - lead);
	buf_adds(out, "]");
}

/* Splits with pieces of `piece` bytes; 0 is random cuts, the whole script when SIZE_MAX. */
static char *split_in_pieces(const char *script, size_t len, size_t piece, bool standard_strings)
{
	struct buf out = BUF_INIT;
	struct splitter splitter;
	size_t start = 0, at = 0;

	splitter_init(&splitter);
	splitter.standard_strings = standard_strings;
	while (at < len) {
		size_t size = piece ? piece : 1 + (size_t)rand() % 9;
		size_t end = size < len - at ? at + size : len;

		while (at < end) {
			enum split_event event;
			/* A copy of the piece alone, so that the sanitizer sees any look beyond it. */
			char *copy = slice_dup((struct slice){ script + at, end - at });

			at += splitter_scan(&splitter, copy, end - at, &event);
			free(copy);
			if (event == SPLIT_MORE)
				continue;
			add_event(&out, event, script + start, at - start, splitter_lead_bytes(&splitter));
			if (event != SPLIT_STATEMENT)
				splitter_restart(&splitter);
			start = at;
		}
	}
	buf_addf(&out, " %s", split_open_text(splitter_end(&splitter)));
	return buf_detach(&out);
}

#define BETWEEN " between statements"
#define MISSING " inside a statement (its semicolon is missing)"

struct split_case {
	const char *script;
	const char *expected;
};

static void check_case(const struct split_case *test, bool standard_strings)
{
	static const size_t pieces[] = { (size_t)-1, 1, 2, 3, 7, 0, 0, 0 };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		char *result =
		    split_in_pieces(test->script, strlen(test->script), pieces[i], standard_strings);

		ck_assert_msg(strcmp(result, test->expected) == 0,
		              "pieces of %zd:\n%s\ngives\n%s\ninstead of\n%s", pieces[i], test->script,
		              result, test->expected);
		free(result);
	}
}

static const struct split_case simple_cases[] = {
	{ "", BETWEEN },
	{ " \n", BETWEEN },
	{ "a;", "S[^a;]" BETWEEN },
	{ "a; b ;c", "S[^a;]S[ ^b ;]" MISSING },
	{ ";;", "S[^;]S[^;]" BETWEEN },
	{ " ; /* x */ ;", "S[ ^;]S[ /* x */ ^;]" BETWEEN },
	{ "(a;b);", "S[^(a;b);]" BETWEEN },
	{ ")a;(b;", "S[^)a;]"
	            " inside parentheses" },
	{ "((a;));b;", "S[^((a;));]S[^b;]" BETWEEN },
	{ "[;", "S[^[;]" BETWEEN },
	{ "\xC3\xA4;", "S[^\xC3\xA4;]" BETWEEN },
};

static const struct split_case comment_cases[] = {
	{ "-- a;\nb;", "C[-- a;\n^]S[^b;]" BETWEEN },
	{ "-- a\r\nb;", "C[-- a\r^]S[\n^b;]" BETWEEN },
	{ "-- a;", BETWEEN },
	{ "--\n--\n", "C[--\n^]C[--\n^]" BETWEEN },
	{ "a -- b;\n;", "S[^a -- b;\n;]" BETWEEN },
	{ "a -- b;", MISSING },
	{ "a<--b;\n;", "S[^a<--b;\n;]" BETWEEN },
	{ "a - -b;", "S[^a - -b;]" BETWEEN },
	{ "-", MISSING },
	{ " - a;", "S[ ^- a;]" BETWEEN },
	{ " /a;", "S[ ^/a;]" BETWEEN },
	{ "//* ; */;", "S[^//* ; */;]" BETWEEN },
	{ "/*;/*;*/;*/a;", "S[/*;/*;*/;*/^a;]" BETWEEN },
	{ "/*/ ; */a;", "S[/*/ ; */^a;]" BETWEEN },
	{ "/** ; **/a;", "S[/** ; **/^a;]" BETWEEN },
	{ "/*/**/*/a;", "S[/*/**/*/^a;]" BETWEEN },
	{ "/*//* ; */ ; */a;", "S[/*//* ; */ ; */^a;]" BETWEEN },
	{ "+/* ; */;", "S[^+/* ; */;]" BETWEEN },
	{ "a /* '", " inside a comment" },
	{ "/* a *", " inside a comment" },
	{ "/* a */-- b\nc;", "C[/* a */-- b\n^]S[^c;]" BETWEEN },
};

static const struct split_case string_cases[] = {
	{ "';';", "S[^';';]" BETWEEN },
	{ "'a'';';", "S[^'a'';';]" BETWEEN },
	{ "'\\';", "S[^'\\';]" BETWEEN },
	{ "E'\\';';", "S[^E'\\';';]" BETWEEN },
	{ "e'\\\\';';'", "S[^e'\\\\';]" MISSING },
	{ "e'a'';\\';';", "S[^e'a'';\\';';]" BETWEEN },
	{ "type'\\';", "S[^type'\\';]" BETWEEN },
	{ "_e'\\';", "S[^_e'\\';]" BETWEEN },
	{ "e '\\';", "S[^e '\\';]" BETWEEN },
	{ "U&'\\';", "S[^U&'\\';]" BETWEEN },
	{ "u&\";\";", "S[^u&\";\";]" BETWEEN },
	{ "u&--';\n;", "S[^u&--';\n;]" BETWEEN },
	{ "xu&'\\';", "S[^xu&'\\';]" BETWEEN },
	{ "N'\\';", "S[^N'\\';]" BETWEEN },
	{ "B'\\';X'\\';", "S[^B'\\';]S[^X'\\';]" BETWEEN },
	{ "E'a'\n'\\';';", "S[^E'a'\n'\\';';]" BETWEEN },
	{ "E'a'\r'\\';';", "S[^E'a'\r'\\';';]" BETWEEN },
	{ "E'a' -- x\n\n -- '\n '\\';';", "S[^E'a' -- x\n\n -- '\n '\\';';]" BETWEEN },
	{ "E'a' '\\';", "S[^E'a' '\\';]" BETWEEN },
	{ "E'a' /* \n */ '\\';", "S[^E'a' /* \n */ '\\';]" BETWEEN },
	{ "E'a'\n- '\\';", "S[^E'a'\n- '\\';]" BETWEEN },
	{ "E'a'\n,'\\';", "S[^E'a'\n,'\\';]" BETWEEN },
	{ "'a'\nE'\\';';", "S[^'a'\nE'\\';';]" BETWEEN },
	{ "'a", " inside a quoted string" },
	{ "'a'", MISSING },
	{ "E'a\\", " inside a quoted string" },
	{ "\";\"\";\";", "S[^\";\"\";\";]" BETWEEN },
	{ "\"'\";';';", "S[^\"'\";]S[^';';]" BETWEEN },
	{ "\"\\\";", "S[^\"\\\";]" BETWEEN },
	{ "\"a", " inside a quoted identifier" },
};

static const struct split_case dollar_cases[] = {
	{ "$$;$$;", "S[^$$;$$;]" BETWEEN },
	{ "$a$;$b$;$a$;", "S[^$a$;$b$;$a$;]" BETWEEN },
	{ "$a$;$A$;$a$;", "S[^$a$;$A$;$a$;]" BETWEEN },
	{ "$a$;$a$a$;", "S[^$a$;$a$a$;]" BETWEEN },
	{ "$a$ $b$a$;", "S[^$a$ $b$a$;]" BETWEEN },
	{ "$a$ $$a$;", "S[^$a$ $$a$;]" BETWEEN },
	{ "$a$ $a $aa$ $a$;", "S[^$a$ $a $aa$ $a$;]" BETWEEN },
	{ "$ab$;$a$ab$;", "S[^$ab$;$a$ab$;]" BETWEEN },
	{ "$$;$a$$;", "S[^$$;$a$$;]" BETWEEN },
	{ "$\xC3\xA4_1$;'$\xC3\xA4_1$;", "S[^$\xC3\xA4_1$;'$\xC3\xA4_1$;]" BETWEEN },
	{ "foo$bar$baz;$bar$;", "S[^foo$bar$baz;]"
	                        " inside a dollar-quoted string" },
	{ "$1$a;", "S[^$1$a;]" BETWEEN },
	{ "$1;$12;", "S[^$1;]S[^$12;]" BETWEEN },
	{ "$1a$;", "S[^$1a$;]" BETWEEN },
	{ "$e'\\';';", "S[^$e'\\';';]" BETWEEN },
	{ "$foo;", "S[^$foo;]" BETWEEN },
	{ "1$a$;$a$;", "S[^1$a$;$a$;]" BETWEEN },
	{ "$$a", " inside a dollar-quoted string" },
	{ "$$a$", " inside a dollar-quoted string" },
	{ "$a", MISSING },
};

static const struct split_case backslash_cases[] = {
	{ "\\a", "B[^\\]" MISSING },
	{ "-- x\n \\connect", "C[-- x\n^]B[ ^\\]" MISSING },
	{ "a \\b", "B[^a \\]" MISSING },
	{ "'\\';$$\\$$;\"\\\";--\\\n/*\\*/;",
	  "S[^'\\';]S[^$$\\$$;]S[^\"\\\";]C[--\\\n^]S[/*\\*/^;]" BETWEEN },
	{ "(\\", "B[^(\\]" BETWEEN },
};

#define FUNCTION "CREATE FUNCTION f() RETURNS int "
#define WHOLE(text)                                                                                \
	{                                                                                              \
		text, "S[^" text "]" BETWEEN                                                               \
	}

static const struct split_case body_cases[] = {
	WHOLE(FUNCTION "BEGIN ATOMIC SELECT 1; SELECT 2; END;"),
	WHOLE("create or\nreplace/**/procedure p() begin--;\natomic select 1; end;"),
	WHOLE(FUNCTION "BEGIN ATOMIC END;"),
	WHOLE(FUNCTION "BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END;"),
	WHOLE(FUNCTION "BEGIN ATOMIC SELECT (CASE WHEN a THEN 1 END); SELECT 2; END;"),
	WHOLE(FUNCTION "BEGIN ATOMIC SELECT a.end, b.case, 1 AS end; SELECT 1 AS case; END;"),
	WHOLE(FUNCTION "BEGIN ATOMIC SELECT 1 end; SELECT 1 case; END;"),
	WHOLE(FUNCTION "BEGIN ATOMIC SELECT 1; \"end\"; END;"),
	WHOLE(FUNCTION "BEGIN ATOMIC SELECT 1; ending; END;"),
	WHOLE(FUNCTION "BEGIN ATOMIC SELECT ';END;'; END;"),
	WHOLE(FUNCTION "BEGIN ATOMIC SELECT 1; /* END; */ END;"),
	{ FUNCTION "BEGIN ATOMIC SELECT 1; END", MISSING },
	{ FUNCTION "BEGIN ATOMIC SELECT 1 END;", " inside a function's BEGIN ATOMIC body" },
	{ FUNCTION "BEGIN ATOMIC SELECT 1; END; a; END;",
	  "S[^" FUNCTION "BEGIN ATOMIC SELECT 1; END;]S[ ^a;]S[ ^END;]" BETWEEN },
	/* No body: another statement, a name, an argument, other words. */
	{ "BEGIN ATOMIC; a;", "S[^BEGIN ATOMIC;]S[ ^a;]" BETWEEN },
	{ "CREATE TABLE BEGIN ATOMIC; a;", "S[^CREATE TABLE BEGIN ATOMIC;]S[ ^a;]" BETWEEN },
	{ "x CREATE FUNCTION BEGIN ATOMIC;a;", "S[^x CREATE FUNCTION BEGIN ATOMIC;]S[^a;]" BETWEEN },
	{ "CREATE \"or\" FUNCTION BEGIN ATOMIC;", "S[^CREATE \"or\" FUNCTION BEGIN ATOMIC;]" BETWEEN },
	{ "CREATE FUNCTION begin(); a;", "S[^CREATE FUNCTION begin();]S[ ^a;]" BETWEEN },
	{ "CREATE FUNCTION f(begin atomic); a;",
	  "S[^CREATE FUNCTION f(begin atomic);]S[ ^a;]" BETWEEN },
	{ FUNCTION "BEGIN \"atomic\"; a;", "S[^" FUNCTION "BEGIN \"atomic\";]S[ ^a;]" BETWEEN },
	{ FUNCTION "BEGIN, ATOMIC; a;", "S[^" FUNCTION "BEGIN, ATOMIC;]S[ ^a;]" BETWEEN },
	{ FUNCTION "BEGINATOMIC; a;", "S[^" FUNCTION "BEGINATOMIC;]S[ ^a;]" BETWEEN },
};

static const struct split_case nonstandard_cases[] = {
	{ "'\\';';", "S[^'\\';';]" BETWEEN },
	{ "N'\\';';", "S[^N'\\';';]" BETWEEN },
	{ "B'\\';X'\\';U&'\\';", "S[^B'\\';]S[^X'\\';]S[^U&'\\';]" BETWEEN },
	{ "B'1''\\';';", "S[^B'1''\\';';]" BETWEEN },
	{ "'a'\n'\\';';", "S[^'a'\n'\\';';]" BETWEEN },
	{ "\"\\\";", "S[^\"\\\";]" BETWEEN },
};

#define CASES(name)                                                                                \
	START_TEST(name)                                                                               \
	{                                                                                              \
		for (size_t i = 0; i < sizeof(name##_cases) / sizeof(*name##_cases); i++)                  \
			check_case(&name##_cases[i], true);                                                    \
	}                                                                                              \
	END_TEST

CASES(simple)
CASES(comment)
CASES(string)
CASES(dollar)
CASES(backslash)
CASES(body)

START_TEST(nonstandard)
{
	for (size_t i = 0; i < sizeof(nonstandard_cases) / sizeof(*nonstandard_cases); i++)
		check_case(&nonstandard_cases[i], false);
}
END_TEST

START_TEST(nul_is_ordinary)
{
	char *result = split_in_pieces("\0;'\0';", 6, 1, true);

	ck_assert_int_eq((int)strspn(result, "S[^"), 3);
	free(result);
}
END_TEST

START_TEST(end_resets)
{
	struct splitter splitter;
	enum split_event event;

	splitter_init(&splitter);
	splitter.standard_strings = false;
	ck_assert_uint_eq(splitter_scan(&splitter, "((E'", 4, &event), 4);
	ck_assert_int_eq(event, SPLIT_MORE);
	ck_assert_int_eq(splitter_end(&splitter), SPLIT_OPEN_STRING);
	ck_assert(!splitter.standard_strings);
	ck_assert_uint_eq(splitter_scan(&splitter, ";", 1, &event), 1);
	ck_assert_int_eq(event, SPLIT_STATEMENT);
	ck_assert(!splitter.has_token);
	ck_assert_uint_eq(splitter.statement_bytes, 1);
	ck_assert_int_eq(splitter_end(&splitter), SPLIT_OPEN_NOTHING);
}
END_TEST

/* A tag that is too long is never closed, and a tag of just the limit is. */
START_TEST(long_tags)
{
	static const enum split_open expected[] = { SPLIT_OPEN_NOTHING, SPLIT_OPEN_DOLLAR };

	for (size_t more = 0; more < 2; more++) {
		struct buf script = BUF_INIT;
		struct splitter splitter;
		enum split_event event;

		for (int i = 0; i < 2; i++) {
			buf_addc(&script, '$');
			for (size_t j = 0; j < SPLITTER_TAG_BYTES + more; j++)
				buf_addc(&script, 't');
			buf_addc(&script, '$');
		}
		buf_addc(&script, ';');
		splitter_init(&splitter);
		splitter_scan(&splitter, script.data, script.len, &event);
		ck_assert_int_eq(splitter_end(&splitter), expected[more]);
		buf_release(&script);
	}
}
END_TEST

/* 100 MB of `filler` between `open` and `close` is one statement, in little time. */
static void check_big(const char *open, const char *filler, const char *close)
{
	size_t len = (size_t)100 << 20;
	size_t filler_len = strlen(filler);
	char *chunk = malloc(1 << 20);
	struct splitter splitter;
	enum split_event event;
	size_t chunk_len;

	ck_assert_ptr_nonnull(chunk);
	for (chunk_len = 0; chunk_len + filler_len <= 1 << 20; chunk_len += filler_len)
		memcpy(chunk + chunk_len, filler, filler_len);
	splitter_init(&splitter);
	splitter_scan(&splitter, open, strlen(open), &event);
	for (size_t done = 0; done < len; done += chunk_len) {
		ck_assert_uint_eq(splitter_scan(&splitter, chunk, chunk_len, &event), chunk_len);
		ck_assert_int_eq(event, SPLIT_MORE);
	}
	ck_assert_uint_eq(splitter_scan(&splitter, close, strlen(close), &event), strlen(close));
	ck_assert_int_eq(event, SPLIT_STATEMENT);
	ck_assert_uint_ge(splitter.statement_bytes, len);
	free(chunk);
}

START_TEST(big_statements)
{
	clock_t start = clock();

	check_big("'", ";x\n--", "';");
	check_big("E'", ";x\n--", "';");
	check_big("$a$", ";x\n--", "$a$;");
	check_big("/*", ";x\n--", "*/;");
	check_big("(1", ", 12345, abc\n", ");");
	/* A quadratic scanner would need hours. */
	ck_assert_msg((double)(clock() - start) / CLOCKS_PER_SEC < 30, "slow");
}
END_TEST

Suite *test_sql_splitter(void)
{
	Suite *suite = suite_create("sql_splitter");
	TCase *tcase = tcase_create("splitter");

	tcase_add_test(tcase, simple);
	tcase_add_test(tcase, comment);
	tcase_add_test(tcase, string);
	tcase_add_test(tcase, dollar);
	tcase_add_test(tcase, backslash);
	tcase_add_test(tcase, body);
	tcase_add_test(tcase, nonstandard);
	tcase_add_test(tcase, nul_is_ordinary);
	tcase_add_test(tcase, end_resets);
	tcase_add_test(tcase, long_tags);
	tcase_add_test(tcase, big_statements);
	suite_add_tcase(suite, tcase);
	return suite;
}
