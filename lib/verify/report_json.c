#include <jansson.h>
#include <stdlib.h>

#include "report.h"

/* Names of SQL_ASCII databases may be no UTF-8: shown as far as JSON can. */
static json_t *text_json(const char *text)
{
	json_t *json = json_string(text);
	return json ? json : json_string("(not UTF-8)");
}

static json_t *columns_json(const struct table_digest *table)
{
	json_t *columns = json_array();
	for (size_t i = 0; i < table->column_count; i++)
		json_array_append_new(columns, text_json(table->columns[i]));
	return columns;
}

static json_t *digest_json(const struct table_digest *table)
{
	char hex[HASH128_HEX_BYTES + 1];
	if (!table)
		return json_null();
	hash128_hex(table->sum, hex);
	return json_pack("{s:I, s:s, s:o}", "rows", (json_int_t)table->rows, "digest", hex,
	                 "columns", columns_json(table));
}

static json_t *table_json(const struct table_comparison *table)
{
	const struct table_digest *any = table->a ? table->a : table->b;
	return json_pack("{s:o, s:o, s:s, s:o, s:o}", "schema", text_json(any->schema), "name",
	                 text_json(any->name), "verdict", verdict_name(table->verdict), "a",
	                 digest_json(table->a), "b", digest_json(table->b));
}

static json_t *value_json(const struct sequence_value *sequence)
{
	if (!sequence)
		return json_null();
	return json_pack("{s:s, s:b}", "last_value", sequence->last_value, "is_called",
	                 sequence->is_called);
}

static json_t *sequence_json(const struct sequence_comparison *sequence)
{
	const struct sequence_value *any = sequence->a ? sequence->a : sequence->b;
	return json_pack("{s:o, s:o, s:s, s:o, s:o}", "schema", text_json(any->schema), "name",
	                 text_json(any->name), "verdict", verdict_name(sequence->verdict), "a",
	                 value_json(sequence->a), "b", value_json(sequence->b));
}

/* Takes the object over. */
static int print(json_t *object, struct buf *json, struct err *err)
{
	char *text = object ? json_dumps(object, JSON_INDENT(2)) : NULL;
	json_decref(object);
	if (!text)
		return err_memory(err, "a report");
	buf_adds(json, text);
	buf_addc(json, '\n');
	free(text);
	return buf_check(json, "a report", err);
}

int report_json(const struct comparison *comparison, const struct report_names *names,
                struct buf *json, struct err *err)
{
	json_t *tables = json_array(), *sequences = json_array();
	for (size_t i = 0; i < comparison->table_count; i++)
		json_array_append_new(tables, table_json(&comparison->tables[i]));
	for (size_t i = 0; i < comparison->sequence_count; i++)
		json_array_append_new(sequences, sequence_json(&comparison->sequences[i]));
	return print(json_pack("{s:b, s:o, s:o, s:I, s:I, s:o, s:o}", "equal",
	                       comparison_is_equal(comparison), "a", text_json(names->a), "b",
	                       text_json(names->b), "table_differences",
	                       (json_int_t)comparison->table_differences, "sequence_differences",
	                       (json_int_t)comparison->sequence_differences, "tables", tables,
	                       "sequences", sequences),
	             json, err);
}

int report_stream_json(const struct contents *contents, const char *name, bool vouched,
                       struct buf *json, struct err *err)
{
	json_t *tables = json_array();
	for (size_t i = 0; i < contents_table_count(contents); i++) {
		const struct table_digest *table = contents_table(contents, i);
		json_array_append_new(tables, json_pack("{s:o, s:o, s:o}", "schema",
		                                        text_json(table->schema), "name",
		                                        text_json(table->name), "contents",
		                                        digest_json(table)));
	}
	return print(json_pack("{s:b, s:b, s:o, s:I, s:I, s:o}", "complete", 1, "checked", vouched,
	                       "stream", text_json(name), "rows",
	                       (json_int_t)contents_rows(contents), "sequences",
	                       (json_int_t)contents_sequence_count(contents), "tables", tables),
	             json, err);
}
