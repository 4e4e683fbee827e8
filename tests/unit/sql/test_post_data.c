#include <check.h>

#include "statement.h"

Suite *test_sql_post_data(void);

static const char *const behind[] = {
	"CREATE INDEX a ON public.b USING btree (c);",
	"CREATE UNIQUE INDEX a ON public.b USING btree (c);",
	"CREATE TRIGGER a AFTER INSERT ON public.b FOR EACH ROW EXECUTE FUNCTION public.c();",
	"CREATE CONSTRAINT TRIGGER a AFTER INSERT ON public.b FOR EACH ROW EXECUTE FUNCTION c();",
	"CREATE EVENT TRIGGER a ON ddl_command_end EXECUTE FUNCTION public.b();",
	"CREATE RULE a AS ON DELETE TO public.b DO INSTEAD NOTHING;",
	"CREATE POLICY a ON public.b USING (true);",
	"CREATE PUBLICATION a FOR ALL TABLES;",
	"CREATE SUBSCRIPTION a CONNECTION '' PUBLICATION b WITH (connect = false);",
	"CREATE STATISTICS public.a ON b, c FROM public.d;",
	"ALTER TABLE ONLY public.a\n    ADD CONSTRAINT b PRIMARY KEY (c);",
	"ALTER TABLE public.a ADD CONSTRAINT b CHECK (c > 0) NOT VALID;",
	"ALTER TABLE public.a ENABLE ROW LEVEL SECURITY;",
	"ALTER TABLE public.a DISABLE TRIGGER b;",
	"ALTER TABLE \"a; Type: TABLE\".b CLUSTER ON c;",
	"ALTER DOMAIN public.a ADD CONSTRAINT b CHECK (VALUE > 0) NOT VALID;",
	"ALTER INDEX public.a ATTACH PARTITION public.b;",
	"ALTER PUBLICATION a ADD TABLE ONLY public.b;",
	"ALTER DEFAULT PRIVILEGES FOR ROLE a GRANT SELECT ON TABLES TO b;",
	"GRANT SELECT ON TABLE public.a TO b;",
	"REVOKE ALL ON SCHEMA public FROM PUBLIC;",
	"REFRESH MATERIALIZED VIEW public.a;",
};

static const char *const before[] = {
	"CREATE TABLE public.a (b integer CONSTRAINT c CHECK (b > 0));",
	"CREATE TABLE \"INDEX\".\"ADD CONSTRAINT\" (a integer);",
	"CREATE UNLOGGED TABLE public.a (b integer);",
	"CREATE VIEW public.a AS SELECT 1;",
	"CREATE OR REPLACE VIEW public.a AS SELECT 1;",
	"CREATE MATERIALIZED VIEW public.a AS SELECT 1 WITH NO DATA;",
	"CREATE FUNCTION public.a() RETURNS trigger LANGUAGE sql AS 'CREATE INDEX';",
	"CREATE TYPE public.a AS ENUM ('GRANT');",
	"CREATE SCHEMA a;",
	"CREATE EXTENSION a;",
	"CREATE SEQUENCE public.a;",
	"ALTER TABLE public.a OWNER TO b;",
	"ALTER TABLE ONLY public.a ATTACH PARTITION public.b FOR VALUES IN (1);",
	"ALTER TABLE ONLY public.a ALTER COLUMN b SET DEFAULT nextval('c'::regclass);",
	"ALTER TABLE public.a ALTER COLUMN b ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME c);",
	"ALTER TABLE ONLY public.a FORCE ROW LEVEL SECURITY;",
	"ALTER TABLE ONLY public.a REPLICA IDENTITY FULL;",
	"ALTER TABLE ONLY public.\"ENABLE\" OWNER TO b;",
	"ALTER SEQUENCE public.a OWNED BY public.b.c;",
	"ALTER TYPE public.a OWNER TO b;",
	"COMMENT ON TABLE public.a IS 'GRANT';",
	"SELECT pg_catalog.lo_create('1');",
	"SET default_tablespace = '';",
};

START_TEST(stands_behind_the_rows)
{
	ck_assert_msg(statement_is_post_data(slice_of(behind[_i]), true), "%s", behind[_i]);
}
END_TEST

START_TEST(stands_before_the_rows)
{
	ck_assert_msg(!statement_is_post_data(slice_of(before[_i]), true), "%s", before[_i]);
}
END_TEST

Suite *test_sql_post_data(void)
{
	Suite *suite = suite_create("sql_post_data");
	TCase *tc = tcase_create("post_data");
	tcase_add_loop_test(tc, stands_behind_the_rows, 0, (int)(sizeof(behind) / sizeof(*behind)));
	tcase_add_loop_test(tc, stands_before_the_rows, 0, (int)(sizeof(before) / sizeof(*before)));
	suite_add_tcase(suite, tc);
	return suite;
}
