#include "unpack_sink.h"

#include <pthread.h>
#include <stdlib.h>

#include "chunk.h"
#include "jobs.h"

/* Chunks that wait for a thread; their bytes are still in the file. */
#define QUEUE_LENGTH 64

struct unpack_worker {
	struct unpack_sink *unpack;
	struct unpacker *unpacker;
	struct sink *branch;
};

struct unpack_sink {
	struct sink sink;
	struct sink *next;
	struct unpack_worker own; /* its branch is the next sink itself, not ours to free */
	struct unpack_worker workers[JOBS_LARGEST];
	int worker_count;
	int wanted; /* jobs */
	struct jobs *jobs;
	struct chunk_gate *gate;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct record queue[QUEUE_LENGTH];
	size_t first;
	size_t count;
	bool closed; /* no more will come */
};

/* A chunk may be a piece of a block; for a branch it becomes a block by itself. */
static int unpack_rows(struct unpack_worker *worker, const struct record *record, struct err *err)
{
	struct record out = *record;
	struct slice rows = SLICE_NONE;
	if (chunk_unpack(worker->unpacker, record->data.chunk, record->data.copy, &rows, err) < 0)
		return -1;
	out.data.chunk = NULL;
	out.data.sum = NULL;
	out.data.rows = rows;
	out.data.row_count = rows_count(rows);
	out.data.first = out.data.last = true;
	int result = sink_write(worker->branch, &out, err);
	unpacker_done(worker->unpacker);
	return result;
}

/* 1 with the next record, 0 when all are done, -1 on error. */
static int take(struct unpack_sink *unpack, struct record *record, struct err *err)
{
	int result = 0;
	pthread_mutex_lock(&unpack->mutex);
	while (unpack->count == 0 && !unpack->closed && result == 0)
		result = jobs_sleep(unpack->jobs, &unpack->changed, &unpack->mutex, err);
	if (result == 0 && unpack->count > 0) {
		*record = unpack->queue[unpack->first];
		unpack->first = (unpack->first + 1) % QUEUE_LENGTH;
		unpack->count--;
		pthread_cond_broadcast(&unpack->changed);
		result = 1;
	}
	pthread_mutex_unlock(&unpack->mutex);
	return result;
}

static int put(struct unpack_sink *unpack, const struct record *record, struct err *err)
{
	int result = 0;
	pthread_mutex_lock(&unpack->mutex);
	while (unpack->count == QUEUE_LENGTH && result == 0)
		result = jobs_sleep(unpack->jobs, &unpack->changed, &unpack->mutex, err);
	if (result == 0) {
		unpack->queue[(unpack->first + unpack->count++) % QUEUE_LENGTH] = *record;
		pthread_cond_broadcast(&unpack->changed);
	}
	pthread_mutex_unlock(&unpack->mutex);
	return result;
}

static int run_worker(void *arg, struct err *err)
{
	struct unpack_worker *worker = arg;
	struct record record = { .kind = RECORD_DATA };
	int result;
	while ((result = take(worker->unpack, &record, err)) > 0)
		if (jobs_check(worker->unpack->jobs, err) < 0 || unpack_rows(worker, &record, err) < 0)
			return -1;
	return result < 0 ? -1 : sink_finish(worker->branch, err);
}

static int start_worker(struct unpack_sink *unpack, struct err *err)
{
	struct unpack_worker *worker = &unpack->workers[unpack->worker_count++];
	worker->unpack = unpack;
	worker->unpacker = unpacker_new(err);
	if (worker->unpacker)
		unpacker_set_gate(worker->unpacker, unpack->gate);
	worker->branch = worker->unpacker ? sink_branch(unpack->next, err) : NULL;
	return worker->branch ? jobs_start(unpack->jobs, run_worker, worker, err) : -1;
}

static int start_workers(struct unpack_sink *unpack, struct err *err)
{
	unpack->jobs = jobs_new(err);
	unpack->gate = unpack->jobs ? chunk_gate_new(unpack->jobs, err) : NULL;
	if (!unpack->gate)
		return -1;
	for (int i = 0; i < unpack->wanted; i++)
		if (start_worker(unpack, err) < 0)
			return -1;
	return 0;
}

static int end_workers(struct unpack_sink *unpack, struct err *err)
{
	pthread_mutex_lock(&unpack->mutex);
	unpack->closed = true;
	pthread_cond_broadcast(&unpack->changed);
	pthread_mutex_unlock(&unpack->mutex);
	return jobs_wait(unpack->jobs, err);
}

static void release_workers(struct unpack_sink *unpack)
{
	jobs_free(unpack->jobs);
	unpack->jobs = NULL;
	for (int i = 0; i < unpack->worker_count; i++) {
		sink_free(unpack->workers[i].branch);
		unpacker_free(unpack->workers[i].unpacker);
	}
	unpack->worker_count = 0;
	chunk_gate_free(unpack->gate);
	unpack->gate = NULL;
}

static int write_chunk(struct unpack_sink *unpack, const struct record *record, struct err *err)
{
	if (unpack->wanted == 1 || !record->data.chunk->lasting) {
		if (!unpack->own.unpacker && !(unpack->own.unpacker = unpacker_new(err)))
			return -1;
		return unpack_rows(&unpack->own, record, err);
	}
	if (!unpack->jobs && start_workers(unpack, err) < 0)
		return -1;
	return put(unpack, record, err);
}

static int unpack_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct unpack_sink *unpack = (struct unpack_sink *)sink;
	if (record->kind == RECORD_DATA && record->data.chunk)
		return write_chunk(unpack, record, err);
	if (record->kind == RECORD_TRAILER && unpack->jobs) {
		if (end_workers(unpack, err) < 0)
			return -1;
		release_workers(unpack);
	}
	return sink_write(unpack->next, record, err);
}

static void unpack_free(struct sink *sink)
{
	struct unpack_sink *unpack = (struct unpack_sink *)sink;
	release_workers(unpack);
	unpacker_free(unpack->own.unpacker);
	pthread_cond_destroy(&unpack->changed);
	pthread_mutex_destroy(&unpack->mutex);
	free(unpack);
}

static const struct sink_ops unpack_ops = { .write = unpack_write, .free = unpack_free };

struct sink *unpack_sink_new(struct sink *next, int jobs, struct err *err)
{
	struct unpack_sink *unpack = calloc(1, sizeof(*unpack));
	if (!unpack) {
		err_memory(err, "chunks of rows");
		return NULL;
	}
	unpack->sink.ops = &unpack_ops;
	unpack->next = next;
	unpack->wanted = jobs;
	unpack->own.branch = next;
	pthread_mutex_init(&unpack->mutex, NULL);
	pthread_cond_init(&unpack->changed, NULL);
	return &unpack->sink;
}
