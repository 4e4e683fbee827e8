/*
 * restore_crew.h - the workers of a restore, each with its own connection, and what waits for them.
 *
 *     crew = crew_new(…)          opens the connections; threads start with the first task
 *     crew_add(crew, task, err)   from the thread of the sink; any free worker takes it
 *     crew_drain(crew, err)       until all is done
 *     crew_free(crew)             ends what is under way
 *
 * Tasks don't say what they wait for; tables do.  An index build waits until the rows that were added
 * for its table before are in (or routed, for a partition), a foreign key also for the builds on both
 * its tables.  What needs a table
 * for itself waits until nobody else works on it.  Among those that can run, the one with the largest weight is next,
 * foreign keys last.
 *
 * The first error, a worker's or that of the thread of the sink (crew_fail()), ends all.
 */
#ifndef IDKIT_PG_RESTORE_CREW_H
#define IDKIT_PG_RESTORE_CREW_H

#include "chunk.h"
#include "restore_map.h"
#include "restore_table.h"

struct crew;

struct crew_worker {
	struct crew *crew;
	struct restore_session session;
	struct unpacker *unpacker; /* once it was needed: crew_unpacker() */
	struct buf sql;
};

enum crew_phase { CREW_ROWS, CREW_BUILD, CREW_FOREIGN };

struct crew_task {
	struct crew_task *next;
	enum crew_phase phase;
	uint64_t weight;
	size_t bytes; /* that it holds in memory until it is freed */
	struct restore_table *tables[2]; /* the second may be NULL */
	bool exclusive;
	bool routes; /* CREW_ROWS: through a partitioned table, into partitions */
	bool meets;  /* of a partition: those that follow rows wait for all that routes */
	const struct restore_map *map; /* of its place in the script; the session is brought to it first */
	int (*run)(struct crew_worker *worker, struct crew_task *task, struct err *err);
	void (*free)(struct crew_task *task);
};

struct crew_options {
	unsigned jobs;
	size_t bytes;                /* that tasks may hold, for each job: crew_wait_for_room() */
	/* Connections are like this one; it is cancelled with them.  NULL: workers have none (tests). */
	struct pg *main;
	int (*prepare)(void *arg, struct pg *pg, struct err *err); /* a new session */
	void *arg;
	void (*stop_input)(void *arg); /* gets the thread of the sink out of reading; may be NULL */
	void *stop_arg;
};

struct crew *crew_new(const struct crew_options *options, struct err *err);

/* Takes the task over, also on error.  A task may add others while it runs. */
int crew_add(struct crew *crew, struct crew_task *task, struct err *err);

/* Until fewer than two tasks a worker wait, and all that there are hold no more than they may: bounds what
 * is in memory, up to the largest task. */
int crew_wait_for_room(struct crew *crew, struct err *err);
int crew_drain(struct crew *crew, struct err *err);

/* The thread of the sink has failed: all others are to stop.  When a worker had failed before (or a signal
 * come), this error came of that, and `err` is that one's from here on.  Always -1. */
int crew_fail(struct crew *crew, struct err *err);

/* The worker's own, which waits for its turn with a large chunk (chunk_gate.h): unpacker_done() when its
 * rows were used.  NULL on error. */
struct unpacker *crew_unpacker(struct crew_worker *worker, struct err *err);

/* Whatever workers have in common is changed under this lock. */
void crew_lock(struct crew *crew);
void crew_unlock(struct crew *crew);

void crew_free(struct crew *crew);

#endif
