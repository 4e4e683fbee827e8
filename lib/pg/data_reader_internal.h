/* Shared by data_reader.c, data_table.c and large_object.c only. */
#ifndef IDKIT_PG_DATA_READER_INTERNAL_H
#define IDKIT_PG_DATA_READER_INTERNAL_H

#include "data_reader.h"

struct data_reader {
	struct pg *pg;
	struct sink *sink;
	const struct data_reader_options *options;
	uint64_t statements;
	struct buf rows; /* of the table being read; its memory serves one after the other */
};

/* Delivers a statement of the data section; `lead` may be NULL. */
int data_reader_statement(struct data_reader *reader, const struct buf *lead, const struct buf *sql,
                          enum statement_class class, const struct object *object, struct err *err);

/* Its bytes (and its creation, if asked for). */
int data_reader_large_object(struct data_reader *reader, const char *oid, struct err *err);

#endif
