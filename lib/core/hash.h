/*
 * hash.h - XXH3-128 (seed 0), for accidents: rows, chunks, streams.
 *
 * Against forgers it proves nothing.  Written as 32 lower-case hex digits, high half first, which
 * is XXH128_canonicalFromHash's order and `xxhsum -H2`'s output.
 */
#ifndef IDKIT_CORE_HASH_H
#define IDKIT_CORE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

struct hash128 {
	uint64_t low;
	uint64_t high;
};

#define HASH128_HEX_BYTES 32

struct hash128 hash128_of(const void *data, size_t len);
bool hash128_equal(struct hash128 a, struct hash128 b);
/* a + b modulo 2^128: the table digest's sum. */
struct hash128 hash128_add(struct hash128 a, struct hash128 b);
/* Writes 32 digits and a NUL. */
void hash128_hex(struct hash128 hash, char hex[HASH128_HEX_BYTES + 1]);
/* Exactly 32 hex digits, or false. */
bool hash128_parse(struct slice hex, struct hash128 *hash);

/*
 * The sum of the hashes of the rows in `rows`: each row is what stands before a newline, without a
 * CR before it when `crlf`.  The bytes end with a newline or are empty.  Adds their number to
 * *row_count and their sum to *sum.
 */
void hash128_rows(struct slice rows, bool crlf, uint64_t *row_count, struct hash128 *sum);

/* A hash over pieces. */
struct hash_stream;
struct hash_stream *hash_stream_new(struct err *err);
void hash_stream_reset(struct hash_stream *stream);
void hash_stream_add(struct hash_stream *stream, const void *data, size_t len);
/* The hash of what was added so far; more may be added after. */
struct hash128 hash_stream_value(const struct hash_stream *stream);
void hash_stream_free(struct hash_stream *stream);

#endif
