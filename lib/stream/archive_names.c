#include "archive_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const folders[] = {
	[SECTION_PRE_DATA] = "1-pre-data",
	[SECTION_DATA] = "2-data",
	[SECTION_POST_DATA] = "3-post-data",
};

void archive_member_name(enum section section, uint64_t number, char name[ARCHIVE_NAME_BYTES])
{
	if (section == SECTION_GLOBALS)
		snprintf(name, ARCHIVE_NAME_BYTES, "%s", ARCHIVE_GLOBALS);
	else
		snprintf(name, ARCHIVE_NAME_BYTES, "%s/%06" PRIu64 ".sql.zst", folders[section], number);
}

/* The first section that a numbered piece may come from. */
static enum section least_section(const struct archive_order *order)
{
	return order->section > SECTION_GLOBALS ? order->section : SECTION_PRE_DATA;
}

/* The section whose piece with the next number this is, or SECTION_NONE. */
static enum section next_piece(const struct archive_order *order, const char *name)
{
	enum section section = least_section(order);
	char expected[ARCHIVE_NAME_BYTES];
	if (order->section == SECTION_NONE && strcmp(name, ARCHIVE_GLOBALS) == 0)
		return SECTION_GLOBALS;
	for (; section <= SECTION_POST_DATA; section++) {
		archive_member_name(section, order->number + 1, expected);
		if (strcmp(name, expected) == 0)
			return section;
	}
	return SECTION_NONE;
}

void archive_order_expected(const struct archive_order *order, char *text, size_t size)
{
	static const char *const names[] = {
		[ARCHIVE_AT_HEADER] = ARCHIVE_HEADER,
		[ARCHIVE_AT_MANIFEST] = ARCHIVE_SUMS,
		[ARCHIVE_AT_SUMS] = ARCHIVE_END,
		[ARCHIVE_AT_END] = "the tar's end",
	};
	char piece[ARCHIVE_NAME_BYTES];
	if (order->stage != ARCHIVE_AT_PIECES) {
		snprintf(text, size, "%s", names[order->stage]);
		return;
	}
	archive_member_name(least_section(order), order->number + 1, piece);
	snprintf(text, size, "%s or %s", piece, ARCHIVE_MANIFEST);
}

static int refuse(const struct archive_order *order, const char *name, struct err *err)
{
	char expected[2 * ARCHIVE_NAME_BYTES];
	archive_order_expected(order, expected, sizeof(expected));
	return err_set(err, ERR_INPUT,
	               "member %s stands where %s should: a member is missing, foreign, doubled or "
	               "in another place",
	               name, expected);
}

/* Only one name can come next. */
static int next_named(struct archive_order *order, const char *name, const char *expected,
                      struct err *err)
{
	if (strcmp(name, expected) != 0)
		return refuse(order, name, err);
	order->stage++;
	return 0;
}

static int next_in_pieces(struct archive_order *order, const char *name, struct err *err)
{
	if (strcmp(name, ARCHIVE_MANIFEST) == 0) {
		order->stage = ARCHIVE_AT_MANIFEST;
		return 0;
	}
	enum section section = next_piece(order, name);
	if (section == SECTION_NONE)
		return refuse(order, name, err);
	order->section = section;
	order->number += section != SECTION_GLOBALS;
	return 0;
}

int archive_order_next(struct archive_order *order, const char *name, struct err *err)
{
	switch (order->stage) {
	case ARCHIVE_AT_HEADER:
		return next_named(order, name, ARCHIVE_HEADER, err);
	case ARCHIVE_AT_PIECES:
		return next_in_pieces(order, name, err);
	case ARCHIVE_AT_MANIFEST:
		return next_named(order, name, ARCHIVE_SUMS, err);
	case ARCHIVE_AT_SUMS:
		return next_named(order, name, ARCHIVE_END, err);
	default:
		return refuse(order, name, err);
	}
}
