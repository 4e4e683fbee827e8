/* CREATE DATABASE: with the encoding and locale of a stream, or of another database. */
#include <string.h>

#include "format.h"
#include "ident.h"
#include "scratch_internal.h"
#include "statement.h"

static void add_option(struct buf *sql, const char *keyword, const char *value)
{
	if (value)
		sql_addf(sql, " %s = %L", keyword, value);
}

/* A server that doesn't have the provider would sort otherwise, and nobody would notice. */
static int check_provider(const struct scratch *scratch, const char *provider, const char *locale,
                          struct err *err)
{
	bool icu = strcmp(provider, "i") == 0, builtin = strcmp(provider, "b") == 0;
	int least = builtin ? 17 : icu ? 15 : 10;
	if (pg_server_version(scratch->pg) / 10000 >= least)
		return 0;
	return err_set(err, ERR_DATABASE,
	               "the source's default collation is %s's (locale \"%s\"), which a database has "
	               "from PostgreSQL %d on, and the target has %d: nothing was restored\n"
	               "HINT:  Create database \"%s\" with the locale you choose, then restore "
	               "without --create.",
	               icu ? "ICU" : "the builtin provider", locale ? locale : "", least,
	               pg_server_version(scratch->pg) / 10000, scratch->target);
}

/* What pg_dump --create would have written for the database that the header describes. */
static int add_locale(const struct scratch *scratch, const struct stream_header *header,
                      struct buf *sql, struct err *err)
{
	const char *provider = stream_header_get(header, "locale_provider");
	const char *locale = stream_header_get(header, "locale");
	add_option(sql, "ENCODING", stream_header_get(header, "encoding"));
	add_option(sql, "LC_COLLATE", stream_header_get(header, "collate"));
	add_option(sql, "LC_CTYPE", stream_header_get(header, "ctype"));
	if (!provider)
		return 0;
	if (check_provider(scratch, provider, locale, err) < 0)
		return -1;
	if (pg_server_version(scratch->pg) < 150000)
		return 0;
	if (strcmp(provider, "i") == 0) {
		buf_adds(sql, " LOCALE_PROVIDER = icu");
		add_option(sql, "ICU_LOCALE", locale);
		add_option(sql, "ICU_RULES", stream_header_get(header, "icu_rules"));
	} else if (strcmp(provider, "b") == 0) {
		buf_adds(sql, " LOCALE_PROVIDER = builtin");
		add_option(sql, "BUILTIN_LOCALE", locale);
	} else {
		buf_adds(sql, " LOCALE_PROVIDER = libc");
	}
	return 0;
}

/* In the words of a stream's header.  Column names by version. */
static const char *const header_keys[] = { "encoding",        "collate", "ctype",
	                                       "locale_provider", "locale",  "icu_rules" };
#define HEADER_KEYS ((int)(sizeof(header_keys) / sizeof(*header_keys)))

static struct pg_rows *query_present(const struct scratch *scratch, struct err *err)
{
	int version = pg_server_version(scratch->pg);
	return pg_queryf(scratch->pg, err,
	                 "SELECT pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, "
	                 "%s, %s, %s, pg_catalog.pg_get_userbyid(d.datdba), "
	                 "NULLIF(t.spcname, 'pg_default') FROM pg_catalog.pg_database d "
	                 "JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace "
	                 "WHERE d.datname = %L",
	                 version >= 150000 ? "d.datlocprovider" : "'c'",
	                 version >= 170000   ? "d.datlocale"
	                 : version >= 150000 ? "d.daticulocale"
	                                     : "NULL",
	                 version >= 160000 ? "d.daticurules" : "NULL", scratch->target);
}

/* Text sorts, and is stored, as the database does that it takes the place of. */
static void note_differences(const struct scratch *scratch, const struct stream_header *stream,
                             const struct stream_header *present)
{
	for (int i = 0; stream_header_own(stream) && i < HEADER_KEYS; i++) {
		const char *theirs = stream_header_get(stream, header_keys[i]);
		const char *ours = stream_header_get(present, header_keys[i]);
		if (theirs && ours && strcmp(theirs, ours) != 0)
			log_note(scratch->log,
			         "the database's %s stays \"%s\"; where the dump comes from it was \"%s\"",
			         header_keys[i], ours, theirs);
	}
}

static int add_like_present(const struct scratch *scratch, const struct stream_header *stream,
                            struct buf *sql, struct err *err)
{
	struct pg_rows *rows = query_present(scratch, err);
	struct stream_header *present = rows ? stream_header_new(err) : NULL;
	int result = present ? 0 : -1;
	if (present && pg_rows_count(rows) == 0)
		result =
		    err_set(err, ERR_DATABASE, "database \"%s\" is not there any more", scratch->target);
	for (int i = 0; result == 0 && i < HEADER_KEYS; i++)
		result = stream_header_set(present, header_keys[i], pg_value(rows, 0, i), err);
	if (result == 0) {
		sql_addf(sql, " OWNER = %I", pg_value(rows, 0, HEADER_KEYS));
		if (pg_value(rows, 0, HEADER_KEYS + 1))
			sql_addf(sql, " TABLESPACE = %I", pg_value(rows, 0, HEADER_KEYS + 1));
		note_differences(scratch, stream, present);
		result = add_locale(scratch, present, sql, err);
	}
	stream_header_free(present);
	pg_rows_free(rows);
	return result;
}

int scratch_build_create(const struct scratch *scratch, const struct stream_header *header,
                         struct slice create_sql, struct buf *sql, struct err *err)
{
	bool like_present = scratch->options.swap;
	/* The name stands before all strings: how they are to be read does not matter. */
	if (like_present ||
	    !statement_rename_database(create_sql, true, slice_of(scratch->name), sql)) {
		sql_addf(sql, "CREATE DATABASE %I TEMPLATE = template0", scratch->name);
		if (like_present ? add_like_present(scratch, header, sql, err) < 0
		                 : stream_header_own(header) && add_locale(scratch, header, sql, err) < 0)
			return -1;
	}
	return buf_check(sql, "a statement", err);
}
