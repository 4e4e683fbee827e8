/*
 * child.h - PostgreSQL's own programs on the server that a connection leads to: pg_dump, pg_dumpall.
 *
 *     struct pg_child child = PG_CHILD_INIT;
 *     pg_child_prepare(&child, pg, err)
 *     … argv with child.conninfo.data …
 *     process = pg_child_start(&child, argv, err)
 *     pg_child_release(&child)                       also while the process runs
 *
 * What the connection has decided (host, port, user, settings) is not decided anew: the variables of
 * libpq that could are not handed down.  The password is, in PGPASSWORD.
 */
#ifndef IDKIT_PG_CHILD_H
#define IDKIT_PG_CHILD_H

#include "conn.h"
#include "process.h"

/* Their application_name. */
#define PG_CHILD_APPLICATION "iddump"

struct pg_child {
	struct buf conninfo; /* for --dbname */
	struct buf options;  /* PGOPTIONS */
	const char *password; /* lives as long as the connection; or NULL */
	const char *encoding; /* PGCLIENTENCODING; NULL: none.  Borrowed. */
};

#define PG_CHILD_INIT { BUF_INIT, BUF_INIT, NULL, NULL }

int pg_child_prepare(struct pg_child *child, const struct pg *pg, struct err *err);
struct process *pg_child_start(const struct pg_child *child, const char *const *argv,
                               struct err *err);
void pg_child_release(struct pg_child *child);

#endif
