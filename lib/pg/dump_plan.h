/*
 * dump_plan.h - who reads what: a catalog's tables as tasks for jobs.
 *
 * The largest come first, so that at the end no job is left alone with a long one.  A table that is
 * too large for that is cut into ranges of pages, but only then: the server takes about a tenth
 * longer for the query that reads a range than for COPY of a table, and reads it through its whole
 * buffer cache (a table alone takes a small ring of buffers).
 */
#ifndef IDKIT_PG_DUMP_PLAN_H
#define IDKIT_PG_DUMP_PLAN_H

#include "data_reader.h"

struct dump_task {
	struct data_part part;
	uint64_t bytes; /* about what the server reads for it */
};

struct dump_plan {
	/* First those that one job reads in this order; then the others, for all, in any. */
	struct dump_task *tasks;
	size_t count;
	size_t ordered_count;
	uint64_t bytes; /* of all */
	size_t table_count;
};

/*
 * The order matters among the configuration tables of extensions, with `all_ordered` everywhere;
 * with one job it is the catalog's.  `page_bytes` is the server's block_size, 0 when it can't read
 * ranges. The catalog is borrowed.
 */
int dump_plan_make(const struct catalog *catalog, int jobs, bool all_ordered, uint32_t page_bytes,
                   struct dump_plan *plan, struct err *err);
void dump_plan_release(struct dump_plan *plan);

#endif
