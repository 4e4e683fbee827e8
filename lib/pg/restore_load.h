/*
 * restore_load.h - rows as tasks for workers: gathered from a pipe, or references to a file.
 */
#ifndef IDKIT_PG_RESTORE_LOAD_H
#define IDKIT_PG_RESTORE_LOAD_H

#include "restore_crew.h"
#include "restore_internal.h"

/* Rows from a pipe are cut into pieces of about this size. */
#define LOAD_BYTES ((size_t)8 * 1024 * 1024)

/* A table as a COPY statement names it, which all of its pieces share. */
struct load_target {
	struct load_target *next;
	struct restore_table *table;
	unsigned long asked; /* when the table was asked about: load_target_known()'s `changes` */
	char *copy; /* the line, as the script has it */
	struct buf run; /* the statement to run, and the same with FREEZE */
	struct buf freeze;
	struct copy_table columns;
	struct slice *column_names;
	struct copy_table stored; /* the same, by the name that it has in the target */
	struct buf schema;
	struct buf name;
};

/* The one of this COPY line, if nothing has changed since it was asked about, and its table is free
 * still; or NULL. */
struct load_target *load_target_known(struct load_target *targets, struct slice copy,
                                      unsigned long changes);
/* Finds or adds the one for a record that is the first of its block. */
struct load_target *load_target_for(struct load_target **targets, struct restore_table *table,
                                    const struct record_data *data, unsigned long changes,
                                    struct err *err);
void load_targets_release(struct load_target **targets);

/* Whole rows for one COPY. */
struct load_piece {
	struct buf rows;    /* in memory, or a chunk's bytes */
	struct chunk chunk;
	bool is_chunk;
	char *name;         /* of the chunk's place, when it does not last */
	uint64_t statement;
	uint64_t line;      /* of the first row */
	uint64_t row_count; /* of rows in memory */
	bool first;         /* of its block */
	bool crlf;
};

struct load_task {
	struct crew_task task;
	struct restore *restore;
	const struct load_target *target;
	struct load_piece *pieces;
	size_t count;
	uint64_t cost; /* to load it, in bytes */
	bool whole; /* the table's only load: truncated, then loaded frozen, in one transaction */
};

/* NULL when memory is out. */
struct load_task *load_task_new(struct restore *restore, const struct load_target *target,
                                const struct restore_map *map, struct err *err);
/* The next piece, empty, or NULL; those before may move. */
struct load_piece *load_task_piece(struct load_task *load, struct err *err);
void load_task_free(struct crew_task *task);

/* A chunk's piece: its bytes are copied unless it lasts. */
int load_piece_set_chunk(struct load_piece *piece, const struct record *record, struct err *err);

/* What it takes in memory: its bytes, or as many as it unpacks to. */
size_t load_piece_bytes(const struct load_piece *piece);

#endif
