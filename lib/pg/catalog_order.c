/*
 * Which table's rows come first, where it matters: when foreign keys exist already, that is among
 * an extension's configuration tables, and everywhere in a dump of data alone.
 */
#include <stdlib.h>
#include <string.h>

#include "catalog_sql.h"

/* By OID, for bsearch(). */
struct node {
	unsigned long oid;
	size_t index;
};

struct edge {
	size_t from; /* the referencing table */
	size_t to;
};

struct graph {
	const struct catalog *catalog;
	struct edge *edges; /* sorted by from */
	size_t edge_count;
	unsigned char *visited;
	struct catalog_table *ordered;
	size_t ordered_count;
};

static int compare_nodes(const void *a, const void *b)
{
	const struct node *left = a, *right = b;
	return left->oid < right->oid ? -1 : left->oid > right->oid;
}

static int compare_edges(const void *a, const void *b)
{
	const struct edge *left = a, *right = b;
	if (left->from != right->from)
		return left->from < right->from ? -1 : 1;
	return left->to < right->to ? -1 : left->to > right->to;
}

static size_t first_edge(const struct graph *graph, size_t from)
{
	size_t low = 0, high = graph->edge_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (graph->edges[middle].from < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Referenced tables first; a cycle is entered where it is met, as pg_dump does. */
static void visit(struct graph *graph, size_t index)
{
	if (graph->visited[index])
		return;
	graph->visited[index] = 1;
	for (size_t i = first_edge(graph, index);
	     i < graph->edge_count && graph->edges[i].from == index; i++)
		visit(graph, graph->edges[i].to);
	graph->ordered[graph->ordered_count++] = graph->catalog->tables[index];
}

static const struct node *find_node(const struct node *nodes, size_t count, const char *oid)
{
	struct node key = { .oid = strtoul(oid, NULL, 10) };
	return bsearch(&key, nodes, count, sizeof(*nodes), compare_nodes);
}

static int add_edges(struct graph *graph, const struct node *nodes, const struct pg_rows *keys,
                     struct err *err)
{
	size_t count = graph->catalog->table_count;
	graph->edges = calloc((size_t)pg_rows_count(keys) + 1, sizeof(*graph->edges));
	if (!graph->edges)
		return err_memory(err, "the foreign keys");
	for (int row = 0; row < pg_rows_count(keys); row++) {
		const struct node *from = find_node(nodes, count, pg_value(keys, row, 0));
		const struct node *to = find_node(nodes, count, pg_value(keys, row, 1));
		if (from && to)
			graph->edges[graph->edge_count++] =
				(struct edge){ from->index, to->index };
	}
	qsort(graph->edges, graph->edge_count, sizeof(*graph->edges), compare_edges);
	return 0;
}

static struct pg_rows *query_keys(struct pg *pg, struct err *err)
{
	return pg_query(pg,
	                "SELECT conrelid, confrelid FROM pg_catalog.pg_constraint "
	                "WHERE contype = 'f' AND conrelid <> confrelid",
	                err);
}

static bool matters(const struct catalog *catalog, const struct catalog_options *options)
{
	if (options->order_by_references)
		return true;
	for (size_t i = 0; i < catalog->table_count; i++)
		if (catalog->tables[i].is_config)
			return true;
	return false;
}

int catalog_order(struct pg *pg, const struct catalog_options *options, struct catalog *catalog,
                  struct err *err)
{
	if (catalog->table_count == 0 || !matters(catalog, options))
		return 0;
	size_t count = catalog->table_count;
	struct graph graph = { .catalog = catalog };
	struct node *nodes = calloc(count, sizeof(*nodes));
	struct pg_rows *keys = query_keys(pg, err);
	int result = -1;
	graph.visited = calloc(count, 1);
	graph.ordered = calloc(count + 1, sizeof(*graph.ordered));
	if (!keys)
		goto out;
	if (!nodes || !graph.visited || !graph.ordered) {
		err_memory(err, "the catalog");
		goto out;
	}
	for (size_t i = 0; i < count; i++)
		nodes[i] = (struct node){ strtoul(catalog->tables[i].oid, NULL, 10), i };
	qsort(nodes, count, sizeof(*nodes), compare_nodes);
	if (add_edges(&graph, nodes, keys, err) < 0)
		goto out;
	for (size_t i = 0; i < count; i++)
		visit(&graph, i);
	memcpy(catalog->tables, graph.ordered, count * sizeof(*graph.ordered));
	result = 0;
out:
	pg_rows_free(keys);
	free(nodes);
	free(graph.edges);
	free(graph.visited);
	free(graph.ordered);
	return result;
}
