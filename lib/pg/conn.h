/*
 * conn.h - a connection to PostgreSQL.
 *
 * All of libpq that the rest of idkit sees.  Every failure of the server's is ERR_DATABASE; its parts
 * (SQLSTATE, detail, hint, context, position) can be asked for with pg_failure() until the next call
 * on the connection.  While a call blocks, SIGINT cancels the query (PQcancel, which libpq documents
 * as safe in a signal handler).
 *
 * A connection is used by one thread at a time; only pg_cancel() may come from another.
 */
#ifndef IDKIT_PG_CONN_H
#define IDKIT_PG_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "log.h"

enum pg_password {
	PG_PASSWORD_AUTO,   /* asked for on the terminal when the server wants one: psql's default */
	PG_PASSWORD_NEVER,  /* -w */
	PG_PASSWORD_ALWAYS, /* -W */
};

/* Where to connect to, as the user said it.  NULL: libpq's default (PG* variables, service, …). */
struct pg_target {
	const char *database; /* a name, a conninfo string or a URI */
	const char *host;
	const char *port;
	const char *user;
	enum pg_password password;
};

struct pg;

/* Is it a conninfo string or a URI, which may hold a password, rather than a name? */
bool pg_is_conninfo(const char *database);

/* `database_name`, when not NULL, replaces the database of the target.  `program` becomes
 * application_name (unless the user set one).  The session has begun (session.h).  NULL on error,
 * whose message shows nothing of a conninfo string that libpq does not understand (ERR_USAGE). */
struct pg *pg_connect(const struct pg_target *target, const char *database_name,
                      const char *program, const struct log *log, struct err *err);

/* Another connection, to the same server as the same user; database_name NULL: the same database. */
struct pg *pg_connect_like(const struct pg *pg, const char *database_name, struct err *err);

void pg_free(struct pg *pg);

const char *pg_database(const struct pg *pg);
const char *pg_user(const struct pg *pg);
/* Appends 'database "keycloak" on HOST port PORT'. */
void pg_describe(const struct pg *pg, struct buf *text);
/* By a Unix socket or a loopback address: the server runs on this machine, most likely. */
bool pg_is_local(const struct pg *pg);
/* 150008 for 15.8: PQserverVersion(). */
int pg_server_version(const struct pg *pg);
const char *pg_parameter(const struct pg *pg, const char *name);
int pg_backend_pid(const struct pg *pg);
/* Has the connection ended, as far as the last call showed? */
bool pg_broken(const struct pg *pg);
/* Notices and warnings of the server go to the log (as details; warnings as notes). */

/*
 * The connection's parameters for a child program: a conninfo string without any secret, and the
 * password (NULL when there is none), which belongs into the child's PGPASSWORD.  `database_name` as
 * above.  0 or -1.
 */
int pg_child_conninfo(const struct pg *pg, const char *database_name, struct buf *conninfo,
                      const char **password, struct err *err);
/* Appends the connection's "options" ("-c name=value …"): its own, else those of PGOPTIONS. */
int pg_startup_options(const struct pg *pg, struct buf *text, struct err *err);

struct pg_failure {
	const char *sqlstate; /* "" when libpq itself failed */
	const char *message;
	const char *detail; /* these may be NULL */
	const char *hint;
	const char *context;
	const char *table; /* schema.table, when the server says */
	long position;     /* in characters of the statement, from 1; 0: none */
};
const struct pg_failure *pg_failure(const struct pg *pg);

/* A statement whose rows, if any, don't matter.  Sent by the extended protocol, so that the server
 * itself refuses two statements in one. */
int pg_exec(struct pg *pg, const char *sql, struct err *err);
/* As pg_exec(), formatted. */
int pg_execf(struct pg *pg, struct err *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As pg_exec() in two steps: pg_send() does not wait for the server, pg_result() does.  In between no
 * other call on the connection but pg_wait() and pg_cancel(). */
int pg_send(struct pg *pg, const char *sql, struct err *err);
/* In between: waits at most `ms` milliseconds; true when pg_result() will not have to. */
bool pg_wait(struct pg *pg, int ms);
int pg_result(struct pg *pg, struct err *err);

/* Asks the server to end the statement that is under way, if one is, and waits until it has taken the
 * request (not until the statement has ended: that call fails, with SQLSTATE 57014, when it has).  From any
 * thread, also while another is inside a call on the connection; pg_free() must wait for it. */
void pg_cancel(struct pg *pg);

/*
 * COMMIT, and nothing but that: the ROLLBACK that the server makes of it in a transaction that has
 * failed is ERR_DATABASE.  When the connection ends before the answer, the message says that the outcome
 * is not known, and how to ask for it.
 */
int pg_commit(struct pg *pg, struct err *err);

struct pg_rows;
struct pg_rows *pg_query(struct pg *pg, const char *sql, struct err *err);
int pg_rows_count(const struct pg_rows *rows);
/* Text; NULL for NULL.  Lives as long as rows. */
const char *pg_value(const struct pg_rows *rows, int row, int column);
struct slice pg_value_slice(const struct pg_rows *rows, int row, int column);
/* "t" or "f". */
bool pg_value_bool(const struct pg_rows *rows, int row, int column);
void pg_rows_free(struct pg_rows *rows);

/* The only value of the only row, malloc'ed ("" for NULL); NULL on error. */
char *pg_query_value(struct pg *pg, const char *sql, struct err *err);

/* COPY … TO STDOUT: then pg_copy_out_row() until it says 0.  A row has its newline and lives until
 * the next call. */
int pg_copy_out(struct pg *pg, const char *sql, struct err *err);
int pg_copy_out_row(struct pg *pg, struct slice *row, struct err *err);

/* COPY … FROM STDIN: then bytes in pieces of any size, then the end, which says how many rows the
 * server took.  On an error the COPY is over. */
int pg_copy_in(struct pg *pg, const char *sql, struct err *err);
int pg_copy_in_write(struct pg *pg, struct slice bytes, struct err *err);
int pg_copy_in_end(struct pg *pg, uint64_t *rows, struct err *err);

#endif
