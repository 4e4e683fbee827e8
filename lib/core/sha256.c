#include "sha256.h"

#include <openssl/evp.h>

#include "hex.h"

int sha256_of(struct slice bytes, unsigned char digest[SHA256_BYTES], struct err *err)
{
	if (EVP_Digest(bytes.data ? bytes.data : "", bytes.len, digest, NULL, EVP_sha256(), NULL) != 1)
		return err_set(err, ERR_SYSTEM, "libcrypto can't compute a SHA-256");
	return 0;
}

void sha256_hex(const unsigned char digest[SHA256_BYTES], char hex[SHA256_HEX_BYTES + 1])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < SHA256_BYTES; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[SHA256_HEX_BYTES] = '\0';
}

bool sha256_parse(struct slice hex, unsigned char digest[SHA256_BYTES])
{
	if (hex.len != SHA256_HEX_BYTES)
		return false;
	for (size_t i = 0; i < SHA256_BYTES; i++) {
		char high = hex.data[2 * i], low = hex.data[2 * i + 1];
		if (hex_digit(high) < 0 || hex_digit(low) < 0 || (high >= 'A' && high <= 'F') ||
		    (low >= 'A' && low <= 'F'))
			return false;
		digest[i] = (unsigned char)(hex_digit(high) * 16 + hex_digit(low));
	}
	return true;
}
