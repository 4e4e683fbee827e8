/*
 * pgprogram.h - finding PostgreSQL's own programs: pg_dump, pg_restore.
 *
 * Looked for in PATH and where Debian and the PostgreSQL project's packages put each version
 * (/usr/lib/postgresql/N/bin, /usr/pgsql-N/bin); each is asked for its version.
 */
#ifndef IDKIT_STREAM_PGPROGRAM_H
#define IDKIT_STREAM_PGPROGRAM_H

#include "err.h"

/*
 * The one of major version `least_major` when it is installed, else the newest of a later one: pg_dump
 * refuses servers newer than itself, and what it writes may need a server as new as itself.  With 0, the
 * newest.  Returns a malloc'ed path and its major version; NULL with ERR_SYSTEM that says what was
 * found and what to install.
 */
char *pgprogram_find(const char *name, int least_major, int *major, struct err *err);

/* The major version of the program at `path` ("pg_dump (PostgreSQL) 15.8" is 15), or -1. */
int pgprogram_major(const char *path, struct err *err);

#endif
