#include "contents.h"

#include <stdlib.h>
#include <string.h>

#include "chunk.h"
#include "contents_internal.h"
#include "token.h"

struct contents *contents_new(struct err *err)
{
	struct contents *contents = calloc(1, sizeof(*contents));
	if (!contents)
		err_memory(err, "a stream's digests");
	return contents;
}

static void table_release(struct table_digest *table)
{
	for (size_t i = 0; i < table->column_count; i++)
		free(table->columns[i]);
	free(table->columns);
	free(table->schema);
	free(table->name);
}

void contents_free(struct contents *contents)
{
	if (!contents)
		return;
	for (size_t i = 0; i < contents->table_count; i++) {
		table_release(contents->tables[i]);
		free(contents->tables[i]);
	}
	for (size_t i = 0; i < contents->sequence_count; i++) {
		free(contents->sequences[i].schema);
		free(contents->sequences[i].name);
		free(contents->sequences[i].last_value);
	}
	free(contents->tables);
	free(contents->sequences);
	free(contents->undigested);
	hash_stream_free(contents->object_hash);
	free(contents);
}

/* Where (schema, name) is, or would be put, in the sorted tables. */
static size_t table_position(const struct contents *contents, struct slice schema,
                             struct slice name, bool *found)
{
	size_t low = 0, high = contents->table_count;
	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct table_digest *table = contents->tables[middle];
		int order = contents_compare_names(slice_of(table->schema), slice_of(table->name),
		                                   schema, name);
		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int compare_slices(struct slice a, struct slice b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.data, b.data, common) : 0;
	if (order == 0)
		return a.len < b.len ? -1 : a.len > b.len;
	return order;
}

int contents_compare_names(struct slice schema_a, struct slice name_a, struct slice schema_b,
                           struct slice name_b)
{
	int order = compare_slices(schema_a, schema_b);
	return order ? order : compare_slices(name_a, name_b);
}

static struct table_digest *table_new(struct slice schema, struct slice name,
                                      const struct slice *columns, size_t column_count)
{
	struct table_digest *table = calloc(1, sizeof(*table));
	if (!table)
		return NULL;
	table->schema = slice_dup(schema);
	table->name = slice_dup(name);
	table->columns = calloc(column_count ? column_count : 1, sizeof(*table->columns));
	bool whole = table->schema && table->name && table->columns;
	for (size_t i = 0; whole && i < column_count; i++) {
		table->columns[i] = slice_dup(columns[i]);
		whole = table->columns[i] != NULL;
		table->column_count += whole;
	}
	if (!whole) {
		table_release(table);
		free(table);
		return NULL;
	}
	return table;
}

struct table_digest *contents_table_for(struct contents *contents, struct slice schema,
                                        struct slice name, const struct slice *columns,
                                        size_t column_count, struct err *err)
{
	struct table_digest *last = contents->last_table;
	if (last && slice_equals(schema, last->schema) && slice_equals(name, last->name))
		return last;
	bool found;
	size_t at = table_position(contents, schema, name, &found);
	if (!found) {
		struct table_digest **tables = realloc(
			contents->tables, (contents->table_count + 1) * sizeof(struct table_digest *));
		if (tables)
			contents->tables = tables;
		struct table_digest *table =
			tables ? table_new(schema, name, columns, column_count) : NULL;
		if (!table) {
			err_memory(err, "a stream's digests");
			return NULL;
		}
		memmove(&tables[at + 1], &tables[at],
		        (contents->table_count - at) * sizeof(struct table_digest *));
		tables[at] = table;
		contents->table_count++;
	}
	return contents->last_table = contents->tables[at];
}

static bool same_columns(const struct table_digest *table, const struct copy_table *copy)
{
	if (table->column_count != copy->column_count)
		return false;
	for (size_t i = 0; i < copy->column_count; i++)
		if (!slice_equals(copy->columns[i], table->columns[i]))
			return false;
	return true;
}

static bool rows_are_empty(const struct record_data *data)
{
	return data->rows.len == data->row_count * (data->crlf ? 2 : 1);
}

/* Why the rows can't be digested, or NULL.  A table without columns (or with generated ones only) has
 * no column list, for which PostgreSQL has no syntax, and empty rows. */
static const char *undigestable(const struct record_data *data)
{
	if (!data->table->text_format)
		return "COPY in another format than text";
	if (!data->table->has_columns && !rows_are_empty(data))
		return "COPY without a column list";
	return NULL;
}

static int refuse(struct contents *contents, bool lenient, const char *what, struct slice schema,
                  struct slice name, struct place place, struct err *err)
{
	struct buf text = BUF_INIT;
	buf_addf(&text, "line %llu: %s", (unsigned long long)place.line, what);
	if (name.len)
		buf_addf(&text, " (%.*s%s%.*s)", SLICE_ARG(schema), schema.len ? "." : "",
		         SLICE_ARG(name));
	if (buf_check(&text, "a stream's digests", err) < 0) {
		buf_release(&text);
		return -1;
	}
	if (!lenient)
		err_set(err, ERR_INPUT, "%s can't be compared: dump with COPY and column lists",
		        text.data);
	else if (!contents->undigested)
		contents->undigested = buf_detach(&text);
	buf_release(&text);
	return lenient ? 0 : -1;
}

static int add_digest(struct table_digest *table, const struct record_data *data, uint64_t rows,
                      const struct contents_options *options, struct err *err)
{
	const struct chunk *chunk = data->chunk;
	bool counted = chunk && chunk->counted;
	if (data->pristine && options->trust_pristine) {
		table->pristine = true;
		table->uncounted |= chunk && !counted;
		table->rows += rows;
	} else if (counted || data->sum) {
		table->rows += rows;
		table->sum = hash128_add(table->sum, counted ? chunk->sum : *data->sum);
	} else if (chunk) {
		return err_set(err, ERR_INPUT, "%s: its rows are not counted", chunk->place);
	} else {
		hash128_rows(data->rows, data->crlf, &table->rows, &table->sum);
	}
	return 0;
}

static int add_rows(struct contents *contents, const struct record *record,
                    const struct contents_options *options, struct err *err)
{
	const struct record_data *data = &record->data;
	const struct copy_table *copy = data->table;
	const struct chunk *chunk = data->chunk;
	uint64_t rows = chunk ? chunk->counted ? chunk->rows : 0 : data->row_count;
	if (data->first)
		contents->statements++;
	contents->rows += rows;
	const char *why = chunk ? NULL : undigestable(data);
	if (why)
		return refuse(contents, options->lenient, why, copy->schema, copy->name, record->place,
		              err);
	struct table_digest *table = contents_table_for(contents, copy->schema, copy->name,
	                                                copy->columns, copy->column_count, err);
	if (!table)
		return -1;
	if (data->first && !same_columns(table, copy) && options->lenient)
		return refuse(contents, true, "rows with other columns than before", copy->schema,
		              copy->name, record->place, err);
	if (data->first && !same_columns(table, copy))
		return err_set(err, ERR_INPUT,
		               "line %llu: table %s.%s comes a second time with other columns",
		               (unsigned long long)record->place.line, table->schema, table->name);
	return add_digest(table, data, rows, options, err);
}

/* People write other calls than pg_dump does: what they put there can't be told. */
static int add_large_object(struct contents *contents, const struct record *record,
                            const struct contents_options *options, struct err *err)
{
	struct err why = ERR_INIT;
	if (contents_add_large_object(contents, &record->statement, &why) == 0)
		return 0;
	if (options->lenient && why.kind == ERR_INPUT)
		return refuse(contents, true, why.message, SLICE_NONE, SLICE_NONE, record->place, err);
	*err = why;
	return -1;
}

int contents_add(struct contents *contents, const struct record *record,
                 const struct contents_options *options, struct err *err)
{
	if (record->kind == RECORD_DATA)
		return add_rows(contents, record, options, err);
	if (record->kind == RECORD_TRAILER)
		return contents_end_large_object(contents, err);
	if (record->kind != RECORD_STATEMENT || record->statement.class == CLASS_EMPTY)
		return 0;
	contents->statements++;
	switch (record->statement.class) {
	case CLASS_INSERT:
		return refuse(contents, options->lenient, "INSERT", SLICE_NONE, SLICE_NONE,
		              record->place, err);
	case CLASS_SETVAL:
		return contents_add_setval(contents, &record->statement, err);
	case CLASS_LARGE_OBJECT:
		return add_large_object(contents, record, options, err);
	default:
		return 0;
	}
}

const char *contents_undigested(const struct contents *contents)
{
	return contents->undigested;
}

size_t contents_table_count(const struct contents *contents)
{
	return contents->table_count;
}

const struct table_digest *contents_table(const struct contents *contents, size_t index)
{
	return contents->tables[index];
}

const struct table_digest *contents_find_table(const struct contents *contents,
                                               const char *schema, const char *name)
{
	bool found;
	size_t at = table_position(contents, slice_of(schema), slice_of(name), &found);
	return found ? contents->tables[at] : NULL;
}

size_t contents_sequence_count(const struct contents *contents)
{
	return contents->sequence_count;
}

const struct sequence_value *contents_sequence(const struct contents *contents, size_t index)
{
	return &contents->sequences[index];
}

uint64_t contents_rows(const struct contents *contents)
{
	return contents->rows;
}

uint64_t contents_statements(const struct contents *contents)
{
	return contents->statements;
}

int contents_vouch(struct contents *contents, const struct contents *vouched, struct err *err)
{
	for (size_t i = 0; i < contents->table_count; i++) {
		struct table_digest *table = contents->tables[i];
		if (!table->pristine)
			continue;
		const struct table_digest *known =
			contents_find_table(vouched, table->schema, table->name);
		if (!known)
			return err_set(err, ERR_INPUT, "the stream's trailer lacks table %s.%s",
			               table->schema, table->name);
		if (table->uncounted) {
			contents->rows += known->rows - table->rows;
			table->rows = known->rows;
		}
		if (known->rows != table->rows)
			return err_set(err, ERR_INPUT,
			               "table %s.%s: %llu rows, but the stream's trailer says %llu",
			               table->schema, table->name, (unsigned long long)table->rows,
			               (unsigned long long)known->rows);
		table->sum = known->sum;
		table->pristine = table->uncounted = false;
	}
	return 0;
}

bool table_digest_same_columns(const struct table_digest *a, const struct table_digest *b)
{
	if (a->column_count != b->column_count)
		return false;
	for (size_t i = 0; i < a->column_count; i++)
		if (strcmp(a->columns[i], b->columns[i]) != 0)
			return false;
	return true;
}

static int merge_table(struct contents *contents, const struct table_digest *other, struct err *err)
{
	struct slice *columns = calloc(other->column_count + 1, sizeof(*columns));
	struct table_digest *table = NULL;
	if (!columns)
		return err_memory(err, "a stream's digests");
	for (size_t i = 0; i < other->column_count; i++)
		columns[i] = slice_of(other->columns[i]);
	table = contents_table_for(contents, slice_of(other->schema), slice_of(other->name), columns,
	                           other->column_count, err);
	free(columns);
	if (!table)
		return -1;
	if (!table_digest_same_columns(table, other))
		return err_set(err, ERR_INPUT, "table %s.%s comes a second time with other columns",
		               table->schema, table->name);
	table->rows += other->rows;
	table->sum = hash128_add(table->sum, other->sum);
	table->pristine |= other->pristine;
	table->uncounted |= other->uncounted;
	return 0;
}

int contents_merge(struct contents *contents, const struct contents *other, struct err *err)
{
	for (size_t i = 0; i < other->table_count; i++)
		if (merge_table(contents, other->tables[i], err) < 0)
			return -1;
	contents->rows += other->rows;
	contents->statements += other->statements;
	return 0;
}

static int check_table(const struct table_digest *expected, const struct table_digest *actual,
                       enum err_kind kind, struct err *err)
{
	if (expected->rows != actual->rows)
		return err_set(err, kind, "table %s.%s: %llu rows expected, %llu received",
		               expected->schema, expected->name, (unsigned long long)expected->rows,
		               (unsigned long long)actual->rows);
	if (!hash128_equal(expected->sum, actual->sum))
		return err_set(err, kind, "table %s.%s: the digest of its %llu rows differs",
		               expected->schema, expected->name, (unsigned long long)expected->rows);
	return 0;
}

static int check_tables(const struct contents *expected, const struct contents *actual,
                        enum err_kind kind, struct err *err)
{
	for (size_t i = 0; i < expected->table_count; i++) {
		const struct table_digest *table = expected->tables[i];
		const struct table_digest *other =
			contents_find_table(actual, table->schema, table->name);
		if (!other)
			return err_set(err, kind, "table %s.%s is missing", table->schema, table->name);
		if (check_table(table, other, kind, err) < 0)
			return -1;
	}
	return 0;
}

int contents_check_equal(const struct contents *expected, const struct contents *actual,
                         enum err_kind kind, struct err *err)
{
	if (check_tables(expected, actual, kind, err) < 0)
		return -1;
	for (size_t i = 0; i < actual->table_count; i++) {
		const struct table_digest *table = actual->tables[i];
		if (!contents_find_table(expected, table->schema, table->name))
			return err_set(err, kind, "table %s.%s is not expected", table->schema,
			               table->name);
	}
	return 0;
}

static const struct sequence_value *find_sequence(const struct contents *contents,
                                                  const struct sequence_value *wanted)
{
	for (size_t i = 0; i < contents->sequence_count; i++)
		if (strcmp(contents->sequences[i].schema, wanted->schema) == 0 &&
		    strcmp(contents->sequences[i].name, wanted->name) == 0)
			return &contents->sequences[i];
	return NULL;
}

int contents_check_holds(const struct contents *expected, const struct contents *actual,
                         enum err_kind kind, struct err *err)
{
	if (check_tables(expected, actual, kind, err) < 0)
		return -1;
	for (size_t i = 0; i < expected->sequence_count; i++) {
		const struct sequence_value *sequence = &expected->sequences[i];
		const struct sequence_value *other = find_sequence(actual, sequence);
		if (!other)
			return err_set(err, kind, "sequence %s.%s is missing", sequence->schema,
			               sequence->name);
		if (strcmp(sequence->last_value, other->last_value) != 0 ||
		    sequence->is_called != other->is_called)
			return err_set(err, kind, "sequence %s.%s: value %s expected, %s found",
			               sequence->schema, sequence->name, sequence->last_value,
			               other->last_value);
	}
	return 0;
}
