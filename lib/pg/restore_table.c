#include "restore_table.h"

#include <stdlib.h>
#include <string.h>

#include "ident.h"
#include "words.h"

/*
 * Operators are qualified: the search path may be the script's.  It is prepared, since planning it takes
 * longer than the answer: $1 is the table's name, $2 the columns that rows come with (NULL: all).
 */
static const char question_begin[] =
	"WITH RECURSIVE tree (oid) AS ("
	"SELECT pg_catalog.to_regclass($1)::pg_catalog.oid "
	"UNION ALL SELECT i.inhrelid FROM tree t JOIN pg_catalog.pg_inherits i "
	"ON i.inhparent OPERATOR(pg_catalog.=) t.oid), "
	/* The types of its columns, and those that they are made of: reading a value checks them all. */
	"types (oid) AS ("
	"SELECT a.atttypid FROM pg_catalog.pg_attribute a "
	"WHERE a.attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1)::pg_catalog.oid "
	"UNION SELECT part.oid FROM types t JOIN pg_catalog.pg_type y "
	"ON y.oid OPERATOR(pg_catalog.=) t.oid, LATERAL ("
	"VALUES (y.typbasetype), (y.typelem) "
	"UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a "
	"WHERE a.attrelid OPERATOR(pg_catalog.=) y.typrelid "
	"UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r "
	"WHERE r.rngtypid OPERATOR(pg_catalog.=) y.oid";
#define MULTIRANGES " OR r.rngmultitypid OPERATOR(pg_catalog.=) y.oid"
static const char question_middle[] =
	") part (oid)) "
	"SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relkind, "
	"c.relpersistence, c.relhasindex, c.relhassubclass, "
	"COALESCE(pg_catalog.pg_table_size(c.oid), 0), "
	"COALESCE(pg_catalog.pg_relation_size(c.oid), 0) OPERATOR(pg_catalog.=) 0 "
	"AND pg_catalog.has_table_privilege(c.oid, 'TRUNCATE'), "
	/* Triggers, which foreign keys are, too, and rows that go to other servers. */
	"EXISTS (SELECT FROM tree t JOIN pg_catalog.pg_class m ON m.oid OPERATOR(pg_catalog.=) t.oid "
	"WHERE m.relhastriggers OR m.relkind OPERATOR(pg_catalog.=) 'f'::pg_catalog.\"char\"), "
	/* Defaults that are computed row by row: a sequence's next value. */
	"EXISTS (SELECT FROM pg_catalog.pg_attribute a "
	"WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 "
	"AND NOT a.attisdropped AND (a.atthasdef OR a.attidentity OPERATOR(pg_catalog.<>) "
	"''::pg_catalog.\"char\")";
#define NOT_GENERATED " AND a.attgenerated OPERATOR(pg_catalog.=) ''::pg_catalog.\"char\""
static const char question_end[] =
	" AND NOT a.attname OPERATOR(pg_catalog.=) ANY ($2)), "
	/* Checks by functions, also those behind operators, that may look at other rows. */
	"EXISTS (SELECT FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_depend d "
	"ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_constraint'::pg_catalog.regclass "
	"AND d.objid OPERATOR(pg_catalog.=) k.oid "
	"LEFT JOIN pg_catalog.pg_operator o "
	"ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_operator'::pg_catalog.regclass "
	"AND o.oid OPERATOR(pg_catalog.=) d.refobjid "
	"JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) "
	"COALESCE(o.oprcode::pg_catalog.oid, d.refobjid) AND (o.oid IS NOT NULL "
	"OR d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass) "
	"WHERE p.provolatile OPERATOR(pg_catalog.<>) 'i'::pg_catalog.\"char\" "
	"AND (EXISTS (SELECT FROM tree t WHERE t.oid OPERATOR(pg_catalog.=) k.conrelid) "
	"OR EXISTS (SELECT FROM types t WHERE t.oid OPERATOR(pg_catalog.=) k.contypid))), "
	/* Nobody changes the row of the column ctid: who made it, made the table. */
	"EXISTS (SELECT FROM pg_catalog.pg_attribute a "
	"WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.=) (-1) "
	"AND pg_catalog.age(a.xmin) OPERATOR(pg_catalog.=) 0), "
	"c.relispartition "
	"FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
	"ON n.oid OPERATOR(pg_catalog.=) c.relnamespace "
	"WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1)::pg_catalog.oid";

static int prepare(struct restore_tables *tables, struct pg *pg, struct err *err)
{
	struct buf sql = BUF_INIT;
	if (tables->is_prepared)
		return 0;
	buf_addf(&sql, "PREPARE idkit_table_%u (pg_catalog.text, pg_catalog.name[]) AS ",
	         ++tables->prepared);
	buf_adds(&sql, question_begin);
	buf_adds(&sql, pg_server_version(pg) >= 140000 ? MULTIRANGES : "");
	buf_adds(&sql, question_middle);
	buf_adds(&sql, pg_server_version(pg) >= 120000 ? NOT_GENERATED : "");
	buf_adds(&sql, question_end);
	int result = buf_check(&sql, "a statement", err);
	if (result == 0)
		result = pg_exec(pg, sql.data, err);
	tables->is_prepared = result == 0;
	buf_release(&sql);
	return result;
}

static void add_columns(struct buf *sql, const struct copy_table *columns)
{
	if (!columns || !columns->has_columns) {
		buf_adds(sql, "NULL");
		return;
	}
	buf_adds(sql, "ARRAY[");
	for (size_t i = 0; i < columns->column_count; i++) {
		buf_adds(sql, i ? ", " : "");
		sql_add_literal(sql, columns->columns[i]);
	}
	buf_adds(sql, "]::pg_catalog.name[]");
}

static struct pg_rows *ask(struct restore_tables *tables, struct pg *pg, struct slice name,
                           const struct copy_table *columns, struct err *err)
{
	struct buf sql = BUF_INIT;
	if (prepare(tables, pg, err) < 0)
		return NULL;
	buf_addf(&sql, "EXECUTE idkit_table_%u (", tables->prepared);
	sql_add_literal(&sql, name);
	buf_adds(&sql, ", ");
	add_columns(&sql, columns);
	buf_adds(&sql, ")");
	struct pg_rows *rows =
		buf_check(&sql, "a statement", err) == 0 ? pg_query(pg, sql.data, err) : NULL;
	buf_release(&sql);
	return rows;
}

static struct restore_table *find(const struct restore_tables *tables, unsigned long oid)
{
	struct restore_table *table = tables->first;
	while (table && table->oid != oid)
		table = table->next;
	return table;
}

static struct restore_table *find_or_add(struct restore_tables *tables, unsigned long oid,
                                         const char *name, struct err *err)
{
	struct restore_table *table = find(tables, oid);
	if (table && strcmp(table->name, name) == 0)
		return table;
	char *copy = strdup(name);
	if (copy && table) {
		free(table->name);
		table->name = copy;
		return table;
	}
	table = copy ? calloc(1, sizeof(*table)) : NULL;
	if (!table) {
		free(copy);
		err_memory(err, "a table");
		return NULL;
	}
	table->name = copy;
	table->oid = oid;
	table->next = tables->first;
	tables->first = table;
	return table;
}

static void take_answer(struct restore_table *table, const struct pg_rows *rows)
{
	char persistence = pg_value(rows, 0, 3)[0];
	bool has_triggers = pg_value_bool(rows, 0, 8), has_defaults = pg_value_bool(rows, 0, 9),
	     has_checks = pg_value_bool(rows, 0, 10);
	table->kind = pg_value(rows, 0, 2)[0];
	table->has_index = pg_value_bool(rows, 0, 4);
	table->has_children = pg_value_bool(rows, 0, 5);
	table->bytes = strtoull(pg_value(rows, 0, 6), NULL, 10);
	table->is_new = pg_value_bool(rows, 0, 11);
	table->is_partition = pg_value_bool(rows, 0, 12);
	table->may_truncate = pg_value_bool(rows, 0, 7);
	table->is_free = (table->kind == 'r' || table->kind == 'p') && persistence != 't' &&
	                 !has_triggers && !has_defaults && !has_checks;
}

struct restore_table *restore_table_ask(struct restore_tables *tables, struct pg *pg,
                                        struct slice schema, struct slice name,
                                        const struct copy_table *columns, struct err *err)
{
	struct buf written = BUF_INIT;
	struct restore_table *table = NULL;
	struct pg_rows *rows = NULL;
	sql_add_qualified(&written, schema, name);
	if (buf_check(&written, "a name", err) == 0)
		rows = ask(tables, pg, buf_slice(&written), columns, err);
	if (rows && pg_rows_count(rows) == 0) {
		table = find_or_add(tables, 0, "", err);
	} else if (rows) {
		table = find_or_add(tables, strtoul(pg_value(rows, 0, 0), NULL, 10),
		                    pg_value(rows, 0, 1), err);
		if (table)
			take_answer(table, rows);
	}
	pg_rows_free(rows);
	buf_release(&written);
	return table;
}

void restore_tables_release(struct restore_tables *tables)
{
	while (tables->first) {
		struct restore_table *table = tables->first;
		tables->first = table->next;
		free(table->name);
		free(table);
	}
}

bool restore_freeze_copy(struct slice copy, bool standard_strings, struct buf *sql)
{
	struct tokens tokens = tokens_of(copy, standard_strings);
	struct buf schema = BUF_INIT, name = BUF_INIT;
	bool plain = words_take(&tokens, "COPY") && sql_take_qualified(&tokens, &schema, &name);
	buf_release(&schema);
	buf_release(&name);
	if (plain)
		words_skip_group(&tokens);
	if (!plain || !words_take(&tokens, "FROM STDIN") || !words_at_end(&tokens))
		return false;
	buf_add(sql, copy.data, (size_t)(tokens.rest.data - copy.data));
	buf_adds(sql, " WITH (FREEZE)");
	return true;
}
