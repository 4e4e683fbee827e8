/* What readers would refuse is not written: the message names the object. */
#include <check.h>
#include <string.h>
#include <unistd.h>

#include "archive_writer_internal.h"
#include "archives.h"

Suite *test_stream_archive_limits(void);

/* Of the largest member's text, instead of more than 1 GiB. */
#define LARGEST ((size_t)1000)

#define TABLE_COMMENT "\n--\n-- Name: a; Type: TABLE; Schema: public; Owner: joe\n--\n\n"
#define TOO_LARGE                                                                              \
	" makes a member of the archive larger than 1000 bytes, which readers refuse: write plain text"

/* Large enough, when so many bytes are added, to make the member as large as it may be. */
static const struct {
	const char *what;
	const char *lead;
	const char *begin;
	const char *member;
	const char *message;
} cases[] = {
	{ "a row", NULL, "1\t", "2-data/000002.sql.zst", "table public.a: a row" TOO_LARGE },
	{ "a row behind another", NULL, "1\tone\n2\t", "2-data/000002.sql.zst",
	  "table public.a: a row" TOO_LARGE },
	{ "a statement with a comment", TABLE_COMMENT, "CREATE TABLE public.a (); -- ",
	  "1-pre-data/000001.sql.zst", "TABLE public.a: a statement" TOO_LARGE },
	{ "a database's", "\n--\n-- Name: b; Type: SCHEMA; Schema: -; Owner: joe\n--\n\n",
	  "CREATE SCHEMA b; -- ", "1-pre-data/000001.sql.zst", "SCHEMA b: a statement" TOO_LARGE },
	{ "a statement alone", "\n", "SELECT 1; -- ", "1-pre-data/000001.sql.zst",
	  "statement 7: a statement" TOO_LARGE },
};

static const struct slice columns[] = { { "id", 2 }, { "note", 4 } };
static const struct copy_table table = { { "public", 6 }, { "a", 1 }, columns, 2, true, true };

static struct sink *limited_writer(struct capture *capture)
{
	const struct archive_options options = { ARCHIVE_LEVEL, false, LARGEST, 1 };
	struct err err = ERR_INIT;
	struct sink *writer = archive_writer_new(capture_open(capture), &options, &err);

	((struct archive_writer *)writer)->largest_bytes = LARGEST;
	write_header(writer, "limits");
	return writer;
}

/* The case with so many letters more.  Rows come in two parts. */
static int write_case(struct sink *writer, int number, size_t more, struct err *err)
{
	struct buf text = BUF_INIT;
	struct object object = { 0 };
	struct slice comment;

	buf_adds(&text, cases[number].begin);
	for (; more > 0; more--)
		buf_addc(&text, 'x');
	struct record record = { .kind = RECORD_STATEMENT,
		                     .section = SECTION_PRE_DATA,
		                     .place = { 1, 7 },
		                     .lead = slice_of(cases[number].lead),
		                     .statement = { .sql = buf_slice(&text), .standard_strings = true } };
	if (cases[number].lead) {
		toc_comment_parse(record.lead, &object, &comment);
		record.statement.object = object;
	} else {
		buf_addc(&text, '\n');
		record.kind = RECORD_DATA;
		record.section = SECTION_DATA;
		record.lead = SLICE_LITERAL("\n");
		record.data = (struct record_data){
			.table = &table,
			.copy = SLICE_LITERAL("COPY public.a (id, note) FROM stdin;\n"),
			.rows = buf_slice(&text),
			.row_count = rows_count(buf_slice(&text)),
			.end = SLICE_LITERAL("\\.\n"),
			.first = true,
			.last = true,
		};
	}
	int result = sink_write(writer, &record, err);
	buf_release(&text);
	return result;
}

/* How many letters make its member so large; the archive can be read. */
static size_t letters_for_largest(int number)
{
	struct buf archive = BUF_INIT, plain = BUF_INIT;
	struct capture capture;
	struct err err = ERR_INIT;
	struct tar tar;
	uint64_t bytes = 0;
	size_t more = 500;

	for (int round = 0; round < 2; round++) {
		struct sink *writer = limited_writer(&capture);

		more += round ? LARGEST - (size_t)bytes : 0;
		if (cases[number].lead == NULL)
			write_statement(writer, SECTION_PRE_DATA, "", "SELECT 1;");
		ck_assert_msg(write_case(writer, number, more, &err) == 0, "%s", err.message);
		write_trailer(writer);
		ck_assert_int_eq(sink_finish(writer, &err), 0);
		sink_free(writer);
		buf_reset(&archive);
		capture_take(&capture, &archive);
		tar_take_apart(buf_slice(&archive), &tar);
		const struct tar_part *part = &tar.parts[tar_find(&tar, cases[number].member)];
		ck_assert_int_eq(frame_text_bytes(buf_slice(&part->data), &bytes, &err), 0);
		tar_release(&tar);
	}
	ck_assert_uint_eq(bytes, LARGEST);
	make_plain(buf_slice(&archive), WAY_FILE, &plain);
	buf_release(&archive);
	buf_release(&plain);
	return more;
}

START_TEST(members_beyond_the_largest_are_not_written)
{
	const size_t letters = letters_for_largest(_i);

	/* By a byte, and by so much that no mark behind it is needed. */
	for (size_t more = letters + 1; more <= letters + LARGEST; more += LARGEST - 1) {
		struct capture capture;
		struct err err = ERR_INIT;
		struct sink *writer = limited_writer(&capture);

		ck_assert_int_eq(write_case(writer, _i, more, &err), -1);
		ck_assert_int_eq(err.kind, ERR_INPUT);
		ck_assert_str_eq(err.message, cases[_i].message);
		sink_free(writer);
		ck_assert_int_ne(access(capture.path, F_OK), 0);
	}
}
END_TEST

/* Rows whose end does not come: noticed before they are all in memory. */
START_TEST(row_without_end_is_noticed_early)
{
	struct capture capture;
	struct err err = ERR_INIT;
	struct sink *writer = limited_writer(&capture);
	struct record record = { .kind = RECORD_DATA,
		                     .section = SECTION_DATA,
		                     .lead = SLICE_LITERAL("\n"),
		                     .data = { .table = &table,
		                               .copy = SLICE_LITERAL("COPY public.a (id, note) FROM stdin;\n"),
		                               .rows = SLICE_LITERAL("1\t0123456789abcdef\n"),
		                               .row_count = 1,
		                               .first = true } };
	char large[2 * LARGEST];

	ck_assert_int_eq(sink_write(writer, &record, &err), 0);
	record.data.first = false;
	memset(large, 'x', sizeof(large));
	record.data.rows = (struct slice){ large, sizeof(large) };
	ck_assert_int_eq(sink_write(writer, &record, &err), -1);
	ck_assert_str_eq(err.message, "table public.a: a row" TOO_LARGE);
	sink_free(writer);
}
END_TEST

Suite *test_stream_archive_limits(void)
{
	Suite *suite = suite_create("stream_archive_limits");
	TCase *tc = tcase_create("limits");

	tcase_add_loop_test(tc, members_beyond_the_largest_are_not_written, 0,
	                    sizeof(cases) / sizeof(*cases));
	tcase_add_test(tc, row_without_end_is_noticed_early);
	suite_add_tcase(suite, tc);
	return suite;
}
