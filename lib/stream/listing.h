/*
 * listing.h - sink: a stream's table of contents, as text.
 *
 * One line an object: number, line of the input, section, type, schema, name, owner; tables' data
 * with rows and bytes.  Lines that begin with ";" are remarks, as in "pg_restore -l".
 */
#ifndef IDKIT_STREAM_LISTING_H
#define IDKIT_STREAM_LISTING_H

#include "outfile.h"
#include "record.h"

/* Owns `out` from now on, also when NULL is returned on error.  `name` is the input's; borrowed. */
struct sink *listing_new(struct outfile *out, const char *name, struct err *err);

#endif
