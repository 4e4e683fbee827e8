/* The inside of struct contents, shared by contents*.c only. */
#ifndef IDKIT_STREAM_CONTENTS_INTERNAL_H
#define IDKIT_STREAM_CONTENTS_INTERNAL_H

#include "contents.h"

struct contents {
	struct table_digest **tables; /* sorted by schema and name */
	size_t table_count;
	struct table_digest *last_table; /* rows come table by table: no search for most of them */
	struct sequence_value *sequences; /* sorted likewise */
	size_t sequence_count;
	uint64_t rows;
	uint64_t statements;
	char *undigested;
	/* The large object whose bytes are coming: a row of pg_largeobject when the next one begins. */
	struct hash_stream *object_hash;
	char object_oid[16];
	bool object_is_open;
	uint64_t object_bytes;
};

int contents_compare_names(struct slice schema_a, struct slice name_a, struct slice schema_b,
                           struct slice name_b);

/* Finds or adds the table; NULL when memory is out. */
struct table_digest *contents_table_for(struct contents *contents, struct slice schema,
                                        struct slice name, const struct slice *columns,
                                        size_t column_count, struct err *err);

int contents_add_setval(struct contents *contents, const struct record_statement *statement,
                        struct err *err);

/* lo_create, lo_put; lo_open, lowrite, lo_close as pg_dump writes them. */
int contents_add_large_object(struct contents *contents, const struct record_statement *statement,
                              struct err *err);

/* The large object whose bytes came last is whole: counts it. */
int contents_end_large_object(struct contents *contents, struct err *err);

#endif
