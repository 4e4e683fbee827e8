#include "selection.h"

#include "ident.h"

bool selection_is_all(const struct selection *selection)
{
	return selection->schema_count == 0 && selection->table_count == 0;
}

static void add_match(struct buf *sql, const char *column, const struct buf *regex)
{
	buf_addf(sql, "%s OPERATOR(pg_catalog.~) ", column);
	sql_add_literal(sql, buf_slice(regex));
}

/* The system's schemas are never dumped, also when a pattern matches them. */
static const char not_system[] =
	" AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

static int schema_query(const char *pattern, struct buf *sql, struct err *err)
{
	struct buf name = BUF_INIT;
	int result = sql_pattern_regex(pattern, &name, err);
	if (result == 0) {
		buf_adds(sql, "SELECT n.oid FROM pg_catalog.pg_namespace n WHERE ");
		add_match(sql, "n.nspname::pg_catalog.text", &name);
		buf_adds(sql, not_system);
	}
	buf_release(&name);
	return result;
}

static int table_query(const char *pattern, struct buf *sql, struct err *err)
{
	struct buf schema = BUF_INIT, name = BUF_INIT;
	int result = sql_pattern_regexes(pattern, &schema, &name, err);
	if (result == 0) {
		buf_adds(sql, "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
		              "ON n.oid = c.relnamespace "
		              "WHERE c.relkind = ANY ('{r,p,S,v,m,f}') AND ");
		add_match(sql, "c.relname::pg_catalog.text", &name);
		buf_adds(sql, " AND ");
		if (schema.len)
			add_match(sql, "n.nspname::pg_catalog.text", &schema);
		else
			buf_adds(sql, "pg_catalog.pg_table_is_visible(c.oid)");
		buf_adds(sql, not_system);
	}
	buf_release(&schema);
	buf_release(&name);
	return result;
}

/* Appends the OIDs that the patterns match, as "1,2,3"; "0" when there are none. */
static int add_matches(struct pg *pg, const char *const *patterns, size_t count,
                       int (*make_query)(const char *, struct buf *, struct err *),
                       const char *must_match, struct buf *oids, struct err *err)
{
	struct buf sql = BUF_INIT;
	struct pg_rows *rows = NULL;
	int result = -1;
	buf_adds(oids, "0");
	for (size_t i = 0; i < count; i++) {
		buf_reset(&sql);
		if (make_query(patterns[i], &sql, err) < 0 ||
		    buf_check(&sql, "a statement", err) < 0)
			goto out;
		rows = pg_query(pg, sql.data, err);
		if (!rows)
			goto out;
		if (pg_rows_count(rows) == 0 && must_match) {
			err_set(err, ERR_USAGE, "no %s in database \"%s\" matches \"%s\"", must_match,
			        pg_database(pg), patterns[i]);
			goto out;
		}
		for (int row = 0; row < pg_rows_count(rows); row++)
			buf_addf(oids, ",%s", pg_value(rows, row, 0));
		pg_rows_free(rows);
		rows = NULL;
	}
	result = buf_check(oids, "a statement", err);
out:
	pg_rows_free(rows);
	buf_release(&sql);
	return result;
}

/* Appends " AND [NOT] column IN (…)". */
static int add_condition(struct pg *pg, const char *const *patterns, size_t count,
                         int (*make_query)(const char *, struct buf *, struct err *),
                         const char *must_match, const char *condition, struct buf *sql,
                         struct err *err)
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
	/* Visibility is asked in the search path that the session came with. */
	if (pg_exec(pg, "RESET search_path", err) < 0)
		return -1;
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
	if (result == 0)
		result = pg_exec(pg, "SELECT pg_catalog.set_config('search_path', '', false)", err);
	return result < 0 ? -1 : buf_check(sql, "a statement", err);
}
