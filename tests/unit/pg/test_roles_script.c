/* What pg_dumpall says of roles, made harmless for those that are there. */
#include <check.h>

#include "roles_internal.h"

Suite *test_pg_roles_script(void);

static const struct role items[] = {
	{ .name = "app" },
	{ .name = "group" },
	{ .name = "it's \"odd\"" },
	{ .name = "pg_monitor" },
	{ .name = "root", .is_superuser_zero = true },
};

static void feed(struct roles_script *script, const char *sql)
{
	struct err err = ERR_INIT;
	const struct record record = {
		.kind = RECORD_STATEMENT,
		.statement = { slice_of(sql), CLASS_OTHER, { .type = SLICE_NONE }, true },
	};

	ck_assert_int_eq(script->sink.ops->write(&script->sink, &record, &err), 0);
}

#define MAY_GRANT(group, grantor)                                                                  \
	"pg_catalog.current_setting('is_superuser') = 'on'\n\t\t\tAND "                               \
	"(pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 160000\n"                \
	"\t\t\tOR EXISTS (SELECT FROM pg_catalog.pg_auth_members m\n"                                  \
	"\t\t\tJOIN pg_catalog.pg_roles r ON r.oid = m.roleid\n"                                      \
	"\t\t\tJOIN pg_catalog.pg_roles g ON g.oid = m.member\n"                                      \
	"\t\t\tWHERE m.admin_option AND r.rolname = " group " AND g.rolname = " grantor "))"

static const struct {
	const char *sql;
	const char *wanted; /* behind the first two lines, before the last two */
} cases[] = {
	{ "CREATE ROLE app;", "\tIF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'app') THEN\n"
	                      "\t\tCREATE ROLE app;\n"
	                      "\t\tmade := pg_catalog.array_append(made, 'app');\n\tEND IF;\n" },
	{ "CREATE ROLE \"it's \"\"odd\"\"\";",
	  "\tIF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'it''s \"odd\"') THEN\n"
	  "\t\tCREATE ROLE \"it's \"\"odd\"\"\";\n"
	  "\t\tmade := pg_catalog.array_append(made, 'it''s \"odd\"');\n\tEND IF;\n" },
	{ "CREATE ROLE stranger;", "" },
	{ "CREATE ROLE pg_monitor;", "" },
	{ "ALTER ROLE app WITH NOSUPERUSER INHERIT NOCREATEROLE LOGIN NOREPLICATION NOBYPASSRLS "
	  "CONNECTION LIMIT 5 PASSWORD 'NOSUPERUSER' VALID UNTIL '2030-01-01';",
	  "\tIF 'app' = ANY (made) THEN\n"
	  "\t\tALTER ROLE app WITH INHERIT NOCREATEROLE LOGIN CONNECTION LIMIT 5 PASSWORD 'NOSUPERUSER' "
	  "VALID UNTIL '2030-01-01';\n\tEND IF;\n" },
	{ "ALTER ROLE root WITH SUPERUSER REPLICATION BYPASSRLS;",
	  "\tIF 'root' = ANY (made) THEN\n"
	  "\t\tALTER ROLE root WITH SUPERUSER REPLICATION BYPASSRLS;\n\tEND IF;\n" },
	{ "ALTER ROLE app SET search_path TO 'a', 'b';",
	  "\tIF 'app' = ANY (made) THEN\n\t\tALTER ROLE app SET search_path TO 'a', 'b';\n\tEND IF;\n" },
	{ "ALTER ROLE app IN DATABASE d SET work_mem TO '5MB';", "" },
	{ "ALTER ROLE stranger WITH LOGIN;", "" },
	{ "COMMENT ON ROLE app IS 'x';",
	  "\tIF 'app' = ANY (made) THEN\n\t\tCOMMENT ON ROLE app IS 'x';\n\tEND IF;\n" },
	{ "GRANT \"group\" TO app WITH ADMIN OPTION GRANTED BY root;",
	  "\tIF 'app' = ANY (made) THEN\n\t\tGRANT \"group\" TO app WITH ADMIN OPTION;\n\tEND IF;\n" },
	{ "GRANT \"group\" TO app GRANTED BY stranger;",
	  "\tIF 'app' = ANY (made) THEN\n\t\tGRANT \"group\" TO app;\n\tEND IF;\n" },
	/* A role that the archive has: only where the server takes it for a grantor. */
	{ "GRANT \"group\" TO app WITH INHERIT TRUE GRANTED BY \"it's \"\"odd\"\"\";",
	  "\tIF 'app' = ANY (made) THEN\n"
	  "\t\tIF " MAY_GRANT("'group'", "'it''s \"odd\"'") " THEN\n"
	  "\t\t\tGRANT \"group\" TO app WITH INHERIT TRUE GRANTED BY \"it's \"\"odd\"\"\";\n"
	  "\t\tELSE\n"
	  "\t\t\tGRANT \"group\" TO app WITH INHERIT TRUE;\n"
	  "\t\tEND IF;\n\tEND IF;\n" },
	{ "GRANT \"it's \"\"odd\"\"\" TO app WITH ADMIN OPTION, INHERIT FALSE, SET FALSE GRANTED BY "
	  "\"group\";",
	  "\tIF 'app' = ANY (made) THEN\n"
	  "\t\tIF " MAY_GRANT("'it''s \"odd\"'", "'group'") " THEN\n"
	  "\t\t\tGRANT \"it's \"\"odd\"\"\" TO app WITH ADMIN OPTION, INHERIT FALSE, SET FALSE GRANTED "
	  "BY \"group\";\n"
	  "\t\tELSE\n"
	  "\t\t\tGRANT \"it's \"\"odd\"\"\" TO app WITH ADMIN OPTION, INHERIT FALSE, SET FALSE;\n"
	  "\t\tEND IF;\n\tEND IF;\n" },
	{ "GRANT pg_monitor TO app GRANTED BY pg_monitor;",
	  "\tIF 'app' = ANY (made) THEN\n\t\tGRANT pg_monitor TO app;\n\tEND IF;\n" },
	{ "GRANT pg_monitor TO app;",
	  "\tIF 'app' = ANY (made) THEN\n\t\tGRANT pg_monitor TO app;\n\tEND IF;\n" },
	{ "GRANT app TO stranger;", "" },
	{ "SECURITY LABEL FOR p ON ROLE app IS 'x';", "" },
	{ "SET client_encoding = 'UTF8';", "" },
	{ "DROP ROLE app;", "" },
};

START_TEST(statements)
{
	static const struct roles roles = { NULL, (struct role *)(void *)items, 5 };
	struct roles_script script;

	roles_script_init(&script, &roles, NULL);
	feed(&script, cases[_i].sql);
	ck_assert_str_eq(script.body.data ? script.body.data : "", cases[_i].wanted);
	roles_script_release(&script);
}
END_TEST

static void count_line(void *arg, enum log_level level, const char *line)
{
	ck_assert_int_eq(level, LOG_NOTE);
	ck_assert_str_eq(line, "1 security labels of roles are left out");
	++*(int *)arg;
}

START_TEST(whole)
{
	static const struct roles roles = { NULL, (struct role *)(void *)items, 5 };
	int notes = 0;
	const struct log log = { LOG_NOTE, count_line, &notes };
	struct roles_script script;
	struct buf sql = BUF_INIT;
	struct err err = ERR_INIT;

	/* Nothing to create, nothing to say. */
	roles_script_init(&script, &roles, &log);
	feed(&script, "GRANT pg_monitor TO stranger;");
	ck_assert_int_eq(roles_script_finish(&script, &sql, &err), 0);
	ck_assert_uint_eq(sql.len, 0);
	/* The quote is one that the text does not end. */
	feed(&script, "CREATE ROLE app;");
	feed(&script, "COMMENT ON ROLE app IS '$idkit$ $idkit1$';");
	feed(&script, "SECURITY LABEL FOR p ON ROLE app IS 'x';");
	ck_assert_int_eq(roles_script_finish(&script, &sql, &err), 0);
	ck_assert_str_eq(sql.data,
	                 "DO $idkit2$\nDECLARE\n\tmade pg_catalog.name[] := '{}';\nBEGIN\n"
	                 "\tIF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'app') THEN\n"
	                 "\t\tCREATE ROLE app;\n"
	                 "\t\tmade := pg_catalog.array_append(made, 'app');\n\tEND IF;\n"
	                 "\tIF 'app' = ANY (made) THEN\n"
	                 "\t\tCOMMENT ON ROLE app IS '$idkit$ $idkit1$';\n\tEND IF;\n"
	                 "END\n$idkit2$;");
	ck_assert_int_eq(notes, 1);
	roles_script_release(&script);
	buf_release(&sql);
}
END_TEST

Suite *test_pg_roles_script(void)
{
	Suite *suite = suite_create("pg/roles_script");
	TCase *tc = tcase_create("roles");

	tcase_add_loop_test(tc, statements, 0, sizeof(cases) / sizeof(*cases));
	tcase_add_test(tc, whole);
	suite_add_tcase(suite, tc);
	return suite;
}
