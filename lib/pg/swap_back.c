/* Back to a database that was set aside. */
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "interrupt.h"
#include "session.h"
#include "swap_internal.h"

static int refuse_nothing(const struct aside_list *list, const char *name, struct err *err)
{
	if (list->count == 0)
		return err_set(err, ERR_DATABASE,
		               "no database was set aside as \"%s\": there is nothing to go back to", name);
	const struct aside *first = &list->items[0];
	if (first->same_owner)
		return err_set(err, ERR_DATABASE,
		               "there is nothing to go back to: a DROP DATABASE \"%s\" was interrupted, "
		               "and the server lets nobody use what is left",
		               first->name);
	return err_set(err, ERR_DATABASE,
	               "there is nothing to go back to that belongs to the owner of database \"%s\"\n"
	               "HINT:  \"%s\" was set aside %s as that, but belongs to role \"%s\"; if it is "
	               "the one, give both the same owner with ALTER DATABASE … OWNER TO.",
	               name, first->name, first->when, first->owner);
}

static bool is_choice(const struct aside *aside)
{
	return aside->same_owner && !aside->is_remnant;
}

/* NULL with the error. */
static const struct aside *choose(const struct aside_list *list, const char *name, struct err *err)
{
	for (size_t i = 0; i < list->count; i++)
		if (is_choice(&list->items[i]))
			return &list->items[i];
	refuse_nothing(list, name, err);
	return NULL;
}

static int check_both(struct pg *pg, const char *name, const char *source, bool force,
                      const struct swap_leftovers *leftovers, const struct log *log,
                      struct err *err)
{
	uint32_t present;
	if (maintenance_find(pg, name, &present, err) < 0 ||
	    (present != 0 && (swap_check(pg, name, force, err) < 0 ||
	                      swap_check_replication(pg, name, leftovers, log, err) < 0)))
		return -1;
	return swap_check(pg, source, force, err);
}

static int go_back(struct pg **pg, const char *name, const struct aside *aside, bool force,
                   const struct swap_leftovers *leftovers, const struct log *log, struct err *err)
{
	struct swap_result result = { 0 };
	const struct swap_request request = {
		.kind = SWAP_BACK,
		.name = name,
		.source = aside->name,
		.comment = aside->comment,
		.force = force,
	};
	if (check_both(*pg, name, aside->name, force, leftovers, log, err) < 0 ||
	    swap_run(pg, &request, log, &result, err) < 0)
		return err_prefix(err,
		                  result.unknown
		                      ? "it is not known whether database \"%s\" was swapped back"
		                      : "database \"%s\" could not be swapped back",
		                  name);
	char what[64 + ASIDE_TIME_BYTES];
	snprintf(what, sizeof(what), "the one again that was set aside %s", aside->when);
	return swap_settle(*pg, name, what, &result, leftovers, log, err);
}

int swap_back(const struct pg_target *target, const char *name, bool force,
              const struct swap_leftovers *leftovers, const char *program, const struct log *log,
              struct err *err)
{
	struct aside_list list = ASIDE_LIST_INIT;
	struct pg *pg = maintenance_connect(target, name, program, log, err);
	int result = -1;
	if (pg && aside_list_read(pg, name, &list, err) == 0) {
		const struct aside *aside = choose(&list, name, err);
		if (aside)
			result = go_back(&pg, name, aside, force, leftovers, log, err);
	}
	aside_list_release(&list);
	pg_free(pg);
	return result;
}

int swap_list(const struct pg_target *target, const char *name, struct buf *text,
              const char *program, const struct log *log, struct err *err)
{
	struct aside_list list = ASIDE_LIST_INIT;
	struct pg *pg = maintenance_connect(target, name, program, log, err);
	int result = pg ? aside_list_read(pg, name, &list, err) : -1;
	for (size_t i = 0; result == 0 && i < list.count; i++)
		if (is_choice(&list.items[i]))
			buf_addf(text, "%s\t%s\n", list.items[i].when, list.items[i].name);
	aside_list_release(&list);
	pg_free(pg);
	return result < 0 ? -1 : buf_check(text, "a list of databases", err);
}

static int mark_postponed(struct pg *pg, const char *name, const char *source, const char *aside,
                          const char *when, struct err *err)
{
	struct buf mark = BUF_INIT;
	struct pg_rows *rows = pg_queryf(pg, err,
	                                 "SELECT pg_catalog.shobj_description(oid, 'pg_database') "
	                                 "FROM pg_catalog.pg_database WHERE datname = %L",
	                                 source);
	int result = -1;
	if (rows && pg_rows_count(rows) == 1) {
		aside_mark_add(&mark, when, name, pg_value(rows, 0, 0));
		if (buf_check(&mark, "a comment", err) == 0)
			result = pg_runf(pg, err, "COMMENT ON DATABASE %I IS %L", source, mark.data);
	}
	pg_rows_free(rows);
	buf_release(&mark);
	return result < 0 ? -1 : pg_runf(pg, err, "ALTER DATABASE %I RENAME TO %I", source, aside);
}

static int postpone(struct pg *pg, const char *name, const char *source, struct swap_result *result,
                    bool *at_commit, struct err *err)
{
	char when[ASIDE_TIME_BYTES + 1];
	if (maintenance_find(pg, source, &result->source, err) < 0 ||
	    aside_choose_name(pg, name, when, result->aside, err) < 0 ||
	    pg_exec(pg, "BEGIN", err) < 0 || session_commit_to_disk(pg, err) < 0 ||
	    swap_copy_properties(pg, name, source, err) < 0 ||
	    mark_postponed(pg, name, source, result->aside, when, err) < 0)
		return -1;
	*at_commit = true;
	interrupt_hold();
	int status = pg_exec(pg, "COMMIT", err);
	interrupt_release();
	return status;
}

int swap_postpone(struct pg **pg, const char *name, const char *source, struct swap_result *result,
                  struct err *err)
{
	bool at_commit = false, is_done = false;
	if (pg_broken(*pg) && maintenance_reconnect(pg, err) < 0)
		return -1;
	int backend = pg_backend_pid(*pg);
	if (postpone(*pg, name, source, result, &at_commit, err) == 0)
		return 0;
	if (!at_commit || !pg_broken(*pg)) {
		maintenance_rollback(*pg);
		return -1;
	}
	if (outcome_ask(pg, backend, result->source, result->aside, &is_done, err) < 0) {
		result->unknown = true;
		return -1;
	}
	if (is_done)
		err_clear(err);
	return is_done ? 0 : -1;
}
