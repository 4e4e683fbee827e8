/*
 * outfile.h - a file that is there whole or not at all.
 *
 *     out = outfile_open("k.sql", log, err);     k.sql is not touched
 *     outfile_write(out, …)                      to .k.sql.XXXXXX.idkit-tmp beside it, mode 0600
 *     outfile_finish(out, err)                   fsync, rename to k.sql, fsync of the folder
 *     outfile_free(out)                          not finished?  the temporary file goes away
 *
 * NULL or "-" is stdout, and a path that exists and is not a regular file (a pipe, /dev/null) is
 * written to directly: nothing to rename there.  While it is written, the temporary file is locked
 * with flock(2): that is how the next run tells what a killed one left behind (reported as a note,
 * never removed: it may be the only copy somebody has) from what another run is writing now.
 */
#ifndef IDKIT_CORE_OUTFILE_H
#define IDKIT_CORE_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "log.h"

struct outfile;

/* NULL on error; ERR_USAGE for an empty path.  `path` is copied.  Nothing is written before the first
 * outfile_write(). */
struct outfile *outfile_open(const char *path, const struct log *log, struct err *err);

/* Buffered: small writes are gathered, large ones go straight through.  0 or -1. */
int outfile_write(struct outfile *out, const void *data, size_t len, struct err *err);

/* What is buffered is written out: for a pipe whose reader should see it now. */
int outfile_flush(struct outfile *out, struct err *err);

/* Makes it durable and gives it its name.  0 or -1; on -1 there is no file under the final name
 * that was not there before. */
int outfile_finish(struct outfile *out, struct err *err);

/* Removes the temporary file unless finished.  free(NULL) is nothing. */
void outfile_free(struct outfile *out);

bool outfile_is_terminal(const struct outfile *out);

/* For messages: the path, or "standard output".  Lives as long as `out`. */
const char *outfile_name(const struct outfile *out);

#endif
