#include "restore_tuning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ident.h"
#include "jobs.h"
#include "session.h"

#define LARGEST_MEMORY_KB (1024ULL * 1024)
#define REMOTE_MEMORY_KB (256ULL * 1024)
#define MEMORY_SHARE 16

unsigned long long restore_tuning_memory(unsigned long long memory_kb, unsigned jobs,
                                         unsigned long long own_kb)
{
	unsigned long long all = memory_kb ? memory_kb / MEMORY_SHARE : REMOTE_MEMORY_KB;
	unsigned long long each = all / (jobs ? jobs : 1);
	if (each > LARGEST_MEMORY_KB)
		each = LARGEST_MEMORY_KB;
	return each > own_kb ? each : own_kb;
}

unsigned restore_tuning_helpers(unsigned processors, unsigned jobs)
{
	return jobs >= processors ? 0 : processors / jobs - 1;
}

static unsigned long long machine_memory_kb(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
	if (pages <= 0 || page_bytes <= 0)
		return 0;
	return (unsigned long long)pages * (unsigned long long)(page_bytes / 1024);
}

/* Everything before the first "=", in lower case where a setting's name is compared. */
static struct slice set_name(const char *set)
{
	return (struct slice){ set, strcspn(set, "=") };
}

bool restore_tuning_sets(const struct restore_tuning *tuning, struct slice name)
{
	char text[64];
	if (name.len >= sizeof(text))
		return false;
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	for (size_t i = 0; i < tuning->set_count; i++)
		if (slice_equals_nocase(set_name(tuning->sets[i]), text))
			return true;
	return false;
}

static bool is_timeout(struct slice name)
{
	return slice_equals_nocase(name, "statement_timeout") ||
	       slice_equals_nocase(name, "lock_timeout");
}

int restore_tuning_check(const struct restore_tuning *tuning, struct err *err)
{
	for (size_t i = 0; i < tuning->set_count; i++) {
		const char *set = tuning->sets[i];
		struct slice name = set_name(set);
		if (name.len == 0 || !set[name.len])
			return err_set(err, ERR_USAGE, "--set \"%s\": NAME=VALUE is expected", set);
		if (session_is_preamble_setting(name) && !is_timeout(name))
			return err_set(err, ERR_USAGE,
			               "--set \"%s\": the restore relies on this setting, which is the "
			               "script's to set",
			               set);
	}
	return 0;
}

static int set_config(struct pg *pg, struct slice name, struct slice value, struct err *err)
{
	struct buf sql = BUF_INIT;
	buf_adds(&sql, "SELECT pg_catalog.set_config(");
	sql_add_literal(&sql, name);
	buf_adds(&sql, ", ");
	sql_add_literal(&sql, value);
	buf_adds(&sql, ", false)");
	int result = buf_check(&sql, "a statement", err);
	if (result == 0)
		result = pg_exec(pg, sql.data, err);
	buf_release(&sql);
	return result;
}

static int set_kilobytes(struct pg *pg, const char *name, unsigned long long kb,
                         const struct log *log, struct err *err)
{
	log_detail(log, "setting %s = %llukB", name, kb);
	return pg_execf(pg, err, "SELECT pg_catalog.set_config('%s', '%llukB', false)", name, kb);
}

static int set_word(struct pg *pg, const char *name, const char *value, const struct log *log,
                    struct err *err)
{
	log_detail(log, "setting %s = %s", name, value);
	return pg_execf(pg, err, "SELECT pg_catalog.set_config('%s', '%s', false)", name, value);
}

static int tune(const struct restore_tuning *tuning, struct pg *pg, const char *name,
                const char *own, const struct log *log, struct err *err)
{
	char number[16];
	unsigned processors = (unsigned)jobs_processors();
	if (strcmp(name, "maintenance_work_mem") == 0) {
		unsigned long long own_kb = strtoull(own, NULL, 10);
		unsigned long long kb = restore_tuning_memory(
			pg_is_local(pg) ? machine_memory_kb() : 0, tuning->jobs, own_kb);
		return kb == own_kb ? 0 : set_kilobytes(pg, name, kb, log, err);
	}
	if (strcmp(name, "synchronous_commit") == 0)
		return tuning->scratch ? set_word(pg, name, "off", log, err) : 0;
	/* How many processors another machine has is not known. */
	if (tuning->jobs < 2 || !pg_is_local(pg))
		return 0;
	snprintf(number, sizeof(number), "%u", restore_tuning_helpers(processors, tuning->jobs));
	return strtoul(own, NULL, 10) <= strtoul(number, NULL, 10)
	           ? 0
	           : set_word(pg, name, number, log, err);
}

/* Those that the server knows, and that the user has not chosen for this connection. */
static struct pg_rows *ask(struct pg *pg, struct err *err)
{
	return pg_query(pg,
	                "SELECT name, setting FROM pg_catalog.pg_settings "
	                "WHERE name OPERATOR(pg_catalog.=) ANY (ARRAY['maintenance_work_mem', "
	                "'max_parallel_maintenance_workers', 'synchronous_commit']) "
	                "AND source OPERATOR(pg_catalog.<>) 'client'",
	                err);
}

static int apply_sets(const struct restore_tuning *tuning, struct pg *pg, const struct log *log,
                      struct err *err)
{
	for (size_t i = 0; i < tuning->set_count; i++) {
		const char *set = tuning->sets[i];
		struct slice name = set_name(set);
		log_detail(log, "setting %s, by --set", set);
		if (set_config(pg, name, slice_of(set + name.len + 1), err) < 0)
			return err_prefix(err, "--set \"%s\"", set);
	}
	return 0;
}

int restore_tuning_apply(const struct restore_tuning *tuning, struct pg *pg, const struct log *log,
                         struct err *err)
{
	struct pg_rows *rows = ask(pg, err);
	int result = rows ? 0 : -1;
	for (int row = 0; result == 0 && row < pg_rows_count(rows); row++)
		result = tune(tuning, pg, pg_value(rows, row, 0), pg_value(rows, row, 1), log, err);
	pg_rows_free(rows);
	return result < 0 ? -1 : apply_sets(tuning, pg, log, err);
}
