#include "streams.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "header.h"
#include "plain_reader.h"
#include "plain_writer.h"

/* ---- inputs ---- */

int fd_of(struct slice bytes)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	for (size_t done = 0; done < bytes.len;) {
		ssize_t put = write(fd, bytes.data + done, bytes.len - done);

		ck_assert_int_gt(put, 0);
		done += (size_t)put;
	}
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

struct feeder {
	int fd;
	size_t piece;
	size_t len;
	char bytes[];
};

/* A pipe with O_DIRECT: one read(2) gives what one write(2) put. */
static void *feed(void *arg)
{
	struct feeder *feeder = arg;
	size_t done = 0;

	while (done < feeder->len) {
		size_t left = feeder->len - done;
		size_t piece = left < feeder->piece ? left : feeder->piece;

		if (write(feeder->fd, feeder->bytes + done, piece) != (ssize_t)piece)
			break;
		done += piece;
	}
	close(feeder->fd);
	free(feeder);
	return NULL;
}

static int fd_in_pieces(struct slice bytes, size_t piece)
{
	struct feeder *feeder = malloc(sizeof(*feeder) + bytes.len);
	pthread_attr_t detached;
	pthread_t thread;
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_DIRECT), 0);
	ck_assert_ptr_nonnull(feeder);
	feeder->fd = ends[1];
	feeder->piece = piece;
	feeder->len = bytes.len;
	if (bytes.len > 0)
		memcpy(feeder->bytes, bytes.data, bytes.len);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	ck_assert_int_eq(pthread_create(&thread, &detached, feed, feeder), 0);
	pthread_attr_destroy(&detached);
	return ends[0];
}

struct input *input_of(struct slice bytes, size_t piece, struct err *err)
{
	int fd = piece ? fd_in_pieces(bytes, piece) : fd_of(bytes);

	return input_from_fd(fd, "script", NULL, err);
}

int input_of_all(struct slice bytes, size_t piece, size_t most, struct buf *out, struct err *err)
{
	struct input *input = input_of(bytes, piece, err);
	ssize_t got = -1;

	while (input && !out->failed) {
		buf_reserve(out, most);
		got = input_read(input, out->data + out->len, most, err);
		if (got <= 0)
			break;
		ck_assert_uint_le((size_t)got, most);
		out->len += (size_t)got;
	}
	input_free(input);
	return (int)got;
}

/* ---- the recording sink ---- */

static void log_statement(struct recorder *recorder, const struct record *record)
{
	const struct record_statement *statement = &record->statement;
	const struct object *object = &statement->object;

	buf_addf(&recorder->log, "%llu %s statement %llu: %.*s", (unsigned long long)record->place.line,
	         section_name(record->section), (unsigned long long)record->place.statement,
	         SLICE_ARG(statement->sql));
	if (object->type.data)
		buf_addf(&recorder->log, " [%.*s|%.*s|%.*s|%.*s]", SLICE_ARG(object->type),
		         SLICE_ARG(object->schema), SLICE_ARG(object->name), SLICE_ARG(object->owner));
	buf_adds(&recorder->log, "\n");
	buf_add_slice(&recorder->bytes, record->lead);
	buf_add_slice(&recorder->bytes, statement->sql);
}

static void log_data(struct recorder *recorder, const struct record *record)
{
	const struct record_data *data = &record->data;

	ck_assert_uint_eq(data->row_count, rows_count(data->rows));
	if (data->first) {
		const struct copy_table *table = data->table;

		buf_addf(&recorder->log, "%llu %s copy %llu: %.*s.%.*s (",
		         (unsigned long long)record->place.line, section_name(record->section),
		         (unsigned long long)record->place.statement, SLICE_ARG(table->schema),
		         SLICE_ARG(table->name));
		for (size_t i = 0; i < table->column_count; i++)
			buf_addf(&recorder->log, "%s%.*s", i ? "," : "", SLICE_ARG(table->columns[i]));
		buf_adds(&recorder->log, ")");
		recorder->block_rows = 0;
	}
	recorder->block_rows += data->row_count;
	if (data->last)
		buf_addf(&recorder->log, " rows=%llu%s\n", (unsigned long long)recorder->block_rows,
		         data->crlf ? " crlf" : "");
	/* Only the first piece carries a lead. */
	ck_assert(data->first || record->lead.len == 0);
	buf_add_slice(&recorder->bytes, record->lead);
	buf_add_slice(&recorder->bytes, data->copy);
	buf_add_slice(&recorder->bytes, data->rows);
	buf_add_slice(&recorder->bytes, data->end);
}

static void log_record(struct recorder *recorder, const struct record *record)
{
	static const char *const ends[] = { "none", "pg_dump", "idkit" };

	switch (record->kind) {
	case RECORD_HEADER:
		buf_addf(&recorder->log, "header %s\n",
		         stream_header_own(record->header) ? "own" : "foreign");
		break;
	case RECORD_STATEMENT:
		log_statement(recorder, record);
		break;
	case RECORD_DATA:
		log_data(recorder, record);
		break;
	case RECORD_TRAILER:
		buf_addf(&recorder->log, "trailer %s\n", ends[record->trailer.end]);
		buf_add_slice(&recorder->bytes, record->lead);
		recorder->trailer_seen = true;
		break;
	}
}

static int recorder_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct recorder *recorder = (struct recorder *)sink;

	ck_assert_msg(!recorder->failed, "a write after one that failed");
	ck_assert_msg(!recorder->trailer_seen, "a record behind the trailer");
	recorder->writes++;
	if (recorder->writes == recorder->fail_at) {
		recorder->failed = true;
		return err_set(err, ERR_DATABASE, RECORDER_FAILURE);
	}
	log_record(recorder, record);
	return 0;
}

static int recorder_finish(struct sink *sink, struct err *err)
{
	struct recorder *recorder = (struct recorder *)sink;

	(void)err;
	ck_assert(recorder->trailer_seen);
	recorder->finished = true;
	return 0;
}

static void recorder_free(struct sink *sink)
{
	(void)sink; /* the test's: it looks at it afterwards */
}

static const struct sink_ops recorder_ops = {
	.write = recorder_write,
	.finish = recorder_finish,
	.free = recorder_free,
};

void recorder_init(struct recorder *recorder)
{
	memset(recorder, 0, sizeof(*recorder));
	recorder->sink.ops = &recorder_ops;
	buf_adds(&recorder->bytes, "");
	buf_adds(&recorder->log, "");
}

void recorder_release(struct recorder *recorder)
{
	buf_release(&recorder->bytes);
	buf_release(&recorder->log);
}

/* ---- running ---- */

int read_into(struct slice bytes, size_t piece, bool allow_incomplete, struct sink *sink,
              struct err *err)
{
	const struct plain_reader_options options = { .allow_incomplete = allow_incomplete };
	struct input *input = input_of(bytes, piece, err);
	struct source *source = input ? plain_reader_new(input, &options, err) : NULL;
	int result = source ? source_run(source, sink, err) : -1;

	source_free(source);
	ck_assert_int_eq(result == 0, !err_is_set(err));
	return result;
}

struct outfile *capture_open(struct capture *capture)
{
	struct err err = ERR_INIT;
	struct outfile *out;
	int fd;

	strcpy(capture->path, "/tmp/idkit-stream-XXXXXX");
	fd = mkstemp(capture->path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	unlink(capture->path);
	out = outfile_open(capture->path, NULL, &err);
	ck_assert_msg(out != NULL, "%s", err.message);
	return out;
}

void capture_take(struct capture *capture, struct buf *out)
{
	int fd = open(capture->path, O_RDONLY);
	ssize_t got;

	ck_assert_int_ge(fd, 0);
	do {
		buf_reserve(out, 65536);
		got = read(fd, out->data + out->len, 65536);
		ck_assert_int_ge(got, 0);
		out->len += (size_t)got;
	} while (got > 0);
	buf_addc(out, '\0');
	buf_truncate(out, out->len - 1);
	close(fd);
	unlink(capture->path);
}

int copy_stream(struct slice bytes, size_t piece, bool allow_incomplete, struct buf *out,
                struct err *err)
{
	struct capture capture;
	struct sink *writer = plain_writer_new(capture_open(&capture), err);
	int result;

	ck_assert_ptr_nonnull(writer);
	result = read_into(bytes, piece, allow_incomplete, writer, err);
	if (result == 0) {
		ck_assert_int_eq(sink_finish(writer, err), 0);
		capture_take(&capture, out);
	}
	sink_free(writer);
	/* A sink that is freed without finish leaves no file. */
	ck_assert_int_ne(access(capture.path, F_OK), 0);
	return result;
}

/* ---- sample streams ---- */

static void write_record(struct sink *sink, const struct record *record)
{
	struct err err = ERR_INIT;
	int result = sink_write(sink, record, &err);

	ck_assert_msg(result == 0, "%s", err.message);
}

void write_header(struct sink *sink, const char *database)
{
	struct err err = ERR_INIT;
	struct stream_header *header = stream_header_new(&err);
	struct record record = { .kind = RECORD_HEADER };

	ck_assert_ptr_nonnull(header);
	ck_assert_int_eq(stream_header_set(header, "database", database, &err), 0);
	record.header = header;
	write_record(sink, &record);
	stream_header_free(header);
}

void write_statement(struct sink *sink, enum section section, const char *lead, const char *sql)
{
	struct record record = { .kind = RECORD_STATEMENT, .section = section };
	struct slice comment;

	record.lead = slice_of(lead);
	record.statement.sql = slice_of(sql);
	record.statement.standard_strings = true;
	record.statement.class = statement_classify(record.statement.sql, true);
	toc_comment_parse(record.lead, &record.statement.object, &comment);
	write_record(sink, &record);
}

#define MOST_COLUMNS 8

void write_rows(struct sink *sink, const char *table, const char *columns, const char *rows)
{
	struct slice names[MOST_COLUMNS];
	struct copy_table copy = { .schema = SLICE_LITERAL("public"),
		                       .name = slice_of(table),
		                       .columns = names,
		                       .has_columns = columns != NULL,
		                       .text_format = true };
	struct record record = { .kind = RECORD_DATA, .section = SECTION_DATA };
	struct buf statement = BUF_INIT;

	for (const char *at = columns; at && *at;) {
		size_t len = strcspn(at, ",");

		ck_assert_uint_lt(copy.column_count, MOST_COLUMNS);
		names[copy.column_count++] = slice_trim((struct slice){ at, len });
		at += len + (at[len] == ',');
	}
	buf_addf(&statement, "COPY public.%s %s%s%s FROM stdin;\n", table, columns ? "(" : "",
	         columns ? columns : "", columns ? ")" : "");
	record.lead = SLICE_LITERAL("\n");
	record.data = (struct record_data){
		.table = &copy,
		.copy = buf_slice(&statement),
		.rows = slice_of(rows),
		.end = SLICE_LITERAL("\\.\n"),
		.row_count = rows_count(slice_of(rows)),
		.first = true,
		.last = true,
	};
	write_record(sink, &record);
	buf_release(&statement);
}

void write_trailer(struct sink *sink)
{
	struct record record = { .kind = RECORD_TRAILER };

	record.trailer.end = STREAM_END_IDKIT;
	write_record(sink, &record);
}

void own_stream(struct buf *out)
{
	struct capture capture;
	struct err err = ERR_INIT;
	struct sink *writer = plain_writer_new(capture_open(&capture), &err);

	ck_assert_ptr_nonnull(writer);
	write_header(writer, "keycloak");
	write_statement(writer, SECTION_PRE_DATA, "", "SET client_encoding = 'UTF8';");
	write_statement(writer, SECTION_PRE_DATA,
	                "\n--\n-- Name: a; Type: TABLE; Schema: public; Owner: joe\n--\n\n",
	                "CREATE TABLE public.a (\n    id integer,\n    note text\n);");
	write_statement(writer, SECTION_PRE_DATA, "\n\n", "ALTER TABLE public.a OWNER TO joe;");
	write_statement(writer, SECTION_PRE_DATA,
	                "\n--\n-- Name: f(); Type: FUNCTION; Schema: public; Owner: joe\n--\n\n",
	                "CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $$\n"
	                "BEGIN\n  DROP SCHEMA public; -- ;\nEND $$;");
	write_rows(writer, "a", "id, note", "1\tone\n2\tDROP SCHEMA public;\n");
	write_rows(writer, "b", "id", "7\n");
	write_rows(writer, "a", "id, note", "3\t\\N\n");
	write_rows(writer, "nothing", NULL, "\n\n");
	write_rows(writer, "empty", "id", "");
	write_statement(writer, SECTION_DATA,
	                "\n--\n-- Name: s; Type: SEQUENCE SET; Schema: public; Owner: joe\n--\n\n",
	                "SELECT pg_catalog.setval('public.s', 42, true);");
	write_statement(writer, SECTION_DATA, "\n", "SELECT pg_catalog.lo_create('16400');");
	write_statement(writer, SECTION_DATA, "", "SELECT pg_catalog.lo_put('16400', 0, '\\x00ff41');");
	write_statement(writer, SECTION_POST_DATA,
	                "\n--\n-- Name: a_i; Type: INDEX; Schema: public; Owner: joe\n--\n\n",
	                "CREATE INDEX a_i ON public.a USING btree (id);");
	write_trailer(writer);
	ck_assert_int_eq(sink_finish(writer, &err), 0);
	sink_free(writer);
	capture_take(&capture, out);
}

const char dump_to_mark[] =
    "--\n-- PostgreSQL database dump\n--\n\n"
    "\\restrict Zq3xY7\n\n"
    "-- Dumped from database version 15.8\n-- Dumped by pg_dump version 15.8\n\n"
    "SET statement_timeout = 0;\nSET client_encoding = 'UTF8';\n"
    "SELECT pg_catalog.set_config('search_path', '', false);\n\n"
    "--\n-- Name: f(); Type: FUNCTION; Schema: public; Owner: joe\n--\n\n"
    "CREATE FUNCTION public.f() RETURNS void\n    LANGUAGE plpgsql\n    AS $$\n"
    "BEGIN\n  EXECUTE 'DROP SCHEMA public';\n  -- PostgreSQL database dump complete\nEND $$;\n\n\n"
    "ALTER FUNCTION public.f() OWNER TO joe;\n\n"
    "SET default_tablespace = '';\n\n"
    "--\n-- Name: a; Type: TABLE; Schema: public; Owner: joe\n--\n\n"
    "CREATE TABLE public.a (\n    id integer,\n    \"n;\" text DEFAULT 'it''s; --'::text\n);\n\n\n"
    "ALTER TABLE public.a OWNER TO joe;\n\n"
    "--\n-- Name: none; Type: TABLE; Schema: public; Owner: joe\n--\n\n"
    "CREATE TABLE public.\"none\" (\n);\n\n\n"
    "--\n-- Data for Name: a; Type: TABLE DATA; Schema: public; Owner: joe\n--\n\n"
    "COPY public.a (id, \"n;\") FROM stdin;\n1\tone\n2\t\\N\n3\t\\\\.\n"
    "4\t-- PostgreSQL database dump complete\n\\.\n\n\n"
    "--\n-- Data for Name: none; Type: TABLE DATA; Schema: public; Owner: joe\n--\n\n"
    "COPY public.\"none\"  FROM stdin;\n\n\n\\.\n\n\n"
    "--\n-- Name: s; Type: SEQUENCE SET; Schema: public; Owner: joe\n--\n\n"
    "SELECT pg_catalog.setval('public.s', 1, false);\n\n\n"
    "--\n-- Name: a a_pkey; Type: CONSTRAINT; Schema: public; Owner: joe\n--\n\n"
    "ALTER TABLE ONLY public.a\n    ADD CONSTRAINT a_pkey PRIMARY KEY (id);\n\n\n"
    "--\n-- PostgreSQL database dump complete";

const char dump_behind_mark[] = "\n--\n\n\\unrestrict Zq3xY7\n\n";

void dump_stream(struct buf *out)
{
	buf_adds(out, dump_to_mark);
	buf_adds(out, dump_behind_mark);
	ck_assert(!out->failed);
}

void to_crlf(const struct buf *from, struct buf *to)
{
	for (size_t i = 0; i < from->len; i++) {
		if (from->data[i] == '\n')
			buf_addc(to, '\r');
		buf_addc(to, from->data[i]);
	}
	ck_assert(!to->failed);
}
