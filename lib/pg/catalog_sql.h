/* The queries behind catalog.c and rights.c. */
#ifndef IDKIT_PG_CATALOG_SQL_H
#define IDKIT_PG_CATALOG_SQL_H

#include "catalog.h"

/*
 * Appends "FROM pg_class c JOIN pg_namespace n … WHERE …": the tables whose rows are dumped, and the
 * partitioned ones.  x is the pg_extension that has c as configuration table, or NULLs; x.condition
 * its condition.
 */
int catalog_add_tables(struct pg *pg, const struct catalog_options *options, struct buf *sql,
                       struct err *err);
/* Likewise the sequences. */
int catalog_add_sequences(struct pg *pg, const struct catalog_options *options, struct buf *sql,
                          struct err *err);

/* Puts the tables in the order in which their rows must be loaded. */
int catalog_order(struct pg *pg, const struct catalog_options *options, struct catalog *catalog,
                  struct err *err);

#endif
