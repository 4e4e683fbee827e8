/*
 * sha256.h - SHA-256, as sha256sum(1) writes it.
 */
#ifndef IDKIT_CORE_SHA256_H
#define IDKIT_CORE_SHA256_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"

#define SHA256_BYTES     32
#define SHA256_HEX_BYTES (2 * SHA256_BYTES)

/* 0 or -1. */
int sha256_of(struct slice bytes, unsigned char digest[SHA256_BYTES], struct err *err);

/* Writes 64 lower-case digits and a NUL. */
void sha256_hex(const unsigned char digest[SHA256_BYTES], char hex[SHA256_HEX_BYTES + 1]);

/* Exactly 64 lower-case hex digits, or false. */
bool sha256_parse(struct slice hex, unsigned char digest[SHA256_BYTES]);

#endif
