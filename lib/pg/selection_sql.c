#include "selection_sql.h"

#include "ident.h"
#include "session.h"

static void add_match(struct buf *sql, const char *column, const struct buf *regex)
{
	buf_addf(sql, "%s OPERATOR(pg_catalog.~) ", column);
	sql_add_literal(sql, buf_slice(regex));
}

/* The system's schemas are never dumped, also when a pattern matches them. */
static const char not_system[] =
	" AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/* Appends the query for the OIDs that a pattern matches; `by_visibility`: of those, only the visible
 * ones are meant. */
typedef int (*query_maker)(const char *pattern, struct buf *sql, bool *by_visibility,
                           struct err *err);

static int schema_query(const char *pattern, struct buf *sql, bool *by_visibility,
                        struct err *err)
{
	struct buf name = BUF_INIT;
	int result = sql_pattern_regex(pattern, &name, err);
	*by_visibility = false;
	if (result == 0) {
		buf_adds(sql, "SELECT n.oid FROM pg_catalog.pg_namespace n WHERE ");
		add_match(sql, "n.nspname::pg_catalog.text", &name);
		buf_adds(sql, not_system);
	}
	buf_release(&name);
	return result;
}

static int table_query(const char *pattern, struct buf *sql, bool *by_visibility,
                       struct err *err)
{
	struct buf schema = BUF_INIT, name = BUF_INIT;
	int result = sql_pattern_regexes(pattern, &schema, &name, err);
	if (result == 0) {
		buf_adds(sql, "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
		              "ON n.oid = c.relnamespace "
		              "WHERE c.relkind = ANY ('{r,p,S,v,m,f}') AND ");
		add_match(sql, "c.relname::pg_catalog.text", &name);
		if (schema.len) {
			buf_adds(sql, " AND ");
			add_match(sql, "n.nspname::pg_catalog.text", &schema);
		}
		buf_adds(sql, not_system);
		*by_visibility = schema.len == 0;
	}
	buf_release(&schema);
	buf_release(&name);
	return result;
}

static void add_oids(struct buf *oids, const struct pg_rows *rows)
{
	for (int row = 0; row < pg_rows_count(rows); row++)
		buf_addf(oids, "%s%s", oids->len ? "," : "", pg_value(rows, row, 0));
}

/* Of the tables, those that the session's own search path shows.  That path may put somebody's
 * operators and functions before the system's: there must be none that is not qualified. */
static struct pg_rows *query_visible(struct pg *pg, const struct pg_rows *tables, struct err *err)
{
	struct buf oids = BUF_INIT, sql = BUF_INIT;
	struct pg_rows *rows = NULL;
	add_oids(&oids, tables);
	buf_adds(&sql, "SELECT c.oid FROM pg_catalog.unnest('{");
	buf_add_slice(&sql, buf_slice(&oids));
	buf_adds(&sql, "}'::pg_catalog.oid[]) AS c(oid) WHERE pg_catalog.pg_table_is_visible(c.oid)");
	if (buf_check(&oids, "a statement", err) == 0 && buf_check(&sql, "a statement", err) == 0 &&
	    session_reset_path(pg, err) == 0)
		rows = pg_query(pg, sql.data, err);
	if (rows && session_pin_path(pg, err) < 0) {
		pg_rows_free(rows);
		rows = NULL;
	}
	buf_release(&oids);
	buf_release(&sql);
	return rows;
}

static struct pg_rows *query_pattern(struct pg *pg, const char *pattern, query_maker make_query,
                                     struct err *err)
{
	struct buf sql = BUF_INIT;
	struct pg_rows *rows = NULL;
	bool by_visibility = false;
	if (make_query(pattern, &sql, &by_visibility, err) == 0 &&
	    buf_check(&sql, "a statement", err) == 0)
		rows = pg_query(pg, sql.data, err);
	if (rows && by_visibility) {
		struct pg_rows *visible = query_visible(pg, rows, err);
		pg_rows_free(rows);
		rows = visible;
	}
	buf_release(&sql);
	return rows;
}

/* Appends the OIDs that the patterns match, as "0,1,2,3". */
static int add_matches(struct pg *pg, const char *const *patterns, size_t count,
                       query_maker make_query, const char *must_match, struct buf *sql,
                       struct err *err)
{
	struct buf oids = BUF_INIT;
	int result = 0;
	buf_adds(&oids, "0");
	for (size_t i = 0; result == 0 && i < count; i++) {
		struct pg_rows *rows = query_pattern(pg, patterns[i], make_query, err);
		if (!rows)
			result = -1;
		else if (pg_rows_count(rows) == 0 && must_match)
			result = err_set(err, ERR_USAGE, "no %s in database \"%s\" matches \"%s\"",
			                 must_match, pg_database(pg), patterns[i]);
		else
			add_oids(&oids, rows);
		pg_rows_free(rows);
	}
	if (result == 0)
		result = buf_check(&oids, "a statement", err);
	buf_add_slice(sql, buf_slice(&oids));
	buf_release(&oids);
	return result;
}

/* Appends " AND [NOT] column IN (…)". */
static int add_condition(struct pg *pg, const char *const *patterns, size_t count,
                         query_maker make_query, const char *must_match,
                         const char *condition, struct buf *sql, struct err *err)
{
	if (count == 0)
		return 0;
	buf_addf(sql, " AND %s (", condition);
	if (add_matches(pg, patterns, count, make_query, must_match, sql, err) < 0)
		return -1;
	buf_adds(sql, ")");
	return 0;
}

int selection_condition(const struct selection *selection, struct pg *pg, struct buf *sql,
                        struct err *err)
{
	bool by_table = selection->table_count > 0;
	buf_adds(sql, "(true");
	int result = add_condition(pg, selection->tables, selection->table_count, table_query,
	                           "table", "c.oid IN", sql, err);
	if (result == 0 && !by_table)
		result = add_condition(pg, selection->schemas, selection->schema_count, schema_query,
		                       "schema", "n.oid IN", sql, err);
	if (result == 0 && !by_table)
		result = add_condition(pg, selection->exclude_schemas,
		                       selection->exclude_schema_count, schema_query, NULL,
		                       "n.oid NOT IN", sql, err);
	if (result == 0)
		result = add_condition(pg, selection->exclude_tables, selection->exclude_table_count,
		                       table_query, NULL, "c.oid NOT IN", sql, err);
	buf_adds(sql, ")");
	return result < 0 ? -1 : buf_check(sql, "a statement", err);
}
