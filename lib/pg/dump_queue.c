/* Which task a worker reads next. */
#include "dump_jobs_internal.h"

/*
 * Small tables are taken several at a time: a job's statements around each would cost more than
 * reading it.
 */
#define BATCH_TASKS 32
#define BATCH_BYTES ((uint64_t)1 << 20)

struct batch batch_of(const struct dump_task *task)
{
	return (struct batch){ task, 1 };
}

/* The next tasks of the plan; none when all are taken. */
static struct batch take_planned(struct dump_jobs *dump)
{
	struct batch batch = { &dump->plan.tasks[dump->next], 0 };
	uint64_t bytes = 0;
	while (dump->next < dump->plan.count && batch.count < BATCH_TASKS) {
		bytes += dump->plan.tasks[dump->next].bytes;
		if (batch.count > 0 && bytes > BATCH_BYTES)
			break;
		dump->next++;
		batch.count++;
	}
	return batch;
}

struct batch dump_queue_take(struct dump_worker *worker)
{
	struct dump_jobs *dump = worker->dump;
	struct batch batch;
	pthread_mutex_lock(&dump->mutex);
	if (dump_worker_is_leader(worker) && dump->left_count > 0)
		batch = batch_of(dump->left[--dump->left_count]);
	else
		batch = take_planned(dump);
	pthread_mutex_unlock(&dump->mutex);
	return batch;
}

struct batch dump_queue_take_left(struct dump_worker *leader, struct err *err)
{
	struct dump_jobs *dump = leader->dump;
	struct batch batch = { NULL, 0 };
	pthread_mutex_lock(&dump->mutex);
	while (dump->left_count == 0 && dump->others > 0)
		if (jobs_sleep(dump->jobs, &dump->changed, &dump->mutex, err) < 0)
			break;
	if (dump->left_count > 0 && !err_is_set(err))
		batch = batch_of(dump->left[--dump->left_count]);
	pthread_mutex_unlock(&dump->mutex);
	return batch;
}

void dump_queue_leave(struct dump_jobs *dump, const struct dump_task *task)
{
	log_detail(dump->log, "table %s.%s: another session waits to lock it; the first job reads it",
	           task->part.table->schema, task->part.table->name);
	pthread_mutex_lock(&dump->mutex);
	dump->left[dump->left_count++] = task;
	pthread_cond_broadcast(&dump->changed);
	pthread_mutex_unlock(&dump->mutex);
}

void dump_queue_end_other(struct dump_jobs *dump)
{
	pthread_mutex_lock(&dump->mutex);
	dump->others--;
	pthread_cond_broadcast(&dump->changed);
	pthread_mutex_unlock(&dump->mutex);
}

void dump_queue_done(struct dump_jobs *dump, const struct dump_task *task)
{
	size_t *parts = &dump->parts[task->part.table - dump->catalog->tables];
	pthread_mutex_lock(&dump->mutex);
	bool table_done = --*parts == 0;
	pthread_mutex_unlock(&dump->mutex);
	if (table_done)
		progress_table_done(dump->options.reader.progress);
}
