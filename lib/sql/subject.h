/*
 * subject.h - which table a statement belongs to: for taking some tables, or schemas, out of a script.
 *
 * Read from the statement's own words: pg_dump's comment above it has names side by side ("t c" may be
 * a constraint c of t, or a table "t c"), and scripts of others have none.
 */
#ifndef IDKIT_SQL_SUBJECT_H
#define IDKIT_SQL_SUBJECT_H

#include <stdbool.h>

#include "buf.h"

enum subject_kind {
	SUBJECT_UNKNOWN,    /* can't be told */
	SUBJECT_RELATION,   /* a table, view, sequence, …, or what belongs to one */
	SUBJECT_INDEX,      /* an index that is there already, by its own name */
	SUBJECT_STATISTICS, /* a statistics object, likewise */
	SUBJECT_SCHEMA,     /* `schema` itself */
	SUBJECT_OBJECT,     /* something else in `schema`: a function, a type, … */
	SUBJECT_GLOBAL,     /* in no schema: an extension, a cast, a large object, … */
};

/* What comes into being with the statement, or what it is about, below its relation. */
enum subject_part {
	SUBJECT_NO_PART,
	SUBJECT_PART_INDEX,      /* CREATE INDEX */
	SUBJECT_PART_STATISTICS, /* CREATE STATISTICS */
	SUBJECT_PART_SEQUENCE,   /* ADD GENERATED … AS IDENTITY (SEQUENCE NAME …) */
	SUBJECT_PART_CONSTRAINT, /* ADD CONSTRAINT, COMMENT ON CONSTRAINT */
};

/* Why the statement needs a second relation. */
enum subject_link {
	SUBJECT_NO_LINK,
	SUBJECT_LINK_REFERENCED, /* FOREIGN KEY … REFERENCES it */
	SUBJECT_LINK_PARENT,     /* ATTACH PARTITION: it is the table, or index, above */
	SUBJECT_LINK_OWNER,      /* ALTER SEQUENCE … OWNED BY a column of it */
	SUBJECT_LINK_PUBLISHED,  /* ALTER PUBLICATION … ADD TABLE */
};

/* Names as the catalog has them; a schema is empty when it was not written. */
struct subject {
	enum subject_kind kind;
	bool creates_sequence;
	struct buf schema;
	struct buf name;
	enum subject_part part;
	struct buf part_schema;
	struct buf part_name;
	enum subject_link link;
	struct buf other_schema;
	struct buf other_name;
};

/* Reads the statement into *subject, which is zeros or was used before: its buffers are used again.
 * They say when memory is out (buf_check()). */
void subject_read(struct slice sql, bool standard_strings, struct subject *subject);
void subject_release(struct subject *subject);

#endif
