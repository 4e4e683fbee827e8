/* Between hash.c (short inputs) and hash_stream.c (long ones) only. */
#ifndef IDKIT_CORE_HASH_INTERNAL_H
#define IDKIT_CORE_HASH_INTERNAL_H

#include "hash.h"

/* For inputs that are worth a call: more than XXH3_MIDSIZE_MAX (240) bytes. */
struct hash128 hash128_of_long(const void *data, size_t len);

#endif
