/* The inside of the restoring sink, shared by restore*.c only. */
#ifndef IDKIT_PG_RESTORE_INTERNAL_H
#define IDKIT_PG_RESTORE_INTERNAL_H

#include "contents.h"
#include "restore.h"
#include "restore_policy.h"

struct restore {
	struct sink sink;
	struct restore_target target;
	struct restore_options options;
	struct restore_state state;
	const struct log *log;
	struct pg *pg; /* once it is open */
	struct stream_header *header;
	struct contents *received;
	struct buf sql;
	struct restore_early *early; /* settings that came before the database */
	size_t early_count;
	uint64_t absent_drops;
	bool complete; /* the trailer has come, and all is as it says */
	/* The COPY that is under way. */
	uint64_t copy_line; /* of its first row */
	uint64_t copy_rows; /* sent so far */
};

/* Runs the statement; errors say all that is known. */
int restore_run(struct restore *restore, const struct record *record, struct slice sql,
                struct err *err);

/* restore_settings.c: SET and set_config().  pg_dump --create begins with settings; what the database
 * must be like is said behind them.  So they wait until it is open. */
int restore_setting(struct restore *restore, const struct record *record, struct err *err);
int restore_early_settings(struct restore *restore, struct err *err);
void restore_early_release(struct restore *restore);

/* restore_rows.c */
int restore_rows(struct restore *restore, const struct record *record, struct err *err);

/* restore_error.c: `failed` is what pg_exec() said; the result is in `err`.  Always -1. */
int restore_statement_failed(struct restore *restore, const struct record *record,
                             struct slice sql, const struct err *failed, struct err *err);
int restore_rows_failed(struct restore *restore, const struct record *record,
                        const struct err *failed, struct err *err);

/* restore_verify.c: reads the target back and compares. */
int restore_verify(struct restore *restore, struct err *err);

#endif
