/* SHA-256 as sha256sum writes it. */
#include <check.h>
#include <string.h>

#include "sha256.h"

Suite *test_core_sha256(void);

/* FIPS 180-2, appendix B, and the empty text. */
static const struct {
	const char *text;
	const char *hex;
} known[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

START_TEST(known_sums)
{
	unsigned char digest[SHA256_BYTES], parsed[SHA256_BYTES];
	char hex[SHA256_HEX_BYTES + 1];
	struct err err = ERR_INIT;

	ck_assert_int_eq(sha256_of(slice_of(known[_i].text), digest, &err), 0);
	sha256_hex(digest, hex);
	ck_assert_str_eq(hex, known[_i].hex);
	ck_assert(sha256_parse(slice_of(hex), parsed));
	ck_assert_mem_eq(parsed, digest, SHA256_BYTES);
}
END_TEST

START_TEST(other_texts_are_no_sums)
{
	char hex[SHA256_HEX_BYTES + 2];
	unsigned char digest[SHA256_BYTES];

	memset(hex, '0', sizeof(hex));
	ck_assert(sha256_parse((struct slice){ hex, 64 }, digest));
	ck_assert(!sha256_parse((struct slice){ hex, 63 }, digest));
	ck_assert(!sha256_parse((struct slice){ hex, 65 }, digest));
	ck_assert(!sha256_parse(SLICE_NONE, digest));
	hex[63] = 'A';
	ck_assert(!sha256_parse((struct slice){ hex, 64 }, digest));
	hex[63] = 'g';
	ck_assert(!sha256_parse((struct slice){ hex, 64 }, digest));
	hex[63] = '0';
	hex[0] = 'F';
	ck_assert(!sha256_parse((struct slice){ hex, 64 }, digest));
}
END_TEST

Suite *test_core_sha256(void)
{
	Suite *suite = suite_create("core_sha256");
	TCase *tcase = tcase_create("all");

	tcase_add_loop_test(tcase, known_sums, 0, sizeof(known) / sizeof(*known));
	tcase_add_test(tcase, other_texts_are_no_sums);
	suite_add_tcase(suite, tcase);
	return suite;
}
