/* Rows on their way into the target. */
#include "restore_internal.h"

static int begin(struct restore *restore, const struct record *record, struct err *err)
{
	struct err failed = ERR_INIT;
	buf_reset(&restore->sql);
	buf_add_slice(&restore->sql, slice_trim(record->data.copy));
	if (buf_check(&restore->sql, "a statement", err) < 0)
		return -1;
	restore->copy_line = record->place.line + rows_count(record->data.copy);
	restore->copy_rows = 0;
	if (pg_copy_in(restore->pg, restore->sql.data, &failed) < 0)
		return restore_statement_failed(restore, record, slice_trim(record->data.copy),
		                                &failed, err);
	return 0;
}

static int end(struct restore *restore, const struct record *record, struct err *err)
{
	struct err failed = ERR_INIT;
	uint64_t taken;
	if (pg_copy_in_end(restore->pg, &taken, &failed) < 0)
		return restore_rows_failed(restore, record, &failed, err);
	/* A trigger that was there before may have left rows out. */
	if (taken != restore->copy_rows && record->data.table->text_format)
		return err_set(err, ERR_DATABASE,
		               "%s:%llu: the server took %llu of %llu rows of %.*s%s%.*s",
		               restore->options.input_name, (unsigned long long)restore->copy_line,
		               (unsigned long long)taken, (unsigned long long)restore->copy_rows,
		               SLICE_ARG(record->data.table->schema),
		               record->data.table->schema.len ? "." : "",
		               SLICE_ARG(record->data.table->name));
	return 0;
}

int restore_rows(struct restore *restore, const struct record *record, struct err *err)
{
	const struct record_data *data = &record->data;
	struct err failed = ERR_INIT;
	if (data->first && begin(restore, record, err) < 0)
		return -1;
	restore->copy_rows += data->row_count;
	if (pg_copy_in_write(restore->pg, data->rows, &failed) < 0)
		return restore_rows_failed(restore, record, &failed, err);
	return data->last ? end(restore, record, err) : 0;
}
