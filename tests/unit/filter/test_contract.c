/*
 * test_contract.c - what holds for every source, filter and sink, whatever is in the stream: any
 * pieces give the same, a cut or damaged stream is an error and never has a TRAILER, a sink's
 * failure comes back as it is, and nothing that was not finished is left behind.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listing.h"
#include "plain_writer.h"
#include "streams.h"
#include "strip.h"

Suite *test_filter_contract(void);

/* What can stand between the source and the recorder. */
static struct sink *no_filter(struct sink *next)
{
	return next;
}

static struct sink *strip_without_match(struct sink *next)
{
	static const char *const never[] = { "no statement says this" };
	const struct strip_options options = { .strip = never, .strip_count = 1 };
	struct err err = ERR_INIT;
	struct sink *filter = strip_filter_new(&options, next, NULL, &err);

	ck_assert_msg(filter != NULL, "%s", err.message);
	return filter;
}

static struct sink *(*const filters[])(struct sink *next) = { no_filter, strip_without_match };
#define FILTERS ((int)(sizeof(filters) / sizeof(*filters)))

/* What can stand at the end. */
static struct sink *writer_at(struct outfile *out)
{
	struct err err = ERR_INIT;
	return plain_writer_new(out, &err);
}

static struct sink *listing_at(struct outfile *out)
{
	struct err err = ERR_INIT;
	return listing_new(out, "script", &err);
}

static struct sink *(*const ends[])(struct outfile *out) = { writer_at, listing_at };
#define ENDS ((int)(sizeof(ends) / sizeof(*ends)))

static void (*const samples[])(struct buf *out) = { own_stream, dump_stream };
#define OWN     0
#define DUMP    1
#define SAMPLES ((int)(sizeof(samples) / sizeof(*samples)))

/* 0, or the error's kind; a TRAILER there was exactly when there was no error. */
static enum err_kind outcome(struct slice bytes, size_t piece, int filter, bool allow_incomplete)
{
	struct recorder recorder;
	struct err err = ERR_INIT;
	recorder_init(&recorder);
	struct sink *sink = filters[filter](&recorder.sink);
	int result = read_into(bytes, piece, allow_incomplete, sink, &err);
	ck_assert_int_eq(recorder.trailer_seen, result == 0);
	sink_free(sink);
	recorder_release(&recorder);
	return err.kind;
}

static void record_all(struct slice bytes, size_t piece, int filter, struct recorder *recorder)
{
	struct err err = ERR_INIT;
	recorder_init(recorder);
	struct sink *sink = filters[filter](&recorder->sink);
	int result = read_into(bytes, piece, false, sink, &err);
	ck_assert_msg(result == 0, "%s", err.message);
	ck_assert_int_eq(sink_finish(sink, &err), 0);
	ck_assert(recorder->finished);
	sink_free(sink);
}

START_TEST(pieces_of_any_size_give_the_same_records)
{
	for (int filter = 0; filter < FILTERS; filter++) {
		static const size_t pieces[] = { 1, 2, 8, 64, 512 };
		struct buf sample = BUF_INIT;
		struct recorder whole;
		samples[_i](&sample);
		record_all(buf_slice(&sample), 0, filter, &whole);
		for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
			struct recorder recorder;
			record_all(buf_slice(&sample), pieces[i], filter, &recorder);
			ck_assert_str_eq(recorder.log.data, whole.log.data);
			ck_assert_str_eq(recorder.bytes.data, whole.bytes.data);
			recorder_release(&recorder);
		}
		recorder_release(&whole);
		buf_release(&sample);
	}
}
END_TEST

START_TEST(empty_input_is_damaged)
{
	for (int filter = 0; filter < FILTERS; filter++)
		for (size_t piece = 0; piece <= 1; piece++)
			ck_assert_int_eq(outcome(SLICE_LITERAL(""), piece, filter, false), ERR_INPUT);
}
END_TEST

/* Ours: --allow-incomplete makes no difference, except that nothing at all, and a first line that
 * is not whole, can't be told to be ours. */
START_TEST(own_stream_cut_anywhere_is_damaged)
{
	struct buf sample = BUF_INIT;
	own_stream(&sample);
	for (size_t len = 0; len < sample.len; len++) {
		struct slice cut = { sample.data, len };
		ck_assert_int_eq(outcome(cut, 0, _i, false), ERR_INPUT);
		if (len >= strlen(PLAIN_MARK_HEADER))
			ck_assert_int_eq(outcome(cut, 0, _i, true), ERR_INPUT);
	}
	buf_release(&sample);
}
END_TEST

START_TEST(dump_cut_before_its_end_mark_is_damaged)
{
	struct buf sample = BUF_INIT;
	dump_stream(&sample);
	for (size_t len = 0; len <= sample.len; len++) {
		struct slice cut = { sample.data, len };
		enum err_kind kind = outcome(cut, 0, _i, false);
		if (len < strlen(dump_to_mark))
			ck_assert_int_eq(kind, ERR_INPUT);
		else
			ck_assert_msg(kind == ERR_NONE || kind == ERR_INPUT, "cut at %zu", len);
	}
	buf_release(&sample);
}
END_TEST

/* Also with --allow-incomplete: a damaged stream of ours is never somebody else's.  Each bit for
 * the reader; through a filter, which adds nothing to the reader's checks, one of each byte. */
START_TEST(own_stream_with_any_bit_flipped_is_damaged)
{
	struct buf sample = BUF_INIT;
	own_stream(&sample);
	for (size_t at = 0; at < sample.len; at++) {
		for (int bit = _i ? (int)(at % 8) : 0; bit < (_i ? (int)(at % 8) + 1 : 8); bit++) {
			sample.data[at] = (char)(sample.data[at] ^ 1 << bit);
			enum err_kind kind = outcome(buf_slice(&sample), 0, _i, bit % 2);
			ck_assert_msg(kind == ERR_INPUT, "bit %d of byte %zu flipped: kind %d\n%s", bit, at,
			              kind, sample.data + at);
			sample.data[at] = (char)(sample.data[at] ^ 1 << bit);
		}
	}
	ck_assert_int_eq(outcome(buf_slice(&sample), 0, _i, false), ERR_NONE);
	buf_release(&sample);
}
END_TEST

static enum err_kind outcome_with(int sample, const char *more, bool allow_incomplete)
{
	struct buf bytes = BUF_INIT;
	samples[sample](&bytes);
	buf_adds(&bytes, more);
	enum err_kind kind = outcome(buf_slice(&bytes), 0, 0, allow_incomplete);
	buf_release(&bytes);
	return kind;
}

START_TEST(garbage_behind_the_end_is_damage)
{
	static const char *const garbage[] = { "\n", " ", "x", "-- comment\n", "SELECT 1;\n" };
	for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++)
		for (int allow = 0; allow < 2; allow++)
			ck_assert_int_eq(outcome_with(OWN, garbage[i], allow), ERR_INPUT);
	/* Behind pg_dump's mark: no statement, no text, no other script. */
	ck_assert_int_eq(outcome_with(DUMP, "x", false), ERR_INPUT);
	ck_assert_int_eq(outcome_with(DUMP, "SELECT 1;\n", false), ERR_INPUT);
	ck_assert_int_eq(outcome_with(DUMP, "\\connect other\n", false), ERR_INPUT);
	ck_assert_int_eq(outcome_with(DUMP, "-- comment\n", false), ERR_NONE);
}
END_TEST

START_TEST(two_streams_are_no_stream)
{
	for (int first = 0; first < SAMPLES; first++) {
		for (int second = 0; second < SAMPLES; second++) {
			struct buf bytes = BUF_INIT;
			samples[first](&bytes);
			samples[second](&bytes);
			enum err_kind kind = outcome(buf_slice(&bytes), 0, 0, false);
			/* Two dumps, as pg_dumpall writes them, are one script with an end mark. */
			ck_assert_int_eq(kind, first == DUMP && second == DUMP ? ERR_NONE : ERR_INPUT);
			buf_release(&bytes);
		}
	}
}
END_TEST

START_TEST(failure_of_the_next_sink_comes_back)
{
	for (int filter = 0; filter < FILTERS; filter++) {
		struct buf sample = BUF_INIT;
		struct recorder whole;
		samples[_i](&sample);
		record_all(buf_slice(&sample), 0, filter, &whole);
		for (size_t n = 1; n <= whole.writes; n++) {
			struct recorder recorder;
			struct err err = ERR_INIT;
			recorder_init(&recorder);
			recorder.fail_at = n;
			struct sink *sink = filters[filter](&recorder.sink);
			ck_assert_int_eq(read_into(buf_slice(&sample), 0, false, sink, &err), -1);
			ck_assert_int_eq(err.kind, ERR_DATABASE);
			ck_assert_str_eq(err.message, RECORDER_FAILURE);
			ck_assert_uint_eq(recorder.writes, n);
			sink_free(sink);
			recorder_release(&recorder);
		}
		recorder_release(&whole);
		buf_release(&sample);
	}
}
END_TEST

START_TEST(sink_reports_a_full_disk)
{
	for (int sample = 0; sample < SAMPLES; sample++) {
		struct buf bytes = BUF_INIT;
		struct err err = ERR_INIT;
		struct outfile *out = outfile_open("/dev/full", NULL, &err);
		ck_assert_ptr_nonnull(out);
		struct sink *sink = ends[_i](out);
		samples[sample](&bytes);
		int result = read_into(buf_slice(&bytes), 0, false, sink, &err);
		if (result == 0)
			result = sink_finish(sink, &err);
		ck_assert_int_eq(result, -1);
		ck_assert_int_eq(err.kind, ERR_SYSTEM);
		sink_free(sink);
		buf_release(&bytes);
	}
}
END_TEST

START_TEST(sink_of_a_cut_stream_leaves_no_file)
{
	for (int sample = 0; sample < SAMPLES; sample++) {
		struct buf bytes = BUF_INIT;
		samples[sample](&bytes);
		for (size_t len = 0; len < bytes.len - strlen(dump_behind_mark); len += 97) {
			struct capture capture;
			struct err err = ERR_INIT;
			struct sink *sink = ends[_i](capture_open(&capture));
			struct slice cut = { bytes.data, len };
			ck_assert_int_eq(read_into(cut, 0, false, sink, &err), -1);
			ck_assert_int_eq(err.kind, ERR_INPUT);
			sink_free(sink);
			ck_assert_int_ne(access(capture.path, F_OK), 0);
		}
		buf_release(&bytes);
	}
}
END_TEST

Suite *test_filter_contract(void)
{
	Suite *suite = suite_create("filter_contract");
	TCase *tc = tcase_create("contract");

	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, pieces_of_any_size_give_the_same_records, 0, SAMPLES);
	tcase_add_test(tc, empty_input_is_damaged);
	tcase_add_loop_test(tc, own_stream_cut_anywhere_is_damaged, 0, FILTERS);
	tcase_add_loop_test(tc, dump_cut_before_its_end_mark_is_damaged, 0, FILTERS);
	tcase_add_loop_test(tc, own_stream_with_any_bit_flipped_is_damaged, 0, FILTERS);
	tcase_add_test(tc, garbage_behind_the_end_is_damage);
	tcase_add_test(tc, two_streams_are_no_stream);
	tcase_add_loop_test(tc, failure_of_the_next_sink_comes_back, 0, SAMPLES);
	tcase_add_loop_test(tc, sink_reports_a_full_disk, 0, ENDS);
	tcase_add_loop_test(tc, sink_of_a_cut_stream_leaves_no_file, 0, ENDS);
	suite_add_tcase(suite, tc);
	return suite;
}
