/* Whatever a script is wrapped in: its bytes, or an error when they are not all there. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "streams.h"

Suite *test_stream_input(void);

/* ---- packing ---- */

static void add_gzip(struct buf *out, struct slice bytes)
{
	z_stream encoder = { 0 };
	unsigned char data[4096];
	ck_assert_int_eq(deflateInit2(&encoder, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	encoder.next_in = (unsigned char *)bytes.data;
	encoder.avail_in = (uInt)bytes.len;
	int status;
	do {
		encoder.next_out = data;
		encoder.avail_out = sizeof(data);
		status = deflate(&encoder, Z_FINISH);
		buf_add(out, data, sizeof(data) - encoder.avail_out);
	} while (status == Z_OK);
	ck_assert_int_eq(status, Z_STREAM_END);
	deflateEnd(&encoder);
}

static void add_frame(struct buf *out, struct slice bytes, int checksum)
{
	ZSTD_CCtx *encoder = ZSTD_createCCtx();
	size_t bound = ZSTD_compressBound(bytes.len);
	ZSTD_CCtx_setParameter(encoder, ZSTD_c_checksumFlag, checksum);
	buf_reserve(out, bound);
	size_t len = ZSTD_compress2(encoder, out->data + out->len, bound, bytes.data ? bytes.data : "",
	                            bytes.len);
	ck_assert(!ZSTD_isError(len));
	out->len += len;
	ZSTD_freeCCtx(encoder);
}

static void add_zstd(struct buf *out, struct slice bytes)
{
	add_frame(out, bytes, 1);
}

static void add_zstd_without_checksum(struct buf *out, struct slice bytes)
{
	add_frame(out, bytes, 0);
}

typedef void packer(struct buf *out, struct slice bytes);
static packer *const packers[] = { add_gzip, add_zstd, add_zstd_without_checksum };
static const char *const names[] = { "gzip", "zstd", "zstd" };
static const size_t magic_bytes[] = { 2, 4, 4 };
#define GZIP    0
#define PACKERS ((int)(sizeof(packers) / sizeof(*packers)))

/* Text that compresses little, of any length. */
static void add_text(struct buf *out, size_t len)
{
	unsigned state = 12345;
	for (size_t i = 0; i < len; i++) {
		state = state * 1103515245 + 12345;
		buf_addc(out, (char)(' ' + (state >> 16) % 90));
	}
}

static void check_read(struct slice packed, struct slice text)
{
	static const size_t most[] = { 1, 7, 512, 65536, 1 << 20 };
	for (size_t i = 0; i < sizeof(most) / sizeof(*most); i++) {
		for (size_t piece = 0; piece <= 1; piece++) {
			struct buf out = BUF_INIT;
			struct err err = ERR_INIT;
			/* Small steps through much text find nothing new. */
			if ((piece && (packed.len > 6000 || most[i] != 512)) ||
			    (text.len > 10000 && most[i] < 512))
				continue;
			int result = input_of_all(packed, piece, most[i], &out, &err);
			ck_assert_msg(result == 0, "%s (reads of %zu, pieces of %zu)", err.message, most[i],
			              piece);
			ck_assert_uint_eq(out.len, text.len);
			ck_assert(text.len == 0 || memcmp(out.data, text.data, text.len) == 0);
			buf_release(&out);
		}
	}
}

/* ---- what is read ---- */

START_TEST(plain_bytes_are_given_as_they_are)
{
	static const size_t lengths[] = { 0, 1, 4, 257, 511, 512, 513, 5000, 300000 };
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct buf text = BUF_INIT;
		add_text(&text, lengths[i]);
		check_read(buf_slice(&text), buf_slice(&text));
		buf_release(&text);
	}
	check_read(SLICE_LITERAL("\x1f"), SLICE_LITERAL("\x1f"));
	check_read(SLICE_LITERAL("\x28\xb5\x2f"), SLICE_LITERAL("\x28\xb5\x2f"));
}
END_TEST

START_TEST(packed_bytes_are_unpacked)
{
	static const size_t lengths[] = { 0, 1, 511, 512, 513, 5000, 128 * 1024, 700001 };
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct buf text = BUF_INIT, packed = BUF_INIT;
		add_text(&text, lengths[i]);
		packers[_i](&packed, buf_slice(&text));
		check_read(buf_slice(&packed), buf_slice(&text));
		buf_release(&text);
		buf_release(&packed);
	}
}
END_TEST

/* Much text from few bytes: more output than input, when all input was taken. */
START_TEST(much_output_from_little_input_is_whole)
{
	struct buf text = BUF_INIT, packed = BUF_INIT;
	for (int i = 0; i < 3000000; i++)
		buf_addc(&text, 'a');
	packers[_i](&packed, buf_slice(&text));
	check_read(buf_slice(&packed), buf_slice(&text));
	buf_release(&text);
	buf_release(&packed);
}
END_TEST

START_TEST(several_members_are_one_input)
{
	struct buf text = BUF_INIT, packed = BUF_INIT;
	for (size_t i = 0; i < 4; i++) {
		struct slice part;
		size_t before = text.len;
		add_text(&text, i * 300);
		part = (struct slice){ text.data + before, text.len - before };
		packers[_i](&packed, part);
	}
	check_read(buf_slice(&packed), buf_slice(&text));
	buf_release(&text);
	buf_release(&packed);
}
END_TEST

START_TEST(wrapping_in_wrapping_is_unpacked)
{
	struct buf text = BUF_INIT, inner = BUF_INIT, outer = BUF_INIT;
	add_text(&text, 3000);
	packers[_i](&inner, buf_slice(&text));
	for (int i = 0; i < PACKERS; i++) {
		buf_reset(&outer);
		packers[i](&outer, buf_slice(&inner));
		check_read(buf_slice(&outer), buf_slice(&text));
	}
	buf_release(&text);
	buf_release(&inner);
	buf_release(&outer);
}
END_TEST

/* ---- what is refused ---- */

static void check_refused(struct slice packed, size_t piece, const char *message)
{
	struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	int result = input_of_all(packed, piece, 4096, &out, &err);
	ck_assert_int_eq(result, -1);
	ck_assert_int_eq(err.kind, ERR_INPUT);
	ck_assert_msg(strstr(err.message, message) == err.message, "%s", err.message);
	buf_release(&out);
}

START_TEST(wrapping_without_end_is_refused)
{
	struct buf text = BUF_INIT, packed = BUF_INIT;
	buf_adds(&text, "SELECT 1;");
	for (int i = 0; i < 5; i++) {
		buf_reset(&packed);
		packers[_i](&packed, buf_slice(&text));
		buf_reset(&text);
		buf_add_slice(&text, buf_slice(&packed));
	}
	check_refused(buf_slice(&packed), 0, "script is compressed more than 4 times over");
	buf_release(&text);
	buf_release(&packed);
}
END_TEST

START_TEST(cut_anywhere_is_truncated)
{
	struct buf text = BUF_INIT, packed = BUF_INIT, message = BUF_INIT;
	add_text(&text, 700);
	packers[_i](&packed, buf_slice(&text));
	buf_addf(&message, "script: the %s data ends early: it is truncated", names[_i]);
	for (size_t len = magic_bytes[_i]; len < packed.len; len++)
		check_refused((struct slice){ packed.data, len }, 0, message.data);
	check_refused((struct slice){ packed.data, packed.len - 1 }, 1, message.data);
	/* Behind a whole member as well. */
	size_t one = packed.len;
	packers[_i](&packed, buf_slice(&text));
	for (size_t len = one + 1; len < packed.len; len += 29)
		check_refused((struct slice){ packed.data, len }, 0, message.data);
	buf_release(&text);
	buf_release(&packed);
	buf_release(&message);
}
END_TEST

START_TEST(garbage_behind_the_end_is_refused)
{
	static const char *const garbage[] = { "x", "\n", "SELECT 1;\n", "\x1f\x8b",
		                                   "\x28\xb5\x2f\xfd" };
	for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++) {
		struct buf packed = BUF_INIT, message = BUF_INIT;
		packers[_i](&packed, SLICE_LITERAL("SELECT 1;\n"));
		buf_adds(&packed, garbage[i]);
		buf_addf(&message, "script: the %s data ", names[_i]);
		check_refused(buf_slice(&packed), 0, message.data);
		buf_release(&packed);
		buf_release(&message);
	}
	struct buf packed = BUF_INIT;
	packers[_i](&packed, SLICE_LITERAL("SELECT 1;\n"));
	buf_add(&packed, "\0\0\0\0\0\0\0\0", 8);
	check_refused(buf_slice(&packed), 0, "script: the ");
	buf_release(&packed);
}
END_TEST

/* A checksum finds every damaged byte behind the header, whose fields may mean nothing to us. */
START_TEST(damaged_byte_never_gives_other_text)
{
	struct buf text = BUF_INIT, packed = BUF_INIT;
	add_text(&text, 700);
	packers[_i](&packed, buf_slice(&text));
	for (size_t at = magic_bytes[_i]; at < packed.len; at++) {
		struct buf out = BUF_INIT;
		struct err err = ERR_INIT;
		packed.data[at] ^= 0x10;
		if (input_of_all(buf_slice(&packed), 0, 4096, &out, &err) == 0) {
			ck_assert_uint_eq(out.len, text.len);
			ck_assert_int_eq(memcmp(out.data, text.data, text.len), 0);
			ck_assert_uint_lt(at, 12);
		} else {
			ck_assert_int_eq(err.kind, ERR_INPUT);
		}
		packed.data[at] ^= 0x10;
		buf_release(&out);
	}
	buf_release(&text);
	buf_release(&packed);
}
END_TEST

START_TEST(damaged_gzip_says_so)
{
	struct buf packed = BUF_INIT;
	add_gzip(&packed, SLICE_LITERAL("SELECT 1;\n"));
	packed.data[packed.len - 6] ^= 1;
	check_refused(buf_slice(&packed), 0, "script: the gzip data is damaged: incorrect data check");
	buf_release(&packed);
}
END_TEST

START_TEST(damaged_zstd_says_so)
{
	struct buf packed = BUF_INIT;
	add_zstd(&packed, SLICE_LITERAL("SELECT 1;\n"));
	packed.data[packed.len - 1] ^= 1;
	check_refused(buf_slice(&packed), 0,
	              "script: the zstd data is damaged: Restored data doesn't match checksum");
	buf_release(&packed);
}
END_TEST

/* pg_restore's own words follow. */
START_TEST(damaged_pg_dump_archive_is_refused)
{
	check_refused(SLICE_LITERAL("PGDMP"), 0, "script: ");
	check_refused(SLICE_LITERAL("PGDMP\1\16\0\4\10\1damaged"), 1, "script: ");
}
END_TEST

/* ---- opening ---- */

START_TEST(file_is_opened_by_name)
{
	struct err err = ERR_INIT;
	char path[] = "/tmp/idkit-input-XXXXXX";
	char data[16];
	int fd = mkstemp(path);
	ck_assert_int_eq(write(fd, "SELECT 1;", 9), 9);
	close(fd);
	struct input *input = input_open(path, NULL, &err);
	ck_assert_str_eq(input_name(input), path);
	ck_assert_int_eq(input_read(input, data, sizeof(data), &err), 9);
	ck_assert_int_eq(input_read(input, data, sizeof(data), &err), 0);
	ck_assert_int_eq(input_read(input, data, sizeof(data), &err), 0);
	input_free(input);
	unlink(path);
}
END_TEST

START_TEST(empty_file_is_empty)
{
	struct err err = ERR_INIT;
	char byte;
	struct input *input = input_open("/dev/null", NULL, &err);
	ck_assert_int_eq(input_read(input, &byte, 1, &err), 0);
	input_free(input);
}
END_TEST

START_TEST(stdin_is_read_and_left_open)
{
	struct err err = ERR_INIT;
	char data[16];
	int fd = fd_of(SLICE_LITERAL("SELECT 2;"));
	ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	close(fd);
	struct input *input = input_open("-", NULL, &err);
	ck_assert_str_eq(input_name(input), "standard input");
	ck_assert_int_eq(input_read(input, data, sizeof(data), &err), 9);
	input_free(input);
	/* A descriptor opened later must not become "stdin". */
	struct stat status;
	ck_assert_int_eq(fstat(STDIN_FILENO, &status), 0);
}
END_TEST

START_TEST(missing_file_is_the_systems_error)
{
	struct err err = ERR_INIT;
	ck_assert_ptr_null(input_open("/nonexistent/a.sql", NULL, &err));
	ck_assert_str_eq(err.message, "cannot open /nonexistent/a.sql: No such file or directory");
	ck_assert_int_eq(err.kind, ERR_SYSTEM);
}
END_TEST

START_TEST(directory_that_is_no_dump_is_refused)
{
	struct err err = ERR_INIT;
	char path[] = "/tmp/idkit-input-XXXXXX";
	char byte;
	ck_assert_ptr_nonnull(mkdtemp(path));
	struct input *input = input_open(path, NULL, &err);
	ssize_t got = input ? input_read(input, &byte, 1, &err) : -1;
	rmdir(path);
	ck_assert_int_eq(got, -1);
	ck_assert_int_eq(err.kind, ERR_INPUT);
	ck_assert_ptr_nonnull(strstr(err.message, "toc.dat"));
	input_free(input);
}
END_TEST

Suite *test_stream_input(void)
{
	Suite *suite = suite_create("stream_input");
	TCase *tc = tcase_create("input");

	tcase_add_test(tc, plain_bytes_are_given_as_they_are);
	tcase_add_loop_test(tc, packed_bytes_are_unpacked, 0, PACKERS);
	tcase_add_loop_test(tc, much_output_from_little_input_is_whole, 0, PACKERS);
	tcase_add_loop_test(tc, several_members_are_one_input, 0, PACKERS);
	tcase_add_loop_test(tc, wrapping_in_wrapping_is_unpacked, 0, PACKERS);
	tcase_add_loop_test(tc, wrapping_without_end_is_refused, 0, PACKERS);
	tcase_add_loop_test(tc, cut_anywhere_is_truncated, 0, PACKERS);
	tcase_add_loop_test(tc, garbage_behind_the_end_is_refused, 0, PACKERS);
	tcase_add_loop_test(tc, damaged_byte_never_gives_other_text, GZIP, GZIP + 2);
	tcase_add_test(tc, damaged_gzip_says_so);
	tcase_add_test(tc, damaged_zstd_says_so);
	tcase_add_test(tc, damaged_pg_dump_archive_is_refused);
	tcase_add_test(tc, file_is_opened_by_name);
	tcase_add_test(tc, empty_file_is_empty);
	tcase_add_test(tc, stdin_is_read_and_left_open);
	tcase_add_test(tc, missing_file_is_the_systems_error);
	tcase_add_test(tc, directory_that_is_no_dump_is_refused);
	suite_add_tcase(suite, tc);
	return suite;
}
