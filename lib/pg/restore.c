#include "restore.h"

#include <stdlib.h>
#include <string.h>

#include "contents.h"
#include "header.h"
#include "ident.h"
#include "restore_internal.h"
#include "restore_jobs.h"
#include "session.h"
#include "target_objects.h"
#include "token.h"
#include "words.h"

static int set_role(struct restore *restore, struct pg *pg, struct err *err)
{
	struct buf sql = BUF_INIT;
	if (!restore->options.role)
		return 0;
	buf_adds(&sql, "SET ROLE ");
	sql_add_identifier(&sql, slice_of(restore->options.role));
	int result = buf_check(&sql, "a statement", err);
	if (result == 0)
		result = pg_exec(pg, sql.data, err);
	buf_release(&sql);
	return result;
}

/*
 * After kill -9 of idrestore the statement that is under way (an index of hours) would go on, with its
 * locks, if the server did not look for us now and then (from 14 on, on systems that can tell).
 */
static void watch_client(struct pg *pg)
{
	struct err ignored = ERR_INIT;
	if (pg_server_version(pg) >= 140000)
		pg_exec(pg, "SET client_connection_check_interval = '2s'", &ignored);
}

/* Our own streams say all that they rely on; those of others get what psql would give them. */
static int pin_session(struct restore *restore, struct pg *pg, const struct log *log,
                       struct err *err)
{
	bool own = stream_header_own(restore->header);
	if ((own ? session_pin_formats(pg, err) : session_pin_basics(pg, err)) < 0)
		return -1;
	watch_client(pg);
	if (restore_tuning_apply(&restore->tuning, pg, log, err) < 0)
		return -1;
	return set_role(restore, pg, err);
}

/* Nothing of a user's is there any more that the database's own path could lead to. */
static int reset_path(struct restore *restore, struct pg *pg, struct err *err)
{
	return stream_header_own(restore->header) ? 0 : session_reset_path(pg, err);
}

int restore_prepare(struct restore *restore, struct pg *pg, struct err *err)
{
	return pin_session(restore, pg, NULL, err) < 0 ? -1 : reset_path(restore, pg, err);
}

int restore_begin(struct restore *restore, struct err *err)
{
	if (restore->in_transaction)
		return 0;
	if (pg_exec(restore->pg, "BEGIN", err) < 0)
		return -1;
	restore->in_transaction = true;
	return 0;
}

static int prepare_target(struct restore *restore, struct err *err)
{
	if (pin_session(restore, restore->pg, restore->log, err) < 0 ||
	    restore_begin(restore, err) < 0)
		return -1;
	if (restore->options.clean ? target_drop_all(restore->pg, restore->log, err) < 0
	                           : !restore->target.is_own && target_check_empty(restore->pg, err) < 0)
		return -1;
	return reset_path(restore, restore->pg, err);
}

/* Workers connect before the script can change what a new session of its database is like. */
static int open_target(struct restore *restore, struct slice create_sql, struct err *err)
{
	if (restore->pg)
		return 0;
	restore->pg = restore->target.open(restore->target.arg, restore->header, create_sql, err);
	if (!restore->pg || prepare_target(restore, err) < 0)
		return -1;
	if (restore->options.jobs > 1 && !(restore->jobs = restore_jobs_new(restore, err)))
		return -1;
	progress_phase(restore->options.progress, "definitions");
	return restore_early_settings(restore, err);
}

static int handle_header(struct restore *restore, const struct record *record, struct err *err)
{
	const char *database = stream_header_get(record->header, "database");
	restore->header = stream_header_copy(record->header, err);
	if (!restore->header)
		return -1;
	if (database)
		buf_adds(&restore->state.database, database);
	return buf_check(&restore->state.database, "a name", err);
}

static bool forgets_prepared(struct slice sql)
{
	struct tokens tokens = tokens_of(sql, true);
	return words_take(&tokens, "DEALLOCATE");
}

int restore_run(struct restore *restore, const struct place *place, struct slice sql,
                struct err *err)
{
	if (forgets_prepared(sql))
		restore->tables.is_prepared = false;
	struct buf *text = &restore->sql;
	buf_reset(text);
	buf_add_slice(text, sql);
	if (buf_check(text, "a statement", err) < 0)
		return -1;
	struct err failed = ERR_INIT;
	if (pg_exec(restore->pg, text->data, &failed) == 0)
		return 0;
	return restore_statement_failed(restore, restore->pg, place, sql, &failed, err);
}

/* COPY FREEZE is refused inside a subtransaction, and while a cursor is open. */
static bool forbids_freeze(const struct record_statement *statement)
{
	struct tokens tokens = tokens_of(statement->sql, statement->standard_strings);
	return statement->class == CLASS_OTHER &&
	       (words_take(&tokens, "SAVEPOINT") || words_take(&tokens, "DECLARE"));
}

int restore_run_record(struct restore *restore, const struct record *record, struct slice sql,
                       struct err *err)
{
	if (restore->jobs)
		return restore_jobs_statement(restore, record, sql, err);
	if (record->section == SECTION_POST_DATA)
		progress_phase(restore->options.progress, "indexes");
	restore->no_freeze |= forbids_freeze(&record->statement);
	return restore_run(restore, &record->place, sql, err);
}

/* "No such …": SQLSTATEs of what DROP … IF EXISTS would pass over. */
static bool is_absent(const char *sqlstate)
{
	static const char *const absent[] = { "42704", "42P01", "42883", "3F000", "42703" };
	for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++)
		if (strcmp(sqlstate, absent[i]) == 0)
			return true;
	return false;
}

static int run_if_there(struct restore *restore, const struct record *record, struct err *err)
{
	struct err failed = ERR_INIT;
	if (restore_begin(restore, err) < 0 || pg_exec(restore->pg, "SAVEPOINT idkit", err) < 0)
		return -1;
	if (restore_run(restore, &record->place, record->statement.sql, &failed) == 0)
		return pg_exec(restore->pg, "RELEASE SAVEPOINT idkit", err);
	if (failed.kind != ERR_DATABASE || !is_absent(pg_failure(restore->pg)->sqlstate)) {
		*err = failed;
		return -1;
	}
	restore->absent_drops++;
	if (pg_exec(restore->pg, "ROLLBACK TO SAVEPOINT idkit", err) < 0)
		return -1;
	return pg_exec(restore->pg, "RELEASE SAVEPOINT idkit", err);
}

/* pg_dump --create connects again behind ALTER DATABASE … SET.  Of what that sets, the restore pins what it
 * relies on; settings with names that somebody made up, the script's functions may rely on. */
static int follow_database(struct restore *restore, const struct record *record, struct err *err)
{
	struct record set = *record;
	struct slice sql = record->statement.sql, name;
	struct buf setting = BUF_INIT, value = BUF_INIT;
	int result = 0;
	if (statement_database(sql, record->statement.standard_strings, &name) !=
	    DATABASE_IDENTIFIER)
		return 0;
	const char *rest = name.data + name.len;
	set.statement.class = CLASS_SET;
	set.statement.sql =
		slice_trim((struct slice){ rest, (size_t)(sql.data + sql.len - rest) });
	if (statement_setting(set.statement.sql, set.statement.standard_strings, &setting,
	                      &value) &&
	    setting.len > 0 && strchr(setting.data, '.') && value.len > 0)
		result = restore_setting(restore, &set, err);
	buf_release(&setting);
	buf_release(&value);
	return result;
}

/* The database's name, as the script has it, becomes the target's.  There is one: restore_decide()
 * has compared it. */
static int run_renamed(struct restore *restore, const struct record *record, struct err *err)
{
	const struct record_statement *statement = &record->statement;
	struct slice name = slice_of(pg_database(restore->pg));
	struct buf renamed = BUF_INIT;
	statement_rename_database(statement->sql, statement->standard_strings, name, &renamed);
	int result = buf_check(&renamed, "a statement", err);
	if (result == 0)
		result = restore_run_record(restore, record, buf_slice(&renamed), err);
	buf_release(&renamed);
	return result < 0 ? -1 : follow_database(restore, record, err);
}

/* psql's \encoding, in SQL's words. */
static int run_encoding(struct restore *restore, const struct record *record, struct err *err)
{
	struct buf name = BUF_INIT, value = BUF_INIT, sql = BUF_INIT;
	int result = 0;
	if (statement_setting(record->statement.sql, true, &name, &value)) {
		buf_adds(&sql, "SET client_encoding = ");
		sql_add_literal(&sql, buf_slice(&value));
		result = buf_check(&sql, "a statement", err);
		if (result == 0)
			result = restore_run_record(restore, record, buf_slice(&sql), err);
	}
	buf_release(&name);
	buf_release(&value);
	buf_release(&sql);
	return result;
}

static void note_left_out(struct restore *restore, const struct record *record, const char *reason)
{
	struct slice sql = record->statement.sql;
	if (reason)
		log_note(restore->log, "%s:%llu: left out: %.*s%s: %s",
		         restore_place_name(restore, &record->place),
		         (unsigned long long)record->place.line,
		         (int)(sql.len < 60 ? sql.len : 60), sql.data, sql.len > 60 ? "…" : "",
		         reason);
}

static int handle_statement(struct restore *restore, const struct record *record, struct err *err)
{
	const struct record_statement *statement = &record->statement;
	struct restore_decision decision =
		restore_decide(&restore->options, &restore->target, &restore->state, statement);
	bool creates_database = statement->class == CLASS_CREATE_DATABASE;
	if (decision.action == RESTORE_REFUSE)
		return err_set(err, ERR_INPUT, "%s:%llu: %s; nothing was restored",
		               restore_place_name(restore, &record->place),
		               (unsigned long long)record->place.line, decision.reason);
	if (statement->class == CLASS_SET || statement->class == CLASS_SET_CONFIG)
		return restore_setting(restore, record, err);
	/* The database is opened by the first statement that says anything about it. */
	if ((creates_database || decision.action != RESTORE_LEAVE_OUT) &&
	    open_target(restore, creates_database ? statement->sql : SLICE_NONE, err) < 0)
		return -1;
	switch (decision.action) {
	case RESTORE_LEAVE_OUT:
		note_left_out(restore, record, decision.reason);
		return 0;
	case RESTORE_RUN_IF_THERE:
		return run_if_there(restore, record, err);
	case RESTORE_RUN_RENAMED:
		return run_renamed(restore, record, err);
	default:
		if (statement->class == CLASS_ENCODING)
			return run_encoding(restore, record, err);
		return restore_run_record(restore, record, statement->sql, err);
	}
}

static int handle_rows(struct restore *restore, const struct record *record, struct err *err)
{
	restore->state.creating = true;
	if (open_target(restore, SLICE_NONE, err) < 0)
		return -1;
	progress_phase(restore->options.progress, "rows");
	if (restore->jobs)
		return restore_jobs_rows(restore, record, err);
	return restore_take_rows(restore, record, err);
}

static int handle_trailer(struct restore *restore, const struct record *record, struct err *err)
{
	if (open_target(restore, SLICE_NONE, err) < 0)
		return -1;
	if (restore->absent_drops > 0)
		log_note(restore->log, "%llu DROP statements at the script's beginning found nothing "
		                       "to drop",
		         (unsigned long long)restore->absent_drops);
	if (restore->jobs ? restore_jobs_complete(restore, record, err) < 0
	                  : restore_check_received(restore, record, err) < 0)
		return -1;
	restore->complete = true;
	if (!restore->options.verify)
		return 0;
	return restore_note_statement(restore, record, err) < 0 ? -1 : restore_verify(restore, err);
}

/* Workers add rows meanwhile. */
static int collect_statement(struct restore *restore, const struct record *record, struct err *err)
{
	restore_jobs_lock(restore);
	int result = restore_collect(restore, record, NULL, err);
	restore_jobs_unlock(restore);
	return result;
}

static int handle(struct restore *restore, const struct record *record, struct err *err)
{
	if (record->kind == RECORD_HEADER)
		return handle_header(restore, record, err);
	if (record->kind == RECORD_DATA)
		return handle_rows(restore, record, err);
	if (collect_statement(restore, record, err) < 0)
		return -1;
	if (record->kind == RECORD_TRAILER)
		return handle_trailer(restore, record, err);
	if (handle_statement(restore, record, err) < 0)
		return -1;
	return restore_note_statement(restore, record, err);
}

/* A worker that fails from here on is not the first. */
static int restore_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct restore *restore = (struct restore *)sink;
	return handle(restore, record, err) < 0 ? restore_jobs_fail(restore, err) : 0;
}

/*
 * The database is renamed when this connection has gone, so a server that crashes in between must not
 * lose what was committed by anybody before: it would be renamed all the same.  Workers are idle.  Their
 * last commit may be behind all that the main session has written: the message is its own.
 */
static int last_commit(struct restore *restore, struct err *err)
{
	struct pg *pg = restore->pg;
	if (restore->target.is_own &&
	    (restore_begin(restore, err) < 0 || session_commit_to_disk(pg, err) < 0))
		return -1;
	if (restore->target.is_own && restore->jobs &&
	    pg_exec(pg, "SELECT pg_catalog.pg_logical_emit_message(true, 'idkit', '')", err) < 0)
		return -1;
	return restore->in_transaction ? pg_commit(pg, err) : 0;
}

static int restore_finish(struct sink *sink, struct err *err)
{
	struct restore *restore = (struct restore *)sink;
	if (!restore->complete)
		return err_set(err, ERR_INPUT, "%s: the stream has not ended",
		               restore->options.input_name);
	if (last_commit(restore, err) < 0)
		return err_prefix(err, "at the commit (deferred constraints are checked there)");
	log_detail(restore->log, "%llu statements, %llu rows restored into \"%s\"",
	           (unsigned long long)contents_statements(restore->received),
	           (unsigned long long)contents_rows(restore->received),
	           pg_database(restore->pg));
	return 0;
}

static void restore_free(struct sink *sink)
{
	struct restore *restore = (struct restore *)sink;
	restore_jobs_free(restore->jobs);
	/* An open transaction ends with its connection. */
	pg_free(restore->pg);
	restore_tables_release(&restore->tables);
	stream_header_free(restore->header);
	restore_received_release(restore);
	restore_early_release(restore);
	buf_release(&restore->sql);
	buf_release(&restore->state.database);
	free(restore);
}

static const struct sink_ops restore_ops = {
	.write = restore_write,
	.finish = restore_finish,
	.free = restore_free,
};

static int check_options(const struct restore_target *target,
                         const struct restore_options *options,
                         const struct restore_tuning *tuning, struct err *err)
{
	if (options->jobs > 1 && !target->is_own && !options->in_place)
		return err_set(err, ERR_USAGE,
		               "one transaction has one connection: several jobs need a database of "
		               "their own (--create, --swap, --replace) or --in-place");
	return restore_tuning_check(tuning, err);
}

struct sink *restore_sink_new(const struct restore_target *target,
                              const struct restore_options *options, const struct log *log,
                              struct err *err)
{
	const struct restore_tuning tuning = { options->jobs ? options->jobs : 1, target->is_own,
		                               options->sets, options->set_count };
	if (check_options(target, options, &tuning, err) < 0)
		return NULL;
	struct restore *restore = calloc(1, sizeof(*restore));
	if (!restore) {
		err_memory(err, "a restore");
		return NULL;
	}
	restore->sink.ops = &restore_ops;
	restore->target = *target;
	restore->options = *options;
	restore->tuning = tuning;
	restore->log = log;
	if (restore_received_init(restore, err) < 0) {
		restore_free(&restore->sink);
		return NULL;
	}
	return &restore->sink;
}

int restore_sink_explain(struct sink *sink, struct err *err)
{
	struct restore *restore = (struct restore *)sink;
	restore_jobs_fail(restore, err);
	return restore_add_outcome(restore, err);
}
