/* What the target has received: as the stream names it, and, for --verify, by the names that it has there. */
#include <stdlib.h>

#include "ident.h"
#include "restore_internal.h"
#include "restore_jobs.h"
#include "words.h"

static const struct contents_options lenient = { .lenient = true };

int restore_received_init(struct restore *restore, struct err *err)
{
	restore->received = contents_new(err);
	if (restore->received && restore->options.verify)
		restore->stored = contents_new(err);
	return restore->received && (restore->stored || !restore->options.verify) ? 0 : -1;
}

void restore_received_release(struct restore *restore)
{
	contents_free(restore->received);
	contents_free(restore->stored);
	buf_release(&restore->stored_schema);
	buf_release(&restore->stored_name);
}

/* Both get the same sum of hashes. */
static void add_up(struct record_data *data, struct hash128 *sum)
{
	uint64_t rows = 0;
	if (data->chunk || data->sum)
		return;
	hash128_rows(data->rows, data->crlf, &rows, sum);
	data->sum = sum;
}

static int add_rows(struct restore *restore, const struct record *record,
                    const struct copy_table *stored, struct err *err)
{
	struct record summed = *record;
	struct hash128 sum = { 0 };
	if (restore->stored)
		add_up(&summed.data, &sum);
	if (contents_add(restore->received, &summed, &lenient, err) < 0)
		return -1;
	summed.data.table = stored;
	return restore->stored ? contents_add(restore->stored, &summed, &lenient, err) : 0;
}

int restore_collect(struct restore *restore, const struct record *record,
                    const struct copy_table *stored, struct err *err)
{
	int result;
	if (record->kind == RECORD_DATA)
		result = add_rows(restore, record, stored, err);
	else
		result = contents_add(restore->received, record, &lenient, err);
	return result < 0 ? err_prefix(err, "%s", restore_place_name(restore, &record->place)) : 0;
}

int restore_check_received(struct restore *restore, const struct record *trailer, struct err *err)
{
	if (!trailer->trailer.contents || contents_check_equal(trailer->trailer.contents,
	                                                       restore->received, ERR_INPUT,
	                                                       err) == 0)
		return 0;
	return err_prefix(err, "%s: what the target received is not what the stream holds",
	                  restore->options.input_name);
}

/* ---- names ---- */

bool restore_split_name(const char *written, struct buf *schema, struct buf *name)
{
	struct tokens tokens = tokens_of(slice_of(written), true);
	buf_reset(schema);
	buf_reset(name);
	return sql_take_qualified(&tokens, schema, name);
}

/* A name without a schema is what the session's search path leads to. */
static int find_table(struct restore *restore, const struct copy_table *named, struct err *err)
{
	restore->stored_table = *named;
	if (!restore->stored || named->schema.len > 0)
		return 0;
	const struct restore_table *table = restore_table_ask(
		&restore->tables, restore->pg, named->schema, named->name, named, err);
	if (!table)
		return -1;
	if (table->kind == 0 ||
	    !restore_split_name(table->name, &restore->stored_schema, &restore->stored_name))
		return 0;
	restore->stored_table.schema = buf_slice(&restore->stored_schema);
	return buf_check(&restore->stored_schema, "a name", err);
}

int restore_take_rows(struct restore *restore, const struct record *record, struct err *err)
{
	if (record->data.first && find_table(restore, record->data.table, err) < 0)
		return -1;
	if (restore_collect(restore, record, &restore->stored_table, err) < 0)
		return -1;
	return restore_rows(restore, record, err);
}

/* "SELECT setval('name', …)" with the name that the sequence has, or nothing. */
static int name_sequence(struct restore *restore, const struct record_statement *statement,
                         struct buf *sql, struct err *err)
{
	struct tokens tokens = tokens_of(statement->sql, statement->standard_strings);
	struct buf written = BUF_INIT, query = BUF_INIT;
	struct slice function;
	char *name = NULL;
	int result = 0;
	if (!words_take_call(&tokens, &function))
		goto out;
	const char *begin = tokens.rest.data;
	if (!words_take_string(&tokens, &written))
		goto out;
	buf_adds(&query, "SELECT COALESCE((SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) "
	                 "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
	                 "ON n.oid OPERATOR(pg_catalog.=) c.relnamespace "
	                 "WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(");
	sql_add_literal(&query, buf_slice(&written));
	buf_adds(&query, ")::pg_catalog.oid), '')");
	result = buf_check(&query, "a statement", err);
	if (result == 0 && !(name = pg_query_value(restore->pg, query.data, err)))
		result = -1;
	if (name && name[0]) {
		buf_add(sql, statement->sql.data, (size_t)(begin - statement->sql.data));
		sql_add_literal(sql, slice_of(name));
		buf_add_slice(sql, tokens.rest);
		result = buf_check(sql, "a statement", err);
	}
out:
	free(name);
	buf_release(&written);
	buf_release(&query);
	return result;
}

int restore_note_statement(struct restore *restore, const struct record *record, struct err *err)
{
	struct record named = *record;
	struct buf sql = BUF_INIT;
	int result = 0;
	if (!restore->stored)
		return 0;
	if (record->kind == RECORD_STATEMENT && record->statement.class == CLASS_SETVAL)
		result = name_sequence(restore, &record->statement, &sql, err);
	if (sql.len > 0)
		named.statement.sql = buf_slice(&sql);
	restore_jobs_lock(restore);
	if (result == 0)
		result = contents_add(restore->stored, &named, &lenient, err);
	restore_jobs_unlock(restore);
	buf_release(&sql);
	return result;
}
