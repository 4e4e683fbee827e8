#include "digest_sink.h"

#include <stdlib.h>
#include <string.h>

#include "header.h"
#include "reorder.h"

struct digest_sink {
	struct sink sink;
	const struct contents *layout;
	struct contents *contents; /* what came, hashed in the layout's order */
	struct contents *original; /* likewise in the stream's own order; NULL when never different */
	bool schema_only;
	bool vouched;
	char *encoding;
	/* The COPY block that passes, when its columns are in another order. */
	size_t *places;
	struct slice *columns;
	struct copy_table table;
	struct buf rows;
};

static void forget_block(struct digest_sink *digest)
{
	free(digest->places);
	free(digest->columns);
	digest->places = NULL;
	digest->columns = NULL;
}

static int begin_block(struct digest_sink *digest, const struct copy_table *table, struct err *err)
{
	char *schema = slice_dup(table->schema), *name = slice_dup(table->name);
	const struct table_digest *wanted = NULL;
	forget_block(digest);
	if (schema && name)
		wanted = contents_find_table(digest->layout, schema, name);
	else
		err_memory(err, "a table's name");
	free(schema);
	free(name);
	if (!wanted)
		return err_is_set(err) ? -1 : 0;
	digest->places = reorder_places(wanted, table, err);
	if (!digest->places)
		return err_is_set(err) ? -1 : 0;
	digest->columns = calloc(table->column_count, sizeof(*digest->columns));
	if (!digest->columns)
		return err_memory(err, "a table's columns");
	for (size_t i = 0; i < table->column_count; i++)
		digest->columns[i] = table->columns[digest->places[i]];
	digest->table = *table;
	digest->table.columns = digest->columns;
	return 0;
}

static int add_reordered(struct digest_sink *digest, const struct record *record, struct err *err)
{
	const struct contents_options options = { .lenient = false };
	struct record out = *record;
	buf_reset(&digest->rows);
	if (reorder_rows(record->data.rows, record->data.crlf, digest->places,
	                 record->data.table->column_count, &digest->rows, err) < 0)
		return -1;
	out.data.table = &digest->table;
	out.data.rows = buf_slice(&digest->rows);
	out.data.crlf = false;
	return contents_add(digest->contents, &out, &options, err);
}

static int check_trailer(struct digest_sink *digest, const struct record *record, struct err *err)
{
	const struct contents *vouched = record->trailer.contents;
	if (!vouched)
		return 0;
	digest->vouched = true;
	return contents_check_equal(vouched, digest->original ? digest->original : digest->contents,
	                            ERR_INPUT, err);
}

static int remember_encoding(struct digest_sink *digest, const struct stream_header *header,
                             struct err *err)
{
	const char *encoding = stream_header_get(header, "client_encoding");
	if (encoding && !(digest->encoding = strdup(encoding)))
		return err_memory(err, "a stream's header");
	return 0;
}

static int digest_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct digest_sink *digest = (struct digest_sink *)sink;
	const struct contents_options options = { .lenient = false };
	if (record->kind == RECORD_HEADER) {
		const char *extent = stream_header_get(record->header, "contents");
		digest->schema_only = extent && strcmp(extent, "schema") == 0;
		return remember_encoding(digest, record->header, err);
	}
	if (digest->original && contents_add(digest->original, record, &options, err) < 0)
		return -1;
	if (record->kind == RECORD_DATA && digest->layout) {
		if (record->data.first && begin_block(digest, record->data.table, err) < 0)
			return -1;
		if (digest->places)
			return add_reordered(digest, record, err);
	}
	if (contents_add(digest->contents, record, &options, err) < 0)
		return -1;
	return record->kind == RECORD_TRAILER ? check_trailer(digest, record, err) : 0;
}

static void digest_free(struct sink *sink)
{
	struct digest_sink *digest = (struct digest_sink *)sink;
	forget_block(digest);
	contents_free(digest->contents);
	contents_free(digest->original);
	free(digest->encoding);
	buf_release(&digest->rows);
	free(digest);
}

static const struct sink_ops digest_ops = { .write = digest_write, .free = digest_free };

struct sink *digest_sink_new(const struct contents *layout, struct err *err)
{
	struct digest_sink *digest = calloc(1, sizeof(*digest));
	if (!digest) {
		err_memory(err, "digests");
		return NULL;
	}
	digest->sink.ops = &digest_ops;
	digest->layout = layout;
	digest->contents = contents_new(err);
	/* With a layout rows may be hashed in another order than the trailer has them. */
	digest->original = layout ? contents_new(err) : NULL;
	if (!digest->contents || (layout && !digest->original)) {
		digest_free(&digest->sink);
		return NULL;
	}
	return &digest->sink;
}

const struct contents *digest_sink_contents(const struct sink *sink)
{
	return ((const struct digest_sink *)sink)->contents;
}

bool digest_sink_vouched(const struct sink *sink)
{
	return ((const struct digest_sink *)sink)->vouched;
}

const char *digest_sink_encoding(const struct sink *sink)
{
	return ((const struct digest_sink *)sink)->encoding;
}

bool digest_sink_schema_only(const struct sink *sink)
{
	return ((const struct digest_sink *)sink)->schema_only;
}
