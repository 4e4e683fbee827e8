/*
 * inherited.h - keys that partitions have from the table above them.
 *
 * pg_dump --clean drops these one by one before their parents', which the server refuses ("cannot
 * drop inherited constraint"); they go with the parent's, so the statements can be left out.
 */
#ifndef IDKIT_PG_INHERITED_H
#define IDKIT_PG_INHERITED_H

#include "conn.h"

/* Appends those of the database, in a form for inherited_is_dropped() only. */
int inherited_read(struct pg *pg, struct buf *list, struct err *err);

/* Is it ALTER TABLE … DROP CONSTRAINT of one in the list?  False when memory is short. */
bool inherited_is_dropped(const struct buf *list, struct slice sql);

#endif
