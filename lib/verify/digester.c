#include "digester.h"

#include <stdlib.h>

#include "reorder.h"

struct digester {
	const struct contents *layout;
	struct contents *contents; /* what came, hashed in the layout's order */
	struct contents *original; /* likewise in the stream's own order; NULL when never different */
	/* The COPY block that passes, when its columns are in another order. */
	size_t *places;
	struct slice *columns;
	struct copy_table table;
	struct buf rows;
};

struct digester *digester_new(const struct contents *layout, struct err *err)
{
	struct digester *digester = calloc(1, sizeof(*digester));
	if (!digester) {
		err_memory(err, "digests");
		return NULL;
	}
	digester->layout = layout;
	digester->contents = contents_new(err);
	/* With a layout rows may be hashed in another order than the trailer has them. */
	digester->original = layout ? contents_new(err) : NULL;
	if (!digester->contents || (layout && !digester->original)) {
		digester_free(digester);
		return NULL;
	}
	return digester;
}

static void forget_block(struct digester *digester)
{
	free(digester->places);
	free(digester->columns);
	digester->places = NULL;
	digester->columns = NULL;
}

void digester_free(struct digester *digester)
{
	if (!digester)
		return;
	forget_block(digester);
	contents_free(digester->contents);
	contents_free(digester->original);
	buf_release(&digester->rows);
	free(digester);
}

static int begin_block(struct digester *digester, const struct copy_table *table, struct err *err)
{
	char *schema = slice_dup(table->schema), *name = slice_dup(table->name);
	const struct table_digest *wanted = NULL;
	forget_block(digester);
	if (schema && name)
		wanted = contents_find_table(digester->layout, schema, name);
	else
		err_memory(err, "a table's name");
	free(schema);
	free(name);
	if (!wanted)
		return err_is_set(err) ? -1 : 0;
	digester->places = reorder_places(wanted, table, err);
	if (!digester->places)
		return err_is_set(err) ? -1 : 0;
	digester->columns = calloc(table->column_count, sizeof(*digester->columns));
	if (!digester->columns)
		return err_memory(err, "a table's columns");
	for (size_t i = 0; i < table->column_count; i++)
		digester->columns[i] = table->columns[digester->places[i]];
	digester->table = *table;
	digester->table.columns = digester->columns;
	return 0;
}

static int add_reordered(struct digester *digester, const struct record *record, struct err *err)
{
	const struct contents_options options = { .lenient = false };
	struct record out = *record;
	buf_reset(&digester->rows);
	if (reorder_rows(record->data.rows, record->data.crlf, digester->places,
	                 record->data.table->column_count, &digester->rows, err) < 0)
		return -1;
	out.data.table = &digester->table;
	out.data.rows = buf_slice(&digester->rows);
	out.data.crlf = false;
	out.data.sum = NULL;
	return contents_add(digester->contents, &out, &options, err);
}

/* Both collectors need the rows' hashes: they are made once. */
static struct record with_sum(const struct record *record, struct hash128 *sum)
{
	struct record out = *record;
	uint64_t rows = 0;
	*sum = (struct hash128){ 0, 0 };
	if (record->kind == RECORD_DATA && !record->data.sum) {
		hash128_rows(record->data.rows, record->data.crlf, &rows, sum);
		out.data.sum = sum;
	}
	return out;
}

static int add_twice(struct digester *digester, const struct record *record, struct err *err)
{
	const struct contents_options options = { .lenient = false };
	struct hash128 sum;
	const struct record summed = with_sum(record, &sum);
	if (contents_add(digester->original, &summed, &options, err) < 0)
		return -1;
	if (record->kind == RECORD_DATA) {
		if (record->data.first && begin_block(digester, record->data.table, err) < 0)
			return -1;
		if (digester->places)
			return add_reordered(digester, record, err);
	}
	return contents_add(digester->contents, &summed, &options, err);
}

int digester_add(struct digester *digester, const struct record *record, struct err *err)
{
	const struct contents_options options = { .lenient = false };
	return digester->original ? add_twice(digester, record, err)
	                          : contents_add(digester->contents, record, &options, err);
}

int digester_merge(struct digester *digester, const struct digester *other, struct err *err)
{
	if (digester->original && contents_merge(digester->original, other->original, err) < 0)
		return -1;
	return contents_merge(digester->contents, other->contents, err);
}

const struct contents *digester_contents(const struct digester *digester)
{
	return digester->contents;
}

const struct contents *digester_original(const struct digester *digester)
{
	return digester->original ? digester->original : digester->contents;
}
