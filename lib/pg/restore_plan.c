/* Rows that lie in a file: who loads what, in which order. */
#include <stdlib.h>

#include "restore_jobs_internal.h"

/* Below this, a table's own transaction with TRUNCATE costs more than it saves. */
#define LEAST_FROZEN_BYTES ((uint64_t)256 * 1024)

/* What a row costs the server besides its bytes, in bytes. */
#define ROW_COST 100

static uint64_t chunk_cost(const struct chunk *chunk)
{
	uint64_t bytes = chunk->raw_bytes != UINT64_MAX ? chunk->raw_bytes : chunk->size;
	return bytes + chunk->rows * ROW_COST;
}

/* The table's task so far, if its statement and session are the same. */
static struct load_task *find_task(const struct restore_jobs *jobs, const struct restore_map *map)
{
	/* Chunks of a table mostly come one after the other. */
	for (size_t i = jobs->planned_count; i > 0; i--) {
		struct load_task *load = jobs->planned[i - 1];
		if (load->target == jobs->target)
			return load->task.map == map ? load : NULL;
	}
	return NULL;
}

static struct load_task *add_task(struct restore *restore, const struct load_target *target,
                                  const struct restore_map *map, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	struct load_task **planned =
		reallocarray(jobs->planned, jobs->planned_count + 1, sizeof(struct load_task *));
	if (!planned) {
		err_memory(err, "a table's rows");
		return NULL;
	}
	jobs->planned = planned;
	struct load_task *load = load_task_new(restore, target, map, err);
	if (load)
		planned[jobs->planned_count++] = load;
	return load;
}

int restore_plan_add(struct restore *restore, const struct record *record, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	const struct restore_map *map = restore_maps_now(&jobs->maps);
	struct load_task *load = find_task(jobs, map);
	if (!load)
		load = add_task(restore, jobs->target, map, err);
	struct load_piece *piece = load ? load_task_piece(load, err) : NULL;
	if (!piece || load_piece_set_chunk(piece, record, err) < 0)
		return -1;
	load->cost += chunk_cost(record->data.chunk);
	jobs->target->table->load_cost += chunk_cost(record->data.chunk);
	return 0;
}

/* Each piece becomes a task of its own, of the weight of all. */
static int add_pieces(struct restore *restore, struct load_task *load, struct err *err)
{
	for (size_t i = 0; i < load->count; i++) {
		struct load_task *part =
			load_task_new(restore, load->target, load->task.map, err);
		struct load_piece *piece = part ? load_task_piece(part, err) : NULL;
		if (!piece) {
			load_task_free(part ? &part->task : NULL);
			return -1;
		}
		*piece = load->pieces[i];
		load->pieces[i] = (struct load_piece){ .rows = BUF_INIT };
		part->task.weight = load->task.weight;
		if (crew_add(restore->jobs->crew, &part->task, err) < 0)
			return -1;
	}
	return 0;
}

/* Not in place: rows that others have brought meanwhile would go. */
static bool can_be_frozen(const struct load_task *load)
{
	const struct restore_table *table = load->target->table;
	return load->restore->target.is_own && table->kind == 'r' && table->may_truncate && load->target->freeze.len > 0 &&
	       load->cost >= LEAST_FROZEN_BYTES;
}

/* May rows of the one be in the other's table, too? */
static bool may_meet(const struct restore_table *table, const struct restore_table *other)
{
	return table == other || (table->is_partition && other->kind == 'p');
}

/* The only task that brings rows into its table? */
static bool is_alone(const struct restore_jobs *jobs, const struct load_task *load)
{
	for (size_t i = 0; i < jobs->planned_count; i++)
		if (jobs->planned[i] != load &&
		    may_meet(load->target->table, jobs->planned[i]->target->table))
			return false;
	return true;
}

static void mark_alone(struct restore_jobs *jobs)
{
	for (size_t i = 0; i < jobs->planned_count; i++) {
		struct load_task *load = jobs->planned[i];
		load->whole = can_be_frozen(load) && is_alone(jobs, load);
	}
}

/* Would one worker still be at it when all others have nothing left? */
static bool is_tail(const struct load_task *load, uint64_t total, unsigned jobs)
{
	return load->count > 1 && !load->task.exclusive && load->cost > total / jobs;
}

static int start(struct restore *restore, size_t i, uint64_t total, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	struct load_task *load = jobs->planned[i];
	struct restore_table *table = load->target->table;
	jobs->planned[i] = NULL;
	if (is_tail(load, total, restore->options.jobs)) {
		int result = add_pieces(restore, load, err);
		load_task_free(&load->task);
		table->may_truncate = false;
		return result;
	}
	table->may_truncate = false;
	return crew_add(jobs->crew, &load->task, err);
}

static int by_weight(const void *a, const void *b)
{
	const struct load_task *left = *(struct load_task *const *)a;
	const struct load_task *right = *(struct load_task *const *)b;
	if (left->task.weight != right->task.weight)
		return left->task.weight > right->task.weight ? -1 : 1;
	return left->target->table->oid < right->target->table->oid ? -1 : 1;
}

int restore_plan_start(struct restore *restore, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	uint64_t total = 0;
	int result = 0;
	for (size_t i = 0; i < jobs->planned_count; i++) {
		struct load_task *load = jobs->planned[i];
		load->task.weight = load->cost + load->target->table->build_cost;
		total += load->cost;
	}
	if (jobs->planned_count > 0)
		qsort(jobs->planned, jobs->planned_count, sizeof(struct load_task *), by_weight);
	mark_alone(jobs);
	for (size_t i = 0; i < jobs->planned_count && result == 0; i++)
		result = start(restore, i, total, err);
	for (size_t i = 0; i < jobs->planned_count; i++)
		load_task_free(jobs->planned[i] ? &jobs->planned[i]->task : NULL);
	jobs->is_loading |= jobs->planned_count > 0;
	jobs->planned_count = 0;
	return result;
}
