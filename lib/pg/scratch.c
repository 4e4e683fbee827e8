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

int scratch_report_leftovers(struct pg *pg, const struct log *log, struct err *err)
{
	struct pg_rows *rows = pg_query(
		pg,
		"SELECT d.datname FROM pg_catalog.pg_database d "
		"WHERE d.datname LIKE 'idkit\\_scratch\\_%' AND NOT EXISTS "
		"(SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid) ORDER BY 1",
		err);
	if (!rows)
		return -1;
	for (int row = 0; row < pg_rows_count(rows); row++)
		log_note(log,
		         "database \"%s\" was left by an idrestore that was killed; remove it with: "
		         "dropdb %s",
		         pg_value(rows, row, 0), pg_value(rows, row, 0));
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

/* From the stream's header: what pg_dump --create would have written for it. */
static void add_locale(struct buf *sql, const struct stream_header *header, int server_version)
{
	const char *provider = stream_header_get(header, "locale_provider");
	const char *locale = stream_header_get(header, "locale");
	add_option(sql, "ENCODING", stream_header_get(header, "encoding"));
	add_option(sql, "LC_COLLATE", stream_header_get(header, "collate"));
	add_option(sql, "LC_CTYPE", stream_header_get(header, "ctype"));
	if (!provider || server_version < 150000)
		return;
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
}

static int build_create(const struct scratch *scratch, const struct stream_header *header,
                        struct slice create_sql, struct buf *sql, struct err *err)
{
	struct slice name;
	if (create_sql.len > 0 && statement_database_name(create_sql, &name)) {
		const char *rest = name.data + name.len;
		buf_add(sql, create_sql.data, (size_t)(name.data - create_sql.data));
		sql_add_identifier(sql, slice_of(scratch->name));
		buf_add(sql, rest, create_sql.len - (size_t)(rest - create_sql.data));
	} else {
		buf_adds(sql, "CREATE DATABASE ");
		sql_add_identifier(sql, slice_of(scratch->name));
		buf_adds(sql, " TEMPLATE = template0");
		if (stream_header_own(header))
			add_locale(sql, header, pg_server_version(scratch->pg));
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

int scratch_publish(struct scratch *scratch, struct err *err)
{
	struct buf sql = BUF_INIT;
	int result = -1;
	buf_adds(&sql, "ALTER DATABASE ");
	sql_add_identifier(&sql, slice_of(scratch->name));
	buf_adds(&sql, " RENAME TO ");
	sql_add_identifier(&sql, slice_of(scratch->target));
	if (buf_check(&sql, "a statement", err) == 0)
		result = pg_exec(scratch->pg, sql.data, err);
	if (result == 0)
		scratch->exists = false;
	else
		err_prefix(err, "the restored database could not be named \"%s\"", scratch->target);
	buf_release(&sql);
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

void scratch_free(struct scratch *scratch)
{
	if (!scratch)
		return;
	if (scratch->exists) {
		struct err err = ERR_INIT;
		interrupt_hold();
		if (drop_patiently(scratch, &err) < 0)
			log_warning(scratch->log,
			            "scratch database \"%s\" could not be dropped (%s); remove it with: "
			            "dropdb %s",
			            scratch->name, err.message, scratch->name);
		interrupt_release();
	}
	pg_free(scratch->pg);
	free(scratch->target);
	free(scratch);
}
