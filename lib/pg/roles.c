#include "roles.h"

#include <stdlib.h>
#include <string.h>

#include "roles_internal.h"

/*
 * Each role with what it is needed for.  What the bootstrap superuser and the server's own roles own
 * is in no record of dependencies (they can't be dropped: IsPinnedObject() in src/backend/catalog/catalog.c), so
 * it is looked for where it is, in $OWNED.
 *
 * Objects of extensions are CREATE EXTENSION's to own; privileges on them are dumped.  A grant to a
 * role on ALTER DEFAULT PRIVILEGES FOR ROLE … is a privilege on both sides.
 */
static const char dependencies[] =
	"SELECT d.refobjid AS role, CASE"
	" WHEN d.deptype IN ('a', 'i') OR d.classid = 'pg_catalog.pg_default_acl'::pg_catalog.regclass"
	" THEN 'acl'"
	" WHEN d.deptype = 'r' OR d.classid = 'pg_catalog.pg_user_mapping'::pg_catalog.regclass"
	" THEN 'other' ELSE 'owner' END AS use"
	" FROM pg_catalog.pg_shdepend d, pg_catalog.pg_database b"
	" WHERE b.datname = pg_catalog.current_database() AND d.dbid = b.oid"
	" AND d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.deptype <> 'p'"
	" AND d.classid <> 'pg_catalog.pg_extension'::pg_catalog.regclass"
	" AND NOT (d.deptype = 'o' AND EXISTS (SELECT FROM pg_catalog.pg_depend e"
	" WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype IN ('e', 'i')))"
	" AND NOT EXISTS (SELECT FROM pg_catalog.pg_class t WHERE t.oid = d.objid"
	" AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND t.relpersistence = 't')"
	" UNION ALL SELECT o.role, 'owner' FROM owned o WHERE NOT EXISTS"
	" (SELECT FROM pg_catalog.pg_depend e"
	" WHERE e.classid = o.classid AND e.objid = o.objid AND e.deptype IN ('e', 'i'))"
	" UNION ALL SELECT s.subowner, 'owner' FROM pg_catalog.pg_subscription s,"
	" pg_catalog.pg_database b"
	" WHERE b.datname = pg_catalog.current_database() AND s.subdbid = b.oid";

/* With --create: what is said of the database itself. */
static const char of_database[] =
	" UNION ALL SELECT b.datdba, 'owner' FROM pg_catalog.pg_database b"
	" WHERE b.datname = pg_catalog.current_database()"
	" UNION ALL SELECT d.refobjid, 'acl' FROM pg_catalog.pg_shdepend d, pg_catalog.pg_database b"
	" WHERE b.datname = pg_catalog.current_database() AND d.dbid = 0 AND d.objid = b.oid"
	" AND d.classid = 'pg_catalog.pg_database'::pg_catalog.regclass"
	" AND d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.deptype = 'a'"
	" UNION ALL SELECT s.setrole, 'other' FROM pg_catalog.pg_db_role_setting s,"
	" pg_catalog.pg_database b"
	" WHERE b.datname = pg_catalog.current_database() AND s.setdatabase = b.oid";

/* Where objects with an owner are.  16384 is the first OID that initdb does not give
 * (FirstNormalObjectId). */
#define USERS " AND oid >= 16384"
static const struct {
	const char *catalog;
	const char *owner;
	const char *which;
} owned[] = {
	{ "pg_class", "relowner",
	  USERS " AND relkind NOT IN ('i', 'I', 't') AND relpersistence <> 't'" },
	/* Schema public is initdb's, and dumped all the same, unless it is pg_database_owner's. */
	{ "pg_namespace", "nspowner",
	  " AND (oid >= 16384 AND nspname !~ '^pg_' OR nspname = 'public' AND nspowner <> 6171)" },
	{ "pg_proc", "proowner", USERS },
	{ "pg_type", "typowner", USERS },
	{ "pg_operator", "oprowner", USERS },
	{ "pg_opclass", "opcowner", USERS },
	{ "pg_opfamily", "opfowner", USERS },
	{ "pg_collation", "collowner", USERS },
	{ "pg_conversion", "conowner", USERS },
	{ "pg_language", "lanowner", USERS },
	{ "pg_ts_dict", "dictowner", USERS },
	{ "pg_ts_config", "cfgowner", USERS },
	{ "pg_foreign_data_wrapper", "fdwowner", USERS },
	{ "pg_foreign_server", "srvowner", USERS },
	{ "pg_largeobject_metadata", "lomowner", "" },
	{ "pg_event_trigger", "evtowner", USERS },
	{ "pg_publication", "pubowner", USERS },
	{ "pg_statistic_ext", "stxowner", USERS },
};

static void add_owned(struct buf *sql)
{
	for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
		buf_addf(sql,
		         "%sSELECT 'pg_catalog.%s'::pg_catalog.regclass AS classid, oid AS objid,"
		         " %s AS role FROM pg_catalog.%s WHERE %s < 16384%s",
		         i > 0 ? " UNION ALL " : "", owned[i].catalog, owned[i].owner, owned[i].catalog,
		         owned[i].owner, owned[i].which);
}

static void add_query(const struct roles_options *options, struct buf *sql)
{
	buf_adds(sql, "WITH RECURSIVE owned AS (");
	add_owned(sql);
	buf_addf(sql, "), found AS (%s%s), needed AS (SELECT role, use FROM found WHERE role <> 0",
	         dependencies, options->create ? of_database : "");
	if (options->no_owner)
		buf_adds(sql, " AND use <> 'owner'");
	if (options->no_acl)
		buf_adds(sql, " AND use <> 'acl'");
	buf_adds(sql, " GROUP BY role, use), wanted AS (SELECT role FROM needed UNION"
	              " SELECT m.roleid FROM pg_catalog.pg_auth_members m, wanted w"
	              " WHERE m.member = w.role)"
	              " SELECT r.rolname, r.oid = 10,"
	              " EXISTS (SELECT FROM needed n WHERE n.role = r.oid AND use = 'owner'),"
	              " EXISTS (SELECT FROM needed n WHERE n.role = r.oid AND use = 'acl'),"
	              " EXISTS (SELECT FROM needed n WHERE n.role = r.oid AND use = 'other')"
	              " FROM pg_catalog.pg_roles r WHERE r.oid IN (SELECT role FROM wanted)"
	              " ORDER BY r.rolname COLLATE pg_catalog.\"C\"");
}

static struct role role_of(const struct pg_rows *rows, int row)
{
	return (struct role){
		.name = pg_value(rows, row, 0),
		.is_superuser_zero = pg_value_bool(rows, row, 1),
		.needed = {
			[STREAM_ROLE_OWNER] = pg_value_bool(rows, row, 2),
			[STREAM_ROLE_ACL] = pg_value_bool(rows, row, 3),
			[STREAM_ROLE_OTHER] = pg_value_bool(rows, row, 4),
		},
	};
}

struct roles *roles_read(struct pg *pg, const struct roles_options *options, struct err *err)
{
	struct buf sql = BUF_INIT;
	struct roles *roles = calloc(1, sizeof(*roles));
	if (!roles) {
		err_memory(err, "the roles");
		return NULL;
	}
	add_query(options, &sql);
	if (buf_check(&sql, "a statement", err) == 0)
		roles->rows = pg_query(pg, sql.data, err);
	buf_release(&sql);
	if (!roles->rows)
		goto failed;
	size_t count = (size_t)pg_rows_count(roles->rows);
	roles->items = calloc(count + 1, sizeof(*roles->items));
	if (!roles->items) {
		err_memory(err, "the roles");
		goto failed;
	}
	for (; roles->count < count; roles->count++)
		roles->items[roles->count] = role_of(roles->rows, (int)roles->count);
	return roles;
failed:
	roles_free(roles);
	return NULL;
}

void roles_free(struct roles *roles)
{
	if (!roles)
		return;
	pg_rows_free(roles->rows);
	free(roles->items);
	free(roles);
}

const struct role *roles_find(const struct roles *roles, struct slice name)
{
	for (size_t i = 0; i < roles->count; i++)
		if (slice_equals(name, roles->items[i].name))
			return &roles->items[i];
	return NULL;
}

bool role_is_predefined(const struct role *role)
{
	return strncmp(role->name, "pg_", 3) == 0;
}

int roles_put_header(const struct roles *roles, struct stream_header *header, struct err *err)
{
	for (size_t i = 0; i < roles->count; i++)
		for (int use = 0; use < STREAM_ROLE_USES; use++)
			if (roles->items[i].needed[use] &&
			    stream_header_add_role(header, (enum stream_role)use, roles->items[i].name,
			                           err) < 0)
				return -1;
	return 0;
}
