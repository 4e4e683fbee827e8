#include "waiter.h"

/* The query is NULL for roles that may not see it. */
static const char waiters[] =
	"SELECT pg_catalog.format('session %s (role \"%s\", application \"%s\"): %s', a.pid, a.usename, "
	"a.application_name, pg_catalog.left(pg_catalog.regexp_replace("
	"COALESCE(a.query, 'unknown'), '\\s+', ' ', 'g'), 200)) "
	"FROM pg_catalog.pg_stat_activity a "
	"WHERE pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) "
	"ANY (pg_catalog.pg_blocking_pids(a.pid)) ORDER BY a.query_start LIMIT 1";

int waiter_describe(struct pg *pg, struct buf *text, struct err *err)
{
	struct pg_rows *rows = pg_query(pg, waiters, err);
	if (!rows)
		return -1;
	int found = pg_rows_count(rows) > 0;
	if (found)
		buf_add_slice(text, pg_value_slice(rows, 0, 0));
	pg_rows_free(rows);
	return buf_check(text, "a message", err) < 0 ? -1 : found;
}
