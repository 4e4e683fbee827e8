/* The inside of a database under construction, shared by scratch*.c only. */
#ifndef IDKIT_PG_SCRATCH_INTERNAL_H
#define IDKIT_PG_SCRATCH_INTERNAL_H

#include "maintenance.h"
#include "scratch.h"

struct scratch {
	struct pg *pg; /* to the maintenance database */
	const struct log *log;
	struct scratch_options options;
	char name[DATABASE_NAME_BYTES + 1];
	char *target;
	bool exists;
};

/* scratch_create.c: the statement that makes it. */
int scratch_build_create(const struct scratch *scratch, const struct stream_header *header,
                         struct slice create_sql, struct buf *sql, struct err *err);

#endif
