#include <string.h>

#include "report.h"

static void add_count(struct buf *text, unsigned long long count, const char *noun)
{
	buf_addf(text, "%llu %s%s", count, noun, count == 1 ? "" : "s");
}

/* Control characters would break the report's lines. */
static void add_name(struct buf *text, const char *schema, const char *name)
{
	const char *parts[] = { schema, ".", name };
	for (size_t i = 0; i < 3; i++)
		for (const char *p = parts[i]; *p; p++)
			buf_addc(text, (unsigned char)*p < ' ' ? '?' : *p);
}

static void add_columns(struct buf *text, const struct table_digest *table)
{
	if (!table)
		return;
	buf_addc(text, '(');
	for (size_t i = 0; i < table->column_count; i++)
		buf_addf(text, "%s%s", i ? ", " : "", table->columns[i]);
	buf_addc(text, ')');
}

static unsigned long long rows_of(const struct table_digest *table)
{
	return table ? table->rows : 0;
}

static void add_table(struct buf *text, const struct table_comparison *table)
{
	const struct table_digest *a = table->a, *b = table->b, *any = a ? a : b;
	buf_adds(text, "table ");
	add_name(text, any->schema, any->name);
	buf_adds(text, ": ");
	switch (table->verdict) {
	case VERDICT_ONLY_A:
		buf_addf(text, "only in A (%llu rows)", rows_of(a));
		break;
	case VERDICT_ONLY_B:
		buf_addf(text, "only in B (%llu rows)", rows_of(b));
		break;
	case VERDICT_COLUMNS:
		buf_adds(text, "other columns\n  A ");
		add_columns(text, a);
		buf_adds(text, "\n  B ");
		add_columns(text, b);
		break;
	case VERDICT_ROWS:
		buf_addf(text, "A has %llu rows, B has %llu", rows_of(a),
		         rows_of(b));
		break;
	case VERDICT_CONTENT:
		buf_addf(text, "%llu rows in both, but not the same ones", rows_of(a));
		break;
	default:
		buf_addf(text, "equal (%llu rows)", rows_of(a));
		break;
	}
	buf_addc(text, '\n');
}

static void add_value(struct buf *text, const struct sequence_value *sequence)
{
	buf_addf(text, "%s%s", sequence->last_value, sequence->is_called ? "" : " (not yet used)");
}

static void add_sequence(struct buf *text, const struct sequence_comparison *sequence)
{
	const struct sequence_value *a = sequence->a, *b = sequence->b, *any = a ? a : b;
	buf_adds(text, "sequence ");
	add_name(text, any->schema, any->name);
	buf_adds(text, ": ");
	if (!a || !b) {
		buf_addf(text, "only in %s, at ", a ? "A" : "B");
		add_value(text, any);
	} else if (sequence->verdict == VERDICT_EQUAL) {
		buf_adds(text, "equal, at ");
		add_value(text, a);
	} else {
		buf_adds(text, "A is at ");
		add_value(text, a);
		buf_adds(text, ", B at ");
		add_value(text, b);
	}
	buf_addc(text, '\n');
}

static void add_entries(struct buf *text, const struct comparison *comparison, bool equal)
{
	for (size_t i = 0; i < comparison->table_count; i++)
		if ((comparison->tables[i].verdict == VERDICT_EQUAL) == equal)
			add_table(text, &comparison->tables[i]);
	for (size_t i = 0; i < comparison->sequence_count; i++)
		if ((comparison->sequences[i].verdict == VERDICT_EQUAL) == equal)
			add_sequence(text, &comparison->sequences[i]);
}

static unsigned long long rows_of_a(const struct comparison *comparison)
{
	unsigned long long rows = 0;
	for (size_t i = 0; i < comparison->table_count; i++)
		rows += rows_of(comparison->tables[i].a);
	return rows;
}

static void add_verdict(struct buf *text, const struct comparison *comparison)
{
	if (comparison_is_equal(comparison)) {
		buf_adds(text, "equal: ");
		add_count(text, comparison->table_count, "table");
		buf_adds(text, ", ");
		add_count(text, rows_of_a(comparison), "row");
		buf_adds(text, ", ");
		add_count(text, comparison->sequence_count, "sequence");
	} else {
		buf_addf(text, "DIFFERENT: %zu of ", comparison->table_differences);
		add_count(text, comparison->table_count, "table");
		buf_addf(text, ", %zu of ", comparison->sequence_differences);
		add_count(text, comparison->sequence_count, "sequence");
	}
	buf_addc(text, '\n');
}

int report_text(const struct comparison *comparison, const struct report_names *names, bool all,
                struct buf *text, struct err *err)
{
	buf_addf(text, "A is %s\nB is %s\n", names->a, names->b);
	add_entries(text, comparison, false);
	if (all)
		add_entries(text, comparison, true);
	add_verdict(text, comparison);
	return buf_check(text, "a report", err);
}

int report_stream_text(const struct contents *contents, const char *name, bool vouched, bool all,
                       struct buf *text, struct err *err)
{
	for (size_t i = 0; all && i < contents_table_count(contents); i++) {
		const struct table_digest *table = contents_table(contents, i);
		buf_adds(text, "table ");
		add_name(text, table->schema, table->name);
		buf_addf(text, ": %llu rows\n", (unsigned long long)table->rows);
	}
	buf_addf(text, "%s is complete%s: ", name,
	         vouched ? " and undamaged" : ", but carries no digests to check");
	add_count(text, contents_table_count(contents), "table");
	buf_adds(text, ", ");
	add_count(text, contents_rows(contents), "row");
	buf_adds(text, ", ");
	add_count(text, contents_sequence_count(contents), "sequence");
	buf_addc(text, '\n');
	return buf_check(text, "a report", err);
}
