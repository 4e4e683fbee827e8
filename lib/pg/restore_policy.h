/*
 * restore_policy.h - which statements of a script run in the target, and how.
 */
#ifndef IDKIT_PG_RESTORE_POLICY_H
#define IDKIT_PG_RESTORE_POLICY_H

#include "record.h"
#include "restore.h"

enum restore_action {
	RESTORE_RUN,
	RESTORE_RUN_IF_THERE, /* a DROP before anything was created: what isn't there needs none */
	RESTORE_RUN_RENAMED,  /* about the database: with the target's name in it */
	RESTORE_LEAVE_OUT,    /* and say why, when there is a reason */
	RESTORE_REFUSE,       /* and say why: the script can't be restored in one transaction */
};

/* What has passed so far. */
struct restore_state {
	bool creating;        /* something was created: what is dropped from here on must exist */
	bool transaction_said; /* the note about BEGIN and COMMIT */
	struct buf database;  /* the script's own name of its database; empty when it never said */
};

struct restore_decision {
	enum restore_action action;
	const char *reason; /* NULL: nothing to say */
};

struct restore_decision restore_decide(const struct restore_options *options,
                                       const struct restore_target *target,
                                       struct restore_state *state,
                                       const struct record_statement *statement);

/* Since which server version (as PQserverVersion()) the setting is known; 0 for those that all
 * servers know, or that nobody does: a misspelt one is an error, as in psql. */
int restore_setting_since(struct slice name);

#endif
