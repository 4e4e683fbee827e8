/* Delivers an archive's rows: packed, or unpacked by several threads, in the archive's order. */
#include <stdlib.h>
#include <string.h>

#include "archive_reader_internal.h"
#include "ordered.h"

/* A member that is unpacked. */
struct unpacking {
	struct table_front *front;
	bool own; /* from a pipe: front, place and bytes are ours */
	char *place;
	struct buf bytes;
	struct chunk chunk;
	struct unpacker *unpacker;
	struct slice rows; /* the unpacker's */
	uint64_t row_count;
};

struct archive_delivery {
	struct archive_reader *reader;
	struct unpacking *members;
	size_t member_count;
	struct ordered *ordered;
};

static struct record record_of(struct archive_reader *reader, const struct table_front *front,
                               const struct chunk *chunk)
{
	return (struct record){
		.kind = RECORD_DATA,
		.section = SECTION_DATA,
		.place = { front->block.line - rows_count(front->block.copy),
		           ++reader->state.statements, chunk->place },
		.lead = front->block.lead,
		.data = {
			.table = &front->target.table,
			.object = front->object,
			.copy = front->block.copy,
			.end = SLICE_LITERAL("\\.\n"),
			.first = true,
			.last = true,
			.pristine = true,
		},
	};
}

/* ---- unpacked ---- */

static int unpack(void *context, void *item, int worker, struct err *err)
{
	struct unpacking *member = item;
	const struct chunk *chunk = &member->chunk;
	(void)context;
	(void)worker;
	if (chunk_unpack(member->unpacker, chunk, member->front->block.copy, &member->rows, err) < 0)
		return -1;
	member->row_count = rows_count(member->rows);
	if (chunk->counted && member->row_count != chunk->rows)
		return err_set(err, ERR_INPUT, "%s: it has %llu rows, but the manifest says %llu",
		               chunk->place, (unsigned long long)member->row_count,
		               (unsigned long long)chunk->rows);
	return 0;
}

static void forget(struct unpacking *member)
{
	if (member->own)
		table_front_free(member->front);
	free(member->place);
	unpacker_done(member->unpacker);
	if (member->bytes.len > CHUNK_LARGE_BYTES)
		buf_release(&member->bytes);
	member->place = NULL;
	member->front = NULL;
	member->own = false;
}

static int deliver(void *context, void *item, struct err *err)
{
	struct archive_delivery *delivery = context;
	struct archive_reader *reader = delivery->reader;
	struct unpacking *member = item;
	struct record record = record_of(reader, member->front, &member->chunk);
	record.data.rows = member->rows;
	record.data.row_count = member->row_count;
	/* From a pipe: for the manifest, which comes last. */
	if (member->own)
		reader->found->members[member->chunk.member].rows = member->row_count;
	int result = sink_write(reader->sink, &record, err);
	forget(member);
	return result;
}

/* What the reader's buffers hold is the next member's soon. */
static int keep(struct archive_reader *reader, struct unpacking *member, struct err *err)
{
	const struct buf free_bytes = member->bytes;
	member->own = true;
	member->bytes = reader->bytes;
	reader->bytes = free_bytes;
	member->chunk.bytes = buf_slice(&member->bytes);
	member->place = strdup(member->chunk.place);
	member->chunk.place = member->place;
	return member->place ? 0 : err_memory(err, "a chunk of rows");
}

/* A large chunk is in memory alone: all before it have been delivered, and so is it. */
static int deliver_unpacked(struct archive_reader *reader, struct table_front *front,
                            const struct chunk *chunk, struct err *err)
{
	struct ordered *ordered = reader->delivery->ordered;
	const bool alone = chunk_is_large(chunk);
	struct unpacking *member = NULL;
	if (!alone || ordered_drain(ordered, err) == 0)
		member = ordered_next(ordered, err);
	if (!member) {
		if (!chunk->lasting)
			table_front_free(front);
		return -1;
	}
	member->front = front;
	member->chunk = *chunk;
	if (!chunk->lasting && keep(reader, member, err) < 0)
		return -1;
	if (ordered_submit(ordered, err) < 0)
		return -1;
	return alone ? ordered_drain(ordered, err) : 0;
}

/* ---- packed ---- */

static int deliver_packed(struct archive_reader *reader, struct table_front *front,
                          const struct chunk *chunk, struct err *err)
{
	struct record record = record_of(reader, front, chunk);
	record.data.chunk = chunk;
	record.data.row_count = chunk->counted ? chunk->rows : 0;
	int result = sink_write(reader->sink, &record, err);
	if (!chunk->lasting)
		table_front_free(front);
	return result;
}

int archive_reader_deliver(struct archive_reader *reader, struct table_front *front,
                           const struct chunk *chunk, struct err *err)
{
	return reader->delivery ? deliver_unpacked(reader, front, chunk, err)
	                        : deliver_packed(reader, front, chunk, err);
}

int archive_delivery_drain(struct archive_delivery *delivery, struct err *err)
{
	return delivery ? ordered_drain(delivery->ordered, err) : 0;
}

/* ---- begin and end ---- */

static int make_parts(struct archive_delivery *delivery, int jobs, struct err *err)
{
	const struct ordered_options options = {
		.jobs = jobs,
		.items = delivery->members,
		.item_size = sizeof(*delivery->members),
		.context = delivery,
		.work = unpack,
		.deliver = deliver,
	};
	for (; delivery->member_count < ordered_items(jobs); delivery->member_count++) {
		struct unpacker *unpacker = unpacker_new(err);
		if (!unpacker)
			return -1;
		delivery->members[delivery->member_count].unpacker = unpacker;
	}
	delivery->ordered = ordered_new(&options, err);
	return delivery->ordered ? 0 : -1;
}

struct archive_delivery *archive_delivery_new(struct archive_reader *reader, int jobs,
                                              struct err *err)
{
	struct archive_delivery *delivery = calloc(1, sizeof(*delivery));
	if (delivery)
		delivery->members = calloc(ordered_items(jobs), sizeof(*delivery->members));
	if (!delivery || !delivery->members) {
		free(delivery);
		err_memory(err, "a reader");
		return NULL;
	}
	delivery->reader = reader;
	if (make_parts(delivery, jobs, err) < 0) {
		archive_delivery_free(delivery);
		return NULL;
	}
	return delivery;
}

void archive_delivery_free(struct archive_delivery *delivery)
{
	if (!delivery)
		return;
	ordered_free(delivery->ordered);
	for (size_t i = 0; i < delivery->member_count; i++) {
		forget(&delivery->members[i]);
		buf_release(&delivery->members[i].bytes);
		unpacker_free(delivery->members[i].unpacker);
	}
	free(delivery->members);
	free(delivery);
}
