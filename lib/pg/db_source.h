/*
 * db_source.h - source: a live database, at one moment.
 *
 * HEADER, definitions of pre-data from pg_dump, rows by our own COPY, definitions of post-data,
 * TRAILER; all under one snapshot (snapshot.h).
 */
#ifndef IDKIT_PG_DB_SOURCE_H
#define IDKIT_PG_DB_SOURCE_H

#include "conn.h"
#include "contents.h"
#include "pg_dump.h"
#include "progress.h"
#include "record.h"
#include "selection.h"
#include "snapshot.h"

struct db_source_options {
	const char *program; /* "iddump 0.1.0": for the header */
	struct pg_dump_options definitions; /* program, encoding and snapshot are filled in by us */
	const char *pg_dump; /* --pg-dump, or NULL */
	/* The stream's encoding; NULL is UTF8, or the database's own where the server can't convert.
	 * Text that has no UTF-8 equivalent needs the database's own. */
	const char *encoding;
	struct selection selection;
	struct snapshot_options snapshot;
	bool with_definitions;
	bool with_data;
	bool skip_unlogged;
	/* Definitions of roles (roles.h) are delivered, as SECTION_GLOBALS: for sinks that keep them. */
	bool with_roles;
	bool with_passwords; /* of these */
	/* Without definitions, tables come after those that they refer to, since keys may exist where they
	 * are loaded; that takes one job.  This is for who loads nothing. */
	bool any_order;
	int jobs;            /* connections that read rows (dump_jobs.h); 0 is 1 */
	size_t chunk_bytes;  /* of rows, after which a chunk ends; 0: DATA_CHUNK_BYTES */
	struct progress *progress; /* or NULL */
	/* See data_reader.h; set with db_source_set_layout() when known only later. */
	const struct contents *layout;
};

/*
 * Owns the connection from now on, also when NULL is returned on error.  The snapshot is taken here,
 * so that two sources see one moment each whatever is read first.  The options are borrowed.
 */
struct source *db_source_new(struct pg *pg, const struct db_source_options *options,
                             const struct log *log, struct err *err);

/* The tables that the source will deliver and their columns, without rows; for the layout of another
 * one.  NULL on error; the caller frees it. */
struct contents *db_source_describe(struct source *base, struct err *err);

void db_source_set_layout(struct source *base, const struct contents *layout);
/* The encoding of what it delivers; NULL leaves it as it is. */
int db_source_set_encoding(struct source *base, const char *encoding, struct err *err);

/*
 * The rows, sequences and large objects that a connection sees in the transaction it is in, as DATA
 * and STATEMENT records and a TRAILER; the session is pinned already.
 */
int db_source_read_data(struct pg *pg, const struct catalog_options *tables,
                        const struct contents *layout, struct sink *sink, struct err *err);

#endif
