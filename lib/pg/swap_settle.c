/* What comes before a swap, and what comes behind it. */
#include <string.h>

#include "format.h"
#include "interrupt.h"
#include "swap_internal.h"

/* What may be renamed, and by whom; one row, or none. */
static struct pg_rows *query_rights(struct pg *pg, const char *name, struct err *err)
{
	return pg_queryf(
	    pg, err,
	    "SELECT me.rolsuper OR pg_catalog.pg_has_role(d.datdba, 'USAGE'), "
	    "me.rolsuper OR me.rolcreatedb, pg_catalog.pg_get_userbyid(d.datdba), me.rolname "
	    "FROM pg_catalog.pg_database d, pg_catalog.pg_roles me "
	    "WHERE d.datname = %L AND me.rolname = CURRENT_USER",
	    name);
}

static int check_rights(const struct pg_rows *rows, const char *name, struct err *err)
{
	if (!pg_value_bool(rows, 0, 0))
		return err_set(err, ERR_DATABASE,
		               "database \"%s\" belongs to role \"%s\", of which role \"%s\" is no "
		               "member: it may not be renamed",
		               name, pg_value(rows, 0, 2), pg_value(rows, 0, 3));
	if (!pg_value_bool(rows, 0, 1))
		return err_set(err, ERR_DATABASE,
		               "role \"%s\" may not rename databases: that takes CREATEDB",
		               pg_value(rows, 0, 3));
	return 0;
}

int swap_check(struct pg *pg, const char *name, bool force, struct err *err)
{
	uint32_t database;
	if (strcmp(name, "template0") == 0 || strcmp(name, "template1") == 0)
		return err_set(err, ERR_DATABASE,
		               "database \"%s\" is the server's own: it can't be swapped", name);
	if (maintenance_find(pg, name, &database, err) < 0)
		return -1;
	struct pg_rows *rows = query_rights(pg, name, err);
	int result = -1;
	if (rows && pg_rows_count(rows) == 0)
		err_set(err, ERR_DATABASE,
		        "there is no database \"%s\" to swap with: nothing was restored\n"
		        "HINT:  The first time, use --create, which makes a new one.",
		        name);
	else if (rows && check_rights(rows, name, err) == 0)
		result = sessions_check(pg, name, database, force, err);
	pg_rows_free(rows);
	return result;
}

static bool drops_old(const struct swap_leftovers *leftovers)
{
	return leftovers->drop_old || leftovers->keep_days == 0;
}

/* dropdb() refuses subscriptions, and drops slots that nobody uses
 * (src/backend/commands/dbcommands.c). Renamed is a database with both. */
static int judge_replication(const struct pg_rows *rows, const char *name, bool drop,
                             const struct log *log, struct err *err)
{
	const char *subscriptions = pg_value(rows, 0, 0), *slots = pg_value(rows, 0, 1);
	bool has_subscriptions = strcmp(subscriptions, "0") != 0;
	if (drop && has_subscriptions)
		return err_set(err, ERR_DATABASE,
		               "database \"%s\" has %s subscriptions (the first: \"%s\"), and the server "
		               "drops no database that has some; nothing was done\n"
		               "HINT:  There: DROP SUBSCRIPTION; or keep the old database.",
		               name, subscriptions, pg_value(rows, 0, 2));
	if (has_subscriptions || strcmp(slots, "0") != 0)
		log_warning(log,
		            "database \"%s\" has %s subscriptions and %s logical replication slots: %s",
		            name, subscriptions, slots,
		            drop ? "they are dropped with it"
		                 : "they stay with it under its new name, and the one that takes its "
		                   "place has none");
	return 0;
}

int swap_check_replication(struct pg *pg, const char *name, const struct swap_leftovers *leftovers,
                           const struct log *log, struct err *err)
{
	struct pg_rows *rows = pg_queryf(
	    pg, err,
	    "SELECT pg_catalog.count(s.subname), "
	    "(SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots "
	    "WHERE database = %L AND NOT temporary), pg_catalog.min(s.subname::pg_catalog.text) "
	    "FROM pg_catalog.pg_database d "
	    "JOIN pg_catalog.pg_subscription s ON s.subdbid = d.oid WHERE d.datname = %L",
	    name, name);
	int result = rows ? judge_replication(rows, name, drops_old(leftovers), log, err) : -1;
	pg_rows_free(rows);
	return result;
}

static void add_shell_word(struct buf *text, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	if (word[0] && word[strspn(word, plain)] == '\0') {
		buf_adds(text, word);
		return;
	}
	buf_addc(text, '\'');
	for (; *word; word++)
		if (*word == '\'')
			buf_adds(text, "'\\''");
		else
			buf_addc(text, *word);
	buf_addc(text, '\'');
}

/* For -d, which takes a name with "=" in it for a connection string. */
static void add_database_argument(struct buf *word, const char *name)
{
	if (!pg_is_conninfo(name)) {
		buf_adds(word, name);
		return;
	}
	buf_adds(word, "dbname='");
	for (; *name; name++) {
		if (*name == '\'' || *name == '\\')
			buf_addc(word, '\\');
		buf_addc(word, *name);
	}
	buf_addc(word, '\'');
}

void swap_add_way_back(struct buf *text, const char *name, bool force)
{
	struct buf word = BUF_INIT;
	add_database_argument(&word, name);
	buf_addf(text, "idrestore --swap-back%s -d ", force ? " --force" : "");
	if (word.data && !word.failed)
		add_shell_word(text, word.data);
	else
		text->failed = true;
	buf_release(&word);
}

static void note_aside(const struct log *log, const char *name, const char *what,
                       const struct swap_result *result)
{
	struct buf way = BUF_INIT;
	swap_add_way_back(&way, name, false);
	log_note(log, "database \"%s\" is %s; the one before is kept as \"%s\"\nback to it: %s", name,
	         what, result->aside, way.failed ? "idrestore --swap-back" : way.data);
	buf_release(&way);
}

static int drop_old(struct pg *pg, const char *name, const char *what,
                    const struct swap_result *result, const struct log *log, struct err *err)
{
	if (aside_drop(pg, result->old, result->aside, name, err) < 0)
		return err_prefix(err,
		                  "database \"%s\" is %s, but the one before could not be dropped "
		                  "and is kept as \"%s\"",
		                  name, what, result->aside);
	log_note(log, "database \"%s\" is %s; the one before was dropped", name, what);
	return 0;
}

int swap_settle(struct pg *pg, const char *name, const char *what, const struct swap_result *result,
                const struct swap_leftovers *leftovers, const struct log *log, struct err *err)
{
	if (result->old == 0)
		log_note(log, "database \"%s\" is %s", name, what);
	else if (!drops_old(leftovers))
		note_aside(log, name, what, result);
	else if (drop_old(pg, name, what, result, log, err) < 0)
		return -1;
	if (leftovers->keep_days < 0)
		return 0;
	if (aside_drop_older(pg, name, leftovers->keep_days, result->old, log, err) < 0)
		return err_prefix(err, "the swap is done, but");
	return 0;
}
