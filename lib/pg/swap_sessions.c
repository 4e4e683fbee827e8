/* The sessions in a database that is to be renamed. */
#include <stdlib.h>
#include <unistd.h>

#include "format.h"
#include "swap_internal.h"

#define SESSIONS_SHOWN 12
/* How long sessions are waited for before the work begins: those of a pool's health check go. */
#define LOOK_USEC 100000
#define LOOKS     50

/*
 * Autovacuum runs as nobody.  What a role sees of other roles' sessions without pg_read_all_stats
 * is NULL.  Who may end a session: pg_signal_backend() in src/backend/storage/ipc/signalfuncs.c.
 */
static const char query_sessions[] =
    "SELECT a.pid, pg_catalog.format('process %%s: role \"%%s\", application \"%%s\"%%s', a.pid, "
    "a.usename, a.application_name, ', ' || COALESCE(a.state, a.backend_type)), "
    "me.rolsuper OR NOT r.rolsuper AND (pg_catalog.pg_has_role(a.usesysid, 'USAGE') "
    "OR pg_catalog.pg_has_role('pg_signal_backend', 'USAGE')), "
    "a.application_name IN ('iddump', 'pg_dump') "
    "FROM pg_catalog.pg_stat_activity a LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid, "
    "pg_catalog.pg_roles me "
    "WHERE me.rolname = CURRENT_USER AND a.datid = %u AND a.usesysid IS NOT NULL ORDER BY 1";

int sessions_describe(struct pg *pg, uint32_t database, struct buf *text, struct err *err)
{
	struct pg_rows *rows = pg_queryf(pg, err, query_sessions, database);
	if (!rows)
		return -1;
	int count = pg_rows_count(rows);
	for (int row = 0; row < count && row < SESSIONS_SHOWN; row++)
		buf_addf(text, "%s%s", row ? "\n" : "", pg_value(rows, row, 1));
	if (count > SESSIONS_SHOWN)
		buf_addf(text, "\nand %d more", count - SESSIONS_SHOWN);
	pg_rows_free(rows);
	return buf_check(text, "a list of sessions", err) < 0 ? -1 : count;
}

static int refuse_to_end(const char *session, struct err *err)
{
	return err_set(err, ERR_DATABASE,
	               "this role may not end a session that is in the way (%s): that takes the same "
	               "role, pg_signal_backend, or for a superuser's session a superuser",
	               session);
}

int sessions_end(struct pg *pg, uint32_t database, struct err *err)
{
	struct pg_rows *rows = pg_queryf(pg, err, query_sessions, database);
	int result = rows ? 0 : -1;
	for (int row = 0; result == 0 && row < pg_rows_count(rows); row++) {
		if (!pg_value_bool(rows, row, 2))
			result = refuse_to_end(pg_value(rows, row, 1), err);
		else
			result = pg_runf(pg, err, "SELECT pg_catalog.pg_terminate_backend(%s)",
			                 pg_value(rows, row, 0));
	}
	pg_rows_free(rows);
	return result;
}

/*
 * Prepared, since each millisecond counts while it is used; the function behind pg_stat_activity,
 * for the same reason.  A session that has gone meanwhile is a warning of the server's.
 */
struct pg *sessions_helper(const struct pg *pg, bool force, struct err *err)
{
	struct pg *helper = pg_connect_like(pg, NULL, err);
	if (helper && pg_exec(helper, "SET synchronous_commit = off", err) == 0 &&
	    pg_exec(helper, "SET client_min_messages = error", err) == 0 &&
	    pg_runf(helper, err,
	            "PREPARE idkit_hurry (pg_catalog.oid) AS WITH s AS (SELECT pid, usesysid "
	            "FROM pg_catalog.pg_stat_get_activity(NULL) WHERE datid = $1) "
	            "SELECT false, %s FROM s WHERE usesysid IS NOT NULL UNION ALL "
	            "SELECT true, pg_catalog.pg_notify(%L, '')::pg_catalog.text "
	            "WHERE NOT EXISTS (SELECT FROM s)",
	            force ? "pg_catalog.pg_terminate_backend(pid)::pg_catalog.text" : "''",
	            SWAP_CHANNEL) == 0)
		return helper;
	pg_free(helper);
	return NULL;
}

bool sessions_hurry(struct pg *helper, uint32_t database)
{
	struct err ignored = ERR_INIT;
	struct pg_rows *rows = pg_queryf(helper, &ignored, "EXECUTE idkit_hurry (%u)", database);
	bool none = rows && pg_rows_count(rows) == 1 && pg_value_bool(rows, 0, 0);
	pg_rows_free(rows);
	return none;
}

int sessions_check_prepared(struct pg *pg, const char *name, struct err *err)
{
	struct pg_rows *rows = pg_queryf(
	    pg, err, "SELECT gid, owner FROM pg_catalog.pg_prepared_xacts WHERE database = %L", name);
	if (!rows)
		return -1;
	if (pg_rows_count(rows) > 0)
		err_set(err, ERR_DATABASE,
		        "database \"%s\" has %d prepared transactions (the first: \"%s\" of role \"%s\"), "
		        "and can't be renamed before they have ended\n"
		        "HINT:  There, for each: COMMIT PREPARED or ROLLBACK PREPARED.",
		        name, pg_rows_count(rows), pg_value(rows, 0, 0), pg_value(rows, 0, 1));
	pg_rows_free(rows);
	return err_is_set(err) ? -1 : 0;
}

static int check_may_end(struct pg *pg, uint32_t database, struct err *err)
{
	struct pg_rows *rows = pg_queryf(pg, err, query_sessions, database);
	int result = rows ? 0 : -1;
	for (int row = 0; result == 0 && row < pg_rows_count(rows); row++)
		if (!pg_value_bool(rows, row, 2))
			result = refuse_to_end(pg_value(rows, row, 1), err);
	pg_rows_free(rows);
	return result;
}

/* Is one of them still there? */
static int count_of(struct pg *pg, const struct buf *processes, uint32_t database, struct err *err)
{
	struct pg_rows *rows = pg_queryf(
	    pg, err, "SELECT FROM pg_catalog.pg_stat_activity WHERE datid = %u AND pid IN (%s)",
	    database, processes->data);
	int count = rows ? pg_rows_count(rows) : -1;
	pg_rows_free(rows);
	return count;
}

/* Those that are there now may go by themselves; others that come are not our concern yet, nor is a
 * dump, which may well be the one that comes in through the pipe. */
static int wait_for_them(struct pg *pg, const struct pg_rows *rows, uint32_t database,
                         struct err *err)
{
	struct buf processes = BUF_INIT;
	int count = 0;
	for (int row = 0; row < pg_rows_count(rows); row++)
		if (!pg_value_bool(rows, row, 3))
			buf_addf(&processes, "%s%s", count++ ? ", " : "", pg_value(rows, row, 0));
	int result = buf_check(&processes, "a list of sessions", err);
	for (int i = 0; result == 0 && count > 0 && i < LOOKS; i++) {
		count = count_of(pg, &processes, database, err);
		if (count > 0)
			usleep(LOOK_USEC);
	}
	buf_release(&processes);
	return result < 0 ? -1 : count;
}

static int check_free(struct pg *pg, const char *name, uint32_t database, struct err *err)
{
	struct buf text = BUF_INIT;
	struct pg_rows *rows = pg_queryf(pg, err, query_sessions, database);
	int count = rows ? wait_for_them(pg, rows, database, err) : -1;
	if (count > 0)
		count = sessions_describe(pg, database, &text, err);
	if (count > 0)
		err_set(err, ERR_DATABASE,
		        "database \"%s\" is in use; nothing was done\n%s\n"
		        "HINT:  End these sessions, or let --force end them when the databases are "
		        "swapped.",
		        name, text.data);
	pg_rows_free(rows);
	buf_release(&text);
	return err_is_set(err) ? -1 : 0;
}

int sessions_check(struct pg *pg, const char *name, uint32_t database, bool force, struct err *err)
{
	if (sessions_check_prepared(pg, name, err) < 0)
		return -1;
	return force ? check_may_end(pg, database, err) : check_free(pg, name, database, err);
}
