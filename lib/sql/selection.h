/*
 * selection.h - which tables and schemas are wanted: the patterns of -n -N -t -T.
 *
 * What they mean is what pg_dump's options of these names mean (documentation of pg_dump): with -t
 * these tables, views and sequences and nothing else, -n and -N do nothing; exclusions win.
 */
#ifndef IDKIT_SQL_SELECTION_H
#define IDKIT_SQL_SELECTION_H

#include <stdbool.h>
#include <stddef.h>

/* Patterns as psql reads them (ident.h); the arrays are borrowed. */
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

/* Is there no pattern at all? */
bool selection_is_empty(const struct selection *selection);

/* Large objects belong to no schema or table: they come only when none is named. */
bool selection_is_all(const struct selection *selection);

#endif
