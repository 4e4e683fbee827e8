/* Statements that were put off: indexes and constraints side by side, all others in order. */
#include <stdlib.h>
#include <string.h>

#include "restore_jobs_internal.h"

/* A small table's constraint is made by its one statement: two cost more than what goes on beside it. */
#define LEAST_SPLIT_BYTES ((uint64_t)4 * 1024 * 1024)
#define DEADLOCK_ATTEMPTS 5

struct build {
	struct crew_task task;
	struct restore *restore;
	const struct restore_step *step;
	bool in_steps; /* post_task.h: a key's index first, a foreign key's validation last */
	bool is_second;
};

static void step_release(struct restore_step *step)
{
	free(step->sql);
	free((char *)step->place.name);
	post_task_release(&step->task);
}

void restore_post_release(struct restore_jobs *jobs)
{
	for (size_t i = 0; i < jobs->step_count; i++)
		step_release(&jobs->steps[i]);
	free(jobs->steps);
	jobs->steps = NULL;
	jobs->step_count = jobs->step_bytes = 0;
}

int restore_post_put_off(struct restore *restore, const struct record *record, struct slice sql,
                         struct post_task *task, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	/* Room doubles: powers of two. */
	if ((jobs->step_count & (jobs->step_count - 1)) == 0) {
		size_t room = jobs->step_count ? jobs->step_count * 2 : 1;
		struct restore_step *steps = reallocarray(jobs->steps, room, sizeof(*steps));
		if (!steps)
			return err_memory(err, "a statement");
		jobs->steps = steps;
	}
	struct restore_step step = {
		.sql = slice_dup(sql),
		.place = record->place,
		.standard_strings = record->statement.standard_strings,
		.map = restore_maps_now(&jobs->maps),
		.task = *task,
	};
	step.place.name = strdup(restore_place_name(restore, &record->place));
	if (!step.sql || !step.place.name) {
		free(step.sql);
		free((char *)step.place.name);
		return err_memory(err, "a statement");
	}
	*task = (struct post_task)POST_TASK_INIT;
	jobs->steps[jobs->step_count++] = step;
	jobs->step_bytes += sql.len + strlen(step.place.name) + sizeof(step);
	return 0;
}

/* ---- in a worker ---- */

static int run_here(struct crew_worker *worker, const struct build *build, const char *sql,
                    struct err *err)
{
	struct pg *pg = worker->session.pg;
	struct err failed = ERR_INIT;
	for (int i = 0; i < DEADLOCK_ATTEMPTS; i++) {
		failed = (struct err)ERR_INIT;
		if (pg_exec(pg, sql, &failed) == 0)
			return 0;
		if (failed.kind != ERR_DATABASE || strcmp(pg_failure(pg)->sqlstate, "40P01") != 0)
			break;
	}
	return restore_statement_failed(build->restore, pg, &build->step->place,
	                                slice_of(build->step->sql), &failed, err);
}

static void build_free(struct crew_task *task)
{
	free(task);
}

static int run_build(struct crew_worker *worker, struct crew_task *task, struct err *err);

static struct build *build_new(struct restore *restore, const struct restore_step *step,
                               struct err *err)
{
	struct build *build = calloc(1, sizeof(*build));
	if (!build) {
		err_memory(err, "a statement");
		return NULL;
	}
	build->restore = restore;
	build->step = step;
	build->task.phase = step->task.kind == POST_FOREIGN_KEY ? CREW_FOREIGN : CREW_BUILD;
	build->task.exclusive = step->task.kind != POST_INDEX;
	build->task.map = step->map;
	build->task.run = run_build;
	build->task.free = build_free;
	for (size_t i = 0; i < 2; i++) {
		const struct restore_table *table = step->tables[i];
		build->task.tables[i] = step->tables[i];
		build->task.meets |= table && (table->is_partition || table->kind == 'p');
		build->task.weight += table ? table->bytes + table->load_cost : 0;
	}
	if (build->task.tables[0] == build->task.tables[1])
		build->task.tables[1] = NULL;
	return build;
}

/*
 * A key's constraint takes the index over: a moment, for which it needs the table for itself.  While a
 * foreign key is validated, others may refer to the same table.
 */
static int add_second(struct crew_worker *worker, const struct build *build, struct err *err)
{
	struct build *next = build_new(build->restore, build->step, err);
	if (!next)
		return -1;
	next->in_steps = true;
	next->is_second = true;
	next->task.tables[1] = NULL;
	return crew_add(worker->crew, &next->task, err);
}

static int run_build(struct crew_worker *worker, struct crew_task *task, struct err *err)
{
	struct build *build = (struct build *)task;
	const struct post_task *post = &build->step->task;
	progress_phase(build->restore->options.progress, "indexes");
	if (!build->in_steps)
		return run_here(worker, build, build->step->sql, err);
	if (build->is_second)
		return run_here(worker, build, post->second_sql.data, err);
	if (run_here(worker, build, post->first_sql.data, err) < 0)
		return -1;
	return add_second(worker, build, err);
}

/* ---- which may run side by side ---- */

/* Nothing is run in between: what was answered for one statement of the batch holds for the next. */
static struct restore_table *answered(const struct restore_jobs *jobs, size_t from,
                                      const struct restore_step *step, struct slice schema,
                                      struct slice name)
{
	for (size_t i = from; &jobs->steps[i] != step; i++) {
		const struct restore_step *other = &jobs->steps[i];
		const struct post_task *post = &other->task;
		if (other->map != step->map)
			continue;
		if (other->tables[0] && slice_equal(name, buf_slice(&post->table)) &&
		    slice_equal(schema, buf_slice(&post->schema)))
			return other->tables[0];
		if (other->tables[1] && slice_equal(name, buf_slice(&post->referenced_table)) &&
		    slice_equal(schema, buf_slice(&post->referenced_schema)))
			return other->tables[1];
	}
	return NULL;
}

static struct restore_table *ask_table(struct restore *restore, size_t from,
                                       const struct restore_step *step, const struct buf *schema,
                                       const struct buf *name, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	struct restore_table *table =
		answered(jobs, from, step, buf_slice(schema), buf_slice(name));
	if (table)
		return table;
	if (restore_session_bring(&jobs->main, step->map, err) < 0)
		return NULL;
	return restore_table_ask(&restore->tables, restore->pg, buf_slice(schema), buf_slice(name),
	                         NULL, err);
}

static int ask_tables(struct restore *restore, size_t from, struct restore_step *step,
                      struct err *err)
{
	const struct post_task *post = &step->task;
	struct restore_table *table =
		ask_table(restore, from, step, &post->schema, &post->table, err);
	if (!table)
		return -1;
	struct restore_table *referenced =
		post->kind == POST_FOREIGN_KEY
			? ask_table(restore, from, step, &post->referenced_schema,
	                            &post->referenced_table, err)
			: NULL;
	step->tables[0] = table;
	step->tables[1] = referenced;
	return post->kind == POST_FOREIGN_KEY && !referenced ? -1 : 0;
}

/*
 * Not when other tables take part: partitions, whose indexes and constraints the server makes, too,
 * and names by itself; children, whose columns a primary key makes NOT NULL.
 */
static bool is_task(const struct restore_step *step)
{
	const struct post_task *post = &step->task;
	const struct restore_table *table = step->tables[0], *referenced = step->tables[1];
	if (post->kind == POST_INDEX)
		return table->kind == 'r' || table->kind == 'm' || (table->kind == 'p' && post->only);
	if (post->kind == POST_KEY && table->kind == 'p')
		return post->only;
	if (table->kind != 'r' || (table->has_children && !post->only))
		return false;
	return post->kind != POST_FOREIGN_KEY || referenced->kind == 'r';
}

/* The first from `from` on that must run alone; those before are asked about. */
static int find_barrier(struct restore *restore, size_t from, size_t *barrier, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	size_t i = from;
	for (; i < jobs->step_count; i++) {
		struct restore_step *step = &jobs->steps[i];
		if (step->task.kind == POST_UNKNOWN)
			break;
		if (step->task.kind == POST_DETAIL)
			continue;
		if (ask_tables(restore, from, step, err) < 0)
			return -1;
		if (!is_task(step))
			break;
	}
	*barrier = i;
	return 0;
}

static bool has_tasks(const struct restore_jobs *jobs, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (jobs->steps[i].task.kind != POST_DETAIL)
			return true;
	return false;
}

/* Would anything else have to wait for it?  For a key, what is made on its table; for a foreign key, those
 * that refer to the same. */
static bool has_company(const struct restore_jobs *jobs, size_t from, size_t to,
                        const struct restore_step *step)
{
	const bool is_foreign = step->task.kind == POST_FOREIGN_KEY;
	for (size_t i = from; i < to; i++) {
		const struct restore_step *other = &jobs->steps[i];
		const enum post_kind kind = other->task.kind;
		if (other == step)
			continue;
		if (is_foreign ? kind == POST_FOREIGN_KEY && other->tables[1] == step->tables[1]
		               : other->tables[0] == step->tables[0] &&
		                         (kind == POST_INDEX || kind == POST_KEY))
			return true;
	}
	return false;
}

static bool is_worth_steps(const struct restore_jobs *jobs, size_t from, size_t to,
                           const struct restore_step *step, const struct build *build)
{
	return step->task.first_sql.len > 0 && step->tables[0]->kind == 'r' &&
	       build->task.weight >= LEAST_SPLIT_BYTES && has_company(jobs, from, to, step);
}

/* So that a table with much to do behind its rows is loaded early. */
static void add_costs(const struct restore_jobs *jobs, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const struct restore_step *step = &jobs->steps[i];
		if (step->task.kind == POST_INDEX || step->task.kind == POST_KEY)
			step->tables[0]->build_cost += step->tables[0]->load_cost / 2;
	}
}

static int add_tasks(struct restore *restore, size_t from, size_t to, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	for (size_t i = from; i < to; i++) {
		const struct restore_step *step = &jobs->steps[i];
		if (step->task.kind == POST_DETAIL)
			continue;
		struct build *build = build_new(restore, step, err);
		if (!build)
			return -1;
		build->in_steps = is_worth_steps(jobs, from, to, step, build);
		/* Indexes are built side by side. */
		if (build->in_steps && step->task.kind == POST_KEY)
			build->task.exclusive = false;
		if (crew_add(jobs->crew, &build->task, err) < 0)
			return -1;
	}
	return 0;
}

static int run_in_main(struct restore *restore, const struct restore_step *step, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	if (restore_begin(restore, err) < 0 ||
	    restore_session_bring(&jobs->main, step->map, err) < 0)
		return -1;
	jobs->changes++;
	return restore_run(restore, &step->place, slice_of(step->sql), err);
}

static int run_details(struct restore *restore, size_t from, size_t to, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	for (size_t i = from; i < to; i++)
		if (jobs->steps[i].task.kind == POST_DETAIL &&
		    run_in_main(restore, &jobs->steps[i], err) < 0)
			return -1;
	return 0;
}

/* Steps up to the next that must run alone. */
static int run_batch(struct restore *restore, size_t from, size_t *barrier, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	bool committed = false;
	*barrier = from;
	if (!jobs->serial && find_barrier(restore, from, barrier, err) < 0)
		return -1;
	bool work = jobs->planned_count > 0 || has_tasks(jobs, from, *barrier);
	if (work && restore_jobs_commit(restore, &committed, err) < 0)
		return -1;
	/* Nothing runs in the main session between a plan and this; and rows are never passed over. */
	if (jobs->planned_count > 0 && !committed)
		return err_set(err, ERR_DATABASE,
		               "%s: rows that were planned for several connections can't be loaded: the "
		               "transaction can't be committed here; use -j 1",
		               restore->options.input_name);
	if (work && !committed)
		*barrier = from;
	add_costs(jobs, from, *barrier);
	if (committed && (restore_plan_start(restore, err) < 0 ||
	                  add_tasks(restore, from, *barrier, err) < 0))
		return -1;
	/* What workers make (a foreign key's triggers), too. */
	jobs->changes += committed;
	if (crew_drain(jobs->crew, err) < 0)
		return -1;
	jobs->is_loading = false;
	return run_details(restore, from, *barrier, err);
}

int restore_post_run(struct restore *restore, struct err *err)
{
	struct restore_jobs *jobs = restore->jobs;
	size_t barrier = 0;
	/* So that tables are as large as they will be. */
	if (crew_drain(jobs->crew, err) < 0)
		return -1;
	for (size_t from = 0;; from = barrier + 1) {
		if (run_batch(restore, from, &barrier, err) < 0)
			return -1;
		if (barrier >= jobs->step_count)
			break;
		if (run_in_main(restore, &jobs->steps[barrier], err) < 0)
			return -1;
		jobs->doubtful |= jobs->steps[barrier].task.kind == POST_UNKNOWN;
	}
	restore_post_release(jobs);
	return restore_session_bring(&jobs->main, restore_maps_now(&jobs->maps), err);
}
