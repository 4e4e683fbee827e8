/*
 * waiter.h - who waits for a lock that our session holds.
 */
#ifndef IDKIT_PG_WAITER_H
#define IDKIT_PG_WAITER_H

#include "conn.h"

/* Appends 'session 4711 (role "app", application "psql"): ALTER TABLE …' of the one that waits
 * longest.  1, 0 when nobody waits, -1 on error. */
int waiter_describe(struct pg *pg, struct buf *text, struct err *err);

/* Does a session of this application name wait behind one that waits for us?  1, 0, or -1. */
int waiter_blocks(struct pg *pg, const char *application, struct err *err);

#endif
