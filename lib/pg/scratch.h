/*
 * scratch.h - a database under construction: built under a name of its own, then renamed, or
 * dropped.
 *
 *     scratch = scratch_new(target, "keycloak_new", …)   the name must be free
 *     pg = scratch_create(scratch, header, …)            CREATE DATABASE
 * idkit_scratch_…_keycloak_new …                                                  filled,
 * connection closed scratch_publish(scratch, err)                      ALTER DATABASE … RENAME TO
 * keycloak_new scratch_free(scratch)                              not published?  it is dropped
 *
 * Or the name must be taken: then the new database is made like the one that has it, which at the
 * end is set aside (swap.h).
 *
 * What a killed run left behind is recognised by its name and by nobody being connected to it; the
 * next run says so in a note, and drops nothing.
 */
#ifndef IDKIT_PG_SCRATCH_H
#define IDKIT_PG_SCRATCH_H

#include "conn.h"
#include "header.h"
#include "swap.h"

#define SCRATCH_PREFIX "idkit_scratch_"

struct scratch;

struct scratch_options {
	bool swap;                       /* with the database that has the name, which must exist */
	bool force;                      /* with swap: end the sessions in it */
	struct swap_leftovers leftovers; /* with swap */
};

/* Connects to the maintenance database (postgres, else template1) and checks that `name` is free,
 * or with swap that it may be swapped and nobody is connected to it: ERR_DATABASE otherwise. */
struct scratch *scratch_new(const struct pg_target *target, const char *name,
                            const struct scratch_options *options, const char *program,
                            const struct log *log, struct err *err);

/* The connection to the maintenance database; lives as long as the scratch. */
struct pg *scratch_connection(const struct scratch *scratch);

/*
 * Creates it, from template0.  Encoding and locale are the stream's: as its CREATE DATABASE
 * statement says, else as its header does, else the server's defaults; with swap, they are those of
 * the database that has the name, with its owner and tablespace.  Returns a connection to it that
 * the caller closes before scratch_publish() or scratch_free().
 */
struct pg *scratch_create(struct scratch *scratch, const struct stream_header *header,
                          struct slice create_sql, struct err *err);

/* When the server refuses, the database, whole and checked as it is, is kept, and the error says
 * how to go on; only when a new database's name has been taken meanwhile it is not. */
int scratch_publish(struct scratch *scratch, struct err *err);

/* Drops it unless published; when that is not possible, a warning names what is left and how to
 * drop it. */
void scratch_free(struct scratch *scratch);

/* Notes about scratch databases that nobody works on. */
int scratch_report_leftovers(struct pg *pg, const struct log *log, struct err *err);

/* The database's name that a target means: malloc'ed. */
char *scratch_target_name(const struct pg_target *target, struct err *err);

#endif
