/* Long inputs: the library's own code, which picks the processor's widest vectors as it runs. */
#include <xxhash.h>
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h>
#endif

#include <stdlib.h>

#include "hash.h"
#include "hash_internal.h"

struct hash_stream {
	XXH3_state_t *state;
};

static struct hash128 from_xxh(XXH128_hash_t hash)
{
	return (struct hash128){ .low = hash.low64, .high = hash.high64 };
}

struct hash128 hash128_of_long(const void *data, size_t len)
{
	return from_xxh(XXH3_128bits(data, len));
}

struct hash_stream *hash_stream_new(struct err *err)
{
	struct hash_stream *stream = malloc(sizeof(*stream));

	if (stream)
		stream->state = XXH3_createState(); /* aligned, as AVX wants it */
	if (!stream || !stream->state) {
		free(stream);
		err_memory(err, "a hash");
		return NULL;
	}
	hash_stream_reset(stream);
	return stream;
}

void hash_stream_reset(struct hash_stream *stream)
{
	XXH3_128bits_reset(stream->state);
}

void hash_stream_add(struct hash_stream *stream, const void *data, size_t len)
{
	XXH3_128bits_update(stream->state, data, len);
}

struct hash128 hash_stream_value(const struct hash_stream *stream)
{
	return from_xxh(XXH3_128bits_digest(stream->state));
}

void hash_stream_free(struct hash_stream *stream)
{
	if (!stream)
		return;
	XXH3_freeState(stream->state);
	free(stream);
}
