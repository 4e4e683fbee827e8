/*
 * contents.h - what a stream or a database holds: the digest of every table, the value of every
 * sequence, collected while the records pass.
 *
 * A row is its COPY text without the newline; its hash is XXH3-128; a table's digest is the number of
 * its rows and the sum of their hashes modulo 2^128.  Order does not matter, duplicates count, a
 * table needs no key.  It finds accidents, not forgers.
 *
 * Large objects count as two tables: pg_catalog.pg_largeobject_metadata (a row an object: its OID)
 * and pg_catalog.pg_largeobject (a row an object that holds bytes: OID, tab, bytes).
 */
#ifndef IDKIT_STREAM_CONTENTS_H
#define IDKIT_STREAM_CONTENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "hash.h"
#include "record.h"

struct contents;

struct table_digest {
	char *schema;
	char *name;
	char **columns; /* in the order in which rows were hashed */
	size_t column_count;
	uint64_t rows;
	struct hash128 sum;
	bool pristine;  /* rows were counted but not hashed: the trailer's digest holds */
	bool uncounted; /* nor counted */
};

/* The same columns in the same order? */
bool table_digest_same_columns(const struct table_digest *a, const struct table_digest *b);

struct sequence_value {
	char *schema;
	char *name;
	char *last_value; /* decimal */
	bool is_called;
};

struct contents *contents_new(struct err *err);
void contents_free(struct contents *contents);

/*
 * Takes a record in; the TRAILER too: it ends the last large object.  Rows of pristine records are
 * only counted when `trust_pristine`.  ERR_INPUT for what can't be digested: INSERT statements, COPY
 * in another format than text, COPY without column list whose rows are not empty (unless `lenient`:
 * these are then noted, see contents_undigested()).
 *
 * A DATA record whose `sum` is set, or whose chunk is counted, is not hashed again.  One with a chunk
 * that is not counted must be pristine and trusted: contents_vouch() then brings its rows, too.
 */
struct contents_options {
	bool trust_pristine;
	bool lenient;
};
int contents_add(struct contents *contents, const struct record *record,
                 const struct contents_options *options, struct err *err);

/* Adds what `other` holds of tables and counts, not its sequences: another thread's share of the same
 * stream.  ERR_INPUT when a table's columns differ. */
int contents_merge(struct contents *contents, const struct contents *other, struct err *err);

/* The first thing that a lenient collector could not digest, or NULL. */
const char *contents_undigested(const struct contents *contents);

/* Sorted by schema and name, byte order. */
size_t contents_table_count(const struct contents *contents);
const struct table_digest *contents_table(const struct contents *contents, size_t index);
const struct table_digest *contents_find_table(const struct contents *contents,
                                               const char *schema, const char *name);
size_t contents_sequence_count(const struct contents *contents);
const struct sequence_value *contents_sequence(const struct contents *contents, size_t index);

uint64_t contents_rows(const struct contents *contents);       /* of all tables, not large objects */
uint64_t contents_statements(const struct contents *contents); /* COPY blocks count one each */

/* Tables whose rows were only counted get their digest from `vouched` (a trailer's).  ERR_INPUT
 * when it has none or another count. */
int contents_vouch(struct contents *contents, const struct contents *vouched, struct err *err);

/* Equal tables, counts, digests?  0, or -1 with `kind` and the first difference named: "table a.b:
 * 3 rows expected, 2 received". */
int contents_check_equal(const struct contents *expected, const struct contents *actual,
                         enum err_kind kind, struct err *err);

/* Does `actual` hold each table and sequence of `expected`, with just its rows and value?  What else it
 * holds is not looked at.  0, or -1 as above. */
int contents_check_holds(const struct contents *expected, const struct contents *actual,
                         enum err_kind kind, struct err *err);

/* The trailer's JSON object without its closing hash: {"statements":…,"rows":…,"tables":[…] */
int contents_print(const struct contents *contents, struct buf *json, struct err *err);
/* Reads a whole trailer object. */
struct contents *contents_parse(struct slice text, struct err *err);

#endif
