/* What a stream holds: digests, sequences, large objects, and the trailer that says so. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chunk.h"
#include "contents.h"
#include "streams.h"

Suite *test_stream_contents(void);

struct collector {
	struct sink sink;
	struct contents *contents;
	struct contents_options options;
};

static int collector_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct collector *collector = (struct collector *)sink;
	return contents_add(collector->contents, record, &collector->options, err);
}

static int collector_finish(struct sink *sink, struct err *err)
{
	(void)sink;
	(void)err;
	return 0;
}

static void collector_free(struct sink *sink)
{
	(void)sink;
}

static const struct sink_ops collector_ops = {
	.write = collector_write,
	.finish = collector_finish,
	.free = collector_free,
};

/* The contents of a script, NULL with `err` set when it can't be digested. */
static struct contents *collect_slice(struct slice script, size_t piece, bool lenient,
                                      struct err *err)
{
	struct collector collector = { .sink = { &collector_ops }, .options = { .lenient = lenient } };
	collector.contents = contents_new(err);
	if (read_into(script, piece, true, &collector.sink, err) < 0) {
		contents_free(collector.contents);
		return NULL;
	}
	return collector.contents;
}

static struct contents *collect(const char *script)
{
	struct err err = ERR_INIT;
	struct contents *contents = collect_slice(slice_of(script), 0, false, &err);
	ck_assert_msg(contents != NULL, "%s", err.message);
	return contents;
}

/* The trailer's text of a script's contents. */
static char *print(const struct contents *contents)
{
	struct buf json = BUF_INIT;
	struct err err = ERR_INIT;
	ck_assert_int_eq(contents_print(contents, &json, &err), 0);
	return buf_detach(&json);
}

static void check_same(const char *a, const char *b)
{
	struct contents *first = collect(a), *second = collect(b);
	struct err err = ERR_INIT;
	int result = contents_check_equal(first, second, ERR_DIFFERENT, &err);
	ck_assert_msg(result == 0, "%s\n%s\n%s", err.message, a, b);
	contents_free(first);
	contents_free(second);
}

static void check_different(const char *a, const char *b, const char *message)
{
	struct contents *first = collect(a), *second = collect(b);
	struct err err = ERR_INIT;
	ck_assert_int_eq(contents_check_equal(first, second, ERR_DIFFERENT, &err), -1);
	ck_assert_str_eq(err.message, message);
	ck_assert_int_eq(err.kind, ERR_DIFFERENT);
	contents_free(first);
	contents_free(second);
}

#define COPY_AB "COPY s.t (a, b) FROM stdin;\n"
#define END     "\\.\n"

START_TEST(digest_is_the_sum_of_the_rows_hashes)
{
	struct contents *contents = collect(COPY_AB "1\tx\n2\t\\N\n" END);
	const struct table_digest *table = contents_find_table(contents, "s", "t");
	ck_assert_ptr_nonnull(table);
	ck_assert_uint_eq(table->rows, 2);
	struct hash128 sum = hash128_add(hash128_of("1\tx", 3), hash128_of("2\t\\N", 4));
	ck_assert(hash128_equal(table->sum, sum));
	ck_assert_uint_eq(table->column_count, 2);
	ck_assert_str_eq(table->columns[1], "b");
	ck_assert_ptr_null(contents_find_table(contents, "s", "u"));
	ck_assert_ptr_null(contents_find_table(contents, "", "t"));
	contents_free(contents);
}
END_TEST

START_TEST(order_and_chunks_make_no_difference)
{
	check_same(COPY_AB "1\tx\n2\ty\n3\tz\n" END, COPY_AB "3\tz\n1\tx\n2\ty\n" END);
	check_same("COPY u (a) FROM stdin;\n" END COPY_AB "1\tx\n2\ty\n3\tz\n" END, COPY_AB
	           "2\ty\n" END "COPY u (a) FROM stdin;\n" END COPY_AB END COPY_AB "3\tz\n1\tx\n" END);
}
END_TEST

START_TEST(differences_are_named)
{
	check_different(COPY_AB "1\tx\n" END, COPY_AB "1\tx\n1\tx\n" END,
	                "table s.t: 1 rows expected, 2 received");
	check_different(COPY_AB "1\tx\n1\tx\n" END, COPY_AB "1\tx\n2\ty\n" END,
	                "table s.t: the digest of its 2 rows differs");
	check_different(COPY_AB "1\tx\n" END, COPY_AB "1\tX\n" END,
	                "table s.t: the digest of its 1 rows differs");
	check_different(COPY_AB "1\tx\n" END, "SELECT 1;", "table s.t is missing");
	check_different("SELECT 1;", COPY_AB END, "table s.t is not expected");
	/* Two rows of one value more and less: a mere XOR would not see it. */
	check_different(COPY_AB "1\tx\n1\tx\n" END, COPY_AB "2\ty\n2\ty\n" END,
	                "table s.t: the digest of its 2 rows differs");
}
END_TEST

START_TEST(crlf_rows_are_the_same_rows)
{
	check_same("COPY s.t (a) FROM stdin;\n1\n\n3\n" END,
	           "COPY s.t (a) FROM stdin;\r\n1\r\n\r\n3\r\n\\.\r\n");
	/* In a file with LF, a CR is data. */
	check_different("COPY s.t (a) FROM stdin;\n1\n2\n" END,
	                "COPY s.t (a) FROM stdin;\n1\n2\r\n" END,
	                "table s.t: the digest of its 2 rows differs");
}
END_TEST

START_TEST(pieces_make_no_difference)
{
	struct buf script = BUF_INIT;
	struct err err = ERR_INIT;
	buf_adds(&script, COPY_AB);
	for (int i = 0; i < 200; i++)
		buf_addf(&script, "%d\tvalue\n", i);
	buf_adds(&script, END "COPY s.nothing  FROM stdin;\n\n\n\n" END);
	struct contents *whole = collect(script.data);
	struct contents *pieces = collect_slice(buf_slice(&script), 1, false, &err);
	ck_assert_ptr_nonnull(pieces);
	ck_assert_int_eq(contents_check_equal(whole, pieces, ERR_DIFFERENT, &err), 0);
	ck_assert_uint_eq(contents_find_table(pieces, "s", "nothing")->rows, 3);
	ck_assert_uint_eq(contents_rows(pieces), 203);
	ck_assert_uint_eq(contents_statements(pieces), 2);
	contents_free(whole);
	contents_free(pieces);
	buf_release(&script);
}
END_TEST

START_TEST(table_without_columns_is_counted)
{
	struct contents *contents =
	    collect("COPY s.nothing  FROM stdin;\n\n\n" END "COPY s.empty  FROM stdin;\n" END);
	const struct table_digest *table = contents_find_table(contents, "s", "nothing");
	ck_assert_uint_eq(table->rows, 2);
	ck_assert_uint_eq(table->column_count, 0);
	ck_assert_uint_eq(contents_find_table(contents, "s", "empty")->rows, 0);
	contents_free(contents);
	check_same("COPY s.n FROM stdin;\n\n\n" END, "COPY s.n FROM stdin;\r\n\r\n\r\n\\.\r\n");
}
END_TEST

static const struct {
	const char *script;
	const char *what;
} undigestable[] = {
	{ "\nINSERT INTO a VALUES (1);", "line 2: INSERT" },
	{ "-- c\nCOPY s.a FROM stdin;\n1\n" END, "line 3: COPY without a column list (s.a)" },
	{ "COPY a FROM stdin;\n\n\n1\n" END, "line 2: COPY without a column list (a)" },
	{ "\n\nCOPY s.a (b) FROM stdin WITH (FORMAT csv);\n1\n" END,
	  "line 3: COPY in another format than text (s.a)" },
	{ "COPY s.a (b) FROM stdin DELIMITER ',';\n" END,
	  "line 1: COPY in another format than text (s.a)" },
};

START_TEST(what_cannot_be_digested_is_refused)
{
	struct err err = ERR_INIT;
	struct buf message = BUF_INIT;
	buf_addf(&message, "%s can't be compared: dump with COPY and column lists",
	         undigestable[_i].what);
	ck_assert_ptr_null(collect_slice(slice_of(undigestable[_i].script), 0, false, &err));
	ck_assert_str_eq(err.message, message.data);
	ck_assert_int_eq(err.kind, ERR_INPUT);
	buf_release(&message);
}
END_TEST

START_TEST(lenient_collector_notes_it)
{
	struct err err = ERR_INIT;
	struct buf script = BUF_INIT;
	buf_addf(&script, "%s\nINSERT INTO b VALUES (2);", undigestable[_i].script);
	struct contents *contents = collect_slice(buf_slice(&script), 0, true, &err);
	ck_assert_ptr_nonnull(contents);
	ck_assert_str_eq(contents_undigested(contents), undigestable[_i].what);
	contents_free(contents);
	contents = collect("SELECT 1;");
	ck_assert_ptr_null(contents_undigested(contents));
	contents_free(contents);
	buf_release(&script);
}
END_TEST

START_TEST(other_columns_the_second_time_are_refused)
{
	struct err err = ERR_INIT;
	const char *script = COPY_AB "1\t2\n" END "COPY s.t (b, a) FROM stdin;\n2\t1\n" END;
	ck_assert_ptr_null(collect_slice(slice_of(script), 0, false, &err));
	ck_assert_str_eq(err.message, "line 4: table s.t comes a second time with other columns");
}
END_TEST

START_TEST(setval_is_read)
{
	struct contents *contents = collect("SELECT pg_catalog.setval('public.b', 42, true);\n"
	                                    "SELECT setval('\"A b\".\"c.d\"', -7, false);\n"
	                                    "SELECT pg_catalog.setval('plain', 3);\n"
	                                    "SELECT pg_catalog.setval('public.b', 43, false);\n");
	static const struct {
		const char *schema, *name, *last_value;
		bool is_called;
	} expected[] = {
		{ "", "plain", "3", true },
		{ "A b", "c.d", "-7", false },
		{ "public", "b", "43", false },
	};
	ck_assert_uint_eq(contents_sequence_count(contents), 3);
	for (size_t i = 0; i < 3; i++) {
		const struct sequence_value *sequence = contents_sequence(contents, i);
		ck_assert_str_eq(sequence->schema, expected[i].schema);
		ck_assert_str_eq(sequence->name, expected[i].name);
		ck_assert_str_eq(sequence->last_value, expected[i].last_value);
		ck_assert_int_eq(sequence->is_called, expected[i].is_called);
	}
	contents_free(contents);
}
END_TEST

#define PUT_STYLE                                                                                  \
	"SELECT pg_catalog.lo_create('16400');\n"                                                      \
	"SELECT pg_catalog.lo_put('16400', 0, '\\x4142');\n"                                           \
	"SELECT pg_catalog.lo_put('16400', 2, '\\x43');\n"                                             \
	"SELECT pg_catalog.lo_create('16401');\n"

#define OPEN_STYLE                                                                                 \
	"SELECT pg_catalog.lo_create('16400');\nSELECT pg_catalog.lo_create('16401');\nBEGIN;\n"       \
	"SELECT pg_catalog.lo_open('16400', 131072);\n"                                                \
	"SELECT pg_catalog.lowrite(0, '\\x41');\nSELECT pg_catalog.lowrite(0, '\\x4243');\n"           \
	"SELECT pg_catalog.lo_close(0);\n"                                                             \
	"SELECT pg_catalog.lo_open('16401', 131072);\nSELECT pg_catalog.lo_close(0);\nCOMMIT;\n"

START_TEST(large_objects_of_both_styles_are_equal)
{
	struct contents *contents = collect(PUT_STYLE);
	const struct table_digest *data = contents_find_table(contents, "pg_catalog", "pg_largeobject");
	const struct table_digest *objects =
	    contents_find_table(contents, "pg_catalog", "pg_largeobject_metadata");
	ck_assert_uint_eq(objects->rows, 2);
	ck_assert(
	    hash128_equal(objects->sum, hash128_add(hash128_of("16400", 5), hash128_of("16401", 5))));
	ck_assert_uint_eq(data->rows, 1);
	ck_assert(hash128_equal(data->sum, hash128_of("16400\tABC", 9)));
	ck_assert_uint_eq(contents_rows(contents), 0);
	contents_free(contents);
	check_same(PUT_STYLE, OPEN_STYLE);
	check_same(PUT_STYLE, "SELECT lo_create(16401);SELECT lo_create(16400);"
	                      "SELECT lo_put(16400, 0, '\\x414243');");
	check_different(PUT_STYLE, PUT_STYLE "SELECT lo_put(16401, 0, '\\x00');",
	                "table pg_catalog.pg_largeobject: 1 rows expected, 2 received");
}
END_TEST

START_TEST(large_object_longer_than_a_block_is_hashed_whole)
{
	struct buf script = BUF_INIT, row = BUF_INIT;
	buf_adds(&script, "SELECT lo_create(7); SELECT lo_put(7, 0, '\\x");
	buf_adds(&row, "7\t");
	for (int i = 0; i < 4096 * 2 + 1; i++) {
		buf_addf(&script, "%02X", i % 256);
		buf_addc(&row, (char)(i % 256));
	}
	buf_adds(&script, "');");
	struct contents *contents = collect(script.data);
	const struct table_digest *data = contents_find_table(contents, "pg_catalog", "pg_largeobject");
	ck_assert(hash128_equal(data->sum, hash128_of(row.data, row.len)));
	contents_free(contents);
	buf_release(&script);
	buf_release(&row);
}
END_TEST

static const struct {
	const char *script;
	const char *message;
} bad_objects[] = {
	{ "SELECT lo_put(1, 5, '\\x41');", "large object 1: bytes at 5 come where those at 0 are due" },
	{ "SELECT lo_put(1, 0, '\\x41'); SELECT lo_put(1, 2, '\\x41');",
	  "large object 1: bytes at 2 come where those at 1 are due" },
	{ "SELECT lo_put(1, 0, 'abc');", "large object 1: its bytes are not in hex format" },
	{ "SELECT lo_put(1, 0, '\\x4');", "large object 1: its bytes are not in hex format" },
	{ "SELECT lo_put(1, 0, '\\x4g');", "large object 1: its bytes are not in hex format" },
	{ "SELECT lo_put(1, 0);", "large object 1: its bytes are not in hex format" },
	{ "SELECT lowrite(0, '\\x41');", "lowrite() without lo_open(): no large object is open" },
	{ "SELECT lo_open(1, 131072); SELECT lo_close(0); SELECT lowrite(0, '\\x41');",
	  "lowrite() without lo_open(): no large object is open" },
	{ "SELECT lo_create((SELECT 1));",
	  "a large object's statement can't be read: SELECT lo_create((SELECT 1));" },
};

START_TEST(damaged_large_object_is_refused)
{
	struct err err = ERR_INIT;
	ck_assert_ptr_null(collect_slice(slice_of(bad_objects[_i].script), 0, false, &err));
	ck_assert_str_eq(err.message, bad_objects[_i].message);
	ck_assert_int_eq(err.kind, ERR_INPUT);
}
END_TEST

/* Scripts of people are restored whatever they call: only --verify needs to know. */
START_TEST(lenient_collector_notes_an_unreadable_large_object)
{
	struct err err = ERR_INIT;
	struct contents *contents = collect_slice(slice_of(bad_objects[_i].script), 0, true, &err);
	ck_assert_ptr_nonnull(contents);
	ck_assert(!err_is_set(&err));
	ck_assert_ptr_nonnull(strstr(contents_undigested(contents), bad_objects[_i].message));
	contents_free(contents);
}
END_TEST

START_TEST(trailer_is_printed_and_read_back)
{
	struct contents *contents = collect("SELECT 1;" COPY_AB "1\tx\n" END
	                                    "COPY s.\"T \"\"1\" (\"\xc3\xa4\") FROM stdin;\n" END
	                                    "COPY s.none FROM stdin;\n\n" END);
	struct buf whole = BUF_INIT;
	struct err err = ERR_INIT;
	char *text = print(contents);
	struct hash128 hash = hash128_of("1\tx", 3), empty = hash128_of("", 0);
	char hex[2][HASH128_HEX_BYTES + 1];
	hash128_hex(hash, hex[0]);
	hash128_hex(empty, hex[1]);
	buf_addf(&whole,
	         "{\"statements\":4,\"rows\":2,\"tables\":["
	         "{\"schema\":\"s\",\"name\":\"T \\\"1\",\"columns\":[\"\xc3\xa4\"],\"rows\":0,"
	         "\"digest\":\"00000000000000000000000000000000\"},"
	         "{\"schema\":\"s\",\"name\":\"none\",\"columns\":[],\"rows\":1,\"digest\":\"%s\"},"
	         "{\"schema\":\"s\",\"name\":\"t\",\"columns\":[\"a\",\"b\"],\"rows\":1,"
	         "\"digest\":\"%s\"}]",
	         hex[1], hex[0]);
	ck_assert_str_eq(text, whole.data);
	buf_adds(&whole, "}");
	struct contents *read = contents_parse(buf_slice(&whole), &err);
	ck_assert_msg(read != NULL, "%s", err.message);
	ck_assert_int_eq(contents_check_equal(contents, read, ERR_DIFFERENT, &err), 0);
	char *again = print(read);
	ck_assert_str_eq(text, again);
	free(text);
	free(again);
	contents_free(read);
	contents_free(contents);
	buf_release(&whole);
}
END_TEST

START_TEST(name_that_is_not_utf8_is_refused)
{
	struct contents *contents = collect("COPY s.\"\xe4\" (\"\xe4\") FROM stdin;\n" END);
	struct buf json = BUF_INIT;
	struct err err = ERR_INIT;
	ck_assert_int_eq(contents_print(contents, &json, &err), -1);
	ck_assert_str_eq(err.message, "table s.\xe4: a name that is not UTF-8 can't be written to the "
	                              "stream's trailer");
	buf_release(&json);
	contents_free(contents);
}
END_TEST

#define DAMAGED "the stream's trailer is damaged: "
#define TABLE(columns, rows, digest)                                                               \
	"{\"statements\":1,\"rows\":1,\"tables\":[{\"schema\":\"s\",\"name\":\"t\","                   \
	"\"columns\":" columns ",\"rows\":" rows ",\"digest\":\"" digest "\"}]}"
#define ZERO "00000000000000000000000000000000"

static const struct {
	const char *json;
	const char *message;
} bad_trailers[] = {
	{ "{}", DAMAGED "counts or tables are missing" },
	{ "[]", DAMAGED "counts or tables are missing" },
	{ "{\"statements\":1,\"rows\":-1,\"tables\":[]}", DAMAGED "counts or tables are missing" },
	{ "{\"statements\":1,\"rows\":1,\"tables\":{}}", DAMAGED "counts or tables are missing" },
	{ "{\"statements\":1,\"rows\":1,\"tables\":[1]}", DAMAGED "a table's entry lacks something" },
	{ TABLE("{}", "1", ZERO), DAMAGED "a table's entry lacks something" },
	{ TABLE("[]", "-1", ZERO), DAMAGED "a table's entry lacks something" },
	{ TABLE("[1]", "1", ZERO), DAMAGED "a column's name is no text" },
	{ TABLE("[\"a\"]", "1", "0"), DAMAGED "a digest is not 32 hex digits" },
	{ TABLE("[\"a\"]", "1", ZERO "0"), DAMAGED "a digest is not 32 hex digits" },
	{ "{\"rows\":1,\"rows\":1}", DAMAGED "duplicate object key near '\"rows\"'" },
	{ TABLE("[]", "1", ZERO) "x", DAMAGED "end of file expected near 'x'" },
};

START_TEST(damaged_trailer_is_refused)
{
	struct err err = ERR_INIT;
	ck_assert_ptr_null(contents_parse(slice_of(bad_trailers[_i].json), &err));
	ck_assert_str_eq(err.message, bad_trailers[_i].message);
	ck_assert_int_eq(err.kind, ERR_INPUT);
}
END_TEST

START_TEST(trailer_cut_anywhere_is_refused)
{
	const char *json = TABLE("[\"a\"]", "1", ZERO);
	for (size_t len = 0; len < strlen(json); len++) {
		struct err err = ERR_INIT;
		ck_assert_ptr_null(contents_parse((struct slice){ json, len }, &err));
		ck_assert_int_eq(err.kind, ERR_INPUT);
	}
}
END_TEST

/* Pristine rows, counted only. */
static struct contents *count_rows(const char *rows)
{
	const struct contents_options trust = { .trust_pristine = true };
	struct err err = ERR_INIT;
	const struct slice column = SLICE_LITERAL("a");
	const struct copy_table table = { .schema = SLICE_LITERAL("s"),
		                              .name = SLICE_LITERAL("t"),
		                              .columns = &column,
		                              .column_count = 1,
		                              .has_columns = true,
		                              .text_format = true };
	struct record record = { .kind = RECORD_DATA };
	struct contents *contents = contents_new(&err);
	record.data = (struct record_data){ .table = &table,
		                                .rows = slice_of(rows),
		                                .row_count = rows_count(slice_of(rows)),
		                                .first = true,
		                                .last = true,
		                                .pristine = true };
	ck_assert_int_eq(contents_add(contents, &record, &trust, &err), 0);
	return contents;
}

START_TEST(trailer_vouches_for_rows_that_were_counted)
{
	struct err err = ERR_INIT;
	struct contents *known = collect("COPY s.t (a) FROM stdin;\n1\n2\n" END);
	struct contents *counted = count_rows("1\n2\n");
	ck_assert(contents_find_table(counted, "s", "t")->pristine);
	ck_assert_int_eq(contents_vouch(counted, known, &err), 0);
	ck_assert_int_eq(contents_check_equal(known, counted, ERR_DIFFERENT, &err), 0);
	contents_free(counted);

	counted = count_rows("1\n");
	ck_assert_int_eq(contents_vouch(counted, known, &err), -1);
	ck_assert_str_eq(err.message, "table s.t: 1 rows, but the stream's trailer says 2");
	ck_assert_int_eq(err.kind, ERR_INPUT);
	contents_free(known);

	err_clear(&err);
	known = collect("SELECT 1;");
	ck_assert_int_eq(contents_vouch(counted, known, &err), -1);
	ck_assert_str_eq(err.message, "the stream's trailer lacks table s.t");
	contents_free(counted);
	contents_free(known);
}
END_TEST

/* Two threads' shares of one stream are the stream. */
START_TEST(merged_shares_are_the_whole)
{
	static const char first[] = "COPY s.a (x) FROM stdin;\n1\n2\n\\.\n"
				    "COPY s.b (x) FROM stdin;\n1\n\\.\n";
	static const char second[] = "COPY s.a (x) FROM stdin;\n3\n\\.\n"
				     "COPY s.c (x) FROM stdin;\n\\.\n";
	struct buf whole = BUF_INIT;
	struct err err = ERR_INIT;
	buf_adds(&whole, first);
	buf_adds(&whole, second);
	struct contents *expected = collect(whole.data), *a = collect(first), *b = collect(second);
	ck_assert_int_eq(contents_merge(a, b, &err), 0);
	ck_assert_int_eq(contents_check_equal(expected, a, ERR_DIFFERENT, &err), 0);
	ck_assert_uint_eq(contents_rows(a), 4);
	ck_assert_uint_eq(contents_statements(a), 4);
	struct contents *other = collect("COPY s.a (y) FROM stdin;\n3\n\\.\n");
	ck_assert_int_eq(contents_merge(a, other, &err), -1);
	ck_assert_str_eq(err.message, "table s.a comes a second time with other columns");
	contents_free(expected);
	contents_free(a);
	contents_free(b);
	contents_free(other);
	buf_release(&whole);
}
END_TEST

static const struct slice column_x = { "x", 1 };
static const struct copy_table table_a = {
	.schema = { "s", 1 },
	.name = { "a", 1 },
	.columns = &column_x,
	.column_count = 1,
	.has_columns = true,
	.text_format = true,
};

static struct record data_record(void)
{
	struct record record = { .kind = RECORD_DATA, .section = SECTION_DATA };
	record.data.table = &table_a;
	record.data.first = record.data.last = true;
	return record;
}

/* Rows that a worker has hashed, and rows in a chunk that is counted, are not looked at again. */
START_TEST(known_sums_are_taken)
{
	struct contents *expected = collect("COPY s.a (x) FROM stdin;\n1\n2\n\\.\n");
	struct err err = ERR_INIT;
	struct contents *contents = contents_new(&err);
	const struct contents_options options = { .trust_pristine = true };
	struct hash128 sum = hash128_of("1", 1);
	struct record record = data_record();
	record.data.rows = SLICE_LITERAL("?\n");
	record.data.row_count = 1;
	record.data.sum = &sum;
	ck_assert_int_eq(contents_add(contents, &record, &options, &err), 0);
	struct chunk chunk = { .counted = true, .rows = 1, .sum = hash128_of("2", 1) };
	record = data_record();
	record.data.chunk = &chunk;
	ck_assert_int_eq(contents_add(contents, &record, &options, &err), 0);
	ck_assert_int_eq(contents_check_equal(expected, contents, ERR_DIFFERENT, &err), 0);
	contents_free(contents);
	contents_free(expected);
}
END_TEST

START_TEST(uncounted_chunks_are_vouched_for)
{
	struct contents *trailer = collect("COPY s.a (x) FROM stdin;\n1\n2\n\\.\n");
	struct err err = ERR_INIT;
	struct contents *contents = contents_new(&err);
	const struct contents_options trusting = { .trust_pristine = true }, strict = { 0 };
	const struct chunk chunk = { .place = "k.idar: member 2-data/000002.sql.zst" };
	struct record record = data_record();
	record.data.chunk = &chunk;
	record.data.pristine = true;
	ck_assert_int_eq(contents_add(contents, &record, &strict, &err), -1);
	ck_assert_str_eq(err.message,
	                 "k.idar: member 2-data/000002.sql.zst: its rows are not counted");
	err_clear(&err);
	ck_assert_int_eq(contents_add(contents, &record, &trusting, &err), 0);
	ck_assert_int_eq(contents_vouch(contents, trailer, &err), 0);
	ck_assert_int_eq(contents_check_equal(trailer, contents, ERR_DIFFERENT, &err), 0);
	ck_assert_uint_eq(contents_rows(contents), 2);
	contents_free(contents);
	contents_free(trailer);
}
END_TEST

Suite *test_stream_contents(void)
{
	Suite *suite = suite_create("stream_contents");
	TCase *tc = tcase_create("contents");
	const int undigestables = (int)(sizeof(undigestable) / sizeof(*undigestable));

	tcase_add_test(tc, digest_is_the_sum_of_the_rows_hashes);
	tcase_add_test(tc, order_and_chunks_make_no_difference);
	tcase_add_test(tc, differences_are_named);
	tcase_add_test(tc, crlf_rows_are_the_same_rows);
	tcase_add_test(tc, pieces_make_no_difference);
	tcase_add_test(tc, table_without_columns_is_counted);
	tcase_add_loop_test(tc, what_cannot_be_digested_is_refused, 0, undigestables);
	tcase_add_loop_test(tc, lenient_collector_notes_it, 0, undigestables);
	tcase_add_test(tc, other_columns_the_second_time_are_refused);
	tcase_add_test(tc, setval_is_read);
	tcase_add_test(tc, large_objects_of_both_styles_are_equal);
	tcase_add_test(tc, large_object_longer_than_a_block_is_hashed_whole);
	tcase_add_loop_test(tc, lenient_collector_notes_an_unreadable_large_object, 0,
	                    sizeof(bad_objects) / sizeof(*bad_objects));
	tcase_add_loop_test(tc, damaged_large_object_is_refused, 0,
	                    (int)(sizeof(bad_objects) / sizeof(*bad_objects)));
	tcase_add_test(tc, trailer_is_printed_and_read_back);
	tcase_add_test(tc, name_that_is_not_utf8_is_refused);
	tcase_add_loop_test(tc, damaged_trailer_is_refused, 0,
	                    (int)(sizeof(bad_trailers) / sizeof(*bad_trailers)));
	tcase_add_test(tc, trailer_cut_anywhere_is_refused);
	tcase_add_test(tc, trailer_vouches_for_rows_that_were_counted);
	tcase_add_test(tc, merged_shares_are_the_whole);
	tcase_add_test(tc, known_sums_are_taken);
	tcase_add_test(tc, uncounted_chunks_are_vouched_for);
	suite_add_tcase(suite, tc);
	return suite;
}
