/* Plain scripts whose rows are left in the file, as chunks. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archives.h"
#include "chunk.h"
#include "plain_reader.h"

Suite *test_stream_plain_chunks(void);

/* A plain_reader that packs, over a file, into a sink that gets rows.  0 or -1. */
static int read_packed(struct slice script, size_t piece, struct sink *sink, struct err *err)
{
	const struct plain_reader_options options = { .allow_incomplete = true, .packed = true };
	struct source *source = plain_reader_new(input_of(script, piece, err), &options, err);
	int result;

	ck_assert_ptr_nonnull(source);
	result = source_run(source, sink, err);
	source_free(source);
	return result;
}

/* What the reader's records hold. */
struct summary {
	struct sink sink;
	struct sink *next;
	size_t chunks;
	size_t plain; /* DATA records without a chunk */
	uint64_t rows;
	uint64_t most_bytes;
	bool trailer;
};

static int summary_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct summary *summary = (struct summary *)sink;
	const struct chunk *chunk = record->kind == RECORD_DATA ? record->data.chunk : NULL;

	summary->trailer |= record->kind == RECORD_TRAILER;
	if (record->kind == RECORD_DATA && !chunk)
		summary->plain++;
	if (chunk) {
		summary->chunks++;
		summary->rows += record->data.row_count;
		if (chunk->size > summary->most_bytes)
			summary->most_bytes = chunk->size;
		ck_assert_int_eq(chunk->form, CHUNK_ROWS);
		ck_assert(chunk->lasting && !chunk->counted);
		ck_assert(record->data.first && record->data.last);
		ck_assert_int_eq(strncmp(record->data.copy.data, "COPY ", 5), 0);
	}
	return summary->next ? sink_write(summary->next, record, err) : 0;
}

static const struct sink_ops summary_ops = { .write = summary_write };

/* Small blocks are one chunk each: unpacked, the records are those of the reader that does not pack. */
static void expect_same(struct slice script, size_t chunks)
{
	struct recorder want, got;
	struct err err = ERR_INIT;

	recorder_init(&want);
	recorder_init(&got);
	struct sink *unpacking = unpacking_sink_new(&got.sink);
	struct summary summary = { .sink.ops = &summary_ops, .next = unpacking };
	ck_assert_int_eq(read_into(script, 0, true, &want.sink, &err), 0);
	ck_assert_msg(read_packed(script, 0, &summary.sink, &err) == 0, "%s", err.message);
	ck_assert_str_eq(got.bytes.data, want.bytes.data);
	ck_assert_uint_eq(summary.chunks, chunks);
	sink_free(unpacking);
	recorder_release(&want);
	recorder_release(&got);
}

START_TEST(streams_come_back)
{
	struct buf own = BUF_INIT, dump = BUF_INIT, crlf = BUF_INIT;

	own_stream(&own);
	dump_stream(&dump);
	to_crlf(&dump, &crlf);
	expect_same(buf_slice(&own), 5);
	expect_same(buf_slice(&dump), 2);
	expect_same(buf_slice(&crlf), 2);
	buf_release(&own);
	buf_release(&dump);
	buf_release(&crlf);
}
END_TEST

/* A row of CSV may be of many lines: where it ends only the server knows. */
START_TEST(other_formats_are_not_packed)
{
	const struct slice script =
		SLICE_LITERAL("COPY a FROM stdin WITH (FORMAT csv);\n1,\"\n\n\"\n\\.\n");

	expect_same(script, 0);
}
END_TEST

START_TEST(pipe_is_not_packed)
{
	struct summary summary = { .sink.ops = &summary_ops };
	struct buf own = BUF_INIT;
	struct err err = ERR_INIT;

	own_stream(&own);
	ck_assert_int_eq(read_packed(buf_slice(&own), 64, &summary.sink, &err), 0);
	ck_assert_uint_eq(summary.chunks, 0);
	ck_assert_uint_gt(summary.plain, 4);
	buf_release(&own);
}
END_TEST

#define LARGE_ROWS 300000

static void large_script(struct buf *script)
{
	buf_adds(script, "COPY public.a (id, note) FROM stdin;\n");
	for (int i = 0; i < LARGE_ROWS; i++)
		buf_addf(script, "%d\tthe quick brown fox jumps over the lazy dog: %d\n", i, i);
	buf_adds(script, "\\.\nSELECT 1;\n");
}

/* Rows in the order of the script, none twice, none lost: what the chunks hold, put together. */
struct joiner {
	struct sink sink;
	struct unpacker *unpacker;
	struct buf rows;
	uint64_t next_line;
};

static int joiner_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct joiner *joiner = (struct joiner *)sink;
	struct slice rows;

	if (record->kind != RECORD_DATA)
		return 0;
	/* As the COPY line that each chunk could have had in front of it. */
	ck_assert_uint_eq(record->place.line, joiner->next_line - 1);
	ck_assert_uint_eq(record->data.chunk->line, joiner->next_line);
	ck_assert_int_eq(
	    chunk_unpack(joiner->unpacker, record->data.chunk, record->data.copy, &rows, err), 0);
	ck_assert_int_eq(rows.data[rows.len - 1], '\n');
	joiner->next_line += rows_count(rows);
	buf_add_slice(&joiner->rows, rows);
	return 0;
}

static const struct sink_ops joiner_ops = { .write = joiner_write };

START_TEST(large_block_is_cut_at_rows)
{
	struct buf script = BUF_INIT;
	struct err err = ERR_INIT;
	struct joiner joiner = { .sink.ops = &joiner_ops, .rows = BUF_INIT, .next_line = 2 };
	struct summary summary = { .sink.ops = &summary_ops, .next = &joiner.sink };

	large_script(&script);
	joiner.unpacker = unpacker_new(&err);
	ck_assert_msg(read_packed(buf_slice(&script), 0, &summary.sink, &err) == 0, "%s", err.message);
	ck_assert_uint_eq(summary.rows, LARGE_ROWS);
	ck_assert_uint_eq(summary.chunks, 3);
	ck_assert_uint_lt(summary.most_bytes, 9 << 20);
	const char *rows = strchr(script.data, '\n') + 1;
	ck_assert_uint_eq(joiner.rows.len, (size_t)(strstr(rows, "\\.\n") - rows));
	ck_assert_mem_eq(joiner.rows.data, rows, joiner.rows.len);
	unpacker_free(joiner.unpacker);
	buf_release(&joiner.rows);
	buf_release(&script);
}
END_TEST

/* Nobody looks at the rows here, but the scan: damage is found all the same, and no trailer comes. */
START_TEST(damaged_rows_are_found)
{
	struct summary summary = { .sink.ops = &summary_ops };
	struct buf own = BUF_INIT;
	struct err err = ERR_INIT;

	own_stream(&own);
	strstr(own.data, "1\tone")[3] = 'O';
	ck_assert_int_eq(read_packed(buf_slice(&own), 0, &summary.sink, &err), -1);
	ck_assert_int_eq(err.kind, ERR_INPUT);
	ck_assert_ptr_nonnull(strstr(err.message, "they don't fit their hash"));
	ck_assert(!summary.trailer);
	buf_release(&own);
}
END_TEST

/* Writes "Two" where a file said "two", as the first chunk passes; then unpacks it. */
struct changer {
	struct sink sink;
	int fd;
	size_t offset;
};

static int changer_write(struct sink *sink, const struct record *record, struct err *err)
{
	const struct changer *changer = (struct changer *)sink;
	struct slice rows;

	if (record->kind != RECORD_DATA)
		return 0;
	ck_assert_int_eq(pwrite(changer->fd, "T", 1, (off_t)changer->offset), 1);
	struct unpacker *unpacker = unpacker_new(err);
	int result = chunk_unpack(unpacker, record->data.chunk, record->data.copy, &rows, err);
	unpacker_free(unpacker);
	return result;
}

static const struct sink_ops changer_ops = { .write = changer_write };

/* Somebody's next dump goes to the same file: its rows are not those that were checked. */
START_TEST(rows_that_change_meanwhile_are_found)
{
	const struct plain_reader_options options = { .allow_incomplete = true, .packed = true };
	const struct slice script = SLICE_LITERAL("COPY a (b) FROM stdin;\none\ntwo\n\\.\n");
	struct err err = ERR_INIT;
	struct changer changer = { .sink.ops = &changer_ops, .fd = fd_of(script), .offset = 27 };

	ck_assert_int_eq(script.data[changer.offset], 't');
	struct source *source =
		plain_reader_new(input_from_fd(changer.fd, "script", NULL, &err), &options, &err);
	ck_assert_int_eq(source_run(source, &changer.sink, &err), -1);
	ck_assert_int_eq(err.kind, ERR_INPUT);
	ck_assert_str_eq(err.message, "script: the file has changed while it was read");
	source_free(source);
}
END_TEST

/* The script begins somewhere in its file: the shell has read its first line. */
START_TEST(offsets_count_from_the_file)
{
	const struct plain_reader_options options = { .allow_incomplete = true, .packed = true };
	struct buf script = BUF_INIT;
	struct err err = ERR_INIT;
	struct recorder got;

	buf_adds(&script, "a line of somebody else's\nCOPY a (b) FROM stdin;\nx\ny\n\\.\n");
	int fd = fd_of(buf_slice(&script));
	ck_assert_int_eq(lseek(fd, 26, SEEK_SET), 26);
	struct source *source =
		plain_reader_new(input_from_fd(fd, "script", NULL, &err), &options, &err);
	recorder_init(&got);
	struct sink *unpacking = unpacking_sink_new(&got.sink);
	ck_assert_msg(source_run(source, unpacking, &err) == 0, "%s", err.message);
	ck_assert_str_eq(got.bytes.data, script.data + 26);
	sink_free(unpacking);
	source_free(source);
	recorder_release(&got);
	buf_release(&script);
}
END_TEST

Suite *test_stream_plain_chunks(void)
{
	Suite *suite = suite_create("stream_plain_chunks");
	TCase *tc = tcase_create("chunks");

	tcase_add_test(tc, streams_come_back);
	tcase_add_test(tc, other_formats_are_not_packed);
	tcase_add_test(tc, pipe_is_not_packed);
	tcase_add_test(tc, large_block_is_cut_at_rows);
	tcase_add_test(tc, damaged_rows_are_found);
	tcase_add_test(tc, rows_that_change_meanwhile_are_found);
	tcase_add_test(tc, offsets_count_from_the_file);
	suite_add_tcase(suite, tc);
	return suite;
}
