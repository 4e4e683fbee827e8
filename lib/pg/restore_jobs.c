#include "restore_jobs.h"

#include <stdlib.h>
#include <string.h>

#include "ident.h"
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
	if (jobs->crew)
		return jobs;
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
	free(jobs);
}

int restore_jobs_explain(struct restore *restore, struct err *err)
{
	return restore->jobs ? crew_explain(restore->jobs->crew, err) : 0;
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
	char *held = pg_query_value(restore->pg,
	                            restore->jobs->has_rows ? HELD DEFERRED : HELD, err);
	if (!held)
		return -1;
	*may = held[0] == 'f';
	free(held);
	return 0;
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

/* ---- statements ---- */

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
static int run_setting(struct restore *restore, const struct record *record, struct slice sql,
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
	buf_release(&name);
	return result;
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
		return run_setting(restore, record, sql, err);
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

/* ---- rows ---- */

/* Where the block's rows go: jobs->target, or NULL for the main session. */
static int choose_target(struct restore *restore, const struct record_data *data, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	const struct copy_table *columns = data->table;
	bool committed = false;
	jobs->target = NULL;
	if (jobs->step_count > 0 && restore_jobs_flush(restore, err) < 0)
		return -1;
	if (jobs->serial || !columns->text_format)
		return 0;
	jobs->target = load_target_known(jobs->targets, data->copy, jobs->changes);
	if (jobs->target)
		return 0;
	struct restore_table *table = restore_table_ask(&restore->tables, restore->pg,
	                                                columns->schema, columns->name, columns, err);
	if (!table)
		return -1;
	if (!table->is_free)
		return 0;
	if (restore_jobs_commit(restore, &committed, err) < 0)
		return -1;
	if (!committed)
		return 0;
	jobs->target = load_target_for(&jobs->targets, table, data, jobs->changes, err);
	/* With options of its own it may rely on the one transaction (FREEZE). */
	if (jobs->target && jobs->target->freeze.len == 0)
		jobs->target = NULL;
	return err_is_set(err) ? -1 : 0;
}

/* No worker runs: nothing needs the lock. */
static int collect_and_copy(struct restore *restore, const struct record *record, struct err *err)
{
	if (restore_collect(restore, record, err) < 0)
		return -1;
	return restore_rows(restore, record, err);
}

static int unpack_for_main(struct restore *restore, const struct record *record,
                           struct unpacker *unpacker, struct err *err)
{
	struct record plain = *record;
	struct slice rows;
	if (chunk_unpack(unpacker, record->data.chunk, record->data.copy, &rows, err) < 0)
		return -1;
	plain.data.chunk = NULL;
	plain.data.sum = NULL;
	plain.data.rows = rows;
	plain.data.row_count = rows_count(rows);
	return collect_and_copy(restore, &plain, err);
}

static int rows_in_main(struct restore *restore, const struct record *record, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	if (record->data.first) {
		if (restore_jobs_flush(restore, err) < 0 || restore_begin(restore, err) < 0)
			return -1;
		jobs->doubtful = jobs->has_rows = true;
		jobs->changes++;
	}
	if (!record->data.chunk)
		return collect_and_copy(restore, record, err);
	struct unpacker *unpacker = unpacker_new(err);
	int result = unpacker ? unpack_for_main(restore, record, unpacker, err) : -1;
	unpacker_free(unpacker);
	return result;
}

static int send(struct restore_jobs *jobs, struct load_task *load, struct err *err)
{
	jobs->is_loading = true;
	load->target->table->may_truncate = false;
	/* Takes it over, also on error. */
	if (crew_add(jobs->crew, &load->task, err) < 0)
		return -1;
	return crew_wait_for_room(jobs->crew, err);
}

static int send_chunk(struct restore *restore, const struct record *record, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	struct load_task *load = load_task_new(restore, jobs->target,
	                                       restore_maps_now(&jobs->maps), err);
	struct load_piece *piece = load ? load_task_piece(load, err) : NULL;
	if (piece && load_piece_set_chunk(piece, record, err) == 0)
		return send(jobs, load, err);
	load_task_free(load ? &load->task : NULL);
	return -1;
}

static int send_filled(struct restore_jobs *jobs, struct err *err)
{
	struct load_task *load = jobs->filling;
	jobs->filling = NULL;
	return send(jobs, load, err);
}

static struct load_piece *begin_filling(struct restore *restore, const struct record *record,
                                        struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	jobs->filling = load_task_new(restore, jobs->target, restore_maps_now(&jobs->maps), err);
	struct load_piece *piece = jobs->filling ? load_task_piece(jobs->filling, err) : NULL;
	if (!piece)
		return NULL;
	piece->statement = record->place.statement;
	piece->line = record->place.line + rows_count(record->data.copy);
	piece->first = record->data.first;
	return piece;
}

/* Pieces of a block are gathered until they are worth a COPY. */
static int fill(struct restore *restore, const struct record *record, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	const struct record_data *data = &record->data;
	struct load_piece *piece =
		jobs->filling ? &jobs->filling->pieces[0] : begin_filling(restore, record, err);
	if (!piece)
		return -1;
	if (piece->rows.len == 0 && data->rows.len > 0) {
		piece->line = record->place.line + rows_count(data->copy);
		piece->crlf = data->crlf;
	}
	if (piece->rows.len == 0 && !data->last)
		buf_reserve(&piece->rows, LOAD_BYTES + LOAD_BYTES / 4);
	buf_add_slice(&piece->rows, data->rows);
	piece->row_count += data->row_count;
	if (buf_check(&piece->rows, "a table's rows", err) < 0)
		return -1;
	return data->last || piece->rows.len >= LOAD_BYTES ? send_filled(jobs, err) : 0;
}

int restore_jobs_rows(struct restore *restore, const struct record *record, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	if (record->data.first && choose_target(restore, &record->data, err) < 0)
		return -1;
	if (!jobs->target)
		return rows_in_main(restore, record, err);
	if (!record->data.chunk)
		return fill(restore, record, err);
	return record->data.chunk->lasting ? restore_plan_add(restore, record, err)
	                                   : send_chunk(restore, record, err);
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
