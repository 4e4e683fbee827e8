#include "waiter.h"

#include "ident.h"

/* The query is NULL for roles that may not see it. */
static const char waiters[] =
	"SELECT pg_catalog.format('session %s (role \"%s\", application \"%s\"): %s', a.pid, a.usename, "
	"a.application_name, pg_catalog.left(pg_catalog.regexp_replace("
	"COALESCE(a.query, 'unknown'), '\\s+', ' ', 'g'), 200)) "
	"FROM pg_catalog.pg_stat_activity a "
	"WHERE pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) "
	"ANY (pg_catalog.pg_blocking_pids(a.pid)) ORDER BY a.query_start LIMIT 1";

/* Within a transaction the server shows sessions as they were when it was first asked. */
static int forget_sessions(struct pg *pg, struct err *err)
{
	return pg_exec(pg, "SELECT pg_catalog.pg_stat_clear_snapshot()", err);
}

int waiter_describe(struct pg *pg, struct buf *text, struct err *err)
{
	if (forget_sessions(pg, err) < 0)
		return -1;
	struct pg_rows *rows = pg_query(pg, waiters, err);
	if (!rows)
		return -1;
	int found = pg_rows_count(rows) > 0;
	if (found)
		buf_add_slice(text, pg_value_slice(rows, 0, 0));
	pg_rows_free(rows);
	return buf_check(text, "a message", err) < 0 ? -1 : found;
}

int waiter_blocks(struct pg *pg, const char *application, struct err *err)
{
	struct buf sql = BUF_INIT;
	struct pg_rows *rows = NULL;
	buf_adds(&sql, "SELECT FROM pg_catalog.pg_stat_activity a, "
	               "pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) AS b(pid) "
	               "WHERE pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) "
	               "ANY (pg_catalog.pg_blocking_pids(b.pid)) AND a.application_name = ");
	sql_add_literal(&sql, slice_of(application));
	if (buf_check(&sql, "a statement", err) == 0 && forget_sessions(pg, err) == 0)
		rows = pg_query(pg, sql.data, err);
	int found = !rows ? -1 : pg_rows_count(rows) > 0;
	pg_rows_free(rows);
	buf_release(&sql);
	return found;
}
