#include "manifest.h"

#include <stdlib.h>

struct manifest *manifest_new(struct err *err)
{
	struct manifest *manifest = calloc(1, sizeof(*manifest));
	if (manifest)
		manifest->contents = contents_new(err);
	else
		err_memory(err, "a manifest");
	if (manifest && !manifest->contents) {
		manifest_free(manifest);
		return NULL;
	}
	return manifest;
}

static void member_release(struct manifest_member *member)
{
	free(member->name);
	free(member->schema);
	free(member->table);
}

void manifest_free(struct manifest *manifest)
{
	if (!manifest)
		return;
	for (size_t i = 0; i < manifest->member_count; i++)
		member_release(&manifest->members[i]);
	free(manifest->members);
	contents_free(manifest->contents);
	free(manifest);
}

/* Powers of two, from 16 on: full when the count is one. */
static int grow(struct manifest *manifest)
{
	size_t count = manifest->member_count;
	if (count >= 16 ? (count & (count - 1)) != 0 : count != 0)
		return 0;
	struct manifest_member *members =
		realloc(manifest->members, (count ? 2 * count : 16) * sizeof(*members));
	if (!members)
		return -1;
	manifest->members = members;
	return 0;
}

int manifest_member_name_table(struct manifest_member *member, const struct copy_table *table,
                               struct err *err)
{
	member->schema = slice_dup(table->schema);
	member->table = slice_dup(table->name);
	return member->schema && member->table ? 0 : err_memory(err, "an archive's member");
}

int manifest_add(struct manifest *manifest, struct manifest_member *member, struct err *err)
{
	if (grow(manifest) < 0) {
		member_release(member);
		*member = (struct manifest_member){ 0 };
		return err_memory(err, "a manifest");
	}
	manifest->members[manifest->member_count++] = *member;
	*member = (struct manifest_member){ 0 };
	return 0;
}
