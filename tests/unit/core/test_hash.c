#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

Suite *test_core_hash(void);

static void assert_hex(struct hash128 hash, const char *wanted)
{
	char hex[HASH128_HEX_BYTES + 1];

	hash128_hex(hash, hex);
	ck_assert_str_eq(hex, wanted);
}

START_TEST(published_vector)
{
	/* XXH3_128bits of the empty input, seed 0: xxHash's own sanity test. */
	assert_hex(hash128_of("", 0), "99aa06d3014798d86001c324468d497f");
}
END_TEST

START_TEST(hex_there_and_back)
{
	struct hash128 hash = { .low = 0x0123456789abcdef, .high = 0xfedcba9876543210 }, back;
	char hex[HASH128_HEX_BYTES + 1];

	assert_hex(hash, "fedcba98765432100123456789abcdef");
	hash128_hex(hash, hex);
	ck_assert(hash128_parse(slice_of(hex), &back));
	ck_assert(hash128_equal(hash, back));
	ck_assert(hash128_parse(SLICE_LITERAL("FEDCBA98765432100123456789ABCDEF"), &back));
	ck_assert(hash128_equal(hash, back));
}
END_TEST

START_TEST(parse_refuses)
{
	static const char *const wrong[] = {
		"",
		"fedcba98765432100123456789abcde",
		"fedcba98765432100123456789abcdef0",
		"gedcba98765432100123456789abcdef",
		"fedcba98765432100123456789abcde ",
		"0xdcba98765432100123456789abcdef",
	};
	struct hash128 hash = { 1, 2 };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert(!hash128_parse(slice_of(wrong[i]), &hash));
	ck_assert(!hash128_parse(SLICE_NONE, &hash));
	ck_assert(hash128_equal(hash, (struct hash128){ 1, 2 }));
}
END_TEST

START_TEST(add_carries)
{
	struct hash128 one = { .low = 1, .high = 0 };
	struct hash128 most = { .low = UINT64_MAX, .high = UINT64_MAX };
	struct hash128 low = { .low = UINT64_MAX, .high = 5 };

	assert_hex(hash128_add(low, one), "00000000000000060000000000000000");
	assert_hex(hash128_add(most, one), "00000000000000000000000000000000");
	assert_hex(hash128_add(most, most), "fffffffffffffffffffffffffffffffe");
}
END_TEST

static struct hash128 count_rows(const char *rows, bool crlf, uint64_t wanted)
{
	struct hash128 sum = { 0, 0 };
	uint64_t count = 0;

	hash128_rows(slice_of(rows), crlf, &count, &sum);
	ck_assert_uint_eq(count, wanted);
	return sum;
}

START_TEST(rows_and_line_ends)
{
	struct hash128 ab = hash128_add(hash128_of("a", 1), hash128_of("b", 1));
	struct hash128 empty = hash128_of("", 0);

	ck_assert(hash128_equal(count_rows("", false, 0), (struct hash128){ 0, 0 }));
	ck_assert(hash128_equal(count_rows("a\nb\n", false, 2), ab));
	ck_assert(hash128_equal(count_rows("b\na\n", false, 2), ab));
	ck_assert(hash128_equal(count_rows("a\r\nb\r\n", true, 2), ab));
	ck_assert(!hash128_equal(count_rows("a\r\nb\r\n", false, 2), ab));
	ck_assert(hash128_equal(count_rows("\n", false, 1), empty));
	ck_assert(hash128_equal(count_rows("\r\n", true, 1), empty));
	ck_assert(hash128_equal(count_rows("\r\r\n", true, 1), hash128_of("\r", 1)));
	ck_assert(
	    hash128_equal(count_rows("a\n\r\n", true, 2), hash128_add(hash128_of("a", 1), empty)));
	/* Duplicates count. */
	ck_assert(!hash128_equal(count_rows("a\na\n", false, 2), hash128_of("a", 1)));
}
END_TEST

/* Random rows of 0 to 600 bytes (all of XXH3's length classes), any byte but newline: one call for
 * all equals the sum over single hashes, and calls for parts add up to it. */
START_TEST(rows_equal_single_hashes)
{
	bool crlf = _i & 1;
	struct hash128 wanted = { 0, 0 }, sum = { 0, 0 };
	uint64_t count = 0;
	struct buf rows = BUF_INIT;
	size_t middle = 0;

	srandom((unsigned)_i + 1);
	for (int row = 0; row < 500; row++) {
		char bytes[600];
		size_t len = (size_t)random() % (row % 2 ? 20 : sizeof(bytes));

		for (size_t i = 0; i < len; i++)
			do
				bytes[i] = (char)(random() & 0xff);
			while (bytes[i] == '\n');
		if (len > 0 && row % 7 == 0)
			bytes[len - 1] = '\r';
		wanted = hash128_add(wanted, hash128_of(bytes, len));
		buf_add(&rows, bytes, len);
		buf_adds(&rows, crlf ? "\r\n" : "\n");
		if (row == 250)
			middle = rows.len;
	}
	hash128_rows((struct slice){ rows.data, middle }, crlf, &count, &sum);
	ck_assert_uint_eq(count, 251);
	hash128_rows((struct slice){ rows.data + middle, rows.len - middle }, crlf, &count, &sum);
	ck_assert_uint_eq(count, 500);
	ck_assert(hash128_equal(sum, wanted));
	buf_release(&rows);
}
END_TEST

START_TEST(stream_equals_whole)
{
	struct err err = ERR_INIT;
	struct hash_stream *stream = hash_stream_new(&err);
	char data[3000];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 31 % 251);
	assert_hex(hash_stream_value(stream), "99aa06d3014798d86001c324468d497f");
	for (size_t piece = 1; piece < 1000; piece += 37) {
		hash_stream_reset(stream);
		for (size_t at = 0; at < sizeof(data); at += piece) {
			size_t left = sizeof(data) - at;
			ck_assert(hash128_equal(hash_stream_value(stream), hash128_of(data, at)));
			hash_stream_add(stream, data + at, left < piece ? left : piece);
		}
		ck_assert(hash128_equal(hash_stream_value(stream), hash128_of(data, sizeof(data))));
	}
	hash_stream_free(stream);
	hash_stream_free(NULL);
}
END_TEST

Suite *test_core_hash(void)
{
	Suite *suite = suite_create("core/hash");
	TCase *tc = tcase_create("hash");

	tcase_add_test(tc, published_vector);
	tcase_add_test(tc, hex_there_and_back);
	tcase_add_test(tc, parse_refuses);
	tcase_add_test(tc, add_carries);
	tcase_add_test(tc, rows_and_line_ends);
	tcase_add_loop_test(tc, rows_equal_single_hashes, 0, 6);
	tcase_add_test(tc, stream_equals_whole);
	suite_add_tcase(suite, tc);
	return suite;
}
