/*
 * select_memory.h - what a selection must remember of a stream: names, and sequences of which is not
 * known yet whose they are.  For select.c only.
 */
#ifndef IDKIT_FILTER_SELECT_MEMORY_H
#define IDKIT_FILTER_SELECT_MEMORY_H

#include <stdbool.h>

#include "record.h"

/* A set of qualified names. */
struct name_set {
	struct buf names;
};

void name_set_add(struct name_set *set, struct slice schema, struct slice name);
bool name_set_has(const struct name_set *set, struct slice schema, struct slice name);
void name_set_release(struct name_set *set);

/*
 * Statements about a sequence, kept until ALTER SEQUENCE … OWNED BY says that it belongs to a table
 * that is selected: pg_dump writes CREATE SEQUENCE before it, perhaps also before the table.  Likewise
 * those about a schema (here a name without schema), until a table in it is selected.
 */
struct held_statement;

struct held_statements {
	struct held_statement *first;
	struct held_statement **last;
};

void held_init(struct held_statements *held);
void held_release(struct held_statements *held);
bool held_has(const struct held_statements *held, struct slice schema, struct slice name);
/* Copies the record. */
int held_add(struct held_statements *held, struct slice schema, struct slice name,
             const struct record *record, struct err *err);
/* Writes those of this sequence, in their order, and forgets them. */
int held_deliver(struct held_statements *held, struct slice schema, struct slice name,
                 struct sink *sink, struct err *err);

#endif
