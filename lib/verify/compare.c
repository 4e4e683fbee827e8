#include "compare.h"

#include <stdlib.h>
#include <string.h>

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = { "equal", "only-a",  "only-b", "columns",
		                             "rows",  "content", "value" };
	return names[verdict];
}

static int compare_names(const char *schema_a, const char *name_a, const char *schema_b,
                         const char *name_b)
{
	int order = strcmp(schema_a, schema_b);
	return order ? order : strcmp(name_a, name_b);
}

static enum verdict judge_table(const struct table_digest *a, const struct table_digest *b)
{
	if (!table_digest_same_columns(a, b))
		return VERDICT_COLUMNS;
	if (a->rows != b->rows)
		return VERDICT_ROWS;
	return hash128_equal(a->sum, b->sum) ? VERDICT_EQUAL : VERDICT_CONTENT;
}

static enum verdict judge_sequence(const struct sequence_value *a, const struct sequence_value *b)
{
	bool equal = strcmp(a->last_value, b->last_value) == 0 && a->is_called == b->is_called;
	return equal ? VERDICT_EQUAL : VERDICT_VALUE;
}

static void add_table(struct comparison *comparison, enum verdict verdict,
                      const struct table_digest *a, const struct table_digest *b)
{
	comparison->tables[comparison->table_count++] =
		(struct table_comparison){ verdict, a, b };
	comparison->table_differences += verdict != VERDICT_EQUAL;
}

/* Both lists are sorted: one walk along both. */
static void compare_tables(const struct contents *a, const struct contents *b,
                           struct comparison *comparison)
{
	size_t i = 0, j = 0, a_count = contents_table_count(a), b_count = contents_table_count(b);
	while (i < a_count || j < b_count) {
		const struct table_digest *left = i < a_count ? contents_table(a, i) : NULL;
		const struct table_digest *right = j < b_count ? contents_table(b, j) : NULL;
		int order = !left    ? 1
		            : !right ? -1
		                     : compare_names(left->schema, left->name, right->schema,
		                                     right->name);
		if (order < 0)
			add_table(comparison, VERDICT_ONLY_A, left, NULL);
		else if (order > 0)
			add_table(comparison, VERDICT_ONLY_B, NULL, right);
		else
			add_table(comparison, judge_table(left, right), left, right);
		i += order <= 0;
		j += order >= 0;
	}
}

static void add_sequence(struct comparison *comparison, enum verdict verdict,
                         const struct sequence_value *a, const struct sequence_value *b)
{
	comparison->sequences[comparison->sequence_count++] =
		(struct sequence_comparison){ verdict, a, b };
	comparison->sequence_differences += verdict != VERDICT_EQUAL;
}

static void compare_sequences(const struct contents *a, const struct contents *b,
                              struct comparison *comparison)
{
	size_t i = 0, j = 0;
	size_t a_count = contents_sequence_count(a), b_count = contents_sequence_count(b);
	while (i < a_count || j < b_count) {
		const struct sequence_value *left = i < a_count ? contents_sequence(a, i) : NULL;
		const struct sequence_value *right = j < b_count ? contents_sequence(b, j) : NULL;
		int order = !left    ? 1
		            : !right ? -1
		                     : compare_names(left->schema, left->name, right->schema,
		                                     right->name);
		if (order < 0)
			add_sequence(comparison, VERDICT_ONLY_A, left, NULL);
		else if (order > 0)
			add_sequence(comparison, VERDICT_ONLY_B, NULL, right);
		else
			add_sequence(comparison, judge_sequence(left, right), left, right);
		i += order <= 0;
		j += order >= 0;
	}
}

int comparison_make(const struct contents *a, const struct contents *b,
                    struct comparison *comparison, struct err *err)
{
	size_t tables = contents_table_count(a) + contents_table_count(b);
	size_t sequences = contents_sequence_count(a) + contents_sequence_count(b);
	*comparison = (struct comparison){ 0 };
	comparison->tables = calloc(tables + 1, sizeof(*comparison->tables));
	comparison->sequences = calloc(sequences + 1, sizeof(*comparison->sequences));
	if (!comparison->tables || !comparison->sequences) {
		comparison_release(comparison);
		return err_memory(err, "a comparison");
	}
	compare_tables(a, b, comparison);
	compare_sequences(a, b, comparison);
	return 0;
}

void comparison_release(struct comparison *comparison)
{
	free(comparison->tables);
	free(comparison->sequences);
	*comparison = (struct comparison){ 0 };
}

bool comparison_is_equal(const struct comparison *comparison)
{
	return comparison->table_differences + comparison->sequence_differences == 0;
}
