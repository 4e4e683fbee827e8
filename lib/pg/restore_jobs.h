/*
 * restore_jobs.h - a restore over several connections, whose result is that of the statements one
 * after the other.
 *
 * Definitions run in the main session.  Rows go to workers: from a pipe as they come, from a file (chunks
 * that last) when all of the stream's structure is known to be whole, at the TRAILER.  From the first row on,
 * other statements are put off as steps.  Steps are run, in the script's order,
 * at the TRAILER, or before rows or statements that may depend on them; of neighbours, indexes and
 * constraints are made by the workers side by side, any other statement runs alone in the main
 * session, with nothing under way and all before it committed.
 *
 * What this order can't be proved right for runs in the main session, in one transaction, as without
 * jobs: rows of tables with triggers or foreign keys, everything from the first SAVEPOINT, SET LOCAL,
 * temporary table or deferred constraint on.
 */
#ifndef IDKIT_PG_RESTORE_JOBS_H
#define IDKIT_PG_RESTORE_JOBS_H

#include "restore_internal.h"

/* The main session is open; opens those of the workers. */
struct restore_jobs *restore_jobs_new(struct restore *restore, struct err *err);
void restore_jobs_free(struct restore_jobs *jobs);

/* A statement that is to be run, setting or other; `sql` as it is to be run. */
int restore_jobs_statement(struct restore *restore, const struct record *record, struct slice sql,
                           struct err *err);
int restore_jobs_rows(struct restore *restore, const struct record *record, struct err *err);

/* The stream is whole: all that is left is done. */
int restore_jobs_complete(struct restore *restore, const struct record *record, struct err *err);

/* What the restore has received is changed under this lock; without jobs it is nothing. */
void restore_jobs_lock(struct restore *restore);
void restore_jobs_unlock(struct restore *restore);

/* As crew_fail(), at once when something in the main session or the source has failed; without jobs, and once
 * that was done, nothing. */
int restore_jobs_fail(struct restore *restore, struct err *err);

#endif
