#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

Suite *test_core_buf(void);

START_TEST(slices_compare)
{
	ck_assert_ptr_null(slice_of(NULL).data);
	ck_assert(slice_equal(SLICE_NONE, slice_of("")));
	ck_assert(slice_equals(SLICE_LITERAL("ab"), "ab"));
	ck_assert(!slice_equals(SLICE_LITERAL("ab"), "abc"));
	ck_assert(!slice_equals(SLICE_LITERAL("a\0b"), "a"));
	ck_assert(slice_equals_nocase(SLICE_LITERAL("CoPy"), "copy"));
	ck_assert(!slice_equals_nocase(SLICE_LITERAL("cop"), "copy"));
	ck_assert(!slice_equals_nocase(SLICE_LITERAL("copyx"), "copy"));
	ck_assert(!slice_equals_nocase(SLICE_LITERAL("["), "{"));
	ck_assert(!slice_equals_nocase(SLICE_LITERAL("\xC4"), "\xE4"));
	ck_assert(slice_equals_nocase(SLICE_NONE, ""));
	ck_assert(slice_starts(SLICE_LITERAL("-- x"), "--"));
	ck_assert(slice_starts(SLICE_NONE, ""));
	ck_assert(!slice_starts(SLICE_LITERAL("-"), "--"));
}
END_TEST

START_TEST(slice_trims)
{
	ck_assert(slice_equals(slice_trim(SLICE_LITERAL(" \t\r\n\f\va b\n ")), "a b"));
	ck_assert_uint_eq(slice_trim(SLICE_LITERAL(" \n ")).len, 0);
	ck_assert_ptr_null(slice_trim(SLICE_NONE).data);
	/* Not white space: a NUL, and UTF-8's no-break space. */
	ck_assert_uint_eq(slice_trim(SLICE_LITERAL("\0")).len, 1);
	ck_assert_uint_eq(slice_trim(SLICE_LITERAL("\xC2\xA0")).len, 2);
}
END_TEST

START_TEST(slice_copies)
{
	char *copy = slice_dup((struct slice){ "abc", 2 });

	ck_assert_str_eq(copy, "ab");
	free(copy);
	copy = slice_dup(SLICE_NONE);
	ck_assert_str_eq(copy, "");
	free(copy);
}
END_TEST

START_TEST(grows_and_stays_terminated)
{
	struct buf buf = BUF_INIT;

	for (int i = 0; i < 10000; i++) {
		buf_addc(&buf, (char)('a' + i % 26));
		ck_assert_int_eq(buf.data[buf.len], '\0');
	}
	ck_assert_uint_eq(buf.len, 10000);
	for (size_t i = 0; i < buf.len; i++)
		ck_assert_int_eq(buf.data[i], (int)('a' + i % 26));
	buf_truncate(&buf, 3);
	ck_assert_str_eq(buf.data, "abc");
	buf_add(&buf, NULL, 0);
	buf_add_slice(&buf, SLICE_NONE);
	buf_adds(&buf, "d");
	ck_assert_str_eq(buf.data, "abcd");
	buf_reset(&buf);
	ck_assert_str_eq(buf.data, "");
	ck_assert_uint_ge(buf.capacity, 10000);
	buf_release(&buf);
	ck_assert_ptr_null(buf.data);
}
END_TEST

/* Texts around each size at which the formatted text no longer fits the first time. */
START_TEST(formats_every_length)
{
	char text[300];

	for (size_t len = 0; len < sizeof(text); len++) {
		struct buf buf = BUF_INIT;

		memset(text, 'x', len);
		text[len] = '\0';
		buf_adds(&buf, "12");
		buf_addf(&buf, "%s%d", text, 34);
		ck_assert_uint_eq(buf.len, len + 4);
		ck_assert_uint_eq(strlen(buf.data), buf.len);
		ck_assert_str_eq(buf.data + len + 2, "34");
		buf_release(&buf);
	}
}
END_TEST

START_TEST(consumes)
{
	struct buf buf = BUF_INIT;

	buf_consume(&buf, 0);
	buf_adds(&buf, "abcdef");
	buf_consume(&buf, 2);
	ck_assert_str_eq(buf.data, "cdef");
	buf_consume(&buf, 4);
	ck_assert_str_eq(buf.data, "");
	ck_assert_uint_eq(buf.len, 0);
	buf_release(&buf);
}
END_TEST

START_TEST(failure_is_sticky)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 3, SIZE_MAX / 2, PTRDIFF_MAX / 2 - 3 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buf buf = BUF_INIT;
		struct err err = ERR_INIT;

		buf_adds(&buf, "abc");
		ck_assert_int_eq(buf_check(&buf, "a query", &err), 0);
		ck_assert(!err_is_set(&err));
		ck_assert_int_eq(buf_reserve(&buf, sizes[i]), -1);
		buf_adds(&buf, "def");
		buf_addf(&buf, "%d", 1);
		ck_assert_uint_eq(buf.len, 3);
		ck_assert_int_eq(buf_check(&buf, "a query", &err), -1);
		ck_assert_int_eq(err.kind, ERR_SYSTEM);
		ck_assert_str_eq(err.message, "out of memory for a query");
		ck_assert_ptr_null(buf_detach(&buf));
		ck_assert(!buf.failed); /* usable again */
		buf_adds(&buf, "x");
		ck_assert_str_eq(buf.data, "x");
		buf_release(&buf);
	}
}
END_TEST

START_TEST(detaches)
{
	struct buf buf = BUF_INIT;
	char *text = buf_detach(&buf);

	ck_assert_str_eq(text, ""); /* untouched is not failed */
	free(text);
	buf_adds(&buf, "abc");
	text = buf_detach(&buf);
	ck_assert_str_eq(text, "abc");
	ck_assert_ptr_null(buf.data);
	ck_assert_uint_eq(buf.capacity, 0);
	free(text);
}
END_TEST

Suite *test_core_buf(void)
{
	Suite *suite = suite_create("core/buf");
	TCase *tc = tcase_create("buf");

	tcase_add_test(tc, slices_compare);
	tcase_add_test(tc, slice_trims);
	tcase_add_test(tc, slice_copies);
	tcase_add_test(tc, grows_and_stays_terminated);
	tcase_add_test(tc, formats_every_length);
	tcase_add_test(tc, consumes);
	tcase_add_test(tc, failure_is_sticky);
	tcase_add_test(tc, detaches);
	suite_add_tcase(suite, tc);
	return suite;
}
