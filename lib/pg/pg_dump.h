/*
 * pg_dump.h - a database's definitions, as records: from the pg_dump program, never from us.
 *
 * One child writes both sections, pre-data and post-data, under the snapshot that is held.  Not one
 * child for each: pg_dump puts all rights (ACL) behind everything else, so that they are in nobody's
 * way while rows are loaded (RestorePass in src/bin/pg_dump/pg_backup_archiver.h), but a child that
 * writes pre-data alone puts those of tables before the rows.
 */
#ifndef IDKIT_PG_PG_DUMP_H
#define IDKIT_PG_PG_DUMP_H

#include "child.h"
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
	/* From 17 on, what pg_dump says of large objects is in its data section, among their bytes:
	 * that section is written too, without tables' rows. */
	bool data_section;
	const char *encoding;
	const char *snapshot;
};

struct pg_dump;

/* Starts it; NULL on error.  The options are borrowed. */
struct pg_dump *pg_dump_start(const struct pg *pg, const struct pg_dump_options *options,
                              const char *program, const struct log *log, struct err *err);

/* The program to start: malloc'ed path, and its major version. */
char *pg_dump_find(const struct pg *pg, const char *wanted, int *major, const struct log *log,
                   struct err *err);

/* Its application_name. */
#define PG_DUMP_APPLICATION PG_CHILD_APPLICATION

/* Waits until it has something to say: by then it has its locks and has read the catalog.  1; 0 when
 * that has not come in this time; -1 when pg_dump fails: then only pg_dump_free() may follow. */
int pg_dump_wait(struct pg_dump *dump, int timeout_ms, struct err *err);

/* What it writes, as records; HEADER and TRAILER included.  Fails when pg_dump does, with what it
 * said.  Warnings it gave on the way go to the log. */
int pg_dump_run(struct pg_dump *dump, struct sink *sink, struct err *err);

/* Ends it when it still runs. */
void pg_dump_free(struct pg_dump *dump);

#endif
