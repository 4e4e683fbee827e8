#include "restore_map.h"

#include <stdlib.h>
#include <string.h>

#include "session.h"

struct entry {
	char *name;
	char *sql;
};

struct restore_map {
	struct restore_map *older;
	size_t count;
	struct entry entries[]; /* in the order in which they were set last */
};

#define AUTHORIZATION "session_authorization"

static void map_free(struct restore_map *map)
{
	for (size_t i = 0; map && i < map->count; i++) {
		free(map->entries[i].name);
		free(map->entries[i].sql);
	}
	free(map);
}

static const struct entry *find(const struct restore_map *map, struct slice name)
{
	for (size_t i = 0; map && i < map->count; i++)
		if (slice_equals(name, map->entries[i].name))
			return &map->entries[i];
	return NULL;
}

static bool add(struct restore_map *map, struct slice name, struct slice sql)
{
	struct entry *entry = &map->entries[map->count++];
	entry->name = slice_dup(name);
	entry->sql = slice_dup(sql);
	return entry->name && entry->sql;
}

/* Does setting `name` do away with this one? */
static bool replaces(struct slice name, const struct entry *entry)
{
	return slice_equals(name, entry->name) ||
	       (slice_equals(name, AUTHORIZATION) && strcmp(entry->name, "role") == 0);
}

int restore_maps_note(struct restore_maps *maps, struct slice name, struct slice sql,
                      struct err *err)
{
	const struct restore_map *old = maps->latest;
	const struct entry *same = find(old, name);
	if (same && slice_equals(sql, same->sql) && !slice_equals(name, AUTHORIZATION))
		return 0;
	size_t room = old ? old->count + 1 : 1;
	struct restore_map *map = calloc(1, sizeof(*map) + room * sizeof(struct entry));
	bool whole = map != NULL;
	for (size_t i = 0; whole && old && i < old->count; i++)
		if (!replaces(name, &old->entries[i]))
			whole = add(map, slice_of(old->entries[i].name), slice_of(old->entries[i].sql));
	if (!whole || !add(map, name, sql)) {
		map_free(map);
		return err_memory(err, "a script's settings");
	}
	map->older = maps->latest;
	maps->latest = map;
	return 0;
}

const struct restore_map *restore_maps_now(const struct restore_maps *maps)
{
	return maps->latest;
}

void restore_maps_release(struct restore_maps *maps)
{
	while (maps->latest) {
		struct restore_map *map = maps->latest;
		maps->latest = map->older;
		map_free(map);
	}
}

static bool is_role(const struct entry *entry)
{
	return strcmp(entry->name, AUTHORIZATION) == 0 || strcmp(entry->name, "role") == 0;
}

/* Was something else set in front of a role?  The one that the session has may not be allowed to. */
static bool differs_before_role(const struct restore_map *from, const struct restore_map *to)
{
	bool differs = false;
	for (size_t i = 0; from && to && i < to->count; i++) {
		const struct entry *entry = &to->entries[i];
		const struct entry *present = find(from, slice_of(entry->name));
		if (differs && present && is_role(entry))
			return true;
		differs |= !present || strcmp(present->sql, entry->sql) != 0;
	}
	return false;
}

/* What was set and is not to be, or another session user: no statement leads from here to there. */
static bool must_begin_anew(const struct restore_map *from, const struct restore_map *to)
{
	for (size_t i = 0; from && i < from->count; i++)
		if (!find(to, slice_of(from->entries[i].name)))
			return true;
	const struct entry *before = find(from, SLICE_LITERAL(AUTHORIZATION));
	const struct entry *after = find(to, SLICE_LITERAL(AUTHORIZATION));
	return (after && (!before || strcmp(before->sql, after->sql) != 0)) ||
	       differs_before_role(from, to);
}

/* RESET ALL leaves the roles alone; what it takes away that is not the script's, is set again. */
static int begin_anew(struct restore_session *session, struct err *err)
{
	session->map = NULL;
	if (pg_exec(session->pg, "RESET SESSION AUTHORIZATION", err) < 0 ||
	    pg_exec(session->pg, "RESET ROLE", err) < 0 ||
	    pg_exec(session->pg, "RESET ALL", err) < 0 || session_begin(session->pg, err) < 0)
		return -1;
	return session->prepare(session->arg, session->pg, err);
}

int restore_session_bring(struct restore_session *session, const struct restore_map *map,
                          struct err *err)
{
	if (session->map == map)
		return 0;
	if (must_begin_anew(session->map, map) && begin_anew(session, err) < 0)
		return -1;
	for (size_t i = 0; map && i < map->count; i++) {
		const struct entry *entry = &map->entries[i];
		const struct entry *present = find(session->map, slice_of(entry->name));
		if (present && strcmp(present->sql, entry->sql) == 0)
			continue;
		if (pg_exec(session->pg, entry->sql, err) < 0)
			return err_prefix(err, "a session could not be set as the script says (%s)",
			                  entry->sql);
	}
	session->map = map;
	return 0;
}
