/*
 * restore_map.h - the settings that a script has made so far, as statements that make them.
 *
 * A script's place has a map of them: setting → last statement.  A session is brought to the map of
 * what it is to run: workers, which are at many places of the script in turn, and the main session,
 * when statements that were put off are run.
 */
#ifndef IDKIT_PG_RESTORE_MAP_H
#define IDKIT_PG_RESTORE_MAP_H

#include "conn.h"

struct restore_map;

/* All of one restore's; begins as zeroes.  A map that is the same as one before is that one: there are as
 * many as there are states of the session, not as there are statements. */
struct restore_maps {
	const struct restore_map *latest;
	struct restore_map_store *store;
};

/* The script has set `name` (lower case) to what this statement says, whatever was before.
 * "session_authorization" takes the role's back, as the server does. */
int restore_maps_note(struct restore_maps *maps, struct slice name, struct slice sql,
                      struct err *err);
/* The map at this place; lives until the release.  NULL: nothing has been set. */
const struct restore_map *restore_maps_now(const struct restore_maps *maps);
void restore_maps_release(struct restore_maps *maps);

struct restore_session {
	struct pg *pg;
	const struct restore_map *map; /* where it is */
	/* Sets a session that has nothing of the script's any more up as at its beginning. */
	int (*prepare)(void *arg, struct pg *pg, struct err *err);
	void *arg;
};

/* Runs what makes the difference. */
int restore_session_bring(struct restore_session *session, const struct restore_map *map,
                          struct err *err);

#endif
