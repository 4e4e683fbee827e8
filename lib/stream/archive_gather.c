/* One thread's part of writing an archive: statements and rows become members. */
#include <stdlib.h>
#include <string.h>

#include "archive_writer_internal.h"
#include "chunk.h"
#include "plain_writer.h"
#include "toc_comment.h"

/* For a chunk's comment, COPY line and mark, and a last row that goes beyond the chunk's size. */
#define ROOM_BYTES ((size_t)256 * 1024)

struct gatherer {
	struct archive_writer *writer;
	struct packing *packing;
	struct unpacker *unpacker; /* made when a chunk of plain rows comes */
	struct contents *contents;
	struct buf text;      /* the member that is gathered */
	struct buf frame;     /* of a chunk that passes */
	enum section section; /* of the statements in it */
	enum section marked;  /* the last section mark */
	/* The COPY block that passes. */
	const struct copy_table *table;
	struct buf copy;
	struct buf next_lead; /* of the block's further members */
	size_t rows_start;
	uint64_t rows;
	struct hash128 sum;
};

struct gatherer *gatherer_new(struct archive_writer *writer, int jobs, struct err *err)
{
	struct gatherer *gatherer = calloc(1, sizeof(*gatherer));
	if (!gatherer) {
		err_memory(err, "an archive");
		return NULL;
	}
	gatherer->writer = writer;
	gatherer->packing = packing_new(writer, jobs, err);
	gatherer->contents = contents_new(err);
	if (!gatherer->packing || !gatherer->contents) {
		gatherer_free(gatherer);
		return NULL;
	}
	return gatherer;
}

void gatherer_free(struct gatherer *gatherer)
{
	if (!gatherer)
		return;
	packing_free(gatherer->packing);
	unpacker_free(gatherer->unpacker);
	contents_free(gatherer->contents);
	buf_release(&gatherer->text);
	buf_release(&gatherer->frame);
	buf_release(&gatherer->copy);
	buf_release(&gatherer->next_lead);
	free(gatherer);
}

struct contents *gatherer_contents(struct gatherer *gatherer)
{
	return gatherer->contents;
}

/* Is the member as small as readers want it? */
static bool fits(const struct gatherer *gatherer)
{
	return gatherer->text.len <= gatherer->writer->largest_bytes;
}

static int too_large(const struct gatherer *gatherer, const char *what, struct err *err)
{
	return err_set(err, ERR_INPUT,
	               "%s makes a member of the archive larger than %zu bytes, which readers refuse: "
	               "write plain text",
	               what, gatherer->writer->largest_bytes);
}

static int row_too_large(const struct gatherer *gatherer, struct err *err)
{
	const struct copy_table *table = gatherer->table;
	too_large(gatherer, "a row", err);
	return err_prefix(err, "table %.*s%s%.*s", SLICE_ARG(table->schema),
	                  table->schema.len ? "." : "", SLICE_ARG(table->name));
}

static int statement_too_large(const struct gatherer *gatherer, const struct record *record,
                               struct err *err)
{
	const struct object *object = &record->statement.object;
	too_large(gatherer, "a statement", err);
	if (!object->type.data)
		return err_prefix(err, "statement %llu", (unsigned long long)record->place.statement);
	return err_prefix(err, "%.*s %.*s%s%.*s", SLICE_ARG(object->type), SLICE_ARG(object->schema),
	                  object->schema.len ? "." : "", SLICE_ARG(object->name));
}

/* What is gathered is a member; takes the piece over. */
static int write_member(struct gatherer *gatherer, struct archive_piece *piece, struct err *err)
{
	if (buf_check(&gatherer->text, "an archive's member", err) < 0 ||
	    (!fits(gatherer) && (piece->member.table ? row_too_large(gatherer, err)
	                                             : too_large(gatherer, "a comment", err)) < 0)) {
		archive_piece_release(piece);
		return -1;
	}
	return packing_put(gatherer->packing, &gatherer->text, piece, err);
}

/* ---- statements ---- */

static int write_statements(struct gatherer *gatherer, struct err *err)
{
	struct archive_piece piece = { .member = { .section = gatherer->section },
		                           .uncounted_source = SIZE_MAX };
	return gatherer->text.len > 0 ? write_member(gatherer, &piece, err) : 0;
}

int gatherer_flush(struct gatherer *gatherer, enum section section, struct err *err)
{
	if (write_statements(gatherer, err) < 0 || packing_drain(gatherer->packing, err) < 0)
		return -1;
	if (gatherer->section < section)
		gatherer->section = section;
	return 0;
}

/* Of the sections' order, and their folders: what comes before the first mark stands in the first
 * one. */
static int begin_section(struct gatherer *gatherer, enum section section, struct err *err)
{
	if (section == SECTION_NONE)
		section = gatherer->section > SECTION_GLOBALS ? gatherer->section : SECTION_PRE_DATA;
	if (section < gatherer->section)
		return err_set(err, ERR_INPUT,
		               "the stream's sections are not in their order: %s comes behind %s",
		               section_name(section), section_name(gatherer->section));
	return section > gatherer->section ? gatherer_flush(gatherer, section, err) : 0;
}

/* Each member says itself what its statements are about, though the comment stood in one before. */
static void repeat_comment(struct gatherer *gatherer, const struct record_statement *statement)
{
	const struct object *object = &statement->object;
	if (object->owner.data || slice_equals(object->type, "BLOB"))
		toc_comment_add_object(&gatherer->text, object);
}

static bool has_comment(struct slice lead)
{
	struct object object;
	struct slice comment;
	return toc_comment_parse(lead, &object, &comment);
}

int gatherer_statement(struct gatherer *gatherer, const struct record *record, struct err *err)
{
	const struct record_statement *statement = &record->statement;
	const struct contents_options options = { .trust_pristine = true };
	const bool commented = has_comment(record->lead);
	if (contents_add(gatherer->contents, record, &options, err) < 0 ||
	    begin_section(gatherer, record->section, err) < 0)
		return -1;
	/* The roles are one member, whatever their number. */
	if (gatherer->text.len >= gatherer->writer->options.chunk_bytes &&
	    gatherer->section != SECTION_GLOBALS && write_statements(gatherer, err) < 0)
		return -1;
	bool begins = gatherer->text.len == 0;
	if (record->section != SECTION_NONE && record->section != gatherer->marked) {
		gatherer->marked = record->section;
		buf_addf(&gatherer->text, PLAIN_MARK_SECTION "%s\n", section_name(record->section));
	}
	if (begins && !commented && !statement_is_session(statement->class))
		repeat_comment(gatherer, statement);
	buf_add_slice(&gatherer->text, record->lead);
	buf_add_slice(&gatherer->text, statement->sql);
	if (statement->sql.len > 0)
		buf_addc(&gatherer->text, '\n');
	if (!fits(gatherer))
		return statement_too_large(gatherer, record, err);
	return buf_check(&gatherer->text, "an archive's member", err);
}

int gatherer_rest(struct gatherer *gatherer, struct slice text, struct err *err)
{
	if (text.len > 0)
		buf_add_slice(&gatherer->text, text);
	if (gatherer->section == SECTION_NONE)
		gatherer->section = SECTION_PRE_DATA;
	return gatherer_flush(gatherer, gatherer->section, err);
}

/* ---- rows ---- */

static void begin_member(struct gatherer *gatherer, struct slice lead)
{
	buf_reset(&gatherer->text);
	buf_reserve(&gatherer->text, gatherer->writer->options.chunk_bytes + ROOM_BYTES);
	buf_add_slice(&gatherer->text, lead);
	buf_add_slice(&gatherer->text, buf_slice(&gatherer->copy));
	gatherer->rows_start = gatherer->text.len;
	gatherer->rows = 0;
	gatherer->sum = (struct hash128){ 0, 0 };
}

/* A member's rows as a record that is hashed already: for the manifest's account of its table. */
static int count_rows(struct gatherer *gatherer, const struct copy_table *table,
                      const struct manifest_member *member, struct err *err)
{
	const struct chunk chunk = { .counted = true, .rows = member->rows, .sum = member->sum };
	const struct contents_options options = { 0 };
	const struct record record = {
		.kind = RECORD_DATA,
		.section = SECTION_DATA,
		.data = { .table = table, .first = true, .last = true, .chunk = &chunk },
	};
	return contents_add(gatherer->contents, &record, &options, err);
}

/* Rows of the table, to be packed or packed already. */
static int begin_piece(struct gatherer *gatherer, const struct copy_table *table, uint64_t rows,
                       struct hash128 sum, struct archive_piece *piece, struct err *err)
{
	*piece = (struct archive_piece){
		.member = { .section = SECTION_DATA, .rows = rows, .sum = sum },
		.uncounted_source = SIZE_MAX,
	};
	if (manifest_member_name_table(&piece->member, table, err) == 0 &&
	    count_rows(gatherer, table, &piece->member, err) == 0)
		return 0;
	archive_piece_release(piece);
	return -1;
}

static int end_member(struct gatherer *gatherer, struct err *err)
{
	struct archive_piece piece;
	struct slice text = buf_slice(&gatherer->text);
	struct hash128 hash =
	    hash128_of(text.data + gatherer->rows_start, text.len - gatherer->rows_start);
	buf_adds(&gatherer->text, "\\.\n");
	plain_chunk_mark(&gatherer->text, gatherer->rows, hash);
	return begin_piece(gatherer, gatherer->table, gatherer->rows, gatherer->sum, &piece, err) < 0
	           ? -1
	           : write_member(gatherer, &piece, err);
}

/* Each member carries its table's comment, so that each can be read alone. */
static int begin_block(struct gatherer *gatherer, const struct record *record, struct err *err)
{
	const struct record_data *data = &record->data;
	if (!data->table->text_format)
		return err_set(err, ERR_INPUT,
		               "line %llu: COPY in another format than text can't be put into an archive",
		               (unsigned long long)record->place.line);
	gatherer->table = data->table;
	buf_reset(&gatherer->copy);
	buf_add_slice(&gatherer->copy, data->copy);
	buf_reset(&gatherer->next_lead);
	if (data->object.owner.data)
		toc_comment_add_object(&gatherer->next_lead, &data->object);
	else
		buf_addc(&gatherer->next_lead, '\n');
	if (buf_check(&gatherer->copy, "a COPY statement", err) < 0 ||
	    buf_check(&gatherer->next_lead, "a comment", err) < 0)
		return -1;
	bool repeat = data->object.owner.data && slice_trim(record->lead).len == 0;
	begin_member(gatherer, repeat ? buf_slice(&gatherer->next_lead) : record->lead);
	return 0;
}

/* The rows up to the one that makes the member large enough. */
static struct slice fitting_rows(const struct gatherer *gatherer, struct slice rows)
{
	size_t have = gatherer->text.len - gatherer->rows_start;
	size_t room = gatherer->writer->options.chunk_bytes - have;
	const char *newline = NULL;
	if (room < rows.len)
		newline = memchr(rows.data + room - 1, '\n', rows.len - room + 1);
	return newline ? (struct slice){ rows.data, (size_t)(newline + 1 - rows.data) } : rows;
}

static int add_rows(struct gatherer *gatherer, const struct record_data *data, struct slice rows,
                    struct err *err)
{
	const struct copy_table *table = gatherer->table;
	const uint64_t before = gatherer->rows;
	if (data->sum && rows.len == data->rows.len) {
		gatherer->rows += data->row_count;
		gatherer->sum = hash128_add(gatherer->sum, *data->sum);
	} else {
		hash128_rows(rows, data->crlf, &gatherer->rows, &gatherer->sum);
	}
	/* Which column is which?  Nobody could tell from the digest. */
	if (!table->has_columns && rows.len != gatherer->rows - before)
		return err_set(err, ERR_INPUT,
		               "COPY of %.*s.%.*s without a column list can't be put into an archive",
		               SLICE_ARG(table->schema), SLICE_ARG(table->name));
	buf_add_slice(&gatherer->text, rows);
	/* It may go on without end. */
	if (!fits(gatherer))
		return row_too_large(gatherer, err);
	return buf_check(&gatherer->text, "an archive's member", err);
}

static int cut_rows(struct gatherer *gatherer, const struct record_data *data, struct err *err)
{
	struct slice left = data->rows;
	while (left.len > 0) {
		/* Full, and there is one more row. */
		if (gatherer->text.len - gatherer->rows_start >= gatherer->writer->options.chunk_bytes) {
			if (end_member(gatherer, err) < 0)
				return -1;
			begin_member(gatherer, buf_slice(&gatherer->next_lead));
		}
		struct slice rows = fitting_rows(gatherer, left);
		if (add_rows(gatherer, data, rows, err) < 0)
			return -1;
		left.data += rows.len;
		left.len -= rows.len;
	}
	return 0;
}

/* ---- chunks ---- */

static int fetch_frame(struct gatherer *gatherer, const struct chunk *chunk, struct slice *bytes,
                       struct err *err)
{
	*bytes = chunk->bytes;
	if (chunk->lasting && chunk_read(chunk, &gatherer->frame, err) == 0)
		*bytes = buf_slice(&gatherer->frame);
	else if (chunk->lasting)
		return -1;
	return chunk_check(chunk, *bytes, err);
}

static int seal_frame(struct archive_piece *piece, const struct chunk *chunk, struct slice frame,
                      struct err *err)
{
	uint64_t raw_bytes;
	if (frame_text_bytes(frame, &raw_bytes, err) < 0)
		return err_prefix(err, "%s", chunk->place);
	if (chunk->raw_bytes != UINT64_MAX && chunk->raw_bytes != raw_bytes)
		return err_set(err, ERR_INPUT, "%s: the manifest is wrong about the size of its text",
		               chunk->place);
	return archive_piece_seal(piece, frame, raw_bytes, err);
}

static int write_frame(struct gatherer *gatherer, const struct record *record, struct err *err)
{
	const struct chunk *chunk = record->data.chunk;
	const struct hash128 sum = chunk->counted ? chunk->sum : (struct hash128){ 0, 0 };
	struct archive_piece piece;
	struct slice frame;
	if (packing_drain(gatherer->packing, err) < 0 ||
	    fetch_frame(gatherer, chunk, &frame, err) < 0 ||
	    begin_piece(gatherer, record->data.table, chunk->counted ? chunk->rows : 0, sum, &piece,
	                err) < 0)
		return -1;
	if (!chunk->counted)
		piece.uncounted_source = chunk->member;
	int result = seal_frame(&piece, chunk, frame, err);
	if (result == 0)
		result = archive_writer_append(gatherer->writer, &piece, err);
	archive_piece_release(&piece);
	return result;
}

/* Rows that are still in their file. */
static int write_unpacked(struct gatherer *gatherer, const struct record *record, struct err *err)
{
	struct record unpacked = *record;
	if (!gatherer->unpacker && !(gatherer->unpacker = unpacker_new(err)))
		return -1;
	if (chunk_unpack(gatherer->unpacker, record->data.chunk, record->data.copy, &unpacked.data.rows,
	                 err) < 0)
		return -1;
	unpacked.data.chunk = NULL;
	unpacked.data.row_count = rows_count(unpacked.data.rows);
	return gatherer_data(gatherer, &unpacked, err);
}

int gatherer_data(struct gatherer *gatherer, const struct record *record, struct err *err)
{
	const struct record_data *data = &record->data;
	if (data->chunk && data->chunk->form == CHUNK_ROWS)
		return write_unpacked(gatherer, record, err);
	if (data->first &&
	    (begin_section(gatherer, SECTION_DATA, err) < 0 || write_statements(gatherer, err) < 0))
		return -1;
	if (data->chunk)
		return write_frame(gatherer, record, err);
	if (data->first && begin_block(gatherer, record, err) < 0)
		return -1;
	if (cut_rows(gatherer, data, err) < 0)
		return -1;
	return data->last ? end_member(gatherer, err) : 0;
}
