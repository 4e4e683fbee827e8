/*
 * restore.h - sink: a stream goes into a database, all of it or nothing.
 *
 * Statements run one by one on one connection in one transaction, rows by COPY.  The TRAILER makes it
 * check that what the target received is what the stream vouches for; sink_finish() commits.  Freed
 * before that, everything is rolled back.
 *
 * With jobs, several connections work, and each commits what it does: for a database that nobody sees
 * yet, and that is dropped when the sink was not finished; or in place, when the user said so.
 *
 * Errors of the server (ERR_DATABASE) name the statement's number and line, its beginning, SQLSTATE,
 * message, detail, hint and context; for rows the table and the row's line.  The database's own
 * statements (CREATE DATABASE, \connect) are never run: the caller says which database it is.
 */
#ifndef IDKIT_PG_RESTORE_H
#define IDKIT_PG_RESTORE_H

#include <stdbool.h>

#include "conn.h"
#include "log.h"
#include "progress.h"
#include "record.h"

/*
 * Opens the database to restore into, when it is known what it must be like: called once, with
 * the stream's header and, when the script begins with one, its CREATE DATABASE statement (an absent
 * slice otherwise).  NULL on error.
 */
struct restore_target {
	struct pg *(*open)(void *arg, const struct stream_header *header, struct slice create_sql,
	                   struct err *err);
	void *arg;
	/* The database was made for this stream: statements about the database itself (ALTER DATABASE
	 * … SET, GRANT … ON DATABASE) are run, on its present name. */
	bool is_own;
	/* It takes the place of another and gets the properties of that one: statements about the database
	 * itself are left out all the same. */
	bool keeps_properties;
};

struct restore_options {
	const char *input_name; /* for messages; borrowed */
	bool no_owner;
	bool no_acl;
	bool no_comments;
	bool clean;  /* first drop what the target holds, in the same transaction */
	bool verify; /* before the commit, read all back and compare */
	bool in_place; /* commits as it goes: the only way that can stop half-way */
	const char *role; /* SET ROLE; or NULL */
	unsigned jobs; /* connections that work side by side; above 1 only with target.is_own or in_place */
	struct progress *progress; /* or NULL */
	const char *const *sets; /* settings of the user's, NAME=VALUE */
	size_t set_count;
	/* With jobs: gets source_run() out of reading when a worker has failed; from any thread, more than
	 * once.  May be NULL. */
	void (*stop_input)(void *arg);
	void *stop_arg;
};

/* The options are copied, what they point at is borrowed. */
struct sink *restore_sink_new(const struct restore_target *target,
                              const struct restore_options *options, const struct log *log,
                              struct err *err);

/* When source_run() has failed: the first error, if a worker's was, instead of what came of it, and
 * what it means for the target.  Always -1. */
int restore_sink_explain(struct sink *sink, struct err *err);

#endif
