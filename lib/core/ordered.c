#include "ordered.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "jobs.h"

struct ordered_worker {
	struct ordered *ordered;
	int number;
};

/* Items are numbered as they are submitted; number modulo item_count is the place in the ring. */
struct ordered {
	struct ordered_options options;
	size_t item_count;
	struct jobs *jobs; /* NULL until something was submitted; with one job for ever */
	struct ordered_worker workers[JOBS_LARGEST];
	size_t delivered;      /* the caller's own: as many were, of those submitted */
	pthread_mutex_t mutex; /* for all that follows */
	pthread_cond_t submitted_more;
	pthread_cond_t done_more;
	size_t submitted;
	size_t taken;
	bool *done;  /* by place */
	bool closed; /* what waits is not worked on any more */
};

size_t ordered_items(int jobs)
{
	return jobs == 1 ? 1 : 2 * (size_t)jobs;
}

struct ordered *ordered_new(const struct ordered_options *options, struct err *err)
{
	struct ordered *ordered = calloc(1, sizeof(*ordered));
	if (ordered)
		ordered->done = calloc(ordered_items(options->jobs), sizeof(*ordered->done));
	if (!ordered || !ordered->done) {
		free(ordered);
		err_memory(err, "jobs");
		return NULL;
	}
	ordered->options = *options;
	ordered->item_count = ordered_items(options->jobs);
	pthread_mutex_init(&ordered->mutex, NULL);
	pthread_cond_init(&ordered->submitted_more, NULL);
	pthread_cond_init(&ordered->done_more, NULL);
	return ordered;
}

static void *item_at(const struct ordered *ordered, size_t number)
{
	size_t place = number % ordered->item_count;
	return (char *)ordered->options.items + place * ordered->options.item_size;
}

/* ---- the threads ---- */

/* 1 with the number of an item, 0 at the end, -1 on error. */
static int take(struct ordered *ordered, size_t *number, struct err *err)
{
	int result = 0;
	pthread_mutex_lock(&ordered->mutex);
	while (result == 0 && !ordered->closed && ordered->taken == ordered->submitted)
		result = jobs_sleep(ordered->jobs, &ordered->submitted_more, &ordered->mutex, err);
	if (result == 0 && !ordered->closed) {
		*number = ordered->taken++;
		result = 1;
	}
	pthread_mutex_unlock(&ordered->mutex);
	return result;
}

static void say_done(struct ordered *ordered, size_t number)
{
	pthread_mutex_lock(&ordered->mutex);
	ordered->done[number % ordered->item_count] = true;
	pthread_cond_signal(&ordered->done_more);
	pthread_mutex_unlock(&ordered->mutex);
}

static int run_worker(void *arg, struct err *err)
{
	const struct ordered_worker *worker = arg;
	struct ordered *ordered = worker->ordered;
	const struct ordered_options *options = &ordered->options;
	size_t number = 0;
	int result;
	while ((result = take(ordered, &number, err)) > 0) {
		if (options->work(options->context, item_at(ordered, number), worker->number, err) < 0)
			return -1;
		say_done(ordered, number);
	}
	return result;
}

static int start_workers(struct ordered *ordered, struct err *err)
{
	ordered->jobs = jobs_new(err);
	for (int i = 0; ordered->jobs && i < ordered->options.jobs; i++) {
		ordered->workers[i] = (struct ordered_worker){ ordered, i };
		if (jobs_start(ordered->jobs, run_worker, &ordered->workers[i], err) < 0)
			return -1;
	}
	return ordered->jobs ? 0 : -1;
}

/* ---- the caller ---- */

/* Waits until at most `left` items are not delivered. */
static int deliver_until(struct ordered *ordered, size_t left, struct err *err)
{
	const struct ordered_options *options = &ordered->options;
	while (ordered->submitted - ordered->delivered > left) {
		size_t place = ordered->delivered % ordered->item_count;
		int result = 0;
		pthread_mutex_lock(&ordered->mutex);
		while (result == 0 && !ordered->done[place])
			result = jobs_sleep(ordered->jobs, &ordered->done_more, &ordered->mutex, err);
		ordered->done[place] = false;
		pthread_mutex_unlock(&ordered->mutex);
		if (result < 0 ||
		    options->deliver(options->context, item_at(ordered, ordered->delivered), err) < 0)
			return -1;
		ordered->delivered++;
	}
	return 0;
}

void *ordered_next(struct ordered *ordered, struct err *err)
{
	if (deliver_until(ordered, ordered->item_count - 1, err) < 0)
		return NULL;
	return item_at(ordered, ordered->submitted);
}

static int run_here(struct ordered *ordered, struct err *err)
{
	const struct ordered_options *options = &ordered->options;
	void *item = item_at(ordered, 0);
	return options->work(options->context, item, 0, err) < 0
	           ? -1
	           : options->deliver(options->context, item, err);
}

int ordered_submit(struct ordered *ordered, struct err *err)
{
	if (ordered->options.jobs == 1)
		return run_here(ordered, err);
	if (!ordered->jobs && start_workers(ordered, err) < 0)
		return -1;
	pthread_mutex_lock(&ordered->mutex);
	ordered->submitted++;
	pthread_cond_signal(&ordered->submitted_more);
	pthread_mutex_unlock(&ordered->mutex);
	return 0;
}

int ordered_drain(struct ordered *ordered, struct err *err)
{
	return deliver_until(ordered, 0, err);
}

static void end_workers(struct ordered *ordered)
{
	struct err ignored = ERR_INIT;
	pthread_mutex_lock(&ordered->mutex);
	ordered->closed = true;
	pthread_cond_broadcast(&ordered->submitted_more);
	pthread_mutex_unlock(&ordered->mutex);
	jobs_wait(ordered->jobs, &ignored);
	jobs_free(ordered->jobs);
}

void ordered_free(struct ordered *ordered)
{
	if (!ordered)
		return;
	if (ordered->jobs)
		end_workers(ordered);
	pthread_cond_destroy(&ordered->submitted_more);
	pthread_cond_destroy(&ordered->done_more);
	pthread_mutex_destroy(&ordered->mutex);
	free(ordered->done);
	free(ordered);
}
