/*
 * waiter.h - who waits for a lock that our session holds.
 */
#ifndef IDKIT_PG_WAITER_H
#define IDKIT_PG_WAITER_H

#include "conn.h"

/* Appends 'session 4711 (role "app", application "psql"): ALTER TABLE …' of the one that waits
 * longest.  1, 0 when nobody waits, -1 on error. */
int waiter_describe(struct pg *pg, struct buf *text, struct err *err);

#endif
