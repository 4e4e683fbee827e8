/*
 * copy_block.h - the parts of a COPY block's text, and the table that its COPY line names.
 */
#ifndef IDKIT_STREAM_COPY_BLOCK_H
#define IDKIT_STREAM_COPY_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "record.h"
#include "statement.h"

/* The table of a COPY statement; `table` points into the rest. */
struct copy_target {
	struct copy_header header;
	struct slice *columns;
	struct copy_table table;
};
#define COPY_TARGET_INIT { COPY_HEADER_INIT, NULL, { { NULL, 0 }, { NULL, 0 }, NULL, 0, false, false } }

/* `copy` is the COPY line.  ERR_INPUT when it can't be read, or asks for the binary format. */
int copy_target_read(struct copy_target *target, struct slice copy, bool standard_strings,
                     struct err *err);
void copy_target_release(struct copy_target *target);

/* Where in `data` the first newline stands that "\." follows, or NULL. */
const char *copy_find_end(const char *data, size_t len);

/* The front of an archive's data member. */
struct copy_block {
	struct slice lead;
	struct slice copy; /* with its newline */
	uint64_t line;     /* of the first row, from 1 */
};

enum copy_front {
	COPY_FRONT_ROWS,       /* it begins a COPY block */
	COPY_FRONT_STATEMENTS, /* other statements, or none */
	COPY_FRONT_SHORT,      /* more of it is needed to tell */
};

/* What is it that a member's text begins with?  `whole`: there is no more of it. */
enum copy_front copy_block_front(struct slice text, bool whole, struct copy_block *block);

/* The rows of a whole data member, whose front is known: checked against its mark.  ERR_INPUT. */
int copy_block_rows(struct slice text, const struct copy_block *block, struct slice *rows,
                    struct err *err);

#endif
