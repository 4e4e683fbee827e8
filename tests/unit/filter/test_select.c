/* Tables and schemas of a stream: what belongs to them comes along, and its account still holds. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "contents.h"
#include "plain_writer.h"
#include "select.h"
#include "select_memory.h"
#include "streams.h"

Suite *test_filter_select(void);

#define MOST_PATTERNS 3

struct rules {
	const char *schemas[MOST_PATTERNS];
	const char *exclude_schemas[MOST_PATTERNS];
	const char *tables[MOST_PATTERNS];
	const char *exclude_tables[MOST_PATTERNS];
};

static size_t count(const char *const *patterns)
{
	size_t found = 0;

	while (found < MOST_PATTERNS && patterns[found])
		found++;
	return found;
}

static struct selection selection_of(const struct rules *rules)
{
	return (struct selection){
		rules->schemas,         count(rules->schemas),
		rules->exclude_schemas, count(rules->exclude_schemas),
		rules->tables,          count(rules->tables),
		rules->exclude_tables,  count(rules->exclude_tables),
	};
}

static void add_log_line(void *arg, enum log_level level, const char *line)
{
	buf_addf(arg, "%s%s\n", level == LOG_NOTE ? "" : "!", line);
}

/* What passes of a script, a writer's text; 0 or -1. */
static int run(const char *script, const struct rules *rules, struct buf *text, struct buf *notes,
               struct err *err)
{
	struct log log = { LOG_NOTE, add_log_line, notes };
	struct selection selection = selection_of(rules);
	struct capture capture;
	struct sink *writer = plain_writer_new(capture_open(&capture), err);
	struct sink *sink = select_filter_new(&selection, false, writer, &log, err);
	int result = -1;

	if (sink && read_into(slice_of(script), 0, true, sink, err) == 0)
		result = sink_finish(sink, err);
	sink_free(sink);
	if (result == 0)
		capture_take(&capture, text);
	buf_adds(notes, "");
	return result;
}

static void check(const char *script, const struct rules *rules, const char *wanted,
                  const char *wanted_notes)
{
	struct buf text = BUF_INIT, notes = BUF_INIT;
	struct err err = ERR_INIT;
	int result = run(script, rules, &text, &notes, &err);

	ck_assert_msg(result == 0, "%s", err.message);
	ck_assert_str_eq(text.data ? text.data : "", wanted);
	ck_assert_str_eq(notes.data, wanted_notes);
	buf_release(&text);
	buf_release(&notes);
}

/* One statement a line. */
static const char script[] =
	"SET client_encoding = 'UTF8';\n"
	"BEGIN;\n"
	"CREATE SCHEMA a;\n"
	"CREATE EXTENSION x;\n"
	"CREATE TYPE a.e AS ENUM ();\n"
	"CREATE SEQUENCE a.q;\n"
	"ALTER SEQUENCE a.q OWNER TO joe;\n"
	"CREATE SEQUENCE a.other;\n"
	"CREATE TABLE a.t (id integer);\n"
	"CREATE TABLE a.u (id integer);\n"
	"ALTER TABLE a.u ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME a.u_q);\n"
	"ALTER SEQUENCE a.q OWNED BY a.t.id;\n"
	"ALTER SEQUENCE a.other OWNED BY a.u.id;\n"
	"COPY a.t (id) FROM stdin;\n1\n\\.\n"
	"COPY a.u (id) FROM stdin;\n2\n\\.\n"
	"SELECT pg_catalog.setval('a.q', 1);\n"
	"SELECT pg_catalog.setval('a.u_q', 1);\n"
	"SELECT pg_catalog.lo_create('5');\n"
	"COMMIT;\n"
	"CREATE INDEX i ON a.t (id);\n"
	"CREATE INDEX j ON a.u (id);\n"
	"ALTER TABLE a.t ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES a.u(id);\n"
	"COMMENT ON CONSTRAINT f ON a.t IS 'x';\n"
	"COMMENT ON INDEX a.i IS 'x';\n"
	"COMMENT ON INDEX a.j IS 'x';\n"
	"GRANT USAGE ON SCHEMA a TO joe;\n"
	"GRANT SELECT ON SEQUENCE a.q TO joe;\n"
	"GRANT SELECT ON SEQUENCE a.other TO joe;\n";

START_TEST(a_table_and_what_belongs_to_it)
{
	const struct rules rules = { .tables = { "a.t" } };

	check(script, &rules,
	      "SET client_encoding = 'UTF8';"
	      "\nCREATE SCHEMA a;"
	      "\nCREATE TABLE a.t (id integer);"
	      "\nCREATE SEQUENCE a.q;"
	      "\nALTER SEQUENCE a.q OWNER TO joe;"
	      "\nALTER SEQUENCE a.q OWNED BY a.t.id;"
	      "\nCOPY a.t (id) FROM stdin;\n1\n\\.\n"
	      "SELECT pg_catalog.setval('a.q', 1);"
	      "\nCREATE INDEX i ON a.t (id);"
	      "\nCOMMENT ON INDEX a.i IS 'x';"
	      "\nGRANT USAGE ON SCHEMA a TO joe;"
	      "\nGRANT SELECT ON SEQUENCE a.q TO joe;\n",
	      "left out: foreign key f of a.t, since a.u is not selected\n");
}
END_TEST

START_TEST(all_but_a_table)
{
	const struct rules rules = { .exclude_tables = { "u", "other" } };

	check(script, &rules,
	      "SET client_encoding = 'UTF8';"
	      "\nBEGIN;"
	      "\nCREATE SCHEMA a;"
	      "\nCREATE EXTENSION x;"
	      "\nCREATE TYPE a.e AS ENUM ();"
	      "\nCREATE SEQUENCE a.q;"
	      "\nALTER SEQUENCE a.q OWNER TO joe;"
	      "\nCREATE TABLE a.t (id integer);"
	      "\nALTER SEQUENCE a.q OWNED BY a.t.id;"
	      "\nCOPY a.t (id) FROM stdin;\n1\n\\.\n"
	      "SELECT pg_catalog.setval('a.q', 1);"
	      "\nSELECT pg_catalog.lo_create('5');"
	      "\nCOMMIT;"
	      "\nCREATE INDEX i ON a.t (id);"
	      "\nCOMMENT ON INDEX a.i IS 'x';"
	      "\nGRANT USAGE ON SCHEMA a TO joe;"
	      "\nGRANT SELECT ON SEQUENCE a.q TO joe;\n",
	      "left out: foreign key f of a.t, since a.u is not selected\n");
}
END_TEST

START_TEST(a_schema)
{
	static const char two[] = "CREATE SCHEMA a;\nCREATE SCHEMA b;\nCREATE EXTENSION x;\n"
	                          "CREATE FUNCTION a.f() RETURNS void LANGUAGE sql AS '';\n"
	                          "CREATE FUNCTION b.f() RETURNS void LANGUAGE sql AS '';\n"
	                          "ALTER TABLE ONLY a.p ATTACH PARTITION b.q DEFAULT;\n"
	                          "ALTER DEFAULT PRIVILEGES IN SCHEMA a GRANT SELECT ON TABLES TO x;\n"
	                          "ALTER DEFAULT PRIVILEGES IN SCHEMA b GRANT SELECT ON TABLES TO x;\n";
	const struct rules rules = { .schemas = { "b*" } };
	const struct rules others = { .exclude_schemas = { "b" } };

	check(two, &rules,
	      "\nCREATE SCHEMA b;"
	      "\nCREATE FUNCTION b.f() RETURNS void LANGUAGE sql AS '';"
	      "\nALTER DEFAULT PRIVILEGES IN SCHEMA b GRANT SELECT ON TABLES TO x;\n",
	      "left out: the attachment of b.q, since a.p is not selected\n");
	check(two, &others,
	      "CREATE SCHEMA a;\nCREATE EXTENSION x;"
	      "\nCREATE FUNCTION a.f() RETURNS void LANGUAGE sql AS '';"
	      "\nALTER DEFAULT PRIVILEGES IN SCHEMA a GRANT SELECT ON TABLES TO x;\n",
	      "");
}
END_TEST

/* Old pg_dump names the schema in its comments only. */
START_TEST(a_schema_from_the_comment)
{
	static const char old[] = "SET search_path = a;\n"
	                          "--\n-- Name: t; Type: TABLE; Schema: a; Owner: joe\n--\n\n"
	                          "CREATE TABLE t (id integer);\n"
	                          "--\n-- Name: u; Type: TABLE; Schema: a; Owner: joe\n--\n\n"
	                          "CREATE TABLE u (id integer);\n"
	                          "--\n-- Data for Name: t; Type: TABLE DATA; Schema: a; Owner: joe\n--\n\n"
	                          "COPY t (id) FROM stdin;\n1\n\\.\n";
	const struct rules rules = { .tables = { "a.t" } };

	check(old, &rules,
	      "SET search_path = a;\n"
	      "--\n-- Name: t; Type: TABLE; Schema: a; Owner: joe\n--\n\n"
	      "CREATE TABLE t (id integer);\n"
	      "--\n-- Data for Name: t; Type: TABLE DATA; Schema: a; Owner: joe\n--\n\n"
	      "COPY t (id) FROM stdin;\n1\n\\.\n",
	      "");
}
END_TEST

static void check_script_refused(const char *refused, const struct rules *rules,
                                 const char *message)
{
	struct buf text = BUF_INIT, notes = BUF_INIT;
	struct err err = ERR_INIT;

	ck_assert_int_eq(run(refused, rules, &text, &notes, &err), -1);
	ck_assert_int_eq(err.kind, ERR_USAGE);
	ck_assert_str_eq(err.message, message);
	buf_release(&text);
	buf_release(&notes);
}

static void check_refused(const struct rules *rules, const char *message)
{
	check_script_refused(script, rules, message);
}

/* pg_dump --load-via-partition-root: the comment names the leaf, COPY the root.  A comment has a blank
 * for a newline in a name. */
static const char through_root[] =
	"CREATE TABLE a.root (id integer);\n"
	"CREATE TABLE a.\"le\naf\" (id integer);\n"
	"CREATE TABLE a.\"o\nther\" (id integer);\n"
	"--\n-- Data for Name: le af; Type: TABLE DATA; Schema: a; Owner: joe\n--\n\n"
	"COPY a.root (id) FROM stdin;\n1\n\\.\n"
	"--\n-- Data for Name: o ther; Type: TABLE DATA; Schema: a; Owner: joe\n--\n\n"
	"COPY a.\"o\nther\" (id) FROM stdin;\n1\n\\.\n";

START_TEST(rows_through_the_root_need_both_tables)
{
	const struct rules leaf = { .tables = { "le?af" } }, root = { .tables = { "root" } };
	const struct rules not_root = { .exclude_tables = { "root" } };
	const struct rules both = { .tables = { "root", "le?af" } };
	const struct rules neither = { .exclude_tables = { "root", "le?af" } };

	check_script_refused(through_root, &leaf,
	                     "rows of a.le af are loaded through a.root, which is not selected: "
	                     "select both");
	check_script_refused(through_root, &not_root,
	                     "rows of a.le af are loaded through a.root, which is not selected: "
	                     "select both");
	check_script_refused(through_root, &root,
	                     "rows of a.le af, which is not selected, are loaded through a.root: "
	                     "select both, or neither");
	check(through_root, &both,
	      "CREATE TABLE a.root (id integer);\n"
	      "CREATE TABLE a.\"le\naf\" (id integer);\n"
	      "--\n-- Data for Name: le af; Type: TABLE DATA; Schema: a; Owner: joe\n--\n\n"
	      "COPY a.root (id) FROM stdin;\n1\n\\.\n",
	      "");
	check(through_root, &neither,
	      "\nCREATE TABLE a.\"o\nther\" (id integer);"
	      "--\n-- Data for Name: o ther; Type: TABLE DATA; Schema: a; Owner: joe\n--\n\n"
	      "COPY a.\"o\nther\" (id) FROM stdin;\n1\n\\.\n",
	      "");
}
END_TEST

START_TEST(patterns_that_match_nothing)
{
	const struct rules none = { .tables = { "a.t", "T.x", "y*" } };
	const struct rules no_schema = { .schemas = { "a", "b" } };
	const struct rules wrong = { .schemas = { "a.b" } };
	/* A table is no index, and what is referred to is not there for that. */
	const struct rules index = { .tables = { "a.t", "a.i" } };

	check_refused(&none, "nothing in the stream matches -t T.x, -t y*");
	check_refused(&no_schema, "nothing in the stream matches -n b");
	check_refused(&wrong, "pattern a.b: a dot; write one name, in double quotes when it holds a dot");
	check_refused(&index, "nothing in the stream matches -t a.i");
}
END_TEST

/* A stream of ours: the part's trailer is that of a stream that never held more. */
START_TEST(the_account_is_cut_down)
{
	const struct rules rules = { .tables = { "public.a*" } };
	struct buf stream = BUF_INIT, part = BUF_INIT, notes = BUF_INIT, again = BUF_INIT;
	struct err err = ERR_INIT;

	own_stream(&stream);
	ck_assert_int_eq(run(stream.data, &rules, &part, &notes, &err), 0);
	ck_assert_ptr_nonnull(strstr(part.data, "\nCOPY public.a "));
	ck_assert_ptr_null(strstr(part.data, "lo_create"));
	ck_assert_uint_lt(part.len, stream.len);
	/* Reading it checks all of it. */
	ck_assert_msg(copy_stream(buf_slice(&part), 0, false, &again, &err) == 0, "%s", err.message);
	buf_release(&stream);
	buf_release(&part);
	buf_release(&notes);
	buf_release(&again);
}
END_TEST

START_TEST(names)
{
	struct name_set set = { BUF_INIT };

	ck_assert(!name_set_has(&set, SLICE_LITERAL("a"), SLICE_LITERAL("b")));
	name_set_add(&set, SLICE_LITERAL("a"), SLICE_LITERAL("b"));
	name_set_add(&set, SLICE_NONE, SLICE_LITERAL("n"));
	name_set_add(&set, SLICE_LITERAL("c"), SLICE_LITERAL("d"));
	ck_assert(name_set_has(&set, SLICE_LITERAL("a"), SLICE_LITERAL("b")));
	ck_assert(name_set_has(&set, SLICE_NONE, SLICE_LITERAL("n")));
	ck_assert(name_set_has(&set, SLICE_LITERAL("c"), SLICE_LITERAL("d")));
	ck_assert(!name_set_has(&set, SLICE_NONE, SLICE_LITERAL("b")));
	ck_assert(!name_set_has(&set, SLICE_NONE, SLICE_LITERAL("c")));
	ck_assert(!name_set_has(&set, SLICE_LITERAL("b"), SLICE_LITERAL("n")));
	ck_assert(!name_set_has(&set, SLICE_LITERAL("a"), SLICE_LITERAL("")));
	name_set_release(&set);
}
END_TEST

Suite *test_filter_select(void)
{
	Suite *suite = suite_create("filter/select");
	TCase *tc = tcase_create("select");

	tcase_add_test(tc, a_table_and_what_belongs_to_it);
	tcase_add_test(tc, all_but_a_table);
	tcase_add_test(tc, a_schema);
	tcase_add_test(tc, a_schema_from_the_comment);
	tcase_add_test(tc, patterns_that_match_nothing);
	tcase_add_test(tc, rows_through_the_root_need_both_tables);
	tcase_add_test(tc, the_account_is_cut_down);
	tcase_add_test(tc, names);
	suite_add_tcase(suite, tc);
	return suite;
}
