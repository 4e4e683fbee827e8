/* Rows on their way into the target, in the main session. */
#include "restore_internal.h"

/*
 * Frozen rows are visible to all from the commit on, and nobody has to mark them as such later; that is
 * right only while nobody else sees the table at all, so the server asks that this very transaction
 * made it.  Without triggers and the like, so that nothing looks at rows that are just coming.
 */
static int choose_copy(struct restore *restore, const struct record_data *data, struct err *err)
{
	const struct copy_table *columns = data->table;
	struct slice copy = slice_trim(data->copy);
	struct restore_table *table = NULL;
	buf_reset(&restore->sql);
	if (!restore->jobs && !restore->no_freeze && columns->text_format) {
		table = restore_table_ask(&restore->tables, restore->pg, columns->schema,
		                          columns->name, columns, err);
		if (!table)
			return -1;
	}
	bool frozen = table && table->is_free && table->is_new && table->kind == 'r' &&
	              restore_freeze_copy(copy, true, &restore->sql);
	if (!frozen)
		buf_add_slice(&restore->sql, copy);
	return buf_check(&restore->sql, "a statement", err);
}

static int begin(struct restore *restore, const struct record *record, struct err *err)
{
	struct err failed = ERR_INIT;
	if (choose_copy(restore, &record->data, err) < 0)
		return -1;
	restore->copy_line = record->place.line + rows_count(record->data.copy);
	restore->copy_rows = 0;
	if (pg_copy_in(restore->pg, restore->sql.data, &failed) < 0)
		return restore_statement_failed(restore, restore->pg, &record->place,
		                                slice_trim(record->data.copy), &failed, err);
	return 0;
}

static struct place first_row(const struct restore *restore, const struct record *record)
{
	struct place place = record->place;
	place.line = restore->copy_line;
	return place;
}

static int rows_failed(const struct restore *restore, const struct record *record,
                       const struct err *failed, struct err *err)
{
	const struct place place = first_row(restore, record);
	return restore_rows_failed(restore, restore->pg, &place, record->data.table, failed, err);
}

/* A trigger that was there before may have left rows out. */
int restore_check_taken(const struct restore *restore, const struct place *place,
                        const struct copy_table *table, uint64_t sent, uint64_t taken,
                        struct err *err)
{
	if (taken == sent || !table->text_format)
		return 0;
	return err_set(err, ERR_DATABASE, "%s:%llu: the server took %llu of %llu rows of %.*s%s%.*s",
	               restore_place_name(restore, place), (unsigned long long)place->line,
	               (unsigned long long)taken, (unsigned long long)sent,
	               SLICE_ARG(table->schema), table->schema.len ? "." : "",
	               SLICE_ARG(table->name));
}

static int end(struct restore *restore, const struct record *record, struct err *err)
{
	struct err failed = ERR_INIT;
	uint64_t taken;
	if (pg_copy_in_end(restore->pg, &taken, &failed) < 0)
		return rows_failed(restore, record, &failed, err);
	const struct place place = first_row(restore, record);
	return restore_check_taken(restore, &place, record->data.table, restore->copy_rows, taken,
	                           err);
}

int restore_rows(struct restore *restore, const struct record *record, struct err *err)
{
	const struct record_data *data = &record->data;
	struct err failed = ERR_INIT;
	if (data->first && begin(restore, record, err) < 0)
		return -1;
	restore->copy_rows += data->row_count;
	if (pg_copy_in_write(restore->pg, data->rows, &failed) < 0)
		return rows_failed(restore, record, &failed, err);
	progress_add(restore->options.progress, data->rows.len, data->row_count);
	return data->last ? end(restore, record, err) : 0;
}
