#include "aside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

/* Further names for the same second. */
#define LARGEST_NAME_TRIES 1000

#define TIME_FORMAT "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'"

/* "2026-11-22T16:04:05…" as "20261122T160405Z". */
static void add_stamp(struct buf *name, const char *when)
{
	for (const char *c = when; *c && *c != '.'; c++)
		if (*c != '-' && *c != ':')
			buf_addc(name, *c);
	buf_addc(name, 'Z');
}

static int build_name(const char *name, const char *when, int try,
                      char aside[DATABASE_NAME_BYTES + 1], struct err *err)
{
	struct buf whole = BUF_INIT;
	buf_adds(&whole, ASIDE_PREFIX);
	add_stamp(&whole, when);
	if (try > 1)
		buf_addf(&whole, "_%d", try);
	buf_addf(&whole, "_%s", name);
	int result = buf_check(&whole, "a name", err);
	if (result == 0)
		maintenance_cut_name(aside, DATABASE_NAME_BYTES + 1, whole.data);
	buf_release(&whole);
	return result;
}

/* `ago`: days. */
static int read_time(struct pg *pg, long ago, char when[ASIDE_TIME_BYTES + 1], struct err *err)
{
	struct buf sql = BUF_INIT;
	buf_addf(&sql,
	         "SELECT pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.clock_timestamp()) "
	         "OPERATOR(pg_catalog.-) '%ld days'::pg_catalog.interval, " TIME_FORMAT ")",
	         ago);
	char *text =
	    buf_check(&sql, "a statement", err) == 0 ? pg_query_value(pg, sql.data, err) : NULL;
	if (text)
		snprintf(when, ASIDE_TIME_BYTES + 1, "%s", text);
	free(text);
	buf_release(&sql);
	return text ? 0 : -1;
}

int aside_choose_name(struct pg *pg, const char *name, char when[ASIDE_TIME_BYTES + 1],
                      char aside[DATABASE_NAME_BYTES + 1], struct err *err)
{
	uint32_t taken = 1;
	if (read_time(pg, 0, when, err) < 0)
		return -1;
	for (int try = 1; taken != 0; try++) {
		if (try > LARGEST_NAME_TRIES)
			return err_set(err, ERR_DATABASE, "no name like \"%s\" is free", aside);
		if (build_name(name, when, try, aside, err) < 0 ||
		    maintenance_find(pg, aside, &taken, err) < 0)
			return -1;
	}
	return 0;
}

/* What might be one: the mark is read here. */
static struct pg_rows *query_candidates(struct pg *pg, const char *name, struct err *err)
{
	return pg_queryf(pg, err,
	                 "SELECT d.oid, d.datname, pg_catalog.shobj_description(d.oid, 'pg_database'), "
	                 "pg_catalog.pg_get_userbyid(d.datdba), COALESCE(p.datdba = d.datdba, true), "
	                 "d.datconnlimit = -2 "
	                 "FROM pg_catalog.pg_database d "
	                 "LEFT JOIN pg_catalog.pg_database p ON p.datname = %L "
	                 "WHERE d.datname ~ '^" ASIDE_PREFIX "[0-9]{8}T[0-9]{6}Z_' AND d.datname <> %L",
	                 name, name);
}

static int add_item(struct aside_list *list, const struct pg_rows *rows, int row,
                    const struct aside_mark *mark, struct err *err)
{
	struct aside *item = &list->items[list->count++];
	const char *comment = mark->comment;
	item->oid = (uint32_t)strtoul(pg_value(rows, row, 0), NULL, 10);
	snprintf(item->name, sizeof(item->name), "%s", pg_value(rows, row, 1));
	memcpy(item->when, mark->when, sizeof(item->when));
	item->owner = strdup(pg_value(rows, row, 3));
	item->same_owner = pg_value_bool(rows, row, 4);
	item->is_remnant = pg_value_bool(rows, row, 5);
	item->comment = comment ? strdup(comment) : NULL;
	return !item->owner || (comment && !item->comment) ? err_memory(err, "a list of databases") : 0;
}

static int add_if_marked(struct aside_list *list, const char *name, const struct pg_rows *rows,
                         int row, struct err *err)
{
	struct aside_mark mark;
	const char *text = pg_value(rows, row, 2);
	int result = 0;
	if (!text || !aside_mark_read(text, &mark))
		return 0;
	if (slice_equals(buf_slice(&mark.name), name))
		result = add_item(list, rows, row, &mark, err);
	aside_mark_release(&mark);
	return result;
}

static int compare_newest_first(const void *a, const void *b)
{
	return strcmp(((const struct aside *)b)->when, ((const struct aside *)a)->when);
}

static int add_all(struct aside_list *list, const char *name, const struct pg_rows *rows,
                   struct err *err)
{
	int count = pg_rows_count(rows);
	*list = (struct aside_list){ calloc((size_t)count + 1, sizeof(*list->items)), 0 };
	if (!list->items)
		return err_memory(err, "a list of databases");
	for (int row = 0; row < count; row++)
		if (add_if_marked(list, name, rows, row, err) < 0)
			return -1;
	qsort(list->items, list->count, sizeof(*list->items), compare_newest_first);
	return 0;
}

int aside_list_read(struct pg *pg, const char *name, struct aside_list *list, struct err *err)
{
	struct pg_rows *rows = query_candidates(pg, name, err);
	int result = rows ? add_all(list, name, rows, err) : -1;
	if (rows && result < 0)
		aside_list_release(list);
	pg_rows_free(rows);
	return result;
}

void aside_list_release(struct aside_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].comment);
		free(list->items[i].owner);
	}
	free(list->items);
	*list = (struct aside_list)ASIDE_LIST_INIT;
}

static bool is_marked(const char *comment, const char *name)
{
	struct aside_mark mark;
	if (!comment || !aside_mark_read(comment, &mark))
		return false;
	bool result = slice_equals(buf_slice(&mark.name), name);
	aside_mark_release(&mark);
	return result;
}

static int drop_found(struct pg *pg, const struct pg_rows *rows, const char *aside,
                      const char *name, struct err *err)
{
	const char *now = pg_value(rows, 0, 0);
	if (strcmp(now, aside) != 0)
		return err_set(err, ERR_DATABASE, "it was renamed to \"%s\" meanwhile, and is kept", now);
	if (!is_marked(pg_value(rows, 0, 2), name))
		return err_set(err, ERR_DATABASE, "it has lost idkit's mark meanwhile, and is kept");
	if (pg_value_bool(rows, 0, 1) &&
	    pg_runf(pg, err, "ALTER DATABASE %I IS_TEMPLATE false", aside) < 0)
		return -1;
	return maintenance_drop(pg, aside, err);
}

int aside_drop(struct pg *pg, uint32_t database, const char *aside, const char *name,
               struct err *err)
{
	struct pg_rows *rows = pg_queryf(pg, err,
	                                 "SELECT datname, datistemplate, "
	                                 "pg_catalog.shobj_description(oid, 'pg_database') "
	                                 "FROM pg_catalog.pg_database WHERE oid = %u",
	                                 database);
	int result = rows ? 0 : -1;
	if (rows && pg_rows_count(rows) > 0)
		result = drop_found(pg, rows, aside, name, err);
	pg_rows_free(rows);
	return result;
}

int aside_drop_older(struct pg *pg, const char *name, long days, uint32_t kept,
                     const struct log *log, struct err *err)
{
	struct aside_list list = ASIDE_LIST_INIT;
	char before[ASIDE_TIME_BYTES + 1];
	if (read_time(pg, days, before, err) < 0 || aside_list_read(pg, name, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		const struct aside *item = &list.items[i];
		struct err failed = ERR_INIT;
		if (strcmp(item->when, before) >= 0 || item->oid == kept || !item->same_owner)
			continue;
		if (aside_drop(pg, item->oid, item->name, name, &failed) == 0) {
			log_note(log, "database \"%s\", set aside %s, was dropped", item->name, item->when);
			continue;
		}
		if (failed.kind == ERR_SIGNAL) {
			*err = failed;
			break;
		}
		log_warning(log, "database \"%s\", set aside %s, could not be dropped: %s", item->name,
		            item->when, failed.message);
		err_set(err, ERR_DATABASE, "not all databases that were set aside could be dropped");
	}
	aside_list_release(&list);
	return err_is_set(err) ? -1 : 0;
}
