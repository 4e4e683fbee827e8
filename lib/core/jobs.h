/*
 * jobs.h - several threads at one piece of work: the first error is everybody's.
 *
 *     jobs = jobs_new(err);
 *     jobs_on_stop(jobs, cancel, connection, err);    what gets a blocked thread going again
 *     jobs_start(jobs, work, worker, err);            once per thread
 *     …
 *     if (jobs_wait(jobs, err) < 0) …                 all have ended; the first error
 *     jobs_free(jobs);
 *
 * When one fails, or a signal comes, every other is to stop: loops ask jobs_check(), waits on a
 * condition are jobs_sleep(), and calls that block (a query) are ended by the functions given to
 * jobs_on_stop().  These are called again and again, from any thread, until all threads have
 * ended: a query may have begun just after the last call.
 */
#ifndef IDKIT_CORE_JOBS_H
#define IDKIT_CORE_JOBS_H

#include <pthread.h>
#include <stdbool.h>

#include "err.h"

#define JOBS_LARGEST 32

struct jobs;

struct jobs *jobs_new(struct err *err);

/* `run` returns 0 or -1; its failure is jobs_fail(). */
int jobs_start(struct jobs *jobs, int (*run)(void *arg, struct err *err), void *arg,
               struct err *err);

/* Before the threads that it is for are started; what `arg` points at lives until jobs_wait(). */
int jobs_on_stop(struct jobs *jobs, void (*stop)(void *arg), void *arg, struct err *err);

/* The first one counts.  For the thread that started the others, too. */
void jobs_fail(struct jobs *jobs, const struct err *err);

/* 0, or -1 with the first error, also when a signal has come. */
int jobs_check(struct jobs *jobs, struct err *err);

/* Waits for the condition, at most a tenth of a second; the caller asks again what it waits for.  0,
 * or -1 as jobs_check(). */
int jobs_sleep(struct jobs *jobs, pthread_cond_t *condition, pthread_mutex_t *mutex,
               struct err *err);

/* Until all threads have ended.  0, or -1 with the first error.  Without an error nothing is stopped:
 * say to the threads first that no more work comes. */
int jobs_wait(struct jobs *jobs, struct err *err);

/* Ends threads that still run as a failure would.  free(NULL) is nothing. */
void jobs_free(struct jobs *jobs);

/* How many processors this process may use: what "-j 0" means. */
int jobs_processors(void);

#endif
