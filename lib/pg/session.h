/*
 * session.h - the settings that make bytes comparable, whatever the role, the database, the
 * environment or the server's configuration say.
 *
 * A row's digest is over its COPY text, so everything that changes this text is pinned (design,
 * "Sessions"; documentation sections 20.11.2 "Locale and Formatting" and 20.11.1).
 */
#ifndef IDKIT_PG_SESSION_H
#define IDKIT_PG_SESSION_H

#include "conn.h"

/*
 * The first statements of every connection, before any that looks up an operator or an unqualified
 * name: a database's owner chooses its search path, and could have the session of a superuser run
 * functions of his own.  Timeouts, too, or those of the role end what we do.
 */
int session_begin(struct pg *pg, struct err *err);

/* search_path '', as it is from session_begin() on; and the session's own, for scripts that rely on
 * it and for questions about it.  Under that, every operator and function must be qualified. */
int session_pin_path(struct pg *pg, struct err *err);
int session_reset_path(struct pg *pg, struct err *err);

/* Pins them all; client_encoding becomes UTF8, or the database's own where the server can't convert
 * (SQL_ASCII). */
int session_pin(struct pg *pg, struct err *err);

/* As session_pin(), but views and foreign tables can be used: REFRESH MATERIALIZED VIEW, triggers and
 * functions of a script that is restored do. */
int session_pin_formats(struct pg *pg, struct err *err);

/* For restoring scripts of others, which rely on what psql would give them: array_nulls on, and what
 * session_begin() has set.  The search path stays pinned until session_reset_path(). */
int session_pin_basics(struct pg *pg, struct err *err);

/* In a transaction: its COMMIT waits until it is on the server's disk, and so all that the server has
 * committed before, whatever synchronous_commit says.  Only for a transaction that has written. */
int session_commit_to_disk(struct pg *pg, struct err *err);

/* Another client_encoding than the pinned one; NULL leaves it as it is. */
int session_set_encoding(struct pg *pg, const char *encoding, struct err *err);

/* The same settings for a child's PGOPTIONS ("-c name=value …"), behind those that the connection was
 * made with. */
int session_child_options(const struct pg *pg, struct buf *options, struct err *err);

/* Appends the SET statements that a script begins with, and again after each \connect. */
void session_add_preamble(struct buf *script, const char *encoding);

/* Is it one of the settings that session_add_preamble() writes, or pg_dump at that place? */
bool session_is_preamble_setting(struct slice name);

#endif
