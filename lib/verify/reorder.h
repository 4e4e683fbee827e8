/*
 * reorder.h - rows of COPY text with their columns in another order.
 */
#ifndef IDKIT_VERIFY_REORDER_H
#define IDKIT_VERIFY_REORDER_H

#include <stdbool.h>

#include "buf.h"
#include "contents.h"
#include "record.h"

/*
 * The places of the table's columns in the wanted order: places[i] is where column i of `wanted`
 * stands in `table`.  malloc'ed.  NULL without an error when the order is the same already or the
 * columns are not the same; NULL with an error when memory is out.
 */
size_t *reorder_places(const struct table_digest *wanted, const struct copy_table *table,
                       struct err *err);

/* Appends the rows with their fields in that order; ERR_INPUT for a row with another number of
 * fields. */
int reorder_rows(struct slice rows, bool crlf, const size_t *places, size_t column_count,
                 struct buf *out, struct err *err);

#endif
