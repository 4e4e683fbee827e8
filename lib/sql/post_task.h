/*
 * post_task.h - statements behind the rows that need not run one after the other.
 *
 * Reading is shallow and strict: what is not just what pg_dump writes, or what the server would name
 * by itself (an index without a name), is POST_UNKNOWN, and runs alone, in the script's order.
 */
#ifndef IDKIT_SQL_POST_TASK_H
#define IDKIT_SQL_POST_TASK_H

#include <stdbool.h>

#include "buf.h"

enum post_kind {
	POST_UNKNOWN,
	POST_INDEX,       /* CREATE [UNIQUE] INDEX name ON [ONLY] table … */
	POST_KEY,         /* ALTER TABLE [ONLY] table ADD CONSTRAINT name PRIMARY KEY or UNIQUE (…) … */
	POST_EXCLUSION,   /* ALTER TABLE [ONLY] table ADD CONSTRAINT name EXCLUDE … */
	POST_FOREIGN_KEY, /* ALTER TABLE [ONLY] table ADD CONSTRAINT name FOREIGN KEY … */
	POST_DETAIL,      /* about what has been made before, in any order with what is made after: COMMENT,
	                   * CLUSTER ON, REPLICA IDENTITY USING INDEX, ALTER INDEX … SET STATISTICS */
};

struct post_task {
	enum post_kind kind;
	bool only;      /* ONLY was written */
	bool primary;   /* POST_KEY: PRIMARY KEY */
	struct buf schema; /* of the table; empty when not written */
	struct buf table;
	struct buf name; /* of the index or constraint */
	struct buf referenced_schema; /* POST_FOREIGN_KEY */
	struct buf referenced_table;
	/*
	 * Where it can be made in two steps of which others need not wait for the longer one.  POST_KEY:
	 * the index, while others are built on the table, too, then the constraint, which takes it over.
	 * POST_FOREIGN_KEY: the constraint NOT VALID, for which both tables are needed a moment, then its
	 * validation, which leaves the referenced table to others (documentation of ALTER TABLE, VALIDATE
	 * CONSTRAINT).  Empty where it can't (WITHOUT OVERLAPS, USING INDEX, NOT VALID already, a part
	 * that is not known).
	 */
	struct buf first_sql;
	struct buf second_sql;
};

#define POST_TASK_INIT { .kind = POST_UNKNOWN }

/* Reads the statement into a task that is POST_TASK_INIT; 0, or -1 when memory is out. */
int post_task_read(struct slice sql, bool standard_strings, struct post_task *task,
                   struct err *err);
void post_task_release(struct post_task *task);

#endif
