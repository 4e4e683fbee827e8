/* A branch of the plain writer: what of it runs in the caller's thread. */
#include <stdlib.h>

#include "hash.h"
#include "plain_writer_internal.h"

/* What one very long row has taken is not kept. */
#define KEPT_BYTES ((size_t)64 * 1024 * 1024)

struct plain_branch {
	struct sink sink;
	struct plain_writer *writer;
	/* The block that is coming. */
	struct record block;
	struct buf lead;
	struct buf copy;
	struct buf rows;
	struct hash_stream *hash; /* of its rows' bytes */
	struct hash128 sum;       /* of its rows' hashes; those of pristine ones are the trailer's */
};

static void begin_block(struct plain_branch *branch, const struct record *record)
{
	if (branch->rows.capacity > KEPT_BYTES)
		buf_release(&branch->rows);
	buf_reset(&branch->lead);
	buf_reset(&branch->copy);
	buf_reset(&branch->rows);
	buf_add_slice(&branch->lead, record->lead);
	buf_add_slice(&branch->copy, record->data.copy);
	hash_stream_reset(branch->hash);
	branch->sum = (struct hash128){ 0, 0 };
	branch->block = *record;
	branch->block.data.row_count = 0;
	branch->block.data.sum = record->data.pristine ? NULL : &branch->sum;
}

/* Hashed while the piece is in the processor's cache. */
static void add_piece(struct plain_branch *branch, const struct record_data *data)
{
	uint64_t counted = 0;
	buf_add_slice(&branch->rows, data->rows);
	hash_stream_add(branch->hash, data->rows.data, data->rows.len);
	branch->block.data.row_count += data->row_count;
	if (data->sum)
		branch->sum = hash128_add(branch->sum, *data->sum);
	else if (!data->pristine)
		hash128_rows(data->rows, data->crlf, &counted, &branch->sum);
}

static int put_block(struct plain_branch *branch, const struct record_data *last, struct err *err)
{
	struct record *block = &branch->block;
	if (buf_check(&branch->lead, "a table's rows", err) < 0 ||
	    buf_check(&branch->copy, "a table's rows", err) < 0)
		return -1;
	block->lead = buf_slice(&branch->lead);
	block->data.copy = buf_slice(&branch->copy);
	block->data.rows = buf_slice(&branch->rows);
	block->data.end = last->end;
	block->data.last = true;
	return plain_writer_put_block(branch->writer, block, hash_stream_value(branch->hash), err);
}

static int branch_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct plain_branch *branch = (struct plain_branch *)sink;
	if (record->data.first)
		begin_block(branch, record);
	add_piece(branch, &record->data);
	if (buf_check(&branch->rows, "a table's rows", err) < 0)
		return -1;
	return record->data.last ? put_block(branch, &record->data, err) : 0;
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
