/*
 * catalog.h - what of a database is data: tables, sequences, large objects.
 *
 * Definitions come from pg_dump; this is only what COPY needs to know, read under the dump's
 * snapshot.  What pg_dump would dump is here, and nothing else (getTables() and dumpTableData() in
 * src/bin/pg_dump/pg_dump.c):
 *  - ordinary tables and partitions, also unlogged ones; not partitioned tables themselves (they have
 *    no rows), views, materialized views (refreshed), foreign tables (their rows are elsewhere);
 *  - members of extensions only when the extension declares them its configuration, and then only
 *    the rows that its condition selects (documentation section 38.17.3);
 *  - columns without dropped and generated ones;
 *  - partitions below a table hash-partitioned by an enum: their rows are the root's, since an enum's
 *    hash is that of its OID, which is another one in the copy.
 */
#ifndef IDKIT_PG_CATALOG_H
#define IDKIT_PG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conn.h"
#include "selection.h"

struct catalog_table {
	const char *oid;
	const char *schema;
	const char *name;
	const char *owner;
	bool is_partitioned;
	bool is_unlogged;
	bool is_config;             /* of an extension */
	const char *condition;      /* "WHERE …" of an extension's configuration table, or "" */
	bool is_heap;               /* pages in one file: known from server version 12 on */
	uint64_t bytes;             /* of its rows' pages, now: what the statistics say may be old */
	uint64_t toast_bytes;       /* of what is kept apart for long values */
	/* Where the rows go: itself, or the root of its partition tree. */
	const char *target_schema;
	const char *target_name;
	const struct slice *columns; /* the target's, in its order */
	size_t column_count;
};

struct catalog_sequence {
	const char *schema;
	const char *name;
	const char *owner;
	const char *last_value;
	bool is_called;
};

struct catalog {
	struct catalog_table *tables; /* by target, then name; referenced before referencing
	                                 configuration tables */
	size_t table_count;
	struct catalog_sequence *sequences;
	size_t sequence_count;
	const char **large_objects; /* OIDs, ascending */
	size_t large_object_count;
	uint64_t large_object_bytes; /* of all, about */
	struct catalog_memory *memory;
};

struct catalog_options {
	struct selection selection;
	bool skip_unlogged;   /* --no-unlogged-table-data */
	bool order_by_references; /* referenced tables first: for --data-only */
	bool definitions_only;    /* the values of sequences are not read */
};

/*
 * Appends "ONLY schema.name, ONLY …", quoted, of the tables that must be locked: those whose rows are read and
 * the partitioned ones above them.  Needs no transaction.  `list` stays empty when there are none.
 * ERR_DATABASE that lists all tables, or all sequences, which the role may not read, or the tables
 * which row-level security would show it only in part.
 */
int catalog_lockable(struct pg *pg, const struct catalog_options *options, struct buf *list,
                     struct err *err);

/* Reads it all; call it inside the transaction whose snapshot the rows are read under.  Everything
 * in it lives until catalog_release(). */
int catalog_read(struct pg *pg, const struct catalog_options *options, struct catalog *catalog,
                 struct err *err);
void catalog_release(struct catalog *catalog);

#endif
