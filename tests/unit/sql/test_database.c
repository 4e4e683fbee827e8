/* Which database a statement is about, and where \connect leads. */
#include <check.h>
#include <string.h>

#include "statement.h"

Suite *test_sql_database(void);

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

/* What pg_dump's dumpDatabase() and dumpDatabaseConfig() write, of all versions, and pg_dumpall's
 * variants of it. */
static const struct {
	const char *sql;
	enum statement_class class;
	enum database_naming naming;
	const char *name;
	const char *renamed; /* to: New "one" */
} written_by_pg_dump[] = {
	{ "CREATE DATABASE x WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = icu "
	  "LOCALE = 'C' ICU_LOCALE = 'de';",
	  CLASS_CREATE_DATABASE, DATABASE_IDENTIFIER, "x",
	  "CREATE DATABASE \"New \"\"one\"\"\" WITH TEMPLATE = template0 ENCODING = 'UTF8' "
	  "LOCALE_PROVIDER = icu LOCALE = 'C' ICU_LOCALE = 'de';" },
	{ "DROP DATABASE \"X y\";", CLASS_DROP_DATABASE, DATABASE_IDENTIFIER, "\"X y\"",
	  "DROP DATABASE \"New \"\"one\"\"\";" },
	{ "-- x\nDROP DATABASE IF EXISTS x;", CLASS_DROP_DATABASE, DATABASE_IDENTIFIER, "x",
	  "-- x\nDROP DATABASE IF EXISTS \"New \"\"one\"\"\";" },
	{ "ALTER DATABASE x OWNER TO y;", CLASS_ALTER_DATABASE, DATABASE_IDENTIFIER, "x",
	  "ALTER DATABASE \"New \"\"one\"\"\" OWNER TO y;" },
	{ "ALTER DATABASE x SET search_path TO 'x', \"x\";", CLASS_ALTER_DATABASE, DATABASE_IDENTIFIER,
	  "x", "ALTER DATABASE \"New \"\"one\"\"\" SET search_path TO 'x', \"x\";" },
	{ "ALTER DATABASE \"set\" SET \"TimeZone\" TO 'UTC';", CLASS_ALTER_DATABASE,
	  DATABASE_IDENTIFIER, "\"set\"",
	  "ALTER DATABASE \"New \"\"one\"\"\" SET \"TimeZone\" TO 'UTC';" },
	{ "ALTER DATABASE x RESET ALL;", CLASS_ALTER_DATABASE, DATABASE_IDENTIFIER, "x",
	  "ALTER DATABASE \"New \"\"one\"\"\" RESET ALL;" },
	{ "ALTER DATABASE x IS_TEMPLATE = true;", CLASS_ALTER_DATABASE, DATABASE_IDENTIFIER, "x",
	  "ALTER DATABASE \"New \"\"one\"\"\" IS_TEMPLATE = true;" },
	{ "ALTER DATABASE x CONNECTION LIMIT = 17;", CLASS_ALTER_DATABASE, DATABASE_IDENTIFIER, "x",
	  "ALTER DATABASE \"New \"\"one\"\"\" CONNECTION LIMIT = 17;" },
	{ "ALTER DATABASE x SET TABLESPACE y;", CLASS_ALTER_DATABASE, DATABASE_IDENTIFIER, "x",
	  "ALTER DATABASE \"New \"\"one\"\"\" SET TABLESPACE y;" },
	{ "COMMENT ON DATABASE x IS 'ON DATABASE z';", CLASS_ALTER_DATABASE, DATABASE_IDENTIFIER, "x",
	  "COMMENT ON DATABASE \"New \"\"one\"\"\" IS 'ON DATABASE z';" },
	{ "SECURITY LABEL FOR \"on\" ON DATABASE x IS 'l';", CLASS_ALTER_DATABASE, DATABASE_IDENTIFIER,
	  "x", "SECURITY LABEL FOR \"on\" ON DATABASE \"New \"\"one\"\"\" IS 'l';" },
	{ "SECURITY LABEL FOR 'a\\' ON DATABASE x IS 'l';", CLASS_ALTER_DATABASE, DATABASE_IDENTIFIER,
	  "x", "SECURITY LABEL FOR 'a\\' ON DATABASE \"New \"\"one\"\"\" IS 'l';" },
	{ "GRANT CREATE,CONNECT ON DATABASE x TO y WITH GRANT OPTION;", CLASS_ALTER_DATABASE,
	  DATABASE_IDENTIFIER, "x",
	  "GRANT CREATE,CONNECT ON DATABASE \"New \"\"one\"\"\" TO y WITH GRANT OPTION;" },
	{ "REVOKE GRANT OPTION FOR ALL ON DATABASE x FROM PUBLIC;", CLASS_ALTER_DATABASE,
	  DATABASE_IDENTIFIER, "x",
	  "REVOKE GRANT OPTION FOR ALL ON DATABASE \"New \"\"one\"\"\" FROM PUBLIC;" },
	{ "ALTER ROLE r IN DATABASE x SET work_mem TO '7MB';", CLASS_ALTER_DATABASE,
	  DATABASE_IDENTIFIER, "x",
	  "ALTER ROLE r IN DATABASE \"New \"\"one\"\"\" SET work_mem TO '7MB';" },
	{ "ALTER ROLE \"in\" IN DATABASE \"in\" RESET ALL;", CLASS_ALTER_DATABASE, DATABASE_IDENTIFIER,
	  "\"in\"", "ALTER ROLE \"in\" IN DATABASE \"New \"\"one\"\"\" RESET ALL;" },
	{ "ALTER ROLE ALL IN DATABASE x RESET a;", CLASS_ALTER_DATABASE, DATABASE_IDENTIFIER, "x",
	  "ALTER ROLE ALL IN DATABASE \"New \"\"one\"\"\" RESET a;" },
	{ "ALTER USER r IN DATABASE x SET a.b = 1", CLASS_ALTER_DATABASE, DATABASE_IDENTIFIER, "x",
	  "ALTER USER r IN DATABASE \"New \"\"one\"\"\" SET a.b = 1" },
	{ "UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname = 'x';",
	  CLASS_ALTER_DATABASE, DATABASE_LITERAL, "'x'",
	  "UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname = 'New \"one\"';" },
	{ "UPDATE pg_catalog.pg_database\nSET datfrozenxid = '7', datminmxid = '1'\n"
	  "WHERE datname = E'a\\\\b';",
	  CLASS_ALTER_DATABASE, DATABASE_LITERAL, "E'a\\\\b'",
	  "UPDATE pg_catalog.pg_database\nSET datfrozenxid = '7', datminmxid = '1'\n"
	  "WHERE datname = 'New \"one\"';" },
};

START_TEST(statements_of_pg_dump)
{
	struct slice sql = slice_of(written_by_pg_dump[_i].sql);
	struct buf renamed = BUF_INIT;
	struct slice name;

	ck_assert_int_eq(statement_classify(sql, true), written_by_pg_dump[_i].class);
	ck_assert_int_eq(statement_database(sql, true, &name), written_by_pg_dump[_i].naming);
	ck_assert_msg(slice_equals(name, written_by_pg_dump[_i].name), "%.*s", SLICE_ARG(name));
	ck_assert(name.data >= sql.data && name.data < sql.data + sql.len);
	ck_assert(statement_rename_database(sql, true, slice_of("New \"one\""), &renamed));
	ck_assert_str_eq(renamed.data, written_by_pg_dump[_i].renamed);
	buf_release(&renamed);
}
END_TEST

START_TEST(statements_of_others)
{
	static const struct {
		const char *sql;
		enum statement_class class;
		enum database_naming naming;
	} cases[] = {
		{ "GRANT ALL ON DATABASE x, z TO y", CLASS_ALTER_DATABASE, DATABASE_UNKNOWN },
		{ "UPDATE pg_database SET datconnlimit = 1", CLASS_ALTER_DATABASE, DATABASE_UNKNOWN },
		{ "UPDATE ONLY \"pg_catalog\".pg_database d SET a = 1 WHERE d.datname = 'x'",
		  CLASS_ALTER_DATABASE, DATABASE_UNKNOWN },
		{ "UPDATE pg_database SET a = 1 WHERE datname = 'x' OR true", CLASS_ALTER_DATABASE,
		  DATABASE_UNKNOWN },
		{ "UPDATE pg_database SET a = 1 WHERE datname = current_database()", CLASS_ALTER_DATABASE,
		  DATABASE_UNKNOWN },
		{ "UPDATE public.pg_database SET a = 1 WHERE datname = 'x'", CLASS_OTHER, DATABASE_NONE },
		{ "UPDATE t SET a = 1", CLASS_OTHER, DATABASE_NONE },
		/* Tables of that name: DATABASE is no reserved word. */
		{ "GRANT ALL ON database TO y", CLASS_ACL, DATABASE_NONE },
		{ "REVOKE ALL ON database FROM y", CLASS_ACL, DATABASE_NONE },
		{ "GRANT ALL ON database.t TO y", CLASS_ACL, DATABASE_NONE },
		{ "GRANT database TO y", CLASS_ACL, DATABASE_NONE },
		{ "COMMENT ON TABLE database IS 'x'", CLASS_COMMENT, DATABASE_NONE },
		{ "CREATE TABLE database (a int)", CLASS_CREATE, DATABASE_NONE },
		{ "DROP TABLE database", CLASS_DROP, DATABASE_NONE },
		{ "ALTER ROLE r SET a TO 'IN DATABASE x'", CLASS_CREATE_ROLE, DATABASE_NONE },
		{ "ALTER USER MAPPING FOR u SERVER s OPTIONS (a 'b')", CLASS_ALTER, DATABASE_NONE },
		{ "SELECT 1", CLASS_OTHER, DATABASE_NONE },
		{ "", CLASS_EMPTY, DATABASE_NONE },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct slice sql = slice_of(cases[i].sql);
		struct slice name = sql;
		struct buf renamed = BUF_INIT;

		ck_assert_msg(statement_classify(sql, true) == cases[i].class, "%s", cases[i].sql);
		ck_assert_msg(statement_database(sql, true, &name) == cases[i].naming, "%s", cases[i].sql);
		ck_assert_ptr_null(name.data);
		ck_assert(!statement_rename_database(sql, true, slice_of("n"), &renamed));
		ck_assert_uint_eq(renamed.len, 0);
	}
}
END_TEST

START_TEST(strings_as_the_session_reads_them)
{
	struct slice sql = slice_of("SECURITY LABEL FOR 'a\\' ON DATABASE z' ON DATABASE x IS 'l'");
	struct slice name;

	ck_assert_int_eq(statement_database(sql, false, &name), DATABASE_IDENTIFIER);
	ck_assert(slice_equals(name, "x"));
	ck_assert_int_eq(statement_database(sql, true, &name), DATABASE_IDENTIFIER);
	ck_assert(slice_equals(name, "z"));
}
END_TEST

START_TEST(connects)
{
	static const struct {
		const char *command;
		enum connect_target target;
		const char *database;
	} cases[] = {
		{ "\\connect x", CONNECT_DATABASE, "x" },
		{ "\\c  X;", CONNECT_DATABASE, "X" },
		{ "\\connect my-db\r\n", CONNECT_DATABASE, "my-db" },
		{ "\\connect \"X \"\"y\"", CONNECT_DATABASE, "X \"y" },
		{ "\\connect 'it''s \\'x'", CONNECT_DATABASE, "it's 'x" },
		{ "\\connect", CONNECT_DATABASE, "" },
		{ "\\connect -", CONNECT_DATABASE, "" },
		{ "\\connect \"-\"", CONNECT_DATABASE, "-" },
		{ "\\connect - - - -", CONNECT_DATABASE, "" },
		{ "\\connect x -", CONNECT_DATABASE, "x" },
		{ "\\connect -reuse-previous=on x", CONNECT_DATABASE, "x" },
		{ "\\connect dbname=x", CONNECT_DATABASE, "x" },
		{ "\\connect -reuse-previous=on \"dbname='other-db'\"", CONNECT_DATABASE, "other-db" },
		{ "\\connect -reuse-previous=on \"dbname='a\\'b\\\\c\"\"d = e'\"", CONNECT_DATABASE,
		  "a'b\\c\"d = e" },
		{ "\\connect -reuse-previous=on \"dbname=a\\ b\"", CONNECT_DATABASE, "a b" },
		{ "\\connect \" dbname = 'x' \"", CONNECT_DATABASE, "x" },
		{ "\\connect - bob", CONNECT_ROLE, "" },
		{ "\\connect x \"bob\"", CONNECT_ROLE, "" },
		{ "\\connect x bob host 5432", CONNECT_ROLE, "" },
		{ "\\connect \"dbname=x user=bob\"", CONNECT_ROLE, "" },
		{ "\\connect -reuse-previous=on dbname=x bob", CONNECT_ROLE, "" },
		{ "\\connect x - host", CONNECT_UNKNOWN, "" },
		{ "\\connect - - - 5433", CONNECT_UNKNOWN, "" },
		{ "\\connect \"dbname=x host=h\"", CONNECT_UNKNOWN, "" },
		{ "\\connect host=h", CONNECT_UNKNOWN, "" },
		{ "\\connect \"dbname='x\"", CONNECT_UNKNOWN, "" },
		{ "\\connect postgresql://h/x", CONNECT_UNKNOWN, "" },
		{ "\\connect 'postgres://h/x'", CONNECT_UNKNOWN, "" },
		{ "\\connect :name", CONNECT_UNKNOWN, "" },
		{ "\\connect `hostname`", CONNECT_UNKNOWN, "" },
		{ "\\connect x :role", CONNECT_UNKNOWN, "" },
		{ "\\connect \"x", CONNECT_UNKNOWN, "" },
		{ "\\connect '\\164'", CONNECT_UNKNOWN, "" },
		{ "\\connect 'x\"'", CONNECT_UNKNOWN, "" },
		{ "\\connect x \\\\ select 1", CONNECT_UNKNOWN, "" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf database = BUF_INIT;

		ck_assert_msg(statement_classify(slice_of(cases[i].command), true) == CLASS_CONNECT, "%s",
		              cases[i].command);
		ck_assert_msg(statement_connect(slice_of(cases[i].command), &database) == cases[i].target,
		              "%s", cases[i].command);
		ck_assert_msg(slice_equals(buf_slice(&database), cases[i].database), "%s: %s",
		              cases[i].command, database.len ? database.data : "");
		buf_release(&database);
	}
}
END_TEST

Suite *test_sql_database(void)
{
	Suite *suite = suite_create("sql_database");
	TCase *tcase = tcase_create("database");

	tcase_add_loop_test(tcase, statements_of_pg_dump, 0, COUNT(written_by_pg_dump));
	tcase_add_test(tcase, statements_of_others);
	tcase_add_test(tcase, strings_as_the_session_reads_them);
	tcase_add_test(tcase, connects);
	suite_add_tcase(suite, tcase);
	return suite;
}
