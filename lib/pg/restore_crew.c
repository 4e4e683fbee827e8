#include "restore_crew.h"

#include <pthread.h>
#include <stdlib.h>

#include "jobs.h"

#define WAITING_PER_WORKER 2

struct crew {
	struct crew_options options;
	struct jobs *jobs;
	struct chunk_gate *gate;
	pthread_mutex_t mutex;
	pthread_cond_t changed;      /* a task was added or is done, or no more come */
	struct crew_task *waiting;   /* the next to run first */
	size_t waiting_count;
	size_t running;
	size_t held_bytes; /* by tasks, waiting or running */
	unsigned routing; /* tasks, waiting or running, whose rows go into partitions */
	bool closing;
	bool started;
	struct crew_worker *workers;
};

static void stop_connection(void *arg)
{
	pg_cancel(arg);
}

static void worker_release(struct crew_worker *worker)
{
	pg_free(worker->session.pg);
	unpacker_free(worker->unpacker);
	buf_release(&worker->sql);
}

static int worker_open(struct crew *crew, struct crew_worker *worker, struct err *err)
{
	const struct crew_options *options = &crew->options;
	worker->crew = crew;
	if (!options->main)
		return 0;
	worker->session.prepare = options->prepare;
	worker->session.arg = options->arg;
	worker->session.pg = pg_connect_like(options->main, NULL, err);
	if (!worker->session.pg)
		return err_prefix(err, "a further connection, for --jobs");
	if (options->prepare(options->arg, worker->session.pg, err) < 0)
		return -1;
	return jobs_on_stop(crew->jobs, stop_connection, worker->session.pg, err);
}

struct crew *crew_new(const struct crew_options *options, struct err *err)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	if (!crew) {
		err_memory(err, "workers");
		return NULL;
	}
	crew->options = *options;
	pthread_mutex_init(&crew->mutex, NULL);
	pthread_cond_init(&crew->changed, NULL);
	crew->jobs = jobs_new(err);
	crew->gate = crew->jobs ? chunk_gate_new(crew->jobs, err) : NULL;
	crew->workers = calloc(options->jobs, sizeof(*crew->workers));
	if (!crew->workers)
		err_memory(err, "workers");
	bool opened = crew->gate && crew->workers;
	if (opened && options->main)
		opened = jobs_on_stop(crew->jobs, stop_connection, options->main, err) == 0;
	if (opened && options->stop_input)
		opened = jobs_on_stop(crew->jobs, options->stop_input, options->stop_arg, err) == 0;
	for (unsigned i = 0; opened && i < options->jobs; i++)
		opened = worker_open(crew, &crew->workers[i], err) == 0;
	if (opened)
		return crew;
	crew_free(crew);
	return NULL;
}

/* ---- whose turn it is; all under the lock ---- */

static bool is_free_for(const struct crew_task *task, const struct restore_table *table)
{
	if (table->is_taken || (task->exclusive && table->sharers > 0))
		return false;
	if (task->phase >= CREW_BUILD && table->loads_left > 0)
		return false;
	return task->phase < CREW_FOREIGN || table->builds_left == 0;
}

static bool can_run(const struct crew *crew, const struct crew_task *task)
{
	if (task->phase >= CREW_BUILD && task->meets && crew->routing > 0)
		return false;
	for (size_t i = 0; i < 2; i++)
		if (task->tables[i] && !is_free_for(task, task->tables[i]))
			return false;
	return true;
}

static void take_tables(const struct crew_task *task)
{
	for (size_t i = 0; i < 2; i++) {
		if (!task->tables[i])
			continue;
		if (task->exclusive)
			task->tables[i]->is_taken = true;
		else
			task->tables[i]->sharers++;
	}
}

static void give_tables_back(const struct crew_task *task)
{
	for (size_t i = 0; i < 2; i++) {
		if (!task->tables[i])
			continue;
		if (task->exclusive)
			task->tables[i]->is_taken = false;
		else
			task->tables[i]->sharers--;
	}
}

/* How much is to be done on its tables before those that wait for it may run. */
static void count(struct crew *crew, const struct crew_task *task, unsigned difference)
{
	if (task->routes)
		crew->routing += difference;
	for (size_t i = 0; i < 2; i++) {
		if (!task->tables[i])
			continue;
		if (task->phase == CREW_ROWS)
			task->tables[i]->loads_left += difference;
		else if (task->phase == CREW_BUILD)
			task->tables[i]->builds_left += difference;
	}
}

static struct crew_task *take_task(struct crew *crew)
{
	struct crew_task **link = &crew->waiting;
	while (*link && !can_run(crew, *link))
		link = &(*link)->next;
	struct crew_task *task = *link;
	if (!task)
		return NULL;
	*link = task->next;
	crew->waiting_count--;
	crew->running++;
	take_tables(task);
	return task;
}

static bool comes_before(const struct crew_task *a, const struct crew_task *b)
{
	bool a_last = a->phase == CREW_FOREIGN, b_last = b->phase == CREW_FOREIGN;
	return a_last != b_last ? b_last : a->weight >= b->weight;
}

static void insert(struct crew *crew, struct crew_task *task)
{
	struct crew_task **link = &crew->waiting;
	while (*link && comes_before(*link, task))
		link = &(*link)->next;
	task->next = *link;
	*link = task;
	crew->waiting_count++;
	crew->held_bytes += task->bytes;
	count(crew, task, 1);
}

/* ---- the workers ---- */

static int run_task(struct crew_worker *worker, struct crew_task *task, struct err *err)
{
	if (restore_session_bring(&worker->session, task->map, err) < 0)
		return -1;
	return task->run(worker, task, err);
}

static int do_task(struct crew_worker *worker, struct crew_task *task, struct err *err)
{
	struct crew *crew = worker->crew;
	crew_unlock(crew);
	int result = run_task(worker, task, err);
	/* Before anybody can see that the task has ended. */
	if (result < 0)
		jobs_fail(crew->jobs, err);
	crew_lock(crew);
	give_tables_back(task);
	count(crew, task, -1U);
	crew->running--;
	crew->held_bytes -= task->bytes;
	pthread_cond_broadcast(&crew->changed);
	task->free(task);
	return result;
}

/* jobs_check() each time: what another's failure has cancelled is not followed by a next task. */
static int work(void *arg, struct err *err)
{
	struct crew_worker *worker = arg;
	struct crew *crew = worker->crew;
	int result = 0;
	crew_lock(crew);
	while (result == 0 && !(crew->closing && !crew->waiting)) {
		struct crew_task *task = jobs_check(crew->jobs, err) == 0 ? take_task(crew) : NULL;
		result = task ? do_task(worker, task, err)
		              : jobs_sleep(crew->jobs, &crew->changed, &crew->mutex, err);
	}
	crew_unlock(crew);
	return result;
}

static int start(struct crew *crew, struct err *err)
{
	crew->started = true;
	for (unsigned i = 0; i < crew->options.jobs; i++)
		if (jobs_start(crew->jobs, work, &crew->workers[i], err) < 0)
			return -1;
	return 0;
}

int crew_add(struct crew *crew, struct crew_task *task, struct err *err)
{
	crew_lock(crew);
	insert(crew, task);
	bool must_start = !crew->started;
	crew->started = true;
	pthread_cond_broadcast(&crew->changed);
	crew_unlock(crew);
	return must_start ? start(crew, err) : 0;
}

static bool has_room(const struct crew *crew)
{
	return crew->waiting_count < (size_t)crew->options.jobs * WAITING_PER_WORKER &&
	       crew->held_bytes <= crew->options.jobs * crew->options.bytes;
}

int crew_wait_for_room(struct crew *crew, struct err *err)
{
	int result = 0;
	crew_lock(crew);
	while (result == 0 && !has_room(crew))
		result = jobs_sleep(crew->jobs, &crew->changed, &crew->mutex, err);
	crew_unlock(crew);
	return result;
}

int crew_drain(struct crew *crew, struct err *err)
{
	int result = 0;
	crew_lock(crew);
	while (result == 0 && (crew->waiting || crew->running > 0))
		result = jobs_sleep(crew->jobs, &crew->changed, &crew->mutex, err);
	crew_unlock(crew);
	/* Behind the wait: the last task may have failed since it was looked at. */
	return result < 0 ? result : jobs_check(crew->jobs, err);
}

int crew_fail(struct crew *crew, struct err *err)
{
	struct err first = ERR_INIT;
	/* Asks for a signal before: what it has cancelled is no error of ours. */
	if (jobs_check(crew->jobs, &first) == 0) {
		jobs_fail(crew->jobs, err);
		jobs_check(crew->jobs, &first);
	}
	*err = first;
	return -1;
}

struct unpacker *crew_unpacker(struct crew_worker *worker, struct err *err)
{
	if (!worker->unpacker && (worker->unpacker = unpacker_new(err)))
		unpacker_set_gate(worker->unpacker, worker->crew->gate);
	return worker->unpacker;
}

void crew_lock(struct crew *crew)
{
	pthread_mutex_lock(&crew->mutex);
}

void crew_unlock(struct crew *crew)
{
	pthread_mutex_unlock(&crew->mutex);
}

/* Without an error everything has been drained: then the workers only have to be told. */
static void end_workers(struct crew *crew)
{
	struct err ignored = ERR_INIT;
	if (!crew->jobs)
		return;
	crew_lock(crew);
	bool idle = !crew->waiting && crew->running == 0;
	crew->closing = idle;
	pthread_cond_broadcast(&crew->changed);
	crew_unlock(crew);
	if (idle)
		jobs_wait(crew->jobs, &ignored);
	jobs_free(crew->jobs);
}

void crew_free(struct crew *crew)
{
	if (!crew)
		return;
	end_workers(crew);
	while (crew->waiting) {
		struct crew_task *task = crew->waiting;
		crew->waiting = task->next;
		task->free(task);
	}
	for (unsigned i = 0; crew->workers && i < crew->options.jobs; i++)
		worker_release(&crew->workers[i]);
	free(crew->workers);
	chunk_gate_free(crew->gate);
	pthread_cond_destroy(&crew->changed);
	pthread_mutex_destroy(&crew->mutex);
	free(crew);
}
