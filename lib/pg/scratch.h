/*
 * scratch.h - a database under construction: built under a name of its own, then renamed, or dropped.
 *
 *     scratch = scratch_new(target, "keycloak_new", …)   the name must be free
 *     pg = scratch_create(scratch, header, …)            CREATE DATABASE idkit_scratch_…_keycloak_new
 *     …                                                  filled, connection closed
 *     scratch_publish(scratch, err)                      ALTER DATABASE … RENAME TO keycloak_new
 *     scratch_free(scratch)                              not published?  it is dropped
 *
 * What a killed run left behind is recognised by its name and by nobody being connected to it; the
 * next run says so in a note, and drops nothing.
 */
#ifndef IDKIT_PG_SCRATCH_H
#define IDKIT_PG_SCRATCH_H

#include "conn.h"
#include "header.h"

#define SCRATCH_PREFIX "idkit_scratch_"

struct scratch;

/* Connects to the maintenance database (postgres, else template1) and checks that `name` is free:
 * ERR_DATABASE otherwise. */
struct scratch *scratch_new(const struct pg_target *target, const char *name, const char *program,
                            const struct log *log, struct err *err);

/*
 * Creates it, from template0, with encoding and locale of the stream: as its CREATE DATABASE
 * statement says, else as its header does, else the server's defaults.  Returns a connection to
 * it that the caller closes before scratch_publish() or scratch_free().
 */
struct pg *scratch_create(struct scratch *scratch, const struct stream_header *header,
                          struct slice create_sql, struct err *err);

int scratch_publish(struct scratch *scratch, struct err *err);

/* Drops it unless published; when that is not possible, a warning names what is left and how to drop
 * it. */
void scratch_free(struct scratch *scratch);

/* Notes about scratch databases that nobody works on. */
int scratch_report_leftovers(struct pg *pg, const struct log *log, struct err *err);

/* The database's name that a target means: malloc'ed. */
char *scratch_target_name(const struct pg_target *target, struct err *err);

#endif
