#include "dump_plan.h"

#include <stdlib.h>

#include "jobs.h"

/* The longest job may be longer than the average by this part of it. */
#define TOLERANCE 8

/* A range is a job's TOLERANCEth, within these limits. */
#define LEAST_RANGE_BYTES ((uint64_t)16 << 20)
#define MOST_RANGE_BYTES  ((uint64_t)1 << 30)

/* A table that any job may read. */
struct candidate {
	const struct catalog_table *table;
	uint64_t bytes;
	size_t parts;
};

struct planner {
	struct dump_plan *plan;
	struct candidate *candidates; /* the largest first */
	size_t candidate_count;
	int jobs;
	uint32_t page_bytes;
	uint64_t share; /* of each job, when all is even */
};

static uint64_t weight(const struct catalog_table *table)
{
	/* An empty table is a statement, too. */
	return table->bytes + table->toast_bytes + 1;
}

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;
	if (left->bytes != right->bytes)
		return left->bytes < right->bytes ? 1 : -1;
	/* The catalog's order: the same plan each time. */
	return left->table < right->table ? -1 : left->table > right->table;
}

static int compare_tasks(const void *a, const void *b)
{
	const struct dump_task *left = a, *right = b;
	const struct data_part *l = &left->part, *r = &right->part;
	if (left->bytes != right->bytes)
		return left->bytes < right->bytes ? 1 : -1;
	if (l->table != r->table)
		return l->table < r->table ? -1 : 1;
	return l->first_page < r->first_page ? -1 : l->first_page > r->first_page;
}

/* Ranges of about the same size; a table whose bytes are mostly apart (toast) has few pages. */
static size_t wanted_parts(const struct planner *planner, const struct candidate *candidate)
{
	const struct catalog_table *table = candidate->table;
	uint64_t range = planner->share / TOLERANCE;
	if (planner->page_bytes == 0 || !table->is_heap || table->condition[0])
		return 1;
	if (range < LEAST_RANGE_BYTES)
		range = LEAST_RANGE_BYTES;
	if (range > MOST_RANGE_BYTES)
		range = MOST_RANGE_BYTES;
	uint64_t pages = table->bytes / planner->page_bytes, parts = candidate->bytes / range;
	if (parts > pages)
		parts = pages;
	return parts > 1 ? (size_t)parts : 1;
}

/*
 * How much the job that has most gets, when each takes the next largest table as it becomes free.
 * Tables that are cut, and small ones, fill up what is uneven.
 */
static uint64_t busiest(const struct planner *planner)
{
	uint64_t loads[JOBS_LARGEST] = { 0 };
	uint64_t most = 0;
	for (size_t i = 0; i < planner->candidate_count; i++) {
		const struct candidate *candidate = &planner->candidates[i];
		if (candidate->bytes <= planner->share / TOLERANCE)
			break;
		if (candidate->parts > 1)
			continue;
		int least = 0;
		for (int job = 1; job < planner->jobs; job++)
			if (loads[job] < loads[least])
				least = job;
		loads[least] += candidate->bytes;
		if (loads[least] > most)
			most = loads[least];
	}
	return most;
}

/* The largest first, until the rest is even. */
static void cut_tables(struct planner *planner)
{
	uint64_t most = planner->share + planner->share / TOLERANCE;
	for (size_t i = 0; i < planner->candidate_count && busiest(planner) > most; i++) {
		struct candidate *candidate = &planner->candidates[i];
		candidate->parts = wanted_parts(planner, candidate);
		/* One that can't be cut is what all others will wait for. */
		if (candidate->parts == 1 && candidate->bytes > most)
			most = candidate->bytes;
	}
}

/* The last part is open: rows may come behind what is the end now. */
static void add_parts(struct planner *planner, const struct candidate *candidate)
{
	struct dump_plan *plan = planner->plan;
	size_t parts = candidate->parts;
	uint64_t pages = parts > 1 ? candidate->table->bytes / planner->page_bytes : 0;
	for (size_t i = 0; i < parts; i++)
		plan->tasks[plan->count++] = (struct dump_task){
			.part = {
				.table = candidate->table,
				.first_page = (uint32_t)(pages * i / parts),
				.end_page = i + 1 < parts ? (uint32_t)(pages * (i + 1) / parts) : 0,
			},
			.bytes = candidate->bytes / parts,
		};
}

static int add_candidates(struct planner *planner, struct err *err)
{
	struct dump_plan *plan = planner->plan;
	size_t count = plan->count;
	for (size_t i = 0; i < planner->candidate_count; i++)
		count += planner->candidates[i].parts;
	struct dump_task *tasks = reallocarray(plan->tasks, count + 1, sizeof(*tasks));
	if (!tasks)
		return err_memory(err, "a plan of what is read");
	plan->tasks = tasks;
	for (size_t i = 0; i < planner->candidate_count; i++)
		add_parts(planner, &planner->candidates[i]);
	qsort(tasks + plan->ordered_count, plan->count - plan->ordered_count, sizeof(*tasks),
	      compare_tasks);
	return 0;
}

/* Ordered tables become tasks, others candidates. */
static void sort_out(struct planner *planner, const struct catalog *catalog, bool all_ordered)
{
	struct dump_plan *plan = planner->plan;
	for (size_t i = 0; i < catalog->table_count; i++) {
		const struct catalog_table *table = &catalog->tables[i];
		if (table->is_partitioned)
			continue;
		plan->bytes += table->bytes + table->toast_bytes;
		plan->table_count++;
		if (planner->jobs == 1 || all_ordered || table->is_config)
			plan->tasks[plan->count++] = (struct dump_task){ { table, 0, 0 }, weight(table) };
		else
			planner->candidates[planner->candidate_count++] =
			    (struct candidate){ table, weight(table), 1 };
	}
	plan->ordered_count = plan->count;
}

int dump_plan_make(const struct catalog *catalog, int jobs, bool all_ordered, uint32_t page_bytes,
                   struct dump_plan *plan, struct err *err)
{
	struct planner planner = { .plan = plan, .jobs = jobs, .page_bytes = page_bytes };
	int result = -1;
	*plan = (struct dump_plan){ 0 };
	plan->tasks = calloc(catalog->table_count + 1, sizeof(*plan->tasks));
	planner.candidates = calloc(catalog->table_count + 1, sizeof(*planner.candidates));
	if (!plan->tasks || !planner.candidates) {
		err_memory(err, "a plan of what is read");
		goto out;
	}
	sort_out(&planner, catalog, all_ordered);
	planner.share = plan->bytes / (uint64_t)jobs;
	qsort(planner.candidates, planner.candidate_count, sizeof(*planner.candidates),
	      compare_candidates);
	if (jobs > 1)
		cut_tables(&planner);
	result = add_candidates(&planner, err);
out:
	free(planner.candidates);
	if (result < 0)
		dump_plan_release(plan);
	return result;
}

void dump_plan_release(struct dump_plan *plan)
{
	free(plan->tasks);
	*plan = (struct dump_plan){ 0 };
}
