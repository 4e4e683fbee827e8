/*
 * Large objects, as plain statements: lo_create() and lo_put() take no transaction block of their
 * own, unlike the lo_open() … lo_close() that pg_dump writes (documentation section 35.4).
 */
#include <stdlib.h>
#include <string.h>

#include "data_reader_internal.h"
#include "toc_comment.h"

/* As much as a statement carries; twice that in hex digits. */
#define PIECE_BYTES 262144

static int create(struct data_reader *reader, const char *oid, const struct buf *lead,
                  const struct object *object, struct err *err)
{
	struct buf sql = BUF_INIT;
	buf_addf(&sql, "SELECT pg_catalog.lo_create('%s');", oid);
	int result = data_reader_statement(reader, lead, &sql, CLASS_LARGE_OBJECT, object, err);
	buf_release(&sql);
	return result;
}

/* The bytes at `offset`, in bytea's hex format: less than PIECE_BYTES only at the end. */
static char *read_piece(struct data_reader *reader, const char *oid, unsigned long long offset,
                        struct err *err)
{
	struct buf sql = BUF_INIT;
	char *hex = NULL;
	buf_addf(&sql, "SELECT pg_catalog.lo_get('%s', %llu, %d)", oid, offset, PIECE_BYTES);
	if (buf_check(&sql, "a statement", err) == 0)
		hex = pg_query_value(reader->pg, sql.data, err);
	buf_release(&sql);
	return hex;
}

static int put_piece(struct data_reader *reader, const char *oid, unsigned long long offset,
                     const char *hex, const struct buf *lead, const struct object *object,
                     struct err *err)
{
	struct buf sql = BUF_INIT;
	buf_addf(&sql, "SELECT pg_catalog.lo_put('%s', %llu, '", oid, offset);
	buf_adds(&sql, hex);
	buf_adds(&sql, "');");
	int result = data_reader_statement(reader, lead, &sql, CLASS_LARGE_OBJECT, object, err);
	buf_release(&sql);
	return result;
}

/* Each statement has the comment: between two of them, other jobs may write others. */
static int read_bytes(struct data_reader *reader, const char *oid, const struct buf *lead,
                      const struct object *object, struct err *err)
{
	unsigned long long offset = 0;
	for (;;) {
		char *hex = read_piece(reader, oid, offset, err);
		if (!hex)
			return -1;
		size_t bytes = (strlen(hex) - strlen("\\x")) / 2;
		int result = 0;
		if (bytes > 0)
			result = put_piece(reader, oid, offset, hex, lead, object, err);
		free(hex);
		progress_add(reader->options->progress, bytes, 0);
		if (result < 0 || bytes < PIECE_BYTES)
			return result;
		offset += bytes;
	}
}

int data_reader_large_object(struct data_reader *reader, const char *oid, struct err *err)
{
	struct buf lead = BUF_INIT;
	const struct object object = { SLICE_LITERAL("BLOB"), SLICE_NONE, slice_of(oid), SLICE_NONE };
	int result = 0;
	toc_comment_add(&lead, "", "BLOB", NULL, oid, NULL);
	if (reader->options->create_large_objects)
		result = create(reader, oid, &lead, &object, err);
	if (result == 0)
		result = read_bytes(reader, oid, &lead, &object, err);
	if (result < 0)
		err_prefix(err, "large object %s", oid);
	buf_release(&lead);
	return result;
}
