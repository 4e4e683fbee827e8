/* A script's settings: which of them the target knows, and those that came before its database did. */
#include <stdlib.h>
#include <string.h>

#include "restore_internal.h"

struct restore_early {
	char *sql;
	struct place place;
	enum statement_class class;
	bool standard_strings;
};

/* Left out: a setting that came with a later version than the target's, with a note; what the user has
 * set otherwise. */
static bool is_left_out(struct restore *restore, const struct record *record)
{
	const struct record_statement *statement = &record->statement;
	struct buf name = BUF_INIT, value = BUF_INIT;
	bool left_out = false;
	if (statement_setting(statement->sql, statement->standard_strings, &name, &value)) {
		int since = restore_setting_since(buf_slice(&name));
		bool unknown = pg_server_version(restore->pg) < since;
		left_out = unknown || restore_tuning_sets(&restore->tuning, buf_slice(&name));
		if (unknown)
			log_note(restore->log,
			         "%s:%llu: left out: setting \"%s\" is unknown before PostgreSQL %d, the "
			         "target has %d",
			         restore_place_name(restore, &record->place),
			         (unsigned long long)record->place.line,
			         name.data, since / 10000, pg_server_version(restore->pg) / 10000);
	}
	buf_release(&name);
	buf_release(&value);
	return left_out;
}

static int put_off(struct restore *restore, const struct record *record, struct err *err)
{
	const struct record_statement *statement = &record->statement;
	struct restore_early *early =
		reallocarray(restore->early, restore->early_count + 1, sizeof(*early));
	if (early)
		restore->early = early;
	char *sql = early ? slice_dup(statement->sql) : NULL;
	struct place place = record->place;
	place.name = sql ? strdup(restore_place_name(restore, &place)) : NULL;
	if (!place.name) {
		free(sql);
		return err_memory(err, "a statement");
	}
	early[restore->early_count++] = (struct restore_early){ sql, place, statement->class,
		                                                statement->standard_strings };
	return 0;
}

int restore_setting(struct restore *restore, const struct record *record, struct err *err)
{
	if (!restore->pg)
		return put_off(restore, record, err);
	return is_left_out(restore, record)
	           ? 0
	           : restore_run_record(restore, record, record->statement.sql, err);
}

int restore_early_settings(struct restore *restore, struct err *err)
{
	for (size_t i = 0; i < restore->early_count; i++) {
		const struct restore_early *early = &restore->early[i];
		struct record record = { .kind = RECORD_STATEMENT, .place = early->place };
		record.statement.sql = slice_of(early->sql);
		record.statement.class = early->class;
		record.statement.standard_strings = early->standard_strings;
		if (restore_setting(restore, &record, err) < 0)
			return -1;
	}
	return 0;
}

void restore_early_release(struct restore *restore)
{
	for (size_t i = 0; i < restore->early_count; i++) {
		free(restore->early[i].sql);
		free((char *)restore->early[i].place.name);
	}
	free(restore->early);
}
