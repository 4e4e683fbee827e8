#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "ident.h"
#include "interrupt.h"
#include "statement.h"

/* NAMEDATALEN - 1. */
#define LARGEST_NAME_BYTES 63
/* A server that lost a backend by kill -9 restarts all: so long we wait for it to drop our database. */
#define RECONNECT_SECONDS 30
/* Five seconds each. */
#define RENAME_ATTEMPTS 12

struct scratch {
	struct pg *pg; /* to the maintenance database */
	const struct log *log;
	char name[LARGEST_NAME_BYTES + 1];
	char *target;
	bool exists;
};

static struct pg *connect_maintenance(const struct pg_target *target, const char *program,
                                      const struct log *log, struct err *err)
{
	struct err first = ERR_INIT;
	struct pg *pg = pg_connect(target, "postgres", program, log, &first);
	if (pg || first.kind == ERR_SIGNAL) {
		if (!pg)
			*err = first;
		return pg;
	}
	struct err second = ERR_INIT;
	pg = pg_connect(target, "template1", program, log, &second);
	if (!pg)
		*err = first;
	return pg;
}

static bool exists(struct pg *pg, const char *name, struct err *err)
{
	struct buf sql = BUF_INIT;
	bool found = false;
	buf_adds(&sql, "SELECT 1 FROM pg_catalog.pg_database WHERE datname = ");
	sql_add_literal(&sql, slice_of(name));
	struct pg_rows *rows = buf_check(&sql, "a statement", err) == 0
	                           ? pg_query(pg, sql.data, err)
	                           : NULL;
	if (rows)
		found = pg_rows_count(rows) > 0;
	pg_rows_free(rows);
	buf_release(&sql);
	return found;
}

/* Prefix, eight random digits, as much of the target's name as fits (cut between characters). */
static void choose_name(struct scratch *scratch)
{
	unsigned random = 0;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = (unsigned)getpid();
	int len = snprintf(scratch->name, sizeof(scratch->name), SCRATCH_PREFIX "%08x_%s", random,
	                   scratch->target);
	if (len < (int)sizeof(scratch->name))
		return;
	size_t end = sizeof(scratch->name) - 1;
	while (end > 0 && ((unsigned char)scratch->target[end - strlen(SCRATCH_PREFIX) - 9] & 0xc0) ==
	                      0x80)
		end--;
	scratch->name[end] = '\0';
}

static void note_leftover(const struct log *log, const char *name)
{
	struct buf quoted = BUF_INIT;
	sql_add_identifier(&quoted, slice_of(name));
	if (!quoted.failed)
		log_note(log,
		         "database \"%s\" was left by an idrestore that was killed; remove it with: "
		         "DROP DATABASE %s",
		         name, quoted.data);
	buf_release(&quoted);
}

int scratch_report_leftovers(struct pg *pg, const struct log *log, struct err *err)
{
	struct pg_rows *rows = pg_query(
		pg,
		"SELECT d.datname FROM pg_catalog.pg_database d "
		"WHERE d.datname ~ '^" SCRATCH_PREFIX "[0-9a-f]{8}_' AND NOT EXISTS "
		"(SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid) ORDER BY 1",
		err);
	if (!rows)
		return -1;
	for (int row = 0; row < pg_rows_count(rows); row++)
		note_leftover(log, pg_value(rows, row, 0));
	pg_rows_free(rows);
	return 0;
}

struct scratch *scratch_new(const struct pg_target *target, const char *name, const char *program,
                            const struct log *log, struct err *err)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));
	if (!scratch || !(scratch->target = strdup(name))) {
		free(scratch);
		err_memory(err, "a database");
		return NULL;
	}
	scratch->log = log;
	choose_name(scratch);
	scratch->pg = connect_maintenance(target, program, log, err);
	if (!scratch->pg || scratch_report_leftovers(scratch->pg, log, err) < 0)
		goto failed;
	if (strlen(name) > LARGEST_NAME_BYTES) {
		err_set(err, ERR_USAGE, "database name \"%s\" is longer than %d bytes", name,
		        LARGEST_NAME_BYTES);
		goto failed;
	}
	if (exists(scratch->pg, name, err)) {
		err_set(err, ERR_DATABASE,
		        "database \"%s\" exists already: nothing was restored; --create makes a new "
		        "one, without it the target must exist and be empty",
		        name);
		goto failed;
	}
	if (!err_is_set(err))
		return scratch;
failed:
	scratch_free(scratch);
	return NULL;
}

static void add_option(struct buf *sql, const char *keyword, const char *value)
{
	if (!value)
		return;
	buf_addf(sql, " %s = ", keyword);
	sql_add_literal(sql, slice_of(value));
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

/* From the stream's header: what pg_dump --create would have written for it. */
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

static int build_create(const struct scratch *scratch, const struct stream_header *header,
                        struct slice create_sql, struct buf *sql, struct err *err)
{
	/* The name stands before all strings: how they are to be read does not matter. */
	if (!statement_rename_database(create_sql, true, slice_of(scratch->name), sql)) {
		buf_adds(sql, "CREATE DATABASE ");
		sql_add_identifier(sql, slice_of(scratch->name));
		buf_adds(sql, " TEMPLATE = template0");
		if (stream_header_own(header) && add_locale(scratch, header, sql, err) < 0)
			return -1;
	}
	return buf_check(sql, "a statement", err);
}

struct pg *scratch_create(struct scratch *scratch, const struct stream_header *header,
                          struct slice create_sql, struct err *err)
{
	struct buf sql = BUF_INIT;
	struct pg *pg = NULL;
	if (build_create(scratch, header, create_sql, &sql, err) < 0)
		goto out;
	/* From here on it may exist, whatever the answer says. */
	scratch->exists = true;
	if (pg_exec(scratch->pg, sql.data, err) < 0) {
		err_prefix(err, "cannot create a database for \"%s\"", scratch->target);
		goto out;
	}
	log_detail(scratch->log, "restoring into \"%s\", to be \"%s\"", scratch->name,
	           scratch->target);
	pg = pg_connect_like(scratch->pg, scratch->name, err);
out:
	buf_release(&sql);
	return pg;
}

static int build_rename(const struct scratch *scratch, struct buf *sql, struct err *err)
{
	buf_adds(sql, "ALTER DATABASE ");
	sql_add_identifier(sql, slice_of(scratch->name));
	buf_adds(sql, " RENAME TO ");
	sql_add_identifier(sql, slice_of(scratch->target));
	return buf_check(sql, "a statement", err);
}

/* The connection broke while it was idle, or at the rename itself, whose answer then is unknown: a new
 * one tells.  1 when the database has its name, 0 when it may be tried again, -1 when not. */
static int reconnect(struct scratch *scratch, struct err *err)
{
	struct pg *pg = pg_connect_like(scratch->pg, NULL, err);
	if (!pg)
		return -1;
	pg_free(scratch->pg);
	scratch->pg = pg;
	bool has_name = exists(pg, scratch->target, err);
	bool is_scratch = exists(pg, scratch->name, err);
	if (err_is_set(err))
		return -1;
	return has_name && !is_scratch;
}

/* Who is connected to it: monitoring that visits all databases, a curious colleague. */
static void note_users(struct scratch *scratch)
{
	struct err ignored = ERR_INIT;
	struct buf sql = BUF_INIT;
	buf_adds(&sql, "SELECT pid, usename, application_name FROM pg_catalog.pg_stat_activity "
	               "WHERE datname OPERATOR(pg_catalog.=) ");
	sql_add_literal(&sql, slice_of(scratch->name));
	struct pg_rows *rows = sql.failed ? NULL : pg_query(scratch->pg, sql.data, &ignored);
	for (int row = 0; rows && row < pg_rows_count(rows); row++)
		log_note(scratch->log,
		         "the restored database waits for its name: process %s of role %s (%s) is "
		         "connected to \"%s\"",
		         pg_value(rows, row, 0), pg_value(rows, row, 1) ? pg_value(rows, row, 1) : "?",
		         pg_value(rows, row, 2) ? pg_value(rows, row, 2) : "", scratch->name);
	pg_rows_free(rows);
	buf_release(&sql);
}

/* The database is whole and checked: it is kept, and how to finish is said. */
static int give_up(struct scratch *scratch, const struct buf *rename, struct err *err)
{
	scratch->exists = false;
	err_prefix(err, "the restored database could not be named \"%s\"", scratch->target);
	return err_append(err,
	                  "\nHINT:  It is complete, and kept as \"%s\"; when nobody is connected to it: "
	                  "%s;",
	                  scratch->name, rename->data);
}

/* 0 done, 1 try again, -1 it can't be. */
static int try_rename(struct scratch *scratch, const struct buf *rename, struct err *err)
{
	if (pg_exec(scratch->pg, rename->data, err) == 0)
		return 0;
	const char *sqlstate = pg_failure(scratch->pg)->sqlstate;
	if (err->kind != ERR_DATABASE)
		return -1;
	if (strcmp(sqlstate, "55006") == 0) {
		note_users(scratch);
		return 1;
	}
	if (sqlstate[0] != '\0' && strncmp(sqlstate, "57", 2) != 0)
		return -1;
	struct err again = ERR_INIT;
	int renamed = reconnect(scratch, &again);
	if (renamed > 0)
		err_clear(err);
	return renamed < 0 ? -1 : !renamed;
}

int scratch_publish(struct scratch *scratch, struct err *err)
{
	struct buf rename = BUF_INIT;
	int result = build_rename(scratch, &rename, err);
	/* The server itself waits five seconds for others to leave. */
	for (int i = 0; result == 0 && i < RENAME_ATTEMPTS; i++) {
		err_clear(err);
		int again = try_rename(scratch, &rename, err);
		if (again <= 0) {
			result = again;
			break;
		}
	}
	if (result == 0 && !err_is_set(err))
		scratch->exists = false;
	else if (err->kind == ERR_DATABASE &&
	         strcmp(pg_failure(scratch->pg)->sqlstate, "42P04") != 0)
		result = give_up(scratch, &rename, err);
	else
		result = err_prefix(err, "the restored database could not be named \"%s\"",
		                    scratch->target);
	buf_release(&rename);
	return result;
}

static int drop(struct pg *pg, const char *name, struct err *err)
{
	struct buf sql = BUF_INIT;
	buf_adds(&sql, "DROP DATABASE IF EXISTS ");
	sql_add_identifier(&sql, slice_of(name));
	if (pg_server_version(pg) >= 130000)
		buf_adds(&sql, " WITH (FORCE)");
	int result = buf_check(&sql, "a statement", err);
	if (result == 0)
		result = pg_exec(pg, sql.data, err);
	buf_release(&sql);
	return result;
}

/* On a connection that may be broken: then on new ones, until the server is up again. */
static int drop_patiently(struct scratch *scratch, struct err *err)
{
	if (drop(scratch->pg, scratch->name, err) == 0)
		return 0;
	for (int i = 0; i < RECONNECT_SECONDS * 2; i++) {
		struct err again = ERR_INIT;
		struct pg *pg = pg_connect_like(scratch->pg, NULL, &again);
		int result = pg ? drop(pg, scratch->name, &again) : -1;
		bool refused = pg && result < 0 && pg_failure(pg)->sqlstate[0] != '\0';
		pg_free(pg);
		if (result == 0)
			return 0;
		if (refused)
			return -1;
		usleep(500000);
	}
	return -1;
}

static void warn_left(const struct scratch *scratch, const struct err *err)
{
	struct buf quoted = BUF_INIT;
	sql_add_identifier(&quoted, slice_of(scratch->name));
	log_warning(scratch->log,
	            "scratch database \"%s\" could not be dropped (%s); remove it with: "
	            "DROP DATABASE %s",
	            scratch->name, err->message, quoted.failed ? scratch->name : quoted.data);
	buf_release(&quoted);
}

void scratch_free(struct scratch *scratch)
{
	if (!scratch)
		return;
	if (scratch->exists) {
		struct err err = ERR_INIT;
		interrupt_hold();
		if (drop_patiently(scratch, &err) < 0)
			warn_left(scratch, &err);
		interrupt_release();
	}
	pg_free(scratch->pg);
	free(scratch->target);
	free(scratch);
}
