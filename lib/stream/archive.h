/*
 * archive.h - the archive format (.idar): a tar of zstd frames; sink and source.
 *
 * idkit-archive(5) has all of it.  Written and read front to back, so that it passes through pipes;
 * a file is also read at any place.
 */
#ifndef IDKIT_STREAM_ARCHIVE_H
#define IDKIT_STREAM_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "input.h"
#include "outfile.h"
#include "progress.h"
#include "record.h"

#define ARCHIVE_SUFFIX ".idar"

#define ARCHIVE_LEVEL       3
#define ARCHIVE_LEVEL_LEAST (-7)
#define ARCHIVE_LEVEL_MOST  19
#define ARCHIVE_CHUNK_BYTES ((size_t)8 * 1024 * 1024)

struct archive_options {
	int level;          /* zstd's */
	bool long_window;   /* --long: a window of 128 MiB, for what repeats far apart */
	size_t chunk_bytes; /* a member's text ends behind the row or statement that makes it this large */
	/* Threads that compress what comes in by the sink itself: the archive is the same whatever
	 * their number.  0 and 1: the caller's.  Branches use the threads that write into them. */
	int jobs;
};

/*
 * Owns `out` from now on, also when NULL is returned on error.  Only streams of idkit's own become
 * archives (ERR_USAGE for others).  It has branches: these gather, digest and compress; appending to
 * the archive is all that they take turns for.  DATA records with a frame (chunk.h) are written as they
 * are; what they hold is then taken from the TRAILER's manifest.
 */
struct sink *archive_writer_new(struct outfile *out, const struct archive_options *options,
                                struct err *err);

/* Is it an archive, by its first bytes? */
bool input_is_archive(const struct input *input);

struct archive_reader_options {
	/* DATA records come as chunks, not unpacked; from a file they are `lasting`, from a pipe their
	 * bytes are there while sink_write() runs. */
	bool packed;
	/* Threads that unpack rows; records come in the archive's order whatever their number.  0 and 1: the
	 * caller's. */
	int jobs;
	struct progress *progress; /* is told how much of rows there is, in a file; or NULL */
};

/*
 * Owns the input from now on, also when NULL is returned on error.
 *
 * Every member's name, order, kind and SHA-256 is checked, and END; a file's structure (all names and
 * sizes, manifest, sums, END) before the first record is delivered.  ERR_INPUT that names the
 * member.
 */
struct source *archive_reader_new(struct input *input, const struct archive_reader_options *options,
                                  struct err *err);

#endif
