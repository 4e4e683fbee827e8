/*
 * dump_jobs.h - a database's rows by several connections at the same moment.
 *
 * The leader's connection, which took the snapshot and holds all locks to the end, is one of the
 * jobs; the others have connections of their own in sessions like the leader's, under its snapshot.
 * Each writes to a branch of the sink.  The leader alone reads what has an order (dump_plan.h),
 * sequences and large objects.
 *
 * Before a table is read, its connection locks it, without waiting: somebody who queues up for an
 * ACCESS EXCLUSIVE lock behind the leader's would stand before it, and wait for the leader, who
 * waits for the job (lockTableForWorker() in src/bin/pg_dump/parallel.c).  pg_dump fails there;
 * here such a table is left to the leader, who has its lock already.
 *
 *     dump = dump_jobs_new(options, log, err);
 *     dump_jobs_run(dump, leader, catalog, sink, err);     once
 *     dump_jobs_free(dump);
 */
#ifndef IDKIT_PG_DUMP_JOBS_H
#define IDKIT_PG_DUMP_JOBS_H

#include "data_reader.h"

struct dump_jobs_options {
	int jobs;
	const char *snapshot; /* its id; may be NULL with one job */
	bool all_ordered;     /* each table after those that it refers to: that is one job's work */
	struct data_reader_options reader;
};

struct dump_jobs;

/* What the options point at is borrowed. */
struct dump_jobs *dump_jobs_new(const struct dump_jobs_options *options, const struct log *log,
                                struct err *err);
void dump_jobs_free(struct dump_jobs *dump);

/*
 * DATA and STATEMENT records of all that is in the catalog.  One job writes into the sink itself;
 * more need one that can branch, or they become one.  The first error of any job is the error, and
 * all have ended.
 */
int dump_jobs_run(struct dump_jobs *dump, struct pg *leader, const struct catalog *catalog,
                  struct sink *sink, struct err *err);

/* From another thread, before, during or after the run: makes it fail. */
void dump_jobs_stop(struct dump_jobs *dump);

#endif
