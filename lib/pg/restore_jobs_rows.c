/* Rows of a restore with jobs: to workers, to the plan, or into the main session. */
#include "restore_jobs_internal.h"

/* Where the block's rows go: jobs->target, or NULL for the main session. */
static int choose_target(struct restore *restore, const struct record_data *data, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	const struct copy_table *columns = data->table;
	bool committed = false;
	jobs->target = NULL;
	if (jobs->step_count > 0 && restore_jobs_flush(restore, err) < 0)
		return -1;
	if (jobs->serial || !columns->text_format)
		return 0;
	jobs->target = load_target_known(jobs->targets, data->copy, jobs->changes);
	if (jobs->target)
		return 0;
	if (restore_jobs_carry_customs(restore, err) < 0)
		return -1;
	struct restore_table *table = restore_table_ask(&restore->tables, restore->pg,
	                                                columns->schema, columns->name, columns, err);
	if (!table)
		return -1;
	if (!table->is_free)
		return 0;
	if (restore_jobs_commit(restore, &committed, err) < 0)
		return -1;
	if (!committed)
		return 0;
	jobs->target = load_target_for(&jobs->targets, table, data, jobs->changes, err);
	/* With options of its own it may rely on the one transaction (FREEZE). */
	if (jobs->target && jobs->target->freeze.len == 0)
		jobs->target = NULL;
	return err_is_set(err) ? -1 : 0;
}

static int unpack_for_main(struct restore *restore, const struct record *record,
                           struct unpacker *unpacker, struct err *err)
{
	struct record plain = *record;
	struct slice rows;
	if (chunk_unpack(unpacker, record->data.chunk, record->data.copy, &rows, err) < 0)
		return -1;
	plain.data.chunk = NULL;
	plain.data.sum = NULL;
	plain.data.rows = rows;
	plain.data.row_count = rows_count(rows);
	return restore_take_rows(restore, &plain, err);
}

static int rows_in_main(struct restore *restore, const struct record *record, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	if (record->data.first) {
		if (restore_jobs_flush(restore, err) < 0 || restore_begin(restore, err) < 0)
			return -1;
		jobs->doubtful = jobs->has_rows = true;
		jobs->changes++;
	}
	/* No worker runs: nothing needs the lock. */
	if (!record->data.chunk)
		return restore_take_rows(restore, record, err);
	struct unpacker *unpacker = unpacker_new(err);
	int result = unpacker ? unpack_for_main(restore, record, unpacker, err) : -1;
	unpacker_free(unpacker);
	return result;
}

static int send(struct restore_jobs *jobs, struct load_task *load, struct err *err)
{
	jobs->is_loading = true;
	load->target->table->may_truncate = false;
	load->task.bytes = load_piece_bytes(&load->pieces[0]);
	/* Takes it over, also on error. */
	if (crew_add(jobs->crew, &load->task, err) < 0)
		return -1;
	return crew_wait_for_room(jobs->crew, err);
}

static int send_chunk(struct restore *restore, const struct record *record, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	struct load_task *load = load_task_new(restore, jobs->target,
	                                       restore_maps_now(&jobs->maps), err);
	struct load_piece *piece = load ? load_task_piece(load, err) : NULL;
	if (piece && load_piece_set_chunk(piece, record, err) == 0)
		return send(jobs, load, err);
	load_task_free(load ? &load->task : NULL);
	return -1;
}

static int send_filled(struct restore_jobs *jobs, struct err *err)
{
	struct load_task *load = jobs->filling;
	jobs->filling = NULL;
	return send(jobs, load, err);
}

static struct load_piece *begin_filling(struct restore *restore, const struct record *record,
                                        struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	jobs->filling = load_task_new(restore, jobs->target, restore_maps_now(&jobs->maps), err);
	struct load_piece *piece = jobs->filling ? load_task_piece(jobs->filling, err) : NULL;
	if (!piece)
		return NULL;
	piece->statement = record->place.statement;
	piece->line = record->place.line + rows_count(record->data.copy);
	piece->first = record->data.first;
	return piece;
}

/* Pieces of a block are gathered until they are worth a COPY. */
static int fill(struct restore *restore, const struct record *record, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	const struct record_data *data = &record->data;
	struct load_piece *piece =
		jobs->filling ? &jobs->filling->pieces[0] : begin_filling(restore, record, err);
	if (!piece)
		return -1;
	if (piece->rows.len == 0 && data->rows.len > 0) {
		piece->line = record->place.line + rows_count(data->copy);
		piece->crlf = data->crlf;
	}
	if (piece->rows.len == 0 && !data->last)
		buf_reserve(&piece->rows, LOAD_BYTES + LOAD_BYTES / 4);
	buf_add_slice(&piece->rows, data->rows);
	piece->row_count += data->row_count;
	if (buf_check(&piece->rows, "a table's rows", err) < 0)
		return -1;
	return data->last || piece->rows.len >= LOAD_BYTES ? send_filled(jobs, err) : 0;
}

int restore_jobs_rows(struct restore *restore, const struct record *record, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	if (record->data.first && choose_target(restore, &record->data, err) < 0)
		return -1;
	if (!jobs->target)
		return rows_in_main(restore, record, err);
	if (!record->data.chunk)
		return fill(restore, record, err);
	return record->data.chunk->lasting ? restore_plan_add(restore, record, err)
	                                   : send_chunk(restore, record, err);
}
