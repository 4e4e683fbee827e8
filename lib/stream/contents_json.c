/* The trailer's JSON object. */
#include <jansson.h>
#include <stdlib.h>

#include "contents_internal.h"

static json_t *table_json(const struct table_digest *table)
{
	char hex[HASH128_HEX_BYTES + 1];
	hash128_hex(table->sum, hex);
	json_t *columns = json_array();
	for (size_t i = 0; columns && i < table->column_count; i++)
		if (json_array_append_new(columns, json_string(table->columns[i])) < 0) {
			json_decref(columns);
			return NULL;
		}
	return json_pack("{s:s, s:s, s:o, s:I, s:s}", "schema", table->schema, "name", table->name,
	                 "columns", columns, "rows", (json_int_t)table->rows, "digest", hex);
}

int contents_print(const struct contents *contents, struct buf *json, struct err *err)
{
	buf_addf(json, "{\"statements\":%llu,\"rows\":%llu,\"tables\":[",
	         (unsigned long long)contents->statements, (unsigned long long)contents->rows);
	for (size_t i = 0; i < contents->table_count; i++) {
		const struct table_digest *table = contents->tables[i];
		json_t *object = table_json(table);
		char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
		json_decref(object);
		if (!text)
			return err_set(err, ERR_INPUT,
			               "table %s.%s: a name that is not UTF-8 can't be written to the "
			               "stream's trailer",
			               table->schema, table->name);
		buf_addf(json, "%s%s", i ? "," : "", text);
		free(text);
	}
	buf_adds(json, "]");
	return buf_check(json, "the stream's trailer", err);
}

static int damaged(struct err *err, const char *what)
{
	return err_set(err, ERR_INPUT, "the stream's trailer is damaged: %s", what);
}

static int read_columns(const json_t *columns, struct slice *names)
{
	size_t i;
	json_t *column;
	json_array_foreach(columns, i, column) {
		if (!json_is_string(column))
			return -1;
		names[i] = (struct slice){ json_string_value(column), json_string_length(column) };
	}
	return 0;
}

static int read_table(struct contents *contents, json_t *object, struct err *err)
{
	const char *schema, *name, *hex;
	json_t *columns;
	json_int_t rows;
	if (json_unpack(object, "{s:s, s:s, s:o, s:I, s:s}", "schema", &schema, "name", &name,
	                "columns", &columns, "rows", &rows, "digest", &hex) < 0 ||
	    !json_is_array(columns) || rows < 0)
		return damaged(err, "a table's entry lacks something");
	size_t count = json_array_size(columns);
	struct slice *names = calloc(count ? count : 1, sizeof(*names));
	if (!names)
		return err_memory(err, "the stream's trailer");
	int result = -1;
	struct table_digest *table = NULL;
	if (read_columns(columns, names) < 0)
		damaged(err, "a column's name is no text");
	else
		table = contents_table_for(contents, slice_of(schema), slice_of(name), names, count,
		                           err);
	if (table) {
		table->rows = (uint64_t)rows;
		result = hash128_parse(slice_of(hex), &table->sum)
		             ? 0
		             : damaged(err, "a digest is not 32 hex digits");
	}
	free(names);
	return result;
}

static int read_trailer(struct contents *contents, json_t *json, struct err *err)
{
	json_t *tables, *table;
	json_int_t statements, rows;
	size_t i;
	if (json_unpack(json, "{s:I, s:I, s:o}", "statements", &statements, "rows", &rows, "tables",
	                &tables) < 0 ||
	    !json_is_array(tables) || statements < 0 || rows < 0)
		return damaged(err, "counts or tables are missing");
	contents->statements = (uint64_t)statements;
	contents->rows = (uint64_t)rows;
	json_array_foreach(tables, i, table)
		if (read_table(contents, table, err) < 0)
			return -1;
	return 0;
}

struct contents *contents_parse(struct slice text, struct err *err)
{
	json_error_t why;
	json_t *json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &why);
	if (!json) {
		damaged(err, why.text);
		return NULL;
	}
	struct contents *contents = contents_new(err);
	if (contents && read_trailer(contents, json, err) < 0) {
		contents_free(contents);
		contents = NULL;
	}
	json_decref(json);
	return contents;
}
