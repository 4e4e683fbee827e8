#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ident.h"

Suite *test_sql_ident(void);

START_TEST(identifiers)
{
	static const char *const plain[] = {
		"a",     "_1",   "name", "type",  "value", "data", "user_id",   "key",
		"owner", "role", "text", "users", "al",    "alll", "xmltables",
	};
	static const struct {
		const char *name;
		const char *quoted;
	} cases[] = {
		{ "", "\"\"" },
		{ "A", "\"A\"" },
		{ "1a", "\"1a\"" },
		{ "a b", "\"a b\"" },
		{ "a\"b", "\"a\"\"b\"" },
		{ "a$b", "\"a$b\"" },
		{ "\xC3\xA4", "\"\xC3\xA4\"" },
		{ "user", "\"user\"" },
		{ "values", "\"values\"" },
		{ "all", "\"all\"" },
		{ "xmltable", "\"xmltable\"" },
		{ "between", "\"between\"" },
		{ "left", "\"left\"" },
		{ "json_array", "\"json_array\"" },
		{ "merge_action", "\"merge_action\"" },
		{ "system_user", "\"system_user\"" },
		{ "int", "\"int\"" },
		{ "timestamp", "\"timestamp\"" },
	};
	struct buf sql = BUF_INIT;

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		buf_reset(&sql);
		sql_add_identifier(&sql, slice_of(plain[i]));
		ck_assert_str_eq(sql.data, plain[i]);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		buf_reset(&sql);
		sql_add_identifier(&sql, slice_of(cases[i].name));
		ck_assert_str_eq(sql.data, cases[i].quoted);
	}
	buf_release(&sql);
}
END_TEST

START_TEST(qualified_and_literals)
{
	struct buf sql = BUF_INIT;

	sql_add_qualified(&sql, SLICE_NONE, SLICE_LITERAL("t"));
	sql_add_qualified(&sql, SLICE_LITERAL("S"), SLICE_LITERAL("order"));
	ck_assert_str_eq(sql.data, "t\"S\".\"order\"");
	buf_reset(&sql);
	sql_add_literal(&sql, SLICE_LITERAL("it's"));
	sql_add_literal(&sql, SLICE_LITERAL("a\\'b"));
	sql_add_literal(&sql, SLICE_NONE);
	ck_assert_str_eq(sql.data, "'it''s'E'a\\\\''b'''");
	buf_release(&sql);
}
END_TEST

/* NULL: none. */
static void check_qualified(const char *sql, const char *schema, const char *name)
{
	struct tokens tokens = tokens_of(slice_of(sql), true);
	struct buf schemas = BUF_INIT, names = BUF_INIT;
	bool found = sql_take_qualified(&tokens, &schemas, &names);

	ck_assert_msg(found == (name != NULL), "%s", sql);
	if (found) {
		ck_assert(slice_equals(buf_slice(&schemas), schema));
		ck_assert(slice_equals(buf_slice(&names), name));
	}
	buf_release(&schemas);
	buf_release(&names);
}

START_TEST(reading)
{
	check_qualified("Foo", "", "foo");
	check_qualified("\"Foo\"\"x\" y", "", "Foo\"x");
	check_qualified("A . \"B.c\"(", "a", "B.c");
	check_qualified("\xC3\x84", "", "\xC3\x84");
	check_qualified("a.", NULL, NULL);
	check_qualified("'a'", NULL, NULL);
	check_qualified("\"\"", NULL, NULL);
	check_qualified("\"a", NULL, NULL);
	check_qualified("U&\"a\"", NULL, NULL);
	check_qualified("", NULL, NULL);
}
END_TEST

START_TEST(patterns)
{
	static const struct {
		const char *pattern;
		const char *schema;
		const char *name;
	} cases[] = {
		{ "foo", "", "^(foo)$" },
		{ "FOO\"BAR\"", "", "^(fooBAR)$" },
		{ "a*b?", "", "^(a.*b.)$" },
		{ "s.t*", "^(s)$", "^(t.*)$" },
		{ "*.*", "^(.*)$", "^(.*)$" },
		{ "\"a.b*\".\"c\"\"d\"", "^(a\\.b\\*)$", "^(c\"d)$" },
		{ "a$b.\"$\"", "^(a\\$b)$", "^(\\$)$" },
		{ "a|b[0-9]+(c)", "", "^(a|b[0-9]+(c))$" },
		{ "\"a|b[0]+(c){}^\\?\"", "", "^(a\\|b\\[0\\]\\+\\(c\\)\\{\\}\\^\\\\\\?)$" },
		{ "int[]", "", "^(int\\[])$" },
		{ "", "", "^()$" },
		{ "\xC3\x84", "", "^(\xC3\x84)$" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf schema = BUF_INIT, name = BUF_INIT;
		struct err err = ERR_INIT;

		ck_assert_int_eq(sql_pattern_regexes(cases[i].pattern, &schema, &name, &err), 0);
		ck_assert(slice_equals(buf_slice(&schema), cases[i].schema));
		ck_assert_str_eq(name.data, cases[i].name);
		buf_release(&schema);
		buf_release(&name);
	}
}
END_TEST

START_TEST(pattern_errors)
{
	struct buf schema = BUF_INIT, name = BUF_INIT;
	struct err err = ERR_INIT;

	ck_assert_int_eq(sql_pattern_regexes("a.b.c", &schema, &name, &err), -1);
	ck_assert_int_eq(err.kind, ERR_USAGE);
	ck_assert_str_eq(err.message, "pattern a.b.c: more than one dot; write schema.name, and names "
	                              "that hold a dot in double quotes");
	err_clear(&err);
	ck_assert_int_eq(sql_pattern_regexes("a.\"b", &schema, &name, &err), -1);
	ck_assert_str_eq(err.message, "pattern a.\"b: a double quote is not closed");
	err_clear(&err);
	ck_assert_int_eq(sql_pattern_regex("a.b", &name, &err), -1);
	ck_assert_str_eq(err.message,
	                 "pattern a.b: a dot; write one name, in double quotes when it holds a dot");
	err_clear(&err);
	ck_assert_int_eq(sql_pattern_regex("\"b", &name, &err), -1);
	ck_assert_int_eq(err.kind, ERR_USAGE);
	err_clear(&err);
	buf_reset(&name);
	ck_assert_int_eq(sql_pattern_regex("\"a.b\"*", &name, &err), 0);
	ck_assert_str_eq(name.data, "^(a\\.b.*)$");
	buf_release(&schema);
	buf_release(&name);
}
END_TEST

Suite *test_sql_ident(void)
{
	Suite *suite = suite_create("sql_ident");
	TCase *tcase = tcase_create("ident");

	tcase_add_test(tcase, identifiers);
	tcase_add_test(tcase, qualified_and_literals);
	tcase_add_test(tcase, reading);
	tcase_add_test(tcase, patterns);
	tcase_add_test(tcase, pattern_errors);
	suite_add_tcase(suite, tcase);
	return suite;
}
