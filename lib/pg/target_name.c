/* Which database a target names. */
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"

/* libpq itself knows best (conninfo strings, URIs, services, PG* variables, the role's name): it is
 * asked to begin a connection, which is not waited for. */
char *scratch_target_name(const struct pg_target *target, struct err *err)
{
	const char *keywords[] = { "host", "port", "user", "dbname", NULL };
	const char *values[] = { target->host, target->port, target->user, target->database, NULL };
	PGconn *conn = PQconnectStartParams(keywords, values, 1);
	const char *database = conn ? PQdb(conn) : NULL;
	char *name = database && database[0] ? strdup(database) : NULL;
	/* libpq's own words may hold the password of a URI. */
	if (!name && conn)
		err_set(err, ERR_USAGE,
		        "-d does not name a database, or its connection string can't be read");
	else if (!name)
		err_memory(err, "a connection");
	PQfinish(conn);
	return name;
}
