/*
 * selection_sql.h - which relations of a database are selected (sql/selection.h), as SQL.
 */
#ifndef IDKIT_PG_SELECTION_SQL_H
#define IDKIT_PG_SELECTION_SQL_H

#include "buf.h"
#include "conn.h"
#include "selection.h"

/*
 * Appends a condition on pg_class c and pg_namespace n: true for the relations selected.  Patterns are
 * matched now, in the database (tables without a schema in the pattern: those visible in the
 * session's own search path, as pg_dump does).  An -n or -t pattern that matches nothing is ERR_USAGE and
 * names it.
 */
int selection_condition(const struct selection *selection, struct pg *pg, struct buf *sql,
                        struct err *err);

#endif
