/*
 * pg_dump.h - a database's definitions, as records: from the pg_dump program, never from us.
 *
 * Two children, one a section (pre-data, post-data), both under the snapshot that is held: together
 * with the rows between them they are what pg_dump itself would write.  They are started together,
 * so that the second has read the catalog by the time it is wanted.
 */
#ifndef IDKIT_PG_PG_DUMP_H
#define IDKIT_PG_PG_DUMP_H

#include "conn.h"
#include "record.h"
#include "selection.h"

struct pg_dump_options {
	const char *program; /* --pg-dump; NULL: the newest one that may dump this server */
	struct selection selection;
	bool schema_only;
	bool clean;
	bool if_exists;
	bool create;
	bool no_owner;
	bool no_acl;
	bool no_comments;
	bool no_unlogged_data;
	const char *encoding;
	const char *snapshot;
};

struct pg_dump;

/* Starts one; NULL on error.  `section` is pre-data or post-data.  The options are borrowed. */
struct pg_dump *pg_dump_start(const struct pg *pg, const struct pg_dump_options *options,
                              const char *program, enum section section, const struct log *log,
                              struct err *err);

/* The program to start: malloc'ed path. */
char *pg_dump_find(const struct pg *pg, const char *wanted, const struct log *log,
                   struct err *err);

/* What it writes, as records; HEADER and TRAILER included.  Fails when pg_dump does, with what it
 * said.  Warnings it gave on the way go to the log. */
int pg_dump_run(struct pg_dump *dump, struct sink *sink, struct err *err);

/* Ends it when it still runs. */
void pg_dump_free(struct pg_dump *dump);

#endif
