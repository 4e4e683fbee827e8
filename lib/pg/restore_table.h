/*
 * restore_table.h - what must be known of a table before rows go into it, or indexes are made on it.
 *
 * It is asked of the server, not read from the script: what a name leads to, which triggers,
 * defaults and constraints are there, only the server knows for sure.
 */
#ifndef IDKIT_PG_RESTORE_TABLE_H
#define IDKIT_PG_RESTORE_TABLE_H

#include <stdint.h>

#include "conn.h"
#include "record.h"

struct restore_table {
	struct restore_table *next;
	unsigned long oid;
	char *name; /* qualified and quoted, as all sessions understand it */
	char kind;  /* pg_class.relkind; 0: there is no such table */
	/* Its rows may come in any order, over any connection: an ordinary or partitioned table without
	 * triggers (so without foreign keys), and no default or check looks at other rows. */
	bool is_free;
	bool has_index;    /* rows of one connection may wait for those of another */
	bool has_children; /* by inheritance */
	bool is_partition; /* rows of other COPYs may be routed into it */
	bool is_new;       /* the session's transaction has made it */
	bool may_truncate; /* it never had rows, and the role may */
	uint64_t bytes;    /* on disk */
	uint64_t load_cost;  /* of rows that are planned to be loaded, in bytes */
	uint64_t build_cost; /* of the indexes that wait for them */
	/* The crew's (restore_crew.h). */
	unsigned loads_left;
	unsigned builds_left;
	unsigned sharers;
	bool is_taken;
};

/* Of one restore; begins as zeroes. */
struct restore_tables {
	struct restore_table *first;
	unsigned prepared;  /* how often the question was; its statement's name has the number */
	bool is_prepared;   /* false again when the script may have done away with it (DEALLOCATE) */
};

/*
 * What the name means in the session now.  `columns` are those that rows come with; NULL: all.  The
 * same table is the same struct each time, with what is true now.  NULL on error; kind 0 when there is none.
 */
struct restore_table *restore_table_ask(struct restore_tables *tables, struct pg *pg,
                                        struct slice schema, struct slice name,
                                        const struct copy_table *columns, struct err *err);
void restore_tables_release(struct restore_tables *tables);

/*
 * COPY … FROM stdin with WITH (FREEZE) behind it is appended to `sql`: rows that nobody will have to
 * freeze or mark as visible later, and that are not logged under wal_level=minimal (documentation of
 * COPY; "Populating a Database", section 14.4.7).  For ordinary tables that were made or truncated in
 * the same transaction.  False, and nothing appended, when the statement has options already.
 */
bool restore_freeze_copy(struct slice copy, bool standard_strings, struct buf *sql);

#endif
