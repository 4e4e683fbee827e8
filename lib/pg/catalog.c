#include "catalog.h"

#include <stdlib.h>
#include <string.h>

#include "catalog_sql.h"
#include "ident.h"

/* Values stay in the query results they came from. */
struct catalog_memory {
	struct pg_rows *tables;
	struct pg_rows *columns;
	struct pg_rows *sequences;
	struct pg_rows **values; /* a query's result for each VALUES_AT_ONCE sequences */
	size_t value_count;
	struct pg_rows *large_objects;
	struct slice *column_names;
};

/* HEAP_TABLE_AM_OID in src/include/catalog/pg_am.dat; servers before 12 have no other and say 0. */
#define HEAP_METHOD "2"

/*
 * The table that rows go to: itself, or, below an ancestor that is hash-partitioned by an enum, the
 * root of the tree (forcePartitionRootLoad() in pg_dump.c).
 */
static const char target_cte[] =
	"WITH RECURSIVE "
	"enum_hashed AS (SELECT p.partrelid AS oid FROM pg_catalog.pg_partitioned_table p "
	"WHERE (SELECT o.oid FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_am a "
	"ON a.oid = o.opcmethod WHERE o.opcname = 'enum_ops' AND a.amname = 'hash' "
	"AND o.opcnamespace = 'pg_catalog'::pg_catalog.regnamespace) = ANY (p.partclass)), "
	"above AS (SELECT i.inhrelid AS leaf, i.inhparent AS ancestor FROM pg_catalog.pg_inherits i "
	"JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relispartition "
	"UNION SELECT a.leaf, i.inhparent FROM above a JOIN pg_catalog.pg_inherits i "
	"ON i.inhrelid = a.ancestor JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid "
	"AND c.relispartition), "
	"via_root AS (SELECT a.leaf, a.ancestor AS root FROM above a "
	"JOIN pg_catalog.pg_class r ON r.oid = a.ancestor AND NOT r.relispartition "
	"WHERE EXISTS (SELECT FROM above b JOIN enum_hashed h ON h.oid = b.ancestor "
	"WHERE b.leaf = a.leaf)) ";

static struct pg_rows *query_tables(struct pg *pg, const struct catalog_options *options,
                                    struct err *err)
{
	struct buf sql = BUF_INIT;
	struct pg_rows *rows = NULL;
	buf_adds(&sql, target_cte);
	buf_adds(&sql,
	         "SELECT t.*, rn.nspname, rc.relname, rc.oid "
	         "FROM (SELECT c.oid, n.nspname, c.relname, "
	         "pg_catalog.pg_get_userbyid(c.relowner), c.relkind = 'p', "
	         "c.relpersistence = 'u', x.condition IS NOT NULL, "
	         "COALESCE(x.condition, ''), "
	         "COALESCE((SELECT v.root FROM via_root v WHERE v.leaf = c.oid), c.oid) AS target, "
	         "COALESCE(CASE WHEN c.relkind = 'r' THEN pg_catalog.pg_relation_size(c.oid) END, 0), "
	         "COALESCE(pg_catalog.pg_relation_size(c.reltoastrelid), 0), "
	         "c.relkind = 'r' AND c.relam = " HEAP_METHOD);
	if (catalog_add_tables(pg, options, &sql, err) < 0)
		goto out;
	buf_adds(&sql, ") t JOIN pg_catalog.pg_class rc ON rc.oid = t.target "
	               "JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace "
	               "ORDER BY rn.nspname::text COLLATE \"C\", rc.relname::text COLLATE \"C\", "
	               "t.nspname::text COLLATE \"C\", t.relname::text COLLATE \"C\"");
	if (buf_check(&sql, "a statement", err) == 0)
		rows = pg_query(pg, sql.data, err);
out:
	buf_release(&sql);
	return rows;
}

/* All columns that COPY names, table by table, in the tables' order of columns. */
static struct pg_rows *query_columns(struct pg *pg, struct err *err)
{
	struct buf sql = BUF_INIT;
	struct pg_rows *rows = NULL;
	buf_addf(&sql,
	         "SELECT a.attrelid, a.attname FROM pg_catalog.pg_attribute a "
	         "JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
	         "WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped %s "
	         "ORDER BY a.attrelid, a.attnum",
	         pg_server_version(pg) >= 120000 ? "AND a.attgenerated = ''" : "");
	if (buf_check(&sql, "a statement", err) == 0)
		rows = pg_query(pg, sql.data, err);
	buf_release(&sql);
	return rows;
}

/* The first row of `columns` (sorted by OID) that belongs to the table, and how many do. */
static void find_columns(const struct pg_rows *columns, const char *oid, size_t *first,
                         size_t *count)
{
	unsigned long wanted = strtoul(oid, NULL, 10);
	size_t low = 0, all = (size_t)pg_rows_count(columns), high = all;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strtoul(pg_value(columns, (int)middle, 0), NULL, 10) < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	*first = low;
	*count = 0;
	while (low + *count < all &&
	       strtoul(pg_value(columns, (int)(low + *count), 0), NULL, 10) == wanted)
		++*count;
}

static void fill_table(struct catalog *catalog, int row)
{
	const struct pg_rows *rows = catalog->memory->tables;
	struct catalog_table *table = &catalog->tables[catalog->table_count++];
	size_t first;
	*table = (struct catalog_table){
		.oid = pg_value(rows, row, 0),
		.schema = pg_value(rows, row, 1),
		.name = pg_value(rows, row, 2),
		.owner = pg_value(rows, row, 3),
		.is_partitioned = pg_value_bool(rows, row, 4),
		.is_unlogged = pg_value_bool(rows, row, 5),
		.is_config = pg_value_bool(rows, row, 6),
		.condition = pg_value(rows, row, 7),
		.bytes = strtoull(pg_value(rows, row, 9), NULL, 10),
		.toast_bytes = strtoull(pg_value(rows, row, 10), NULL, 10),
		.is_heap = pg_value_bool(rows, row, 11),
		.target_schema = pg_value(rows, row, 12),
		.target_name = pg_value(rows, row, 13),
	};
	find_columns(catalog->memory->columns, pg_value(rows, row, 14), &first,
	             &table->column_count);
	table->columns = catalog->memory->column_names + first;
}

static int read_tables(struct pg *pg, const struct catalog_options *options,
                       struct catalog *catalog, struct err *err)
{
	struct catalog_memory *memory = catalog->memory;
	memory->tables = query_tables(pg, options, err);
	memory->columns = memory->tables ? query_columns(pg, err) : NULL;
	if (!memory->columns)
		return -1;
	size_t columns = (size_t)pg_rows_count(memory->columns);
	size_t tables = (size_t)pg_rows_count(memory->tables);
	memory->column_names = calloc(columns + 1, sizeof(*memory->column_names));
	catalog->tables = calloc(tables + 1, sizeof(*catalog->tables));
	if (!memory->column_names || !catalog->tables)
		return err_memory(err, "the catalog");
	for (size_t i = 0; i < columns; i++)
		memory->column_names[i] = pg_value_slice(memory->columns, (int)i, 1);
	for (size_t i = 0; i < tables; i++)
		fill_table(catalog, (int)i);
	return 0;
}

/* Sequences' values are rows of the sequences themselves.  Many are read by one query, but not all: the
 * server's time for a UNION grows with the square of its branches. */
#define VALUES_AT_ONCE 100

/* Those of the sequences from `first` on. */
static struct pg_rows *query_values(struct pg *pg, const struct pg_rows *sequences, int first,
                                    struct err *err)
{
	struct buf sql = BUF_INIT;
	struct pg_rows *rows = NULL;
	int count = pg_rows_count(sequences);
	int end = count - first > VALUES_AT_ONCE ? first + VALUES_AT_ONCE : count;
	for (int row = first; row < end; row++) {
		buf_addf(&sql, "%sSELECT %d, last_value, is_called FROM ",
		         row > first ? " UNION ALL " : "", row);
		sql_add_qualified(&sql, pg_value_slice(sequences, row, 0),
		                  pg_value_slice(sequences, row, 1));
	}
	buf_adds(&sql, " ORDER BY 1");
	if (buf_check(&sql, "a statement", err) == 0)
		rows = pg_query(pg, sql.data, err);
	buf_release(&sql);
	return rows;
}

static int read_values(struct pg *pg, struct catalog_memory *memory, struct err *err)
{
	int count = pg_rows_count(memory->sequences);
	memory->values = calloc((size_t)count / VALUES_AT_ONCE + 1, sizeof(struct pg_rows *));
	if (!memory->values)
		return err_memory(err, "the catalog");
	for (int first = 0; first < count; first += VALUES_AT_ONCE) {
		struct pg_rows *rows = query_values(pg, memory->sequences, first, err);
		if (!rows)
			return -1;
		memory->values[memory->value_count++] = rows;
	}
	return 0;
}

static void fill_sequence(struct catalog *catalog, int row)
{
	const struct catalog_memory *memory = catalog->memory;
	const struct pg_rows *values = memory->values[row / VALUES_AT_ONCE];
	catalog->sequences[catalog->sequence_count++] = (struct catalog_sequence){
		.schema = pg_value(memory->sequences, row, 0),
		.name = pg_value(memory->sequences, row, 1),
		.owner = pg_value(memory->sequences, row, 2),
		.last_value = pg_value(values, row % VALUES_AT_ONCE, 1),
		.is_called = pg_value_bool(values, row % VALUES_AT_ONCE, 2),
	};
}

static int read_sequences(struct pg *pg, const struct catalog_options *options,
                          struct catalog *catalog, struct err *err)
{
	struct catalog_memory *memory = catalog->memory;
	struct buf sql = BUF_INIT;
	buf_adds(&sql, "SELECT n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner)");
	if (catalog_add_sequences(pg, options, &sql, err) == 0) {
		buf_adds(&sql, " ORDER BY n.nspname::text COLLATE \"C\", c.relname::text COLLATE \"C\"");
		if (buf_check(&sql, "a statement", err) == 0)
			memory->sequences = pg_query(pg, sql.data, err);
	}
	buf_release(&sql);
	if (!memory->sequences)
		return -1;
	size_t count = (size_t)pg_rows_count(memory->sequences);
	catalog->sequences = calloc(count + 1, sizeof(*catalog->sequences));
	if (!catalog->sequences)
		return err_memory(err, "the catalog");
	if (read_values(pg, memory, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		fill_sequence(catalog, (int)i);
	return 0;
}

/* Its pages hold less than their size in bytes of large objects, but not by much. */
static int read_large_object_bytes(struct pg *pg, struct catalog *catalog, struct err *err)
{
	char *bytes = pg_query_value(
		pg, "SELECT pg_catalog.pg_relation_size('pg_catalog.pg_largeobject')", err);
	if (!bytes)
		return -1;
	catalog->large_object_bytes = strtoull(bytes, NULL, 10);
	free(bytes);
	return 0;
}

static int read_large_objects(struct pg *pg, const struct catalog_options *options,
                              struct catalog *catalog, struct err *err)
{
	if (!selection_is_all(&options->selection))
		return 0;
	struct pg_rows *rows = pg_query(
		pg, "SELECT oid FROM pg_catalog.pg_largeobject_metadata ORDER BY oid", err);
	if (!rows)
		return -1;
	catalog->memory->large_objects = rows;
	size_t count = (size_t)pg_rows_count(rows);
	catalog->large_objects = calloc(count + 1, sizeof(*catalog->large_objects));
	if (!catalog->large_objects)
		return err_memory(err, "the catalog");
	for (size_t i = 0; i < count; i++)
		catalog->large_objects[i] = pg_value(rows, (int)i, 0);
	catalog->large_object_count = count;
	return count > 0 ? read_large_object_bytes(pg, catalog, err) : 0;
}

int catalog_read(struct pg *pg, const struct catalog_options *options, struct catalog *catalog,
                 struct err *err)
{
	*catalog = (struct catalog){ 0 };
	catalog->memory = calloc(1, sizeof(*catalog->memory));
	if (!catalog->memory)
		return err_memory(err, "the catalog");
	if (read_tables(pg, options, catalog, err) < 0 ||
	    catalog_order(pg, options, catalog, err) < 0 ||
	    read_sequences(pg, options, catalog, err) < 0 ||
	    read_large_objects(pg, options, catalog, err) < 0) {
		catalog_release(catalog);
		return -1;
	}
	return 0;
}

void catalog_release(struct catalog *catalog)
{
	struct catalog_memory *memory = catalog->memory;
	if (memory) {
		pg_rows_free(memory->tables);
		pg_rows_free(memory->columns);
		pg_rows_free(memory->sequences);
		for (size_t i = 0; i < memory->value_count; i++)
			pg_rows_free(memory->values[i]);
		free(memory->values);
		pg_rows_free(memory->large_objects);
		free(memory->column_names);
		free(memory);
	}
	free(catalog->tables);
	free(catalog->sequences);
	free(catalog->large_objects);
	*catalog = (struct catalog){ 0 };
}
