/*
 * select.h - filter: some tables, or schemas, of a stream.
 *
 * What is selected is what pg_dump -n -N -t -T would have dumped (documentation of pg_dump): with -t
 * these tables, views and sequences, wherever they are, with all that belongs to them, and nothing else
 * (but their schemas, which pg_dump leaves out: the target of a restore is empty); with -n all that is
 * in these schemas, and the schemas; -T and -N take away.  A pattern without a dot asks for the name in
 * every schema: a stream has no search path.
 *
 * Left out, with a note that names them, are foreign keys that refer to tables that are not selected,
 * and the attachment of a partition to such a one: they could not be made.  Settings, statements about
 * the database as a whole, and definitions of roles pass.
 *
 * The TRAILER's account is cut down to what has passed, so that it still holds.  A pattern of -t or
 * -n that has matched nothing is ERR_USAGE, at the TRAILER, which then does not pass.
 */
#ifndef IDKIT_FILTER_SELECT_H
#define IDKIT_FILTER_SELECT_H

#include <stdbool.h>

#include "log.h"
#include "record.h"
#include "selection.h"

/*
 * Owns `next` from now on, also when NULL is returned on error (ERR_USAGE for a pattern that can't be
 * read).  The selection is borrowed during the call only.  `unpack`: rows that come as chunks
 * (chunk.h) go on as rows.
 */
struct sink *select_filter_new(const struct selection *selection, bool unpack, struct sink *next,
                               const struct log *log, struct err *err);

#endif
