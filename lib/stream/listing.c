#include "listing.h"

#include <stdlib.h>
#include <string.h>

#include "chunk.h"
#include "header.h"
#include "plain_writer.h"

/* Of a statement that is no object known by name. */
#define EXCERPT_BYTES 60

struct listing {
	struct sink sink;
	struct outfile *out;
	const char *name;
	struct buf line;
	uint64_t entries;
	uint64_t statements;
	uint64_t rows;
	/* The table whose rows pass: chunk after chunk, one entry. */
	struct buf table;
	struct place table_place;
	uint64_t table_rows;
	uint64_t table_bytes;
	struct unpacker *unpacker; /* made when a chunk comes whose rows nobody has counted */
};

static int put(struct listing *listing, struct err *err)
{
	if (buf_check(&listing->line, "the table of contents", err) < 0)
		return -1;
	int result = outfile_write(listing->out, listing->line.data, listing->line.len, err);
	buf_reset(&listing->line);
	return result;
}

/* A name on a line of its own columns: control characters would break them. */
static void add_name(struct buf *line, struct slice name)
{
	buf_addc(line, ' ');
	if (name.len == 0)
		buf_addc(line, '-');
	for (size_t i = 0; name.data && i < name.len; i++)
		buf_addc(line, (unsigned char)name.data[i] < ' ' ? ' ' : name.data[i]);
}

static void begin_entry(struct listing *listing, const struct place *place, enum section section)
{
	buf_addf(&listing->line, "%llu; %llu %s", (unsigned long long)++listing->entries,
	         (unsigned long long)place->line, section_name(section));
}

static void add_object(struct buf *line, const struct object *object)
{
	add_name(line, object->type);
	add_name(line, object->schema);
	add_name(line, object->name);
	add_name(line, object->owner);
}

/* The rows that have passed are one entry. */
static int end_table(struct listing *listing, struct err *err)
{
	if (listing->table.len == 0)
		return 0;
	begin_entry(listing, &listing->table_place, SECTION_DATA);
	buf_add_slice(&listing->line, buf_slice(&listing->table));
	buf_addf(&listing->line, " (%llu rows, %llu bytes)\n",
	         (unsigned long long)listing->table_rows, (unsigned long long)listing->table_bytes);
	buf_reset(&listing->table);
	return put(listing, err);
}

/* Which table's rows these are: the line's text. */
static int begin_table(struct listing *listing, const struct record *record, struct err *err)
{
	struct object object = record->data.object;
	struct buf text = BUF_INIT;
	int result = 0;
	object.type = SLICE_LITERAL("TABLE DATA");
	if (object.name.len == 0) {
		object.schema = record->data.table->schema;
		object.name = record->data.table->name;
	}
	add_object(&text, &object);
	listing->statements++;
	if (!slice_equal(buf_slice(&listing->table), buf_slice(&text))) {
		result = end_table(listing, err);
		buf_add_slice(&listing->table, buf_slice(&text));
		listing->table_place = record->place;
		listing->table_rows = listing->table_bytes = 0;
	}
	buf_release(&text);
	return result;
}

/* What a data member holds beside its rows. */
static uint64_t framing_bytes(const struct record *record, uint64_t rows)
{
	struct buf mark = BUF_INIT;
	plain_chunk_mark(&mark, rows, (struct hash128){ 0, 0 });
	uint64_t bytes = record->lead.len + record->data.copy.len + record->data.end.len + mark.len;
	buf_release(&mark);
	return bytes;
}

static int measure_chunk(struct listing *listing, const struct record *record, uint64_t *rows,
                         uint64_t *bytes, struct err *err)
{
	const struct chunk *chunk = record->data.chunk;
	struct slice unpacked;
	*rows = record->data.row_count;
	if (chunk->form == CHUNK_ROWS) {
		*bytes = chunk->size;
		return 0;
	}
	if (chunk->counted) {
		uint64_t framing = framing_bytes(record, *rows);
		*bytes = chunk->raw_bytes > framing ? chunk->raw_bytes - framing : 0;
		return 0;
	}
	if (!listing->unpacker && !(listing->unpacker = unpacker_new(err)))
		return -1;
	if (chunk_unpack(listing->unpacker, chunk, record->data.copy, &unpacked, err) < 0)
		return -1;
	*rows = rows_count(unpacked);
	*bytes = unpacked.len;
	return 0;
}

static int list_data(struct listing *listing, const struct record *record, struct err *err)
{
	const struct record_data *data = &record->data;
	uint64_t rows = data->row_count, bytes = data->rows.len;
	if (data->first && begin_table(listing, record, err) < 0)
		return -1;
	if (data->chunk && measure_chunk(listing, record, &rows, &bytes, err) < 0)
		return -1;
	listing->rows += rows;
	listing->table_rows += rows;
	listing->table_bytes += bytes;
	return 0;
}

static void add_excerpt(struct buf *line, struct slice sql)
{
	size_t len = sql.len < EXCERPT_BYTES ? sql.len : EXCERPT_BYTES;
	add_name(line, (struct slice){ sql.data, len });
	if (len < sql.len)
		buf_adds(line, " ...");
}

static int list_statement(struct listing *listing, const struct record *record, struct err *err)
{
	const struct record_statement *statement = &record->statement;
	struct object object;
	struct slice comment;
	if (statement->class == CLASS_EMPTY)
		return 0;
	listing->statements++;
	if (statement_is_session(statement->class) && statement->class != CLASS_CONNECT)
		return 0;
	/* Further statements about the object whose comment stands above are no entries. */
	bool has_comment = toc_comment_parse(record->lead, &object, &comment);
	if (statement->object.owner.data && !has_comment && statement->class != CLASS_CONNECT)
		return 0;
	if (end_table(listing, err) < 0)
		return -1;
	begin_entry(listing, &record->place, record->section);
	if (statement->object.name.len)
		add_object(&listing->line, &statement->object);
	else
		add_excerpt(&listing->line, statement->sql);
	buf_addc(&listing->line, '\n');
	return put(listing, err);
}

static int list_header(struct listing *listing, const struct stream_header *header, struct err *err)
{
	static const char *const keys[] = { "program", "created", "database", "server_version",
		                            "encoding", "contents" };
	buf_addf(&listing->line, ";\n; Contents of %s\n", listing->name);
	if (!stream_header_own(header))
		buf_adds(&listing->line, ";     format: plain, not idkit's\n");
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *value = stream_header_get(header, keys[i]);
		if (value)
			buf_addf(&listing->line, ";     %s: %s\n", keys[i], value);
	}
	buf_adds(&listing->line, ";\n; number; line section type schema name owner\n;\n");
	return put(listing, err);
}

static int list_trailer(struct listing *listing, const struct record *record, struct err *err)
{
	static const char *const ends[] = { "no end mark", "pg_dump's end mark",
		                            "idkit's trailer, which fits" };
	/* Of an archive the rows were not even looked at. */
	const char *end = record->trailer.manifest
	                          ? "idkit's manifest and sums, which fit (idverify checks the rows)"
	                          : ends[record->trailer.end];
	if (end_table(listing, err) < 0)
		return -1;
	buf_addf(&listing->line, ";\n; %llu statements, %llu rows; ends with %s\n",
	         (unsigned long long)listing->statements, (unsigned long long)listing->rows,
	         end);
	return put(listing, err);
}

static int listing_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct listing *listing = (struct listing *)sink;
	switch (record->kind) {
	case RECORD_HEADER:
		return list_header(listing, record->header, err);
	case RECORD_STATEMENT:
		return list_statement(listing, record, err);
	case RECORD_DATA:
		return list_data(listing, record, err);
	default:
		return list_trailer(listing, record, err);
	}
}

static int listing_finish(struct sink *sink, struct err *err)
{
	return outfile_finish(((struct listing *)sink)->out, err);
}

static void listing_free(struct sink *sink)
{
	struct listing *listing = (struct listing *)sink;
	outfile_free(listing->out);
	unpacker_free(listing->unpacker);
	buf_release(&listing->line);
	buf_release(&listing->table);
	free(listing);
}

static const struct sink_ops listing_ops = {
	.write = listing_write,
	.finish = listing_finish,
	.free = listing_free,
};

struct sink *listing_new(struct outfile *out, const char *name, struct err *err)
{
	struct listing *listing = calloc(1, sizeof(*listing));
	if (!listing) {
		outfile_free(out);
		err_memory(err, "the table of contents");
		return NULL;
	}
	listing->sink.ops = &listing_ops;
	listing->out = out;
	listing->name = name;
	return &listing->sink;
}
