#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "ident.h"

/* How often tables may come into being while we look, before we give up. */
#define LARGEST_ATTEMPTS 50

/* The snapshot `id` of another session becomes the transaction's. */
static int import(struct pg *pg, const char *id, struct err *err)
{
	struct buf sql = BUF_INIT;
	buf_adds(&sql, "SET TRANSACTION SNAPSHOT ");
	sql_add_literal(&sql, slice_of(id));
	int result = buf_check(&sql, "a statement", err);
	if (result == 0 && (result = pg_exec(pg, sql.data, err)) < 0)
		err_prefix(err, "snapshot \"%s\"", id);
	buf_release(&sql);
	return result;
}

static int begin(struct pg *pg, const struct snapshot_options *options, struct err *err)
{
	const char *sql = options->serializable_deferrable
	                      ? "BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE"
	                      : "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
	if (pg_exec(pg, sql, err) < 0)
		return -1;
	return options->import ? import(pg, options->import, err) : 0;
}

int snapshot_join(struct pg *pg, const char *id, struct err *err)
{
	const struct snapshot_options options = { .import = id };
	return begin(pg, &options, err);
}

static int set_lock_timeout(struct pg *pg, const char *timeout, struct err *err)
{
	struct buf sql = BUF_INIT;
	buf_adds(&sql, "SET lock_timeout = ");
	sql_add_literal(&sql, slice_of(timeout ? timeout : "0"));
	int result = buf_check(&sql, "a statement", err);
	if (result == 0)
		result = pg_exec(pg, sql.data, err);
	buf_release(&sql);
	return result;
}

/* ONLY: tables that inherit are locked by their own name, when they are dumped. */
static int lock(struct pg *pg, const struct buf *tables, const struct snapshot_options *options,
                struct err *err)
{
	struct buf sql = BUF_INIT;
	int result = -1;
	if (tables->len == 0)
		return 0;
	buf_adds(&sql, "LOCK TABLE ");
	buf_add_slice(&sql, buf_slice(tables));
	buf_adds(&sql, " IN ACCESS SHARE MODE");
	if (buf_check(&sql, "a statement", err) == 0 &&
	    set_lock_timeout(pg, options->lock_wait_timeout, err) == 0)
		result = pg_exec(pg, sql.data, err);
	if (result < 0 && strcmp(pg_failure(pg)->sqlstate, "55P03") == 0)
		err_append(err,
		           "\nHINT:  A table is locked for longer than --lock-wait-timeout %s allows: "
		           "see pg_stat_activity and pg_locks, or try again later.",
		           options->lock_wait_timeout);
	if (result == 0)
		result = set_lock_timeout(pg, NULL, err);
	buf_release(&sql);
	return result;
}

/* A table that was dropped between looking and locking: look again. */
static bool is_gone(const struct pg *pg)
{
	const char *sqlstate = pg_failure(pg)->sqlstate;
	return strcmp(sqlstate, "42P01") == 0 || strcmp(sqlstate, "3F000") == 0 ||
	       strcmp(sqlstate, "XX000") == 0;
}

/* Write-ahead log functions may be forbidden or absent (hosted servers): then it stays unknown. */
static int read_position(struct pg *pg, struct snapshot *snapshot, struct err *err)
{
	struct err ignored = ERR_INIT;
	if (pg_exec(pg, "SAVEPOINT position", err) < 0)
		return -1;
	snapshot->lsn = pg_query_value(pg,
	                               "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() "
	                               "THEN pg_catalog.pg_last_wal_replay_lsn() "
	                               "ELSE pg_catalog.pg_current_wal_lsn() END",
	                               &ignored);
	if (!snapshot->lsn)
		return pg_exec(pg, "ROLLBACK TO SAVEPOINT position", err);
	return pg_exec(pg, "RELEASE SAVEPOINT position", err);
}

/* 1 when the tables under the snapshot are those that were locked, 0 when not, -1 on error. */
static int attempt(struct pg *pg, const struct catalog_options *tables,
                   const struct snapshot_options *options, struct snapshot *snapshot,
                   struct err *err)
{
	struct buf before = BUF_INIT, after = BUF_INIT;
	struct err lock_err = ERR_INIT;
	int result = -1;
	if (catalog_lockable(pg, tables, &before, err) < 0 || begin(pg, options, err) < 0)
		goto out;
	if (lock(pg, &before, options, &lock_err) < 0) {
		if (lock_err.kind == ERR_DATABASE && is_gone(pg))
			result = 0;
		else
			*err = lock_err;
		goto out;
	}
	if (catalog_lockable(pg, tables, &after, err) < 0)
		goto out;
	result = before.len == after.len && memcmp(before.data ? before.data : "",
	                                           after.data ? after.data : "", after.len) == 0;
	if (result == 0)
		goto out;
	snapshot->id = pg_query_value(pg, "SELECT pg_catalog.pg_export_snapshot()", err);
	if (!snapshot->id || read_position(pg, snapshot, err) < 0)
		result = -1;
out:
	buf_release(&before);
	buf_release(&after);
	return result;
}

int snapshot_take(struct pg *pg, const struct catalog_options *tables,
                  const struct snapshot_options *options, struct snapshot *snapshot,
                  struct err *err)
{
	*snapshot = (struct snapshot){ NULL, NULL };
	for (int i = 0; i < LARGEST_ATTEMPTS; i++) {
		int taken = attempt(pg, tables, options, snapshot, err);
		if (taken != 0)
			return taken < 0 ? -1 : 0;
		if (pg_exec(pg, "ROLLBACK", err) < 0)
			return -1;
	}
	return err_set(err, ERR_DATABASE,
	               "tables of database \"%s\" are created or dropped all the time: no moment was "
	               "found in %d attempts to lock them all",
	               pg_database(pg), LARGEST_ATTEMPTS);
}

void snapshot_release(struct snapshot *snapshot)
{
	free(snapshot->id);
	free(snapshot->lsn);
	*snapshot = (struct snapshot){ NULL, NULL };
}
