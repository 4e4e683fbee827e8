/*
 * snapshot.h - one moment of a database, held: locks first, then the snapshot.
 *
 * pg_dump takes its snapshot and then locks the tables; a TRUNCATE or a rewriting ALTER TABLE that
 * commits in between leaves it with a table that looks empty, since these are not MVCC-safe
 * (documentation section 13.6).  Here the tables are locked before the transaction's first
 * query, which is what fixes the snapshot (documentation of LOCK); then the list is read again under
 * the snapshot, and when a table has come in the meantime, it all begins anew.
 */
#ifndef IDKIT_PG_SNAPSHOT_H
#define IDKIT_PG_SNAPSHOT_H

#include "catalog.h"

struct snapshot_options {
	const char *lock_wait_timeout; /* as PostgreSQL's lock_timeout takes it; NULL: no limit */
	bool serializable_deferrable;
	const char *import; /* a snapshot's id to use instead of a new one (--snapshot); or NULL */
};

struct snapshot {
	char *id;  /* for SET TRANSACTION SNAPSHOT in other sessions */
	char *lsn; /* where the write-ahead log was; NULL when the server does not say */
};

/* Opens the transaction, which the connection then holds until it ends. */
int snapshot_take(struct pg *pg, const struct catalog_options *tables,
                  const struct snapshot_options *options, struct snapshot *snapshot,
                  struct err *err);
void snapshot_release(struct snapshot *snapshot);

/*
 * Opens a transaction of another session under the snapshot.  REPEATABLE READ also when the snapshot was
 * taken SERIALIZABLE DEFERRABLE: what it sees is as free of anomalies (setup_connection() in
 * src/bin/pg_dump/pg_dump.c).
 */
int snapshot_join(struct pg *pg, const char *id, struct err *err);

#endif
