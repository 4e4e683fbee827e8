#include "archive_check.h"

#include <stdlib.h>
#include <string.h>

#include "archive_frame.h"
#include "archive_names.h"

static void add_line(struct buf *text, const unsigned char sha256[SHA256_BYTES], const char *name)
{
	char hex[SHA256_HEX_BYTES + 1];
	sha256_hex(sha256, hex);
	buf_addf(text, "%s  %s\n", hex, name);
}

/* END says what the SHA-256 of SHA256SUMS is. */
static int check_end(const struct archive_end *end, struct err *err)
{
	unsigned char sha256[SHA256_BYTES];
	struct buf expected = BUF_INIT;
	int result = -1;
	if (sha256_of(buf_slice(&end->sums), sha256, err) < 0)
		return -1;
	add_line(&expected, sha256, ARCHIVE_SUMS);
	if (buf_check(&expected, "an archive's end", err) == 0)
		result = slice_equal(buf_slice(&expected), buf_slice(&end->end))
		                 ? 0
		                 : err_set(err, ERR_INPUT,
		                           "members SHA256SUMS and END don't fit each other: one of them is "
		                           "damaged");
	buf_release(&expected);
	return result;
}

/* The next line of SHA256SUMS is about this member. */
static int check_line(struct slice *sums, const unsigned char sha256[SHA256_BYTES],
                      const char *name, struct err *err)
{
	struct buf expected = BUF_INIT;
	int result = 0;
	add_line(&expected, sha256, name);
	if (buf_check(&expected, "an archive's sums", err) < 0)
		result = -1;
	else if (sums->len < expected.len || memcmp(sums->data, expected.data, expected.len) != 0)
		result = err_set(err, ERR_INPUT,
		                 "member %s is damaged: its SHA-256 is not the one in SHA256SUMS", name);
	else
		*sums = (struct slice){ sums->data + expected.len, sums->len - expected.len };
	buf_release(&expected);
	return result;
}

/* The line about the manifest is the last one. */
static int check_manifest_sum(const struct archive_end *end, struct err *err)
{
	const size_t line = SHA256_HEX_BYTES + strlen("  " ARCHIVE_MANIFEST "\n");
	unsigned char sha256[SHA256_BYTES];
	struct slice last = buf_slice(&end->sums);
	if (sha256_of(buf_slice(&end->manifest), sha256, err) < 0)
		return -1;
	if (last.len > line)
		last = (struct slice){ last.data + last.len - line, line };
	return check_line(&last, sha256, ARCHIVE_MANIFEST, err);
}

static struct slice named_next(struct slice sums)
{
	const size_t before = SHA256_HEX_BYTES + 2;
	const char *newline = memchr(sums.data, '\n', sums.len);
	size_t len = newline ? (size_t)(newline - sums.data) : sums.len;
	return len > before ? (struct slice){ sums.data + before, len - before }
	                    : SLICE_LITERAL(ARCHIVE_SUMS);
}

static int check_sums(const struct archive_end *end, const struct manifest *members,
                      struct err *err)
{
	const size_t line = SHA256_HEX_BYTES + strlen("  " ARCHIVE_MANIFEST "\n");
	struct slice sums = buf_slice(&end->sums);
	for (size_t i = 0; i < members->member_count; i++)
		if (check_line(&sums, members->members[i].sha256, members->members[i].name, err) < 0)
			return -1;
	if (sums.len < line)
		return err_set(err, ERR_INPUT, "member SHA256SUMS is too short");
	if (sums.len > line)
		return err_set(err, ERR_INPUT, "member %.*s is missing: SHA256SUMS names it",
		               SLICE_ARG(named_next(sums)));
	return 0;
}

static int lies(const struct manifest_member *member, const char *about, struct err *err)
{
	return err_set(err, ERR_INPUT, "member %s: the manifest is wrong about %s", member->name,
	               about);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* What the manifest says of a member, against what came. */
static int check_member(const struct manifest_member *said, const struct manifest_member *found,
                        bool hashed, bool counted, struct err *err)
{
	if (strcmp(said->name, found->name) != 0)
		return err_set(err, ERR_INPUT, "member %s: the manifest has %s in its place",
		               found->name, said->name);
	if (said->offset != found->offset)
		return lies(said, "where it is", err);
	if (said->bytes != found->bytes)
		return lies(said, "its size", err);
	if (said->section != found->section || (said->table && said->section != SECTION_DATA))
		return lies(said, "its section", err);
	if (said->raw_bytes > FRAME_LARGEST_BYTES)
		return lies(said, "the size of its text", err);
	if (!hashed)
		return 0;
	if (memcmp(said->sha256, found->sha256, SHA256_BYTES) != 0)
		return lies(said, "its SHA-256", err);
	if (said->raw_bytes != found->raw_bytes)
		return lies(said, "the size of its text", err);
	if (!same_text(said->schema, found->schema) || !same_text(said->table, found->table))
		return lies(said, "its table", err);
	return !counted || said->rows == found->rows ? 0 : lies(said, "its rows", err);
}

static int check_members(const struct manifest *said, const struct manifest *found, bool hashed,
                         bool counted, struct err *err)
{
	for (size_t i = 0; i < said->member_count && i < found->member_count; i++)
		if (check_member(&said->members[i], &found->members[i], hashed, counted, err) < 0)
			return -1;
	if (said->member_count > found->member_count)
		return err_set(err, ERR_INPUT, "member %s is missing: the manifest lists it",
		               said->members[found->member_count].name);
	if (said->member_count < found->member_count)
		return err_set(err, ERR_INPUT, "member %s is not in the manifest",
		               found->members[said->member_count].name);
	return 0;
}

/* The members' rows put together, table by table. */
static struct contents *add_up(const struct manifest *manifest, struct err *err)
{
	const struct contents_options options = { 0 };
	struct contents *sums = contents_new(err);
	for (size_t i = 0; sums && i < manifest->member_count; i++) {
		const struct manifest_member *member = &manifest->members[i];
		const struct chunk chunk = { .counted = true, .rows = member->rows,
			                     .sum = member->sum };
		const struct copy_table table = { .schema = slice_of(member->schema),
			                          .name = slice_of(member->table) };
		const struct record record = { .kind = RECORD_DATA,
			                       .data = { .table = &table, .chunk = &chunk } };
		if (member->table && contents_add(sums, &record, &options, err) < 0) {
			contents_free(sums);
			return NULL;
		}
	}
	return sums;
}

/* Large objects count as tables, and have no rows. */
static bool is_large_object_table(const struct table_digest *table)
{
	return strcmp(table->schema, "pg_catalog") == 0 &&
	       strncmp(table->name, "pg_largeobject", strlen("pg_largeobject")) == 0;
}

static int check_tables(const struct contents *said, const struct contents *sums, struct err *err)
{
	size_t count = 0;
	for (size_t i = 0; i < contents_table_count(said); i++) {
		const struct table_digest *table = contents_table(said, i);
		const struct table_digest *sum = contents_find_table(sums, table->schema, table->name);
		count += sum != NULL;
		if (sum ? sum->rows != table->rows || !hash128_equal(sum->sum, table->sum)
		        : !is_large_object_table(table))
			return err_set(err, ERR_INPUT,
			               "member manifest.json: what it says of table %s.%s is not what it "
			               "says of its members",
			               table->schema, table->name);
	}
	if (count != contents_table_count(sums) || contents_rows(said) != contents_rows(sums))
		return err_set(err, ERR_INPUT,
		               "member manifest.json: its tables are not those of its members");
	return 0;
}

static int check_manifest(const struct manifest *manifest, struct err *err)
{
	struct contents *sums = add_up(manifest, err);
	int result = sums ? check_tables(manifest->contents, sums, err) : -1;
	contents_free(sums);
	return result;
}

struct manifest *archive_check(const struct archive_end *end, const struct manifest *found,
                               bool hashed, bool counted, struct err *err)
{
	struct manifest *manifest = NULL;
	if (check_end(end, err) < 0)
		return NULL;
	/* What came, before what is said of it: a damaged member is what the user has to know. */
	if ((hashed && check_sums(end, found, err) < 0) || check_manifest_sum(end, err) < 0)
		return NULL;
	manifest = manifest_parse(buf_slice(&end->manifest), err);
	if (!manifest) {
		err_prefix(err, "member " ARCHIVE_MANIFEST);
		return NULL;
	}
	if (check_members(manifest, found, hashed, counted, err) < 0 ||
	    check_sums(end, manifest, err) < 0 || check_manifest(manifest, err) < 0) {
		manifest_free(manifest);
		return NULL;
	}
	return manifest;
}
