/* The settings at a place of a script. */
#include <check.h>

#include "restore_map.h"

Suite *test_pg_restore_map(void);

static void note(struct restore_maps *maps, const char *name, const char *sql)
{
	struct err err = ERR_INIT;
	ck_assert_int_eq(restore_maps_note(maps, slice_of(name), slice_of(sql), &err), 0);
}

START_TEST(the_same_again_is_the_same_place)
{
	struct restore_maps maps = { NULL };
	ck_assert_ptr_null(restore_maps_now(&maps));
	note(&maps, "a", "SET a = 1");
	const struct restore_map *first = restore_maps_now(&maps);
	ck_assert_ptr_nonnull(first);
	note(&maps, "a", "SET a = 1");
	ck_assert_ptr_eq(restore_maps_now(&maps), first);
	note(&maps, "a", "SET a = 2");
	ck_assert_ptr_ne(restore_maps_now(&maps), first);
	note(&maps, "b", "SET b = 1");
	note(&maps, "a", "SET a = 1");
	ck_assert_ptr_ne(restore_maps_now(&maps), first);
	restore_maps_release(&maps);
	ck_assert_ptr_null(restore_maps_now(&maps));
}
END_TEST

/* A new session user has no role yet, also when it is the one before. */
START_TEST(a_session_user_is_always_new)
{
	struct restore_maps maps = { NULL };
	note(&maps, "session_authorization", "SET SESSION AUTHORIZATION a");
	note(&maps, "role", "SET ROLE b");
	const struct restore_map *before = restore_maps_now(&maps);
	note(&maps, "session_authorization", "SET SESSION AUTHORIZATION a");
	ck_assert_ptr_ne(restore_maps_now(&maps), before);
	restore_maps_release(&maps);
}
END_TEST

Suite *test_pg_restore_map(void)
{
	Suite *suite = suite_create("pg_restore_map");
	TCase *tcase = tcase_create("map");
	tcase_add_test(tcase, the_same_again_is_the_same_place);
	tcase_add_test(tcase, a_session_user_is_always_new);
	suite_add_tcase(suite, tcase);
	return suite;
}
