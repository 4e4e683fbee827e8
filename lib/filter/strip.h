/*
 * strip.h - filter: statements that match a regular expression go, or only they stay.
 *
 * What "grep -v -E" on a dump was meant to do, on statements instead of lines: a statement of many
 * lines is one; a row of data is none; what stands inside a function's body does not count.  A COPY
 * that goes takes its rows along, and that is said in a note.  Comments stay, except pg_dump's
 * comment about an object of which nothing is left.
 *
 * Packed chunks (chunk.h) pass as they are.  One that goes is read all the same and held against its
 * SHA-256: what is said about the input is said about all of it.
 *
 * With patterns to keep, the session's own statements (SET, \connect, \restrict …) stay too: the
 * kept ones need them.
 */
#ifndef IDKIT_FILTER_STRIP_H
#define IDKIT_FILTER_STRIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log.h"
#include "record.h"

struct strip_options {
	const char *const *strip; /* -v; borrowed */
	size_t strip_count;
	const char *const *keep; /* -x; borrowed */
	size_t keep_count;
	bool ignore_case;
	bool count_rows; /* those of packed chunks, too, that nobody has counted: they are unpacked */
};

/* Owns `next` from now on, also when NULL is returned on error (ERR_USAGE for a bad pattern). */
struct sink *strip_filter_new(const struct strip_options *options, struct sink *next,
                              const struct log *log, struct err *err);

struct strip_count {
	uint64_t statements;
	uint64_t rows; /* of COPY statements among them */
};

struct strip_stats {
	struct strip_count read;
	struct strip_count stripped;
	struct strip_count unmatched; /* of these, gone because no -x pattern matched */
};

/* Valid until the filter is freed. */
const struct strip_stats *strip_filter_stats(const struct sink *filter);
/* What the pattern with this number (from 0) of -v took, or of -x kept. */
struct strip_count strip_filter_stripped(const struct sink *filter, size_t pattern);
struct strip_count strip_filter_kept(const struct sink *filter, size_t pattern);

#endif
