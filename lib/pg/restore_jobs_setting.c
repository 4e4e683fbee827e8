/* Settings of the script, which all sessions of a restore with jobs must have. */
#include <stdlib.h>
#include <string.h>

#include "ident.h"
#include "restore_jobs_internal.h"
#include "words.h"

/* SET LOCAL and set_config(…, true) end with the transaction, which workers don't have. */
static bool is_local(const struct record_statement *statement)
{
	struct tokens tokens = tokens_of(statement->sql, statement->standard_strings);
	struct buf text = BUF_INIT;
	if (words_take(&tokens, "SET"))
		return words_take(&tokens, "LOCAL");
	if (statement->class != CLASS_SET_CONFIG)
		return false;
	struct slice function;
	bool plain = words_take_call(&tokens, &function) && words_take_string(&tokens, &text) &&
	             token_take_symbol(&tokens, ",") && words_take_string(&tokens, &text) &&
	             token_take_symbol(&tokens, ",") && words_take(&tokens, "false");
	buf_release(&text);
	return !plain;
}

static bool setting_name(const struct record_statement *statement, struct buf *name)
{
	struct buf value = BUF_INIT;
	struct tokens tokens = tokens_of(statement->sql, statement->standard_strings);
	bool found = true;
	if (statement->class != CLASS_SESSION_USER) {
		found = statement_setting(statement->sql, statement->standard_strings, name, &value);
	} else {
		if (!words_take(&tokens, "SET"))
			words_take(&tokens, "RESET");
		if (!words_take(&tokens, "SESSION ROLE") && !words_take(&tokens, "ROLE"))
			buf_adds(name, "session_authorization");
		else
			buf_adds(name, "role");
	}
	buf_release(&value);
	return found;
}

/* A role is noted by its statement; so is what can't be asked for. */
static bool has_value(struct slice name)
{
	return !slice_equals(name, "role") && !slice_equals(name, "session_authorization") &&
	       !slice_equals(name, "seed");
}

void restore_jobs_add_set(struct buf *sql, struct slice name, struct slice value)
{
	buf_adds(sql, "SELECT pg_catalog.set_config(");
	sql_add_literal(sql, name);
	buf_adds(sql, ", ");
	sql_add_literal(sql, value);
	buf_adds(sql, ", false)");
}

/* Appends a statement that sets what a SET has set: its own words may say only a part, the rest being what
 * it was before (DateStyle).  Nothing when the setting is unknown, as one of an extension after RESET. */
static int add_value(struct restore *restore, struct slice name, struct buf *sql, struct err *err)
{
	struct buf query = BUF_INIT;
	struct pg_rows *rows = NULL;
	buf_adds(&query, "SELECT pg_catalog.current_setting(");
	sql_add_literal(&query, name);
	buf_adds(&query, pg_server_version(restore->pg) >= 90600 ? ", true)" : ")");
	int result = buf_check(&query, "a statement", err);
	if (result == 0 && !(rows = pg_query(restore->pg, query.data, err)))
		result = -1;
	struct slice value = result == 0 ? pg_value_slice(rows, 0, 0) : SLICE_NONE;
	if (value.data) {
		restore_jobs_add_set(sql, name, value);
		result = buf_check(sql, "a statement", err);
	}
	pg_rows_free(rows);
	buf_release(&query);
	return result;
}

/* The main session has been set; the others will be. */
static int note(struct restore *restore, struct slice name, struct slice sql, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	struct buf value_sql = BUF_INIT;
	int result = has_value(name) ? add_value(restore, name, &value_sql, err) : 0;
	if (result == 0)
		result = restore_maps_note(&jobs->maps, name,
		                           value_sql.len > 0 ? buf_slice(&value_sql) : sql, err);
	if (result == 0)
		jobs->main.map = restore_maps_now(&jobs->maps);
	buf_release(&value_sql);
	return result < 0 ? result : restore_jobs_custom(restore, name, err);
}

/*
 * What the session is set to, whoever did it.  Role and user are no settings that are listed; those of
 * the transaction change with it; a server's configuration may be read again at any time.  Libraries
 * that are loaded (plpgsql) bring settings along: what is as it was built does not count.
 */
static char *session_state(struct restore *restore, struct err *err)
{
	return pg_query_value(restore->pg,
	                      "SELECT pg_catalog.concat(session_user, ' ', current_user, ' ', "
	                      "pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat(name, '=', "
	                      "setting), ';' ORDER BY name))) FROM pg_catalog.pg_settings "
	                      "WHERE context OPERATOR(pg_catalog.=) ANY (ARRAY['user', 'superuser']) "
	                      "AND setting OPERATOR(pg_catalog.<>) pg_catalog.concat(boot_val) "
	                      "AND name OPERATOR(pg_catalog.<>) ALL (ARRAY['transaction_isolation', "
	                      "'transaction_read_only', 'transaction_deferrable'])",
	                      err);
}

int restore_jobs_keep_state(struct restore *restore, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	free(jobs->state);
	jobs->state = session_state(restore, err);
	return jobs->state ? 0 : -1;
}

int restore_jobs_compare_state(struct restore *restore, bool *same, struct err *err)
{
	char *now = session_state(restore, err);
	if (!now)
		return -1;
	*same = strcmp(restore->jobs->state, now) == 0;
	free(now);
	return 0;
}

/* From here on everything is the main session's. */
static int end_jobs(struct restore *restore, struct err *err)
{
	int result = restore_jobs_flush(restore, err);
	restore->jobs->serial = true;
	return result;
}

/* What was set out of sight is not what the SET sets. */
static int check_state(struct restore *restore, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	bool same = true;
	if (jobs->serial || !jobs->doubtful)
		return 0;
	if (restore_jobs_compare_state(restore, &same, err) < 0)
		return -1;
	return same ? 0 : end_jobs(restore, err);
}

/* It may rely on what was put off (CREATE ROLE): then it is refused, and its turn comes behind that. */
static int run_early(struct restore *restore, const struct place *place, struct slice sql,
                     struct err *err)
{
	struct err failed = ERR_INIT;
	if (restore_begin(restore, err) < 0 || pg_exec(restore->pg, "SAVEPOINT idkit", err) < 0)
		return -1;
	if (restore_run(restore, place, sql, &failed) == 0)
		return pg_exec(restore->pg, "RELEASE SAVEPOINT idkit", err);
	if (failed.kind != ERR_DATABASE || pg_broken(restore->pg)) {
		*err = failed;
		return -1;
	}
	if (pg_exec(restore->pg, "ROLLBACK TO SAVEPOINT idkit", err) < 0 ||
	    pg_exec(restore->pg, "RELEASE SAVEPOINT idkit", err) < 0 ||
	    restore_jobs_flush(restore, err) < 0 || restore_begin(restore, err) < 0)
		return -1;
	return restore_run(restore, place, sql, err);
}

static int run_setting(struct restore *restore, const struct place *place, struct slice sql,
                       struct err *err)
{
	if (restore->jobs->step_count > 0)
		return run_early(restore, place, sql, err);
	return restore_begin(restore, err) < 0 ? -1 : restore_run(restore, place, sql, err);
}

int restore_jobs_setting(struct restore *restore, const struct record *record, struct slice sql,
                         struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	struct buf name = BUF_INIT;
	int result = check_state(restore, err);
	if (result == 0 &&
	    (is_local(&record->statement) || !setting_name(&record->statement, &name)))
		result = end_jobs(restore, err);
	if (result == 0)
		result = run_setting(restore, &record->place, sql, err);
	if (result == 0 && !jobs->serial)
		result = note(restore, buf_slice(&name), sql, err);
	if (result == 0 && !jobs->serial)
		result = restore_jobs_keep_state(restore, err);
	jobs->changes++;
	buf_release(&name);
	return result;
}
