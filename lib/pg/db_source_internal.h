/* definitions.c: what pg_dump's children write becomes one part of our stream.  For db_source.c. */
#ifndef IDKIT_PG_DB_SOURCE_INTERNAL_H
#define IDKIT_PG_DB_SOURCE_INTERNAL_H

#include "buf.h"
#include "pg_dump.h"
#include "record.h"

/*
 * Each child's script has its own preamble, \restrict and end mark; the stream has one of each:
 * ours.  The preamble comes again behind every \connect, since the session is a new one there.
 */
struct definitions {
	struct sink sink; /* what a child's records are written to */
	struct sink *next; /* where they go on to; borrowed */
	const char *encoding;
	enum section section;
	uint64_t statements;
	bool drops_only;       /* of this child, only what stands before its first object */
	bool object_seen;      /* in this child */
	bool preamble_due;
	struct buf key;        /* the argument of \restrict, kept to the stream's end */
	struct buf held;       /* an \unrestrict that counts only if more follows */
};

void definitions_init(struct definitions *definitions, const char *encoding);
void definitions_release(struct definitions *definitions);

/* The stream's first statements. */
int definitions_begin(struct definitions *definitions, struct sink *sink, struct err *err);

/*
 * With --clean: the DROP statements of post-data objects, which must come before those of pre-data
 * (a foreign key before the table that it points to): a child of their own writes them.
 */
int definitions_run_drops(struct definitions *definitions, struct pg_dump *child, struct err *err);
int definitions_run(struct definitions *definitions, struct pg_dump *child, enum section section,
                    struct err *err);

/* The stream's last statement. */
int definitions_end(struct definitions *definitions, struct err *err);

#endif
