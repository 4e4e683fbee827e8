#include "target_objects.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"

#define OBJECTS_SHOWN 10

/*
 * Everything that a user created: OIDs from 16384 on (FirstNormalObjectId, src/include/access/
 * transam.h), but not what belongs to another object (members of an extension, a table's row type,
 * a serial column's sequence).  In the order in which dropping them with CASCADE works: tables before
 * extensions, since the server can't describe an index whose operator class goes first.
 */
static const char objects_sql[] =
	"WITH objects(rank, classid, objid) AS ("
	"SELECT 1, 'pg_catalog.pg_event_trigger'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_event_trigger "
	"UNION ALL SELECT 1, 'pg_catalog.pg_publication'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_publication "
	"UNION ALL SELECT 2, 'pg_catalog.pg_class'::pg_catalog.regclass, oid FROM pg_catalog.pg_class "
	"WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND relpersistence <> 't' "
	"UNION ALL SELECT 3, 'pg_catalog.pg_extension'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_extension "
	"UNION ALL SELECT 4, 'pg_catalog.pg_namespace'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_(temp|toast)' "
	"UNION ALL SELECT 5, 'pg_catalog.pg_proc'::pg_catalog.regclass, oid FROM pg_catalog.pg_proc "
	"UNION ALL SELECT 6, 'pg_catalog.pg_type'::pg_catalog.regclass, oid FROM pg_catalog.pg_type "
	"WHERE typrelid = 0 "
	"UNION ALL SELECT 7, 'pg_catalog.pg_operator'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_operator "
	"UNION ALL SELECT 8, 'pg_catalog.pg_opclass'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_opclass "
	"UNION ALL SELECT 8, 'pg_catalog.pg_opfamily'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_opfamily "
	"UNION ALL SELECT 8, 'pg_catalog.pg_cast'::pg_catalog.regclass, oid FROM pg_catalog.pg_cast "
	"UNION ALL SELECT 8, 'pg_catalog.pg_collation'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_collation "
	"UNION ALL SELECT 8, 'pg_catalog.pg_conversion'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_conversion "
	"UNION ALL SELECT 9, 'pg_catalog.pg_ts_config'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_ts_config "
	"UNION ALL SELECT 9, 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_ts_dict "
	"UNION ALL SELECT 9, 'pg_catalog.pg_ts_parser'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_ts_parser "
	"UNION ALL SELECT 9, 'pg_catalog.pg_ts_template'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_ts_template "
	"UNION ALL SELECT 9, 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_statistic_ext "
	"UNION ALL SELECT 10, 'pg_catalog.pg_foreign_server'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_foreign_server "
	"UNION ALL SELECT 11, 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_foreign_data_wrapper "
	"UNION ALL SELECT 11, 'pg_catalog.pg_am'::pg_catalog.regclass, oid FROM pg_catalog.pg_am "
	"UNION ALL SELECT 5, 'pg_catalog.pg_transform'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_transform "
	"UNION ALL SELECT 12, 'pg_catalog.pg_language'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_language) "
	/* "for integer on language sql" is not what DROP TRANSFORM wants. */
	"SELECT i.type, CASE i.type WHEN 'transform' THEN (SELECT "
	"pg_catalog.format('FOR %s LANGUAGE %I', pg_catalog.format_type(t.trftype, NULL), l.lanname) "
	"FROM pg_catalog.pg_transform t JOIN pg_catalog.pg_language l ON l.oid = t.trflang "
	"WHERE t.oid = o.objid) ELSE i.identity END, o.rank FROM objects o, "
	"LATERAL pg_catalog.pg_identify_object(o.classid, o.objid, 0) i "
	"WHERE o.objid >= 16384 AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d "
	"WHERE d.classid = o.classid AND d.objid = o.objid AND d.objsubid = 0 "
	"AND d.deptype IN ('e', 'i', 'a') AND d.refclassid <> "
	"'pg_catalog.pg_namespace'::pg_catalog.regclass) "
	"UNION ALL SELECT 'large object', oid::pg_catalog.text, 13 "
	"FROM pg_catalog.pg_largeobject_metadata "
	"ORDER BY 3, 1, 2";

int target_check_empty(struct pg *pg, struct err *err)
{
	struct buf list = BUF_INIT;
	struct pg_rows *rows = pg_query(pg, objects_sql, err);
	int result = -1;
	if (!rows)
		return -1;
	int count = pg_rows_count(rows);
	for (int row = 0; row < count && row < OBJECTS_SHOWN; row++)
		buf_addf(&list, "\n  %s %s", pg_value(rows, row, 0), pg_value(rows, row, 1));
	if (count > OBJECTS_SHOWN)
		buf_addf(&list, "\n  … and %d more", count - OBJECTS_SHOWN);
	if (buf_check(&list, "a list of objects", err) < 0)
		goto out;
	result = 0;
	if (count > 0)
		result = err_set(err, ERR_DATABASE,
		                 "database \"%s\" is not empty: nothing was restored; it holds%s\n"
		                 "HINT:  Restore into an empty database, or --create a new one; --clean "
		                 "drops all that is in this one, in the same transaction.",
		                 pg_database(pg), list.data);
out:
	pg_rows_free(rows);
	buf_release(&list);
	return result;
}

/* Where DROP wants another word than pg_identify_object() gives. */
static const char *drop_word(const char *type)
{
	static const char *const words[][2] = {
		{ "composite type", "type" },
		{ "foreign-data wrapper", "foreign data wrapper" },
		{ "statistics object", "statistics" },
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(type, words[i][0]) == 0)
			return words[i][1];
	return type;
}

static int drop(struct pg *pg, const char *type, const char *identity, struct err *err)
{
	struct buf sql = BUF_INIT;
	if (strcmp(type, "large object") == 0)
		buf_addf(&sql, "SELECT pg_catalog.lo_unlink('%s')", identity);
	else
		buf_addf(&sql, "DROP %s IF EXISTS %s CASCADE", drop_word(type), identity);
	int result = buf_check(&sql, "a statement", err);
	if (result == 0 && (result = pg_exec(pg, sql.data, err)) < 0)
		err_prefix(err, "cannot clean database \"%s\": %s", pg_database(pg), sql.data);
	buf_release(&sql);
	return result;
}

int target_drop_all(struct pg *pg, const struct log *log, struct err *err)
{
	struct pg_rows *rows = pg_query(pg, objects_sql, err);
	int result = rows ? 0 : -1;
	for (int row = 0; result == 0 && row < pg_rows_count(rows); row++)
		result = drop(pg, pg_value(rows, row, 0), pg_value(rows, row, 1), err);
	if (result == 0 && pg_rows_count(rows) > 0)
		log_note(log, "%d objects of database \"%s\" are replaced", pg_rows_count(rows),
		         pg_database(pg));
	pg_rows_free(rows);
	return result;
}
