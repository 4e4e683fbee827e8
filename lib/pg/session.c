#include "session.h"

#include <stdio.h>
#include <string.h>

#include "ident.h"

struct setting {
	const char *name;
	const char *value;
	int since; /* server version, as PQserverVersion() */
};

/* What must hold from a connection's beginning: a role's or database's settings would end what we do, or
 * have it fail (in a read-only transaction, in a serializable one). */
static const struct setting first[] = {
	{ "search_path", "", 0 },
	{ "statement_timeout", "0", 0 },
	{ "lock_timeout", "0", 0 },
	{ "idle_in_transaction_session_timeout", "0", 90600 },
	{ "idle_session_timeout", "0", 140000 },
	{ "transaction_timeout", "0", 170000 },
	{ "default_transaction_read_only", "off", 0 },
	{ "default_transaction_isolation", "read committed", 0 },
	{ "default_transaction_deferrable", "off", 0 },
	{ NULL, NULL, 0 },
};

static const struct setting basics[] = {
	/* Off, it makes the NULLs in arrays texts; every dump relies on it, and none says so. */
	{ "array_nulls", "on", 0 },
	{ NULL, NULL, 0 },
};

/* What the text of rows and definitions depends on. */
static const struct setting formats[] = {
	{ "DateStyle", "ISO", 0 },
	{ "IntervalStyle", "postgres", 0 },
	{ "TimeZone", "UTC", 0 },
	{ "extra_float_digits", "3", 0 },
	{ "bytea_output", "hex", 0 },
	{ "lc_monetary", "C", 0 },
	{ "xmloption", "content", 0 },
	{ "standard_conforming_strings", "on", 0 },
	{ "quote_all_identifiers", "off", 0 },
	{ "synchronize_seqscans", "off", 0 },
	{ "row_security", "off", 90500 },
	{ NULL, NULL, 0 },
};

/* Views and foreign tables of a hostile owner must not run code in our session (CVE-2024-7348); our
 * own reading needs neither. */
static const struct setting guards[] = {
	{ "restrict_nonsystem_relation_kind", "view, foreign-table", 0 },
	{ NULL, NULL, 0 },
};

/* A server whose caches are cold may not manage its first statement in a role's statement_timeout of
 * a millisecond; with each attempt they are warmer. */
#define FIRST_ATTEMPTS 20

static int end_statement_timeout(struct pg *pg, struct err *err)
{
	struct err refused = ERR_INIT;
	for (int i = 0; i < FIRST_ATTEMPTS; i++) {
		refused = (struct err)ERR_INIT;
		if (pg_exec(pg, "SET statement_timeout = 0", &refused) == 0)
			return 0;
		if (refused.kind != ERR_DATABASE || strcmp(pg_failure(pg)->sqlstate, "57014") != 0)
			break;
	}
	*err = refused;
	return -1;
}

/* No operator and no unqualified name: the search path is still the database owner's choice. */
int session_begin(struct pg *pg, struct err *err)
{
	struct buf sql = BUF_INIT;
	int result = end_statement_timeout(pg, err);
	buf_adds(&sql, "SELECT ");
	for (size_t i = 0; first[i].name; i++)
		if (pg_server_version(pg) >= first[i].since)
			buf_addf(&sql, "%spg_catalog.set_config('%s', '%s', false)", i ? ", " : "",
			         first[i].name, first[i].value);
	if (result == 0 && (result = buf_check(&sql, "a statement", err)) == 0)
		result = pg_exec(pg, sql.data, err);
	buf_release(&sql);
	return result;
}

int session_pin_path(struct pg *pg, struct err *err)
{
	return pg_exec(pg, "SELECT pg_catalog.set_config('search_path', '', false)", err);
}

int session_reset_path(struct pg *pg, struct err *err)
{
	return pg_exec(pg, "RESET search_path", err);
}

int session_commit_to_disk(struct pg *pg, struct err *err)
{
	return pg_exec(pg,
	               "SELECT pg_catalog.set_config('synchronous_commit', 'local', true) "
	               "WHERE pg_catalog.current_setting('synchronous_commit') "
	               "OPERATOR(pg_catalog.=) 'off'",
	               err);
}

/* set_config() by a query on pg_settings: a setting that the server does not know is left out, also
 * one that came with a minor version. */
static int pin(struct pg *pg, const struct setting *settings, struct err *err)
{
	struct buf sql = BUF_INIT;
	int result = -1;
	if (session_pin_path(pg, err) < 0)
		return -1;
	buf_adds(&sql, "SELECT pg_catalog.set_config(s.name, v.value, false) FROM (VALUES ");
	for (size_t i = 0; settings[i].name; i++)
		buf_addf(&sql, "%s('%s', '%s')", i ? ", " : "", settings[i].name,
		         settings[i].value);
	buf_adds(&sql, ") AS v(name, value) JOIN pg_catalog.pg_settings s "
	               "ON pg_catalog.lower(s.name) = pg_catalog.lower(v.name)");
	if (buf_check(&sql, "a statement", err) == 0)
		result = pg_exec(pg, sql.data, err);
	buf_release(&sql);
	return result;
}

static int pin_encoding(struct pg *pg, struct err *err)
{
	const char *server = pg_parameter(pg, "server_encoding");
	struct err refused = ERR_INIT;
	if (server && strcmp(server, "SQL_ASCII") != 0 &&
	    pg_exec(pg, "SET client_encoding = 'UTF8'", &refused) == 0)
		return 0;
	return pg_execf(pg, err, "SET client_encoding = '%s'", server ? server : "SQL_ASCII");
}

int session_set_encoding(struct pg *pg, const char *encoding, struct err *err)
{
	struct buf sql = BUF_INIT;
	if (!encoding)
		return 0;
	buf_adds(&sql, "SET client_encoding = ");
	sql_add_literal(&sql, slice_of(encoding));
	int result = buf_check(&sql, "a statement", err);
	if (result == 0 && (result = pg_exec(pg, sql.data, err)) < 0)
		err_prefix(err, "encoding \"%s\"", encoding);
	buf_release(&sql);
	return result;
}

int session_pin_basics(struct pg *pg, struct err *err)
{
	return pin(pg, basics, err);
}

int session_pin_formats(struct pg *pg, struct err *err)
{
	if (pin(pg, basics, err) < 0 || pin(pg, formats, err) < 0)
		return -1;
	return pin_encoding(pg, err);
}

int session_pin(struct pg *pg, struct err *err)
{
	return pin(pg, guards, err) < 0 ? -1 : session_pin_formats(pg, err);
}

int session_child_options(const struct pg *pg, struct buf *options, struct err *err)
{
	if (pg_startup_options(pg, options, err) < 0)
		return -1;
	/* pg_dump pins what it knows of by itself; not these, on which the text of definitions
	 * depends. */
	buf_adds(options, " -c standard_conforming_strings=on -c TimeZone=UTC -c lc_monetary=C"
	                  " -c bytea_output=hex -c quote_all_identifiers=off -c statement_timeout=0"
	                  " -c idle_in_transaction_session_timeout=0");
	return buf_check(options, "PGOPTIONS", err);
}

/* pg_dump's own preamble (_doSetFixedOutputState() in pg_backup_archiver.c), then what it leaves to
 * chance: money read under another lc_monetary is another amount. */
static const struct setting preamble[] = {
	{ "statement_timeout", "0", 0 },
	{ "lock_timeout", "0", 0 },
	{ "idle_in_transaction_session_timeout", "0", 0 },
	{ "standard_conforming_strings", "on", 0 },
	{ "check_function_bodies", "false", 0 },
	{ "xmloption", "content", 0 },
	{ "client_min_messages", "warning", 0 },
	{ "row_security", "off", 0 },
	{ "datestyle", "'ISO'", 0 },
	{ "intervalstyle", "'postgres'", 0 },
	{ "timezone", "'UTC'", 0 },
	{ "lc_monetary", "'C'", 0 },
	{ "array_nulls", "on", 0 },
	{ NULL, NULL, 0 },
};

void session_add_preamble(struct buf *script, const char *encoding)
{
	buf_addf(script, "SET client_encoding = '%s';\n", encoding);
	for (size_t i = 0; preamble[i].name; i++)
		buf_addf(script, "SET %s = %s;\n", preamble[i].name, preamble[i].value);
	buf_adds(script, "SELECT pg_catalog.set_config('search_path', '', false);\n");
}

bool session_is_preamble_setting(struct slice name)
{
	for (size_t i = 0; preamble[i].name; i++)
		if (slice_equals_nocase(name, preamble[i].name))
			return true;
	return slice_equals_nocase(name, "client_encoding") ||
	       slice_equals_nocase(name, "search_path") ||
	       slice_equals_nocase(name, "transaction_timeout");
}
