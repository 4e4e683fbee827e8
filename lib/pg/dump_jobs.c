#include "dump_jobs.h"

#include <stdlib.h>

#include "dump_jobs_internal.h"

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
	worker->reader =
	    data_reader_new(pg, &dump->options.reader, alone ? dump->sink : worker->branch, err);
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
		jobs_start(dump->jobs, i == 0 ? dump_worker_lead : dump_worker_follow, &dump->workers[i],
		           &failed);
	if (err_is_set(&failed))
		jobs_fail(dump->jobs, &failed);
	return jobs_wait(dump->jobs, err);
}

static int count_parts(struct dump_jobs *dump, struct err *err)
{
	dump->parts = calloc(dump->catalog->table_count + 1, sizeof(*dump->parts));
	dump->left = calloc(dump->plan.count + 1, sizeof(struct dump_task *));
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
	progress_expect(options->reader.progress, dump->plan.bytes + dump->catalog->large_object_bytes,
	                dump->plan.table_count);
	return count_parts(dump, err);
}

static void end_worker(struct dump_worker *worker)
{
	struct pg *pg = dump_worker_is_leader(worker) ? NULL : worker->pg;
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
