/*
 * target_roles.h - the roles that a stream needs, on the server it is restored into.
 *
 * A filter in front of the restoring sink: it keeps the stream's own definitions of roles
 * (SECTION_GLOBALS) from it.  When the target is opened, before anything is created there,
 * target_roles_prepare() makes the missing roles, if that was asked for, and names those that are still
 * missing, all at once: a restore that would fail in its last minute, at the privileges, does not begin.
 */
#ifndef IDKIT_PG_TARGET_ROLES_H
#define IDKIT_PG_TARGET_ROLES_H

#include "conn.h"
#include "header.h"
#include "record.h"

struct target_roles_options {
	const char *input_name; /* for messages; borrowed */
	bool create;            /* --roles */
	bool no_owner;          /* then owners are not needed */
	bool no_acl;            /* nor are those in privileges */
};

/* Owns `next` from now on, also when NULL is returned on error.  The options are copied. */
struct sink *target_roles_new(const struct target_roles_options *options, struct sink *next,
                              const struct log *log, struct err *err);

/*
 * `pg` is any connection to the server; it is only asked.  Roles are created on another one like it, in
 * a transaction of their own that is committed at once, since they belong to no database: they stay
 * whatever becomes of the restore, which a note says.  ERR_DATABASE when roles are missing; a role
 * without CREATEROLE sends no definition.
 *
 * Definitions with passwords (as hashes) stay out of the server's log when a superuser restores, whatever
 * is logged there, and also when they fail.  Others can't turn logging off: then a log of all statements,
 * or of one that fails, has them.
 */
int target_roles_prepare(struct sink *sink, struct pg *pg, const struct stream_header *header,
                         struct err *err);

#endif
