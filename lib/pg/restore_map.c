#include "restore_map.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "session.h"

/* A statement that sets something; each is there once, however many maps have it. */
struct entry {
	struct entry *next;
	uint64_t hash;
	char *name;
	char *sql;
};

struct restore_map {
	struct restore_map *next;
	uint64_t hash;
	size_t count;
	const struct entry *entries[]; /* in the order in which they were set last */
};

#define BUCKETS 1024

struct restore_map_store {
	struct entry *entries[BUCKETS];
	struct restore_map *maps[BUCKETS];
};

#define AUTHORIZATION "session_authorization"

static const struct entry *find(const struct restore_map *map, struct slice name)
{
	for (size_t i = 0; map && i < map->count; i++)
		if (slice_equals(name, map->entries[i]->name))
			return map->entries[i];
	return NULL;
}

/* ---- what was there before is there once ---- */

static void entry_free(struct entry *entry)
{
	if (!entry)
		return;
	free(entry->name);
	free(entry->sql);
	free(entry);
}

static const struct entry *store_entry(struct restore_map_store *store, struct slice name,
                                       struct slice sql)
{
	uint64_t hash = hash128_of(name.data, name.len).low + hash128_of(sql.data, sql.len).high;
	struct entry **bucket = &store->entries[hash % BUCKETS];
	for (struct entry *entry = *bucket; entry; entry = entry->next)
		if (entry->hash == hash && slice_equals(name, entry->name) &&
		    slice_equals(sql, entry->sql))
			return entry;
	struct entry *entry = calloc(1, sizeof(*entry));
	if (entry) {
		entry->name = slice_dup(name);
		entry->sql = slice_dup(sql);
	}
	if (!entry || !entry->name || !entry->sql) {
		entry_free(entry);
		return NULL;
	}
	entry->hash = hash;
	entry->next = *bucket;
	return *bucket = entry;
}

/* Takes the map over: the result is this one, or an equal one from before. */
static const struct restore_map *store_map(struct restore_map_store *store, struct restore_map *map)
{
	size_t bytes = map->count * sizeof(struct entry *);
	map->hash = hash128_of(map->entries, bytes).low;
	struct restore_map **bucket = &store->maps[map->hash % BUCKETS];
	for (struct restore_map *other = *bucket; other; other = other->next)
		if (other->hash == map->hash && other->count == map->count &&
		    memcmp(other->entries, map->entries, bytes) == 0) {
			free(map);
			return other;
		}
	map->next = *bucket;
	return *bucket = map;
}

static void store_free(struct restore_map_store *store)
{
	for (size_t i = 0; store && i < BUCKETS; i++) {
		while (store->maps[i]) {
			struct restore_map *map = store->maps[i];
			store->maps[i] = map->next;
			free(map);
		}
		while (store->entries[i]) {
			struct entry *entry = store->entries[i];
			store->entries[i] = entry->next;
			entry_free(entry);
		}
	}
	free(store);
}

/* ---- the map at a place ---- */

/* Does setting `name` do away with this one? */
static bool replaces(struct slice name, const struct entry *entry)
{
	return slice_equals(name, entry->name) ||
	       (slice_equals(name, AUTHORIZATION) && strcmp(entry->name, "role") == 0);
}

/* `old` without what the last entry replaces, and that entry behind it. */
static struct restore_map *map_with(const struct restore_map *old, const struct entry *last)
{
	size_t room = old ? old->count + 1 : 1;
	struct restore_map *map = calloc(1, sizeof(*map) + room * sizeof(struct entry *));
	if (!map)
		return NULL;
	for (size_t i = 0; old && i < old->count; i++)
		if (!replaces(slice_of(last->name), old->entries[i]))
			map->entries[map->count++] = old->entries[i];
	map->entries[map->count++] = last;
	return map;
}

int restore_maps_note(struct restore_maps *maps, struct slice name, struct slice sql,
                      struct err *err)
{
	if (!maps->store && !(maps->store = calloc(1, sizeof(*maps->store))))
		return err_memory(err, "a script's settings");
	const struct entry *entry = store_entry(maps->store, name, sql);
	if (entry && find(maps->latest, name) == entry && !slice_equals(name, AUTHORIZATION))
		return 0;
	struct restore_map *map = entry ? map_with(maps->latest, entry) : NULL;
	if (!map)
		return err_memory(err, "a script's settings");
	maps->latest = store_map(maps->store, map);
	return 0;
}

const struct restore_map *restore_maps_now(const struct restore_maps *maps)
{
	return maps->latest;
}

void restore_maps_release(struct restore_maps *maps)
{
	store_free(maps->store);
	maps->store = NULL;
	maps->latest = NULL;
}

/* ---- sessions ---- */

static bool is_role(const struct entry *entry)
{
	return strcmp(entry->name, AUTHORIZATION) == 0 || strcmp(entry->name, "role") == 0;
}

/* Was something else set in front of a role?  The one that the session has may not be allowed to. */
static bool differs_before_role(const struct restore_map *from, const struct restore_map *to)
{
	bool differs = false;
	for (size_t i = 0; from && to && i < to->count; i++) {
		const struct entry *entry = to->entries[i];
		const struct entry *present = find(from, slice_of(entry->name));
		if (differs && present && is_role(entry))
			return true;
		differs |= present != entry;
	}
	return false;
}

/* What was set and is not to be, or another session user: no statement leads from here to there. */
static bool must_begin_anew(const struct restore_map *from, const struct restore_map *to)
{
	for (size_t i = 0; from && i < from->count; i++)
		if (!find(to, slice_of(from->entries[i]->name)))
			return true;
	const struct entry *before = find(from, SLICE_LITERAL(AUTHORIZATION));
	const struct entry *after = find(to, SLICE_LITERAL(AUTHORIZATION));
	return (after && before != after) || differs_before_role(from, to);
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
		const struct entry *entry = map->entries[i];
		if (find(session->map, slice_of(entry->name)) == entry)
			continue;
		if (pg_exec(session->pg, entry->sql, err) < 0)
			return err_prefix(err, "a session could not be set as the script says (%s)",
			                  entry->sql);
	}
	session->map = map;
	return 0;
}
