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
	struct unpacker *unpacker; /* once it was needed */
	struct buf sql;
};

enum crew_phase { CREW_ROWS, CREW_BUILD, CREW_FOREIGN };

struct crew_task {
	struct crew_task *next;
	enum crew_phase phase;
	uint64_t weight;
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
	struct pg *main;             /* connections are like this one; it is cancelled with them */
	int (*prepare)(void *arg, struct pg *pg, struct err *err); /* a new session */
	void *arg;
	void (*stop_input)(void *arg); /* gets the thread of the sink out of reading; may be NULL */
	void *stop_arg;
};

struct crew *crew_new(const struct crew_options *options, struct err *err);

/* Takes the task over, also on error.  A task may add others while it runs. */
int crew_add(struct crew *crew, struct crew_task *task, struct err *err);

/* Until fewer than two tasks a worker wait: bounds what is in memory. */
int crew_wait_for_room(struct crew *crew, struct err *err);
int crew_drain(struct crew *crew, struct err *err);

/* Has a worker failed (or a signal come)?  0, or -1 with the error instead of what `err` holds, which
 * came of it. */
int crew_explain(struct crew *crew, struct err *err);

/* Whatever workers have in common is changed under this lock. */
void crew_lock(struct crew *crew);
void crew_unlock(struct crew *crew);

void crew_free(struct crew *crew);

#endif
