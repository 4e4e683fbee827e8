#include "restore_load.h"

#include <stdlib.h>
#include <string.h>

/* ---- targets ---- */

static void target_free(struct load_target *target)
{
	if (!target)
		return;
	for (size_t i = 0; target->column_names && i < target->columns.column_count; i++)
		free((char *)target->column_names[i].data);
	free(target->column_names);
	free((char *)target->columns.schema.data);
	free((char *)target->columns.name.data);
	free(target->copy);
	buf_release(&target->run);
	buf_release(&target->freeze);
	buf_release(&target->schema);
	buf_release(&target->name);
	free(target);
}

static bool copy_slice(struct slice from, struct slice *to)
{
	char *copy = slice_dup(from);
	*to = copy ? (struct slice){ copy, from.len } : SLICE_NONE;
	return copy != NULL;
}

static bool copy_columns(struct load_target *target, const struct copy_table *columns)
{
	target->columns = *columns;
	target->columns.schema = target->columns.name = SLICE_NONE;
	target->columns.column_count = 0;
	target->columns.columns = target->column_names =
		calloc(columns->column_count + 1, sizeof(struct slice));
	if (!target->column_names || !copy_slice(columns->schema, &target->columns.schema) ||
	    !copy_slice(columns->name, &target->columns.name))
		return false;
	for (size_t i = 0; i < columns->column_count; i++) {
		if (!copy_slice(columns->columns[i], &target->column_names[i]))
			return false;
		target->columns.column_count++;
	}
	return true;
}

static bool set_stored(struct load_target *target)
{
	target->stored = target->columns;
	if (restore_split_name(target->table->name, &target->schema, &target->name))
		target->stored.schema = buf_slice(&target->schema);
	return !target->schema.failed;
}

static struct load_target *target_new(struct restore_table *table, const struct record_data *data)
{
	struct load_target *target = calloc(1, sizeof(*target));
	if (!target)
		return NULL;
	target->table = table;
	target->copy = slice_dup(data->copy);
	buf_add_slice(&target->run, slice_trim(data->copy));
	restore_freeze_copy(slice_trim(data->copy), true, &target->freeze);
	if (target->copy && copy_columns(target, data->table) && !target->run.failed &&
	    !target->freeze.failed && set_stored(target))
		return target;
	target_free(target);
	return NULL;
}

struct load_target *load_target_known(struct load_target *targets, struct slice copy,
                                      unsigned long changes)
{
	for (; targets; targets = targets->next)
		if (targets->asked == changes && targets->table->is_free && slice_equals(copy, targets->copy))
			return targets;
	return NULL;
}

struct load_target *load_target_for(struct load_target **targets, struct restore_table *table,
                                    const struct record_data *data, unsigned long changes,
                                    struct err *err)
{
	for (struct load_target *target = *targets; target; target = target->next)
		if (target->table == table && slice_equals(data->copy, target->copy)) {
			target->asked = changes;
			return target;
		}
	struct load_target *target = target_new(table, data);
	if (!target) {
		err_memory(err, "a table");
		return NULL;
	}
	target->asked = changes;
	target->next = *targets;
	*targets = target;
	return target;
}

void load_targets_release(struct load_target **targets)
{
	while (*targets) {
		struct load_target *target = *targets;
		*targets = target->next;
		target_free(target);
	}
}

/* ---- tasks ---- */

void load_task_free(struct crew_task *task)
{
	struct load_task *load = (struct load_task *)task;
	if (!load)
		return;
	for (size_t i = 0; i < load->count; i++) {
		buf_release(&load->pieces[i].rows);
		free(load->pieces[i].name);
	}
	free(load->pieces);
	free(load);
}

struct load_piece *load_task_piece(struct load_task *load, struct err *err)
{
	/* Room doubles: powers of two. */
	if ((load->count & (load->count - 1)) == 0) {
		size_t room = load->count ? load->count * 2 : 1;
		struct load_piece *pieces = reallocarray(load->pieces, room, sizeof(*pieces));
		if (!pieces) {
			err_memory(err, "a table's rows");
			return NULL;
		}
		load->pieces = pieces;
	}
	struct load_piece *piece = &load->pieces[load->count++];
	*piece = (struct load_piece){ .rows = BUF_INIT };
	return piece;
}

int load_piece_set_chunk(struct load_piece *piece, const struct record *record, struct err *err)
{
	const struct record_data *data = &record->data;
	piece->is_chunk = true;
	piece->chunk = *data->chunk;
	piece->statement = record->place.statement;
	piece->first = data->first;
	piece->crlf = data->crlf;
	piece->line = data->chunk->line;
	if (data->chunk->lasting)
		return 0;
	piece->name = strdup(data->chunk->place);
	buf_add_slice(&piece->rows, data->chunk->bytes);
	if (!piece->name)
		return err_memory(err, "a table's rows");
	piece->chunk.place = piece->name;
	piece->chunk.bytes = buf_slice(&piece->rows);
	return buf_check(&piece->rows, "a table's rows", err);
}

size_t load_piece_bytes(const struct load_piece *piece)
{
	uint64_t unpacked = piece->is_chunk ? piece->chunk.raw_bytes : 0;
	bool known = unpacked != UINT64_MAX;
	return known && unpacked > piece->rows.len ? (size_t)unpacked : piece->rows.len;
}

/* ---- in a worker ---- */

static struct place first_row(const struct load_piece *piece)
{
	bool is_member = piece->is_chunk && piece->chunk.form == CHUNK_FRAME;
	return (struct place){ piece->line, piece->statement,
		               is_member ? piece->chunk.place : NULL };
}

static int rows_failed(const struct crew_worker *worker, const struct load_task *load,
                       const struct load_piece *piece, const struct err *failed, struct err *err)
{
	const struct place place = first_row(piece);
	return restore_rows_failed(load->restore, worker->session.pg, &place,
	                           &load->target->columns, failed, err);
}

/* What the server took is what the stream is compared with at its end. */
static int add_received(struct crew_worker *worker, const struct load_task *load,
                        const struct load_piece *piece, struct slice rows, uint64_t *row_count,
                        struct err *err)
{
	struct hash128 sum = { 0 };
	struct record record = { .kind = RECORD_DATA };
	record.place.line = piece->line > 1 ? piece->line - 1 : 1; /* that of COPY */
	hash128_rows(rows, piece->crlf, &record.data.row_count, &sum);
	record.data.table = &load->target->columns;
	record.data.rows = rows;
	record.data.first = piece->first;
	record.data.crlf = piece->crlf;
	record.data.sum = &sum;
	*row_count = record.data.row_count;
	crew_lock(worker->crew);
	int result = restore_collect(load->restore, &record, &load->target->stored, err);
	crew_unlock(worker->crew);
	return result;
}

static int unpack(struct crew_worker *worker, const struct load_task *load,
                  const struct load_piece *piece, struct slice *rows, struct err *err)
{
	if (!piece->is_chunk) {
		*rows = buf_slice(&piece->rows);
		return 0;
	}
	struct unpacker *unpacker = crew_unpacker(worker, err);
	if (!unpacker)
		return -1;
	return chunk_unpack(unpacker, &piece->chunk, slice_of(load->target->copy), rows, err);
}

static int copy_rows(struct crew_worker *worker, const struct load_task *load,
                     const struct load_piece *piece, struct slice rows, struct err *err)
{
	struct pg *pg = worker->session.pg;
	struct err failed = ERR_INIT;
	uint64_t sent, taken;
	const char *sql = load->whole ? load->target->freeze.data : load->target->run.data;
	if (pg_copy_in(pg, sql, &failed) < 0) {
		struct place place = first_row(piece);
		place.line -= place.line > 0;
		return restore_statement_failed(load->restore, pg, &place, slice_of(sql), &failed,
		                                err);
	}
	if (pg_copy_in_write(pg, rows, &failed) < 0 || pg_copy_in_end(pg, &taken, &failed) < 0)
		return rows_failed(worker, load, piece, &failed, err);
	if (add_received(worker, load, piece, rows, &sent, err) < 0)
		return -1;
	progress_add(load->restore->options.progress, rows.len, sent);
	const struct place place = first_row(piece);
	return restore_check_taken(load->restore, &place, &load->target->columns, sent, taken, err);
}

/* Whose turn it is with a large chunk waits for nobody who waits for it: who holds locks on a table
 * (load_whole()) is the only one who loads it. */
static int load_pieces(struct crew_worker *worker, struct load_task *load, struct err *err)
{
	for (size_t i = 0; i < load->count; i++) {
		struct slice rows;
		if (unpack(worker, load, &load->pieces[i], &rows, err) < 0 ||
		    copy_rows(worker, load, &load->pieces[i], rows, err) < 0)
			return -1;
		if (worker->unpacker)
			unpacker_done(worker->unpacker);
	}
	return 0;
}

static int load_whole(struct crew_worker *worker, struct load_task *load, struct err *err)
{
	struct pg *pg = worker->session.pg;
	if (pg_exec(pg, "BEGIN", err) < 0 ||
	    pg_execf(pg, err, "TRUNCATE ONLY %s", load->target->table->name) < 0 ||
	    load_pieces(worker, load, err) < 0)
		return -1;
	return pg_commit(pg, err);
}

static int run_load(struct crew_worker *worker, struct crew_task *task, struct err *err)
{
	struct load_task *load = (struct load_task *)task;
	progress_phase(load->restore->options.progress, "rows");
	return load->whole ? load_whole(worker, load, err) : load_pieces(worker, load, err);
}

struct load_task *load_task_new(struct restore *restore, const struct load_target *target,
                                const struct restore_map *map, struct err *err)
{
	struct load_task *load = calloc(1, sizeof(*load));
	if (!load) {
		err_memory(err, "a table's rows");
		return NULL;
	}
	load->task.phase = CREW_ROWS;
	load->task.tables[0] = target->table;
	load->task.exclusive = target->table->has_index;
	load->task.routes = target->table->kind == 'p';
	load->task.map = map;
	load->task.run = run_load;
	load->task.free = load_task_free;
	load->restore = restore;
	load->target = target;
	return load;
}
