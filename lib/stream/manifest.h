/*
 * manifest.h - an archive's account of itself: its members, and what its tables and sequences hold.
 */
#ifndef IDKIT_STREAM_MANIFEST_H
#define IDKIT_STREAM_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk.h"
#include "contents.h"

struct manifest_member {
	char *name;
	uint64_t offset; /* of its bytes (behind its tar header) in the archive */
	uint64_t bytes;
	uint64_t raw_bytes; /* of the text in it; that of its bytes when it is not compressed */
	unsigned char sha256[SHA256_BYTES];
	enum section section; /* SECTION_NONE for header.json */
	char *schema;         /* of a table's chunk; NULL otherwise */
	char *table;
	uint64_t rows;
	struct hash128 sum;
};

struct manifest {
	struct manifest_member *members; /* in the archive's order */
	size_t member_count;
	struct contents *contents;
};

struct manifest *manifest_new(struct err *err);
void manifest_free(struct manifest *manifest);
/* The table whose rows the member holds: copies of its names, which are the member's. */
int manifest_member_name_table(struct manifest_member *member, const struct copy_table *table,
                               struct err *err);
/* Takes the member's texts over, also on error. */
int manifest_add(struct manifest *manifest, struct manifest_member *member, struct err *err);
int manifest_print(const struct manifest *manifest, struct buf *json, struct err *err);
/* ERR_INPUT when it is none, or lies about numbers. */
struct manifest *manifest_parse(struct slice text, struct err *err);

#endif
