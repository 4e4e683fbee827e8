/* A branch of the plain writer: what of it runs in the caller's thread. */
#include <stdlib.h>

#include "hash.h"
#include "plain_writer_internal.h"

struct plain_branch {
	struct sink sink;
	struct plain_writer *writer;
	struct hash_stream *hash;
	/* The block that is coming, when it comes in pieces. */
	struct record block;
	struct buf lead;
	struct buf copy;
	struct buf rows;
	struct hash128 sum;
};

static struct hash128 hash_bytes(struct plain_branch *branch, struct slice bytes)
{
	hash_stream_reset(branch->hash);
	hash_stream_add(branch->hash, bytes.data, bytes.len);
	return hash_stream_value(branch->hash);
}

static int put_block(struct plain_branch *branch, const struct record *record, struct err *err)
{
	const struct record_data *data = &record->data;
	struct record block = *record;
	struct hash128 sum = { 0, 0 };
	uint64_t counted = 0;
	/* Those of pristine rows are the trailer's. */
	if (!data->sum && !data->pristine) {
		hash128_rows(data->rows, data->crlf, &counted, &sum);
		block.data.sum = &sum;
	}
	return plain_writer_put_block(branch->writer, &block, hash_bytes(branch, data->rows), err);
}

static void begin_block(struct plain_branch *branch, const struct record *record)
{
	branch->block = *record;
	buf_reset(&branch->lead);
	buf_reset(&branch->copy);
	buf_reset(&branch->rows);
	buf_add_slice(&branch->lead, record->lead);
	buf_add_slice(&branch->copy, record->data.copy);
	branch->block.data.row_count = 0;
	branch->sum = (struct hash128){ 0, 0 };
}

static int branch_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct plain_branch *branch = (struct plain_branch *)sink;
	const struct record_data *data = &record->data;
	struct record *block = &branch->block;
	if (data->first && data->last)
		return put_block(branch, record, err);
	if (data->first)
		begin_block(branch, record);
	buf_add_slice(&branch->rows, data->rows);
	block->data.row_count += data->row_count;
	if (data->sum)
		branch->sum = hash128_add(branch->sum, *data->sum);
	/* Some pieces added up are of no use. */
	block->data.sum = block->data.sum && data->sum ? &branch->sum : NULL;
	if (!data->last)
		return buf_check(&branch->rows, "a table's rows", err);
	if (buf_check(&branch->lead, "a table's rows", err) < 0 ||
	    buf_check(&branch->copy, "a table's rows", err) < 0 ||
	    buf_check(&branch->rows, "a table's rows", err) < 0)
		return -1;
	block->lead = buf_slice(&branch->lead);
	block->data.copy = buf_slice(&branch->copy);
	block->data.rows = buf_slice(&branch->rows);
	block->data.end = data->end;
	block->data.last = true;
	return put_block(branch, block, err);
}

static void branch_free(struct sink *sink)
{
	struct plain_branch *branch = (struct plain_branch *)sink;
	hash_stream_free(branch->hash);
	buf_release(&branch->lead);
	buf_release(&branch->copy);
	buf_release(&branch->rows);
	free(branch);
}

static const struct sink_ops branch_ops = { .write = branch_write, .free = branch_free };

struct sink *plain_branch_new(struct plain_writer *writer, struct err *err)
{
	struct plain_branch *branch = calloc(1, sizeof(*branch));
	if (!branch) {
		err_memory(err, "a writer");
		return NULL;
	}
	branch->sink.ops = &branch_ops;
	branch->writer = writer;
	branch->hash = hash_stream_new(err);
	if (!branch->hash) {
		branch_free(&branch->sink);
		return NULL;
	}
	return &branch->sink;
}
