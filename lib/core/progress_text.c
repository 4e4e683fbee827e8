#include "progress_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PART_BYTES 64

/* In the order in which they stand on the line. */
enum part { PART_PHASE, PART_BAR, PART_PERCENT, PART_BYTES_DONE, PART_RATE, PART_LEFT, PART_ROWS,
	    PART_TABLES, PART_COUNT };

/* In the order in which they get their place: what tells most comes first; the bar takes what is
 * left over. */
static const enum part by_worth[] = { PART_PERCENT, PART_BYTES_DONE, PART_LEFT, PART_PHASE,
	                              PART_RATE, PART_TABLES, PART_ROWS };

#define GAP           2  /* blanks between parts */
#define BAR_LEAST     12 /* with its brackets */
#define BAR_MOST      42
#define MOST_SECONDS  (100 * 86400.0) /* beyond that it is no forecast */

static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
#define UNIT_COUNT (sizeof(units) / sizeof(*units))

int64_t progress_seconds_left(const struct progress_view *view)
{
	/* How long an index takes, bytes of rows don't tell. */
	if (!view->phase || strcmp(view->phase, "rows") != 0)
		return -1;
	if (view->total_bytes <= view->bytes || view->bytes_per_second <= 0)
		return -1;
	double seconds = (double)(view->total_bytes - view->bytes) / view->bytes_per_second;
	return seconds < MOST_SECONDS ? (int64_t)(seconds + 0.5) : -1;
}

/* The unit in which `bytes` has one to four digits before its point. */
static size_t unit_of(double bytes, double *scale)
{
	size_t unit = 0;
	for (*scale = 1; bytes / *scale >= 1000 && unit + 1 < UNIT_COUNT; unit++)
		*scale *= 1024;
	return unit;
}

/* Three digits that count: "1.2", "45", "999". */
static void print_scaled(char text[PART_BYTES], double bytes, double scale)
{
	bool whole = scale <= 1 || bytes / scale >= 99.95;
	snprintf(text, PART_BYTES, "%.*f", whole ? 0 : 1, bytes / scale);
}

static void print_bytes(char text[PART_BYTES], const struct progress_view *view)
{
	char done[PART_BYTES], total[PART_BYTES];
	bool has_total = view->total_bytes > view->bytes;
	double scale;
	size_t unit = unit_of((double)(has_total ? view->total_bytes : view->bytes), &scale);
	print_scaled(done, (double)view->bytes, scale);
	print_scaled(total, (double)view->total_bytes, scale);
	if (view->bytes == 0 && !has_total)
		return;
	snprintf(text, PART_BYTES, "%.20s%s%.20s %s", done, has_total ? "/" : "",
	         has_total ? total : "", units[unit]);
}

static void print_rate(char text[PART_BYTES], double rate)
{
	char number[PART_BYTES];
	double scale;
	size_t unit = unit_of(rate, &scale);
	if (rate <= 0)
		return;
	print_scaled(number, rate, scale);
	snprintf(text, PART_BYTES, "%.20s %s/s", number, units[unit]);
}

static void print_left(char text[PART_BYTES], int64_t seconds)
{
	if (seconds < 0)
		return;
	if (seconds < 3600)
		snprintf(text, PART_BYTES, "%d:%02d left", (int)(seconds / 60), (int)(seconds % 60));
	else
		snprintf(text, PART_BYTES, "%d:%02d:%02d left", (int)(seconds / 3600),
		         (int)(seconds / 60 % 60), (int)(seconds % 60));
}

/* Of bytes, or of tables where the bytes are not known; -1: of nothing. */
static double fraction_of(const struct progress_view *view)
{
	uint64_t done = view->total_bytes ? view->bytes : view->tables;
	uint64_t total = view->total_bytes ? view->total_bytes : view->total_tables;
	if (total == 0)
		return -1;
	return done < total ? (double)done / (double)total : 1;
}

/* 100% is what "done" looks like: not while something is still to be done. */
static int percent_of(double fraction)
{
	return fraction < 0.99 ? (int)(fraction * 100) : 99;
}

static void print_tables(char text[PART_BYTES], const struct progress_view *view)
{
	if (view->total_tables > 0)
		snprintf(text, PART_BYTES, "%" PRIu64 "/%" PRIu64 " tables", view->tables,
		         view->total_tables);
	else if (view->tables > 0)
		snprintf(text, PART_BYTES, "%" PRIu64 " tables", view->tables);
}

static void print_parts(const struct progress_view *view, const char *program,
                        char parts[PART_COUNT][PART_BYTES])
{
	double fraction = fraction_of(view);
	snprintf(parts[PART_PHASE], PART_BYTES, "%.30s%s%.30s", program, view->phase ? ": " : "",
	         view->phase ? view->phase : "");
	if (fraction >= 0)
		snprintf(parts[PART_PERCENT], PART_BYTES, "%3d%%", percent_of(fraction));
	print_bytes(parts[PART_BYTES_DONE], view);
	print_rate(parts[PART_RATE], view->bytes_per_second);
	print_left(parts[PART_LEFT], progress_seconds_left(view));
	if (view->rows > 0)
		snprintf(parts[PART_ROWS], PART_BYTES, "%" PRIu64 " rows", view->rows);
	print_tables(parts[PART_TABLES], view);
}

/* What has no place becomes empty; returns the width that is left for one more part. */
static size_t make_room(char parts[PART_COUNT][PART_BYTES], size_t width)
{
	size_t used = 0;
	for (size_t i = 0; i < sizeof(by_worth) / sizeof(*by_worth); i++) {
		char *part = parts[by_worth[i]];
		size_t needed = strlen(part) + (used > 0 ? GAP : 0);
		if (used + needed > width)
			part[0] = '\0';
		if (part[0])
			used += needed;
	}
	return used + GAP < width ? width - used - GAP : 0;
}

static void draw_bar(struct buf *line, size_t width, double fraction)
{
	size_t inside = width - 2;
	size_t filled = (size_t)(fraction * (double)inside);
	buf_addc(line, '[');
	for (size_t i = 0; i < inside; i++)
		buf_addc(line, i < filled ? '=' : i == filled ? '>' : ' ');
	buf_addc(line, ']');
}

void progress_bar_text(const struct progress_view *view, const char *program, size_t width,
                       struct buf *line)
{
	char parts[PART_COUNT][PART_BYTES] = { "" };
	double fraction = fraction_of(view);
	print_parts(view, program, parts);
	size_t room = make_room(parts, width);
	bool has_bar = fraction >= 0 && room >= BAR_LEAST;
	const char *gap = "";
	for (int i = 0; i < PART_COUNT; i++) {
		if (i == PART_BAR ? !has_bar : parts[i][0] == '\0')
			continue;
		buf_adds(line, gap);
		gap = "  ";
		if (i == PART_BAR)
			draw_bar(line, room < BAR_MOST ? room : BAR_MOST, fraction);
		else
			buf_adds(line, parts[i]);
	}
}

static void add_known(struct buf *line, const char *key, bool known, uint64_t value)
{
	if (known)
		buf_addf(line, ",\"%s\":%" PRIu64, key, value);
	else
		buf_addf(line, ",\"%s\":null", key);
}

void progress_json_text(const struct progress_view *view, struct buf *line)
{
	const char *quote = view->phase ? "\"" : "";
	int64_t left = progress_seconds_left(view);
	buf_addf(line, "{\"state\":\"%s\",\"phase\":%s%s%s", view->state, quote,
	         view->phase ? view->phase : "null", quote);
	buf_addf(line, ",\"seconds\":%.1f", view->seconds);
	add_known(line, "bytes", true, view->bytes);
	add_known(line, "total_bytes", view->total_bytes > 0, view->total_bytes);
	add_known(line, "rows", true, view->rows);
	add_known(line, "tables", true, view->tables);
	add_known(line, "total_tables", view->total_tables > 0, view->total_tables);
	add_known(line, "bytes_per_second", view->bytes_per_second > 0,
	          (uint64_t)view->bytes_per_second);
	add_known(line, "seconds_left", left >= 0, (uint64_t)left);
	buf_adds(line, "}\n");
}
