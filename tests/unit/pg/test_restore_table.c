/* Which COPY statements can be made to freeze their rows. */
#include <check.h>

#include "restore_table.h"

Suite *test_pg_restore_table(void);

static const struct {
	const char *copy;
	const char *frozen; /* NULL: stays as it is */
} copies[] = {
	{ "COPY s.t (a, b) FROM stdin;", "COPY s.t (a, b) FROM stdin WITH (FREEZE)" },
	{ "COPY t FROM stdin;", "COPY t FROM stdin WITH (FREEZE)" },
	{ "copy \"T; FROM\".\"x)\" (\"a)\") from STDIN ;",
	  "copy \"T; FROM\".\"x)\" (\"a)\") from STDIN WITH (FREEZE)" },
	{ "COPY t -- (FREEZE)\n FROM stdin", "COPY t -- (FREEZE)\n FROM stdin WITH (FREEZE)" },
	{ "COPY t FROM stdin WITH (FORMAT text);", NULL },
	{ "COPY t FROM stdin WITH NULL '';", NULL },
	{ "COPY t FROM stdin (FREEZE);", NULL },
	{ "COPY t FROM stdin WHERE a > 1;", NULL },
	{ "COPY BINARY t FROM stdin;", NULL },
	{ "COPY t TO stdout;", NULL },
	{ "COPY t FROM '/file';", NULL },
	{ "INSERT INTO t VALUES (1);", NULL },
	{ "", NULL },
};

START_TEST(options_are_left_alone)
{
	struct buf sql = BUF_INIT;
	bool frozen = restore_freeze_copy(slice_of(copies[_i].copy), true, &sql);
	ck_assert_msg(frozen == (copies[_i].frozen != NULL), "%s", copies[_i].copy);
	ck_assert_str_eq(sql.data ? sql.data : "", copies[_i].frozen ? copies[_i].frozen : "");
	buf_release(&sql);
}
END_TEST

Suite *test_pg_restore_table(void)
{
	Suite *suite = suite_create("pg_restore_table");
	TCase *tcase = tcase_create("freeze");
	tcase_add_loop_test(tcase, options_are_left_alone, 0, sizeof(copies) / sizeof(*copies));
	suite_add_tcase(suite, tcase);
	return suite;
}
