/* Digests by several threads, and chunks that several threads unpack: as those of one. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chunk.h"
#include "digest_sink.h"
#include "streams.h"
#include "unpack_sink.h"

Suite *test_verify_digest_sink(void);

#define THREADS 4
#define BLOCKS  100

static struct sink *new_sink(const struct contents *layout)
{
	struct err err = ERR_INIT;
	struct sink *sink = digest_sink_new(layout, &err);
	ck_assert_msg(sink != NULL, "%s", err.message);
	return sink;
}

static void block_rows(int number, char rows[64])
{
	snprintf(rows, 64, "%d\tx\\t%d\n%d\ty\n", number, number % 7, number);
}

static void write_share(struct sink *sink, int first, int step)
{
	char rows[64];
	for (int i = first; i < BLOCKS; i += step) {
		block_rows(i, rows);
		write_rows(sink, i % 3 ? "t" : "u", "a, b", rows);
	}
}

/* The same rows, read by one. */
static struct sink *digests_of_one(const struct contents *layout)
{
	struct sink *sink = new_sink(layout);
	write_header(sink, "keycloak");
	write_share(sink, 0, 1);
	write_trailer(sink);
	return sink;
}

static void check_same(const struct sink *expected, const struct sink *got)
{
	struct err err = ERR_INIT;
	const struct contents *a = digest_sink_contents(expected), *b = digest_sink_contents(got);
	ck_assert_uint_eq(contents_rows(b), contents_rows(a));
	ck_assert_uint_eq(contents_table_count(b), contents_table_count(a));
	ck_assert_msg(contents_check_equal(a, b, ERR_INPUT, &err) == 0, "%s", err.message);
}

struct share {
	struct sink *branch;
	int number;
};

static void *run_share(void *arg)
{
	const struct share *share = arg;
	struct err err = ERR_INIT;
	write_share(share->branch, share->number, THREADS + 1);
	ck_assert_msg(sink_finish(share->branch, &err) == 0, "%s", err.message);
	return NULL;
}

/* The last share is the trunk's own. */
static struct sink *digests_of_many(const struct contents *layout)
{
	struct err err = ERR_INIT;
	struct sink *sink = new_sink(layout);
	struct share shares[THREADS];
	pthread_t threads[THREADS];
	ck_assert(sink_can_branch(sink));
	write_header(sink, "keycloak");
	for (int i = 0; i < THREADS; i++) {
		shares[i] = (struct share){ sink_branch(sink, &err), i };
		pthread_create(&threads[i], NULL, run_share, &shares[i]);
	}
	write_share(sink, THREADS, THREADS + 1);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		sink_free(shares[i].branch);
	}
	write_trailer(sink);
	return sink;
}

START_TEST(branches_add_up)
{
	struct sink *one = digests_of_one(NULL), *many = digests_of_many(NULL);
	ck_assert_uint_eq(contents_rows(digest_sink_contents(one)), 2 * BLOCKS);
	check_same(one, many);
	sink_free(one);
	sink_free(many);
}
END_TEST

/* The layout has table t with its columns the other way round. */
START_TEST(branches_put_columns_in_order)
{
	struct sink *layout = new_sink(NULL);
	write_rows(layout, "t", "b, a", "");
	const struct contents *order = digest_sink_contents(layout);
	struct sink *plain = digests_of_one(NULL), *one = digests_of_one(order),
	            *many = digests_of_many(order);
	struct err err = ERR_INIT;
	check_same(one, many);
	ck_assert_int_eq(contents_check_equal(digest_sink_contents(plain), digest_sink_contents(many),
	                                      ERR_INPUT, &err),
	                 -1);
	ck_assert_str_eq(err.message, "table public.t: the digest of its 132 rows differs");
	ck_assert_str_eq(contents_find_table(digest_sink_contents(many), "public", "t")->columns[0],
	                 "b");
	sink_free(layout);
	sink_free(plain);
	sink_free(one);
	sink_free(many);
}
END_TEST

/* Not finished: what it has seen does not count. */
START_TEST(branch_that_is_given_up)
{
	struct err err = ERR_INIT;
	struct sink *sink = new_sink(NULL), *branch = sink_branch(sink, &err);
	write_rows(branch, "t", "a", "1\n");
	sink_free(branch);
	ck_assert_uint_eq(contents_table_count(digest_sink_contents(sink)), 0);
	sink_free(sink);
}
END_TEST

/* The rows in a file, as a reader of plain files has them: chunks that last. */
struct chunks {
	int fd;
	struct buf bytes;
	struct chunk items[BLOCKS];
};

static void make_chunks(struct chunks *chunks, bool lasting)
{
	char rows[64];
	size_t offsets[BLOCKS + 1];
	chunks->bytes = (struct buf)BUF_INIT;
	for (int i = 0; i < BLOCKS; i++) {
		offsets[i] = chunks->bytes.len;
		block_rows(i, rows);
		buf_adds(&chunks->bytes, rows);
	}
	offsets[BLOCKS] = chunks->bytes.len;
	chunks->fd = fd_of(buf_slice(&chunks->bytes));
	for (int i = 0; i < BLOCKS; i++)
		chunks->items[i] = (struct chunk){
			.form = CHUNK_ROWS,
			.place = "rows.sql",
			.lasting = lasting,
			.bytes = { chunks->bytes.data + offsets[i], offsets[i + 1] - offsets[i] },
			.fd = chunks->fd,
			.offset = offsets[i],
			.size = offsets[i + 1] - offsets[i],
			.raw_bytes = UINT64_MAX,
		};
}

static void release_chunks(struct chunks *chunks)
{
	close(chunks->fd);
	buf_release(&chunks->bytes);
}

/* Blocks of three chunks each: only the first one says that it is. */
static int write_chunks(struct sink *sink, const struct chunks *chunks, struct err *err)
{
	static const struct slice columns[] = { { "a", 1 }, { "b", 1 } };
	static const struct copy_table tables[] = {
		{ { "public", 6 }, { "u", 1 }, columns, 2, true, true },
		{ { "public", 6 }, { "t", 1 }, columns, 2, true, true },
	};
	for (int i = 0; i < BLOCKS; i++) {
		const struct record record = {
			.kind = RECORD_DATA,
			.section = SECTION_DATA,
			.data = { .table = &tables[i % 3 ? 1 : 0],
			          .first = i % 3 != 2,
			          .last = i % 3 != 1,
			          .chunk = &chunks->items[i] },
		};
		if (sink_write(sink, &record, err) < 0)
			return -1;
	}
	return 0;
}

static void unpack_all(int jobs, bool lasting)
{
	struct err err = ERR_INIT;
	struct chunks chunks;
	struct sink *digests = new_sink(NULL), *one = digests_of_one(NULL);
	struct sink *sink = unpack_sink_new(digests, jobs, &err);
	make_chunks(&chunks, lasting);
	write_header(sink, "keycloak");
	ck_assert_msg(write_chunks(sink, &chunks, &err) == 0, "%s", err.message);
	write_trailer(sink);
	check_same(one, digests);
	sink_free(sink);
	sink_free(digests);
	sink_free(one);
	release_chunks(&chunks);
}

START_TEST(chunks_are_unpacked)
{
	unpack_all(1, true);
	unpack_all(1, false);
	unpack_all(2, true);
	unpack_all(2, false);
	unpack_all(8, true);
}
END_TEST

START_TEST(chunk_that_can_not_be_read)
{
	struct chunks chunks;
	make_chunks(&chunks, true);
	chunks.items[50].offset = 1 << 20;
	for (int jobs = 1; jobs <= 8; jobs *= 2) {
		struct err err = ERR_INIT;
		struct sink *digests = new_sink(NULL), *sink = unpack_sink_new(digests, jobs, &err);
		const struct record trailer = { .kind = RECORD_TRAILER,
			                            .trailer = { .end = STREAM_END_IDKIT } };
		ck_assert(write_chunks(sink, &chunks, &err) < 0 || sink_write(sink, &trailer, &err) < 0);
		ck_assert_int_eq(err.kind, ERR_INPUT);
		ck_assert_str_eq(err.message, "rows.sql: the file ends here, which it did not when it "
		                              "was opened");
		sink_free(sink);
		sink_free(digests);
	}
	release_chunks(&chunks);
}
END_TEST

/* The reader has failed: what its chunks point at is still there when the sink is freed. */
START_TEST(unpacking_is_given_up)
{
	struct err err = ERR_INIT;
	struct chunks chunks;
	struct sink *digests = new_sink(NULL), *sink = unpack_sink_new(digests, 4, &err);
	make_chunks(&chunks, true);
	ck_assert_int_eq(write_chunks(sink, &chunks, &err), 0);
	sink_free(sink);
	sink_free(digests);
	release_chunks(&chunks);
}
END_TEST

Suite *test_verify_digest_sink(void)
{
	Suite *suite = suite_create("verify_digest_sink");
	TCase *tc = tcase_create("digests");

	tcase_add_test(tc, branches_add_up);
	tcase_add_test(tc, branches_put_columns_in_order);
	tcase_add_test(tc, branch_that_is_given_up);
	tcase_add_test(tc, chunks_are_unpacked);
	tcase_add_test(tc, chunk_that_can_not_be_read);
	tcase_add_test(tc, unpacking_is_given_up);
	suite_add_tcase(suite, tc);
	return suite;
}
