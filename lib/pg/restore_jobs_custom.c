/* Settings with names that the script made up ("app.tenant"), which its functions and checks may read. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ident.h"
#include "restore_jobs_internal.h"

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '$';
}

static bool is_known(const struct restore_jobs *jobs, struct slice name)
{
	for (size_t i = 0; i < jobs->custom_count; i++)
		if (slice_equals_nocase(name, jobs->customs[i]))
			return true;
	return false;
}

int restore_jobs_custom(struct restore *restore, struct slice name, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	if (!name.len || !memchr(name.data, '.', name.len) || is_known(jobs, name))
		return 0;
	char **customs = reallocarray(jobs->customs, jobs->custom_count + 1, sizeof(*customs));
	if (customs)
		jobs->customs = customs;
	char *copy = customs ? slice_dup(name) : NULL;
	if (!copy)
		return err_memory(err, "a setting");
	jobs->customs[jobs->custom_count++] = copy;
	jobs->carried = 0;
	return 0;
}

void restore_jobs_forget_customs(struct restore_jobs *jobs)
{
	for (size_t i = 0; i < jobs->custom_count; i++)
		free(jobs->customs[i]);
	free(jobs->customs);
}

/* Behind "current_setting": ('app.tenant' …, with any number of quotes where it is in a string itself.
 * Absent when the name is computed. */
static struct slice read_name(const char *at, const char *end)
{
	struct slice name;
	while (at < end && strchr(" \t\r\n(", *at))
		at++;
	const char *quote = at;
	while (at < end && *at == '\'')
		at++;
	size_t quotes = (size_t)(at - quote);
	name.data = at;
	while (at < end && is_name_byte(*at))
		at++;
	name.len = (size_t)(at - name.data);
	if (!quotes || !name.len || (size_t)(end - at) <= quotes ||
	    memcmp(at, quote, quotes) != 0)
		return SLICE_NONE;
	at += quotes;
	while (at < end && strchr(" \t\r\n", *at))
		at++;
	return at < end && strchr(",):", *at) ? name : SLICE_NONE;
}

int restore_jobs_read_customs(struct restore *restore, struct slice sql, struct err *err)
{
	static const char word[] = "current_setting";
	const size_t len = sizeof(word) - 1;
	const char *end = sql.data + sql.len;
	for (const char *at = sql.data; at && (size_t)(end - at) > len; at++) {
		if ((*at != 'c' && *at != 'C') || strncasecmp(at, word, len) != 0)
			continue;
		at += len;
		struct slice name = read_name(at, end);
		restore->jobs->reads_any |= !name.data;
		if (name.data && restore_jobs_custom(restore, name, err) < 0)
			return -1;
	}
	return 0;
}

/* The statement that sets it to what it is now, or nothing: it is not set, or the server knows it and
 * it is of those that restore_jobs_compare_state() looks at. */
static int ask_value(struct restore *restore, struct slice name, struct buf *sql, struct err *err)
{
	struct buf query = BUF_INIT;
	struct pg_rows *rows = NULL;
	buf_adds(&query, "SELECT pg_catalog.current_setting(");
	sql_add_literal(&query, name);
	buf_adds(&query, ", true) WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_settings WHERE "
	                 "pg_catalog.lower(name) OPERATOR(pg_catalog.=) pg_catalog.lower(");
	sql_add_literal(&query, name);
	buf_adds(&query, "))");
	int result = buf_check(&query, "a statement", err);
	if (result == 0 && !(rows = pg_query(restore->pg, query.data, err)))
		result = -1;
	if (rows && pg_rows_count(rows) > 0 && pg_value_slice(rows, 0, 0).data) {
		restore_jobs_add_set(sql, name, pg_value_slice(rows, 0, 0));
		result = buf_check(sql, "a statement", err);
	}
	pg_rows_free(rows);
	buf_release(&query);
	return result;
}

/* In the main session, too: set for the transaction only, it would end with a commit that there is not
 * without jobs. */
static int carry(struct restore *restore, struct slice name, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	const struct restore_map *before = restore_maps_now(&jobs->maps);
	struct buf sql = BUF_INIT;
	int result = ask_value(restore, name, &sql, err);
	if (result == 0 && sql.len > 0)
		result = restore_maps_note(&jobs->maps, name, buf_slice(&sql), err);
	if (result == 0 && restore_maps_now(&jobs->maps) != before) {
		result = pg_exec(restore->pg, sql.data, err);
		jobs->main.map = restore_maps_now(&jobs->maps);
	}
	buf_release(&sql);
	return result;
}

int restore_jobs_carry_customs(struct restore *restore, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	/* Before 9.6, asking for one that is not set is an error. */
	if (jobs->serial || jobs->carried == jobs->changes + 1 ||
	    pg_server_version(restore->pg) < 90600)
		return 0;
	for (size_t i = 0; i < jobs->custom_count; i++)
		if (carry(restore, slice_of(jobs->customs[i]), err) < 0)
			return -1;
	jobs->carried = jobs->changes + 1;
	return 0;
}
