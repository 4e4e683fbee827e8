/*
 * The splitter and the tokens against PostgreSQL's own scanner and grammar (version 15, as
 * libpg_query carries them): on what the grammar accepts, both must see the same statements.
 *
 * The grammar is the judge, not psql.  Known differences of psql's rules (psqlscan.l of version
 * 15), where the splitter follows the grammar:
 *   - psql takes any word END or CASE in a body for a key word, so that "SELECT 1 AS end; END;"
 *     ends too early there;
 *   - the word BEGIN outside parentheses opens a body for psql even without ATOMIC behind it.
 * And libpg_query differs from the server: its scanner keeps comments as tokens, so that it refuses
 * 'a' -- x (newline) 'b', which the server (and the splitter) reads as one string.
 */
#include <check.h>
#include <pg_query.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "splitter.h"
#include "token.h"

Suite *test_sql_splitter_oracle(void);

/* Where each statement that is not empty ends: at its semicolon. */
struct ends {
	size_t at[1024];
	size_t count;
};

static void ends_add(struct ends *ends, size_t at)
{
	if (ends->count < sizeof(ends->at) / sizeof(*ends->at))
		ends->at[ends->count++] = at;
}

static void split_ours(const char *script, size_t len, struct ends *ends)
{
	struct splitter splitter;
	enum split_event event;
	size_t at = 0;

	ends->count = 0;
	splitter_init(&splitter);
	while (at < len) {
		at += splitter_scan(&splitter, script + at, len - at, &event);
		if (event == SPLIT_STATEMENT && splitter.has_token)
			ends_add(ends, at - 1);
	}
	if (splitter_end(&splitter) != SPLIT_OPEN_NOTHING)
		ends_add(ends, len);
}

/* False when the grammar doesn't accept the script. */
static bool split_theirs(const char *script, struct ends *ends)
{
	PgQuerySplitResult result = pg_query_split_with_parser(script);
	bool accepted = !result.error;

	ends->count = 0;
	for (int i = 0; accepted && i < result.n_stmts; i++)
		ends_add(ends, (size_t)(result.stmts[i]->stmt_location + result.stmts[i]->stmt_len));
	pg_query_free_split_result(result);
	return accepted;
}

/* As the tokens see it: semicolons outside parentheses. */
static void split_tokens(const char *script, struct ends *ends)
{
	struct tokens tokens = tokens_of(slice_of(script), true);
	size_t depth = 0, count = 0;
	struct token token;

	ends->count = 0;
	while (token_next(&tokens, &token)) {
		if (token_is_symbol(&token, ";") && depth == 0) {
			if (count > 0)
				ends_add(ends, (size_t)(token.text.data - script));
			count = 0;
			continue;
		}
		count++;
		if (token_is_symbol(&token, "("))
			depth++;
		else if (token_is_symbol(&token, ")"))
			depth--;
	}
	if (count > 0)
		ends_add(ends, strlen(script));
}

static void check_tokens(const char *script, const struct ends *expected)
{
	struct ends ends;

	if (strcasestr(script, "atomic"))
		return;
	split_tokens(script, &ends);
	ck_assert_msg(ends.count == expected->count, "the tokens' semicolons in\n%s", script);
	for (size_t i = 0; i < ends.count; i++)
		ck_assert_msg(ends.at[i] == expected->at[i], "a token's semicolon at %zu in\n%s",
		              ends.at[i], script);
}

static bool check_script(const char *script)
{
	struct ends ours, theirs;

	if (!split_theirs(script, &theirs))
		return false;
	split_ours(script, strlen(script), &ours);
	ck_assert_msg(ours.count == theirs.count, "%zu statements instead of %zu in\n%s", ours.count,
	              theirs.count, script);
	for (size_t i = 0; i < ours.count; i++)
		ck_assert_msg(ours.at[i] == theirs.at[i], "statement %zu ends at %zu instead of %zu in\n%s",
		              i + 1, ours.at[i], theirs.at[i], script);
	check_tokens(script, &ours);
	return true;
}

START_TEST(nasty_scripts)
{
	static const char *const scripts[] = {
		"SELECT 1; SELECT 2;",
		";;SELECT 1;;",
		"SELECT 'a;''b;'; SELECT E'a\\';b', E'\\\\'; SELECT 1;",
		"SELECT '\\'; SELECT ';';",
		"SELECT U&'\\0041;' , U&\"d\\0061t;a\" ; SELECT N'\\', B'1', X'1F';",
		"SELECT E'a'\n'b\\';'; SELECT 1;",
		"SELECT E'a'\r'b\\';'; SELECT 1;",
		"SELECT date'2001-01-01', type';' ; SELECT 1;",
		"SELECT \"a;\"\"b;\" FROM \"t;\"; SELECT 1;",
		"SELECT $$;$$, $a$;$b$;$$;$a$, $a$ $a$; SELECT 1;",
		"SELECT $a$;$b$a$; SELECT 1;",
		"SELECT $\xC3\xA4$;$\xC3\xA4$; SELECT 1;",
		"SELECT foo$bar$baz, a$$, b$$; SELECT 1;",
		"PREPARE p AS SELECT $1, $2; SELECT 1;",
		"SELECT 1 --;\n; SELECT 2 /* ; /* ; */ ; */; SELECT 3;",
		"SELECT 1/**/-/*;*/1; SELECT 2*/*;*/3; SELECT 4--;\r+5;",
		"SELECT @-1, 2 @-/*;*/ 3, 1<--;\n2; SELECT 1;",
		"SELECT (1), ((2)), (SELECT ';'); SELECT 1;",
		"CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO u VALUES (1); SELECT 2;); "
		"SELECT 1;",
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END; "
		"SELECT 1;",
		"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC END; SELECT 1;",
		"CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; "
		"SELECT 1 AS end; SELECT 1 end; SELECT a.end, a.case; SELECT 1 case; END; SELECT 1;",
		"CREATE FUNCTION begin(begin atomic) RETURNS int RETURN CASE WHEN true THEN 1 END; "
		"SELECT 1;",
		"CREATE FUNCTION f() RETURNS int AS 'BEGIN; END;' LANGUAGE plpgsql; SELECT 1;",
		"BEGIN; SELECT 1; END; CREATE TABLE t (atomic int, begin int); SELECT 1;",
		"DO $$ BEGIN NULL; END $$; SELECT 1;",
		"SELECT 1e5, .5, 1., 1.e+5; SELECT a[1:2], b::int, f(c := 1, d => 2);",
		"SELECT 1\f; SELECT 1;",
	};

	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++)
		ck_assert_msg(check_script(scripts[i]), "refused: %s", scripts[i]);
}
END_TEST

/* ---- generated scripts ---- */

static uint64_t random_state;

static size_t random_below(size_t limit)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(random_state >> 33) % limit;
}

#define PICK(list) ((list)[random_below(sizeof(list) / sizeof(*(list)))])

static void add_space(struct buf *sql)
{
	static const char *const spaces[] = {
		" ",          " ",          " ",        " ",
		"\n",         "\t",         "\r\n",     " -- ; ' \"\n",
		" --\n--;\n", "/**/",       "/* ; */",  " /*;/*'*/\";*/ ",
		"/*/ ; */",   "/** $$ **/", " --\\;\r",
	};

	buf_adds(sql, PICK(spaces));
}

static void add_string(struct buf *sql)
{
	static const char *const strings[] = {
		"''",
		"';'",
		"'a''b;'",
		"'\\'",
		"'--'",
		"'/*'",
		"'$$'",
		"E'\\';'",
		"e'\\\\;'",
		"E'a''\\'b;'",
		"E'\\x41\\101;\\n'",
		"N';'",
		"N'\\'",
		"B'01'",
		"X'1f'",
		"U&';'",
		"u&'\\0041;'",
		"'a'\n';b'",
		"E'a'\n'\\';b'",
		"E'a' -- ';\n '\\';'",
		"'a'\r\n\n'\\'",
		"U&'a'\n';'",
		"'\n;'",
		"$$;$$",
		"$a$;$a$",
		"$a$;$b$;$$'$a$",
		"$a$$b$a$",
		"$$ $a$;$$",
		"$_1$;$_1;$_1$",
		"$\xC3\xA9$;\xC3\xA9$\xC3\xA9$",
		"$$\\$$",
		"$$'$$",
		"date';'",
		"int4'\\'",
	};

	buf_adds(sql, PICK(strings));
}

static void add_name(struct buf *sql)
{
	static const char *const names[] = {
		"a",          "b1",      "foo$bar",       "a$$",      "_e",      "\"x;\"",
		"\"a\"\"b\"", "\"end\"", "U&\"\\0061;\"", "\xC3\xA4", "t.end",   "t.case",
		"ending",     "atomic",  "begin",         "Function", "t.\"'\"", "u.\"--\"",
		"e",          "n",
	};

	buf_adds(sql, PICK(names));
}

static void add_expression(struct buf *sql, unsigned depth);

static void add_operation(struct buf *sql, unsigned depth)
{
	static const char *const operators[] = {
		"+", "-", " * ", " / ", "||", "<", " @- ", "%", " AND ", " OR ", " = ", "#>>", "~*",
	};

	add_expression(sql, depth);
	buf_adds(sql, PICK(operators));
	add_space(sql);
	add_expression(sql, depth);
}

static void add_case(struct buf *sql, unsigned depth)
{
	buf_adds(sql, "CASE WHEN ");
	add_expression(sql, depth);
	buf_adds(sql, " THEN ");
	add_expression(sql, depth);
	add_space(sql);
	buf_adds(sql, random_below(2) ? " END" : " ELSE 1 end");
}

static void add_expression(struct buf *sql, unsigned depth)
{
	size_t choice = random_below(depth > 0 ? 9 : 5);

	if (choice < 2) {
		add_string(sql);
	} else if (choice < 4) {
		add_name(sql);
	} else if (choice == 4) {
		buf_addf(sql, "%zu", random_below(100));
	} else if (choice == 5) {
		add_case(sql, depth - 1);
	} else if (choice == 6) {
		add_operation(sql, depth - 1);
	} else {
		buf_adds(sql, choice == 7 ? "(" : "f(");
		add_space(sql);
		add_expression(sql, depth - 1);
		buf_adds(sql, ")");
	}
}

static void add_select(struct buf *sql)
{
	static const char *const labels[] = {
		"", "", "", " AS end", " AS \"case\"", " as case", " end", " AS begin", " AS a$b",
	};
	size_t count = 1 + random_below(3);

	buf_adds(sql, "SELECT");
	for (size_t i = 0; i < count; i++) {
		buf_adds(sql, i > 0 ? "," : "");
		add_space(sql);
		add_expression(sql, 3);
		buf_adds(sql, PICK(labels));
	}
	add_space(sql);
}

static void add_atomic(struct buf *sql)
{
	static const char *const heads[] = {
		"CREATE FUNCTION",
		"create or replace function",
		"CREATE/*;*/PROCEDURE",
		"CREATE -- ;\n OR REPLACE\nPROCEDURE",
	};
	size_t count = random_below(4);

	buf_addf(sql, "%s f(begin atomic) BEGIN", PICK(heads));
	add_space(sql);
	buf_adds(sql, " ATOMIC ");
	for (size_t i = 0; i < count; i++) {
		add_select(sql);
		buf_adds(sql, ";");
		add_space(sql);
	}
	buf_adds(sql, random_below(2) ? "END" : "end");
	add_space(sql);
}

static void add_statement(struct buf *sql)
{
	switch (random_below(8)) {
	case 0:
		add_atomic(sql);
		break;
	case 1:
		buf_adds(sql, "CREATE RULE r AS ON INSERT TO t DO ALSO (");
		add_select(sql);
		buf_adds(sql, ";");
		add_select(sql);
		buf_adds(sql, ")");
		break;
	case 2:
		buf_adds(sql, "CREATE FUNCTION begin() RETURNS int LANGUAGE plpgsql AS "
		              "$body$ BEGIN ATOMIC; ' END; $body$");
		break;
	case 3:
		buf_adds(sql, "INSERT INTO t (a, b) VALUES (");
		add_expression(sql, 2);
		buf_adds(sql, ", ");
		add_expression(sql, 2);
		buf_adds(sql, ")");
		break;
	case 4:
		break;
	default:
		add_select(sql);
	}
}

/* Strings next to a newline and a string continue; next to a word they change it: what the grammar
 * refuses is left out, and most must be accepted. */
START_TEST(generated_scripts)
{
	struct buf sql = BUF_INIT;
	size_t accepted = 0;

	random_state = 20240229;
	for (size_t i = 0; i < 24000; i++) {
		size_t count = 1 + random_below(4);

		buf_reset(&sql);
		for (size_t j = 0; j < count; j++) {
			add_space(&sql);
			add_statement(&sql);
			buf_adds(&sql, ";");
		}
		accepted += check_script(sql.data);
	}
	buf_release(&sql);
	ck_assert_uint_ge(accepted, 20000);
}
END_TEST

/* Pieces thrown together: few are accepted, and those are odd. */
START_TEST(random_pieces)
{
	static const char *const pieces[] = {
		"SELECT ", "1", "a",   "'",   "''",   "\"", "$$", "$a$", "$",   "(",    ")",
		";",       ",", "--",  "\n",  "/*",   "*/", "\\", "E'",  "U&'", "u&\"", "e",
		"B'1'",    " ", "AS ", "end", "CASE", "+",  "-",  "/",   "*",
	};
	struct buf sql = BUF_INIT;
	size_t accepted = 0;

	random_state = 7;
	for (size_t i = 0; i < 60000; i++) {
		size_t count = 3 + random_below(10);

		buf_reset(&sql);
		buf_adds(&sql, "SELECT ");
		for (size_t j = 0; j < count; j++)
			buf_adds(&sql, PICK(pieces));
		buf_adds(&sql, ";");
		accepted += check_script(sql.data);
	}
	buf_release(&sql);
	ck_assert_uint_ge(accepted, 1000);
}
END_TEST

/* ---- real dumps ---- */

/* The script without COPY's lines and psql's commands, which the grammar does not know. */
static void read_dump(const char *path, struct buf *script)
{
	char command[4096];
	char *line = NULL;
	size_t size = 0;
	bool in_copy = false;
	FILE *file;
	ssize_t len;

	snprintf(command, sizeof(command), "zstdcat '%s'", path);
	file = popen(command, "r");
	ck_assert_ptr_nonnull(file);
	while ((len = getline(&line, &size, file)) > 0) {
		bool ends = len >= 13 && memcmp(line + len - 13, " FROM stdin;\n", 13) == 0;

		if (in_copy) {
			in_copy = strcmp(line, "\\.\n") != 0;
			continue;
		}
		in_copy = ends && strncmp(line, "COPY ", 5) == 0;
		if (line[0] != '\\')
			buf_add(script, line, (size_t)len);
	}
	free(line);
	ck_assert_int_eq(pclose(file), 0);
}

/* As check_script(), for thousands of statements. */
static void check_dump(const char *path)
{
	struct buf script = BUF_INIT;
	PgQuerySplitResult theirs;
	struct splitter splitter;
	enum split_event event;
	size_t at = 0;
	int count = 0;

	read_dump(path, &script);
	theirs = pg_query_split_with_parser(script.data);
	ck_assert_msg(!theirs.error, "%s: %s", path, theirs.error ? theirs.error->message : "");
	splitter_init(&splitter);
	while (at < script.len) {
		at += splitter_scan(&splitter, script.data + at, script.len - at, &event);
		if (event != SPLIT_STATEMENT)
			continue;
		ck_assert_int_lt(count, theirs.n_stmts);
		ck_assert_uint_eq(
		    at - 1, (size_t)(theirs.stmts[count]->stmt_location + theirs.stmts[count]->stmt_len));
		count++;
	}
	ck_assert_int_eq(splitter_end(&splitter), SPLIT_OPEN_NOTHING);
	ck_assert_int_eq(count, theirs.n_stmts);
	pg_query_free_split_result(theirs);
	buf_release(&script);
}

START_TEST(real_dumps)
{
	const char *folder = getenv("IDKIT_CORPUS");
	char command[4096];
	char *path = NULL;
	size_t size = 0, count = 0;
	FILE *list;
	ssize_t len;

	snprintf(command, sizeof(command), "ls '%s'/*.sql.zst 2>/dev/null",
	         folder ? folder : "../shared/corpus");
	list = popen(command, "r");
	ck_assert_ptr_nonnull(list);
	while ((len = getline(&path, &size, list)) > 0) {
		path[len - 1] = '\0';
		check_dump(path);
		count++;
	}
	free(path);
	pclose(list);
	if (count == 0)
		fprintf(stderr, "skipped: no dumps in %s (IDKIT_CORPUS names the folder)\n",
		        folder ? folder : "../shared/corpus");
}
END_TEST

Suite *test_sql_splitter_oracle(void)
{
	Suite *suite = suite_create("sql_splitter_oracle");
	TCase *tcase = tcase_create("oracle");

	tcase_add_test(tcase, nasty_scripts);
	tcase_add_test(tcase, generated_scripts);
	tcase_add_test(tcase, random_pieces);
	tcase_add_test(tcase, real_dumps);
	suite_add_tcase(suite, tcase);
	return suite;
}
