/* Archives: what is written comes back, from files and pipes, from one thread and from many. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive_frame.h"
#include "archives.h"
#include "header.h"
#include "chunk.h"
#include "contents.h"
#include "plain_writer.h"

Suite *test_stream_archive(void);

#define USUAL_BYTES ((size_t)1 << 20)

/* ---- round trip ---- */

/* Lines are counted in each member: the rest of the log is the same. */
static void without_lines(const struct buf *log, struct buf *out)
{
	const char *at = log->data;

	while (*at) {
		size_t len = strcspn(at, "\n") + 1;
		size_t digits = strspn(at, "0123456789");
		bool is_place = digits > 0 && at[digits] == ' ';

		buf_add(out, is_place ? at + digits : at, is_place ? len - digits : len);
		at += len;
	}
	buf_addc(out, '\0');
	buf_truncate(out, out->len - 1);
}

static void expect_same_records(struct slice plain, struct slice archive, enum archive_way way)
{
	struct recorder want, got;
	struct buf want_log = BUF_INIT, got_log = BUF_INIT;
	struct err err = ERR_INIT;

	recorder_init(&want);
	recorder_init(&got);
	ck_assert_int_eq(read_into(plain, 0, false, &want.sink, &err), 0);
	ck_assert_msg(read_archive(archive, way, &got.sink, &err) == 0, "%s: %s", way_names[way],
	              err.message);
	without_lines(&want.log, &want_log);
	without_lines(&got.log, &got_log);
	ck_assert_msg(strcmp(want_log.data, got_log.data) == 0, "%s:\n%s---- want\n%s", way_names[way],
	              got_log.data, want_log.data);
	ck_assert_str_eq(got.bytes.data, want.bytes.data);
	buf_release(&want_log);
	buf_release(&got_log);
	recorder_release(&want);
	recorder_release(&got);
}

START_TEST(own_stream_comes_back)
{
	struct buf plain = BUF_INIT, archive = BUF_INIT;

	own_stream(&plain);
	own_archive(&archive);
	expect_same_records(buf_slice(&plain), buf_slice(&archive), (enum archive_way)_i);
	buf_release(&plain);
	buf_release(&archive);
}
END_TEST

/* With nothing to cut, not a byte is lost on the way. */
START_TEST(plain_to_archive_to_plain_is_the_same)
{
	struct buf plain = BUF_INIT, archive = BUF_INIT, again = BUF_INIT;

	own_stream(&plain);
	own_archive(&archive);
	make_plain(buf_slice(&archive), (enum archive_way)_i, &again);
	ck_assert_str_eq(again.data, plain.data);
	buf_release(&plain);
	buf_release(&archive);
	buf_release(&again);
}
END_TEST

/* A stream that begins with a section, one without anything, one with nothing but comments. */
static void odd_stream(int number, struct sink *sink)
{
	write_header(sink, "odd");
	switch (number) {
	case 0:
		break;
	case 1:
		write_statement(sink, SECTION_NONE, "--\n-- a dump\n--\n\n", "SET a = 1;");
		write_statement(sink, SECTION_DATA, "\n", "SELECT pg_catalog.setval('s', 7, true);");
		break;
	case 2:
		write_rows(sink, "a", "id", "1\n");
		break;
	case 3:
		write_statement(sink, SECTION_POST_DATA, "-- nothing but this\n", "");
		break;
	case 4:
		write_statement(sink, SECTION_NONE, "", "SET standard_conforming_strings = off;");
		write_statement(sink, SECTION_PRE_DATA, "\n/* a; */ ", "SELECT 'a\\'; b';");
		write_rows(sink, "a", "id", "1\n");
		write_statement(sink, SECTION_POST_DATA, "", "SELECT 'it\\'s one;';");
		write_statement(sink, SECTION_POST_DATA, "\n-- the end\n", "");
		break;
	case 5:
		write_rows(sink, "a", "id, note", "1\t\\\\.\n2\t\n");
		write_rows(sink, "none", NULL, "\n\n");
		write_rows(sink, "empty", "id", "");
		write_rows(sink, "a", "id, note", "3\tx\n");
		break;
	}
	write_trailer(sink);
}
#define ODD_STREAMS 6

START_TEST(odd_streams_come_back)
{
	struct buf plain = BUF_INIT, archive = BUF_INIT, again = BUF_INIT;
	struct capture capture;
	struct err err = ERR_INIT;
	struct sink *writer = plain_writer_new(capture_open(&capture), &err);

	odd_stream(_i, writer);
	ck_assert_int_eq(sink_finish(writer, &err), 0);
	sink_free(writer);
	capture_take(&capture, &plain);
	make_archive(buf_slice(&plain), USUAL_BYTES, &archive);
	for (enum archive_way way = 0; way < WAYS; way++) {
		buf_reset(&again);
		make_plain(buf_slice(&archive), way, &again);
		ck_assert_msg(strcmp(again.data, plain.data) == 0, "%s:\n%s---- want\n%s",
		              way_names[way], again.data, plain.data);
	}
	buf_release(&plain);
	buf_release(&archive);
	buf_release(&again);
}
END_TEST

/* ---- what is in the tar ---- */

static void unpack_member(const struct tar *tar, const char *name, struct buf *text)
{
	const struct tar_part *part = &tar->parts[tar_find(tar, name)];
	struct frame_unpacker *unpacker;
	struct err err = ERR_INIT;

	unpacker = frame_unpacker_new(&err);
	ck_assert_msg(frame_unpack(unpacker, buf_slice(&part->data), text, &err) == 0, "%s",
	              err.message);
	frame_unpacker_free(unpacker);
}

START_TEST(members_and_their_order)
{
	static const char *const names[] = {
		"header.json",           "1-pre-data/000001.sql.zst", "2-data/000002.sql.zst",
		"2-data/000003.sql.zst", "2-data/000004.sql.zst",     "2-data/000005.sql.zst",
		"2-data/000006.sql.zst", "2-data/000007.sql.zst",     "3-post-data/000008.sql.zst",
		"manifest.json",         "SHA256SUMS",                "END",
	};
	static const char first_chunk[] =
		"\nCOPY public.a (id, note) FROM stdin;\n1\tone\n2\tDROP SCHEMA public;\n\\.\n"
		"-- idkit-chunk: {\"rows\":2,\"xxh128\":\"";
	struct buf archive = BUF_INIT, text = BUF_INIT;
	struct tar tar;

	own_archive(&archive);
	tar_take_apart(buf_slice(&archive), &tar);
	ck_assert_uint_eq(tar.count, sizeof(names) / sizeof(*names));
	for (size_t i = 0; i < tar.count; i++)
		ck_assert_str_eq(tar.parts[i].name, names[i]);
	ck_assert_str_eq(tar.parts[0].data.data, "{\"format\":1,\"database\":\"keycloak\"}\n");
	unpack_member(&tar, "2-data/000002.sql.zst", &text);
	ck_assert_int_eq(strncmp(text.data, first_chunk, strlen(first_chunk)), 0);
	unpack_member(&tar, "3-post-data/000008.sql.zst", &text);
	ck_assert_str_eq(text.data,
	                 "-- idkit-section: post-data\n"
	                 "\n--\n-- Name: a_i; Type: INDEX; Schema: public; Owner: joe\n--\n\n"
	                 "CREATE INDEX a_i ON public.a USING btree (id);\n");
	tar_release(&tar);
	buf_release(&archive);
	buf_release(&text);
}
END_TEST

/* Nothing in it tells when or by whom it was written, but the header: the same stream, the same bytes. */
START_TEST(archives_are_reproducible)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	own_archive(&a);
	sleep(1);
	own_archive(&b);
	ck_assert_uint_eq(a.len, b.len);
	ck_assert_mem_eq(a.data, b.data, a.len);
	buf_release(&a);
	buf_release(&b);
}
END_TEST

START_TEST(archive_through_archive_is_the_same)
{
	const struct archive_options options = { ARCHIVE_LEVEL, false, USUAL_BYTES, 1 };
	const struct archive_reader_options packed = { .packed = true };
	struct buf archive = BUF_INIT, again = BUF_INIT;
	struct capture capture;
	struct err err = ERR_INIT;

	own_archive(&archive);
	/* Odd: from a pipe, where rows are not known before the end. */
	struct input *input = input_of(buf_slice(&archive), (size_t)_i, &err);
	struct source *source = archive_reader_new(input, &packed, &err);
	struct sink *writer = archive_writer_new(capture_open(&capture), &options, &err);
	ck_assert_msg(source_run(source, writer, &err) == 0, "%s", err.message);
	ck_assert_int_eq(sink_finish(writer, &err), 0);
	sink_free(writer);
	source_free(source);
	capture_take(&capture, &again);
	ck_assert_uint_eq(archive.len, again.len);
	ck_assert_mem_eq(archive.data, again.data, archive.len);
	buf_release(&archive);
	buf_release(&again);
}
END_TEST

/* A time that libarchive does not put into ustar would take an extended header, which readers refuse. */
START_TEST(creation_time_beyond_ustar)
{
	const struct archive_options options = { ARCHIVE_LEVEL, false, USUAL_BYTES, 1 };
	struct buf archive = BUF_INIT;
	struct capture capture;
	struct err err = ERR_INIT;
	struct tar tar;
	struct stream_header *header = stream_header_new(&err);
	struct record record = { .kind = RECORD_HEADER, .header = header };
	struct sink *writer = archive_writer_new(capture_open(&capture), &options, &err);

	ck_assert_int_eq(stream_header_set(header, "created",
	                                   _i ? "2038-01-19T03:14:07Z" : "2038-01-19T03:14:06Z", &err), 0);
	ck_assert_int_eq(sink_write(writer, &record, &err), 0);
	write_trailer(writer);
	ck_assert_int_eq(sink_finish(writer, &err), 0);
	sink_free(writer);
	stream_header_free(header);
	capture_take(&capture, &archive);
	tar_take_apart(buf_slice(&archive), &tar);
	ck_assert_str_eq(tar.parts[0].name, "header.json");
	ck_assert_mem_eq(tar.parts[0].head.data + 136, _i ? "00000000000" : "17777777776", 11);
	tar_release(&tar);
	buf_release(&archive);
}
END_TEST

/* ---- large blocks ---- */

#define TOC "\n--\n-- Data for Name: big; Type: TABLE DATA; Schema: public; Owner: joe\n--\n\n"
#define BIG_ROWS 5000

static void big_rows(struct buf *rows)
{
	for (int i = 0; i < BIG_ROWS; i++)
		buf_addf(rows, "%d\trow number %d\n", i, i);
}

static void big_stream(struct buf *plain)
{
	const struct slice columns[] = { SLICE_LITERAL("id"), SLICE_LITERAL("note") };
	const struct copy_table table = { SLICE_LITERAL("public"), SLICE_LITERAL("big"), columns, 2,
		                              true, true };
	struct buf rows = BUF_INIT;
	struct capture capture;
	struct err err = ERR_INIT;
	struct sink *writer = plain_writer_new(capture_open(&capture), &err);

	big_rows(&rows);
	write_header(writer, "big");
	write_statement(writer, SECTION_PRE_DATA,
	                "\n--\n-- Name: big; Type: TABLE; Schema: public; Owner: joe\n--\n\n",
	                "CREATE TABLE public.big (id integer, note text);");
	struct record record = {
		.kind = RECORD_DATA,
		.section = SECTION_DATA,
		.lead = SLICE_LITERAL(TOC),
		.data = { .table = &table,
		          .copy = SLICE_LITERAL("COPY public.big (id, note) FROM stdin;\n"),
		          .rows = buf_slice(&rows),
		          .row_count = BIG_ROWS,
		          .end = SLICE_LITERAL("\\.\n"),
		          .first = true,
		          .last = true },
	};
	ck_assert_int_eq(sink_write(writer, &record, &err), 0);
	write_trailer(writer);
	ck_assert_int_eq(sink_finish(writer, &err), 0);
	sink_free(writer);
	capture_take(&capture, plain);
	buf_release(&rows);
}

static const size_t chunk_sizes[] = { 1024, 1025, 4096, 65536 };

/* Each member is a whole COPY block of whole rows, with its table's comment, at most a row above the
 * size asked for, and not below it but for the last. */
START_TEST(large_block_becomes_many_members)
{
	const size_t size = chunk_sizes[_i];
	struct buf plain = BUF_INIT, archive = BUF_INIT, rows = BUF_INIT, all = BUF_INIT;
	struct recorder recorder;
	struct err err = ERR_INIT;

	big_stream(&plain);
	big_rows(&rows);
	make_archive(buf_slice(&plain), size, &archive);
	for (enum archive_way way = 0; way < WAY_PIPE_BYTES; way++) {
		size_t blocks = 0;

		recorder_init(&recorder);
		buf_reset(&all);
		ck_assert_int_eq(read_archive(buf_slice(&archive), way, &recorder.sink, &err), 0);
		for (const char *at = recorder.bytes.data; (at = strstr(at, TOC "COPY ")); blocks++) {
			const char *begin = strchr(at + strlen(TOC), '\n') + 1;
			const char *end = strstr(begin, "\\.\n");
			const char *last_row = end - 1;

			while (last_row[-1] != '\n')
				last_row--;
			buf_add(&all, begin, (size_t)(end - begin));
			ck_assert_uint_lt((size_t)(last_row - begin), size);
			ck_assert((size_t)(end - begin) >= size || all.len == rows.len);
			at = end;
		}
		ck_assert_str_eq(all.data, rows.data);
		ck_assert_uint_gt(blocks, 1);
		recorder_release(&recorder);
	}
	buf_release(&plain);
	buf_release(&archive);
	buf_release(&rows);
	buf_release(&all);
}
END_TEST

START_TEST(row_larger_than_a_chunk_is_one_member)
{
	struct buf plain = BUF_INIT, archive = BUF_INIT, rows = BUF_INIT, again = BUF_INIT;
	struct capture capture;
	struct err err = ERR_INIT;
	struct tar tar;
	struct sink *writer = plain_writer_new(capture_open(&capture), &err);

	buf_adds(&rows, "1\t");
	for (int i = 0; i < 3000000; i++)
		buf_addc(&rows, (char)('a' + i % 26));
	buf_adds(&rows, "\n2\tshort\n");
	write_header(writer, "big");
	write_rows(writer, "a", "id, note", rows.data);
	write_trailer(writer);
	ck_assert_int_eq(sink_finish(writer, &err), 0);
	sink_free(writer);
	capture_take(&capture, &plain);
	make_archive(buf_slice(&plain), 1024, &archive);
	tar_take_apart(buf_slice(&archive), &tar);
	ck_assert_uint_eq(tar.count, 6);
	make_plain(buf_slice(&archive), WAY_FILE, &again);
	ck_assert_ptr_nonnull(strstr(again.data, "\n2\tshort\n\\.\n-- idkit-chunk: {\"rows\":1,"));
	tar_release(&tar);
	buf_release(&plain);
	buf_release(&archive);
	buf_release(&rows);
	buf_release(&again);
}
END_TEST

/* A piece that begins with a statement without pg_dump's comment gets the one that holds for it. */
START_TEST(comment_is_repeated_where_statements_are_cut)
{
	struct buf plain = BUF_INIT, archive = BUF_INIT, text = BUF_INIT;
	struct capture capture;
	struct err err = ERR_INIT;
	struct tar tar;
	struct sink *writer = plain_writer_new(capture_open(&capture), &err);
	char filler[2000];

	memset(filler, 'x', sizeof(filler));
	memcpy(filler, "/*", 2);
	memcpy(filler + sizeof(filler) - 3, "*/", 3);
	write_header(writer, "cut");
	write_statement(writer, SECTION_PRE_DATA,
	                "\n--\n-- Name: a; Type: TABLE; Schema: public; Owner: joe\n--\n\n",
	                "CREATE TABLE public.a (id integer);");
	write_statement(writer, SECTION_PRE_DATA, filler, "ALTER TABLE public.a OWNER TO joe;");
	write_statement(writer, SECTION_PRE_DATA, "\n", "ALTER TABLE public.a ADD b integer;");
	write_trailer(writer);
	ck_assert_int_eq(sink_finish(writer, &err), 0);
	sink_free(writer);
	capture_take(&capture, &plain);
	make_archive(buf_slice(&plain), 1024, &archive);
	tar_take_apart(buf_slice(&archive), &tar);
	unpack_member(&tar, "1-pre-data/000002.sql.zst", &text);
	ck_assert_str_eq(text.data,
	                 "\n--\n-- Name: a; Type: TABLE; Schema: public; Owner: joe\n--\n\n"
	                 "\nALTER TABLE public.a ADD b integer;\n");
	tar_release(&tar);
	buf_release(&plain);
	buf_release(&archive);
	buf_release(&text);
}
END_TEST

/* Roles stand in front, in one member, however much there is of them. */
START_TEST(roles_are_one_member)
{
	const struct archive_options options = { ARCHIVE_LEVEL, false, 1024, 1 };
	struct buf archive = BUF_INIT, filler = BUF_INIT;
	struct capture capture;
	struct err err = ERR_INIT;
	struct tar tar;
	struct sink *writer = archive_writer_new(capture_open(&capture), &options, &err);

	buf_addf(&filler, "/*%*s*/ ", 2000, "");
	write_header(writer, "roles");
	write_statement(writer, SECTION_GLOBALS, filler.data, "CREATE ROLE a;");
	write_statement(writer, SECTION_GLOBALS, filler.data, "CREATE ROLE b;");
	write_statement(writer, SECTION_NONE, "", "SET a = 1;");
	write_statement(writer, SECTION_PRE_DATA, "", "CREATE TABLE c ();");
	write_trailer(writer);
	ck_assert_int_eq(sink_finish(writer, &err), 0);
	sink_free(writer);
	capture_take(&capture, &archive);
	tar_take_apart(buf_slice(&archive), &tar);
	ck_assert_str_eq(tar.parts[1].name, "globals.sql.zst");
	ck_assert_str_eq(tar.parts[2].name, "1-pre-data/000001.sql.zst");
	ck_assert_str_eq(tar.parts[3].name, "manifest.json");
	for (enum archive_way way = 0; way < WAYS; way++) {
		struct recorder recorder;

		recorder_init(&recorder);
		ck_assert_msg(read_archive(buf_slice(&archive), way, &recorder.sink, &err) == 0, "%s",
		              err.message);
		ck_assert_ptr_nonnull(strstr(recorder.log.data, "globals statement 1: CREATE ROLE a;"));
		ck_assert_ptr_nonnull(strstr(recorder.log.data, "globals statement 2: CREATE ROLE b;"));
		ck_assert_ptr_nonnull(strstr(recorder.log.data, "none statement 3: SET a = 1;"));
		ck_assert_ptr_nonnull(strstr(recorder.log.data, "pre-data statement 4: CREATE TABLE c"));
		recorder_release(&recorder);
	}
	tar_release(&tar);
	buf_release(&archive);
	buf_release(&filler);
}
END_TEST

/* ---- chunks that last ---- */

#define MOST_CHUNKS 64

struct collector {
	struct sink sink;
	struct record records[MOST_CHUNKS];
	size_t count;
};

static int collector_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct collector *collector = (struct collector *)sink;

	(void)err;
	if (record->kind == RECORD_DATA) {
		ck_assert_uint_lt(collector->count, MOST_CHUNKS);
		ck_assert(record->data.chunk && record->data.chunk->lasting);
		collector->records[collector->count++] = *record;
	}
	return 0;
}

static const struct sink_ops collector_ops = { .write = collector_write };

struct unpacking {
	const struct collector *collector;
	size_t first;
	struct contents *contents;
};

#define UNPACKERS 4

static void *unpack_some(void *arg)
{
	const struct contents_options options = { .trust_pristine = false };
	struct unpacking *work = arg;
	struct err err = ERR_INIT;
	struct unpacker *unpacker = unpacker_new(&err);

	work->contents = contents_new(&err);
	for (size_t i = work->first; i < work->collector->count; i += UNPACKERS) {
		struct record record = work->collector->records[i];
		int result = chunk_unpack(unpacker, record.data.chunk, record.data.copy,
		                          &record.data.rows, &err);

		ck_assert_msg(result == 0, "%s", err.message);
		record.data.row_count = rows_count(record.data.rows);
		record.data.chunk = NULL;
		ck_assert_msg(contents_add(work->contents, &record, &options, &err) == 0, "%s",
		              err.message);
	}
	unpacker_free(unpacker);
	return NULL;
}

/* They are read by any thread, until the source is freed. */
static void unpack_in_threads(const struct collector *collector, struct contents *all)
{
	struct unpacking work[UNPACKERS];
	pthread_t threads[UNPACKERS];
	struct err err = ERR_INIT;

	for (size_t i = 0; i < UNPACKERS; i++) {
		work[i] = (struct unpacking){ collector, i, NULL };
		ck_assert_int_eq(pthread_create(&threads[i], NULL, unpack_some, &work[i]), 0);
	}
	for (size_t i = 0; i < UNPACKERS; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_int_eq(contents_merge(all, work[i].contents, &err), 0);
		contents_free(work[i].contents);
	}
}

/* The plain stream's own digests. */
static struct contents *contents_of(struct slice plain)
{
	const char *trailer = memmem(plain.data, plain.len, PLAIN_MARK_TRAILER,
	                             strlen(PLAIN_MARK_TRAILER));
	struct err err = ERR_INIT;
	struct contents *contents;

	ck_assert_ptr_nonnull(trailer);
	contents = contents_parse(slice_of(trailer + strlen(PLAIN_MARK_TRAILER)), &err);
	ck_assert_msg(contents != NULL, "%s", err.message);
	return contents;
}

START_TEST(lasting_chunks_are_read_by_threads)
{
	const struct archive_reader_options packed = { .packed = true };
	struct collector *collector = calloc(1, sizeof(*collector));
	struct buf plain = BUF_INIT, archive = BUF_INIT;
	struct err err = ERR_INIT;
	struct contents *all = contents_new(&err), *expected;

	collector->sink.ops = &collector_ops;
	big_stream(&plain);
	make_archive(buf_slice(&plain), 4096, &archive);
	struct source *source =
		archive_reader_new(input_of(buf_slice(&archive), 0, &err), &packed, &err);
	ck_assert_msg(source_run(source, &collector->sink, &err) == 0, "%s", err.message);
	ck_assert_uint_gt(collector->count, 10);
	unpack_in_threads(collector, all);
	source_free(source);
	expected = contents_of(buf_slice(&plain));
	ck_assert_msg(contents_check_equal(expected, all, ERR_INPUT, &err) == 0, "%s", err.message);
	contents_free(expected);
	contents_free(all);
	free(collector);
	buf_release(&plain);
	buf_release(&archive);
}
END_TEST

/* ---- branches ---- */

#define BRANCHES 4
#define BLOCKS_EACH 40

struct branch_work {
	struct sink *branch;
	int number;
};

static void *write_branch(void *arg)
{
	struct branch_work *work = arg;
	struct err err = ERR_INIT;
	char table[16], rows[256];

	for (int i = 0; i < BLOCKS_EACH; i++) {
		/* One table that all write, and one of its own. */
		snprintf(table, sizeof(table), i % 2 ? "shared" : "t%d", work->number);
		snprintf(rows, sizeof(rows), "%d\t%d\n%d\tsecond\n", work->number, i, i);
		write_rows(work->branch, table, "id, note", rows);
	}
	ck_assert_int_eq(sink_finish(work->branch, &err), 0);
	sink_free(work->branch);
	return NULL;
}

START_TEST(branches_write_at_the_same_time)
{
	const struct archive_options options = { ARCHIVE_LEVEL, false, USUAL_BYTES, 1 };
	struct buf archive = BUF_INIT, plain = BUF_INIT;
	struct branch_work work[BRANCHES];
	pthread_t threads[BRANCHES];
	struct capture capture;
	struct recorder recorder;
	struct err err = ERR_INIT;
	struct sink *writer = archive_writer_new(capture_open(&capture), &options, &err);

	ck_assert(sink_can_branch(writer));
	write_header(writer, "branches");
	write_statement(writer, SECTION_PRE_DATA, "", "CREATE TABLE public.shared (id int);");
	for (int i = 0; i < BRANCHES; i++) {
		work[i] = (struct branch_work){ sink_branch(writer, &err), i };
		ck_assert_msg(work[i].branch != NULL, "%s", err.message);
	}
	for (int i = 0; i < BRANCHES; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_branch, &work[i]), 0);
	/* Meanwhile the sink itself takes records, too. */
	for (int i = 0; i < BLOCKS_EACH; i++) {
		write_rows(writer, "shared", "id, note", "0\tthe sink's own\n");
		write_statement(writer, SECTION_DATA, "\n", "SELECT pg_catalog.setval('s', 1, true);");
	}
	for (int i = 0; i < BRANCHES; i++)
		pthread_join(threads[i], NULL);
	write_statement(writer, SECTION_POST_DATA, "\n", "CREATE INDEX i ON public.shared (id);");
	write_trailer(writer);
	ck_assert_int_eq(sink_finish(writer, &err), 0);
	sink_free(writer);
	capture_take(&capture, &archive);

	recorder_init(&recorder);
	for (enum archive_way way = 0; way < WAY_PIPE_BYTES; way++) {
		buf_reset(&plain);
		make_plain(buf_slice(&archive), way, &plain);
		struct contents *contents = contents_of(buf_slice(&plain));
		ck_assert_uint_eq(contents_table_count(contents), BRANCHES + 1);
		ck_assert_uint_eq(contents_find_table(contents, "public", "shared")->rows,
		                  BRANCHES * BLOCKS_EACH + BLOCKS_EACH);
		ck_assert_uint_eq(contents_find_table(contents, "public", "t3")->rows, BLOCKS_EACH);
		ck_assert_uint_eq(contents_statements(contents),
		                  2 + (BRANCHES + 1) * BLOCKS_EACH + BLOCKS_EACH);
		contents_free(contents);
		/* What the plain writer has hashed is what the branches have. */
		ck_assert_msg(read_into(buf_slice(&plain), 0, false, &recorder.sink, &err) == 0, "%s",
		              err.message);
		recorder_release(&recorder);
		recorder_init(&recorder);
	}
	recorder_release(&recorder);
	buf_release(&archive);
	buf_release(&plain);
}
END_TEST

START_TEST(unfinished_branch_spoils_the_archive)
{
	const struct archive_options options = { ARCHIVE_LEVEL, false, USUAL_BYTES, 1 };
	const struct record trailer = { .kind = RECORD_TRAILER };
	struct capture capture;
	struct err err = ERR_INIT;
	struct sink *writer = archive_writer_new(capture_open(&capture), &options, &err);

	write_header(writer, "branches");
	struct sink *branch = sink_branch(writer, &err);
	write_rows(branch, "a", "id", "1\n");
	sink_free(branch);
	ck_assert_int_eq(sink_write(writer, &trailer, &err), -1);
	ck_assert_str_eq(err.message, "1 branches of the archive were not finished");
	sink_free(writer);
	ck_assert_int_ne(access(capture.path, F_OK), 0);
}
END_TEST

/* ---- what can't be written ---- */

START_TEST(foreign_stream_becomes_no_archive)
{
	const struct archive_options options = { ARCHIVE_LEVEL, false, USUAL_BYTES, 1 };
	struct buf dump = BUF_INIT;
	struct capture capture;
	struct err err = ERR_INIT;
	struct sink *writer = archive_writer_new(capture_open(&capture), &options, &err);

	dump_stream(&dump);
	ck_assert_int_eq(read_into(buf_slice(&dump), 0, false, writer, &err), -1);
	ck_assert_int_eq(err.kind, ERR_USAGE);
	ck_assert_ptr_nonnull(strstr(err.message, "only streams of iddump become archives"));
	sink_free(writer);
	ck_assert_int_ne(access(capture.path, F_OK), 0);
	buf_release(&dump);
}
END_TEST

static void expect_refusal(struct sink *sink, const struct record *record, const char *message)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(sink_write(sink, record, &err), -1);
	ck_assert_int_eq(err.kind, ERR_INPUT);
	ck_assert_str_eq(err.message, message);
}

START_TEST(sections_out_of_order_are_refused)
{
	const struct archive_options options = { ARCHIVE_LEVEL, false, USUAL_BYTES, 1 };
	const struct record late = { .kind = RECORD_STATEMENT,
		                         .section = SECTION_PRE_DATA,
		                         .statement = { .sql = SLICE_LITERAL("SELECT 1;") } };
	struct capture capture;
	struct err err = ERR_INIT;
	struct sink *writer = archive_writer_new(capture_open(&capture), &options, &err);

	write_header(writer, "order");
	write_rows(writer, "a", "id", "1\n");
	expect_refusal(writer, &late,
	               "the stream's sections are not in their order: pre-data comes behind data");
	sink_free(writer);
}
END_TEST

START_TEST(full_disk_is_an_error_of_the_system)
{
	const struct archive_options options = { ARCHIVE_LEVEL, false, USUAL_BYTES, 1 };
	struct buf plain = BUF_INIT;
	struct err err = ERR_INIT;
	struct outfile *out = outfile_open("/dev/full", NULL, &err);
	struct sink *writer = archive_writer_new(out, &options, &err);

	own_stream(&plain);
	int result = read_into(buf_slice(&plain), 0, false, writer, &err);
	if (result == 0)
		result = sink_finish(writer, &err);
	ck_assert_int_eq(result, -1);
	ck_assert_int_eq(err.kind, ERR_SYSTEM);
	ck_assert_str_eq(err.message, "cannot write /dev/full: No space left on device");
	sink_free(writer);
	buf_release(&plain);
}
END_TEST

Suite *test_stream_archive(void)
{
	Suite *suite = suite_create("stream_archive");
	TCase *tc = tcase_create("archive");

	tcase_add_loop_test(tc, own_stream_comes_back, 0, WAYS);
	tcase_add_loop_test(tc, plain_to_archive_to_plain_is_the_same, 0, WAYS);
	tcase_add_loop_test(tc, odd_streams_come_back, 0, ODD_STREAMS);
	tcase_add_test(tc, members_and_their_order);
	tcase_add_test(tc, archives_are_reproducible);
	tcase_add_loop_test(tc, archive_through_archive_is_the_same, 0, 2);
	tcase_add_loop_test(tc, creation_time_beyond_ustar, 0, 2);
	tcase_add_loop_test(tc, large_block_becomes_many_members, 0,
	                    sizeof(chunk_sizes) / sizeof(*chunk_sizes));
	tcase_add_test(tc, row_larger_than_a_chunk_is_one_member);
	tcase_add_test(tc, comment_is_repeated_where_statements_are_cut);
	tcase_add_test(tc, roles_are_one_member);
	tcase_add_test(tc, lasting_chunks_are_read_by_threads);
	tcase_add_test(tc, branches_write_at_the_same_time);
	tcase_add_test(tc, unfinished_branch_spoils_the_archive);
	tcase_add_test(tc, foreign_stream_becomes_no_archive);
	tcase_add_test(tc, sections_out_of_order_are_refused);
	tcase_add_test(tc, full_disk_is_an_error_of_the_system);
	suite_add_tcase(suite, tc);
	return suite;
}
