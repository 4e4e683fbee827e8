/*
 * data_reader.h - the rows, sequences and large objects of a database, as records.
 *
 * Rows come by COPY … TO STDOUT in the catalog's order, cut into chunks; each chunk is a COPY
 * statement by itself.  Then a setval() a sequence, then lo_put() statements.
 */
#ifndef IDKIT_PG_DATA_READER_H
#define IDKIT_PG_DATA_READER_H

#include "catalog.h"
#include "contents.h"
#include "record.h"

/* Raw bytes of rows after which a chunk ends. */
#define DATA_CHUNK_BYTES ((size_t)8 * 1024 * 1024)

struct data_reader_options {
	size_t chunk_bytes;
	/* Tables that are in here with the same columns in another order are read in that order, so
	 * that digests can be compared.  NULL: the tables' own order.  Borrowed. */
	const struct contents *layout;
	/* lo_create() for each large object: where no definitions from pg_dump go before. */
	bool create_large_objects;
};

/* The connection is in the transaction under which the catalog was read, its session pinned. */
int data_read(struct pg *pg, const struct catalog *catalog,
              const struct data_reader_options *options, struct sink *sink, struct err *err);

#endif
