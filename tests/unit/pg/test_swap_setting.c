/* Settings as the server stores them (pg_db_role_setting), as statements that give the same again.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "swap_internal.h"

Suite *test_pg_swap_setting(void);

static void check_setting(const char *item, const char *want)
{
	struct buf sql = BUF_INIT;
	setting_add(&sql, item);
	ck_assert_str_eq(sql.data, want);
	buf_release(&sql);
}

START_TEST(values_are_literals)
{
	check_setting("work_mem=7MB", "SET work_mem TO '7MB'");
	check_setting("DateStyle=German, DMY", "SET \"DateStyle\" TO 'German, DMY'");
	check_setting("application_name=it's = \"x\"", "SET application_name TO 'it''s = \"x\"'");
	check_setting("application_name=a\\b'", "SET application_name TO E'a\\\\b'''");
	check_setting("my.own=", "SET \"my.own\" TO ''");
	check_setting("my.list=a, \"b\"", "SET \"my.list\" TO 'a, \"b\"'");
}
END_TEST

START_TEST(lists_are_quoted_by_their_elements)
{
	check_setting("search_path=\"$user\", public", "SET search_path TO '$user', 'public'");
	check_setting("search_path=\"\"", "SET search_path TO ''");
	check_setting("search_path=", "SET search_path TO ''");
	check_setting("search_path=a,b ,  \"c, d\"", "SET search_path TO 'a', 'b', 'c, d'");
	check_setting("search_path=\"a\"\"b\", \"it's\"", "SET search_path TO 'a\"b', 'it''s'");
	check_setting("Search_Path=\"A\", a", "SET \"Search_Path\" TO 'A', 'a'");
	check_setting("temp_tablespaces=\"\", x", "SET temp_tablespaces TO '', 'x'");
	check_setting("session_preload_libraries=auto_explain, \"$libdir/x\"",
	              "SET session_preload_libraries TO 'auto_explain', '$libdir/x'");
	check_setting("search_path=\"unclosed", "SET search_path TO 'unclosed'");
}
END_TEST

START_TEST(statements_with_names_and_values)
{
	struct buf sql = BUF_INIT;
	sql_addf(&sql, "ALTER %s %I SET x = %L, y = %L, %u%% %d", "DATABASE", "My db", "it's",
	         (const char *)NULL, 4294967295u, -1);
	ck_assert_str_eq(sql.data,
	                 "ALTER DATABASE \"My db\" SET x = 'it''s', y = NULL, 4294967295% -1");
	buf_reset(&sql);
	sql_addf(&sql, "%q");
	ck_assert(sql.failed);
	buf_release(&sql);
}
END_TEST

static void check_way(const char *name, bool force, const char *want)
{
	struct buf text = BUF_INIT;
	swap_add_way_back(&text, name, force);
	ck_assert_str_eq(text.data, want);
	buf_release(&text);
}

START_TEST(the_way_back_is_for_a_shell)
{
	check_way("keycloak", false, "idrestore --swap-back -d keycloak");
	check_way("keycloak-2.x", true, "idrestore --swap-back --force -d keycloak-2.x");
	check_way("My db", false, "idrestore --swap-back -d 'My db'");
	check_way("it's", false, "idrestore --swap-back -d 'it'\\''s'");
	check_way("$(rm)", false, "idrestore --swap-back -d '$(rm)'");
	check_way("a=b", false, "idrestore --swap-back -d 'dbname='\\''a=b'\\'''");
	check_way("a='\\", false, "idrestore --swap-back -d 'dbname='\\''a=\\'\\''\\\\'\\'''");
}
END_TEST

Suite *test_pg_swap_setting(void)
{
	Suite *suite = suite_create("pg_swap_setting");
	TCase *tests = tcase_create("settings");
	tcase_add_test(tests, values_are_literals);
	tcase_add_test(tests, lists_are_quoted_by_their_elements);
	tcase_add_test(tests, statements_with_names_and_values);
	tcase_add_test(tests, the_way_back_is_for_a_shell);
	suite_add_tcase(suite, tests);
	return suite;
}
