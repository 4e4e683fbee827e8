/* The manifest's JSON object: a line a member, so that text tools can read it, too. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "manifest.h"

#define MANIFEST_FORMAT 1

static json_t *member_json(const struct manifest_member *member)
{
	char sha256[SHA256_HEX_BYTES + 1], digest[HASH128_HEX_BYTES + 1];
	sha256_hex(member->sha256, sha256);
	json_t *json = json_pack("{s:s, s:I, s:I, s:I, s:s, s:s}", "name", member->name, "offset",
	                         (json_int_t)member->offset, "bytes", (json_int_t)member->bytes,
	                         "raw_bytes", (json_int_t)member->raw_bytes, "sha256", sha256,
	                         "section", section_name(member->section));
	if (!json || !member->table)
		return json;
	hash128_hex(member->sum, digest);
	json_t *rows = json_pack("{s:s, s:s, s:I, s:s}", "schema", member->schema, "table",
	                         member->table, "rows", (json_int_t)member->rows, "digest", digest);
	if (!rows || json_object_update(json, rows) < 0) {
		json_decref(json);
		json = NULL;
	}
	json_decref(rows);
	return json;
}

static int print_member(const struct manifest_member *member, struct buf *json, struct err *err)
{
	json_t *object = member_json(member);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (!text)
		return err_set(err, ERR_INPUT,
		               "table %s.%s: a name that is not UTF-8 can't be written to the manifest",
		               member->schema ? member->schema : "", member->table ? member->table : "");
	buf_adds(json, text);
	free(text);
	return 0;
}

int manifest_print(const struct manifest *manifest, struct buf *json, struct err *err)
{
	buf_addf(json, "{\"format\":%d,\"members\":[", MANIFEST_FORMAT);
	for (size_t i = 0; i < manifest->member_count; i++) {
		buf_adds(json, i ? ",\n" : "\n");
		if (print_member(&manifest->members[i], json, err) < 0)
			return -1;
	}
	buf_adds(json, "],\n\"contents\":");
	if (contents_print(manifest->contents, json, err) < 0)
		return -1;
	buf_adds(json, "}}\n");
	return buf_check(json, "a manifest", err);
}

static int damaged(struct err *err, const char *what)
{
	return err_set(err, ERR_INPUT, "it is damaged: %s", what);
}

static int copy_text(const char *text, char **copy, struct err *err)
{
	*copy = strdup(text);
	return *copy ? 0 : err_memory(err, "a manifest");
}

static int read_rows(json_t *object, struct manifest_member *member, struct err *err)
{
	const char *schema, *table, *digest;
	json_int_t rows;
	if (json_unpack(object, "{s:s, s:s, s:I, s:s}", "schema", &schema, "table", &table, "rows",
	                &rows, "digest", &digest) < 0 ||
	    rows < 0 || !hash128_parse(slice_of(digest), &member->sum))
		return damaged(err, "a table's member lacks something");
	member->rows = (uint64_t)rows;
	return copy_text(schema, &member->schema, err) < 0 ? -1
	                                                   : copy_text(table, &member->table, err);
}

static int read_member(json_t *object, struct manifest_member *member, struct err *err)
{
	const char *name, *sha256, *section;
	json_int_t offset, bytes, raw_bytes;
	if (json_unpack(object, "{s:s, s:I, s:I, s:I, s:s, s:s}", "name", &name, "offset", &offset,
	                "bytes", &bytes, "raw_bytes", &raw_bytes, "sha256", &sha256, "section",
	                &section) < 0 ||
	    offset < 0 || bytes < 0 || raw_bytes < 0 ||
	    !sha256_parse(slice_of(sha256), member->sha256) ||
	    !section_parse(slice_of(section), &member->section))
		return damaged(err, "a member lacks something");
	member->offset = (uint64_t)offset;
	member->bytes = (uint64_t)bytes;
	member->raw_bytes = (uint64_t)raw_bytes;
	if (copy_text(name, &member->name, err) < 0)
		return -1;
	return json_object_get(object, "table") ? read_rows(object, member, err) : 0;
}

static int read_members(struct manifest *manifest, json_t *members, struct err *err)
{
	size_t i;
	json_t *object;
	json_array_foreach(members, i, object) {
		struct manifest_member member = { 0 };
		int result = read_member(object, &member, err);
		/* Added also when it is half read: that is who frees it. */
		if (manifest_add(manifest, &member, err) < 0 || result < 0)
			return -1;
	}
	return 0;
}

static int read_manifest(struct manifest *manifest, json_t *json, struct err *err)
{
	json_t *members, *object;
	json_int_t format;
	if (json_unpack(json, "{s:I, s:o, s:o}", "format", &format, "members", &members, "contents",
	                &object) < 0 ||
	    !json_is_array(members))
		return damaged(err, "format, members or contents are missing");
	if (format != MANIFEST_FORMAT)
		return err_set(err, ERR_INPUT,
		               "it has format %lld, this version reads %d: use a newer idkit",
		               (long long)format, MANIFEST_FORMAT);
	char *text = json_dumps(object, JSON_COMPACT);
	if (!text)
		return err_memory(err, "a manifest");
	contents_free(manifest->contents);
	manifest->contents = contents_parse(slice_of(text), err);
	free(text);
	return manifest->contents ? read_members(manifest, members, err) : -1;
}

struct manifest *manifest_parse(struct slice text, struct err *err)
{
	json_error_t why;
	struct manifest *manifest = NULL;
	json_t *json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &why);
	if (!json)
		damaged(err, why.text);
	else
		manifest = manifest_new(err);
	if (manifest && read_manifest(manifest, json, err) < 0) {
		manifest_free(manifest);
		manifest = NULL;
	}
	json_decref(json);
	return manifest;
}
