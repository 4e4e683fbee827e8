/* The inside of a restore with jobs, shared by restore_jobs*.c, restore_plan.c and restore_post.c only. */
#ifndef IDKIT_PG_RESTORE_JOBS_INTERNAL_H
#define IDKIT_PG_RESTORE_JOBS_INTERNAL_H

#include "post_task.h"
#include "restore_crew.h"
#include "restore_jobs.h"
#include "restore_load.h"

/* A statement that was put off. */
struct restore_step {
	char *sql;
	struct place place;
	bool standard_strings;
	const struct restore_map *map;
	struct post_task task;
	struct restore_table *tables[2]; /* once asked */
};

struct restore_jobs {
	struct crew *crew;
	struct restore_maps maps;
	struct restore_session main;
	struct load_target *targets;
	struct load_target *target; /* of the block that is under way; NULL: the main session's */
	struct load_task *filling;  /* rows from a pipe that are no task yet */
	struct load_task **planned;
	size_t planned_count;
	struct restore_step *steps;
	size_t step_count;
	size_t step_bytes;
	bool is_loading; /* workers may still be at rows */
	bool serial;     /* all in the main session from here on */
	bool doubtful;   /* the main session's transaction may hold what a commit would change */
	bool has_rows;   /* … also rows */
	char *state; /* of the main session, as it was set up or the script's last SET left it */
	char **customs; /* names of settings that the script made up, as far as they are known */
	size_t custom_count;
	bool reads_any;        /* it may read others, whose names it computes */
	unsigned long carried; /* `changes`, plus one, when customs were carried last */
	unsigned long changes; /* counts what may make a table's answer untrue */
};

/* Ends the main session's transaction, so that workers see what it did; false in *done when this must
 * not be (deferred constraints, temporary tables, settings out of sight): then everything is the main session's from here on. */
int restore_jobs_commit(struct restore *restore, bool *done, struct err *err);

/* Everything that was put off, in its order; nothing is under way after. */
int restore_jobs_flush(struct restore *restore, struct err *err);

/* restore_jobs_setting.c: in the main session now, and in each other before what stands behind it. */
int restore_jobs_setting(struct restore *restore, const struct record *record, struct slice sql,
                         struct err *err);
/* What the main session is set to now, in jobs->state; is it still that?  Statements may have changed it out of
 * sight (set_config() in a function), which workers would not know of. */
int restore_jobs_keep_state(struct restore *restore, struct err *err);
int restore_jobs_compare_state(struct restore *restore, bool *same, struct err *err);

/* Appends a statement that sets it. */
void restore_jobs_add_set(struct buf *sql, struct slice name, struct slice value);

/*
 * restore_jobs_custom.c: the server does not list settings that a script made up, so nobody sees that a
 * function has set one.  Their names are collected, from SETs and from the words in which something reads
 * them; what they are set to is noted before rows go to workers and statements are put off.
 */
int restore_jobs_custom(struct restore *restore, struct slice name, struct err *err);
int restore_jobs_read_customs(struct restore *restore, struct slice sql, struct err *err);
int restore_jobs_carry_customs(struct restore *restore, struct err *err);
void restore_jobs_forget_customs(struct restore_jobs *jobs);

/* restore_plan.c: rows that lie in a file. */
int restore_plan_add(struct restore *restore, const struct record *record, struct err *err);
/* Makes tasks of all that was planned. */
int restore_plan_start(struct restore *restore, struct err *err);

/* restore_post.c: steps. */
int restore_post_put_off(struct restore *restore, const struct record *record, struct slice sql,
                         struct post_task *task, struct err *err);
int restore_post_run(struct restore *restore, struct err *err);
void restore_post_release(struct restore_jobs *jobs);

#endif
