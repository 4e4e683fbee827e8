/*
 * roles.h - the roles that a database's objects need, which belong to the server and so to no dump of
 * a database.
 *
 *     roles = roles_read(pg, options, err)           in the dump's transaction
 *     roles_put_header(roles, header, err)           the names, for who restores
 *     roles_deliver(roles, pg, …, sink, err)         their definitions (SECTION_GLOBALS)
 *     roles_free(roles)
 *
 * Needed are the owners of objects, who is named in privileges, default privileges, policies, user
 * mappings and (with `create`) settings of roles in the database, as the server's own record of such
 * dependencies has it (pg_shdepend).  Defined are also those that they are members of.
 */
#ifndef IDKIT_PG_ROLES_H
#define IDKIT_PG_ROLES_H

#include <stdbool.h>

#include "conn.h"
#include "header.h"
#include "record.h"

/* What the dump's definitions hold. */
struct roles_options {
	bool no_owner;
	bool no_acl;
	bool create; /* CREATE DATABASE, with the database's owner, privileges and settings */
};

struct roles;

struct roles *roles_read(struct pg *pg, const struct roles_options *options, struct err *err);
void roles_free(struct roles *roles);

int roles_put_header(const struct roles *roles, struct stream_header *header, struct err *err);

/*
 * Writes the definitions, from pg_dumpall (the one beside `pg_dump`, when that is given), as one
 * statement that psql may run too: a role that is there already is left as it is, with its
 * attributes and memberships; only one that was missing gets those of the source.  Who granted a
 * membership is kept where the server of the target may be told so.  Attributes that a
 * new role has anyway and that only a superuser may name are left out, so that CREATEROLE is enough.
 * Nothing is written when all roles are the server's own (pg_…).
 */
struct roles_script_options {
	const char *pg_dump; /* --pg-dump, or NULL */
	bool with_passwords; /* as hashes; only superusers can read them */
};
int roles_deliver(const struct roles *roles, struct pg *pg,
                  const struct roles_script_options *options, const struct log *log,
                  struct sink *sink, struct err *err);

#endif
