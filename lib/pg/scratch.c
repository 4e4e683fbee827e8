#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "format.h"
#include "interrupt.h"
#include "scratch_internal.h"

/* Prefix, eight random digits, as much of the target's name as fits. */
static int choose_name(struct scratch *scratch, struct err *err)
{
	unsigned random = 0;
	struct buf whole = BUF_INIT;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = (unsigned)getpid();
	buf_addf(&whole, SCRATCH_PREFIX "%08x_%s", random, scratch->target);
	int result = buf_check(&whole, "a name", err);
	if (result == 0)
		maintenance_cut_name(scratch->name, sizeof(scratch->name), whole.data);
	buf_release(&whole);
	return result;
}

static void note_leftover(const struct log *log, const char *name)
{
	struct buf drop = BUF_INIT;
	sql_addf(&drop, "DROP DATABASE %I", name);
	if (!drop.failed)
		log_note(log,
		         "database \"%s\" was left by an idrestore that was killed; remove it with: %s",
		         name, drop.data);
	buf_release(&drop);
}

int scratch_report_leftovers(struct pg *pg, const struct log *log, struct err *err)
{
	struct pg_rows *rows =
	    pg_query(pg,
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

static int check_free(struct scratch *scratch, struct err *err)
{
	uint32_t taken;
	if (maintenance_find(scratch->pg, scratch->target, &taken, err) < 0)
		return -1;
	if (taken == 0)
		return 0;
	return err_set(err, ERR_DATABASE,
	               "database \"%s\" exists already: nothing was restored; --create makes a new "
	               "one, --swap takes the place of one that is there, without them it must exist "
	               "and be empty",
	               scratch->target);
}

static int check_swap(struct scratch *scratch, struct err *err)
{
	const struct scratch_options *options = &scratch->options;
	if (swap_check(scratch->pg, scratch->target, options->force, err) < 0)
		return -1;
	return swap_check_replication(scratch->pg, scratch->target, &options->leftovers, scratch->log,
	                              err);
}

struct scratch *scratch_new(const struct pg_target *target, const char *name,
                            const struct scratch_options *options, const char *program,
                            const struct log *log, struct err *err)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));
	if (!scratch || !(scratch->target = strdup(name))) {
		free(scratch);
		err_memory(err, "a database");
		return NULL;
	}
	scratch->log = log;
	scratch->options = *options;
	if (choose_name(scratch, err) < 0 || maintenance_check_name(name, err) < 0)
		goto failed;
	scratch->pg = maintenance_connect(target, name, program, log, err);
	if (!scratch->pg || scratch_report_leftovers(scratch->pg, log, err) < 0)
		goto failed;
	if (options->swap ? check_swap(scratch, err) == 0 : check_free(scratch, err) == 0)
		return scratch;
failed:
	scratch_free(scratch);
	return NULL;
}

struct pg *scratch_connection(const struct scratch *scratch)
{
	return scratch->pg;
}

/* What the new database can't be given is found out before the hours of filling it. */
static int rehearse(struct scratch *scratch, struct err *err)
{
	if (!scratch->options.swap)
		return 0;
	if (pg_exec(scratch->pg, "BEGIN", err) < 0)
		return -1;
	int result = swap_copy_properties(scratch->pg, scratch->target, scratch->name, err);
	maintenance_rollback(scratch->pg);
	return result;
}

struct pg *scratch_create(struct scratch *scratch, const struct stream_header *header,
                          struct slice create_sql, struct err *err)
{
	struct buf sql = BUF_INIT;
	struct pg *pg = NULL;
	if (scratch_build_create(scratch, header, create_sql, &sql, err) < 0)
		goto out;
	/* From here on it may exist, whatever the answer says. */
	scratch->exists = true;
	if (pg_exec(scratch->pg, sql.data, err) < 0) {
		/* Somebody else's. */
		if (strcmp(pg_failure(scratch->pg)->sqlstate, "42P04") == 0)
			scratch->exists = false;
		err_prefix(err, "cannot create a database for \"%s\"", scratch->target);
		goto out;
	}
	if (rehearse(scratch, err) < 0)
		goto out;
	log_detail(scratch->log, "restoring into \"%s\", to be \"%s\"", scratch->name, scratch->target);
	pg = pg_connect_like(scratch->pg, scratch->name, err);
out:
	buf_release(&sql);
	return pg;
}

/* The database is whole and checked: it is kept, and how to finish is said. */
static int give_up(struct scratch *scratch, struct err *err)
{
	struct buf rename = BUF_INIT;
	scratch->exists = false;
	sql_addf(&rename, "ALTER DATABASE %I RENAME TO %I", scratch->name, scratch->target);
	err_append(err,
	           "\nHINT:  It is complete, and kept as \"%s\"; when nobody is connected to it%s: %s;",
	           scratch->name, scratch->options.swap ? " and the old one is renamed" : "",
	           rename.failed ? "rename it" : rename.data);
	buf_release(&rename);
	return -1;
}

/* Whatever its name is now: it is whole and checked, and may be the one that everybody uses. */
static int leave(struct scratch *scratch, struct err *err)
{
	scratch->exists = false;
	err_prefix(err, "it is not known whether the restored database is named \"%s\" now",
	           scratch->target);
	return err_append(err, "  The restored database is complete, and kept in both cases.");
}

/* One command makes up for the swap: nothing of the restore is lost. */
static int postpone(struct scratch *scratch, struct err *err)
{
	struct swap_result result = { 0 };
	struct err ignored = ERR_INIT;
	struct buf way = BUF_INIT;
	if (swap_postpone(&scratch->pg, scratch->target, scratch->name, &result, &ignored) < 0 &&
	    !result.unknown)
		return give_up(scratch, err);
	scratch->exists = false;
	swap_add_way_back(&way, scratch->target, true);
	err_append(
	    err,
	    "\nHINT:  The restored database is complete, and kept as \"%s\"; this puts it in its "
	    "place, and ends the sessions that are in the way: %s",
	    result.aside, way.failed ? "idrestore --swap-back --force" : way.data);
	if (result.unknown)
		err_append(err,
		           "\nThe connection was lost when it was to get that name: should it still be "
		           "called \"%s\", rename it to \"%s\" when the old one is renamed",
		           scratch->name, scratch->target);
	buf_release(&way);
	return -1;
}

static bool name_was_taken(const struct scratch *scratch)
{
	return !scratch->options.swap && strcmp(pg_failure(scratch->pg)->sqlstate, "42P04") == 0;
}

int scratch_publish(struct scratch *scratch, struct err *err)
{
	struct swap_result result = { 0 };
	const struct swap_request request = {
		.kind = scratch->options.swap ? SWAP_PROPERTIES : SWAP_NAME_ONLY,
		.name = scratch->target,
		.source = scratch->name,
		.force = scratch->options.force,
	};
	if (swap_run(&scratch->pg, &request, scratch->log, &result, err) == 0) {
		scratch->exists = false;
		return !scratch->options.swap
		           ? 0
		           : swap_settle(scratch->pg, scratch->target, "the restored one", &result,
		                         &scratch->options.leftovers, scratch->log, err);
	}
	if (result.unknown)
		return leave(scratch, err);
	bool keep = err->kind == ERR_DATABASE && !name_was_taken(scratch);
	err_prefix(err, "the restored database could not be named \"%s\"", scratch->target);
	if (!keep)
		return -1;
	return scratch->options.swap ? postpone(scratch, err) : give_up(scratch, err);
}

static void warn_left(const struct scratch *scratch, const struct err *err)
{
	struct buf drop = BUF_INIT;
	sql_addf(&drop, "DROP DATABASE %I", scratch->name);
	log_warning(scratch->log,
	            "scratch database \"%s\" could not be dropped (%s); remove it with: %s",
	            scratch->name, err->message, drop.failed ? "DROP DATABASE" : drop.data);
	buf_release(&drop);
}

void scratch_free(struct scratch *scratch)
{
	if (!scratch)
		return;
	if (scratch->exists) {
		struct err err = ERR_INIT;
		interrupt_hold();
		if (maintenance_drop_patiently(scratch->pg, scratch->name, &err) < 0)
			warn_left(scratch, &err);
		interrupt_release();
	}
	pg_free(scratch->pg);
	free(scratch->target);
	free(scratch);
}
