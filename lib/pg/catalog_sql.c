#include "catalog_sql.h"
#include "selection_sql.h"

/* Not the system's, not other sessions' temporary ones, not idkit's own. */
static const char user_schemas[] =
	"n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/* extconfig lists the tables, extcondition in the same order their conditions. */
static const char config_join[] =
	" LEFT JOIN LATERAL (SELECT k.condition FROM pg_catalog.pg_extension e, "
	"ROWS FROM (pg_catalog.unnest(e.extconfig), pg_catalog.unnest(e.extcondition)) "
	"AS k(table_oid, condition) WHERE k.table_oid = c.oid LIMIT 1) x ON true"
	" LEFT JOIN LATERAL (SELECT true AS yes FROM pg_catalog.pg_depend d "
	"WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid "
	"AND d.objsubid = 0 AND d.deptype = 'e' LIMIT 1) member ON true";

static int add_relations(struct pg *pg, const struct catalog_options *options, const char *kinds,
                         struct buf *sql, struct err *err)
{
	buf_adds(sql, " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
	              "ON n.oid = c.relnamespace");
	buf_adds(sql, config_join);
	buf_addf(sql, " WHERE c.relkind IN (%s) AND c.relpersistence <> 't' AND ", kinds);
	/* A configuration table may live in a schema that is otherwise not dumped. */
	buf_addf(sql, "(member.yes IS NULL AND %s OR x.condition IS NOT NULL) AND ", user_schemas);
	return selection_condition(&options->selection, pg, sql, err);
}

int catalog_add_tables(struct pg *pg, const struct catalog_options *options, struct buf *sql,
                       struct err *err)
{
	if (add_relations(pg, options, "'r', 'p'", sql, err) < 0)
		return -1;
	if (options->skip_unlogged)
		buf_adds(sql, " AND c.relpersistence <> 'u'");
	return buf_check(sql, "a statement", err);
}

int catalog_add_sequences(struct pg *pg, const struct catalog_options *options, struct buf *sql,
                          struct err *err)
{
	buf_adds(sql, " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
	              "ON n.oid = c.relnamespace");
	buf_adds(sql, config_join);
	buf_addf(sql,
	         " WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND "
	         "(member.yes IS NULL AND %s OR x.condition IS NOT NULL) AND (",
	         user_schemas);
	/* A sequence is dumped with the table that owns it (getOwnedSeqs() in pg_dump). */
	if (selection_condition(&options->selection, pg, sql, err) < 0)
		return -1;
	buf_adds(sql, " OR c.oid IN (SELECT d.objid FROM pg_catalog.pg_depend d WHERE "
	              "d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND "
	              "d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND "
	              "d.deptype IN ('a', 'i') AND d.refobjid IN (SELECT c.oid");
	if (catalog_add_tables(pg, options, sql, err) < 0)
		return -1;
	buf_adds(sql, ")))");
	/* Since PostgreSQL 15 an unlogged table's sequence is unlogged, too; a standby can't read it. */
	if (options->skip_unlogged)
		buf_adds(sql, " AND c.relpersistence <> 'u'");
	return buf_check(sql, "a statement", err);
}
