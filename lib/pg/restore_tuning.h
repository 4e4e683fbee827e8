/*
 * restore_tuning.h - settings that make a restore faster, set in each of its sessions.
 *
 * maintenance_work_mem      what index builds and foreign keys sort in: of a server on this machine, a
 *                           sixteenth of the memory for all jobs together, at most 1 GB a job; of
 *                           another 256 MB for all; never less than the server's own value
 * max_parallel_maintenance_workers   with several jobs: what processors are left for each of them
 * synchronous_commit        off while a database of our own is built: nobody can see it yet, and its
 *                           rename is a commit that waits; the log is written in order, so that when
 *                           the rename is on disk, all before it is
 *
 * What the user has set (PGOPTIONS, a connection string's options) stays; --set comes last, and the
 * script can't change it.
 */
#ifndef IDKIT_PG_RESTORE_TUNING_H
#define IDKIT_PG_RESTORE_TUNING_H

#include "conn.h"

struct restore_tuning {
	unsigned jobs;
	bool scratch;            /* a database of our own */
	const char *const *sets; /* --set NAME=VALUE; borrowed */
	size_t set_count;
};

/* ERR_USAGE when a --set has no "=", or names what the restore relies on. */
int restore_tuning_check(const struct restore_tuning *tuning, struct err *err);

/* `log` hears what was set; NULL for all sessions but the first. */
int restore_tuning_apply(const struct restore_tuning *tuning, struct pg *pg, const struct log *log,
                         struct err *err);

/* Is the setting (lower case) the user's by --set? */
bool restore_tuning_sets(const struct restore_tuning *tuning, struct slice name);

/* maintenance_work_mem in kB, from what is known: memory in kB (0: not known), the server's own value. */
unsigned long long restore_tuning_memory(unsigned long long memory_kb, unsigned jobs,
                                         unsigned long long own_kb);
/* max_parallel_maintenance_workers. */
unsigned restore_tuning_helpers(unsigned processors, unsigned jobs);

#endif
