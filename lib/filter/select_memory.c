#include "select_memory.h"

#include <stdlib.h>
#include <string.h>

/* "\0sSCHEMA\0nNAME\0" each: names hold no zero bytes, so only a whole one is found. */
static void add_key(struct buf *buf, struct slice schema, struct slice name)
{
	buf_add(buf, "\0s", 2);
	buf_add_slice(buf, schema);
	buf_add(buf, "\0n", 2);
	buf_add_slice(buf, name);
	buf_addc(buf, '\0');
}

void name_set_add(struct name_set *set, struct slice schema, struct slice name)
{
	add_key(&set->names, schema, name);
}

bool name_set_has(const struct name_set *set, struct slice schema, struct slice name)
{
	struct buf key = BUF_INIT;
	if (set->names.len == 0)
		return false;
	add_key(&key, schema, name);
	bool found = !key.failed && memmem(set->names.data, set->names.len, key.data, key.len);
	buf_release(&key);
	return found;
}

void name_set_release(struct name_set *set)
{
	buf_release(&set->names);
}

struct held_statement {
	struct held_statement *next;
	char *schema;
	char *name;
	struct buf memory; /* what the record's slices point into */
	struct record record;
};

void held_init(struct held_statements *held)
{
	held->first = NULL;
	held->last = &held->first;
}

static void statement_free(struct held_statement *statement)
{
	free(statement->schema);
	free(statement->name);
	buf_release(&statement->memory);
	free(statement);
}

void held_release(struct held_statements *held)
{
	while (held->first) {
		struct held_statement *statement = held->first;
		held->first = statement->next;
		statement_free(statement);
	}
}

static bool is_about(const struct held_statement *statement, struct slice schema,
                     struct slice name)
{
	return slice_equals(schema, statement->schema) && slice_equals(name, statement->name);
}

bool held_has(const struct held_statements *held, struct slice schema, struct slice name)
{
	for (const struct held_statement *at = held->first; at; at = at->next)
		if (is_about(at, schema, name))
			return true;
	return false;
}

/* The slice's copy in the memory, which has room for it. */
static struct slice keep(struct buf *memory, struct slice slice)
{
	if (!slice.data)
		return slice;
	struct slice copy = { memory->data + memory->len, slice.len };
	buf_add_slice(memory, slice);
	return copy;
}

static int copy_record(struct held_statement *held, const struct record *record, struct err *err)
{
	const struct record_statement *from = &record->statement;
	const struct object *object = &from->object;
	struct record_statement *to = &held->record.statement;
	buf_reserve(&held->memory, record->lead.len + from->sql.len + object->type.len +
	                               object->schema.len + object->name.len + object->owner.len + 1);
	if (buf_check(&held->memory, "a statement", err) < 0)
		return -1;
	held->record = *record;
	held->record.lead = keep(&held->memory, record->lead);
	to->sql = keep(&held->memory, from->sql);
	to->object.type = keep(&held->memory, object->type);
	to->object.schema = keep(&held->memory, object->schema);
	to->object.name = keep(&held->memory, object->name);
	to->object.owner = keep(&held->memory, object->owner);
	return 0;
}

int held_add(struct held_statements *held, struct slice schema, struct slice name,
             const struct record *record, struct err *err)
{
	struct held_statement *statement = calloc(1, sizeof(*statement));
	if (!statement)
		return err_memory(err, "a statement");
	statement->schema = slice_dup(schema);
	statement->name = slice_dup(name);
	if (!statement->schema || !statement->name) {
		statement_free(statement);
		return err_memory(err, "a statement");
	}
	if (copy_record(statement, record, err) < 0) {
		statement_free(statement);
		return -1;
	}
	*held->last = statement;
	held->last = &statement->next;
	return 0;
}

int held_deliver(struct held_statements *held, struct slice schema, struct slice name,
                 struct sink *sink, struct err *err)
{
	struct held_statement **at = &held->first;
	int result = 0;
	while (*at) {
		struct held_statement *statement = *at;
		if (!is_about(statement, schema, name)) {
			at = &statement->next;
			continue;
		}
		if (result == 0)
			result = sink_write(sink, &statement->record, err);
		*at = statement->next;
		statement_free(statement);
	}
	held->last = at;
	return result;
}
