#include "pgprogram.h"

#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "process.h"

int pgprogram_major(const char *path, struct err *err)
{
	const char *const argv[] = { path, "--version", NULL };
	struct process_spec spec = { .argv = argv, .stdin_fd = -1 };
	struct buf output = BUF_INIT;
	int major = -1;
	if (process_run(&spec, &output, err) < 0)
		goto out;
	/* "pg_dump (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)" */
	const char *version = output.data ? strstr(output.data, "(PostgreSQL) ") : NULL;
	long number = version ? strtol(version + strlen("(PostgreSQL) "), NULL, 10) : 0;
	if (number > 0 && number < 1000)
		major = (int)number;
	else
		err_set(err, ERR_SYSTEM, "%s --version does not say a PostgreSQL version", path);
out:
	buf_release(&output);
	return major;
}

/* The best so far. */
struct choice {
	char *path;
	int major;
	int wanted;
};

/* The wanted version is better than any other, else the newest is. */
static bool is_better(const struct choice *best, int major)
{
	if (best->major == best->wanted)
		return false;
	return major == best->wanted || major > best->major;
}

static void consider(struct choice *best, const char *path)
{
	struct err ignored = ERR_INIT; /* a program that can't be asked is none of ours */
	/* Asking takes time: Debian's wrapper in PATH is a script. */
	if (best->major == best->wanted || access(path, X_OK) != 0)
		return;
	int major = pgprogram_major(path, &ignored);
	if (!is_better(best, major))
		return;
	char *copy = strdup(path);
	if (!copy)
		return;
	free(best->path);
	best->path = copy;
	best->major = major;
}

static void consider_glob(struct choice *best, const char *pattern, const char *name)
{
	struct buf path = BUF_INIT;
	glob_t found = { 0 };
	buf_addf(&path, pattern, name);
	if (!path.failed && glob(path.data, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			consider(best, found.gl_pathv[i]);
	globfree(&found);
	buf_release(&path);
}

static void consider_path(struct choice *best, const char *name)
{
	const char *folders = getenv("PATH");
	while (folders && *folders) {
		size_t len = strcspn(folders, ":");
		struct buf path = BUF_INIT;
		buf_addf(&path, "%.*s/%s", (int)len, folders, name);
		if (len > 0 && !path.failed)
			consider(best, path.data);
		buf_release(&path);
		folders += len + (folders[len] == ':');
	}
}

char *pgprogram_find(const char *name, int least_major, int *major, struct err *err)
{
	struct choice best = { NULL, -1, least_major };
	/* The packages' own folders first: Debian's /usr/bin/pg_dump is a wrapper that picks
	 * a version by rules of its own. */
	consider_glob(&best, "/usr/lib/postgresql/*/bin/%s", name);
	consider_glob(&best, "/usr/pgsql-*/bin/%s", name);
	consider_path(&best, name);
	if (!best.path) {
		err_set(err, ERR_SYSTEM,
		        "no %s is installed: install PostgreSQL's client programs (Debian: "
		        "postgresql-client)",
		        name);
		return NULL;
	}
	if (best.major < least_major) {
		err_set(err, ERR_SYSTEM,
		        "the newest %s installed is %s of version %d, but the server has version %d: "
		        "install postgresql-client-%d, or name one with --pg-dump",
		        name, best.path, best.major, least_major, least_major);
		free(best.path);
		return NULL;
	}
	if (major)
		*major = best.major;
	return best.path;
}
