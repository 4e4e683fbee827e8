/*
 * format.h - statements with names and values in them.
 *
 *     pg_runf(pg, err, "ALTER DATABASE %I RENAME TO %I", from, to)
 *     rows = pg_queryf(pg, err, "SELECT oid FROM pg_catalog.pg_database WHERE datname = %L", name)
 *
 * As PostgreSQL's format(): %I is an identifier and %L a literal (NULL for a NULL pointer), quoted
 * where that is needed, %s is text as it is (all const char *), %u an unsigned (an OID), %d an int,
 * and %% a percent sign.  Anything else is a mistake of the caller's: the buffer fails.
 */
#ifndef IDKIT_PG_FORMAT_H
#define IDKIT_PG_FORMAT_H

#include <stdarg.h>

#include "conn.h"

void sql_addf(struct buf *sql, const char *format, ...);
void sql_addv(struct buf *sql, const char *format, va_list arguments);

/* As pg_exec() and pg_query(). */
int pg_runf(struct pg *pg, struct err *err, const char *format, ...);
struct pg_rows *pg_queryf(struct pg *pg, struct err *err, const char *format, ...);

#endif
