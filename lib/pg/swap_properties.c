/*
 * What belongs to a database and not to what is in it: pg_dump's dumpDatabase() and
 * dumpDatabaseConfig() have the list (src/bin/pg_dump/pg_dump.c).
 */
#include <string.h>

#include "format.h"
#include "swap_internal.h"

static int run_rows(struct pg *pg, struct pg_rows *rows, struct err *err)
{
	int result = rows ? 0 : -1;
	for (int row = 0; result == 0 && row < pg_rows_count(rows); row++)
		result = pg_exec(pg, pg_value(rows, row, 0), err);
	pg_rows_free(rows);
	return result;
}

/* First: a change of owner changes the privileges, too. */
static int copy_owner(struct pg *pg, const char *from, const char *to, struct err *err)
{
	return run_rows(pg,
	                pg_queryf(pg, err,
	                          "SELECT pg_catalog.format('ALTER DATABASE %%I OWNER TO %%I', "
	                          "t.datname, pg_catalog.pg_get_userbyid(f.datdba)) "
	                          "FROM pg_catalog.pg_database f, pg_catalog.pg_database t "
	                          "WHERE f.datname = %L AND t.datname = %L AND f.datdba <> t.datdba",
	                          from, to),
	                err);
}

/* Those of one element of datacl, in the words of GRANT.  Elements stay in their order: who grants
 * on with a grant option comes behind the grant that gave it (as in pg_dump's buildACLCommands()).
 */
static const char query_grants[] =
    "SELECT pg_catalog.format('GRANT %%s ON DATABASE %%I TO %%s%%s', "
    "pg_catalog.string_agg(a.privilege_type, ', '), %L::pg_catalog.text, "
    "CASE a.grantee WHEN 0 THEN 'PUBLIC' "
    "ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END, "
    "CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), "
    "CASE WHEN a.grantor <> d.datdba THEN pg_catalog.format('SET LOCAL ROLE %%I', "
    "pg_catalog.pg_get_userbyid(a.grantor)) END "
    "FROM pg_catalog.pg_database d, pg_catalog.unnest(d.datacl) WITH ORDINALITY u(item, number), "
    "pg_catalog.aclexplode(ARRAY[u.item]) a WHERE d.datname = %L "
    "GROUP BY u.number, a.grantor, a.grantee, a.is_grantable, d.datdba "
    "ORDER BY a.grantor <> d.datdba, u.number, a.is_grantable";

static int grant(struct pg *pg, const char *sql, const char *as_grantor, struct err *err)
{
	if (!as_grantor)
		return pg_exec(pg, sql, err);
	if (pg_exec(pg, as_grantor, err) < 0 || pg_exec(pg, sql, err) < 0)
		return -1;
	return pg_exec(pg, "RESET ROLE", err);
}

static int copy_privileges(struct pg *pg, const char *from, const char *to, struct err *err)
{
	/* None where they are the default ones. */
	struct pg_rows *rows =
	    pg_queryf(pg, err,
	              "SELECT pg_catalog.pg_get_userbyid(datdba) FROM pg_catalog.pg_database "
	              "WHERE datname = %L AND datacl IS NOT NULL",
	              from);
	if (!rows)
		return -1;
	int result = 0;
	if (pg_rows_count(rows) > 0)
		result =
		    pg_runf(pg, err, "REVOKE ALL ON DATABASE %I FROM PUBLIC, %I", to, pg_value(rows, 0, 0));
	pg_rows_free(rows);
	rows = result == 0 ? pg_queryf(pg, err, query_grants, to, from) : NULL;
	result = rows ? 0 : -1;
	for (int row = 0; result == 0 && row < pg_rows_count(rows); row++)
		result = grant(pg, pg_value(rows, row, 0), pg_value(rows, row, 1), err);
	pg_rows_free(rows);
	return result;
}

static int add_setting(struct pg *pg, const char *to, const char *role, const char *item,
                       struct err *err)
{
	struct buf setting = BUF_INIT;
	setting_add(&setting, item);
	int result = buf_check(&setting, "a statement", err);
	if (result == 0 && role)
		result = pg_runf(pg, err, "ALTER ROLE %I IN DATABASE %I %s", role, to, setting.data);
	else if (result == 0)
		result = pg_runf(pg, err, "ALTER DATABASE %I %s", to, setting.data);
	if (result < 0)
		err_prefix(err, "its setting %.*s", (int)strcspn(item, "="), item);
	buf_release(&setting);
	return result;
}

static int copy_settings(struct pg *pg, const char *from, const char *to, struct err *err)
{
	struct pg_rows *rows =
	    pg_queryf(pg, err,
	              "SELECT r.rolname, u.item FROM pg_catalog.pg_db_role_setting s "
	              "JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase "
	              "LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole, "
	              "pg_catalog.unnest(s.setconfig) WITH ORDINALITY u(item, number) "
	              "WHERE d.datname = %L ORDER BY s.setrole, u.number",
	              from);
	int result = rows ? 0 : -1;
	for (int row = 0; result == 0 && row < pg_rows_count(rows); row++)
		result = add_setting(pg, to, pg_value(rows, row, 0), pg_value(rows, row, 1), err);
	pg_rows_free(rows);
	return result;
}

static int copy_labels(struct pg *pg, const char *from, const char *to, struct err *err)
{
	return run_rows(pg,
	                pg_queryf(pg, err,
	                          "SELECT pg_catalog.format('SECURITY LABEL FOR %%I ON DATABASE %%I "
	                          "IS %%L', l.provider, %L::pg_catalog.text, l.label) "
	                          "FROM pg_catalog.pg_shseclabel l JOIN pg_catalog.pg_database d "
	                          "ON l.objoid = d.oid AND l.classoid = "
	                          "'pg_catalog.pg_database'::pg_catalog.regclass "
	                          "WHERE d.datname = %L",
	                          to, from),
	                err);
}

/* A limit of -2 marks a database whose DROP was interrupted. */
static int copy_rest(struct pg *pg, const char *from, const char *to, struct err *err)
{
	struct pg_rows *rows =
	    pg_queryf(pg, err,
	              "SELECT GREATEST(datconnlimit, -1), datistemplate, datallowconn, "
	              "pg_catalog.shobj_description(oid, 'pg_database') "
	              "FROM pg_catalog.pg_database WHERE datname = %L",
	              from);
	if (!rows)
		return -1;
	int result = -1;
	if (pg_rows_count(rows) == 0)
		err_set(err, ERR_DATABASE, "database \"%s\" is not there any more", from);
	else if (pg_runf(pg, err,
	                 "ALTER DATABASE %I CONNECTION LIMIT %s IS_TEMPLATE %s "
	                 "ALLOW_CONNECTIONS %s",
	                 to, pg_value(rows, 0, 0), pg_value_bool(rows, 0, 1) ? "true" : "false",
	                 pg_value_bool(rows, 0, 2) ? "true" : "false") == 0)
		result = pg_runf(pg, err, "COMMENT ON DATABASE %I IS %L", to, pg_value(rows, 0, 3));
	pg_rows_free(rows);
	return result;
}

int swap_copy_properties(struct pg *pg, const char *from, const char *to, struct err *err)
{
	if (copy_owner(pg, from, to, err) == 0 && copy_privileges(pg, from, to, err) == 0 &&
	    copy_settings(pg, from, to, err) == 0 && copy_labels(pg, from, to, err) == 0 &&
	    copy_rest(pg, from, to, err) == 0)
		return 0;
	return err_prefix(err, "the new database can't have all that belongs to database \"%s\"", from);
}
