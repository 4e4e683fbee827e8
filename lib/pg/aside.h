/*
 * aside.h - databases that a swap has set aside: their names, their marks, and their end.
 *
 * A database that was set aside is called idkit_old_YYYYMMDDTHHMMSSZ_NAME, and its comment says so:
 *
 *     idkit set aside 2026-11-22T16:04:05.123456Z "keycloak"
 *     the comment that it had before, if any
 *
 * The mark is a comment, and not a setting of the database, because only a superuser may give a
 * database a setting that the server does not know.  What counts as set aside has such a name and
 * such a mark, and its owner is the present database's: nobody can give away a database, so nobody
 * can pass one off for somebody else's.
 */
#ifndef IDKIT_PG_ASIDE_H
#define IDKIT_PG_ASIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "conn.h"
#include "maintenance.h"

#define ASIDE_PREFIX "idkit_old_"
/* "2026-11-22T16:04:05.123456Z", UTC: as texts these compare as the times do. */
#define ASIDE_TIME_BYTES 27

/* ---- marks --------------------------------------------------------------------------------------
 */

struct aside_mark {
	char when[ASIDE_TIME_BYTES + 1];
	struct buf name;     /* the name that it had, whole */
	const char *comment; /* in the text that was read; NULL: it had none */
};

/* `comment` may be NULL. */
void aside_mark_add(struct buf *text, const char *when, const char *name, const char *comment);

/* False when it is none.  `mark` is ours to release when true. */
bool aside_mark_read(const char *text, struct aside_mark *mark);
void aside_mark_release(struct aside_mark *mark);

/* ---- databases ----------------------------------------------------------------------------------
 */

struct aside {
	uint32_t oid;
	char name[DATABASE_NAME_BYTES + 1];
	char when[ASIDE_TIME_BYTES + 1];
	char *comment; /* the one it had; or NULL */
	char *owner;
	bool same_owner; /* as the database that has the name now, if there is one */
	bool is_remnant; /* of an interrupted DROP DATABASE: nobody can use it, but it can be dropped */
};

struct aside_list {
	struct aside *items; /* the newest first */
	size_t count;
};
#define ASIDE_LIST_INIT                                                                            \
	{                                                                                              \
		NULL, 0                                                                                    \
	}

/* Those that were set aside as `name`. */
int aside_list_read(struct pg *pg, const char *name, struct aside_list *list, struct err *err);
void aside_list_release(struct aside_list *list);

/* The time on the server's clock, and a name that is free. */
int aside_choose_name(struct pg *pg, const char *name, char when[ASIDE_TIME_BYTES + 1],
                      char aside[DATABASE_NAME_BYTES + 1], struct err *err);

/*
 * Drops those that were set aside as `name` more than `days` days ago and have the same owner as
 * the present one; `kept` (an OID, or 0) stays.  One that can't be dropped is a warning, and -1 at
 * the end.
 */
int aside_drop_older(struct pg *pg, const char *name, long days, uint32_t kept,
                     const struct log *log, struct err *err);

/*
 * Drops the one that was called `aside` when it was looked for, and was set aside as `name`; also
 * when it is a template.  One that is not there any more is no error.  Whether it is still the one
 * is asked just before, since DROP DATABASE goes by the name: when it has been renamed or has lost
 * its mark, that is ERR_DATABASE.
 */
int aside_drop(struct pg *pg, uint32_t database, const char *aside, const char *name,
               struct err *err);

#endif
