/* Shared by roles.c and roles_script.c only. */
#ifndef IDKIT_PG_ROLES_INTERNAL_H
#define IDKIT_PG_ROLES_INTERNAL_H

#include "roles.h"

struct role {
	const char *name; /* lives as long as rows */
	bool needed[STREAM_ROLE_USES]; /* by what; by nothing when others are members of it */
	bool is_superuser_zero; /* the one that initdb made */
};

struct roles {
	struct pg_rows *rows;
	struct role *items; /* by name, byte order */
	size_t count;
};

const struct role *roles_find(const struct roles *roles, struct slice name);

/* pg_…: nobody creates these. */
bool role_is_predefined(const struct role *role);

/*
 * roles_script.c: what pg_dumpall says of the roles, as one guarded DO statement in `sql`, which stays
 * empty when there is none to create.
 */
struct roles_script {
	struct sink sink; /* takes pg_dumpall's records */
	const struct roles *roles;
	const struct log *log;
	struct buf body;
	struct buf scratch;
	size_t created;
	size_t left_out; /* security labels */
};

void roles_script_init(struct roles_script *script, const struct roles *roles,
                       const struct log *log);
int roles_script_finish(struct roles_script *script, struct buf *sql, struct err *err);
void roles_script_release(struct roles_script *script);

#endif
