#include "data_reader.h"

#include <stdlib.h>
#include <string.h>

#include "data_reader_internal.h"
#include "ident.h"
#include "toc_comment.h"

/* Rows are gathered to pieces of this size before they go on: large enough that a record's cost
 * doesn't count, small enough to stay in the processor's cache. */
#define PIECE_BYTES ((size_t)128 * 1024)

/* A table being read. */
struct table_reader {
	struct data_reader *reader;
	const struct catalog_table *table;
	struct slice *columns; /* in the order they are read */
	struct copy_table copy_table;
	struct buf lead;
	struct buf copy; /* COPY … FROM stdin; */
	struct buf rows;
	struct record record;
	size_t chunk_bytes; /* in the present chunk so far */
};

int data_reader_statement(struct data_reader *reader, const struct buf *lead,
                          const struct buf *sql, enum statement_class class,
                          const struct object *object, struct err *err)
{
	struct record record = {
		.kind = RECORD_STATEMENT,
		.section = SECTION_DATA,
		.place.statement = ++reader->statements,
		.lead = lead ? buf_slice(lead) : SLICE_NONE,
		.statement = { buf_slice(sql), class, *object, true },
	};
	if (buf_check(sql, "a statement", err) < 0)
		return -1;
	return sink_write(reader->sink, &record, err);
}

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

/* COPY TABLE reads this table's own rows only (ONLY is implied); an extension's condition needs a
 * query. */
static void add_copy_out(struct buf *sql, const struct table_reader *reader)
{
	const struct catalog_table *table = reader->table;
	buf_adds(sql, "COPY ");
	if (table->condition[0]) {
		buf_adds(sql, "(SELECT ");
		add_column_list(sql, reader, "", "");
		buf_adds(sql, " FROM ONLY ");
		sql_add_qualified(sql, slice_of(table->schema), slice_of(table->name));
		buf_addf(sql, " %s)", table->condition);
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
	toc_comment_add(&reader->lead, "Data for ", "TABLE DATA", table->target_schema,
	                table->target_name, table->target_owner);
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
			.object = { SLICE_LITERAL("TABLE DATA"), slice_of(table->target_schema),
			            slice_of(table->target_name), slice_of(table->target_owner) },
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
	struct record *record = &reader->record;
	if (buf_check(&reader->rows, "a table's rows", err) < 0)
		return -1;
	record->data.rows = buf_slice(&reader->rows);
	record->data.row_count = rows_count(record->data.rows);
	record->data.last = last;
	record->data.end = last ? SLICE_LITERAL("\\.\n") : SLICE_NONE;
	if (sink_write(reader->reader->sink, record, err) < 0)
		return -1;
	buf_reset(&reader->rows);
	record->lead = SLICE_NONE;
	record->data.copy = SLICE_NONE;
	record->data.first = false;
	return 0;
}

/* Chunks after the first need no comment: the one above holds. */
static int next_chunk(struct table_reader *reader, struct err *err)
{
	if (deliver(reader, true, err) < 0)
		return -1;
	buf_reset(&reader->lead);
	buf_addc(&reader->lead, '\n');
	begin_chunk(reader);
	return 0;
}

static int read_rows(struct table_reader *reader, struct err *err)
{
	struct slice row;
	int got;
	begin_chunk(reader);
	while ((got = pg_copy_out_row(reader->reader->pg, &row, err)) > 0) {
		/* A row begins a new chunk when the present one is full: only then is it sure that
		 * there is one more. */
		if (reader->chunk_bytes >= reader->reader->options->chunk_bytes &&
		    next_chunk(reader, err) < 0)
			return -1;
		buf_add_slice(&reader->rows, row);
		reader->chunk_bytes += row.len;
		if (reader->rows.len >= PIECE_BYTES && deliver(reader, false, err) < 0)
			return -1;
	}
	return got < 0 ? -1 : deliver(reader, true, err);
}

static int read_table(struct data_reader *data, const struct catalog_table *table,
                      struct err *err)
{
	struct table_reader reader = { .reader = data, .table = table };
	struct buf sql = BUF_INIT;
	int result = -1;
	if (prepare(&reader, err) < 0)
		goto out;
	add_copy_out(&sql, &reader);
	if (buf_check(&sql, "a statement", err) < 0)
		goto out;
	if (pg_copy_out(data->pg, sql.data, err) == 0)
		result = read_rows(&reader, err);
	if (result < 0)
		err_prefix(err, "table %s.%s", table->schema, table->name);
out:
	free(reader.columns);
	buf_release(&reader.lead);
	buf_release(&reader.copy);
	buf_release(&reader.rows);
	buf_release(&sql);
	return result;
}

static int read_sequence(struct data_reader *reader, const struct catalog_sequence *sequence,
                         struct err *err)
{
	struct buf lead = BUF_INIT, sql = BUF_INIT, name = BUF_INIT;
	const struct object object = { SLICE_LITERAL("SEQUENCE SET"), slice_of(sequence->schema),
		                       slice_of(sequence->name), slice_of(sequence->owner) };
	toc_comment_add(&lead, "", "SEQUENCE SET", sequence->schema, sequence->name,
	                sequence->owner);
	sql_add_qualified(&name, slice_of(sequence->schema), slice_of(sequence->name));
	buf_adds(&sql, "SELECT pg_catalog.setval(");
	sql_add_literal(&sql, buf_slice(&name));
	buf_addf(&sql, ", %s, %s);", sequence->last_value, sequence->is_called ? "true" : "false");
	int result = data_reader_statement(reader, &lead, &sql, CLASS_SETVAL, &object, err);
	buf_release(&lead);
	buf_release(&sql);
	buf_release(&name);
	return result;
}

int data_read(struct pg *pg, const struct catalog *catalog,
              const struct data_reader_options *options, struct sink *sink, struct err *err)
{
	struct data_reader reader = { pg, sink, options, 0 };
	for (size_t i = 0; i < catalog->table_count; i++)
		if (!catalog->tables[i].is_partitioned &&
		    read_table(&reader, &catalog->tables[i], err) < 0)
			return -1;
	for (size_t i = 0; i < catalog->sequence_count; i++)
		if (read_sequence(&reader, &catalog->sequences[i], err) < 0)
			return -1;
	for (size_t i = 0; i < catalog->large_object_count; i++)
		if (data_reader_large_object(&reader, catalog->large_objects[i], err) < 0)
			return -1;
	return 0;
}
