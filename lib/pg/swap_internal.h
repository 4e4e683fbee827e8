/* The inside of swapping, shared by swap*.c only. */
#ifndef IDKIT_PG_SWAP_INTERNAL_H
#define IDKIT_PG_SWAP_INTERNAL_H

#include "swap.h"

/* What the renaming connection listens to. */
#define SWAP_CHANNEL "idkit_swap"

/* swap_sessions.c: who is connected to a database.  The server's own autovacuum does not count: the
 * server ends it. */

/* Appends a line for each of them, indented, at most a dozen.  Returns how many there are, or -1.
 */
int sessions_describe(struct pg *pg, uint32_t database, struct buf *text, struct err *err);
/* Ends them and does not wait.  ERR_DATABASE names one that the role may not end. */
int sessions_end(struct pg *pg, uint32_t database, struct err *err);
/* The second connection of a swap, and what it does there again and again: ends the sessions (with
 * force), and when there are none sends a NOTIFY and returns true. */
struct pg *sessions_helper(const struct pg *pg, bool force, struct err *err);
bool sessions_hurry(struct pg *helper, uint32_t database);
/* Prepared transactions are as good as sessions, and can't be ended: ERR_DATABASE. */
int sessions_check_prepared(struct pg *pg, const char *name, struct err *err);
/* Refuses what a swap could not end: prepared transactions; without `force` sessions that stay;
 * with it those that the role may not end. */
int sessions_check(struct pg *pg, const char *name, uint32_t database, bool force, struct err *err);

/*
 * swap_outcome.c: after a connection that broke, whose last statement may have been the COMMIT. *pg
 * becomes a new one, and when the server's process `backend` has ended (a COMMIT that waits for a
 * standby is under way without us), the database's OID tells.  -1 appends the reason to `err`,
 * which holds what broke the connection.
 */
int outcome_ask(struct pg **pg, int backend, uint32_t database, const char *name, bool *has_name,
                struct err *err);
/* Appends how to ask by hand whether it has the name `done`, or `undone` still. */
void outcome_explain(uint32_t database, const char *done, const char *undone, struct err *err);

/* swap_setting.c: appends "SET name TO value" for an element of pg_db_role_setting.setconfig. */
void setting_add(struct buf *sql, const char *item);

#endif
