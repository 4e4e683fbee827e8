/* The comments that say that a database was set aside: what is one, and what only looks like one.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "aside.h"

Suite *test_pg_aside_mark(void);

#define WHEN "2026-11-22T16:04:05.123456Z"

START_TEST(what_is_written_is_read)
{
	static const struct {
		const char *name;
		const char *comment;
		const char *text;
	} marks[] = {
		{ "keycloak", NULL, "idkit set aside " WHEN " \"keycloak\"" },
		{ "keycloak", "mine", "idkit set aside " WHEN " \"keycloak\"\nmine" },
		{ "a\"b\"", "two\n\"lines\"", "idkit set aside " WHEN " \"a\"\"b\"\"\"\ntwo\n\"lines\"" },
		{ "new\nline", NULL, "idkit set aside " WHEN " \"new\nline\"" },
		{ "größe", "", "idkit set aside " WHEN " \"größe\"\n" },
		{ "twice", "idkit set aside " WHEN " \"once\"",
		  "idkit set aside " WHEN " \"twice\"\nidkit set aside " WHEN " \"once\"" },
	};
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		struct buf text = BUF_INIT;
		struct aside_mark mark;
		aside_mark_add(&text, WHEN, marks[i].name, marks[i].comment);
		ck_assert_str_eq(text.data, marks[i].text);
		ck_assert(aside_mark_read(text.data, &mark));
		ck_assert_str_eq(mark.when, WHEN);
		ck_assert_str_eq(mark.name.data, marks[i].name);
		ck_assert_pstr_eq(mark.comment, marks[i].comment);
		aside_mark_release(&mark);
		buf_release(&text);
	}
}
END_TEST

START_TEST(other_comments_are_no_marks)
{
	static const char *const texts[] = {
		"",
		"keycloak",
		"idkit set aside ",
		"idkit set aside yesterday \"keycloak\"",
		"Idkit set aside " WHEN " \"keycloak\"",
		" idkit set aside " WHEN " \"keycloak\"",
		"idkit set aside " WHEN,
		"idkit set aside " WHEN " ",
		"idkit set aside " WHEN " keycloak",
		"idkit set aside " WHEN " \"",
		"idkit set aside " WHEN " \"\"",
		"idkit set aside " WHEN " \"keycloak",
		"idkit set aside " WHEN " \"keycloak\"\"",
		"idkit set aside " WHEN " \"keycloak\" and more",
		"idkit set aside 2026-11-22T16:04:05Z \"keycloak\"",
		"idkit set aside 2026-11-22 16:04:05.123456Z \"keycloak\"",
		"idkit set aside 2026-1x-22T16:04:05.123456Z \"keycloak\"",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct aside_mark mark;
		ck_assert_msg(!aside_mark_read(texts[i], &mark), "%s", texts[i]);
	}
}
END_TEST

START_TEST(names_are_cut_between_characters)
{
	char cut[DATABASE_NAME_BYTES + 1];
	char name[256];
	for (size_t len = 0; len < 80; len++) {
		memset(name, 'x', len);
		strcpy(name + len, "ü数😀");
		maintenance_cut_name(cut, sizeof(cut), name);
		size_t kept = strlen(cut), whole = strlen(name);
		ck_assert(kept <= DATABASE_NAME_BYTES);
		ck_assert(kept == whole || kept + 4 > DATABASE_NAME_BYTES);
		ck_assert(strncmp(cut, name, kept) == 0);
		ck_assert(((unsigned char)name[kept] & 0xc0) != 0x80);
	}
}
END_TEST

Suite *test_pg_aside_mark(void)
{
	Suite *suite = suite_create("pg_aside_mark");
	TCase *tests = tcase_create("marks");
	tcase_add_test(tests, what_is_written_is_read);
	tcase_add_test(tests, other_comments_are_no_marks);
	tcase_add_test(tests, names_are_cut_between_characters);
	suite_add_tcase(suite, tests);
	return suite;
}
