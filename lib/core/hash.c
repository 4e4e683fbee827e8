/* Inlined, the short-input paths of XXH3 are chosen at the call: rows are short. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <string.h>

#include "hash.h"
#include "hash_internal.h"
#include "hex.h"

static struct hash128 from_xxh(XXH128_hash_t hash)
{
	return (struct hash128){ .low = hash.low64, .high = hash.high64 };
}

struct hash128 hash128_of(const void *data, size_t len)
{
	if (len > XXH3_MIDSIZE_MAX)
		return hash128_of_long(data, len);
	return from_xxh(XXH3_128bits(data, len));
}

bool hash128_equal(struct hash128 a, struct hash128 b)
{
	return a.low == b.low && a.high == b.high;
}

struct hash128 hash128_add(struct hash128 a, struct hash128 b)
{
	uint64_t low = a.low + b.low;
	uint64_t carry = low < a.low;
	return (struct hash128){ .low = low, .high = a.high + b.high + carry };
}

void hash128_hex(struct hash128 hash, char hex[HASH128_HEX_BYTES + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < HASH128_HEX_BYTES / 2; i++) {
		hex[15 - i] = digits[(hash.high >> (4 * i)) & 15];
		hex[31 - i] = digits[(hash.low >> (4 * i)) & 15];
	}
	hex[HASH128_HEX_BYTES] = '\0';
}

static bool parse_half(const char *hex, uint64_t *half)
{
	uint64_t value = 0;

	for (size_t i = 0; i < HASH128_HEX_BYTES / 2; i++) {
		int digit = hex_digit(hex[i]);
		if (digit < 0)
			return false;
		value = value << 4 | (uint64_t)digit;
	}
	*half = value;
	return true;
}

bool hash128_parse(struct slice hex, struct hash128 *hash)
{
	struct hash128 parsed;

	if (hex.len != HASH128_HEX_BYTES || !parse_half(hex.data, &parsed.high) ||
	    !parse_half(hex.data + HASH128_HEX_BYTES / 2, &parsed.low))
		return false;
	*hash = parsed;
	return true;
}

void hash128_rows(struct slice rows, bool crlf, uint64_t *row_count, struct hash128 *sum)
{
	const char *row = rows.data;
	const char *end = row ? row + rows.len : row;
	struct hash128 total = *sum;
	uint64_t count = 0;

	while (row < end) {
		const char *newline = memchr(row, '\n', (size_t)(end - row));
		const char *row_end = newline ? newline : end;
		size_t len = (size_t)(row_end - row);

		if (crlf && len > 0 && row_end[-1] == '\r')
			len--;
		total = hash128_add(total, hash128_of(row, len));
		count++;
		row = newline ? newline + 1 : end;
	}
	*sum = total;
	*row_count += count;
}
