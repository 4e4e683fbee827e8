/* An archive's members of rows: whose they are, and what is known of them before they are unpacked. */
#include <stdlib.h>
#include <string.h>

#include "archive_reader_internal.h"

/* The front that is unpacked at first: lead and COPY line are nearly always in it.  Of the frame, at least
 * a block (128 KiB) must be there. */
#define FRONT_BYTES        ((size_t)16 * 1024)
#define PACKED_FRONT_BYTES ((size_t)256 * 1024)
/* The COPY line of 1600 columns with names of 63 bytes of which each is a quote. */
#define LARGEST_FRONT_BYTES ((size_t)512 * 1024)

/* ---- the front ---- */

int archive_reader_is_rows(struct archive_reader *reader, struct slice bytes, struct err *err)
{
	struct copy_block block;
	for (size_t want = FRONT_BYTES;; want *= 4) {
		if (frame_unpack_front(reader->frames, bytes, want, &reader->text, err) < 0)
			return err_prefix(err, "%s", reader->place.data);
		bool whole = reader->text.len < want || want >= LARGEST_FRONT_BYTES;
		enum copy_front front = copy_block_front(buf_slice(&reader->text), whole, &block);
		if (front != COPY_FRONT_SHORT)
			return front == COPY_FRONT_ROWS;
	}
}

void table_front_free(struct table_front *front)
{
	if (!front)
		return;
	copy_target_release(&front->target);
	buf_release(&front->text);
	buf_release(&front->names);
	free(front);
}

/* pg_dump's comment says it, else the statement. */
static void find_object(struct table_front *front)
{
	struct slice comment;
	if (toc_comment_parse(front->block.lead, &front->object, &comment) &&
	    slice_equals(front->object.type, "TABLE DATA"))
		return;
	if (!statement_object(slice_trim(front->block.copy), true, &front->names, &front->object))
		front->object = (struct object){ 0 };
}

static int read_front(struct table_front *front, struct slice text, struct err *err)
{
	struct copy_block *block = &front->block;
	if (copy_block_front(text, true, block) != COPY_FRONT_ROWS)
		return err_set(err, ERR_INPUT, "it holds no rows");
	buf_add(&front->text, text.data, block->lead.len + block->copy.len);
	if (buf_check(&front->text, "a COPY statement", err) < 0)
		return -1;
	block->lead.data = front->text.data;
	block->copy.data = front->text.data + block->lead.len;
	find_object(front);
	if (copy_target_read(&front->target, block->copy, true, err) < 0)
		return -1;
	if (!front->target.table.text_format)
		return err_set(err, ERR_INPUT, "its rows are in another format than text");
	return 0;
}

/* From what archive_reader_is_rows() has unpacked.  NULL on error. */
static struct table_front *front_new(struct archive_reader *reader, struct err *err)
{
	struct table_front *front = calloc(1, sizeof(*front));
	if (!front) {
		err_memory(err, "a COPY statement");
		return NULL;
	}
	if (read_front(front, buf_slice(&reader->text), err) < 0) {
		err_prefix(err, "%s", reader->place.data);
		table_front_free(front);
		return NULL;
	}
	front->next = reader->fronts;
	return reader->fronts = front;
}

static bool is_of(const struct table_front *front, const char *schema, const char *table)
{
	return slice_equals(front->target.table.schema, schema) &&
	       slice_equals(front->target.table.name, table);
}

/* Reads the first bytes of a member in a file. */
static int unpack_front(struct archive_reader *reader, const struct manifest_member *member,
                        struct err *err)
{
	struct archive_member where = { .offset = member->offset, .bytes = member->bytes };
	strncpy(where.name, member->name, sizeof(where.name) - 1);
	if (where.bytes > PACKED_FRONT_BYTES)
		where.bytes = PACKED_FRONT_BYTES;
	if (archive_members_read(&reader->members, &where, &reader->bytes, err) < 0)
		return -1;
	int is_rows = archive_reader_is_rows(reader, buf_slice(&reader->bytes), err);
	if (is_rows == 0)
		err_set(err, ERR_INPUT, "%s: it holds no rows, but the manifest says so",
		        reader->place.data);
	return is_rows > 0 ? 0 : -1;
}

/* Does the member begin like one before? */
static bool begins_with(const struct archive_reader *reader, const struct table_front *front)
{
	const struct slice text = buf_slice(&front->text);
	return reader->text.len >= text.len && memcmp(reader->text.data, text.data, text.len) == 0;
}

/* Nobody who takes chunks compares the columns of a table's members. */
static int check_table(const struct archive_reader *reader, const struct table_front *front,
                       const struct manifest_member *member, struct err *err)
{
	if (!is_of(front, member->schema, member->table))
		return err_set(err, ERR_INPUT,
		               "%s: its rows are of another table than the manifest says",
		               reader->place.data);
	for (const struct table_front *other = front->next; other; other = other->next)
		if (is_of(other, member->schema, member->table) &&
		    !slice_equal(other->block.copy, front->block.copy))
			return err_set(err, ERR_INPUT,
			               "%s: its COPY statement is not that of its table's first chunk",
			               reader->place.data);
	return 0;
}

/*
 * The member's own: whose the rows are may differ from member to member of a table, if they are
 * partitions' rows that go through the root.  Nearly all begin like one before.
 */
static struct table_front *find_front(struct archive_reader *reader,
                                      const struct manifest_member *member, struct err *err)
{
	struct table_front *front = reader->fronts;
	if (unpack_front(reader, member, err) < 0)
		return NULL;
	while (front && !begins_with(reader, front))
		front = front->next;
	if (front && is_of(front, member->schema, member->table))
		return front;
	if (!front && !(front = front_new(reader, err)))
		return NULL;
	return check_table(reader, front, member, err) < 0 ? NULL : front;
}

/* ---- their chunks ---- */

/* What the manifest knows of the chunk. */
static struct chunk *describe(struct archive_reader *reader, size_t index,
                              const struct table_front *front, struct err *err)
{
	const struct manifest_member *member = &reader->manifest->members[index];
	struct lasting_member *lasting = &reader->lasting[index];
	lasting->place = strdup(reader->place.data);
	if (!lasting->place) {
		err_memory(err, "a chunk of rows");
		return NULL;
	}
	lasting->chunk = (struct chunk){
		.form = CHUNK_FRAME,
		.place = lasting->place,
		.lasting = true,
		.fd = reader->members.fd,
		.offset = reader->members.begin + member->offset,
		.size = member->bytes,
		.raw_bytes = member->raw_bytes,
		.line = front->block.line,
		.counted = true,
		.rows = member->rows,
		.sum = member->sum,
		.has_sha256 = true,
		.member = index,
	};
	memcpy(lasting->chunk.sha256, member->sha256, SHA256_BYTES);
	return &lasting->chunk;
}

int archive_reader_file_rows(struct archive_reader *reader, size_t index, struct err *err)
{
	const struct manifest_member *member = &reader->manifest->members[index];
	struct table_front *front = find_front(reader, member, err);
	const struct chunk *chunk = front ? describe(reader, index, front, err) : NULL;
	return chunk ? archive_reader_deliver(reader, front, chunk, err) : -1;
}

int archive_reader_pipe_rows(struct archive_reader *reader, size_t index, struct err *err)
{
	struct manifest_member *member = &reader->found->members[index];
	struct table_front *front = front_new(reader, err);
	if (!front)
		return -1;
	/* No other member needs it. */
	reader->fronts = NULL;
	if (manifest_member_name_table(member, &front->target.table, err) < 0) {
		table_front_free(front);
		return -1;
	}
	const struct chunk chunk = {
		.form = CHUNK_FRAME,
		.place = reader->place.data,
		.bytes = buf_slice(&reader->bytes),
		.fd = -1,
		.size = reader->bytes.len,
		.raw_bytes = member->raw_bytes,
		.line = front->block.line,
		.member = index,
	};
	return archive_reader_deliver(reader, front, &chunk, err);
}
