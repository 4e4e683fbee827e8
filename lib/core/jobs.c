#include "jobs.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "interrupt.h"

#define SLEEP_NS 100000000L

/* One a thread, and a few for what they share. */
#define HOOKS_LARGEST (JOBS_LARGEST + 8)

struct stop_hook {
	void (*stop)(void *arg);
	void *arg;
};

struct job {
	struct jobs *jobs;
	int (*run)(void *arg, struct err *err);
	void *arg;
	pthread_t thread;
};

struct jobs {
	pthread_mutex_t mutex;
	pthread_cond_t ended; /* a thread has */
	struct job started[JOBS_LARGEST];
	size_t started_count;
	size_t running;
	/* One that was counted is not changed any more: a failure may come from outside meanwhile. */
	struct stop_hook hooks[HOOKS_LARGEST];
	atomic_size_t hook_count;
	atomic_bool failed;
	struct err first;
};

struct jobs *jobs_new(struct err *err)
{
	struct jobs *jobs = calloc(1, sizeof(*jobs));
	if (!jobs) {
		err_memory(err, "threads");
		return NULL;
	}
	pthread_mutex_init(&jobs->mutex, NULL);
	pthread_cond_init(&jobs->ended, NULL);
	return jobs;
}

int jobs_on_stop(struct jobs *jobs, void (*stop)(void *arg), void *arg, struct err *err)
{
	size_t count = atomic_load(&jobs->hook_count);
	if (count == HOOKS_LARGEST)
		return err_set(err, ERR_SYSTEM, "too many threads to be stopped");
	jobs->hooks[count] = (struct stop_hook){ stop, arg };
	atomic_store(&jobs->hook_count, count + 1);
	return 0;
}

static void call_hooks(struct jobs *jobs)
{
	size_t count = atomic_load(&jobs->hook_count);
	for (size_t i = 0; i < count; i++)
		jobs->hooks[i].stop(jobs->hooks[i].arg);
}

/* The hooks are called without the lock: they may take locks of others, who hold them and ask us. */
void jobs_fail(struct jobs *jobs, const struct err *err)
{
	pthread_mutex_lock(&jobs->mutex);
	bool is_first = !atomic_load(&jobs->failed);
	if (is_first) {
		jobs->first = *err;
		atomic_store(&jobs->failed, true);
	}
	pthread_mutex_unlock(&jobs->mutex);
	if (is_first)
		call_hooks(jobs);
}

static int first_error(struct jobs *jobs, struct err *err)
{
	pthread_mutex_lock(&jobs->mutex);
	if (!err_is_set(err))
		*err = jobs->first;
	pthread_mutex_unlock(&jobs->mutex);
	return -1;
}

int jobs_check(struct jobs *jobs, struct err *err)
{
	struct err interrupted = ERR_INIT;
	if (!atomic_load(&jobs->failed) && interrupt_check(&interrupted) < 0)
		jobs_fail(jobs, &interrupted);
	return atomic_load(&jobs->failed) ? first_error(jobs, err) : 0;
}

/* At most SLEEP_NS; a signal that came meanwhile wakes nobody else. */
static void wait_a_little(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += SLEEP_NS;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &until);
}

int jobs_sleep(struct jobs *jobs, pthread_cond_t *condition, pthread_mutex_t *mutex,
               struct err *err)
{
	if (jobs_check(jobs, err) < 0)
		return -1;
	wait_a_little(condition, mutex);
	return jobs_check(jobs, err);
}

static void *run_job(void *arg)
{
	struct job *job = arg;
	struct jobs *jobs = job->jobs;
	struct err err = ERR_INIT;
	if (job->run(job->arg, &err) < 0)
		jobs_fail(jobs, &err);
	pthread_mutex_lock(&jobs->mutex);
	jobs->running--;
	pthread_cond_broadcast(&jobs->ended);
	pthread_mutex_unlock(&jobs->mutex);
	return NULL;
}

int jobs_start(struct jobs *jobs, int (*run)(void *arg, struct err *err), void *arg,
               struct err *err)
{
	if (jobs->started_count == JOBS_LARGEST)
		return err_set(err, ERR_USAGE, "more than %d jobs", JOBS_LARGEST);
	struct job *job = &jobs->started[jobs->started_count];
	*job = (struct job){ .jobs = jobs, .run = run, .arg = arg };
	pthread_mutex_lock(&jobs->mutex);
	int failed = pthread_create(&job->thread, NULL, run_job, job);
	if (!failed) {
		jobs->started_count++;
		jobs->running++;
	}
	pthread_mutex_unlock(&jobs->mutex);
	return failed ? err_system(err, failed, "cannot start a thread") : 0;
}

/* A signal ends a system call that blocks (write(2) to a pipe that nobody reads) in the thread that gets
 * it: each must get it. */
static void pass_signal(struct jobs *jobs)
{
	int number = interrupt_signal();
	for (size_t i = 0; number > 0 && i < jobs->started_count; i++)
		pthread_kill(jobs->started[i].thread, number);
}

/* Once something has failed, the hooks are called until nobody runs any more. */
static void wait_all(struct jobs *jobs)
{
	struct err ignored = ERR_INIT;
	pthread_mutex_lock(&jobs->mutex);
	while (jobs->running > 0) {
		wait_a_little(&jobs->ended, &jobs->mutex);
		if (jobs->running == 0)
			break;
		pthread_mutex_unlock(&jobs->mutex);
		if (jobs_check(jobs, &ignored) < 0) {
			call_hooks(jobs);
			pass_signal(jobs);
		}
		pthread_mutex_lock(&jobs->mutex);
	}
	pthread_mutex_unlock(&jobs->mutex);
	for (size_t i = 0; i < jobs->started_count; i++)
		pthread_join(jobs->started[i].thread, NULL);
	jobs->started_count = 0;
}

int jobs_wait(struct jobs *jobs, struct err *err)
{
	wait_all(jobs);
	return atomic_load(&jobs->failed) ? first_error(jobs, err) : 0;
}

void jobs_free(struct jobs *jobs)
{
	if (!jobs)
		return;
	if (jobs->started_count > 0) {
		struct err ended = ERR_INIT;
		err_set(&ended, ERR_SYSTEM, "ended before it was done");
		jobs_fail(jobs, &ended);
		wait_all(jobs);
	}
	pthread_cond_destroy(&jobs->ended);
	pthread_mutex_destroy(&jobs->mutex);
	free(jobs);
}

int jobs_processors(void)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	return count < JOBS_LARGEST ? count : JOBS_LARGEST;
}
