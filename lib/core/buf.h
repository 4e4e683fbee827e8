/*
 * buf.h - a growing byte buffer, and slices of bytes that somebody else owns.
 *
 * Failure is sticky, as in stdio: when memory runs out, `failed` is set, later additions do
 * nothing, and the caller asks once, at the end:
 *
 *     struct buf sql = BUF_INIT;
 *     buf_adds(&sql, "SELECT ");
 *     sql_quote_identifier(&sql, name);
 *     if (buf_check(&sql, "a query", err) < 0) goto out;
 *
 * Unless it has failed or is untouched, a buffer always has a NUL behind its `len` bytes, which
 * does not count, so that `data` can be passed as a C string.
 */
#ifndef IDKIT_CORE_BUF_H
#define IDKIT_CORE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* Bytes that somebody else owns; not terminated.  An absent slice has data == NULL. */
struct slice {
	const char *data;
	size_t len;
};

#define SLICE_NONE ((struct slice){ NULL, 0 })
#define SLICE_LITERAL(text) ((struct slice){ (text), sizeof(text) - 1 })
/* For printf's "%.*s". */
#define SLICE_ARG(s) ((int)(s).len), ((s).data ? (s).data : "")

struct slice slice_of(const char *text); /* NULL gives SLICE_NONE */
bool slice_equal(struct slice a, struct slice b);
bool slice_equals(struct slice a, const char *text);
/* ASCII letters compared without case: SQL key words. */
bool slice_equals_nocase(struct slice a, const char *text);
bool slice_starts(struct slice a, const char *prefix);
/* Without white space (blank, tab, CR, LF, FF, VT) at both ends. */
struct slice slice_trim(struct slice a);
/* A malloc'ed, terminated copy; NULL when memory is out.  The caller frees it. */
char *slice_dup(struct slice a);

struct buf {
	char *data;
	size_t len;
	size_t capacity;
	bool failed;
};

#define BUF_INIT { NULL, 0, 0, false }

void buf_release(struct buf *buf);
/* Empty, memory kept, failure forgotten. */
void buf_reset(struct buf *buf);
/* Room for `more` bytes behind len; 0, or -1 with `failed` set. */
int buf_reserve(struct buf *buf, size_t more);
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_adds(struct buf *buf, const char *text);
void buf_add_slice(struct buf *buf, struct slice slice);
void buf_addc(struct buf *buf, char c);
void buf_addf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Cuts to `len` bytes, which must not be more than it has. */
void buf_truncate(struct buf *buf, size_t len);
/* Takes the first `len` bytes away; the rest moves to the front. */
void buf_consume(struct buf *buf, size_t len);
struct slice buf_slice(const struct buf *buf);
/* 0, or -1 with an ERR_SYSTEM "out of memory" about `what`. */
int buf_check(const struct buf *buf, const char *what, struct err *err);
/* The bytes as a malloc'ed C string that the caller frees; the buffer is empty after.  NULL when
 * it had failed. */
char *buf_detach(struct buf *buf);

#endif
