#include "restore_jobs.h"

#include <stdlib.h>

#include "restore_jobs_internal.h"
#include "words.h"

/* What is put off stays in memory. */
#define LARGEST_STEP_BYTES ((size_t)16 * 1024 * 1024)

static int prepare(void *arg, struct pg *pg, struct err *err)
{
	return restore_prepare(arg, pg, err);
}

struct restore_jobs *restore_jobs_new(struct restore *restore, struct err *err)
{
	const struct crew_options options = {
		.jobs = restore->options.jobs,
		.bytes = 2 * LOAD_BYTES,
		.main = restore->pg,
		.prepare = prepare,
		.arg = restore,
		.stop_input = restore->options.stop_input,
		.stop_arg = restore->options.stop_arg,
	};
	struct restore_jobs *jobs = calloc(1, sizeof(*jobs));
	if (!jobs) {
		err_memory(err, "workers");
		return NULL;
	}
	jobs->main = (struct restore_session){ restore->pg, NULL, prepare, restore };
	jobs->crew = crew_new(&options, err);
	restore->jobs = jobs;
	if (jobs->crew && restore_jobs_keep_state(restore, err) == 0)
		return jobs;
	restore->jobs = NULL;
	restore_jobs_free(jobs);
	return NULL;
}

void restore_jobs_free(struct restore_jobs *jobs)
{
	if (!jobs)
		return;
	crew_free(jobs->crew);
	for (size_t i = 0; i < jobs->planned_count; i++)
		load_task_free(jobs->planned[i] ? &jobs->planned[i]->task : NULL);
	free(jobs->planned);
	load_task_free(jobs->filling ? &jobs->filling->task : NULL);
	restore_post_release(jobs);
	load_targets_release(&jobs->targets);
	restore_maps_release(&jobs->maps);
	restore_jobs_forget_customs(jobs);
	free(jobs->state);
	free(jobs);
}

int restore_jobs_fail(struct restore *restore, struct err *err)
{
	return restore->jobs ? crew_fail(restore->jobs->crew, err) : -1;
}

void restore_jobs_lock(struct restore *restore)
{
	if (restore->jobs)
		crew_lock(restore->jobs->crew);
}

void restore_jobs_unlock(struct restore *restore)
{
	if (restore->jobs)
		crew_unlock(restore->jobs->crew);
}

/* ---- the main session's transaction ---- */

/* What a commit would do away with: temporary tables, open cursors; and check too early: rows that
 * deferred constraints are about. */
#define HELD                                                                                       \
	"SELECT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace "                   \
	"OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()) "                                  \
	"OR EXISTS (SELECT FROM pg_catalog.pg_cursors u WHERE u.name OPERATOR(pg_catalog.<>) '')"
#define DEFERRED " OR EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tginitdeferred)"

static int may_commit(struct restore *restore, bool *may, struct err *err)
{
	*may = true;
	if (!restore->jobs->doubtful)
		return 0;
	/* Settings of computed names, which statements may have set out of sight. */
	if (restore->jobs->reads_any && restore->jobs->has_rows) {
		*may = false;
		return 0;
	}
	char *held = pg_query_value(restore->pg,
	                            restore->jobs->has_rows ? HELD DEFERRED : HELD, err);
	if (!held)
		return -1;
	*may = held[0] == 'f';
	free(held);
	return *may ? restore_jobs_compare_state(restore, may, err) : 0;
}

int restore_jobs_commit(struct restore *restore, bool *done, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	if (!jobs->serial && may_commit(restore, done, err) < 0)
		return -1;
	if (jobs->serial || !*done) {
		jobs->serial = true;
		*done = false;
		return 0;
	}
	if (!restore->in_transaction)
		return 0;
	if (pg_commit(restore->pg, err) < 0)
		return -1;
	restore->in_transaction = false;
	restore->committed = true;
	jobs->doubtful = jobs->has_rows = false;
	return 0;
}

int restore_jobs_flush(struct restore *restore, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	if (jobs->step_count == 0 && jobs->planned_count == 0) {
		jobs->is_loading = false;
		return crew_drain(jobs->crew, err);
	}
	return restore_post_run(restore, err);
}

/* These make sense only in the one transaction of a restore without jobs. */
static bool needs_one_transaction(const struct record_statement *statement)
{
	static const char *const starts[] = { "SAVEPOINT", "RELEASE", "ROLLBACK TO",
		                              "ROLLBACK WORK TO", "ROLLBACK TRANSACTION TO",
		                              "SET CONSTRAINTS", "SET TRANSACTION",
		                              "SET SESSION CHARACTERISTICS", "DECLARE", "LOCK",
		                              NULL };
	if (statement->class != CLASS_OTHER)
		return false;
	for (const char *const *start = starts; *start; start++) {
		struct tokens tokens = tokens_of(statement->sql, statement->standard_strings);
		if (words_take(&tokens, *start))
			return true;
	}
	return false;
}

/* setval('s', 7, true): what it does depends on nothing that workers do. */
static bool has_constants_only(const struct record_statement *statement)
{
	struct tokens tokens = tokens_of(statement->sql, statement->standard_strings);
	struct slice function;
	struct token token;
	if (!words_take_call(&tokens, &function))
		return false;
	while (token_next(&tokens, &token))
		if (token_is_symbol(&token, "(") ||
		    (token.kind == TOKEN_WORD && !token_is_word(&token, "true") &&
		     !token_is_word(&token, "false")))
			return false;
	return true;
}

static bool is_independent(const struct record_statement *statement)
{
	return (statement->class == CLASS_SETVAL || statement->class == CLASS_LARGE_OBJECT) &&
	       has_constants_only(statement);
}

/* CREATE TABLE … AS SELECT f(): may set what a SET behind it must find. */
static bool is_create_as(const struct record_statement *statement)
{
	struct tokens tokens = tokens_of(statement->sql, statement->standard_strings);
	struct token token;
	size_t depth = 0;
	if (!words_take(&tokens, "CREATE"))
		return false;
	words_take(&tokens, "UNLOGGED");
	if (!words_take(&tokens, "TABLE"))
		return false;
	while (token_next(&tokens, &token)) {
		if (token_is_symbol(&token, "("))
			depth++;
		else if (token_is_symbol(&token, ")") && depth > 0)
			depth--;
		else if (depth == 0 && token_is_word(&token, "AS"))
			return true;
	}
	return false;
}

/* Does it look at rows, or bring some?  Then it does not wait behind those that are put off: there may
 * be many like it. */
static bool is_about_rows(const struct record_statement *statement)
{
	struct tokens tokens = tokens_of(statement->sql, statement->standard_strings);
	switch (statement->class) {
	case CLASS_INSERT:
	case CLASS_SETVAL:
	case CLASS_LARGE_OBJECT:
	case CLASS_COPY_OTHER:
		return true;
	case CLASS_CREATE:
		return is_create_as(statement);
	case CLASS_OTHER:
		return !words_take(&tokens, "REFRESH");
	default:
		return false;
	}
}

static int run_now(struct restore *restore, const struct record *record, struct slice sql,
                   struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	if (restore_begin(restore, err) < 0)
		return -1;
	if (!is_independent(&record->statement)) {
		jobs->doubtful = true;
		jobs->has_rows |= is_about_rows(&record->statement);
		jobs->changes++;
	}
	return restore_run(restore, &record->place, sql, err);
}

static int read_task(const struct record_statement *statement, struct slice sql,
                     struct post_task *task, struct err *err)
{
	if (statement->class != CLASS_CREATE && statement->class != CLASS_ALTER &&
	    statement->class != CLASS_COMMENT)
		return 0;
	return post_task_read(sql, statement->standard_strings, task, err);
}

/* Nothing is under way or put off: what comes may run at once. */
static bool is_idle(const struct restore_jobs *jobs)
{
	return !jobs->is_loading && jobs->step_count == 0 && jobs->planned_count == 0;
}

static int handle_statement(struct restore *restore, const struct record *record,
                            struct slice sql, struct post_task *task, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	const struct record_statement *statement = &record->statement;
	bool begins_batch = task->kind != POST_UNKNOWN && task->kind != POST_DETAIL;
	if (is_idle(jobs) && !begins_batch)
		return run_now(restore, record, sql, err);
	if (jobs->step_count == 0 && is_independent(statement))
		return run_now(restore, record, sql, err);
	if (is_about_rows(statement) || jobs->step_bytes > LARGEST_STEP_BYTES) {
		if (restore_jobs_flush(restore, err) < 0)
			return -1;
		return run_now(restore, record, sql, err);
	}
	if (restore_jobs_carry_customs(restore, err) < 0)
		return -1;
	return restore_post_put_off(restore, record, sql, task, err);
}

int restore_jobs_statement(struct restore *restore, const struct record *record, struct slice sql,
                           struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	const struct record_statement *statement = &record->statement;
	struct post_task task = POST_TASK_INIT;
	int result;
	if (statement_is_session(statement->class))
		return restore_jobs_setting(restore, record, sql, err);
	if (restore_jobs_read_customs(restore, sql, err) < 0)
		return -1;
	if (!jobs->serial && needs_one_transaction(statement)) {
		if (restore_jobs_flush(restore, err) < 0)
			return -1;
		jobs->serial = true;
	}
	if (jobs->serial)
		return run_now(restore, record, sql, err);
	result = read_task(statement, sql, &task, err);
	if (result == 0)
		result = handle_statement(restore, record, sql, &task, err);
	post_task_release(&task);
	return result;
}

/* ---- the end ---- */

/* Rows that came by a pipe are all here: what they are is known before indexes are made for hours. */
static int check_rows(struct restore *restore, const struct record *record, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	if (jobs->planned_count > 0)
		return 0;
	if (crew_drain(jobs->crew, err) < 0)
		return -1;
	jobs->is_loading = false;
	return restore_check_received(restore, record, err);
}

int restore_jobs_complete(struct restore *restore, const struct record *record, struct err *err)
{
	if (check_rows(restore, record, err) < 0 || restore_jobs_flush(restore, err) < 0 ||
	    restore_begin(restore, err) < 0)
		return -1;
	return restore_check_received(restore, record, err);
}
