#include "reorder.h"

#include <stdlib.h>
#include <string.h>

static bool find_place(const struct copy_table *table, const char *column, size_t *place)
{
	for (size_t i = 0; i < table->column_count; i++)
		if (slice_equals(table->columns[i], column)) {
			*place = i;
			return true;
		}
	return false;
}

size_t *reorder_places(const struct table_digest *wanted, const struct copy_table *table,
                       struct err *err)
{
	bool moved = false;
	if (wanted->column_count != table->column_count || table->column_count == 0)
		return NULL;
	size_t *places = calloc(table->column_count, sizeof(*places));
	if (!places) {
		err_memory(err, "a table's columns");
		return NULL;
	}
	for (size_t i = 0; i < wanted->column_count; i++) {
		if (!find_place(table, wanted->columns[i], &places[i])) {
			free(places);
			return NULL;
		}
		moved |= places[i] != i;
	}
	if (!moved) {
		free(places);
		return NULL;
	}
	return places;
}

/* A tab inside a value is written as \t, so each tab is a column's end. */
static bool split_row(struct slice row, struct slice *fields, size_t count)
{
	const char *start = row.data, *end = row.data + row.len;
	for (size_t i = 0; i < count; i++) {
		const char *tab = memchr(start, '\t', (size_t)(end - start));
		if ((tab == NULL) != (i + 1 == count))
			return false;
		const char *field_end = tab ? tab : end;
		fields[i] = (struct slice){ start, (size_t)(field_end - start) };
		start = field_end + 1;
	}
	return true;
}

static void add_row(struct buf *out, const struct slice *fields, const size_t *places,
                    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_addc(out, '\t');
		buf_add_slice(out, fields[places[i]]);
	}
	buf_addc(out, '\n');
}

int reorder_rows(struct slice rows, bool crlf, const size_t *places, size_t column_count,
                 struct buf *out, struct err *err)
{
	struct slice *fields = calloc(column_count, sizeof(*fields));
	int result = fields ? 0 : err_memory(err, "a row");
	while (fields && result == 0 && rows.len > 0) {
		const char *newline = memchr(rows.data, '\n', rows.len);
		size_t len = (size_t)(newline - rows.data);
		struct slice row = { rows.data, len };
		if (crlf && len > 0 && row.data[len - 1] == '\r')
			row.len--;
		if (split_row(row, fields, column_count))
			add_row(out, fields, places, column_count);
		else
			result = err_set(err, ERR_INPUT, "a row has not %zu fields: %.*s", column_count,
			                 (int)(row.len < 80 ? row.len : 80), row.data);
		rows.data += len + 1;
		rows.len -= len + 1;
	}
	free(fields);
	return result < 0 ? -1 : buf_check(out, "a table's rows", err);
}
