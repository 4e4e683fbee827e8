/* definitions.c: what the pg_dump child writes becomes part of our stream.  For db_source.c. */
#ifndef IDKIT_PG_DB_SOURCE_INTERNAL_H
#define IDKIT_PG_DB_SOURCE_INTERNAL_H

#include "buf.h"
#include "pg_dump.h"
#include "record.h"

/* Writes the records of the data section. */
typedef int (*definitions_data)(void *arg, struct sink *sink, struct err *err);

/*
 * The child's script begins with a preamble of its own; the stream has ours, and again behind
 * every \connect, since the session is a new one there.  Between its pre-data and its post-data
 * come the rows: before the first object that is post-data's, or a right (these are last of all).
 */
struct definitions {
	struct sink sink;  /* what the child's records are written to */
	struct sink *next; /* where they go on to; borrowed */
	const char *encoding;
	definitions_data data;
	void *data_arg;
	enum section section;
	uint64_t statements;
	const struct buf *inherited; /* keys whose drops are left out (inherited.h); or NULL */
	bool object_seen;
	bool preamble_due;
};

void definitions_init(struct definitions *definitions, struct sink *next, const char *encoding,
                      definitions_data data, void *data_arg);

/* The stream's first statements. */
int definitions_begin(struct definitions *definitions, struct err *err);

/* All the rest: definitions and rows.  Without a child (NULL) the rows alone. */
int definitions_run(struct definitions *definitions, struct pg_dump *child, struct err *err);

#endif
