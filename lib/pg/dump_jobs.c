#include "dump_jobs.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dump_plan.h"
#include "ident.h"
#include "jobs.h"
#include "session.h"
#include "snapshot.h"

/* Ranges of pages are found without reading the rest of the table from this version on. */
#define TID_RANGE_VERSION 140000

/*
 * What a task takes of locks is given back by returning to this savepoint: the table's, and for a
 * range those on its indexes, which the planner opens.  Held to the transaction's end they would stop a
 * REINDEX that in turn stops the next range of that table: for ever, since the server does not see that
 * the one job waits for the other.
 */
#define SAVEPOINT "task"

struct dump_worker {
	struct dump_jobs *dump;
	struct pg *pg;
	struct sink *branch; /* NULL for one job, which writes to the sink */
	struct data_reader *reader;
};

struct dump_jobs {
	struct dump_jobs_options options;
	const struct catalog *catalog;
	const struct log *log;
	struct sink *sink;
	struct dump_plan plan;
	struct jobs *jobs;
	struct dump_worker workers[JOBS_LARGEST]; /* the first one is the leader */
	int worker_count;
	const char *encoding;
	/* No connection is closed while it is used to cancel its query.  A mutex of its own, since that
	 * may happen inside jobs_sleep(). */
	pthread_mutex_t cancelling;

	pthread_mutex_t mutex;
	pthread_cond_t changed;
	size_t next;
	const struct dump_task **left; /* to the leader */
	size_t left_count;
	int others; /* at work, who may leave something */
	size_t *parts; /* of each table in the catalog, still to be read */
};

static bool is_leader(const struct dump_worker *worker)
{
	return worker == worker->dump->workers;
}

/* The next task for anybody; NULL when none is left. */
static const struct dump_task *take(struct dump_worker *worker)
{
	struct dump_jobs *dump = worker->dump;
	const struct dump_task *task = NULL;
	pthread_mutex_lock(&dump->mutex);
	if (is_leader(worker) && dump->left_count > 0)
		task = dump->left[--dump->left_count];
	else if (dump->next < dump->plan.count)
		task = &dump->plan.tasks[dump->next++];
	pthread_mutex_unlock(&dump->mutex);
	return task;
}

/* As take(), but waits for what the others may leave; NULL when they have ended, too, or on error. */
static const struct dump_task *take_left(struct dump_worker *leader, struct err *err)
{
	struct dump_jobs *dump = leader->dump;
	const struct dump_task *task = NULL;
	pthread_mutex_lock(&dump->mutex);
	while (dump->left_count == 0 && dump->others > 0)
		if (jobs_sleep(dump->jobs, &dump->changed, &dump->mutex, err) < 0)
			break;
	if (dump->left_count > 0 && !err_is_set(err))
		task = dump->left[--dump->left_count];
	pthread_mutex_unlock(&dump->mutex);
	return task;
}

static void leave_to_leader(struct dump_jobs *dump, const struct dump_task *task)
{
	log_detail(dump->log, "table %s.%s: another session waits to lock it; the first job reads it",
	           task->part.table->schema, task->part.table->name);
	pthread_mutex_lock(&dump->mutex);
	dump->left[dump->left_count++] = task;
	pthread_cond_broadcast(&dump->changed);
	pthread_mutex_unlock(&dump->mutex);
}

static void end_other(struct dump_jobs *dump)
{
	pthread_mutex_lock(&dump->mutex);
	dump->others--;
	pthread_cond_broadcast(&dump->changed);
	pthread_mutex_unlock(&dump->mutex);
}

static void task_done(struct dump_jobs *dump, const struct dump_task *task)
{
	size_t *parts = &dump->parts[task->part.table - dump->catalog->tables];
	pthread_mutex_lock(&dump->mutex);
	bool table_done = --*parts == 0;
	pthread_mutex_unlock(&dump->mutex);
	if (table_done)
		progress_table_done(dump->options.reader.progress);
}

/* 1 when the table is locked, 0 when somebody stands before us, -1 on error. */
static int lock_table(struct dump_worker *worker, const struct catalog_table *table,
                      struct err *err)
{
	struct err refused = ERR_INIT;
	struct buf sql = BUF_INIT;
	buf_adds(&sql, "LOCK TABLE ONLY ");
	sql_add_qualified(&sql, slice_of(table->schema), slice_of(table->name));
	buf_adds(&sql, " IN ACCESS SHARE MODE NOWAIT");
	int result = buf_check(&sql, "a statement", err);
	if (result == 0)
		result = pg_exec(worker->pg, sql.data, &refused) == 0 ? 1 : -1;
	buf_release(&sql);
	if (result < 0 && refused.kind == ERR_DATABASE &&
	    strcmp(pg_failure(worker->pg)->sqlstate, "55P03") == 0)
		return 0;
	if (result < 0 && !err_is_set(err)) {
		*err = refused;
		err_prefix(err, "table %s.%s", table->schema, table->name);
	}
	return result;
}

static int release_locks(struct dump_worker *worker, struct err *err)
{
	return pg_exec(worker->pg, "ROLLBACK TO SAVEPOINT " SAVEPOINT, err);
}

static int read_task(struct dump_worker *worker, const struct dump_task *task, struct err *err)
{
	struct dump_jobs *dump = worker->dump;
	bool locked = !is_leader(worker);
	if (locked) {
		int got = lock_table(worker, task->part.table, err);
		if (got == 0)
			leave_to_leader(dump, task);
		if (got <= 0)
			return got < 0 ? -1 : release_locks(worker, err);
	}
	if (data_read_table(worker->reader, &task->part, err) < 0)
		return -1;
	task_done(dump, task);
	return locked || !data_part_is_whole(&task->part) ? release_locks(worker, err) : 0;
}

static int read_tasks(struct dump_worker *worker, struct err *err)
{
	const struct dump_task *task;
	while ((task = take(worker)))
		if (jobs_check(worker->dump->jobs, err) < 0 || read_task(worker, task, err) < 0)
			return -1;
	return 0;
}

/* What a query on a range depends on: no workers of the server's own beside ours, no compiler, and the
 * one way of reading that leaves the other pages alone. */
static int begin_tasks(struct dump_worker *worker, struct err *err)
{
	static const char settings[] =
		"SELECT pg_catalog.set_config(v.name, v.value, false) FROM (VALUES ('jit', 'off'), "
		"('max_parallel_workers_per_gather', '0'), ('enable_tidscan', 'on')) AS v(name, value)";
	if (pg_server_version(worker->pg) >= TID_RANGE_VERSION &&
	    pg_exec(worker->pg, settings, err) < 0)
		return -1;
	return pg_exec(worker->pg, "SAVEPOINT " SAVEPOINT, err);
}

/* As the leader's session. */
static int join(struct dump_worker *worker, struct err *err)
{
	struct dump_jobs *dump = worker->dump;
	if (session_pin(worker->pg, err) < 0 ||
	    session_set_encoding(worker->pg, dump->encoding, err) < 0 ||
	    snapshot_join(worker->pg, dump->options.snapshot, err) < 0)
		return -1;
	return begin_tasks(worker, err);
}

static int run_other(void *arg, struct err *err)
{
	struct dump_worker *worker = arg;
	int result = join(worker, err);
	if (result == 0)
		result = read_tasks(worker, err);
	if (result == 0)
		result = sink_finish(worker->branch, err);
	end_other(worker->dump);
	return result;
}

/* The first tables of the plan, in their order. */
static int read_ordered(struct dump_worker *leader, struct err *err)
{
	const struct dump_plan *plan = &leader->dump->plan;
	for (size_t i = 0; i < plan->ordered_count; i++)
		if (jobs_check(leader->dump->jobs, err) < 0 ||
		    read_task(leader, &plan->tasks[i], err) < 0)
			return -1;
	return 0;
}

/* Sequences and large objects are statements: for the sink itself. */
static int read_rest(struct dump_worker *leader, struct err *err)
{
	struct dump_jobs *dump = leader->dump;
	struct data_reader *reader =
		data_reader_new(leader->pg, &dump->options.reader, dump->sink, err);
	int result = reader ? data_read_rest(reader, dump->catalog, err) : -1;
	data_reader_free(reader);
	return result;
}

static int run_leader(void *arg, struct err *err)
{
	struct dump_worker *leader = arg;
	const struct dump_task *task;
	if ((leader->branch && begin_tasks(leader, err) < 0) || read_ordered(leader, err) < 0 ||
	    read_rest(leader, err) < 0 || read_tasks(leader, err) < 0)
		return -1;
	while ((task = take_left(leader, err)))
		if (read_task(leader, task, err) < 0)
			return -1;
	if (err_is_set(err))
		return -1;
	return leader->branch ? sink_finish(leader->branch, err) : 0;
}

static void cancel(void *arg)
{
	struct dump_worker *worker = arg;
	pthread_mutex_lock(&worker->dump->cancelling);
	if (worker->pg)
		pg_cancel(worker->pg);
	pthread_mutex_unlock(&worker->dump->cancelling);
}

static int add_worker(struct dump_jobs *dump, struct pg *pg, struct err *err)
{
	struct dump_worker *worker = &dump->workers[dump->worker_count++];
	bool alone = dump->options.jobs == 1;
	*worker = (struct dump_worker){ .dump = dump, .pg = pg };
	if (!alone && !(worker->branch = sink_branch(dump->sink, err)))
		return -1;
	worker->reader = data_reader_new(pg, &dump->options.reader,
	                                 alone ? dump->sink : worker->branch, err);
	if (!worker->reader)
		return -1;
	return jobs_on_stop(dump->jobs, cancel, worker, err);
}

/* No more connections than tasks: the plan's, and what the leader has for itself. */
static int add_workers(struct dump_jobs *dump, struct pg *leader, struct err *err)
{
	size_t wanted = dump->plan.count - dump->plan.ordered_count;
	if (add_worker(dump, leader, err) < 0)
		return -1;
	for (int i = 1; i < dump->options.jobs && (size_t)i <= wanted; i++) {
		struct pg *pg = pg_connect_like(leader, NULL, err);
		if (!pg)
			return err_prefix(err, "the connection of job %d", i + 1);
		if (add_worker(dump, pg, err) < 0)
			return -1;
	}
	return 0;
}

/* Only waits itself: who waits cancels what is under way when something fails. */
static int run_workers(struct dump_jobs *dump, struct err *err)
{
	struct err failed = ERR_INIT;
	dump->others = dump->worker_count - 1;
	for (int i = 0; i < dump->worker_count && !err_is_set(&failed); i++)
		jobs_start(dump->jobs, i == 0 ? run_leader : run_other, &dump->workers[i], &failed);
	if (err_is_set(&failed))
		jobs_fail(dump->jobs, &failed);
	return jobs_wait(dump->jobs, err);
}

static int count_parts(struct dump_jobs *dump, struct err *err)
{
	dump->parts = calloc(dump->catalog->table_count + 1, sizeof(*dump->parts));
	dump->left = calloc(dump->plan.count + 1, sizeof(*dump->left));
	if (!dump->parts || !dump->left)
		return err_memory(err, "a plan of what is read");
	for (size_t i = 0; i < dump->plan.count; i++)
		dump->parts[dump->plan.tasks[i].part.table - dump->catalog->tables]++;
	return 0;
}

static int page_bytes(struct pg *pg, uint32_t *bytes, struct err *err)
{
	*bytes = 0;
	if (pg_server_version(pg) < TID_RANGE_VERSION)
		return 0;
	char *value = pg_query_value(pg, "SELECT pg_catalog.current_setting('block_size')", err);
	if (!value)
		return -1;
	*bytes = (uint32_t)strtoul(value, NULL, 10);
	free(value);
	return 0;
}

static int make_plan(struct dump_jobs *dump, struct pg *leader, struct err *err)
{
	const struct dump_jobs_options *options = &dump->options;
	uint32_t bytes = 0;
	if (options->jobs > 1 && page_bytes(leader, &bytes, err) < 0)
		return -1;
	if (dump_plan_make(dump->catalog, options->jobs, options->all_ordered, bytes, &dump->plan,
	                   err) < 0)
		return -1;
	dump->next = dump->plan.ordered_count;
	progress_expect(options->reader.progress,
	                dump->plan.bytes + dump->catalog->large_object_bytes,
	                dump->plan.table_count);
	return count_parts(dump, err);
}

static void end_worker(struct dump_worker *worker)
{
	struct pg *pg = is_leader(worker) ? NULL : worker->pg;
	pthread_mutex_lock(&worker->dump->cancelling);
	worker->pg = NULL;
	pthread_mutex_unlock(&worker->dump->cancelling);
	pg_free(pg);
	data_reader_free(worker->reader);
	sink_free(worker->branch);
}

int dump_jobs_run(struct dump_jobs *dump, struct pg *leader, const struct catalog *catalog,
                  struct sink *sink, struct err *err)
{
	int result = -1;
	dump->catalog = catalog;
	dump->sink = sink;
	dump->encoding = pg_parameter(leader, "client_encoding");
	if (dump->options.all_ordered || !sink_can_branch(sink))
		dump->options.jobs = 1;
	dump->options.reader.whole_chunks = dump->options.jobs > 1;
	progress_phase(dump->options.reader.progress, "rows");
	if (make_plan(dump, leader, err) == 0 && add_workers(dump, leader, err) == 0)
		result = run_workers(dump, err);
	for (int i = 0; i < dump->worker_count; i++)
		end_worker(&dump->workers[i]);
	return result;
}

void dump_jobs_stop(struct dump_jobs *dump)
{
	struct err stopped = ERR_INIT;
	err_set(&stopped, ERR_DATABASE, "its reading was ended");
	jobs_fail(dump->jobs, &stopped);
}

struct dump_jobs *dump_jobs_new(const struct dump_jobs_options *options, const struct log *log,
                                struct err *err)
{
	struct dump_jobs *dump = calloc(1, sizeof(*dump));
	if (!dump) {
		err_memory(err, "jobs");
		return NULL;
	}
	dump->options = *options;
	dump->log = log;
	pthread_mutex_init(&dump->mutex, NULL);
	pthread_mutex_init(&dump->cancelling, NULL);
	pthread_cond_init(&dump->changed, NULL);
	dump->jobs = jobs_new(err);
	if (!dump->jobs) {
		dump_jobs_free(dump);
		return NULL;
	}
	return dump;
}

void dump_jobs_free(struct dump_jobs *dump)
{
	if (!dump)
		return;
	jobs_free(dump->jobs);
	dump_plan_release(&dump->plan);
	free(dump->parts);
	free(dump->left);
	pthread_cond_destroy(&dump->changed);
	pthread_mutex_destroy(&dump->cancelling);
	pthread_mutex_destroy(&dump->mutex);
	free(dump);
}
