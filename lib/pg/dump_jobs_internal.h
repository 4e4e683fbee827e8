/* Shared by dump_jobs.c, dump_queue.c and dump_worker.c only. */
#ifndef IDKIT_PG_DUMP_JOBS_INTERNAL_H
#define IDKIT_PG_DUMP_JOBS_INTERNAL_H

#include <pthread.h>

#include "dump_jobs.h"
#include "dump_plan.h"
#include "jobs.h"

/* Ranges of pages are found without reading the rest of the table from this version on. */
#define TID_RANGE_VERSION 140000

/* Tasks that are read one after the other. */
struct batch {
	const struct dump_task *tasks;
	size_t count;
};

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
	int others;    /* at work, who may leave something */
	size_t *parts; /* of each table in the catalog, still to be read */
};

bool dump_worker_is_leader(const struct dump_worker *worker);

/* A worker's thread; `arg` is a struct dump_worker. */
int dump_worker_lead(void *arg, struct err *err);
int dump_worker_follow(void *arg, struct err *err);

/* ---- who reads what (dump_queue.c) ---- */

struct batch batch_of(const struct dump_task *task);

/* The next tasks; none when all are taken. */
struct batch dump_queue_take(struct dump_worker *worker);

/* What the others have left to the leader, waiting for it; none when they have ended, too, or on
 * error. */
struct batch dump_queue_take_left(struct dump_worker *leader, struct err *err);

/* The leader reads it. */
void dump_queue_leave(struct dump_jobs *dump, const struct dump_task *task);

/* One of the others leaves nothing any more. */
void dump_queue_end_other(struct dump_jobs *dump);

/* For the progress. */
void dump_queue_done(struct dump_jobs *dump, const struct dump_task *task);

#endif
