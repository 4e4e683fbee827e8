/*
 * Archives that are damaged, or made by somebody who means harm: each is an ERR_INPUT that names the
 * archive and the member, without a TRAILER, whichever way the archive comes.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include "archive_frame.h"
#include "archives.h"
#include "sha256.h"

Suite *test_stream_archive_damage(void);

/* Read to its end; the message. */
static void read_damaged(struct slice archive, enum archive_way way, struct err *err)
{
	struct recorder recorder;

	recorder_init(&recorder);
	err_clear(err);
	int result = read_archive(archive, way, &recorder.sink, err);
	ck_assert_msg(result < 0, "%s: read as if it were whole", way_names[way]);
	ck_assert_msg(err->kind == ERR_INPUT, "%s: kind %d: %s", way_names[way], (int)err->kind,
	              err->message);
	ck_assert_msg(!recorder.trailer_seen, "%s: a trailer was delivered", way_names[way]);
	recorder_release(&recorder);
}

/* Of a piece its number is enough: it may be said as a number in another folder. */
static bool names_member(const char *message, const char *member)
{
	const char *number = strchr(member, '/');
	char digits[8];

	if (!number)
		return strstr(message, member) != NULL;
	snprintf(digits, sizeof(digits), "/%.6s", number + 1);
	return strstr(message, digits) != NULL;
}

static void expect_damage(const struct tar *tar, const char *what, const char *member,
                          const char *or_member)
{
	struct buf archive = BUF_INIT;
	struct err err = ERR_INIT;

	tar_put_together(tar, &archive);
	for (enum archive_way way = 0; way < WAY_PIPE_BYTES; way++) {
		read_damaged(buf_slice(&archive), way, &err);
		ck_assert_msg(names_member(err.message, member) ||
		                  (or_member && names_member(err.message, or_member)),
		              "%s, %s: \"%s\" names no %s", what, way_names[way], err.message, member);
		ck_assert_msg(strstr(err.message, "k.idar") != NULL, "%s: the archive is not named: %s",
		              what, err.message);
	}
	buf_release(&archive);
}

/* ---- members ---- */

START_TEST(each_member_removed)
{
	struct tar tar;

	own_tar(&tar);
	for (size_t i = 0, count = tar.count; i < count; i++) {
		struct tar damaged;
		char name[101];

		strcpy(name, tar.parts[i].name);
		own_tar(&damaged);
		tar_remove(&damaged, i);
		expect_damage(&damaged, "removed", name, NULL);
		tar_release(&damaged);
	}
	tar_release(&tar);
}
END_TEST

START_TEST(each_member_doubled)
{
	struct tar tar;

	own_tar(&tar);
	for (size_t i = 0; i < tar.count; i++) {
		struct tar damaged;

		own_tar(&damaged);
		tar_insert(&damaged, i, tar.parts[i].name, '0', buf_slice(&tar.parts[i].data));
		expect_damage(&damaged, "doubled", tar.parts[i].name, NULL);
		tar_release(&damaged);
	}
	tar_release(&tar);
}
END_TEST

START_TEST(each_member_swapped_with_the_next)
{
	struct tar tar;

	own_tar(&tar);
	for (size_t i = 0; i + 1 < tar.count; i++) {
		struct tar_part swapped = tar.parts[i];

		tar.parts[i] = tar.parts[i + 1];
		tar.parts[i + 1] = swapped;
		expect_damage(&tar, "swapped", tar.parts[i].name, tar.parts[i + 1].name);
		swapped = tar.parts[i];
		tar.parts[i] = tar.parts[i + 1];
		tar.parts[i + 1] = swapped;
	}
	tar_release(&tar);
}
END_TEST

/* Two pieces that change places, names and all but their order. */
START_TEST(contents_of_two_members_swapped)
{
	struct tar tar;

	own_tar(&tar);
	size_t a = tar_find(&tar, "2-data/000002.sql.zst"), b = a + 2;
	struct tar_part swapped = tar.parts[a];
	strcpy(tar.parts[b].name, swapped.name);
	struct buf data = BUF_INIT;
	buf_add_slice(&data, buf_slice(&tar.parts[b].data));
	tar_replace(&tar, b, buf_slice(&swapped.data));
	strcpy(tar.parts[b].name, "2-data/000004.sql.zst");
	tar_replace(&tar, b, buf_slice(&swapped.data));
	tar_replace(&tar, a, buf_slice(&data));
	expect_damage(&tar, "contents swapped", "2-data/000002.sql.zst", "2-data/000003.sql.zst");
	buf_release(&data);
	tar_release(&tar);
}
END_TEST

/* ---- bits and cuts ---- */

/* Every byte counts: headers, data, gaps, the zeros at the end.  A seventh of them is tried. */
START_TEST(each_byte_with_a_bit_flipped)
{
	struct buf archive = BUF_INIT;
	struct err err = ERR_INIT;
	/* Fewer where each costs a thread and a pipe. */
	const size_t step = _i >= WAY_PIPE ? 41 : 7;

	own_archive(&archive);
	for (size_t at = 0; at < archive.len; at += step) {
		archive.data[at] ^= (char)(1 << at % 8);
		read_damaged(buf_slice(&archive), (enum archive_way)_i, &err);
		ck_assert_msg(strstr(err.message, "member") != NULL, "at %zu: %s", at, err.message);
		archive.data[at] ^= (char)(1 << at % 8);
	}
	buf_release(&archive);
}
END_TEST

START_TEST(flipped_bits_name_their_member)
{
	struct tar tar;

	own_tar(&tar);
	for (size_t i = 0; i < tar.count; i++) {
		struct buf *data = &tar.parts[i].data;

		for (size_t at = 0; at < data->len; at += data->len / 5 + 1) {
			data->data[at] ^= 4;
			/* SHA256SUMS and END are one account. */
			expect_damage(&tar, "flipped", tar.parts[i].name,
			              i + 1 == tar.count ? "SHA256SUMS" : NULL);
			data->data[at] ^= 4;
		}
	}
	tar_release(&tar);
}
END_TEST

START_TEST(cut_at_every_block)
{
	struct buf archive = BUF_INIT;
	struct err err = ERR_INIT;

	own_archive(&archive);
	for (size_t len = 512; len < archive.len; len += 256) {
		read_damaged((struct slice){ archive.data, len }, (enum archive_way)_i, &err);
		ck_assert_msg(strstr(err.message, "truncated") &&
		                      (strstr(err.message, "member") ||
		                       strstr(err.message, "ends where the tar's end should come")),
		              "at %zu: %s", len, err.message);
	}
	for (size_t len = archive.len - 1023; len < archive.len; len += 100)
		read_damaged((struct slice){ archive.data, len }, (enum archive_way)_i, &err);
	buf_release(&archive);
}
END_TEST

START_TEST(something_behind_the_end)
{
	static const char *const behind[] = { "x", "another stream\n" };
	struct buf archive = BUF_INIT;
	struct err err = ERR_INIT;
	char zeros[512] = { 0 };

	own_archive(&archive);
	size_t len = archive.len;
	for (enum archive_way way = 0; way < WAY_PIPE_BYTES; way++) {
		for (size_t i = 0; i < 2; i++) {
			buf_truncate(&archive, len);
			buf_adds(&archive, behind[i]);
			read_damaged(buf_slice(&archive), way, &err);
			buf_add(&archive, zeros, 512 - strlen(behind[i]));
			read_damaged(buf_slice(&archive), way, &err);
			ck_assert_ptr_nonnull(strstr(err.message, "something follows member END"));
		}
		/* Zeros are what other tars fill their last record with. */
		struct recorder recorder;
		recorder_init(&recorder);
		buf_truncate(&archive, len);
		buf_add(&archive, zeros, 512);
		err_clear(&err);
		ck_assert_int_eq(read_archive(buf_slice(&archive), way, &recorder.sink, &err), 0);
		recorder_release(&recorder);
		buf_truncate(&archive, len);
		/* The archive twice. */
		buf_add(&archive, archive.data, len);
		read_damaged(buf_slice(&archive), way, &err);
	}
	buf_release(&archive);
}
END_TEST

/* ---- forged archives: their sums fit ---- */

struct forgery {
	const char *name;
	void (*forge)(struct tar *tar);
	const char *expected;
};

static void foreign_member(struct tar *tar)
{
	tar_insert(tar, 4, "notes.txt", '0', SLICE_LITERAL("hello"));
	tar_sum(tar);
}

static void foreign_piece(struct tar *tar)
{
	tar_insert(tar, 4, "2-data/000099.sql.zst", '0', SLICE_LITERAL("hello"));
	tar_sum(tar);
}

static void absolute_name(struct tar *tar)
{
	tar_insert(tar, 1, "/etc/cron.d/x", '0', SLICE_LITERAL("* * * * *"));
	tar_sum(tar);
}

static void parent_name(struct tar *tar)
{
	tar_insert(tar, 1, "../../etc/passwd", '0', SLICE_LITERAL("root"));
	tar_sum(tar);
}

static void name_with_prefix(struct tar *tar)
{
	struct buf *head = &tar->parts[1].head;
	unsigned sum = 0;

	memcpy(head->data + 345, "..", 2);
	memset(head->data + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += (unsigned char)head->data[i];
	snprintf(head->data + 148, 8, "%06o", sum);
}

static void symbolic_link(struct tar *tar)
{
	tar_insert(tar, 2, "2-data/000002.sql.zst", '2', SLICE_NONE);
}

static void hard_link(struct tar *tar)
{
	tar_insert(tar, 2, "2-data/000002.sql.zst", '1', SLICE_NONE);
}

static void folder(struct tar *tar)
{
	tar_insert(tar, 1, "1-pre-data", '5', SLICE_NONE);
}

static void device(struct tar *tar)
{
	tar_insert(tar, 2, "2-data/000002.sql.zst", '3', SLICE_NONE);
}

static void gnu_sparse(struct tar *tar)
{
	tar_insert(tar, 2, "2-data/000002.sql.zst", 'S', SLICE_LITERAL("data"));
}

static void pax_sparse(struct tar *tar)
{
	tar_insert(tar, 2, "./PaxHeaders/2-data/000002.sql.zst", 'x',
	           SLICE_LITERAL("22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
	                         "36 GNU.sparse.realsize=1099511627776\n"));
}

static void pax_size(struct tar *tar)
{
	tar_insert(tar, 2, "./PaxHeaders/2-data/000002.sql.zst", 'x',
	           SLICE_LITERAL("28 size=9223372036854775807\n"));
}

static void pax_global(struct tar *tar)
{
	tar_insert(tar, 0, "pax_global_header", 'g', SLICE_LITERAL("15 comment=abc\n"));
}

static void gnu_long_name(struct tar *tar)
{
	tar_insert(tar, 2, "././@LongLink", 'L', SLICE_LITERAL("2-data/000002.sql.zst"));
}

static void set_size(struct tar *tar, size_t index, const char *field)
{
	buf_reset(&tar->parts[index].head);
	tar_header(&tar->parts[index].head, tar->parts[index].name, '0', field);
}

static void huge_octal_size(struct tar *tar)
{
	set_size(tar, 2, "77777777777");
}

static void binary_size(struct tar *tar)
{
	set_size(tar, 2, "\x80\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00");
}

static void negative_size(struct tar *tar)
{
	set_size(tar, 2, "-0000000001");
}

static void large_manifest(struct tar *tar)
{
	set_size(tar, tar_find(tar, "manifest.json"), "10000000000");
}

static void large_end(struct tar *tar)
{
	set_size(tar, tar_find(tar, "END"), "00100000000");
}

/* In the entry of the member, which begins with its name. */
static void edit_entry(struct tar *tar, const char *member, const char *key, const char *value)
{
	size_t index = tar_find(tar, "manifest.json");
	const char *text = tar->parts[index].data.data;
	const char *entry = strstr(text, member);
	ck_assert_ptr_nonnull(entry);
	const char *found = strstr(entry, key);
	ck_assert_ptr_nonnull(found);
	found += strlen(key);
	const char *end = found + strcspn(found, ",}");
	struct buf edited = BUF_INIT;

	buf_add(&edited, text, (size_t)(found - text));
	buf_adds(&edited, value);
	buf_adds(&edited, end);
	tar_replace(tar, index, buf_slice(&edited));
	buf_release(&edited);
	tar_sum(tar);
}

/* What the manifest says of a member, or of a table. */
static const struct lie {
	const char *name;
	const char *of;
	const char *key;
	const char *value;
	const char *expected;
} lies[] = {
	{ "offset of 2^63", "header.json", "\"offset\":", "9223372036854775808",
	  "member manifest.json" },
	{ "offset of 2^63-1", "header.json", "\"offset\":", "9223372036854775807",
	  "member header.json: the manifest is wrong about where it is" },
	{ "negative offset", "header.json", "\"offset\":", "-512", "member manifest.json: it is damaged" },
	{ "fractional offset", "header.json", "\"offset\":", "512.0",
	  "member manifest.json: it is damaged" },
	{ "size of 2^63-1", "header.json", "\"bytes\":", "9223372036854775807",
	  "member header.json: the manifest is wrong about its size" },
	{ "raw size of the header", "header.json", "\"raw_bytes\":", "36",
	  "member header.json: the manifest is wrong about the size of its text" },
	{ "raw size of 2^63-1", "2-data/000002", "\"raw_bytes\":", "9223372036854775807",
	  "member 2-data/000002.sql.zst: the manifest is wrong about the size of its text" },
	{ "raw size of rows", "2-data/000002", "\"raw_bytes\":", "1000000000",
	  "member 2-data/000002.sql.zst: the manifest is wrong about the size of its text" },
	{ "raw size of statements", "1-pre-data/000001", "\"raw_bytes\":", "17",
	  "member 1-pre-data/000001.sql.zst: the manifest is wrong about the size of its text" },
	{ "SHA-256", "2-data/000003", "\"sha256\":",
	  "\"0000000000000000000000000000000000000000000000000000000000000000\"",
	  "member 2-data/000003.sql.zst" },
	{ "section", "2-data/000003", "\"section\":", "\"post-data\"",
	  "member 2-data/000003.sql.zst: the manifest is wrong about its section" },
	{ "table", "2-data/000003", "\"table\":", "\"a\"", "member" },
	{ "rows", "2-data/000003", "\"rows\":", "7", "member" },
	{ "digest", "\"name\":\"a\"", "\"digest\":", "\"00000000000000000000000000000001\"",
	  "member manifest.json" },
};
#define LIES ((int)(sizeof(lies) / sizeof(*lies)))

static void tell(const struct lie *lie, struct tar *tar)
{
	edit_entry(tar, lie->of, lie->key, lie->value);
}

static void manifest_without_members(struct tar *tar)
{
	tar_edit(tar, "manifest.json", "\"members\":[", "\"others\":[");
}

static void manifest_of_a_newer_version(struct tar *tar)
{
	tar_edit(tar, "manifest.json", "{\"format\":1,", "{\"format\":2,");
}

static void manifest_of_nothing(struct tar *tar)
{
	tar_replace(tar, tar_find(tar, "manifest.json"), SLICE_NONE);
	tar_sum(tar);
}

static void sums_name_one_more(struct tar *tar)
{
	size_t sums = tar_find(tar, "SHA256SUMS");
	struct buf text = BUF_INIT, end = BUF_INIT;

	buf_addf(&text, "%064d  extra.sql\n", 0);
	buf_add_slice(&text, buf_slice(&tar->parts[sums].data));
	tar_replace(tar, sums, buf_slice(&text));
	sum_line(&end, buf_slice(&text), "SHA256SUMS");
	tar_replace(tar, tar_find(tar, "END"), buf_slice(&end));
	buf_release(&text);
	buf_release(&end);
}

static void edit_number(struct tar *tar, const char *member, const char *key, size_t value)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%zu", value);
	edit_entry(tar, member, key, digits);
}

/* A piece that is replaced in all accounts but in what it must be. */
static void replace_piece(struct tar *tar, const char *member, struct slice bytes,
                          size_t raw_bytes)
{
	struct buf sum = BUF_INIT;
	size_t offset = 0;

	tar_replace(tar, tar_find(tar, member), bytes);
	buf_addc(&sum, '"');
	sum_line(&sum, bytes, "");
	buf_truncate(&sum, 1 + SHA256_HEX_BYTES);
	buf_addc(&sum, '"');
	edit_number(tar, member, "\"bytes\":", bytes.len);
	edit_number(tar, member, "\"raw_bytes\":", raw_bytes);
	edit_entry(tar, member, "\"sha256\":", sum.data);
	/* Where the members behind it are now. */
	for (size_t i = 0; i < tar_find(tar, "manifest.json"); i++) {
		char name[110];
		snprintf(name, sizeof(name), "\"%s\"", tar->parts[i].name);
		edit_number(tar, name, "\"offset\":", offset + 512);
		offset += 512 + (tar->parts[i].data.len + 511) / 512 * 512;
	}
	buf_release(&sum);
}

static void replace_text(struct tar *tar, const char *member, struct slice text)
{
	size_t bound = ZSTD_compressBound(text.len);
	char *frame = malloc(bound);
	size_t len = ZSTD_compress(frame, bound, text.data, text.len, 3);

	ck_assert(!ZSTD_isError(len));
	replace_piece(tar, member, (struct slice){ frame, len }, text.len);
	free(frame);
}

static void no_frame(struct tar *tar)
{
	replace_piece(tar, "1-pre-data/000001.sql.zst", SLICE_LITERAL("SELECT 1;\n"), 10);
}

static void empty_member(struct tar *tar)
{
	replace_piece(tar, "2-data/000003.sql.zst", SLICE_NONE, 0);
}

static void skippable_frame(struct tar *tar)
{
	replace_piece(tar, "1-pre-data/000001.sql.zst",
	              SLICE_LITERAL("\x50\x2a\x4d\x18\x04\x00\x00\x00" "abcd"), 0);
}

static void two_frames(struct tar *tar)
{
	const char text[] = "SELECT 1;\n";
	char frames[200];
	size_t one = ZSTD_compress(frames, 100, text, strlen(text), 3);
	size_t two = ZSTD_compress(frames + one, 100, text, strlen(text), 3);

	replace_piece(tar, "1-pre-data/000001.sql.zst", (struct slice){ frames, one + two },
	              strlen(text));
}

static void half_a_frame(struct tar *tar)
{
	const struct tar_part *part = &tar->parts[tar_find(tar, "2-data/000002.sql.zst")];
	struct buf half = BUF_INIT;

	buf_add(&half, part->data.data, part->data.len - 7);
	replace_piece(tar, "2-data/000002.sql.zst", buf_slice(&half), 10);
	buf_release(&half);
}

static void rows_among_statements(struct tar *tar)
{
	replace_text(tar, "1-pre-data/000001.sql.zst",
	             SLICE_LITERAL("SELECT 1;\nCOPY public.a (id) FROM stdin;\n1\n\\.\n"));
}

static void statement_behind_rows(struct tar *tar)
{
	replace_text(tar, "2-data/000003.sql.zst",
	             SLICE_LITERAL("\nCOPY public.b (id) FROM stdin;\n7\n\\.\n"
	                           "-- idkit-chunk: {\"rows\":1,\"xxh128\":"
	                           "\"00000000000000000000000000000000\"}\nDROP TABLE a;\n"));
}

static void rows_of_another_table(struct tar *tar)
{
	replace_text(tar, "2-data/000003.sql.zst",
	             SLICE_LITERAL("\nCOPY public.c (id) FROM stdin;\n7\n\\.\n"
	                           "-- idkit-chunk: {\"rows\":1,\"xxh128\":"
	                           "\"00000000000000000000000000000000\"}\n"));
}

static void rows_without_mark(struct tar *tar)
{
	replace_text(tar, "2-data/000003.sql.zst",
	             SLICE_LITERAL("\nCOPY public.b (id) FROM stdin;\n7\n\\.\n"));
}

static void rows_without_end(struct tar *tar)
{
	replace_text(tar, "2-data/000003.sql.zst",
	             SLICE_LITERAL("\nCOPY public.b (id) FROM stdin;\n7\n"));
}

static void trailer_in_a_piece(struct tar *tar)
{
	replace_text(tar, "3-post-data/000008.sql.zst",
	             SLICE_LITERAL("-- idkit-trailer: {\"statements\":0,\"rows\":0,\"tables\":[],"
	                           "\"xxh128\":\"99aa06d3014798d86001c324468d497f\"}\n"));
}

static void other_section_in_a_piece(struct tar *tar)
{
	replace_text(tar, "3-post-data/000008.sql.zst",
	             SLICE_LITERAL("-- idkit-section: pre-data\nSELECT 1;\n"));
}

static void half_a_statement(struct tar *tar)
{
	replace_text(tar, "3-post-data/000008.sql.zst", SLICE_LITERAL("SELECT 1;\nSELECT 'a"));
}

static void psql_command(struct tar *tar)
{
	replace_text(tar, "3-post-data/000008.sql.zst", SLICE_LITERAL("\\! touch /tmp/x\n"));
}

static void zero_byte(struct tar *tar)
{
	replace_text(tar, "3-post-data/000008.sql.zst", SLICE_LITERAL("SELECT 1;\n\0SELECT 2;\n"));
}

static const struct forgery forgeries[] = {
	{ "foreign member", foreign_member, "member notes.txt stands where" },
	{ "foreign piece", foreign_piece, "member 2-data/000099.sql.zst stands where" },
	{ "absolute name", absolute_name, "member /etc/cron.d/x stands where" },
	{ "name with ..", parent_name, "member ../../etc/passwd stands where" },
	{ "name with a prefix", name_with_prefix, "member 1-pre-data/000001.sql.zst: its name" },
	{ "symbolic link", symbolic_link, "member 2-data/000002.sql.zst is a symbolic link" },
	{ "hard link", hard_link, "member 2-data/000002.sql.zst is a hard link" },
	{ "folder", folder, "member 1-pre-data is a folder" },
	{ "device", device, "member 2-data/000002.sql.zst is a device" },
	{ "sparse file of GNU tar", gnu_sparse, "member 2-data/000002.sql.zst is a sparse file" },
	{ "sparse file in pax", pax_sparse, "2-data/000002.sql.zst is an extended header" },
	{ "size in pax", pax_size, "2-data/000002.sql.zst is an extended header" },
	{ "global header of pax", pax_global, "member pax_global_header is an extended header" },
	{ "long name of GNU tar", gnu_long_name, "member ././@LongLink is an extended header" },
	{ "8 GiB in the tar", huge_octal_size, "member 2-data/000002.sql.zst claims 8589934591 bytes" },
	{ "2^63 in the tar", binary_size, "member 2-data/000002.sql.zst: its size is no octal number" },
	{ "-1 in the tar", negative_size, "member 2-data/000002.sql.zst: its size is no octal number" },
	{ "1 GiB of manifest", large_manifest, "member manifest.json" },
	{ "16 MiB of END", large_end, "member END claims 16777216 bytes" },
	{ "no members", manifest_without_members, "member manifest.json" },
	{ "newer manifest", manifest_of_a_newer_version, "member manifest.json: it has format 2" },
	{ "empty manifest", manifest_of_nothing, "member manifest.json" },
	{ "sums of one more", sums_name_one_more, "SHA256SUMS" },
	{ "no frame", no_frame, "member 1-pre-data/000001.sql.zst: it is no zstd frame" },
	{ "nothing", empty_member, "member 2-data/000003.sql.zst: it is no zstd frame" },
	{ "skippable frame", skippable_frame, "member 1-pre-data/000001.sql.zst: it is no zstd frame" },
	{ "two frames", two_frames, "000001.sql.zst: something stands behind its zstd frame" },
	{ "half a frame", half_a_frame, "member 2-data/000002.sql.zst" },
	{ "rows among statements", rows_among_statements,
	  "member 1-pre-data/000001.sql.zst:2: a table's rows stand among statements" },
	{ "a statement behind rows", statement_behind_rows,
	  "member 2-data/000003.sql.zst: its rows don't fit the mark behind them" },
	{ "rows of another table", rows_of_another_table, "member 2-data/000003.sql.zst" },
	{ "rows without a mark", rows_without_mark,
	  "member 2-data/000003.sql.zst: its rows don't fit the mark behind them" },
	{ "rows without an end", rows_without_end, "member 2-data/000003.sql.zst: its rows have no end" },
	{ "a trailer", trailer_in_a_piece,
	  "member 3-post-data/000008.sql.zst:1: a mark that does not belong here" },
	{ "another section", other_section_in_a_piece,
	  "member 3-post-data/000008.sql.zst:1: the mark of section \"pre-data\"" },
	{ "half a statement", half_a_statement, "member 3-post-data/000008.sql.zst:2: the input ends inside" },
	{ "a command of psql's", psql_command, "member 3-post-data/000008.sql.zst:1: psql's command" },
	{ "a zero byte", zero_byte, "member 3-post-data/000008.sql.zst: a zero byte" },
};
#define FORGERIES ((int)(sizeof(forgeries) / sizeof(*forgeries)))

static void expect_refusal(const struct tar *tar, const char *name, const char *expected)
{
	struct buf archive = BUF_INIT;
	struct err err = ERR_INIT;

	tar_put_together(tar, &archive);
	for (enum archive_way way = 0; way < WAY_PIPE_BYTES; way++) {
		read_damaged(buf_slice(&archive), way, &err);
		ck_assert_msg(strstr(err.message, expected) != NULL, "%s, %s: %s", name, way_names[way],
		              err.message);
	}
	buf_release(&archive);
}

START_TEST(forged_archive_is_refused)
{
	struct tar tar;

	own_tar(&tar);
	forgeries[_i].forge(&tar);
	expect_refusal(&tar, forgeries[_i].name, forgeries[_i].expected);
	tar_release(&tar);
}
END_TEST

START_TEST(manifest_that_lies_is_refused)
{
	struct tar tar;

	own_tar(&tar);
	tell(&lies[_i], &tar);
	expect_refusal(&tar, lies[_i].name, lies[_i].expected);
	tar_release(&tar);
}
END_TEST

/* ---- what passes unopened ---- */

static int read_packed(struct slice archive, struct sink *sink, struct err *err)
{
	const struct archive_reader_options packed = { .packed = true };
	struct input *input = input_from_fd(fd_of(archive), "k.idar", NULL, err);
	struct source *source = input ? archive_reader_new(input, &packed, err) : NULL;

	int result = source ? source_run(source, sink, err) : -1;
	source_free(source);
	return result;
}

/* From a file into another archive; the frames are not unpacked. */
static int pass_on(const struct tar *tar, struct err *err)
{
	const struct archive_options options = { ARCHIVE_LEVEL, false, (size_t)1 << 20, 1 };
	struct capture capture;
	struct buf forged = BUF_INIT, passed = BUF_INIT;

	tar_put_together(tar, &forged);
	struct sink *writer = archive_writer_new(capture_open(&capture), &options, err);
	int result = read_packed(buf_slice(&forged), writer, err);
	if (result == 0)
		result = sink_finish(writer, err);
	sink_free(writer);
	if (result == 0)
		capture_take(&capture, &passed);
	buf_release(&passed);
	buf_release(&forged);
	return result;
}

#define MARK "\\.\n-- idkit-chunk: {\"rows\":1,\"xxh128\":\"00000000000000000000000000000000\"}\n"

/* The second member of public.a: the first one doesn't vouch for it. */
static const struct {
	const char *text;
	const char *raw_bytes; /* in the manifest, when it lies */
	const char *message;
} later_members[] = {
	{ "\nCOPY public.b (id) FROM stdin;\n3\n" MARK, NULL,
	  "k.idar: member 2-data/000004.sql.zst: its rows are of another table than the manifest says" },
	{ "\nCOPY public.a (note, id) FROM stdin;\n3\t\\N\n" MARK, NULL,
	  "k.idar: member 2-data/000004.sql.zst: its COPY statement is not that of its table's first chunk" },
	{ "\nCOPY public.a (id, note) FROM stdin;\n3\t\\N\n" MARK, "7",
	  "k.idar: member 2-data/000004.sql.zst: the manifest is wrong about the size of its text" },
	{ "SELECT 1;\n", NULL,
	  "k.idar: member 2-data/000004.sql.zst: it holds no rows, but the manifest says so" },
};

START_TEST(later_member_of_a_table_is_looked_at)
{
	struct err err = ERR_INIT;
	struct tar tar;

	own_tar(&tar);
	ck_assert_int_eq(pass_on(&tar, &err), 0);
	replace_text(&tar, "2-data/000004.sql.zst", slice_of(later_members[_i].text));
	if (later_members[_i].raw_bytes)
		edit_entry(&tar, "2-data/000004.sql.zst", "\"raw_bytes\":",
		           later_members[_i].raw_bytes);
	ck_assert_int_eq(pass_on(&tar, &err), -1);
	ck_assert_int_eq(err.kind, ERR_INPUT);
	ck_assert_str_eq(err.message, later_members[_i].message);
	tar_release(&tar);
}
END_TEST

/* Notes whose the rows are, by the comments. */
struct owner_sink {
	struct sink sink;
	struct buf names;
};

static int owner_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct buf *names = &((struct owner_sink *)sink)->names;

	(void)err;
	if (record->kind == RECORD_DATA) {
		buf_add_slice(names, record->data.object.name);
		buf_addc(names, ' ');
	}
	return 0;
}

static const struct sink_ops owner_ops = { .write = owner_write };

/* Partitions' rows that go through the root: select.c asks whose they are. */
START_TEST(each_member_has_its_own_comment)
{
	struct owner_sink owner = { .sink.ops = &owner_ops, .names = BUF_INIT };
	struct buf other = BUF_INIT;
	struct err err = ERR_INIT;
	struct tar tar;

	own_tar(&tar);
	replace_text(&tar, "2-data/000004.sql.zst",
	             SLICE_LITERAL("\n--\n-- Data for Name: leaf; Type: TABLE DATA; Schema: public; "
	                           "Owner: joe\n--\n\nCOPY public.a (id, note) FROM stdin;\n3\t\\N\n" MARK));
	tar_put_together(&tar, &other);
	ck_assert_msg(read_packed(buf_slice(&other), &owner.sink, &err) == 0, "%s", err.message);
	ck_assert_str_eq(owner.names.data, "a b leaf nothing empty ");
	buf_release(&owner.names);
	tar_release(&tar);
	buf_release(&other);
}
END_TEST

static void expect_nothing_delivered(struct slice archive)
{
	struct recorder recorder;
	struct err err = ERR_INIT;

	recorder_init(&recorder);
	ck_assert_int_lt(read_archive(archive, WAY_FILE, &recorder.sink, &err), 0);
	ck_assert_uint_eq(recorder.writes, 0);
	recorder_release(&recorder);
}

/* In a file all accounts are checked before the first record is delivered. */
START_TEST(structure_of_a_file_is_checked_first)
{
	static void (*const forge[])(struct tar *) = { foreign_member, manifest_without_members };
	struct buf archive = BUF_INIT;

	for (size_t i = 0; i < sizeof(forge) / sizeof(*forge) + 1; i++) {
		struct tar tar;

		own_tar(&tar);
		if (i < sizeof(forge) / sizeof(*forge))
			forge[i](&tar);
		else
			edit_entry(&tar, "2-data/000003", "\"sha256\":", "\"\"");
		buf_reset(&archive);
		tar_put_together(&tar, &archive);
		expect_nothing_delivered(buf_slice(&archive));
		tar_release(&tar);
	}
	/* Cut within the tar's end. */
	buf_reset(&archive);
	own_archive(&archive);
	expect_nothing_delivered((struct slice){ archive.data, archive.len - 512 });
	buf_release(&archive);
}
END_TEST

/* ---- bombs ---- */

#define BOMB_BYTES ((size_t)1 << 30)

/* Zeros behind `text`, in one frame that says how large it is, or does not. */
static void make_bomb(struct slice text, bool declared, struct buf *frame)
{
	static const char zeros[65536];
	ZSTD_CCtx *context = ZSTD_createCCtx();
	char out[65536];

	ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1);
	if (declared)
		ZSTD_CCtx_setPledgedSrcSize(context, BOMB_BYTES);
	struct slice piece = text;
	for (size_t done = 0; done < BOMB_BYTES;) {
		ZSTD_inBuffer in = { piece.data, piece.len, 0 };
		size_t left;

		done += piece.len;
		do {
			ZSTD_outBuffer packed = { out, sizeof(out), 0 };
			left = ZSTD_compressStream2(context, &packed, &in,
			                            done == BOMB_BYTES ? ZSTD_e_end : ZSTD_e_continue);
			if (ZSTD_isError(left))
				ck_abort_msg("zstd: %s", ZSTD_getErrorName(left));
			buf_add(frame, out, packed.pos);
		} while (in.pos < in.size || (done == BOMB_BYTES && left > 0));
		piece = (struct slice){ zeros, BOMB_BYTES - done < sizeof(zeros) ? BOMB_BYTES - done
			                                                            : sizeof(zeros) };
	}
	ZSTD_freeCCtx(context);
}

/* ThreadSanitizer remembers four words for each. */
#ifdef __SANITIZE_THREAD__
#define LITTLE_KIB (5L * 200 * 1024)
#else
#define LITTLE_KIB (200L * 1024)
#endif

/* In a process of its own, which may have so much memory and no more: its exit status. */
static int read_with_little_memory(struct slice archive, enum archive_way way,
                                   const char *expected)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct recorder recorder;
		struct err err = ERR_INIT;
		struct rusage before, after;

		recorder_init(&recorder);
		getrusage(RUSAGE_SELF, &before);
		int result = read_archive(archive, way, &recorder.sink, &err);
		getrusage(RUSAGE_SELF, &after);
		long kib = after.ru_maxrss - before.ru_maxrss;
		bool well = result < 0 && err.kind == ERR_INPUT && strstr(err.message, expected) &&
		            !recorder.trailer_seen && kib < LITTLE_KIB;
		if (!well)
			fprintf(stderr, "%s: %d %s (%ld KiB)\n", way_names[way], result, err.message, kib);
		_exit(well ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void expect_no_memory(const struct tar *tar, const char *expected)
{
	struct buf archive = BUF_INIT;

	tar_put_together(tar, &archive);
	for (enum archive_way way = 0; way < WAY_PIPE_BYTES; way++)
		ck_assert_int_eq(read_with_little_memory(buf_slice(&archive), way, expected), 0);
	buf_release(&archive);
}

static const struct {
	const char *member;
	const char *text;
	bool declared;
	const char *expected;
} bombs[] = {
	{ "1-pre-data/000001.sql.zst", "", true, "000001.sql.zst: a zero byte stands in its text" },
	{ "1-pre-data/000001.sql.zst", "", false, "000001.sql.zst: its zstd frame does not say" },
	{ "2-data/000003.sql.zst", "\nCOPY public.b (id) FROM stdin;\n", true,
	  "000003.sql.zst: a zero byte stands in its text" },
	{ "2-data/000003.sql.zst", "\nCOPY public.b (id) FROM stdin;\n", false,
	  "000003.sql.zst: its zstd frame does not say" },
};

START_TEST(bomb_takes_no_memory)
{
	struct buf frame = BUF_INIT;
	struct tar tar;

	own_tar(&tar);
	make_bomb(slice_of(bombs[_i].text), bombs[_i].declared, &frame);
	replace_piece(&tar, bombs[_i].member, buf_slice(&frame), BOMB_BYTES);
	expect_no_memory(&tar, bombs[_i].expected);
	tar_release(&tar);
	buf_release(&frame);
}
END_TEST

#define RLE_BLOCK_BYTES ((size_t)128 * 1024)

static void add_block_header(struct buf *frame, size_t size, unsigned type, bool last)
{
	size_t header = size << 3 | type << 1 | last;
	const char bytes[] = { (char)header, (char)(header >> 8), (char)(header >> 16) };

	buf_add(frame, bytes, sizeof(bytes));
}

/* `text` and then so many blocks of a letter each, whatever the frame's header declares. */
static void make_liar(struct slice text, uint64_t declared, size_t blocks, struct buf *frame)
{
	buf_reset(frame);
	/* Magic, a descriptor with a content size of 8 bytes, a window of 128 KiB. */
	buf_add(frame, "\x28\xb5\x2f\xfd\xc0\x38", 6);
	for (unsigned shift = 0; shift < 64; shift += 8)
		buf_addc(frame, (char)(declared >> shift));
	add_block_header(frame, text.len, 0, blocks == 0);
	buf_add_slice(frame, text);
	for (; blocks > 0; blocks--) {
		add_block_header(frame, RLE_BLOCK_BYTES, 1, blocks == 1);
		buf_addc(frame, 'x');
	}
}

static const struct {
	uint64_t declared;
	size_t blocks;
	const char *expected;
} liars[] = {
	{ (uint64_t)1 << 63, 0, "zstd frame declares a text of 9223372036854775808 bytes" },
	{ FRAME_LARGEST_BYTES + 1, 0, "zstd frame declares a text of 1140850689 bytes, which" },
	{ FRAME_LARGEST_BYTES, 0, "zstd frame is damaged" },
	{ FRAME_TRUSTED_BYTES, BOMB_BYTES / RLE_BLOCK_BYTES, "zstd frame is damaged" },
	{ FRAME_TRUSTED_BYTES + 1, BOMB_BYTES / RLE_BLOCK_BYTES,
	  "text is not as large as its zstd frame says" },
};

static const struct {
	const char *member;
	const char *text;
} lying_members[] = {
	{ "1-pre-data/000001.sql.zst", "SELECT 1; -- " },
	{ "2-data/000003.sql.zst", "\nCOPY public.b (id) FROM stdin;\n" },
};

START_TEST(frame_that_lies_takes_no_memory)
{
	const char *member = lying_members[_i % 2].member;
	const uint64_t declared = liars[_i / 2].declared;
	struct buf frame = BUF_INIT, expected = BUF_INIT;
	struct tar tar;

	own_tar(&tar);
	make_liar(slice_of(lying_members[_i % 2].text), declared, liars[_i / 2].blocks, &frame);
	replace_piece(&tar, member, buf_slice(&frame),
	              declared < FRAME_LARGEST_BYTES ? declared : FRAME_LARGEST_BYTES);
	buf_addf(&expected, "k.idar: member %s: its %s", member, liars[_i / 2].expected);
	expect_no_memory(&tar, expected.data);
	tar_release(&tar);
	buf_release(&frame);
	buf_release(&expected);
}
END_TEST

/* Lies about sizes in the tar and in the manifest. */
START_TEST(lies_about_sizes_take_no_memory)
{
	static void (*const forge[])(struct tar *) = { huge_octal_size, binary_size, large_manifest };
	const int forged = (int)(sizeof(forge) / sizeof(*forge));

	for (int i = 0; i < forged + LIES; i++) {
		struct tar tar;

		own_tar(&tar);
		if (i < forged)
			forge[i](&tar);
		else
			tell(&lies[i - forged], &tar);
		expect_no_memory(&tar, "member");
		tar_release(&tar);
	}
}
END_TEST

Suite *test_stream_archive_damage(void)
{
	Suite *suite = suite_create("stream_archive_damage");
	TCase *tc = tcase_create("damage");

	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, each_member_removed);
	tcase_add_test(tc, each_member_doubled);
	tcase_add_test(tc, each_member_swapped_with_the_next);
	tcase_add_test(tc, contents_of_two_members_swapped);
	tcase_add_loop_test(tc, each_byte_with_a_bit_flipped, 0, WAY_PIPE_BYTES);
	tcase_add_test(tc, flipped_bits_name_their_member);
	tcase_add_loop_test(tc, cut_at_every_block, 0, WAY_PIPE_BYTES);
	tcase_add_test(tc, something_behind_the_end);
	tcase_add_loop_test(tc, forged_archive_is_refused, 0, FORGERIES);
	tcase_add_loop_test(tc, manifest_that_lies_is_refused, 0, LIES);
	tcase_add_loop_test(tc, later_member_of_a_table_is_looked_at, 0,
	                    sizeof(later_members) / sizeof(*later_members));
	tcase_add_test(tc, each_member_has_its_own_comment);
	tcase_add_test(tc, structure_of_a_file_is_checked_first);
	tcase_add_loop_test(tc, bomb_takes_no_memory, 0, sizeof(bombs) / sizeof(*bombs));
	tcase_add_loop_test(tc, frame_that_lies_takes_no_memory, 0,
	                    2 * sizeof(liars) / sizeof(*liars));
	tcase_add_test(tc, lies_about_sizes_take_no_memory);
	suite_add_tcase(suite, tc);
	return suite;
}
