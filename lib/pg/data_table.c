/* The rows of a table, or of a range of its pages, by COPY … TO STDOUT. */
#include <stdlib.h>
#include <string.h>

#include "data_reader_internal.h"
#include "ident.h"
#include "toc_comment.h"

/* Rows are gathered to pieces of this size before they go on: large enough that a record's cost
 * doesn't count, small enough to stay in the processor's cache. */
#define PIECE_BYTES ((size_t)128 * 1024)

/* What one very long row has taken is not kept. */
#define KEPT_BYTES ((size_t)8 * 1024 * 1024)

/* A table being read. */
struct table_reader {
	struct data_reader *reader;
	const struct data_part *part;
	const struct catalog_table *table;
	struct slice *columns; /* in the order they are read */
	struct copy_table copy_table;
	struct buf lead;
	struct buf copy; /* COPY … FROM stdin; */
	struct record record;
	size_t chunk_bytes; /* in the present chunk so far */
	uint64_t row_count; /* in the present piece */
	struct hash128 sum;
	bool any; /* something was delivered */
};

static bool has_column(const struct catalog_table *table, const char *name)
{
	for (size_t i = 0; i < table->column_count; i++)
		if (slice_equals(table->columns[i], name))
			return true;
	return false;
}

/* The order of the layout, when it has just this table's columns. */
static int choose_columns(struct table_reader *reader, struct err *err)
{
	const struct catalog_table *table = reader->table;
	const struct contents *layout = reader->reader->options->layout;
	const struct table_digest *wanted =
	    layout ? contents_find_table(layout, table->target_schema, table->target_name) : NULL;
	reader->columns = calloc(table->column_count + 1, sizeof(*reader->columns));
	if (!reader->columns)
		return err_memory(err, "a table's columns");
	memcpy(reader->columns, table->columns, table->column_count * sizeof(struct slice));
	if (!wanted || wanted->column_count != table->column_count)
		return 0;
	for (size_t i = 0; i < wanted->column_count; i++)
		if (!has_column(table, wanted->columns[i]))
			return 0;
	for (size_t i = 0; i < wanted->column_count; i++)
		reader->columns[i] = slice_of(wanted->columns[i]);
	return 0;
}

/* "(a, b)"; nothing for a table without columns, for which PostgreSQL has no syntax. */
static void add_column_list(struct buf *sql, const struct table_reader *reader, const char *open,
                            const char *close)
{
	size_t count = reader->table->column_count;
	if (count > 0)
		buf_adds(sql, open);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_adds(sql, ", ");
		sql_add_identifier(sql, reader->columns[i]);
	}
	if (count > 0)
		buf_adds(sql, close);
}

bool data_part_is_whole(const struct data_part *part)
{
	return part->first_page == 0 && part->end_page == 0;
}

/* Ranges of pages are read as such since server version 14 (TID range scans). */
static void add_range(struct buf *sql, const struct data_part *part)
{
	if (part->first_page > 0)
		buf_addf(sql, " WHERE ctid >= '(%u,0)'::pg_catalog.tid", part->first_page);
	if (part->end_page > 0)
		buf_addf(sql, " %s ctid < '(%u,0)'::pg_catalog.tid", part->first_page > 0 ? "AND" : "WHERE",
		         part->end_page);
}

/* COPY TABLE reads this table's own rows only (ONLY is implied); a range and an extension's
 * condition need a query. */
static void add_copy_out(struct buf *sql, const struct table_reader *reader)
{
	const struct catalog_table *table = reader->table;
	bool whole = data_part_is_whole(reader->part);
	buf_adds(sql, "COPY ");
	if (table->condition[0] || !whole) {
		buf_adds(sql, "(SELECT ");
		add_column_list(sql, reader, "", "");
		buf_adds(sql, " FROM ONLY ");
		sql_add_qualified(sql, slice_of(table->schema), slice_of(table->name));
		if (whole)
			buf_addf(sql, " %s", table->condition);
		else
			add_range(sql, reader->part);
		buf_adds(sql, ")");
	} else {
		sql_add_qualified(sql, slice_of(table->schema), slice_of(table->name));
		add_column_list(sql, reader, " (", ")");
	}
	buf_adds(sql, " TO STDOUT");
}

static int prepare(struct table_reader *reader, struct err *err)
{
	const struct catalog_table *table = reader->table;
	if (choose_columns(reader, err) < 0)
		return -1;
	reader->copy_table = (struct copy_table){
		.schema = slice_of(table->target_schema),
		.name = slice_of(table->target_name),
		.columns = reader->columns,
		.column_count = table->column_count,
		.has_columns = table->column_count > 0,
		.text_format = true,
	};
	/* Whose the rows are, wherever they go: select.c needs it. */
	toc_comment_add(&reader->lead, "Data for ", "TABLE DATA", table->schema, table->name,
	                table->owner);
	buf_adds(&reader->copy, "COPY ");
	sql_add_qualified(&reader->copy, reader->copy_table.schema, reader->copy_table.name);
	buf_addc(&reader->copy, ' ');
	add_column_list(&reader->copy, reader, "(", ")");
	buf_adds(&reader->copy, " FROM stdin;\n");
	reader->record = (struct record){
		.kind = RECORD_DATA,
		.section = SECTION_DATA,
		.data = {
			.table = &reader->copy_table,
			.object = { SLICE_LITERAL("TABLE DATA"), slice_of(table->schema),
			            slice_of(table->name), slice_of(table->owner) },
			.sum = &reader->sum,
		},
	};
	if (buf_check(&reader->lead, "a statement", err) < 0)
		return -1;
	return buf_check(&reader->copy, "a statement", err);
}

static void begin_chunk(struct table_reader *reader)
{
	struct record *record = &reader->record;
	record->place.statement = ++reader->reader->statements;
	record->lead = buf_slice(&reader->lead);
	record->data.copy = buf_slice(&reader->copy);
	record->data.first = true;
	reader->chunk_bytes = 0;
}

static int deliver(struct table_reader *reader, bool last, struct err *err)
{
	struct buf *rows = &reader->reader->rows;
	struct record *record = &reader->record;
	if (buf_check(rows, "a table's rows", err) < 0)
		return -1;
	record->data.rows = buf_slice(rows);
	record->data.row_count = reader->row_count;
	record->data.last = last;
	record->data.end = last ? SLICE_LITERAL("\\.\n") : SLICE_NONE;
	if (sink_write(reader->reader->sink, record, err) < 0)
		return -1;
	progress_add(reader->reader->options->progress, rows->len, reader->row_count);
	buf_reset(rows);
	reader->row_count = 0;
	reader->sum = (struct hash128){ 0, 0 };
	reader->any = true;
	record->lead = SLICE_NONE;
	record->data.copy = SLICE_NONE;
	record->data.first = false;
	return 0;
}

static int next_chunk(struct table_reader *reader, struct err *err)
{
	if (deliver(reader, true, err) < 0)
		return -1;
	begin_chunk(reader);
	return 0;
}

/* Hashed while it is in the processor's nearest cache, and its end is known. */
static int add_row(struct table_reader *reader, struct slice row, struct err *err)
{
	size_t len = row.len - 1;
	if (row.data[len] != '\n')
		return err_set(err, ERR_DATABASE, "the server has sent a row without its end");
	buf_add_slice(&reader->reader->rows, row);
	reader->sum = hash128_add(reader->sum, hash128_of(row.data, len));
	reader->row_count++;
	reader->chunk_bytes += row.len;
	return 0;
}

static int read_rows(struct table_reader *reader, struct err *err)
{
	const size_t chunk_bytes = reader->reader->options->chunk_bytes;
	struct slice row;
	int got;
	begin_chunk(reader);
	while ((got = pg_copy_out_row(reader->reader->pg, &row, err)) > 0) {
		/* A row begins a new chunk when the present one is full: only then is it sure that
		 * there is one more. */
		if (reader->chunk_bytes >= chunk_bytes && next_chunk(reader, err) < 0)
			return -1;
		if (add_row(reader, row, err) < 0)
			return -1;
		if (reader->reader->rows.len >= PIECE_BYTES && deliver(reader, false, err) < 0)
			return -1;
	}
	if (got < 0)
		return -1;
	if (reader->chunk_bytes == 0 && !reader->any && reader->part->first_page > 0)
		return 0;
	return deliver(reader, true, err);
}

int data_read_table(struct data_reader *reader, const struct data_part *part, struct err *err)
{
	const struct catalog_table *table = part->table;
	struct table_reader table_reader = { .reader = reader, .part = part, .table = table };
	struct buf sql = BUF_INIT;
	int result = -1;
	if (reader->rows.capacity > KEPT_BYTES)
		buf_release(&reader->rows);
	buf_reset(&reader->rows);
	if (prepare(&table_reader, err) < 0)
		goto out;
	add_copy_out(&sql, &table_reader);
	if (buf_check(&sql, "a statement", err) < 0)
		goto out;
	if (pg_copy_out(reader->pg, sql.data, err) == 0)
		result = read_rows(&table_reader, err);
	if (result < 0)
		err_prefix(err, "table %s.%s", table->schema, table->name);
out:
	free(table_reader.columns);
	buf_release(&table_reader.lead);
	buf_release(&table_reader.copy);
	buf_release(&sql);
	return result;
}
