/*
 * selection.h - what the user wants of a database: the patterns of -n -N -t -T, and the rest.
 */
#ifndef IDKIT_PG_SELECTION_H
#define IDKIT_PG_SELECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "conn.h"

/* Patterns as psql reads them (sql/ident.h); the arrays are borrowed. */
struct selection {
	const char *const *schemas;
	size_t schema_count;
	const char *const *exclude_schemas;
	size_t exclude_schema_count;
	const char *const *tables;
	size_t table_count;
	const char *const *exclude_tables;
	size_t exclude_table_count;
};

/*
 * Appends an SQL condition on pg_class c and pg_namespace n: true for the relations selected, as
 * pg_dump selects (documentation of pg_dump, -n and -t: with -t, -n and -N do nothing; exclusions
 * win).  Patterns are matched now, in the database (tables without a schema in the pattern: those
 * visible in the session's own search path, as pg_dump does).  An -n or -t pattern that matches
 * nothing is ERR_USAGE and names it.
 */
int selection_condition(const struct selection *selection, struct pg *pg, struct buf *sql,
                        struct err *err);

/* Large objects belong to no schema or table: they come only when none is named. */
bool selection_is_all(const struct selection *selection);

#endif
