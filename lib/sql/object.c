/*
 * The object that a hand-written statement is about, in pg_dump's words.
 */
#include <string.h>

#include "ident.h"
#include "statement.h"
#include "words.h"

struct reading {
	struct tokens tokens;
	const char *type;
	struct buf schema;
	struct buf name;
};

static bool is_type(const struct reading *reading, const char *type)
{
	return strcmp(reading->type, type) == 0;
}

/* pg_dump names what belongs to a table "table thing". */
static bool is_part_of_table(const struct reading *reading)
{
	return is_type(reading, "TRIGGER") || is_type(reading, "RULE") || is_type(reading, "POLICY");
}

static bool take_type_and_name(struct reading *reading)
{
	reading->type = words_take_type(&reading->tokens);
	return reading->type &&
	       words_take_name(&reading->tokens, reading->type, &reading->schema, &reading->name);
}

/* "thing ON [schema.]table": the schema is the table's. */
static bool take_table_behind_on(struct reading *reading, struct buf *table)
{
	if (!words_find(&reading->tokens, "ON"))
		return false;
	words_take(&reading->tokens, "ONLY");
	words_take(&reading->tokens, "DOMAIN");
	buf_reset(&reading->schema);
	return sql_take_qualified(&reading->tokens, &reading->schema, table);
}

static void put_table_in_front(struct reading *reading, struct buf *table)
{
	buf_addc(table, ' ');
	buf_add_slice(table, buf_slice(&reading->name));
	buf_reset(&reading->name);
	buf_add_slice(&reading->name, buf_slice(table));
}

static bool read_create(struct reading *reading)
{
	struct buf table = BUF_INIT;
	bool found;

	words_skip_create_options(&reading->tokens);
	if (words_take(&reading->tokens, "CONSTRAINT TRIGGER")) {
		reading->type = "TRIGGER";
		found = words_take_name(&reading->tokens, "TRIGGER", &reading->schema, &reading->name);
	} else {
		found = take_type_and_name(reading);
	}
	if (found && is_type(reading, "INDEX")) {
		found = take_table_behind_on(reading, &table);
	} else if (found && is_part_of_table(reading)) {
		/* CREATE RULE … AS ON event TO table */
		if (is_type(reading, "RULE"))
			found = words_find(&reading->tokens, "TO") &&
			        sql_take_qualified(&reading->tokens, &reading->schema, &table);
		else
			found = take_table_behind_on(reading, &table);
		put_table_in_front(reading, &table);
	}
	buf_release(&table);
	return found;
}

/* "table part", for a constraint or a column's default. */
static bool take_part(struct reading *reading, const char *type)
{
	struct token token;

	words_take(&reading->tokens, "IF EXISTS");
	words_take(&reading->tokens, "IF NOT EXISTS");
	buf_addc(&reading->name, ' ');
	reading->type = type;
	return token_next(&reading->tokens, &token) && sql_identifier_value(&token, &reading->name);
}

static bool read_add_constraint(struct reading *reading)
{
	if (!take_part(reading, "CONSTRAINT"))
		return false;
	if (words_take(&reading->tokens, "FOREIGN KEY"))
		reading->type = "FK CONSTRAINT";
	else if (words_take(&reading->tokens, "CHECK"))
		reading->type = "CHECK CONSTRAINT";
	return true;
}

static bool read_attach(struct reading *reading)
{
	buf_reset(&reading->schema);
	buf_reset(&reading->name);
	reading->type = is_type(reading, "INDEX") ? "INDEX ATTACH" : "TABLE ATTACH";
	return sql_take_qualified(&reading->tokens, &reading->schema, &reading->name);
}

/* ALTER [COLUMN] c SET DEFAULT … makes the default the object; anything else is the table's. */
static bool read_alter_column(struct reading *reading)
{
	struct tokens copy = reading->tokens;
	struct token column;

	words_take(&reading->tokens, "COLUMN");
	copy = reading->tokens;
	if (token_next(&copy, &column) &&
	    (words_take(&copy, "SET DEFAULT") || words_take(&copy, "DROP DEFAULT")))
		return take_part(reading, "DEFAULT");
	return true;
}

static bool read_alter(struct reading *reading)
{
	if (!take_type_and_name(reading))
		return false;
	token_take_symbol(&reading->tokens, "*");
	if (is_type(reading, "SEQUENCE") && words_take(&reading->tokens, "OWNED BY"))
		reading->type = "SEQUENCE OWNED BY";
	if (!is_type(reading, "TABLE") && !is_type(reading, "FOREIGN TABLE") &&
	    !is_type(reading, "INDEX"))
		return true;
	if (words_take(&reading->tokens, "ATTACH PARTITION"))
		return read_attach(reading);
	if (words_take(&reading->tokens, "ADD CONSTRAINT"))
		return read_add_constraint(reading);
	if (words_take(&reading->tokens, "DROP CONSTRAINT"))
		return take_part(reading, "CONSTRAINT");
	if (words_take(&reading->tokens, "ENABLE ROW LEVEL SECURITY"))
		reading->type = "ROW SECURITY";
	else if (words_take(&reading->tokens, "ALTER"))
		return read_alter_column(reading);
	return true;
}

static bool read_drop(struct reading *reading)
{
	struct buf table = BUF_INIT;
	bool found = take_type_and_name(reading);
	struct token token;

	if (found && is_part_of_table(reading)) {
		found = take_table_behind_on(reading, &table);
		put_table_in_front(reading, &table);
	}
	buf_release(&table);
	words_skip_group(&reading->tokens);
	if (found && token_peek(&reading->tokens, &token) && token_is_symbol(&token, ","))
		return false; /* several objects */
	return found;
}

/* pg_dump's comments are named "TABLE t", "COLUMN t.c", "TRIGGER g ON t". */
static bool read_comment(struct reading *reading)
{
	struct buf name = BUF_INIT;
	struct buf table = BUF_INIT;
	bool found = words_take(&reading->tokens, "ON") && take_type_and_name(reading);

	if (found) {
		buf_addf(&name, "%s ", is_type(reading, "BLOB") ? "LARGE OBJECT" : reading->type);
		buf_add_slice(&name, buf_slice(&reading->name));
	}
	if (found && (is_part_of_table(reading) || is_type(reading, "CONSTRAINT"))) {
		found = take_table_behind_on(reading, &table);
		buf_adds(&name, " ON ");
		buf_add_slice(&name, buf_slice(&table));
	}
	buf_reset(&reading->name);
	buf_add_slice(&reading->name, buf_slice(&name));
	reading->type = "COMMENT";
	buf_release(&name);
	buf_release(&table);
	return found;
}

static bool read_table_data(struct reading *reading)
{
	reading->type = "TABLE DATA";
	return sql_take_qualified(&reading->tokens, &reading->schema, &reading->name);
}

static bool read_copy(struct reading *reading)
{
	words_take(&reading->tokens, "BINARY");
	return read_table_data(reading);
}

static bool read_insert(struct reading *reading)
{
	return words_take(&reading->tokens, "INTO") && read_table_data(reading);
}

/* setval('public.s', …): the string holds an identifier. */
static bool read_setval(struct reading *reading)
{
	struct buf sequence = BUF_INIT;
	struct slice function;
	bool found = words_take_call(&reading->tokens, &function) &&
	             slice_equals_nocase(function, "setval") &&
	             words_take_string(&reading->tokens, &sequence);

	if (found) {
		struct tokens name = tokens_of(buf_slice(&sequence), true);

		reading->type = "SEQUENCE SET";
		found = sql_take_qualified(&name, &reading->schema, &reading->name);
	}
	buf_release(&sequence);
	return found;
}

static bool read_object(struct reading *reading)
{
	struct tokens *tokens = &reading->tokens;

	if (words_take(tokens, "CREATE"))
		return read_create(reading);
	if (words_take(tokens, "ALTER"))
		return read_alter(reading);
	if (words_take(tokens, "DROP"))
		return read_drop(reading);
	if (words_take(tokens, "COMMENT"))
		return read_comment(reading);
	if (words_take(tokens, "COPY"))
		return read_copy(reading);
	if (words_take(tokens, "INSERT"))
		return read_insert(reading);
	return read_setval(reading);
}

bool statement_object(struct slice sql, bool standard_strings, struct buf *names,
                      struct object *object)
{
	struct reading reading = { .tokens = tokens_of(sql, standard_strings) };
	size_t start = names->len;
	bool found = read_object(&reading);

	*object = (struct object){ SLICE_NONE, SLICE_NONE, SLICE_NONE, SLICE_NONE };
	if (found && !reading.schema.failed && !reading.name.failed) {
		size_t schema_len = reading.schema.len;

		buf_add_slice(names, buf_slice(&reading.schema));
		buf_add_slice(names, buf_slice(&reading.name));
		found = !names->failed;
		if (found) {
			object->type = slice_of(reading.type);
			object->name =
			    (struct slice){ names->data + start + schema_len, names->len - start - schema_len };
			if (schema_len > 0)
				object->schema = (struct slice){ names->data + start, schema_len };
		}
	} else {
		found = false;
	}
	buf_release(&reading.schema);
	buf_release(&reading.name);
	return found;
}
