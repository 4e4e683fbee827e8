/* Rows that are left in their file: a restore with several jobs reads them there. */
#include <stdlib.h>

#include "chunk.h"
#include "plain_reader_internal.h"

/* As large as an archive's: what a worker holds in memory. */
#define CHUNK_BYTES ((size_t)8 * 1024 * 1024)

/* The texts of a COPY block: as long as the source. */
struct lasting_block {
	struct lasting_block *next;
	struct copy_target target;
	char *texts[6];
	size_t text_count;
	bool failed;
};

struct lasting_chunk {
	struct lasting_chunk *next;
	struct chunk chunk;
};

struct plain_chunks {
	int fd;
	uint64_t begin; /* of the input in its file */
	struct lasting_block *blocks;
	struct lasting_chunk *chunks;
	/* The block that passes. */
	struct record record;
	struct chunk pending;
	struct hash_stream *hash; /* of its rows */
	bool delivered; /* one of its chunks was */
};

int plain_chunks_new(struct plain_reader *reader, struct err *err)
{
	uint64_t begin, end;
	int fd = input_file(reader->input, &begin, &end);
	if (fd < 0)
		return 0;
	struct plain_chunks *chunks = calloc(1, sizeof(*chunks));
	if (!chunks)
		return err_memory(err, "a reader");
	chunks->fd = fd;
	chunks->begin = begin;
	reader->chunks = chunks;
	chunks->hash = hash_stream_new(err);
	return chunks->hash ? 0 : -1;
}

static void block_free(struct lasting_block *block)
{
	for (size_t i = 0; i < block->text_count; i++)
		free(block->texts[i]);
	copy_target_release(&block->target);
	free(block);
}

void plain_chunks_free(struct plain_chunks *chunks)
{
	if (!chunks)
		return;
	while (chunks->blocks) {
		struct lasting_block *block = chunks->blocks;
		chunks->blocks = block->next;
		block_free(block);
	}
	while (chunks->chunks) {
		struct lasting_chunk *chunk = chunks->chunks;
		chunks->chunks = chunk->next;
		free(chunk);
	}
	hash_stream_free(chunks->hash);
	free(chunks);
}

/* A copy that lasts as long as the block. */
static void keep(struct lasting_block *block, struct slice *text)
{
	if (!text->data)
		return;
	char *copy = slice_dup(*text);
	if (!copy) {
		block->failed = true;
		return;
	}
	block->texts[block->text_count++] = copy;
	text->data = copy;
}

static void keep_record(struct lasting_block *block, struct record *record)
{
	keep(block, &record->lead);
	keep(block, &record->data.copy);
	keep(block, &record->data.object.type);
	keep(block, &record->data.object.schema);
	keep(block, &record->data.object.name);
	keep(block, &record->data.object.owner);
}

int plain_chunks_begin(struct plain_chunks *chunks, const struct record *record, struct err *err)
{
	struct lasting_block *block = calloc(1, sizeof(*block));
	if (!block)
		return err_memory(err, "a COPY statement");
	block->next = chunks->blocks;
	chunks->blocks = block;
	chunks->record = *record;
	keep_record(block, &chunks->record);
	if (block->failed)
		return err_memory(err, "a COPY statement");
	/* The statement was read already: how its strings are quoted matters in no table's name. */
	if (copy_target_read(&block->target, chunks->record.data.copy, true, err) < 0)
		return -1;
	chunks->record.data.table = &block->target.table;
	chunks->pending = (struct chunk){ .size = 0 };
	chunks->delivered = false;
	return 0;
}

static struct chunk *new_chunk(struct plain_chunks *chunks, struct err *err)
{
	struct lasting_chunk *chunk = calloc(1, sizeof(*chunk));
	if (!chunk) {
		err_memory(err, "a chunk of rows");
		return NULL;
	}
	chunk->next = chunks->chunks;
	chunks->chunks = chunk;
	chunk->chunk = chunks->pending;
	return &chunk->chunk;
}

static int deliver(struct plain_chunks *chunks, struct plain_reader *reader, struct err *err)
{
	struct record *record = &chunks->record;
	struct record_data *data = &record->data;
	struct chunk *chunk = new_chunk(chunks, err);
	if (!chunk)
		return -1;
	chunk->form = CHUNK_ROWS;
	chunk->place = reader->name;
	chunk->lasting = true;
	chunk->fd = chunks->fd;
	chunk->raw_bytes = chunk->size;
	chunk->has_hash = true;
	chunk->hash = hash_stream_value(chunks->hash);
	chunk->member = SIZE_MAX;
	/* That of its COPY line, as for blocks whose rows are here. */
	record->place.line = chunk->line - rows_count(data->copy);
	hash_stream_reset(chunks->hash);
	data->chunk = chunk;
	data->row_count = chunk->rows;
	data->first = data->last = true;
	data->end = data->crlf ? SLICE_LITERAL("\\.\r\n") : SLICE_LITERAL("\\.\n");
	if (sink_write(reader->sink, record, err) < 0)
		return -1;
	record->lead = SLICE_NONE;
	chunks->pending = (struct chunk){ .size = 0 };
	chunks->delivered = true;
	return 0;
}

int plain_chunks_add(struct plain_chunks *chunks, struct plain_reader *reader,
                     const struct record_data *data, struct slice rows, struct err *err)
{
	struct chunk *pending = &chunks->pending;
	if (pending->size >= CHUNK_BYTES && deliver(chunks, reader, err) < 0)
		return -1;
	if (pending->size == 0) {
		pending->offset = chunks->begin + reader->window.taken;
		pending->line = reader->window.line;
	}
	chunks->record.data.crlf = data->crlf;
	hash_stream_add(chunks->hash, rows.data, rows.len);
	pending->size += rows.len;
	pending->rows += data->row_count;
	return 0;
}

int plain_chunks_end(struct plain_chunks *chunks, struct plain_reader *reader, struct err *err)
{
	if (chunks->delivered && chunks->pending.size == 0)
		return 0;
	if (chunks->pending.size == 0)
		chunks->pending.line = reader->window.line;
	return deliver(chunks, reader, err);
}
