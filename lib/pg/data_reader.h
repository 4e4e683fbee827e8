/*
 * data_reader.h - the rows, sequences and large objects of a database, as records.
 *
 * Rows come by COPY … TO STDOUT, cut into chunks; each chunk is a COPY statement by itself, with
 * the comment that says what it belongs to, so that chunks of several tables may interleave.
 *
 *     reader = data_reader_new(pg, options, sink, err);
 *     data_read_table(reader, part, err);              once per part of a table
 *     data_read_rest(reader, catalog, err);
 *     data_reader_free(reader);
 *
 * A reader belongs to one connection, which is in the transaction under which the catalog was read,
 * its session pinned.
 */
#ifndef IDKIT_PG_DATA_READER_H
#define IDKIT_PG_DATA_READER_H

#include <stdint.h>

#include "catalog.h"
#include "contents.h"
#include "progress.h"
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
	struct progress *progress; /* borrowed; NULL: nobody looks */
};

/* A table, or its rows in a range of its pages. */
struct data_part {
	const struct catalog_table *table;
	uint32_t first_page;
	uint32_t end_page; /* the first one that does not belong to it; 0: all up to the end */
};

bool data_part_is_whole(const struct data_part *part);

struct data_reader;

/* All is borrowed.  NULL on error. */
struct data_reader *data_reader_new(struct pg *pg, const struct data_reader_options *options,
                                    struct sink *sink, struct err *err);
void data_reader_free(struct data_reader *reader);

/* A table without rows is one empty chunk; a range without rows is nothing, unless it is the first.
 * Each record's `sum` is set. */
int data_read_table(struct data_reader *reader, const struct data_part *part, struct err *err);

/* A setval() a sequence, then lo_put() statements. */
int data_read_rest(struct data_reader *reader, const struct catalog *catalog, struct err *err);

#endif
