/* The inside of the restoring sink, shared by restore*.c only. */
#ifndef IDKIT_PG_RESTORE_INTERNAL_H
#define IDKIT_PG_RESTORE_INTERNAL_H

#include "contents.h"
#include "restore.h"
#include "restore_map.h"
#include "restore_policy.h"
#include "restore_table.h"
#include "restore_tuning.h"

struct restore_jobs;

struct restore {
	struct sink sink;
	struct restore_target target;
	struct restore_options options;
	struct restore_state state;
	struct restore_tuning tuning;
	const struct log *log;
	struct pg *pg; /* once it is open: the main session */
	bool in_transaction; /* the main session is */
	bool committed;      /* something is: with jobs, before the end */
	struct stream_header *header;
	struct contents *received; /* with jobs, changed under the crew's lock, as is `stored` */
	struct contents *stored; /* the same by the names that it has in the target; NULL without --verify */
	struct buf sql;
	struct restore_early *early; /* settings that came before the database */
	size_t early_count;
	uint64_t absent_drops;
	bool no_freeze;      /* subtransactions or cursors are there: COPY FREEZE may be refused */
	bool complete; /* the trailer has come, and all is as it says */
	struct restore_tables tables;
	struct restore_jobs *jobs; /* NULL: one session does all, in one transaction */
	/* The COPY that is under way in the main session. */
	uint64_t copy_line; /* of its first row */
	uint64_t copy_rows; /* sent so far */
	struct copy_table stored_table;
	struct buf stored_schema;
	struct buf stored_name;
};

/* Makes a session what a script's beginning finds. */
int restore_prepare(struct restore *restore, struct pg *pg, struct err *err);

/* In the main session's transaction, which begins when there is none. */
int restore_begin(struct restore *restore, struct err *err);

/* Runs the statement in the main session; errors say all that is known. */
int restore_run(struct restore *restore, const struct place *place, struct slice sql,
                struct err *err);

/* As the script's next statement: in the main session, or when its turn comes. */
int restore_run_record(struct restore *restore, const struct record *record, struct slice sql,
                       struct err *err);

/* restore_received.c */
int restore_received_init(struct restore *restore, struct err *err);
void restore_received_release(struct restore *restore);
/* Adds the rows or the statement to what the target has received; `stored`: by which name it has the rows. */
int restore_collect(struct restore *restore, const struct record *record,
                    const struct copy_table *stored, struct err *err);
/* Are they what the trailer says? */
int restore_check_received(struct restore *restore, const struct record *trailer, struct err *err);
/* Collects the rows and sends them, in the main session. */
int restore_take_rows(struct restore *restore, const struct record *record, struct err *err);
/* What --verify must know of a statement that has been run, or of the TRAILER. */
int restore_note_statement(struct restore *restore, const struct record *record, struct err *err);
/* Takes a restore_table's name apart. */
bool restore_split_name(const char *written, struct buf *schema, struct buf *name);

/* restore_settings.c: SET and set_config().  pg_dump --create begins with settings; what the database
 * must be like is said behind them.  So they wait until it is open. */
int restore_setting(struct restore *restore, const struct record *record, struct err *err);
int restore_early_settings(struct restore *restore, struct err *err);
void restore_early_release(struct restore *restore);

/* restore_rows.c: in the main session. */
int restore_rows(struct restore *restore, const struct record *record, struct err *err);
/* As many rows as were sent? */
int restore_check_taken(const struct restore *restore, const struct place *place,
                        const struct copy_table *table, uint64_t sent, uint64_t taken,
                        struct err *err);

/* restore_error.c: `failed` is what pg_exec() said, pg_failure() knows more; the result is in `err`.
 * Always -1. */
int restore_statement_failed(const struct restore *restore, const struct pg *pg,
                             const struct place *place, struct slice sql,
                             const struct err *failed, struct err *err);
/* What an error means for the target, unless it says so already or there was no target yet.  Always -1. */
int restore_add_outcome(const struct restore *restore, struct err *err);
/* Rows whose first is at `place`. */
int restore_rows_failed(const struct restore *restore, const struct pg *pg,
                        const struct place *place, const struct copy_table *table,
                        const struct err *failed, struct err *err);
/* What a message has in front of the line. */
const char *restore_place_name(const struct restore *restore, const struct place *place);

/* restore_verify.c: reads the target back and compares. */
int restore_verify(struct restore *restore, struct err *err);

#endif
