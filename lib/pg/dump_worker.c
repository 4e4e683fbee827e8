/* What a job does in its thread. */
#include <string.h>

#include "dump_jobs_internal.h"
#include "ident.h"
#include "session.h"
#include "snapshot.h"

/*
 * What a task takes of locks is given back by returning to this savepoint: the table's, and for a
 * range those on its indexes, which the planner opens.  Held to the transaction's end they would
 * stop a REINDEX that in turn stops the next range of that table: for ever, since the server does
 * not see that the one job waits for the other.
 */
#define SAVEPOINT "task"

bool dump_worker_is_leader(const struct dump_worker *worker)
{
	return worker == worker->dump->workers;
}

static void add_lock(const struct batch *batch, struct buf *sql)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct catalog_table *table = batch->tasks[i].part.table;
		buf_adds(sql, i == 0 ? "LOCK TABLE ONLY " : ", ONLY ");
		sql_add_qualified(sql, slice_of(table->schema), slice_of(table->name));
	}
	buf_adds(sql, " IN ACCESS SHARE MODE NOWAIT");
}

/* 1 when the tables are locked, 0 when somebody stands before us, -1 on error. */
static int lock(struct dump_worker *worker, const struct batch *batch, struct err *err)
{
	struct err refused = ERR_INIT;
	struct buf sql = BUF_INIT;
	add_lock(batch, &sql);
	int result = buf_check(&sql, "a statement", err);
	if (result == 0 && pg_exec(worker->pg, sql.data, &refused) == 0)
		result = 1;
	buf_release(&sql);
	if (!err_is_set(&refused) ||
	    (refused.kind == ERR_DATABASE && strcmp(pg_failure(worker->pg)->sqlstate, "55P03") == 0))
		return result;
	*err = refused;
	return err_prefix(err, "table %s.%s", batch->tasks->part.table->schema,
	                  batch->tasks->part.table->name);
}

static int release_locks(struct dump_worker *worker, struct err *err)
{
	return pg_exec(worker->pg, "ROLLBACK TO SAVEPOINT " SAVEPOINT, err);
}

/* The tables are locked. */
static int read_tables(struct dump_worker *worker, const struct batch *batch, struct err *err)
{
	for (size_t i = 0; i < batch->count; i++) {
		if (jobs_check(worker->dump->jobs, err) < 0 ||
		    data_read_table(worker->reader, &batch->tasks[i].part, err) < 0)
			return -1;
		dump_queue_done(worker->dump, &batch->tasks[i]);
	}
	return 0;
}

static int read_by_other(struct dump_worker *worker, const struct batch *batch, struct err *err)
{
	int locked = lock(worker, batch, err);
	if (locked < 0 || (locked > 0 && read_tables(worker, batch, err) < 0) ||
	    release_locks(worker, err) < 0)
		return -1;
	if (locked == 0 && batch->count == 1)
		dump_queue_leave(worker->dump, batch->tasks);
	/* One of them is in another's hands: which? */
	for (size_t i = 0; locked == 0 && batch->count > 1 && i < batch->count; i++) {
		const struct batch single = batch_of(&batch->tasks[i]);
		if (read_by_other(worker, &single, err) < 0)
			return -1;
	}
	return 0;
}

/* Has the tables' locks, but may get some on the indexes of one that is cut. */
static int read_by_leader(struct dump_worker *leader, const struct batch *batch, struct err *err)
{
	if (read_tables(leader, batch, err) < 0)
		return -1;
	return leader->branch ? release_locks(leader, err) : 0;
}

static int read_batch(struct dump_worker *worker, const struct batch *batch, struct err *err)
{
	return dump_worker_is_leader(worker) ? read_by_leader(worker, batch, err)
	                                     : read_by_other(worker, batch, err);
}

static int read_tasks(struct dump_worker *worker, struct err *err)
{
	struct batch batch = dump_queue_take(worker);
	for (; batch.count > 0; batch = dump_queue_take(worker))
		if (read_batch(worker, &batch, err) < 0)
			return -1;
	return 0;
}

/* What a query on a range depends on: no workers of the server's own beside ours, no compiler, and
 * the one way of reading that leaves the other pages alone. */
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

int dump_worker_follow(void *arg, struct err *err)
{
	struct dump_worker *worker = arg;
	int result = join(worker, err);
	if (result == 0)
		result = read_tasks(worker, err);
	if (result == 0)
		result = sink_finish(worker->branch, err);
	dump_queue_end_other(worker->dump);
	return result;
}

/* The first tables of the plan, in their order. */
static int read_ordered(struct dump_worker *leader, struct err *err)
{
	const struct dump_plan *plan = &leader->dump->plan;
	const struct batch ordered = { plan->tasks, plan->ordered_count };
	return read_tables(leader, &ordered, err);
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

int dump_worker_lead(void *arg, struct err *err)
{
	struct dump_worker *leader = arg;
	struct batch batch;
	if ((leader->branch && begin_tasks(leader, err) < 0) || read_ordered(leader, err) < 0 ||
	    read_rest(leader, err) < 0 || read_tasks(leader, err) < 0)
		return -1;
	while ((batch = dump_queue_take_left(leader, err)).count > 0)
		if (read_batch(leader, &batch, err) < 0)
			return -1;
	if (err_is_set(err))
		return -1;
	return leader->branch ? sink_finish(leader->branch, err) : 0;
}
