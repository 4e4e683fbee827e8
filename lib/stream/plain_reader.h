/*
 * plain_reader.h - source: a script in plain format, ours or somebody else's.
 *
 * Ours begins with its header line and is checked as it passes: every chunk's rows and hash, the
 * trailer's hash over everything, nothing behind it.  For others, pg_dump's closing comment is the
 * end mark.  No end mark: ERR_INPUT, unless allowed.  Ending inside a statement or COPY block is
 * an error always.
 *
 * Meta-commands of psql other than \restrict, \unrestrict and \connect are an error: nothing
 * is ever executed on their behalf.
 */
#ifndef IDKIT_STREAM_PLAIN_READER_H
#define IDKIT_STREAM_PLAIN_READER_H

#include <stdbool.h>

#include "input.h"
#include "record.h"

struct plain_reader_options {
	bool allow_incomplete; /* an end mark is not asked of streams that are not ours */
	/* From a file that can be read at any place and is not wrapped, rows come as lasting chunks
	 * (chunk.h) of about 8 MiB, each a COPY block of its own; otherwise as rows.  Each is scanned and
	 * checked as it would be without, and its rows are counted but not hashed. */
	bool packed;
};

/* PostgreSQL's own limit for a statement or a row (MaxAllocSize, src/include/utils/memutils.h). */
#define PLAIN_READER_LARGEST_BYTES (((size_t)1 << 30) - 1)

/* Owns the input from now on, also when NULL is returned on error. */
struct source *plain_reader_new(struct input *input, const struct plain_reader_options *options,
                                struct err *err);

#endif
