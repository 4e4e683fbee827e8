#include "child.h"

#include "session.h"

int pg_child_prepare(struct pg_child *child, const struct pg *pg, struct err *err)
{
	if (pg_child_conninfo(pg, NULL, &child->conninfo, &child->password, err) < 0)
		return -1;
	return session_child_options(pg, &child->options, err);
}

struct process *pg_child_start(const struct pg_child *child, const char *const *argv,
                               struct err *err)
{
	static const char *const unset_env[] = { "PGSERVICE",     "PGHOST",    "PGHOSTADDR",
		                                 "PGPORT",        "PGDATABASE", "PGUSER",
		                                 "PGTARGETSESSIONATTRS", "PGCLIENTENCODING",
		                                 "PGDATESTYLE",   "PGTZ",      "PGGEQO", NULL };
	const char *set_env[9] = { "PGOPTIONS", child->options.data, "PGAPPNAME",
		                   PG_CHILD_APPLICATION };
	size_t count = 4;
	if (child->password) {
		set_env[count++] = "PGPASSWORD";
		set_env[count++] = child->password;
	}
	if (child->encoding) {
		set_env[count++] = "PGCLIENTENCODING";
		set_env[count++] = child->encoding;
	}
	const struct process_spec spec = {
		.argv = argv,
		.set_env = set_env,
		.unset_env = unset_env,
		.stdin_fd = -1,
	};
	return process_start(&spec, err);
}

void pg_child_release(struct pg_child *child)
{
	buf_release(&child->conninfo);
	buf_release(&child->options);
}
