#include "plain_writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "contents.h"
#include "hash.h"
#include "header.h"
#include "plain_writer_internal.h"

/*
 * With branches, `mutex` guards all of the writer: who holds it writes a whole block, or a statement.
 * The writer's own DATA records then go through a branch, too.
 */
struct plain_writer {
	struct sink sink;
	struct outfile *out;
	pthread_mutex_t mutex;
	struct sink *own_branch;
	bool own; /* header, marks and trailer are ours to write */
	enum section section;
	struct contents *contents;
	struct hash_stream *hash;
	struct hash_stream *chunk_hash;
	uint64_t chunk_rows;
	struct buf text;
};

static int put(struct plain_writer *writer, struct slice bytes, struct err *err)
{
	if (bytes.len == 0)
		return 0;
	if (writer->own)
		hash_stream_add(writer->hash, bytes.data, bytes.len);
	return outfile_write(writer->out, bytes.data, bytes.len, err);
}

/* Writes and empties the scratch buffer. */
static int put_text(struct plain_writer *writer, struct err *err)
{
	if (buf_check(&writer->text, "a stream", err) < 0)
		return -1;
	int result = put(writer, buf_slice(&writer->text), err);
	buf_reset(&writer->text);
	return result;
}

static int write_header(struct plain_writer *writer, const struct stream_header *header,
                        struct err *err)
{
	writer->own = stream_header_own(header);
	if (!writer->own)
		return 0;
	buf_adds(&writer->text, PLAIN_MARK_HEADER);
	if (stream_header_print(header, &writer->text, err) < 0)
		return -1;
	buf_addc(&writer->text, '\n');
	return put_text(writer, err);
}

static int mark_section(struct plain_writer *writer, enum section section, struct err *err)
{
	if (!writer->own || section == writer->section)
		return 0;
	writer->section = section;
	buf_addf(&writer->text, PLAIN_MARK_SECTION "%s\n", section_name(section));
	return put_text(writer, err);
}

static int write_statement(struct plain_writer *writer, const struct record *record,
                           struct err *err)
{
	if (put(writer, record->lead, err) < 0 || put(writer, record->statement.sql, err) < 0)
		return -1;
	/* Our marks need a line of their own: a statement of ours ends its line. */
	if (writer->own && record->statement.sql.len > 0)
		return put(writer, SLICE_LITERAL("\n"), err);
	return 0;
}

void plain_chunk_mark(struct buf *line, uint64_t rows, struct hash128 hash)
{
	char hex[HASH128_HEX_BYTES + 1];
	hash128_hex(hash, hex);
	buf_addf(line, PLAIN_MARK_CHUNK "{\"rows\":%llu,\"xxh128\":\"%s\"}\n",
	         (unsigned long long)rows, hex);
}

/* A whole block whose bytes were hashed already. */
static int put_block(struct plain_writer *writer, const struct record *record,
                     struct hash128 chunk_hash, struct err *err)
{
	const struct record_data *data = &record->data;
	if (put(writer, record->lead, err) < 0 || put(writer, data->copy, err) < 0 ||
	    put(writer, data->rows, err) < 0 || put(writer, data->end, err) < 0)
		return -1;
	if (writer->own)
		plain_chunk_mark(&writer->text, data->row_count, chunk_hash);
	return put_text(writer, err);
}

static int write_data(struct plain_writer *writer, const struct record *record, struct err *err)
{
	const struct record_data *data = &record->data;
	if (data->first) {
		hash_stream_reset(writer->chunk_hash);
		writer->chunk_rows = 0;
		if (put(writer, record->lead, err) < 0 || put(writer, data->copy, err) < 0)
			return -1;
	}
	if (writer->own)
		hash_stream_add(writer->chunk_hash, data->rows.data, data->rows.len);
	writer->chunk_rows += data->row_count;
	if (put(writer, data->rows, err) < 0)
		return -1;
	if (!data->last)
		return 0;
	if (put(writer, data->end, err) < 0)
		return -1;
	if (writer->own)
		plain_chunk_mark(&writer->text, writer->chunk_rows,
		                 hash_stream_value(writer->chunk_hash));
	return put_text(writer, err);
}

static int write_trailer(struct plain_writer *writer, const struct record *record,
                         struct err *err)
{
	if (put(writer, record->lead, err) < 0)
		return -1;
	if (!writer->own)
		return 0;
	if (record->trailer.contents &&
	    contents_vouch(writer->contents, record->trailer.contents, err) < 0)
		return -1;
	buf_adds(&writer->text, PLAIN_MARK_TRAILER);
	if (contents_print(writer->contents, &writer->text, err) < 0)
		return -1;
	buf_adds(&writer->text, PLAIN_TRAILER_HASH);
	if (put_text(writer, err) < 0)
		return -1;
	char hex[HASH128_HEX_BYTES + 1];
	hash128_hex(hash_stream_value(writer->hash), hex);
	buf_addf(&writer->text, "%s\"}\n", hex);
	return put_text(writer, err);
}

static int collect(struct plain_writer *writer, const struct record *record, struct err *err)
{
	const struct contents_options options = { .trust_pristine = true };
	return writer->own ? contents_add(writer->contents, record, &options, err) : 0;
}

static int write_record(struct plain_writer *writer, const struct record *record, struct err *err)
{
	/* Roles are for archives: a script that creates some is for a superuser to run. */
	if (record->kind == RECORD_STATEMENT && record->section == SECTION_GLOBALS)
		return 0;
	if (record->kind == RECORD_HEADER)
		return write_header(writer, record->header, err);
	if (collect(writer, record, err) < 0)
		return -1;
	if (record->kind == RECORD_TRAILER)
		return write_trailer(writer, record, err);
	if (mark_section(writer, record->section, err) < 0)
		return -1;
	return record->kind == RECORD_DATA ? write_data(writer, record, err)
	                                   : write_statement(writer, record, err);
}

static int writer_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct plain_writer *writer = (struct plain_writer *)sink;
	if (!writer->own_branch)
		return write_record(writer, record, err);
	if (record->kind == RECORD_DATA)
		return sink_write(writer->own_branch, record, err);
	pthread_mutex_lock(&writer->mutex);
	int result = write_record(writer, record, err);
	pthread_mutex_unlock(&writer->mutex);
	return result;
}

int plain_writer_put_block(struct plain_writer *writer, const struct record *record,
                           struct hash128 chunk_hash, struct err *err)
{
	pthread_mutex_lock(&writer->mutex);
	int result = collect(writer, record, err);
	if (result == 0)
		result = mark_section(writer, record->section, err);
	if (result == 0)
		result = put_block(writer, record, chunk_hash, err);
	pthread_mutex_unlock(&writer->mutex);
	return result;
}

static struct sink *writer_branch(struct sink *sink, struct err *err)
{
	struct plain_writer *writer = (struct plain_writer *)sink;
	if (!writer->own_branch && !(writer->own_branch = plain_branch_new(writer, err)))
		return NULL;
	return plain_branch_new(writer, err);
}

static int writer_finish(struct sink *sink, struct err *err)
{
	struct plain_writer *writer = (struct plain_writer *)sink;
	return outfile_finish(writer->out, err);
}

static void writer_free(struct sink *sink)
{
	struct plain_writer *writer = (struct plain_writer *)sink;
	sink_free(writer->own_branch);
	outfile_free(writer->out);
	contents_free(writer->contents);
	hash_stream_free(writer->hash);
	hash_stream_free(writer->chunk_hash);
	buf_release(&writer->text);
	pthread_mutex_destroy(&writer->mutex);
	free(writer);
}

static const struct sink_ops writer_ops = {
	.write = writer_write,
	.finish = writer_finish,
	.free = writer_free,
	.branch = writer_branch,
};

struct sink *plain_writer_new(struct outfile *out, struct err *err)
{
	struct plain_writer *writer = calloc(1, sizeof(*writer));
	if (!writer) {
		outfile_free(out);
		err_memory(err, "a writer");
		return NULL;
	}
	writer->sink.ops = &writer_ops;
	writer->out = out;
	pthread_mutex_init(&writer->mutex, NULL);
	writer->contents = contents_new(err);
	writer->hash = hash_stream_new(err);
	writer->chunk_hash = hash_stream_new(err);
	if (!writer->contents || !writer->hash || !writer->chunk_hash) {
		writer_free(&writer->sink);
		return NULL;
	}
	return &writer->sink;
}
