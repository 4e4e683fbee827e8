/* Archives written and read with jobs: the same as without. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "archives.h"
#include "plain_writer.h"

/* Small, so that many members are under way. */
#define CHUNK_BYTES (300 * 1024)
#define TABLES      18
#define ROWS        20000

static const int job_counts[] = { 2, 3, 8, 32 };
#define JOB_COUNTS ((int)(sizeof(job_counts) / sizeof(job_counts[0])))

/* Tables of several members, with a statement between some of them. */
static void tables_stream(struct buf *plain)
{
	struct buf rows = BUF_INIT;
	struct capture capture;
	struct err err = ERR_INIT;
	struct sink *writer = plain_writer_new(capture_open(&capture), &err);
	char name[16];

	write_header(writer, "tables");
	for (int table = 0; table < TABLES; table++) {
		buf_reset(&rows);
		/* Every fifth has no rows. */
		for (int row = 0; table % 5 && row < ROWS; row++)
			buf_addf(&rows, "%d\t%d of table %d\n", row, row * 7919 % 10007, table);
		snprintf(name, sizeof(name), "t%d", table);
		write_rows(writer, name, "id, note", rows.len ? rows.data : "");
		if (table % 7 == 0)
			write_statement(writer, SECTION_DATA, "\n",
			                "SELECT pg_catalog.setval('public.s', 1, true);");
	}
	write_trailer(writer);
	ck_assert_int_eq(sink_finish(writer, &err), 0);
	sink_free(writer);
	capture_take(&capture, plain);
	buf_release(&rows);
}

static void archive_of(struct slice plain, int jobs, struct buf *archive)
{
	const struct archive_options options = { ARCHIVE_LEVEL, false, CHUNK_BYTES, jobs };
	struct capture capture;
	struct err err = ERR_INIT;
	struct sink *writer = archive_writer_new(capture_open(&capture), &options, &err);

	ck_assert_msg(read_into(plain, 0, false, writer, &err) == 0, "%s", err.message);
	ck_assert_int_eq(sink_finish(writer, &err), 0);
	sink_free(writer);
	capture_take(&capture, archive);
}

static struct source *reader_of(struct slice archive, bool pipe, int jobs)
{
	const struct archive_reader_options options = { .jobs = jobs };
	struct err err = ERR_INIT;
	struct source *source = archive_reader_new(
	    archive_input(archive, pipe ? WAY_PIPE : WAY_FILE, &err), &options, &err);
	ck_assert_ptr_nonnull(source);
	return source;
}

static int plain_of(struct slice archive, bool pipe, int jobs, struct buf *plain, struct err *err)
{
	struct capture capture;
	struct source *source = reader_of(archive, pipe, jobs);
	struct sink *writer = plain_writer_new(capture_open(&capture), err);
	int result = source_run(source, writer, err);

	if (result == 0) {
		ck_assert_int_eq(sink_finish(writer, err), 0);
		capture_take(&capture, plain);
	} else {
		unlink(capture.path);
	}
	sink_free(writer);
	source_free(source);
	return result;
}

static void assert_same(const struct buf *a, const struct buf *b)
{
	ck_assert_uint_eq(a->len, b->len);
	ck_assert_mem_eq(a->data, b->data, a->len);
}

START_TEST(written_with_jobs)
{
	struct buf plain = BUF_INIT, one = BUF_INIT, many = BUF_INIT;

	tables_stream(&plain);
	archive_of(buf_slice(&plain), 1, &one);
	archive_of(buf_slice(&plain), job_counts[_i], &many);
	assert_same(&one, &many);
	buf_release(&plain);
	buf_release(&one);
	buf_release(&many);
}
END_TEST

START_TEST(read_with_jobs)
{
	struct buf plain = BUF_INIT, archive = BUF_INIT, one = BUF_INIT, many = BUF_INIT;
	struct err err = ERR_INIT;

	tables_stream(&plain);
	archive_of(buf_slice(&plain), 1, &archive);
	for (int pipe = 0; pipe < 2; pipe++) {
		ck_assert_int_eq(plain_of(buf_slice(&archive), pipe, 1, &one, &err), 0);
		ck_assert_int_eq(plain_of(buf_slice(&archive), pipe, job_counts[_i], &many, &err), 0);
	}
	assert_same(&one, &many);
	buf_release(&plain);
	buf_release(&archive);
	buf_release(&one);
	buf_release(&many);
}
END_TEST

/* One bit of one member's frame: of those before it records may have gone out, of those behind it
 * none, and no TRAILER. */
START_TEST(damage_is_found_with_jobs)
{
	const char *const expected[] = {
		"is damaged: its SHA-256 is not the one in the manifest",
		"its zstd frame is damaged",
	};
	struct buf plain = BUF_INIT, archive = BUF_INIT, ignored = BUF_INIT;
	struct err err = ERR_INIT;
	struct tar tar;

	tables_stream(&plain);
	archive_of(buf_slice(&plain), 1, &archive);
	tar_take_apart(buf_slice(&archive), &tar);
	size_t index = tar_find(&tar, "2-data/000009.sql.zst");
	struct buf *data = &tar.parts[index].data;
	data->data[data->len / 2] ^= 0x10;
	buf_reset(&archive);
	tar_put_together(&tar, &archive);
	for (int pipe = 0; pipe < 2; pipe++) {
		err_clear(&err);
		ck_assert_int_eq(plain_of(buf_slice(&archive), pipe, job_counts[_i], &ignored, &err), -1);
		ck_assert_int_eq(err.kind, ERR_INPUT);
		ck_assert_msg(strstr(err.message, "member 2-data/000009.sql.zst") != NULL, "%s",
		              err.message);
		ck_assert_msg(strstr(err.message, expected[pipe]) != NULL, "%s", err.message);
	}
	tar_release(&tar);
	buf_release(&plain);
	buf_release(&archive);
	buf_release(&ignored);
}
END_TEST

/* The sink fails while other members are being unpacked. */
START_TEST(failing_sink_ends_the_jobs)
{
	struct buf plain = BUF_INIT, archive = BUF_INIT;
	struct recorder recorder;
	struct err err = ERR_INIT;

	tables_stream(&plain);
	archive_of(buf_slice(&plain), 1, &archive);
	for (int pipe = 0; pipe < 2; pipe++) {
		struct source *source = reader_of(buf_slice(&archive), pipe, job_counts[_i]);
		recorder_init(&recorder);
		recorder.fail_at = 12;
		err_clear(&err);
		ck_assert_int_eq(source_run(source, &recorder.sink, &err), -1);
		ck_assert_str_eq(err.message, RECORDER_FAILURE);
		ck_assert_uint_eq(recorder.writes, 12);
		ck_assert(!recorder.trailer_seen);
		source_free(source);
		recorder_release(&recorder);
	}
	buf_release(&plain);
	buf_release(&archive);
}
END_TEST

START_TEST(full_disk_with_jobs)
{
	const struct archive_options options = { ARCHIVE_LEVEL, false, CHUNK_BYTES, job_counts[_i] };
	struct buf plain = BUF_INIT;
	struct err err = ERR_INIT;
	struct sink *writer = archive_writer_new(outfile_open("/dev/full", NULL, &err), &options, &err);

	tables_stream(&plain);
	int result = read_into(buf_slice(&plain), 0, false, writer, &err);
	if (result == 0)
		result = sink_finish(writer, &err);
	ck_assert_int_eq(result, -1);
	ck_assert_str_eq(err.message, "cannot write /dev/full: No space left on device");
	sink_free(writer);
	buf_release(&plain);
}
END_TEST

Suite *test_stream_archive_jobs(void);
Suite *test_stream_archive_jobs(void)
{
	Suite *suite = suite_create("stream_archive_jobs");
	TCase *tc = tcase_create("jobs");

	tcase_add_loop_test(tc, written_with_jobs, 0, JOB_COUNTS);
	tcase_add_loop_test(tc, read_with_jobs, 0, JOB_COUNTS);
	tcase_add_loop_test(tc, damage_is_found_with_jobs, 0, JOB_COUNTS);
	tcase_add_loop_test(tc, failing_sink_ends_the_jobs, 0, JOB_COUNTS);
	tcase_add_loop_test(tc, full_disk_with_jobs, 0, JOB_COUNTS);
	suite_add_tcase(suite, tc);
	return suite;
}
