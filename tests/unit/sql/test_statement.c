#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "statement.h"

Suite *test_sql_statement(void);

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

START_TEST(classes)
{
	static const struct {
		const char *sql;
		enum statement_class class;
	} cases[] = {
		{ "", CLASS_EMPTY },
		{ " -- a\n/* b */ ;", CLASS_EMPTY },
		{ "SET a = 1;", CLASS_SET },
		{ "set local a.b to 'x', 'y'", CLASS_SET },
		{ "SET SESSION x = 1;", CLASS_SET },
		{ "SET a.\"B\".c.d = 1;", CLASS_SET },
		{ "SET a. = 1;", CLASS_OTHER },
		{ "SET TIME ZONE 'x'", CLASS_SET },
		{ "SET LOCAL TIME ZONE LOCAL", CLASS_SET },
		{ "SET NAMES 'UTF8'", CLASS_SET },
		{ "SET SCHEMA 'x'", CLASS_SET },
		{ "SET XML OPTION CONTENT", CLASS_SET },
		{ "RESET ALL", CLASS_SET },
		{ "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;", CLASS_OTHER },
		{ "SET LOCAL TRANSACTION READ ONLY;", CLASS_OTHER },
		{ "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", CLASS_OTHER },
		{ "SET CONSTRAINTS ALL DEFERRED", CLASS_OTHER },
		{ "SET SESSION AUTHORIZATION joe", CLASS_SESSION_USER },
		{ "SET SESSION SESSION AUTHORIZATION DEFAULT", CLASS_SESSION_USER },
		{ "SET ROLE joe", CLASS_SESSION_USER },
		{ "SET LOCAL role = joe", CLASS_SESSION_USER },
		{ "RESET ROLE", CLASS_SESSION_USER },
		{ "RESET SESSION AUTHORIZATION", CLASS_SESSION_USER },
		{ "SELECT pg_catalog.set_config('search_path', '', false);", CLASS_SET_CONFIG },
		{ "SELECT set_config('a', 'b;)', false)", CLASS_SET_CONFIG },
		{ "SELECT set_config('a', 'b', false), drop_all();", CLASS_OTHER },
		{ "SELECT set_config('a', 'b', false) FROM t;", CLASS_OTHER },
		{ "SELECT pg_catalog.setval('public.s', 1, true);", CLASS_SETVAL },
		{ "SELECT x.setval('public.s', 1, true);", CLASS_OTHER },
		{ "SELECT setval", CLASS_OTHER },
		{ "SELECT pg_catalog.lo_create('1');", CLASS_LARGE_OBJECT },
		{ "SELECT pg_catalog.lo_open('1', 131072);", CLASS_LARGE_OBJECT },
		{ "SELECT pg_catalog.lowrite(0, '\\x00');", CLASS_LARGE_OBJECT },
		{ "SELECT lo_put(1, 0, '\\x00');", CLASS_LARGE_OBJECT },
		{ "SELECT LO_UNLINK(1);", CLASS_LARGE_OBJECT },
		{ "SELECT pg_catalog.loread(0, 10);", CLASS_LARGE_OBJECT },
		{ "SELECT low(1);", CLASS_OTHER },
		{ "SELECT lo_fix();", CLASS_OTHER },
		{ "SELECT pg_catalog.lo_(1);", CLASS_OTHER },
		{ "SELECT public.lo_create(1);", CLASS_OTHER },
		{ "SELECT lo_create(1), f();", CLASS_OTHER },
		{ "SELECT lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata;", CLASS_OTHER },
		{ "SELECT 1;", CLASS_OTHER },
		{ "BEGIN;", CLASS_BEGIN },
		{ "START TRANSACTION READ ONLY;", CLASS_BEGIN },
		{ "COMMIT AND CHAIN", CLASS_COMMIT },
		{ "END;", CLASS_COMMIT },
		{ "COMMIT PREPARED 'a'", CLASS_PREPARED },
		{ "PREPARE TRANSACTION 'a'", CLASS_PREPARED },
		{ "PREPARE p AS SELECT 1", CLASS_OTHER },
		{ "ROLLBACK", CLASS_ROLLBACK },
		{ "ABORT WORK", CLASS_ROLLBACK },
		{ "ROLLBACK PREPARED 'a'", CLASS_PREPARED },
		{ "ROLLBACK TO SAVEPOINT a", CLASS_OTHER },
		{ "ROLLBACK WORK TO a", CLASS_OTHER },
		{ "ALTER TABLE ONLY public.t OWNER TO x;", CLASS_OWNER },
		{ "ALTER TABLE IF EXISTS public.t * OWNER TO \"X y\"", CLASS_OWNER },
		{ "ALTER TABLE owner OWNER TO CURRENT_USER", CLASS_OWNER },
		{ "ALTER TABLE rename OWNER TO x", CLASS_OWNER },
		{ "ALTER FUNCTION s.f(a int, b numeric(1,2)) OWNER TO x", CLASS_OWNER },
		{ "ALTER AGGREGATE a(*) OWNER TO x", CLASS_OWNER },
		{ "ALTER OPERATOR s.+ (int, int) OWNER TO x", CLASS_OWNER },
		{ "ALTER OPERATOR CLASS s.c USING btree OWNER TO x", CLASS_OWNER },
		{ "ALTER LARGE OBJECT 12 OWNER TO x", CLASS_OWNER },
		{ "ALTER PROCEDURAL LANGUAGE l OWNER TO x", CLASS_OWNER },
		{ "ALTER TEXT SEARCH DICTIONARY d OWNER TO x", CLASS_OWNER },
		{ "ALTER EVENT TRIGGER e OWNER TO x", CLASS_OWNER },
		{ "ALTER FOREIGN DATA WRAPPER w OWNER TO x", CLASS_OWNER },
		{ "ALTER TABLE t RENAME owner TO x", CLASS_ALTER },
		{ "ALTER TABLE t RENAME COLUMN owner TO x", CLASS_ALTER },
		{ "ALTER TABLE \"t OWNER TO x\" SET SCHEMA y", CLASS_ALTER },
		{ "ALTER TABLE t ALTER c SET DEFAULT ' OWNER TO x'", CLASS_ALTER },
		{ "ALTER TABLE t OWNER TO x, ADD COLUMN c int", CLASS_ALTER },
		{ "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);", CLASS_ALTER },
		{ "ALTER TABLE t DROP COLUMN c", CLASS_ALTER },
		{ "ALTER TABLE t DROP CONSTRAINT a, ADD COLUMN b int", CLASS_ALTER },
		{ "ALTER TABLE t ALTER c DROP NOT NULL", CLASS_ALTER },
		{ "ALTER EXTENSION e UPDATE", CLASS_ALTER },
		{ "ALTER SYSTEM SET a = 1", CLASS_ALTER },
		{ "ALTER USER MAPPING FOR u SERVER s OPTIONS (a 'b')", CLASS_ALTER },
		{ "ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT ALL ON TABLES TO x", CLASS_ACL },
		{ "GRANT ALL ON TABLE t TO x", CLASS_ACL },
		{ "GRANT SELECT (a, b) ON t TO x", CLASS_ACL },
		{ "GRANT a TO b", CLASS_ACL },
		{ "REVOKE USAGE ON SCHEMA \"database\" FROM PUBLIC;", CLASS_ACL },
		{ "GRANT ALL ON DATABASE x TO y", CLASS_ALTER_DATABASE },
		{ "REVOKE CONNECT, TEMPORARY ON DATABASE x FROM PUBLIC;", CLASS_ALTER_DATABASE },
		{ "COMMENT ON TABLE t IS 'DATABASE'", CLASS_COMMENT },
		{ "COMMENT ON DATABASE x IS 'y'", CLASS_ALTER_DATABASE },
		{ "SECURITY LABEL FOR p ON TABLE t IS 'x'", CLASS_SECURITY_LABEL },
		{ "SECURITY LABEL ON DATABASE d IS 'x'", CLASS_ALTER_DATABASE },
		{ "ALTER DATABASE x OWNER TO y;", CLASS_ALTER_DATABASE },
		{ "ALTER DATABASE x SET a = 1;", CLASS_ALTER_DATABASE },
		{ "ALTER ROLE r IN DATABASE x SET a = 1;", CLASS_ALTER_DATABASE },
		{ "ALTER USER ALL IN DATABASE \"in\" RESET ALL", CLASS_ALTER_DATABASE },
		{ "ALTER ROLE r SET a = 1;", CLASS_CREATE_ROLE },
		{ "CREATE DATABASE x;", CLASS_CREATE_DATABASE },
		{ "DROP DATABASE IF EXISTS x;", CLASS_DROP_DATABASE },
		{ "DROP TABLE t;", CLASS_DROP },
		{ "DROP OWNED BY x", CLASS_DROP },
		{ "ALTER TABLE ONLY public.a DROP CONSTRAINT x", CLASS_DROP },
		{ "ALTER TABLE IF EXISTS ONLY public.a DROP CONSTRAINT IF EXISTS x CASCADE;", CLASS_DROP },
		{ "ALTER TABLE public.a ALTER COLUMN id DROP DEFAULT;", CLASS_DROP },
		{ "ALTER DOMAIN d DROP DEFAULT;", CLASS_DROP },
		{ "CREATE TABLE t (a int);", CLASS_CREATE },
		{ "CREATE SCHEMA x AUTHORIZATION y", CLASS_CREATE },
		{ "CREATE USER MAPPING FOR u SERVER s", CLASS_CREATE },
		{ "CREATE FUNCTION f() AS 'DROP DATABASE x'", CLASS_CREATE },
		{ "CREATE ROLE x", CLASS_CREATE_ROLE },
		{ "CREATE USER x", CLASS_CREATE_ROLE },
		{ "ALTER GROUP x ADD USER y", CLASS_CREATE_ROLE },
		{ "DROP ROLE x", CLASS_CREATE_ROLE },
		{ "CREATE TABLESPACE x LOCATION '/y'", CLASS_CREATE_ROLE },
		{ "INSERT INTO t VALUES ('COPY');", CLASS_INSERT },
		{ "COPY t (a,b) FROM stdin;", CLASS_COPY_IN },
		{ "COPY t FROM STDIN WITH (FORMAT csv)", CLASS_COPY_IN },
		{ "COPY binary t FROM stdin", CLASS_COPY_IN },
		{ "COPY public.t  FROM stdin;", CLASS_COPY_IN },
		{ "COPY t FROM '/file'", CLASS_COPY_OTHER },
		{ "COPY t FROM PROGRAM 'x'", CLASS_COPY_OTHER },
		{ "COPY t FROM STDOUT", CLASS_COPY_IN },
		{ "COPY t TO stdout", CLASS_COPY_OUT },
		{ "COPY BINARY s.\"to\" (a, b) TO STDIN", CLASS_COPY_OUT },
		{ "COPY (SELECT 1 FROM stdin) TO STDOUT", CLASS_COPY_OUT },
		{ "COPY (SELECT 1) TO PROGRAM 'cat'", CLASS_COPY_OTHER },
		{ "COPY t TO '/stdout'", CLASS_COPY_OTHER },
		{ "COPY (SELECT 1) FROM stdin", CLASS_COPY_OTHER },
		{ "\\connect x", CLASS_CONNECT },
		{ "\\c x", CLASS_CONNECT },
		{ "\\cd x", CLASS_OTHER },
		{ "\\restrict a1", CLASS_RESTRICT },
		{ "\\unrestrict a1", CLASS_UNRESTRICT },
		{ "\\!", CLASS_OTHER },
		{ "\\", CLASS_OTHER },
		{ "DO $$BEGIN DROP TABLE t; END$$;", CLASS_OTHER },
		{ "\"SET\" a = 1", CLASS_OTHER },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		ck_assert_msg(statement_classify(slice_of(cases[i].sql), true) == cases[i].class,
		              "%s is %d", cases[i].sql,
		              (int)statement_classify(slice_of(cases[i].sql), true));
}
END_TEST

START_TEST(objects)
{
	static const struct {
		const char *sql;
		const char *type; /* NULL: can't be told */
		const char *schema;
		const char *name;
	} cases[] = {
		{ "CREATE TABLE t (a int)", "TABLE", "", "t" },
		{ "CREATE UNLOGGED TABLE IF NOT EXISTS S.\"T\" ()", "TABLE", "s", "T" },
		{ "CREATE GLOBAL TEMPORARY TABLE t ()", "TABLE", "", "t" },
		{ "CREATE OR REPLACE VIEW s.v AS SELECT 1", "VIEW", "s", "v" },
		{ "CREATE MATERIALIZED VIEW s.v AS SELECT 1", "MATERIALIZED VIEW", "s", "v" },
		{ "CREATE SEQUENCE s.q", "SEQUENCE", "s", "q" },
		{ "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY s.t (a)", "INDEX", "s", "i" },
		{ "CREATE INDEX ON t (a)", NULL, NULL, NULL },
		{ "CREATE OR REPLACE FUNCTION s.f(a int) RETURNS int", "FUNCTION", "s", "f" },
		{ "CREATE OPERATOR s.=== (FUNCTION = f)", "OPERATOR", "s", "===" },
		{ "CREATE TRIGGER g BEFORE INSERT OR UPDATE OF a ON s.t EXECUTE FUNCTION f()", "TRIGGER",
		  "s", "t g" },
		{ "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON s.t EXECUTE FUNCTION f()", "TRIGGER", "s",
		  "t g" },
		{ "CREATE RULE r AS ON INSERT TO s.t DO NOTHING", "RULE", "s", "t r" },
		{ "CREATE POLICY p ON s.t USING (true)", "POLICY", "s", "t p" },
		{ "CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION f()", "EVENT TRIGGER", "", "e" },
		{ "CREATE SCHEMA AUTHORIZATION joe", "SCHEMA", "", "joe" },
		{ "CREATE SCHEMA IF NOT EXISTS x", "SCHEMA", "", "x" },
		{ "CREATE TRUSTED PROCEDURAL LANGUAGE l", "PROCEDURAL LANGUAGE", "", "l" },
		{ "CREATE EXTENSION IF NOT EXISTS e WITH SCHEMA s", "EXTENSION", "", "e" },
		{ "CREATE USER MAPPING FOR u SERVER s", NULL, NULL, NULL },
		{ "CREATE CAST (a AS b) WITHOUT FUNCTION", NULL, NULL, NULL },
		{ "ALTER TABLE ONLY s.t OWNER TO x", "TABLE", "s", "t" },
		{ "ALTER TABLE ONLY s.t ADD CONSTRAINT \"C\" PRIMARY KEY (a)", "CONSTRAINT", "s", "t C" },
		{ "ALTER TABLE s.t\n    ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u(a)", "FK CONSTRAINT",
		  "s", "t c" },
		{ "ALTER TABLE t ADD CONSTRAINT c CHECK (true) NOT VALID", "CHECK CONSTRAINT", "", "t c" },
		{ "ALTER TABLE t DROP CONSTRAINT IF EXISTS c", "CONSTRAINT", "", "t c" },
		{ "ALTER TABLE t ALTER COLUMN c SET DEFAULT 1", "DEFAULT", "", "t c" },
		{ "ALTER TABLE t ALTER c DROP DEFAULT", "DEFAULT", "", "t c" },
		{ "ALTER TABLE t ALTER c SET STATISTICS 1", "TABLE", "", "t" },
		{ "ALTER TABLE s.t ENABLE ROW LEVEL SECURITY", "ROW SECURITY", "s", "t" },
		{ "ALTER TABLE s.t ATTACH PARTITION p.q DEFAULT", "TABLE ATTACH", "p", "q" },
		{ "ALTER INDEX s.i ATTACH PARTITION p.q", "INDEX ATTACH", "p", "q" },
		{ "ALTER SEQUENCE s.q OWNED BY s.t.c", "SEQUENCE OWNED BY", "s", "q" },
		{ "ALTER LARGE OBJECT 12 OWNER TO x", "BLOB", "", "12" },
		{ "DROP TABLE IF EXISTS s.t CASCADE;", "TABLE", "s", "t" },
		{ "DROP TABLE a, b;", NULL, NULL, NULL },
		{ "DROP FUNCTION s.f(int, text);", "FUNCTION", "s", "f" },
		{ "DROP TRIGGER IF EXISTS g ON s.t;", "TRIGGER", "s", "t g" },
		{ "DROP INDEX CONCURRENTLY s.i;", "INDEX", "s", "i" },
		{ "COMMENT ON TABLE s.t IS 'x'", "COMMENT", "s", "TABLE t" },
		{ "COMMENT ON COLUMN s.t.c IS 'x'", "COMMENT", "s", "COLUMN t.c" },
		{ "COMMENT ON COLUMN t.c IS 'x'", "COMMENT", "", "COLUMN t.c" },
		{ "COMMENT ON CONSTRAINT c ON s.t IS 'x'", "COMMENT", "s", "CONSTRAINT c ON t" },
		{ "COPY s.t (a) FROM stdin;", "TABLE DATA", "s", "t" },
		{ "COPY (SELECT 1) TO STDOUT", NULL, NULL, NULL },
		{ "INSERT INTO t VALUES (1)", "TABLE DATA", "", "t" },
		{ "SELECT pg_catalog.setval('s.\"Q\"', 1, true);", "SEQUENCE SET", "s", "Q" },
		{ "SELECT setval(E'\\163.q'::regclass, 1);", "SEQUENCE SET", "s", "q" },
		{ "SELECT 1", NULL, NULL, NULL },
		{ "GRANT ALL ON t TO x", NULL, NULL, NULL },
		{ "", NULL, NULL, NULL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf names = BUF_INIT;
		struct object object;
		bool found = statement_object(slice_of(cases[i].sql), true, &names, &object);

		ck_assert_msg(found == (cases[i].type != NULL), "%s", cases[i].sql);
		ck_assert_ptr_null(object.owner.data);
		if (found) {
			ck_assert_msg(slice_equals(object.type, cases[i].type), "%s: %.*s", cases[i].sql,
			              SLICE_ARG(object.type));
			ck_assert_msg(slice_equals(object.schema, cases[i].schema), "%s: %.*s", cases[i].sql,
			              SLICE_ARG(object.schema));
			ck_assert_msg(slice_equals(object.name, cases[i].name), "%s: %.*s", cases[i].sql,
			              SLICE_ARG(object.name));
		}
		buf_release(&names);
	}
}
END_TEST

START_TEST(settings)
{
	static const struct {
		const char *sql;
		const char *name; /* NULL: no setting */
		const char *value;
	} cases[] = {
		{ "SET Statement_Timeout = 0;", "statement_timeout", "0" },
		{ "SET x = -1;", "x", "-1" },
		{ "SET LOCAL a.B TO 'it''s'", "a.b", "it's" },
		{ "SET a.\"B\".c.D = 'x'", "a.b.c.d", "x" },
		{ "SET standard_conforming_strings = off", "standard_conforming_strings", "off" },
		{ "SET \"X\" = \"Y\"", "x", "Y" },
		{ "SET search_path = a, b", "search_path", "" },
		{ "SET TIME ZONE 'UTC'", "timezone", "UTC" },
		{ "SET NAMES 'LATIN1'", "client_encoding", "LATIN1" },
		{ "SET SCHEMA 'x';", "search_path", "x" },
		{ "SET XML OPTION CONTENT", "xmloption", "CONTENT" },
		{ "RESET x", "x", "" },
		{ "RESET TIME ZONE", "timezone", "" },
		{ "SELECT pg_catalog.set_config('search_Path', '', false);", "search_path", "" },
		{ "SELECT set_config('a', E'\\x62', false)", "a", "b" },
		{ "SELECT set_config('a', 'o' || 'ff', false)", "a", "" },
		{ "SELECT set_config('a', NULL, false)", "a", "" },
		{ "SET a TO DEFAULT", "a", "DEFAULT" },
		{ "SET TRANSACTION READ ONLY", NULL, NULL },
		{ "SET ROLE x", NULL, NULL },
		{ "SELECT setval('a', 1)", NULL, NULL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf name = BUF_INIT, value = BUF_INIT;
		bool found = statement_setting(slice_of(cases[i].sql), true, &name, &value);

		ck_assert_msg(found == (cases[i].name != NULL), "%s", cases[i].sql);
		if (found) {
			ck_assert_str_eq(name.data, cases[i].name);
			ck_assert_msg(slice_equals(buf_slice(&value), cases[i].value), "%s: %s", cases[i].sql,
			              value.data);
		}
		buf_release(&name);
		buf_release(&value);
	}
}
END_TEST

static void check_toc(const char *lead, const char *expected, const char *comment)
{
	struct object object = { SLICE_NONE, SLICE_NONE, SLICE_NONE, SLICE_NONE };
	struct slice block = SLICE_NONE;
	struct buf result = BUF_INIT;

	ck_assert_msg(toc_comment_parse(slice_of(lead), &object, &block) == (expected != NULL), "%s",
	              lead);
	if (expected) {
		buf_addf(&result, "%.*s|%.*s|%.*s|%.*s", SLICE_ARG(object.name), SLICE_ARG(object.type),
		         SLICE_ARG(object.schema), SLICE_ARG(object.owner));
		ck_assert_str_eq(result.data, expected);
		ck_assert_msg(slice_equals(block, comment), "%.*s", SLICE_ARG(block));
	}
	buf_release(&result);
}

START_TEST(toc_comments)
{
#define LINE "-- Name: a; Type: TABLE; Schema: public; Owner: joe\n"
	check_toc("\n\n--\n" LINE "--\n\n", "a|TABLE|public|joe", "--\n" LINE "--\n");
	check_toc(LINE, "a|TABLE|public|joe", LINE);
	check_toc("--\n-- TOC entry 1 (class 2 OID 3)\n-- Dependencies: 4\n" LINE "--\n",
	          "a|TABLE|public|joe",
	          "--\n-- TOC entry 1 (class 2 OID 3)\n-- Dependencies: 4\n" LINE "--\n");
	check_toc("--\n" LINE "--\n\n--\n-- Data for Name: b c; Type: TABLE DATA; Schema: -; Owner: -\n"
	          "--\n",
	          "b c|TABLE DATA||",
	          "--\n-- Data for Name: b c; Type: TABLE DATA; Schema: -; Owner: -\n--\n");
	check_toc("-- Statistics for Name: t; Type: STATISTICS DATA; Schema: s; Owner: \n",
	          "t|STATISTICS DATA|s|",
	          "-- Statistics for Name: t; Type: STATISTICS DATA; Schema: s; Owner: \n");
	check_toc("-- Name: a; Type: X; Schema: y; Owner: z; Type: TABLE; Schema: s; Owner: o\n",
	          "a; Type: X; Schema: y; Owner: z|TABLE|s|o",
	          "-- Name: a; Type: X; Schema: y; Owner: z; Type: TABLE; Schema: s; Owner: o\n");
	check_toc("-- Name: a; Tablespace: b; Type: TABLE; Schema: s; Owner: o; Tablespace: ts\r\n",
	          "a; Tablespace: b|TABLE|s|o",
	          "-- Name: a; Tablespace: b; Type: TABLE; Schema: s; Owner: o; Tablespace: ts\r\n");
	check_toc("/*\n--\n" LINE "--\n*/\n", NULL, NULL);
	check_toc("-- x /* y\n" LINE, "a|TABLE|public|joe", LINE);
	check_toc("-- Name: a; Type: TABLE; Schema: public\n", NULL, NULL);
	check_toc("--  Name: a; Type: TABLE; Schema: public; Owner: joe\n", NULL, NULL);
	check_toc("", NULL, NULL);
}
END_TEST

START_TEST(sections)
{
	enum section section;

	for (enum section i = SECTION_NONE; i <= SECTION_POST_DATA; i++) {
		ck_assert(section_parse(slice_of(section_name(i)), &section));
		ck_assert_int_eq(section, i);
	}
	ck_assert(!section_parse(SLICE_LITERAL("Data"), &section));
	ck_assert(!section_parse(SLICE_NONE, &section));
	ck_assert_int_eq(section_of_type(SLICE_LITERAL("TABLE")), SECTION_PRE_DATA);
	ck_assert_int_eq(section_of_type(SLICE_LITERAL("TABLE DATA")), SECTION_DATA);
	ck_assert_int_eq(section_of_type(SLICE_LITERAL("SEQUENCE SET")), SECTION_DATA);
	ck_assert_int_eq(section_of_type(SLICE_LITERAL("FK CONSTRAINT")), SECTION_POST_DATA);
	ck_assert_int_eq(section_of_type(SLICE_LITERAL("MATERIALIZED VIEW DATA")), SECTION_POST_DATA);
	ck_assert_int_eq(section_of_type(SLICE_LITERAL("ACL")), SECTION_NONE);
	ck_assert_int_eq(section_of_type(SLICE_LITERAL("table")), SECTION_NONE);
	ck_assert_int_eq(section_of_type(SLICE_NONE), SECTION_NONE);
}
END_TEST

/* The header as "schema|table|columns|flags"; columns "-" when there is no list. */
static void check_copy(const char *sql, const char *expected)
{
	struct copy_header header = COPY_HEADER_INIT;
	struct buf result = BUF_INIT;
	struct err err = ERR_INIT;

	ck_assert_msg(copy_header_parse(slice_of(sql), true, &header, &err) == 0, "%s", err.message);
	buf_add_slice(&result, buf_slice(&header.schema));
	buf_addc(&result, '|');
	buf_add_slice(&result, buf_slice(&header.table));
	buf_adds(&result, header.has_columns ? "|" : "|-");
	for (size_t i = 0; i < header.column_count; i++)
		buf_addf(&result, "%s%s", i > 0 ? "," : "", header.columns[i].data);
	buf_addf(&result, "|%s%s", header.text_format ? "text" : "",
	         header.binary_format ? "binary" : "");
	ck_assert_str_eq(result.data, expected);
	buf_release(&result);
	copy_header_release(&header);
}

START_TEST(copy_headers)
{
	check_copy("COPY public.t (a, \"B,c\") FROM stdin;", "public|t|a,B,c|text");
	check_copy("-- lead\ncopy T from STDIN", "|t|-|text");
	check_copy("COPY public.t  FROM stdin;", "public|t|-|text");
	check_copy("COPY t FROM STDIN WITH (FORMAT csv)", "|t|-|");
	check_copy("COPY t FROM STDIN (FORMAT 'text', FREEZE true);", "|t|-|text");
	check_copy("COPY t FROM STDIN (DELIMITER ',', FORMAT text);", "|t|-|");
	check_copy("COPY t FROM STDIN (FORCE_NULL (a, b), FORMAT text);", "|t|-|");
	check_copy("COPY t FROM STDIN (FORMAT binary);", "|t|-|binary");
	check_copy("COPY t (a) FROM stdin WITH DELIMITER ',' NULL 'x' CSV HEADER", "|t|a|");
	check_copy("COPY t (a) FROM stdin CSV", "|t|a|");
	check_copy("COPY BINARY t FROM stdin", "|t|-|binary");
	check_copy("COPY t FROM stdin WITH BINARY", "|t|-|binary");
	check_copy("COPY t FROM stdin WHERE a > 0", "|t|-|");
}
END_TEST

START_TEST(copy_errors)
{
	static const char *const statements[] = {
		"COPY t TO stdout;",
		"COPY t FROM '/file';",
		"COPY (SELECT 1) TO STDOUT;",
		"COPY t (a, FROM stdin;",
		"COPY a.b.c FROM stdin;",
		"COPY t () FROM stdin;",
		"SELECT 1;",
		"",
	};

	for (size_t i = 0; i < COUNT(statements); i++) {
		struct copy_header header = COPY_HEADER_INIT;
		struct err err = ERR_INIT;
		char message[300];

		snprintf(message, sizeof(message), "COPY statement not understood: %s", statements[i]);
		ck_assert_int_eq(copy_header_parse(slice_of(statements[i]), true, &header, &err), -1);
		ck_assert_int_eq(err.kind, ERR_INPUT);
		ck_assert_str_eq(err.message, message);
		copy_header_release(&header);
	}
}
END_TEST

Suite *test_sql_statement(void)
{
	Suite *suite = suite_create("sql_statement");
	TCase *tcase = tcase_create("statement");

	tcase_add_test(tcase, classes);
	tcase_add_test(tcase, objects);
	tcase_add_test(tcase, settings);
	tcase_add_test(tcase, toc_comments);
	tcase_add_test(tcase, sections);
	tcase_add_test(tcase, copy_headers);
	tcase_add_test(tcase, copy_errors);
	suite_add_tcase(suite, tcase);
	return suite;
}
