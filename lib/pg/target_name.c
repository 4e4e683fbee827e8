/* Which database a target names. */
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"

static char *value_of(PQconninfoOption *options, const char *keyword)
{
	for (PQconninfoOption *option = options; option && option->keyword; option++)
		if (strcmp(option->keyword, keyword) == 0 && option->val && option->val[0])
			return strdup(option->val);
	return NULL;
}

/* PGDATABASE, a service, else the role's name: as libpq does it. */
static char *default_name(const struct pg_target *target)
{
	PQconninfoOption *defaults = PQconndefaults();
	char *name = value_of(defaults, "dbname");
	if (!name && target->user)
		name = strdup(target->user);
	if (!name)
		name = value_of(defaults, "user");
	PQconninfoFree(defaults);
	return name;
}

char *scratch_target_name(const struct pg_target *target, struct err *err)
{
	const char *database = target->database;
	char *name = NULL;
	if (database && !strchr(database, '=') && strncmp(database, "postgres://", 11) != 0 &&
	    strncmp(database, "postgresql://", 13) != 0) {
		name = strdup(database);
	} else if (database) {
		char *why = NULL;
		PQconninfoOption *options = PQconninfoParse(database, &why);
		if (!options) {
			err_set(err, ERR_USAGE, "-d: %.*s", SLICE_ARG(slice_trim(slice_of(why))));
			PQfreemem(why);
			return NULL;
		}
		name = value_of(options, "dbname");
		PQconninfoFree(options);
	}
	if (!name)
		name = default_name(target);
	if (!name)
		err_set(err, ERR_USAGE, "which database? name it with -d");
	return name;
}
