#include <check.h>

#include "post_task.h"

Suite *test_sql_post_task(void);

static const struct {
	const char *sql;
	enum post_kind kind;
	bool only;
	const char *name;
	const char *schema;
	const char *table;
	const char *referenced_schema;
	const char *referenced_table;
} known[] = {
	{ "CREATE INDEX i ON s.t USING btree (a);", POST_INDEX, false, "i", "s", "t", "", "" },
	{ "CREATE UNIQUE INDEX \"I 1\" ON ONLY \"S\".\"T; x\" USING gin (lower(a)) INCLUDE (b) "
	  "WITH (fillfactor='70') TABLESPACE x WHERE (a > 0);",
	  POST_INDEX, true, "I 1", "S", "T; x", "", "" },
	{ "CREATE INDEX I ON T (a)", POST_INDEX, false, "i", "", "t", "", "" },
	{ "create index i /* x */ on -- y\n t (a);", POST_INDEX, false, "i", "", "t", "", "" },
	{ "ALTER TABLE ONLY s.t\n    ADD CONSTRAINT c PRIMARY KEY (a, b);", POST_KEY, true, "c", "s",
	  "t", "", "" },
	{ "ALTER TABLE s.t ADD CONSTRAINT c UNIQUE (a) DEFERRABLE INITIALLY DEFERRED;", POST_KEY,
	  false, "c", "s", "t", "", "" },
	{ "ALTER TABLE ONLY s.t ADD CONSTRAINT c PRIMARY KEY (a, b WITHOUT OVERLAPS);", POST_KEY, true,
	  "c", "s", "t", "", "" },
	{ "ALTER TABLE ONLY s.t ADD CONSTRAINT c EXCLUDE USING gist (a WITH =, b WITH &&) WHERE (a > 1);",
	  POST_EXCLUSION, true, "c", "s", "t", "", "" },
	{ "ALTER TABLE ONLY s.t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES r.u(b);", POST_FOREIGN_KEY,
	  true, "c", "s", "t", "r", "u" },
	{ "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a, b) REFERENCES t MATCH FULL ON UPDATE CASCADE "
	  "ON DELETE SET NULL (a) DEFERRABLE INITIALLY DEFERRED NOT VALID",
	  POST_FOREIGN_KEY, false, "c", "", "t", "", "t" },
	{ "ALTER TABLE ONLY t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u(b) ON DELETE NO ACTION NOT "
	  "ENFORCED;",
	  POST_FOREIGN_KEY, true, "c", "", "t", "", "u" },
	{ "COMMENT ON INDEX s.i IS 'CREATE; it';", POST_DETAIL, false, "", "", "", "", "" },
	{ "COMMENT ON CONSTRAINT c ON s.t IS NULL;", POST_DETAIL, false, "", "", "", "", "" },
	{ "ALTER TABLE s.t CLUSTER ON i;", POST_DETAIL, false, "i", "s", "t", "", "" },
	{ "ALTER TABLE ONLY s.t REPLICA IDENTITY USING INDEX \"I\";", POST_DETAIL, true, "I", "s", "t",
	  "", "" },
	{ "ALTER INDEX s.i ALTER COLUMN 2 SET STATISTICS 500;", POST_DETAIL, false, "", "s", "i", "",
	  "" },
};

START_TEST(reads_what_may_run_side_by_side)
{
	struct post_task task = POST_TASK_INIT;
	struct err err = ERR_INIT;
	ck_assert_int_eq(post_task_read(slice_of(known[_i].sql), true, &task, &err), 0);
	ck_assert_msg(task.kind == known[_i].kind, "%s", known[_i].sql);
	ck_assert_msg(task.only == known[_i].only, "%s", known[_i].sql);
	ck_assert_msg(slice_equals(buf_slice(&task.name), known[_i].name), "%s", known[_i].sql);
	ck_assert_msg(slice_equals(buf_slice(&task.schema), known[_i].schema), "%s", known[_i].sql);
	ck_assert_msg(slice_equals(buf_slice(&task.table), known[_i].table), "%s", known[_i].sql);
	ck_assert_msg(slice_equals(buf_slice(&task.referenced_schema), known[_i].referenced_schema),
	              "%s", known[_i].sql);
	ck_assert_msg(slice_equals(buf_slice(&task.referenced_table), known[_i].referenced_table),
	              "%s", known[_i].sql);
	post_task_release(&task);
}
END_TEST

static const char *const unknown[] = {
	"",
	";",
	"CREATE",
	"CREATE INDEX",
	"CREATE INDEX i",
	"CREATE INDEX i ON",
	"CREATE INDEX i ON t",
	"CREATE INDEX i ON t (a",
	/* The server chooses the name. */
	"CREATE INDEX ON s.t USING btree (a);",
	"CREATE INDEX IF NOT EXISTS i ON s.t (a);",
	"CREATE INDEX CONCURRENTLY i ON s.t (a);",
	"CREATE UNIQUE INDEX CONCURRENTLY i ON s.t (a);",
	"CREATE INDEX s.i ON t (a);",
	"CREATE INDEX U&\"i\" ON t (a);",
	"CREATE INDEX i ON U&\"t\" (a);",
	"CREATE OR REPLACE INDEX i ON t (a);",
	"CREATE TABLE i (a integer);",
	"CREATE STATISTICS s.i ON a, b FROM s.t;",
	"CREATE TRIGGER i AFTER INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION f();",
	"ALTER TABLE",
	"ALTER TABLE s.t",
	"ALTER TABLE s.t ADD",
	"ALTER TABLE s.t ADD CONSTRAINT",
	"ALTER TABLE s.t ADD CONSTRAINT c",
	"ALTER TABLE s.t ADD PRIMARY KEY (a);",
	"ALTER TABLE s.t ADD UNIQUE (a);",
	"ALTER TABLE s.t ADD FOREIGN KEY (a) REFERENCES u;",
	"ALTER TABLE IF EXISTS s.t ADD CONSTRAINT c PRIMARY KEY (a);",
	"ALTER TABLE IF EXISTS ONLY s.t ADD CONSTRAINT c PRIMARY KEY (a);",
	"ALTER TABLE s.t * ADD CONSTRAINT c PRIMARY KEY (a);",
	"ALTER TABLE s.t ADD CONSTRAINT c PRIMARY KEY USING INDEX i;",
	"ALTER TABLE s.t ADD CONSTRAINT c UNIQUE USING INDEX i DEFERRABLE;",
	"ALTER TABLE s.t ADD CONSTRAINT c PRIMARY KEY (a), ADD COLUMN b integer;",
	"ALTER TABLE s.t ADD CONSTRAINT c PRIMARY KEY (a), ADD CONSTRAINT d UNIQUE (b);",
	"ALTER TABLE s.t ADD CONSTRAINT c UNIQUE (a) DEFERRABLE, OWNER TO x;",
	"ALTER TABLE s.t ADD CONSTRAINT c EXCLUDE USING gist (a WITH &&), ADD COLUMN b integer;",
	"ALTER TABLE s.t ADD CONSTRAINT c CHECK (a > 0);",
	"ALTER TABLE s.t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;",
	"ALTER TABLE s.t ADD CONSTRAINT c NOT NULL a;",
	"ALTER TABLE s.t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u(b), ADD COLUMN x integer;",
	"ALTER TABLE s.t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u(b) ON DELETE EXPLODE;",
	"ALTER TABLE s.t ADD CONSTRAINT c FOREIGN KEY (a, PERIOD b) REFERENCES u(b, PERIOD c) WHAT;",
	"ALTER TABLE s.t ADD CONSTRAINT U&\"c\" PRIMARY KEY (a);",
	"ALTER TABLE s.t ADD COLUMN c integer;",
	"ALTER TABLE s.t DROP CONSTRAINT c;",
	"ALTER TABLE s.t VALIDATE CONSTRAINT c;",
	"ALTER TABLE s.t CLUSTER ON i, OWNER TO x;",
	"ALTER TABLE s.t SET WITHOUT CLUSTER;",
	"ALTER TABLE s.t REPLICA IDENTITY FULL;",
	"ALTER TABLE s.t OWNER TO x;",
	"ALTER TABLE s.t ENABLE ROW LEVEL SECURITY;",
	"ALTER TABLE ONLY s.t ATTACH PARTITION s.u FOR VALUES IN (1);",
	"ALTER INDEX s.i ATTACH PARTITION s.j;",
	"ALTER INDEX s.i RENAME TO j;",
	"ALTER INDEX s.i ALTER COLUMN 1 SET STATISTICS 5, SET TABLESPACE x;",
	"ALTER INDEX s.i DEPENDS ON EXTENSION x;",
	"ALTER FOREIGN TABLE s.t ADD CONSTRAINT c CHECK (true);",
	"REFRESH MATERIALIZED VIEW s.t;",
	"GRANT SELECT ON s.t TO x;",
	"SELECT 'CREATE INDEX i ON t (a)';",
	"INSERT INTO t VALUES (1);",
	"SET default_tablespace = '';",
};

START_TEST(says_when_it_does_not_know)
{
	struct post_task task = POST_TASK_INIT;
	struct err err = ERR_INIT;
	ck_assert_int_eq(post_task_read(slice_of(unknown[_i]), true, &task, &err), 0);
	ck_assert_msg(task.kind == POST_UNKNOWN, "%s", unknown[_i]);
	ck_assert_msg(task.name.len == 0 && task.table.len == 0 && task.first_sql.len == 0, "%s",
	              unknown[_i]);
	post_task_release(&task);
}
END_TEST

static const struct {
	const char *sql;
	const char *index;
	const char *constraint;
} keys[] = {
	{ "ALTER TABLE ONLY s.t\n    ADD CONSTRAINT \"C 1\" PRIMARY KEY (a, \"B\");",
	  "CREATE UNIQUE INDEX \"C 1\" ON ONLY s.t (a, \"B\")",
	  "ALTER TABLE ONLY s.t ADD CONSTRAINT \"C 1\" PRIMARY KEY USING INDEX \"C 1\"" },
	{ "ALTER TABLE t ADD CONSTRAINT c UNIQUE (a);", "CREATE UNIQUE INDEX c ON t (a)",
	  "ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX c" },
	{ "ALTER TABLE ONLY s.t ADD CONSTRAINT c UNIQUE NULLS NOT DISTINCT (a) INCLUDE (b, d) WITH "
	  "(fillfactor='50') USING INDEX TABLESPACE \"X\" DEFERRABLE INITIALLY DEFERRED;",
	  "CREATE UNIQUE INDEX c ON ONLY s.t (a) INCLUDE (b, d) NULLS NOT DISTINCT WITH "
	  "(fillfactor='50') TABLESPACE \"X\"",
	  "ALTER TABLE ONLY s.t ADD CONSTRAINT c UNIQUE USING INDEX c DEFERRABLE INITIALLY DEFERRED" },
	{ "ALTER TABLE t ADD CONSTRAINT c UNIQUE NULLS DISTINCT (a) NOT DEFERRABLE;",
	  "CREATE UNIQUE INDEX c ON t (a)",
	  "ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX c NOT DEFERRABLE" },
	{ "ALTER TABLE /* one */ t /* two */ ADD CONSTRAINT c UNIQUE /* three */ (a);",
	  "CREATE UNIQUE INDEX c ON t (a)", "ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX c" },
	/* Only by the one statement. */
	{ "ALTER TABLE t ADD CONSTRAINT c PRIMARY KEY (a, b WITHOUT OVERLAPS);", "", "" },
	{ "ALTER TABLE t ADD CONSTRAINT c UNIQUE (a) SOMETHING NEW;", "", "" },
};

START_TEST(parts_a_key_into_index_and_constraint)
{
	struct post_task task = POST_TASK_INIT;
	struct err err = ERR_INIT;
	ck_assert_int_eq(post_task_read(slice_of(keys[_i].sql), true, &task, &err), 0);
	ck_assert_int_eq(task.kind, POST_KEY);
	ck_assert_str_eq(task.first_sql.data ? task.first_sql.data : "", keys[_i].index);
	ck_assert_str_eq(task.second_sql.data ? task.second_sql.data : "", keys[_i].constraint);
	post_task_release(&task);
}
END_TEST

static const struct {
	const char *sql;
	const char *constraint;
	const char *validation;
} foreign_keys[] = {
	{ "ALTER TABLE ONLY s.t\n    ADD CONSTRAINT \"C 1\" FOREIGN KEY (a) REFERENCES u(b);",
	  "ALTER TABLE ONLY s.t\n    ADD CONSTRAINT \"C 1\" FOREIGN KEY (a) REFERENCES u(b) NOT VALID",
	  "ALTER TABLE s.t VALIDATE CONSTRAINT \"C 1\"" },
	{ "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a, b) REFERENCES t MATCH FULL ON UPDATE CASCADE "
	  "DEFERRABLE INITIALLY DEFERRED ; ",
	  "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a, b) REFERENCES t MATCH FULL ON UPDATE CASCADE "
	  "DEFERRABLE INITIALLY DEFERRED NOT VALID",
	  "ALTER TABLE t VALIDATE CONSTRAINT c" },
	{ "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u -- valid\n;",
	  "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u NOT VALID",
	  "ALTER TABLE t VALIDATE CONSTRAINT c" },
	/* As they are. */
	{ "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u NOT VALID;", "", "" },
	{ "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u NOT VALID DEFERRABLE;", "", "" },
	{ "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u NOT ENFORCED;", "", "" },
	{ "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u ENFORCED;", "", "" },
};

START_TEST(parts_a_foreign_key_into_constraint_and_validation)
{
	struct post_task task = POST_TASK_INIT;
	struct err err = ERR_INIT;
	ck_assert_int_eq(post_task_read(slice_of(foreign_keys[_i].sql), true, &task, &err), 0);
	ck_assert_int_eq(task.kind, POST_FOREIGN_KEY);
	ck_assert_str_eq(task.first_sql.data ? task.first_sql.data : "", foreign_keys[_i].constraint);
	ck_assert_str_eq(task.second_sql.data ? task.second_sql.data : "",
	                 foreign_keys[_i].validation);
	post_task_release(&task);
}
END_TEST

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

Suite *test_sql_post_task(void)
{
	Suite *suite = suite_create("sql_post_task");
	TCase *tcase = tcase_create("read");
	tcase_add_loop_test(tcase, reads_what_may_run_side_by_side, 0, COUNT(known));
	tcase_add_loop_test(tcase, says_when_it_does_not_know, 0, COUNT(unknown));
	tcase_add_loop_test(tcase, parts_a_key_into_index_and_constraint, 0, COUNT(keys));
	tcase_add_loop_test(tcase, parts_a_foreign_key_into_constraint_and_validation, 0,
	                    COUNT(foreign_keys));
	suite_add_tcase(suite, tcase);
	return suite;
}
