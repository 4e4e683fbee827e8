/*
 * archive_check.h - do an archive's own accounts fit what is in it, and each other?
 */
#ifndef IDKIT_STREAM_ARCHIVE_CHECK_H
#define IDKIT_STREAM_ARCHIVE_CHECK_H

#include "manifest.h"

/* What an archive's end consists of: the bytes of three members. */
struct archive_end {
	struct buf manifest;
	struct buf sums;
	struct buf end;
};

/*
 * `found` is what came: header.json and the pieces, with names, offsets, sizes and sections.  With
 * `hashed` their SHA-256, the size of their texts and the tables of rows are known too, and the rows where
 * `counted`.  Returns the manifest when END fits SHA256SUMS, that fits the manifest, and that fits
 * what was found and itself; else NULL and an ERR_INPUT that names the member, for behind the archive's
 * name.
 */
struct manifest *archive_check(const struct archive_end *end, const struct manifest *found,
                               bool hashed, bool counted, struct err *err);

#endif
