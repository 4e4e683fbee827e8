#include "target_objects.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"

#define OBJECTS_SHOWN      10
#define DEFAULT_PRIVILEGES "default privileges"

/*
 * Everything that a user created: OIDs from 16384 on (FirstNormalObjectId, src/include/access/
 * transam.h), but not what belongs to another object (members of an extension, a table's row type,
 * a serial column's sequence), nor schema public and language plpgsql, which a database has to begin
 * with: whoever empties it with DROP SCHEMA public CASCADE makes them anew.  In the order in which
 * dropping them with CASCADE works: tables before extensions, since the server can't describe an
 * index whose operator class goes first.
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
	"FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql' "
	"UNION ALL SELECT 4, 'pg_catalog.pg_namespace'::pg_catalog.regclass, oid "
	"FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_(temp|toast)' AND nspname <> 'public' "
	"UNION ALL SELECT 5, 'pg_catalog.pg_proc'::pg_catalog.regclass, oid FROM pg_catalog.pg_proc "
	"WHERE pronamespace <> 'pg_catalog'::pg_catalog.regnamespace OR proname NOT IN "
	"('plpgsql_call_handler', 'plpgsql_inline_handler', 'plpgsql_validator') "
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
	"FROM pg_catalog.pg_language WHERE lanname <> 'plpgsql') "
	/* "for integer on language sql" is not what DROP TRANSFORM wants, nor "()" DROP AGGREGATE. */
	"SELECT i.type, CASE i.type WHEN 'transform' THEN (SELECT "
	"pg_catalog.format('FOR %s LANGUAGE %I', pg_catalog.format_type(t.trftype, NULL), l.lanname) "
	"FROM pg_catalog.pg_transform t JOIN pg_catalog.pg_language l ON l.oid = t.trflang "
	"WHERE t.oid = o.objid) "
	"WHEN 'aggregate' THEN pg_catalog.regexp_replace(i.identity, '[(][)]$', '(*)') "
	"ELSE i.identity END, o.rank FROM objects o, "
	"LATERAL pg_catalog.pg_identify_object(o.classid, o.objid, 0) i "
	"WHERE o.objid >= 16384 AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d "
	"WHERE d.classid = o.classid AND d.objid = o.objid AND d.objsubid = 0 "
	"AND d.deptype IN ('e', 'i', 'a') AND d.refclassid <> "
	"'pg_catalog.pg_namespace'::pg_catalog.regclass) "
	"UNION ALL SELECT 'large object', oid::pg_catalog.text, 13 "
	"FROM pg_catalog.pg_largeobject_metadata "
	/* Its OID is hidden from roles without rights. */
	"UNION ALL SELECT 'subscription', pg_catalog.quote_ident(s.subname), 0 "
	"FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid "
	"WHERE d.datname = pg_catalog.current_database() "
	"UNION ALL SELECT '" DEFAULT_PRIVILEGES "', i.identity, 0 FROM pg_catalog.pg_default_acl a, "
	"LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_default_acl'::pg_catalog.regclass, "
	"a.oid, 0) i "
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

/*
 * ALTER DEFAULT PRIVILEGES statements that give back what initdb gave: then the server forgets the
 * entry (SetDefaultACL() in aclchk.c).  That is nothing for one schema; for all of them the owner's
 * own rights, and PUBLIC's on functions and types (acldefault()).
 */
static const char default_privileges_sql[] =
	"WITH entry AS (SELECT a.*, pg_catalog.format('ALTER DEFAULT PRIVILEGES FOR ROLE %I', "
	"pg_catalog.pg_get_userbyid(a.defaclrole)) || COALESCE(' IN SCHEMA ' || "
	"pg_catalog.quote_ident(n.nspname), '') AS head, CASE a.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN "
	"'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' "
	"WHEN 'L' THEN 'LARGE OBJECTS' END AS kind FROM pg_catalog.pg_default_acl a "
	"LEFT JOIN pg_catalog.pg_namespace n ON n.oid = a.defaclnamespace), "
	"change AS (SELECT e.oid, 1 AS step, e.head || ' REVOKE ALL ON ' || e.kind || ' FROM ' AS sql, "
	"x.grantee FROM entry e, LATERAL pg_catalog.aclexplode(e.defaclacl) x "
	"UNION SELECT e.oid, 2, e.head || ' GRANT ALL ON ' || e.kind || ' TO ', x.grantee "
	"FROM entry e, LATERAL pg_catalog.aclexplode(pg_catalog.acldefault("
	"CASE e.defaclobjtype WHEN 'S' THEN 's' ELSE e.defaclobjtype END, e.defaclrole)) x "
	"WHERE e.defaclnamespace = 0) "
	"SELECT sql || CASE grantee WHEN 0 THEN 'PUBLIC' "
	"ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)) END FROM change "
	"WHERE sql IS NOT NULL ORDER BY oid, step, grantee";

static int run(struct pg *pg, const char *sql, struct err *err)
{
	if (pg_exec(pg, sql, err) < 0)
		return err_prefix(err, "cannot clean database \"%s\": %s", pg_database(pg), sql);
	return 0;
}

static int drop_default_privileges(struct pg *pg, struct err *err)
{
	struct pg_rows *rows = pg_query(pg, default_privileges_sql, err);
	int result = rows ? 0 : -1;
	for (int row = 0; result == 0 && row < pg_rows_count(rows); row++)
		result = run(pg, pg_value(rows, row, 0), err);
	pg_rows_free(rows);
	rows = result == 0 ? pg_query(pg, "SELECT FROM pg_catalog.pg_default_acl", err) : NULL;
	if (!rows)
		return -1;
	/* A kind of objects that came with a later version. */
	if (pg_rows_count(rows) > 0)
		result = err_set(err, ERR_DATABASE,
		                 "cannot clean database \"%s\": it has default privileges that this "
		                 "version does not know",
		                 pg_database(pg));
	pg_rows_free(rows);
	return result;
}

/* Dropping one drops its replication slot on another server, which no rollback would bring back. */
static int refuse_subscription(struct pg *pg, const char *name, struct err *err)
{
	return err_set(err, ERR_DATABASE,
	               "cannot clean database \"%s\": it has a subscription, which no transaction can "
	               "drop\nHINT:  DROP SUBSCRIPTION %s first.",
	               pg_database(pg), name);
}

static int drop(struct pg *pg, const char *type, const char *identity, struct err *err)
{
	struct buf sql = BUF_INIT;
	if (strcmp(type, DEFAULT_PRIVILEGES) == 0)
		return 0;
	if (strcmp(type, "subscription") == 0)
		return refuse_subscription(pg, identity, err);
	if (strcmp(type, "large object") == 0)
		buf_addf(&sql, "SELECT pg_catalog.lo_unlink('%s')", identity);
	else
		buf_addf(&sql, "DROP %s IF EXISTS %s CASCADE", drop_word(type), identity);
	int result = buf_check(&sql, "a statement", err);
	if (result == 0)
		result = run(pg, sql.data, err);
	buf_release(&sql);
	return result;
}

int target_drop_all(struct pg *pg, const struct log *log, struct err *err)
{
	struct pg_rows *rows = pg_query(pg, objects_sql, err);
	int result = rows ? drop_default_privileges(pg, err) : -1;
	for (int row = 0; result == 0 && row < pg_rows_count(rows); row++)
		result = drop(pg, pg_value(rows, row, 0), pg_value(rows, row, 1), err);
	if (result == 0 && pg_rows_count(rows) > 0)
		log_note(log, "%d objects of database \"%s\" are to be replaced", pg_rows_count(rows),
		         pg_database(pg));
	pg_rows_free(rows);
	return result;
}
