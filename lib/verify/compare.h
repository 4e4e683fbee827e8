/*
 * compare.h - two sides, table by table and sequence by sequence.
 */
#ifndef IDKIT_VERIFY_COMPARE_H
#define IDKIT_VERIFY_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "contents.h"

enum verdict {
	VERDICT_EQUAL,
	VERDICT_ONLY_A,
	VERDICT_ONLY_B,
	VERDICT_COLUMNS, /* other columns */
	VERDICT_ROWS,    /* another number of rows */
	VERDICT_CONTENT, /* as many rows, but not the same ones */
	VERDICT_VALUE,   /* of a sequence */
};

/* "equal", "only-a", … as in the JSON report. */
const char *verdict_name(enum verdict verdict);

/* An absent side is NULL.  Both belong to the contents that were compared. */
struct table_comparison {
	enum verdict verdict;
	const struct table_digest *a;
	const struct table_digest *b;
};

struct sequence_comparison {
	enum verdict verdict;
	const struct sequence_value *a;
	const struct sequence_value *b;
};

struct comparison {
	struct table_comparison *tables; /* sorted by schema and name */
	size_t table_count;
	size_t table_differences;
	struct sequence_comparison *sequences;
	size_t sequence_count;
	size_t sequence_differences;
};

/* Borrows both sides.  0 or -1 (memory). */
int comparison_make(const struct contents *a, const struct contents *b,
                    struct comparison *comparison, struct err *err);
void comparison_release(struct comparison *comparison);
bool comparison_is_equal(const struct comparison *comparison);

#endif
