/*
 * archive_names.h - the names of an archive's members, and their order.
 */
#ifndef IDKIT_STREAM_ARCHIVE_NAMES_H
#define IDKIT_STREAM_ARCHIVE_NAMES_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "statement.h"

#define ARCHIVE_HEADER   "header.json"
#define ARCHIVE_GLOBALS  "globals.sql.zst" /* behind the header, when there are roles in it */
#define ARCHIVE_MANIFEST "manifest.json"
#define ARCHIVE_SUMS     "SHA256SUMS"
#define ARCHIVE_END      "END"

#define ARCHIVE_NAME_BYTES 64

/* "2-data/000007.sql.zst"; ARCHIVE_GLOBALS has no number. */
void archive_member_name(enum section section, uint64_t number, char name[ARCHIVE_NAME_BYTES]);

enum archive_stage {
	ARCHIVE_AT_HEADER,   /* nothing was there yet */
	ARCHIVE_AT_PIECES,   /* header.json was */
	ARCHIVE_AT_MANIFEST, /* manifest.json was */
	ARCHIVE_AT_SUMS,
	ARCHIVE_AT_END,
};

/* How far an archive is; begins as { 0 }. */
struct archive_order {
	enum archive_stage stage;
	enum section section; /* of the last piece */
	uint64_t number;
};

/* Goes on by one member.  ERR_INPUT when this name can't come next; the message is for behind the
 * archive's name and a colon. */
int archive_order_next(struct archive_order *order, const char *name, struct err *err);

/* What should have come, for the message about an archive that ends here: "1-pre-data/000002.sql.zst or
 * manifest.json". */
void archive_order_expected(const struct archive_order *order, char *text, size_t size);

#endif
