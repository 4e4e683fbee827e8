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
	struct restore_maps maps = { 0 };
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
	struct restore_maps maps = { 0 };
	note(&maps, "session_authorization", "SET SESSION AUTHORIZATION a");
	note(&maps, "role", "SET ROLE b");
	const struct restore_map *before = restore_maps_now(&maps);
	note(&maps, "session_authorization", "SET SESSION AUTHORIZATION a");
	ck_assert_ptr_ne(restore_maps_now(&maps), before);
	restore_maps_release(&maps);
}
END_TEST

/* pg_dump --use-set-session-authorization says before nearly each statement who it is. */
START_TEST(states_that_come_again_are_one_place)
{
	struct restore_maps maps = { 0 };
	const struct restore_map *places[2];
	note(&maps, "search_path", "SET search_path = ''");
	for (int i = 0; i < 100000; i++) {
		note(&maps, "session_authorization",
		     i % 2 ? "SET SESSION AUTHORIZATION a" : "SET SESSION AUTHORIZATION b");
		note(&maps, "default_tablespace", i % 2 ? "SET default_tablespace = x"
		                                        : "SET default_tablespace = ''");
		if (i < 2)
			places[i] = restore_maps_now(&maps);
		ck_assert_ptr_eq(restore_maps_now(&maps), places[i % 2]);
	}
	ck_assert_ptr_ne(places[0], places[1]);
	restore_maps_release(&maps);
}
END_TEST

/* The order says which role a setting was made in. */
START_TEST(another_order_is_another_place)
{
	struct restore_maps maps = { 0 };
	note(&maps, "role", "SET ROLE b");
	note(&maps, "a", "SET a = 1");
	const struct restore_map *place = restore_maps_now(&maps);
	note(&maps, "role", "SET ROLE c");
	note(&maps, "role", "SET ROLE b");
	ck_assert_ptr_ne(restore_maps_now(&maps), place);
	restore_maps_release(&maps);
}
END_TEST

Suite *test_pg_restore_map(void)
{
	Suite *suite = suite_create("pg_restore_map");
	TCase *tcase = tcase_create("map");
	tcase_add_test(tcase, the_same_again_is_the_same_place);
	tcase_add_test(tcase, a_session_user_is_always_new);
	tcase_add_test(tcase, states_that_come_again_are_one_place);
	tcase_add_test(tcase, another_order_is_another_place);
	suite_add_tcase(suite, tcase);
	return suite;
}
