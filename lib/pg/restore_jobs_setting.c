/* Settings of the script, which all sessions of a restore with jobs must have. */
#include <stdlib.h>
#include <string.h>

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

/* Runs in the main session now, and in each other before what stands behind it. */
int restore_jobs_setting(struct restore *restore, const struct record *record, struct slice sql,
                         struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	struct buf name = BUF_INIT;
	int result = 0;
	if (is_local(&record->statement) || !setting_name(&record->statement, &name)) {
		result = restore_jobs_flush(restore, err);
		jobs->serial = true;
	}
	if (result == 0)
		result = restore_begin(restore, err);
	if (result == 0)
		result = restore_run(restore, &record->place, sql, err);
	if (result == 0 && name.len > 0 && !jobs->serial)
		result = restore_maps_note(&jobs->maps, buf_slice(&name), sql, err);
	if (result == 0 && !jobs->serial)
		jobs->main.map = restore_maps_now(&jobs->maps);
	jobs->changes++;
	free(jobs->state);
	jobs->state = NULL;
	buf_release(&name);
	return result;
}

/* What the session has been set to, whoever did it.  Role and user are no settings that are listed. */
static char *session_state(struct restore *restore, struct err *err)
{
	return pg_query_value(restore->pg,
	                      "SELECT pg_catalog.concat(session_user, ' ', current_user, ' ', "
	                      "pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat(name, '=', "
	                      "setting), ';' ORDER BY name))) FROM pg_catalog.pg_settings "
	                      "WHERE source OPERATOR(pg_catalog.=) 'session'",
	                      err);
}

int restore_jobs_run_unknown(struct restore *restore, const struct place *place, struct slice sql,
                             struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	char *after = NULL;
	int result = -1;
	if (!jobs->state && !(jobs->state = session_state(restore, err)))
		return -1;
	if (restore_run(restore, place, sql, err) < 0 || !(after = session_state(restore, err)))
		goto out;
	jobs->serial |= strcmp(jobs->state, after) != 0;
	result = 0;
out:
	free(jobs->state);
	jobs->state = after;
	return result;
}
