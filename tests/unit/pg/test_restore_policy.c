/* What is run of a script, renamed, left out or refused: one line of a script after the other. */
#include <check.h>
#include <string.h>

#include "restore_policy.h"

Suite *test_pg_restore_policy(void);

struct line {
	const char *sql;
	enum restore_action action;
	const char *reason; /* a part of it; NULL: none */
};

static void check_line(const struct restore_options *options, bool is_own, bool standard_strings,
                       struct restore_state *state, const struct line *line)
{
	struct restore_target target = { .is_own = is_own };
	struct record_statement statement = { .sql = slice_of(line->sql),
		                                  .standard_strings = standard_strings };
	statement.class = statement_classify(statement.sql, standard_strings);
	struct restore_decision decision = restore_decide(options, &target, state, &statement);
	ck_assert_msg(decision.action == line->action, "%s: %d", line->sql, (int)decision.action);
	ck_assert_msg((decision.reason != NULL) == (line->reason != NULL), "%s", line->sql);
	if (line->reason)
		ck_assert_msg(strstr(decision.reason, line->reason), "%s: %s", line->sql, decision.reason);
}

static void check_script(const struct restore_options *options, bool is_own,
                         const struct line *lines)
{
	struct restore_state state = { 0 };
	for (const struct line *line = lines; line->sql; line++)
		check_line(options, is_own, true, &state, line);
	buf_release(&state.database);
}

/* Each for itself, as a script's first statement. */
static void check_each(const struct line *lines)
{
	for (const struct line *line = lines; line->sql; line++)
		check_script(&(struct restore_options){ 0 }, false,
		             (struct line[]){ *line, { NULL, RESTORE_RUN, NULL } });
}

#define THERE   "it is about the database itself, which is there already; --create applies it"
#define OTHER   "it is about another database"
#define CATALOG "it writes into the server's catalog of databases"

START_TEST(statements_about_the_database)
{
	static const struct {
		const char *sql;
		enum restore_action own;
		const char *own_reason;
		const char *there_reason;
	} lines[] = {
		{ "UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname = 'x-y';",
		  RESTORE_LEAVE_OUT, CATALOG, CATALOG },
		{ "DROP DATABASE \"x-y\";", RESTORE_LEAVE_OUT, NULL, NULL },
		{ "CREATE DATABASE \"x-y\" WITH TEMPLATE = template0;", RESTORE_LEAVE_OUT, NULL, NULL },
		{ "ALTER DATABASE \"x-y\" OWNER TO o;", RESTORE_RUN_RENAMED, NULL, THERE },
		{ "\\connect -reuse-previous=on \"dbname='x-y'\"", RESTORE_LEAVE_OUT, NULL, NULL },
		{ "COMMENT ON DATABASE \"x-y\" IS 'c';", RESTORE_RUN_RENAMED, NULL, THERE },
		{ "SECURITY LABEL ON DATABASE \"x-y\" IS 'l';", RESTORE_RUN_RENAMED, NULL, THERE },
		{ "ALTER DATABASE \"x-y\" CONNECTION LIMIT = 1;", RESTORE_RUN_RENAMED, NULL, THERE },
		{ "ALTER DATABASE \"x-y\" IS_TEMPLATE = true;", RESTORE_RUN_RENAMED, NULL, THERE },
		{ "ALTER DATABASE \"x-y\" SET a TO 'b';", RESTORE_RUN_RENAMED, NULL, THERE },
		{ "ALTER DATABASE \"x-y\" SET TABLESPACE t;", RESTORE_LEAVE_OUT,
		  "the server does it in no transaction", THERE },
		{ "ALTER ROLE r IN DATABASE \"x-y\" SET a TO 'b';", RESTORE_RUN_RENAMED, NULL, THERE },
		{ "ALTER USER ALL IN DATABASE \"x-y\" RESET ALL;", RESTORE_RUN_RENAMED, NULL, THERE },
		{ "GRANT CREATE ON DATABASE \"x-y\" TO r;", RESTORE_RUN_RENAMED, NULL, THERE },
		{ "ALTER ROLE r IN DATABASE bystander SET a TO 'b';", RESTORE_LEAVE_OUT, OTHER, OTHER },
		{ "ALTER DATABASE bystander SET a TO 'b';", RESTORE_LEAVE_OUT, OTHER, OTHER },
		{ "GRANT ALL ON DATABASE \"x-y\", bystander TO r;", RESTORE_LEAVE_OUT, OTHER, OTHER },
		{ "UPDATE pg_database SET datconnlimit = 1", RESTORE_LEAVE_OUT, CATALOG, CATALOG },
	};
	struct restore_state own = { 0 }, there = { 0 };
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		check_line(&(struct restore_options){ 0 }, true, true, &own,
		           &(struct line){ lines[i].sql, lines[i].own, lines[i].own_reason });
		check_line(&(struct restore_options){ 0 }, false, true, &there,
		           &(struct line){ lines[i].sql, RESTORE_LEAVE_OUT, lines[i].there_reason });
	}
	ck_assert(!own.creating);
	buf_release(&own.database);
	buf_release(&there.database);
}
END_TEST

START_TEST(options_hold_for_the_database)
{
	static const struct line lines[] = {
		{ "CREATE DATABASE x;", RESTORE_LEAVE_OUT, NULL },
		{ "ALTER DATABASE x OWNER TO o;", RESTORE_LEAVE_OUT, NULL },
		{ "ALTER DATABASE x SET owner.to = 'OWNER TO';", RESTORE_RUN_RENAMED, NULL },
		{ "GRANT ALL ON DATABASE x TO r;", RESTORE_LEAVE_OUT, NULL },
		{ "REVOKE ALL ON DATABASE x FROM r;", RESTORE_LEAVE_OUT, NULL },
		{ "COMMENT ON DATABASE x IS 'c';", RESTORE_LEAVE_OUT, NULL },
		{ "ALTER ROLE r IN DATABASE x SET a = 1;", RESTORE_RUN_RENAMED, NULL },
		{ NULL, RESTORE_RUN, NULL },
	};
	check_script(&(struct restore_options){ .no_owner = true, .no_acl = true, .no_comments = true },
	             true, lines);
}
END_TEST

START_TEST(connects)
{
	static const struct line each[] = {
		{ "\\connect x", RESTORE_LEAVE_OUT, NULL },
		{ "\\connect", RESTORE_LEAVE_OUT, NULL },
		{ "\\connect - bob", RESTORE_REFUSE, "\\connect as another role" },
		{ "\\connect x bob", RESTORE_REFUSE, "SET SESSION AUTHORIZATION" },
		{ "\\connect \"dbname=x user=bob\"", RESTORE_REFUSE, "as another role" },
		{ "\\connect postgresql:///x", RESTORE_REFUSE, "can't be told" },
		{ "\\connect :x", RESTORE_REFUSE, "which database \\connect leads to" },
		{ NULL, RESTORE_RUN, NULL },
	};
	static const struct line two[] = {
		{ "\\connect -reuse-previous=on \"dbname='a\\'b'\"", RESTORE_LEAVE_OUT, NULL },
		{ "CREATE DATABASE \"a'b\";", RESTORE_LEAVE_OUT, NULL },
		{ "\\connect", RESTORE_LEAVE_OUT, NULL },
		{ "\\connect -reuse-previous=on \"dbname='other-db'\"", RESTORE_REFUSE,
		  "more than one database" },
		{ "DROP DATABASE other;", RESTORE_REFUSE, "more than one database" },
		{ NULL, RESTORE_RUN, NULL },
	};
	check_each(each);
	check_script(&(struct restore_options){ 0 }, false, two);
}
END_TEST

START_TEST(drops_before_anything_is_made)
{
	static const struct line lines[] = {
		{ "SELECT pg_catalog.lo_unlink('1');", RESTORE_RUN_IF_THERE, NULL },
		{ "SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata "
		  "WHERE oid = '123';",
		  RESTORE_RUN, NULL },
		{ "SELECT lo_unlink(oid) FROM pg_largeobject_metadata;", RESTORE_RUN, NULL },
		{ "DROP TABLE t;", RESTORE_RUN_IF_THERE, NULL },
		{ "SET a = 1;", RESTORE_RUN, NULL },
		{ "DROP TABLE t;", RESTORE_RUN_IF_THERE, NULL },
		{ "SELECT lo_create(1);", RESTORE_RUN, NULL },
		{ "DROP TABLE t;", RESTORE_RUN, NULL },
		{ "SELECT lo_unlink(1);", RESTORE_RUN, NULL },
		{ NULL, RESTORE_RUN, NULL },
	};
	static const char *const making[] = {
		"SELECT lo_fix('lo_unlink');",       "SELECT lo_unlink(1), f();", "SELECT 'lo_unlink';",
		"SELECT lo_put(1, 0, 'lo_unlink');", "CREATE TABLE t ();",        "COPY t FROM '/file';",
		"COPY t TO PROGRAM 'cat';",
	};
	check_script(&(struct restore_options){ 0 }, false, lines);
	for (size_t i = 0; i < sizeof(making) / sizeof(*making); i++)
		check_script(&(struct restore_options){ 0 }, false,
		             (struct line[]){ { making[i], RESTORE_RUN, NULL },
		                              { "DROP TABLE t;", RESTORE_RUN, NULL },
		                              { NULL, RESTORE_RUN, NULL } });
}
END_TEST

START_TEST(what_can_not_be_restored)
{
	static const struct line lines[] = {
		{ "COPY t TO STDOUT;", RESTORE_REFUSE, "rows that would go nowhere" },
		{ "COPY (SELECT 1) TO STDOUT (FORMAT csv);", RESTORE_REFUSE, "COPY … TO STDOUT" },
		{ "RESET ALL;", RESTORE_REFUSE, "RESET ALL takes back the settings" },
		{ "DISCARD ALL;", RESTORE_REFUSE, "DISCARD ALL takes back the settings" },
		{ "DISCARD PLANS;", RESTORE_RUN, NULL },
		{ "RESET search_path;", RESTORE_RUN, NULL },
		{ "SET search_path TO DEFAULT;", RESTORE_RUN, NULL },
		{ "RESET Standard_Conforming_Strings;", RESTORE_REFUSE, "let it say on or off" },
		{ "SET standard_conforming_strings TO DEFAULT;", RESTORE_REFUSE,
		  "what standard_conforming_strings becomes can't be told" },
		{ "SET SESSION standard_conforming_strings = default", RESTORE_REFUSE, "can't be told" },
		{ "SELECT set_config('standard_conforming_strings', NULL, false);", RESTORE_REFUSE,
		  "can't be told" },
		{ "SELECT set_config('standard_conforming_strings', 'o' || 'ff', false);", RESTORE_REFUSE,
		  "can't be told" },
		{ "SET standard_conforming_strings = off;", RESTORE_RUN, NULL },
		{ "SELECT pg_catalog.set_config('standard_conforming_strings', 'on', false);", RESTORE_RUN,
		  NULL },
		{ "ROLLBACK;", RESTORE_REFUSE, "rolls back" },
		{ NULL, RESTORE_RUN, NULL },
	};
	check_each(lines);
}
END_TEST

/* Where a backslash escapes, the string ends later, and what stands in it is no SQL. */
START_TEST(strings_as_the_session_reads_them)
{
	static const struct line escapes = { "SELECT lo_unlink('1\\') FROM t; --');",
		                                 RESTORE_RUN_IF_THERE, NULL };
	static const struct line standard = { "SELECT lo_unlink('1\\') FROM t;", RESTORE_RUN, NULL };
	struct restore_state state = { 0 };
	check_line(&(struct restore_options){ 0 }, false, false, &state, &escapes);
	check_line(&(struct restore_options){ 0 }, false, true, &state, &standard);
	ck_assert(!state.creating);
}
END_TEST

Suite *test_pg_restore_policy(void)
{
	Suite *suite = suite_create("pg_restore_policy");
	TCase *tcase = tcase_create("restore_policy");
	tcase_add_test(tcase, statements_about_the_database);
	tcase_add_test(tcase, options_hold_for_the_database);
	tcase_add_test(tcase, connects);
	tcase_add_test(tcase, drops_before_anything_is_made);
	tcase_add_test(tcase, what_can_not_be_restored);
	tcase_add_test(tcase, strings_as_the_session_reads_them);
	suite_add_tcase(suite, tcase);
	return suite;
}
