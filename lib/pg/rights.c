/* May the role read everything?  All that it may not is said at once, before anything is dumped. */
#include "catalog.h"
#include "catalog_sql.h"
#include "ident.h"

/* At most this many names in a message. */
#define NAMES_SHOWN 20

static int add_problem(struct buf *list, const struct pg_rows *rows, int column, int *count)
{
	for (int row = 0; row < pg_rows_count(rows); row++) {
		if (!pg_value_bool(rows, row, column))
			continue;
		if (++*count <= NAMES_SHOWN) {
			buf_addf(list, "%s%s.%s", list->len ? ", " : "", pg_value(rows, row, 0),
			         pg_value(rows, row, 1));
		}
	}
	if (*count > NAMES_SHOWN)
		buf_addf(list, " and %d more", *count - NAMES_SHOWN);
	return *count;
}

static int check_rights(struct pg *pg, const struct pg_rows *rows, const char *kind,
                        struct err *err)
{
	struct buf names = BUF_INIT;
	int count = 0;
	int result = 0;
	if (add_problem(&names, rows, 2, &count) > 0)
		result = err_set(err, ERR_DATABASE,
		                 "role \"%s\" may not read %d %s%s of database \"%s\": %s\n"
		                 "HINT:  Grant SELECT (and USAGE on the schema), use another role, or "
		                 "leave them out with iddump -T.",
		                 pg_user(pg), count, kind, count == 1 ? "" : "s", pg_database(pg),
		                 names.data);
	buf_release(&names);
	return result;
}

static int check_row_security(struct pg *pg, const struct pg_rows *rows, struct err *err)
{
	struct buf names = BUF_INIT;
	int count = 0;
	int result = 0;
	if (add_problem(&names, rows, 3, &count) > 0)
		result = err_set(err, ERR_DATABASE,
		                 "row-level security may hide rows of %d table%s of database \"%s\" from "
		                 "role \"%s\": %s\n"
		                 "HINT:  Use the tables' owner, a superuser or a role with BYPASSRLS, or "
		                 "leave them out with iddump -T.",
		                 count, count == 1 ? "" : "s", pg_database(pg), pg_user(pg),
		                 names.data);
	buf_release(&names);
	return result;
}

/* Sequences need no lock, but SELECT. */
static int check_sequences(struct pg *pg, const struct catalog_options *options, struct err *err)
{
	struct buf sql = BUF_INIT;
	struct pg_rows *rows = NULL;
	int result = -1;
	buf_adds(&sql, "SELECT n.nspname, c.relname, "
	               "NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND "
	               "pg_catalog.has_sequence_privilege(c.oid, 'SELECT'))");
	if (catalog_add_sequences(pg, options, &sql, err) < 0)
		goto out;
	buf_adds(&sql, " ORDER BY n.nspname, c.relname");
	if (buf_check(&sql, "a statement", err) < 0)
		goto out;
	rows = pg_query(pg, sql.data, err);
	if (rows)
		result = check_rights(pg, rows, "sequence", err);
out:
	pg_rows_free(rows);
	buf_release(&sql);
	return result;
}

int catalog_lockable(struct pg *pg, const struct catalog_options *options, struct buf *list,
                     struct err *err)
{
	struct buf sql = BUF_INIT;
	struct pg_rows *rows = NULL;
	struct catalog_options all = *options;
	int result = -1;
	/* pg_dump locks them, too, whatever becomes of their rows. */
	all.skip_unlogged = false;
	/* pg_class itself is no obstacle: every role may read the catalog. */
	buf_adds(&sql, "SELECT n.nspname, c.relname, "
	               "NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND "
	               "pg_catalog.has_table_privilege(c.oid, 'SELECT')), "
	               "pg_catalog.row_security_active(c.oid)");
	if (catalog_add_tables(pg, &all, &sql, err) < 0)
		goto out;
	buf_adds(&sql, " ORDER BY n.nspname, c.relname");
	if (buf_check(&sql, "a statement", err) < 0)
		goto out;
	rows = pg_query(pg, sql.data, err);
	if (!rows || check_rights(pg, rows, "table", err) < 0 ||
	    check_row_security(pg, rows, err) < 0)
		goto out;
	if (!options->definitions_only && check_sequences(pg, options, err) < 0)
		goto out;
	for (int row = 0; row < pg_rows_count(rows); row++) {
		buf_adds(list, row > 0 ? ", ONLY " : "ONLY ");
		sql_add_qualified(list, pg_value_slice(rows, row, 0), pg_value_slice(rows, row, 1));
	}
	result = buf_check(list, "the tables' names", err);
out:
	pg_rows_free(rows);
	buf_release(&sql);
	return result;
}
