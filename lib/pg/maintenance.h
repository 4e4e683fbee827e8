/*
 * maintenance.h - the databases of a server, from outside: made, renamed and dropped on a
 * connection to another one.
 */
#ifndef IDKIT_PG_MAINTENANCE_H
#define IDKIT_PG_MAINTENANCE_H

#include <stdint.h>

#include "conn.h"

/* NAMEDATALEN - 1. */
#define DATABASE_NAME_BYTES 63

/* To postgres, else to template1, with the rest as in `target`; not to the database `name`, which
 * is the one concerned. */
struct pg *maintenance_connect(const struct pg_target *target, const char *name,
                               const char *program, const struct log *log, struct err *err);

/* A new connection in the place of one that broke.  Waits half a minute for a server that starts
 * again (as it does when it lost a backend by kill -9).  On failure *pg is still the old one. */
int maintenance_reconnect(struct pg **pg, struct err *err);

/* *oid is 0 when there is none of that name.  0 or -1. */
int maintenance_find(struct pg *pg, const char *name, uint32_t *oid, struct err *err);

/* Longer than the server's names can be: ERR_USAGE. */
int maintenance_check_name(const char *name, struct err *err);

/* Drops it, and ends sessions in it (from version 13 on); one that is not there is no error. */
int maintenance_drop(struct pg *pg, const char *name, struct err *err);

/* ROLLBACK, also when a signal has come: the connection is needed for the clean-up. */
void maintenance_rollback(struct pg *pg);

/* As maintenance_drop(), on a connection that may be broken: then on new ones, until the server is
 * up again. */
int maintenance_drop_patiently(struct pg *pg, const char *name, struct err *err);

/* Copies `name` to `cut`, as much as fits in `size` bytes with the NUL, cut between characters. */
void maintenance_cut_name(char *cut, size_t size, const char *name);

#endif
