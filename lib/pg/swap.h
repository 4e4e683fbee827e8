/*
 * swap.h - a database takes the name of another one, which is set aside, in one transaction.
 *
 * ALTER DATABASE … RENAME is transactional, so the name is never missing, and whatever fails leaves
 * all as it was.  While it renames, the server holds the database's lock: clients that connect wait
 * for it, are then told once that the database has just been renamed, and find the other one when
 * they connect again.  How short that is depends on the sessions that are still there (swap.c).
 *
 * The role must own both databases, or be a member of their owner, and have CREATEDB.
 */
#ifndef IDKIT_PG_SWAP_H
#define IDKIT_PG_SWAP_H

#include <stdbool.h>

#include "aside.h"
#include "conn.h"

enum swap_kind {
	SWAP_NAME_ONLY,  /* nobody has the name: the source gets it */
	SWAP_PROPERTIES, /* the source gets the properties of the one that is set aside */
	SWAP_BACK,       /* the source was set aside: its mark is taken off */
};

struct swap_request {
	enum swap_kind kind;
	const char *name;    /* that changes hands */
	const char *source;  /* the database that gets it */
	const char *comment; /* SWAP_BACK: what the source's comment was; or NULL */
	bool force;          /* end the sessions in both */
};

struct swap_result {
	uint32_t source;                     /* the database that gets the name */
	uint32_t old;                        /* the database that was set aside; 0: there was none */
	char aside[DATABASE_NAME_BYTES + 1]; /* its name now */
	bool unknown; /* on failure: it may have happened all the same, the error says how to ask */
};

/*
 * *pg is a connection to a third database, replaced when it breaks; when it breaks at the COMMIT, a
 * new one tells what has become of it, and only when there is none to be had that stays `unknown`.
 * Sessions that go by themselves are waited for, a few seconds for those in the database that has
 * the name, a minute for those in the source.  ERR_DATABASE when they do not go, with a list; then,
 * as after every other failure, nothing has changed.
 */
int swap_run(struct pg **pg, const struct swap_request *request, const struct log *log,
             struct swap_result *result, struct err *err);

/* Before the work of hours: may we swap it at all, and could we now?  ERR_DATABASE says why not. */
int swap_check(struct pg *pg, const char *name, bool force, struct err *err);

/* In a transaction of the caller's: `to` gets owner, privileges, settings, comment, limits and
 * security labels of the database `from`. */
int swap_copy_properties(struct pg *pg, const char *from, const char *to, struct err *err);

/* The result of hours could not take the name: it gets the properties and is marked as set aside,
 * so that swap_back() makes up for the swap.  result->aside is its name then; `unknown` is as
 * above. */
int swap_postpone(struct pg **pg, const char *name, const char *source, struct swap_result *result,
                  struct err *err);

/* What happens to the databases that were set aside, behind a swap. */
struct swap_leftovers {
	bool drop_old;  /* the one of this swap goes */
	long keep_days; /* older ones go; 0: all; negative: none */
};

/* Before, too: a warning when subscriptions or logical replication slots go with the old database,
 * and ERR_DATABASE when they keep the server from dropping it, as it is to be. */
int swap_check_replication(struct pg *pg, const char *name, const struct swap_leftovers *leftovers,
                           const struct log *log, struct err *err);

/* Says that the database `name` is now `what` ("the restored one"), and what has become of the one
 * before; drops what is to be dropped. */
int swap_settle(struct pg *pg, const char *name, const char *what, const struct swap_result *result,
                const struct swap_leftovers *leftovers, const struct log *log, struct err *err);

/* Appends "idrestore --swap-back -d NAME", for a shell. */
void swap_add_way_back(struct buf *text, const char *name, bool force);

/* The database that was set aside last gets its name back, the present one is set aside.  When
 * there is no present one, the other gets its name all the same. */
int swap_back(const struct pg_target *target, const char *name, bool force,
              const struct swap_leftovers *leftovers, const char *program, const struct log *log,
              struct err *err);

/* Those that swap_back() chooses from: lines "WHEN<TAB>DATABASE", the newest first. */
int swap_list(const struct pg_target *target, const char *name, struct buf *text,
              const char *program, const struct log *log, struct err *err);

#endif
