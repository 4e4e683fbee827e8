/* Readers, sequences; tables are in data_table.c, large objects in large_object.c. */
#include "data_reader.h"

#include <stdlib.h>

#include "data_reader_internal.h"
#include "ident.h"
#include "toc_comment.h"

struct data_reader *data_reader_new(struct pg *pg, const struct data_reader_options *options,
                                    struct sink *sink, struct err *err)
{
	struct data_reader *reader = calloc(1, sizeof(*reader));
	if (!reader) {
		err_memory(err, "a database's rows");
		return NULL;
	}
	reader->pg = pg;
	reader->options = options;
	reader->sink = sink;
	return reader;
}

void data_reader_free(struct data_reader *reader)
{
	if (!reader)
		return;
	buf_release(&reader->rows);
	free(reader);
}

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

int data_read_rest(struct data_reader *reader, const struct catalog *catalog, struct err *err)
{
	for (size_t i = 0; i < catalog->sequence_count; i++)
		if (read_sequence(reader, &catalog->sequences[i], err) < 0)
			return -1;
	for (size_t i = 0; i < catalog->large_object_count; i++)
		if (data_reader_large_object(reader, catalog->large_objects[i], err) < 0)
			return -1;
	return 0;
}
