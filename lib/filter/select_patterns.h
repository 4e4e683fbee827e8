/* The patterns of a selection; for select.c only. */
#ifndef IDKIT_FILTER_SELECT_PATTERNS_H
#define IDKIT_FILTER_SELECT_PATTERNS_H

#include <stdbool.h>

#include "regex.h"
#include "select.h"

struct name_pattern {
	char *text;
	struct regex *schema; /* NULL: any */
	struct regex *name;   /* NULL: any, for patterns of schemas */
	bool matched;
};

/* The patterns of one option. */
struct name_patterns {
	struct name_pattern *items;
	size_t count;
};

struct select_patterns {
	struct name_patterns schemas;
	struct name_patterns exclude_schemas;
	struct name_patterns tables;
	struct name_patterns exclude_tables;
};

int select_patterns_init(struct select_patterns *patterns, const struct selection *selection,
                         struct err *err);
void select_patterns_release(struct select_patterns *patterns);

/* 1, 0, or -1.  With `note`, patterns that match are noted to have matched something. */
int select_schema(struct select_patterns *patterns, struct slice schema, bool note,
                  struct err *err);
int select_relation(struct select_patterns *patterns, struct slice schema, struct slice name,
                    bool note, struct err *err);
/* Of another kind than a relation: in the schema, or, absent, in none. */
int select_object(struct select_patterns *patterns, struct slice schema, struct err *err);

/* 0, or ERR_USAGE that names the patterns of -t and -n that matched nothing. */
int select_check_matched(const struct select_patterns *patterns, struct err *err);

#endif
