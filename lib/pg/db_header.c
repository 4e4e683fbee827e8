#include "db_header.h"

#include <time.h>

/* What CREATE DATABASE would have to be told for the copy (pg_database; column names by version).
 */
static struct pg_rows *query_database(struct pg *pg, struct err *err)
{
	int version = pg_server_version(pg);
	struct buf sql = BUF_INIT;
	struct pg_rows *rows = NULL;
	buf_addf(&sql,
	         "SELECT pg_catalog.pg_encoding_to_char(encoding), datcollate, datctype, "
	         "%s, %s, %s, pg_catalog.current_setting('server_version') "
	         "FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()",
	         version >= 150000 ? "datlocprovider" : "'c'",
	         version >= 170000   ? "datlocale"
	         : version >= 150000 ? "daticulocale"
	                             : "NULL",
	         version >= 160000 ? "daticurules" : "NULL");
	if (buf_check(&sql, "a statement", err) == 0)
		rows = pg_query(pg, sql.data, err);
	buf_release(&sql);
	return rows;
}

static int describe_database(struct pg *pg, struct stream_header *header, struct err *err)
{
	static const char *const keys[] = { "encoding", "collate",   "ctype",         "locale_provider",
		                                "locale",   "icu_rules", "server_version" };
	struct pg_rows *rows = query_database(pg, err);
	if (!rows)
		return -1;
	int result = stream_header_set(header, "database", pg_database(pg), err);
	for (int i = 0; result == 0 && i < (int)(sizeof(keys) / sizeof(*keys)); i++)
		result = stream_header_set(header, keys[i], pg_value(rows, 0, i), err);
	pg_rows_free(rows);
	return result;
}

static int set_time(struct stream_header *header, struct err *err)
{
	char text[32];
	time_t now = time(NULL);
	struct tm utc;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	return stream_header_set(header, "created", text, err);
}

int db_header_describe(struct pg *pg, struct stream_header *header, struct err *err)
{
	if (set_time(header, err) < 0 || describe_database(pg, header, err) < 0)
		return -1;
	return stream_header_set_number(header, "server_version_num", pg_server_version(pg), err);
}
