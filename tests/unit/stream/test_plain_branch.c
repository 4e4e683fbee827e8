/* A plain writer with branches: whole blocks from several threads, and the writer's own records. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "contents.h"
#include "plain_writer.h"
#include "streams.h"

Suite *test_stream_plain_branch(void);

#define THREADS 4
#define BLOCKS  50
#define PIECES  3

enum how { WHOLE, PIECES_WITH_SUMS, PIECES_WITHOUT, SOME_SUMS };

struct writing {
	struct sink *branch;
	int number;
	enum how how;
};

static void write_piece(struct sink *branch, const struct copy_table *table, const char *rows,
                        bool first, bool last, bool with_sum)
{
	struct err err = ERR_INIT;
	struct hash128 sum = { 0, 0 };
	uint64_t count = 0;
	hash128_rows(slice_of(rows), false, &count, &sum);
	struct record record = {
		.kind = RECORD_DATA,
		.section = SECTION_DATA,
		.lead = first ? SLICE_LITERAL("\n-- a comment\n") : SLICE_NONE,
		.data = {
			.table = table,
			.copy = first ? SLICE_LITERAL("COPY public.t (a) FROM stdin;\n") : SLICE_NONE,
			.rows = slice_of(rows),
			.end = last ? SLICE_LITERAL("\\.\n") : SLICE_NONE,
			.row_count = count,
			.first = first,
			.last = last,
			.sum = with_sum ? &sum : NULL,
		},
	};
	ck_assert_msg(sink_write(branch, &record, &err) == 0, "%s", err.message);
}

/* Each thread's rows are its own, so that none can be lost for another one. */
static void *write_blocks(void *arg)
{
	const struct writing *writing = arg;
	static const struct slice columns[] = { { "a", 1 } };
	const struct copy_table table = {
		SLICE_LITERAL("public"), SLICE_LITERAL("t"), columns, 1, true, true
	};
	char rows[PIECES][64];
	struct err err = ERR_INIT;
	for (int block = 0; block < BLOCKS; block++) {
		for (int i = 0; i < PIECES; i++)
			snprintf(rows[i], sizeof(rows[i]), "%d.%d.%d\n%d\n", writing->number, block, i, i);
		if (writing->how == WHOLE) {
			write_piece(writing->branch, &table, rows[0], true, true, block % 2);
			continue;
		}
		for (int i = 0; i < PIECES; i++)
			write_piece(writing->branch, &table, rows[i], i == 0, i + 1 == PIECES,
			            writing->how == PIECES_WITH_SUMS || (writing->how == SOME_SUMS && i == 1));
	}
	ck_assert_int_eq(sink_finish(writing->branch, &err), 0);
	return NULL;
}

static void write_all(struct sink *writer)
{
	struct err err = ERR_INIT;
	struct writing writings[THREADS];
	pthread_t threads[THREADS];
	ck_assert(sink_can_branch(writer));
	write_header(writer, "keycloak");
	write_statement(writer, SECTION_PRE_DATA, "\n", "CREATE TABLE public.t (a text);");
	for (int i = 0; i < THREADS; i++) {
		writings[i] = (struct writing){ sink_branch(writer, &err), i, (enum how)i };
		ck_assert_ptr_nonnull(writings[i].branch);
		pthread_create(&threads[i], NULL, write_blocks, &writings[i]);
	}
	for (int i = 0; i < BLOCKS; i++) {
		write_statement(writer, SECTION_DATA, "\n",
		                "SELECT pg_catalog.setval('public.s', 1, true);");
		write_rows(writer, "u", "a, b", "1\t2\n3\t4\n");
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		sink_free(writings[i].branch);
	}
	write_statement(writer, SECTION_POST_DATA, "\n", "CREATE INDEX i ON public.t (a);");
	write_trailer(writer);
	ck_assert_msg(sink_finish(writer, &err) == 0, "%s", err.message);
}

static struct hash128 expected_sum(uint64_t *count)
{
	struct hash128 sum = { 0, 0 };
	char rows[64];
	*count = 0;
	for (int thread = 0; thread < THREADS; thread++)
		for (int block = 0; block < BLOCKS; block++)
			for (int i = 0; i < (thread == WHOLE ? 1 : PIECES); i++) {
				snprintf(rows, sizeof(rows), "%d.%d.%d\n%d\n", thread, block, i, i);
				hash128_rows(slice_of(rows), false, count, &sum);
			}
	return sum;
}

/* The reader checks each block's mark and the hash over all; the trailer has the digests. */
START_TEST(blocks_of_all_threads_are_in_the_stream)
{
	struct err err = ERR_INIT;
	struct capture capture;
	struct recorder recorder;
	struct buf stream = BUF_INIT;
	uint64_t count;
	char digest[HASH128_HEX_BYTES + 1], line[256];
	struct sink *writer = plain_writer_new(capture_open(&capture), &err);
	write_all(writer);
	sink_free(writer);
	capture_take(&capture, &stream);
	recorder_init(&recorder);
	ck_assert_msg(read_into(buf_slice(&stream), 0, false, &recorder.sink, &err) == 0, "%s",
	              err.message);
	ck_assert(recorder.trailer_seen);
	hash128_hex(expected_sum(&count), digest);
	ck_assert_uint_eq(count, BLOCKS * (1 + 3 * PIECES) * 2);
	snprintf(
	    line, sizeof(line),
	    "\"schema\":\"public\",\"name\":\"t\",\"columns\":[\"a\"],\"rows\":%llu,\"digest\":\"%s\"",
	    (unsigned long long)count, digest);
	ck_assert_msg(strstr(stream.data, line) != NULL, "%s is not in the trailer", line);
	snprintf(line, sizeof(line), "{\"statements\":%d,\"rows\":%llu,",
	         2 + 2 * BLOCKS + THREADS * BLOCKS, (unsigned long long)count + 2 * BLOCKS);
	ck_assert_msg(strstr(stream.data, line) != NULL, "%s is not in the trailer", line);
	recorder_release(&recorder);
	buf_release(&stream);
}
END_TEST

/* What nobody finished leaves nothing. */
START_TEST(a_block_that_is_not_whole)
{
	struct err err = ERR_INIT;
	struct capture capture;
	struct buf stream = BUF_INIT;
	static const struct slice columns[] = { { "a", 1 } };
	const struct copy_table table = {
		SLICE_LITERAL("public"), SLICE_LITERAL("t"), columns, 1, true, true
	};
	struct sink *writer = plain_writer_new(capture_open(&capture), &err);
	write_header(writer, "keycloak");
	struct sink *branch = sink_branch(writer, &err);
	write_piece(branch, &table, "1\n", true, false, true);
	sink_free(branch);
	write_trailer(writer);
	ck_assert_int_eq(sink_finish(writer, &err), 0);
	sink_free(writer);
	capture_take(&capture, &stream);
	ck_assert_ptr_null(strstr(stream.data, "COPY"));
	ck_assert_ptr_nonnull(strstr(stream.data, "{\"statements\":0,\"rows\":0,"));
	buf_release(&stream);
}
END_TEST

START_TEST(a_failure_is_told_in_the_branch)
{
	struct err err = ERR_INIT;
	static const struct slice columns[] = { { "a", 1 } };
	const struct copy_table table = {
		SLICE_LITERAL("public"), SLICE_LITERAL("t"), columns, 1, true, true
	};
	struct sink *writer = plain_writer_new(outfile_open("/dev/full", NULL, &err), &err);
	static char rows[1 << 20];
	memset(rows, 'x', sizeof(rows) - 2);
	rows[sizeof(rows) - 2] = '\n';
	const struct record record = {
		.kind = RECORD_DATA,
		.section = SECTION_DATA,
		.data = { .table = &table,
		          .copy = SLICE_LITERAL("COPY public.t (a) FROM stdin;\n"),
		          .rows = { rows, sizeof(rows) - 1 },
		          .end = SLICE_LITERAL("\\.\n"),
		          .row_count = 1,
		          .first = true,
		          .last = true },
	};
	write_header(writer, "keycloak");
	struct sink *branch = sink_branch(writer, &err);
	ck_assert_int_eq(sink_write(branch, &record, &err), -1);
	ck_assert_str_eq(err.message, "cannot write /dev/full: No space left on device");
	sink_free(branch);
	sink_free(writer);
}
END_TEST

Suite *test_stream_plain_branch(void)
{
	Suite *suite = suite_create("stream_plain_branch");
	TCase *tc = tcase_create("branch");

	tcase_add_test(tc, blocks_of_all_threads_are_in_the_stream);
	tcase_add_test(tc, a_block_that_is_not_whole);
	tcase_add_test(tc, a_failure_is_told_in_the_branch);
	suite_add_tcase(suite, tc);
	return suite;
}
