#include "toc_comment.h"

static void add_line(struct buf *script, struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_addc(script, text.data[i] == '\n' || text.data[i] == '\r' ? ' ' : text.data[i]);
}

static void add_field(struct buf *script, const char *label, struct slice text)
{
	buf_adds(script, label);
	add_line(script, text.data ? text : SLICE_LITERAL("-"));
}

static void add_comment(struct buf *script, const char *prefix, const struct object *object)
{
	buf_addf(script, "\n--\n-- %s", prefix);
	add_field(script, "Name: ", object->name);
	add_field(script, "; Type: ", object->type);
	add_field(script, "; Schema: ", object->schema);
	add_field(script, "; Owner: ", object->owner);
	buf_adds(script, "\n--\n\n");
}

void toc_comment_add(struct buf *script, const char *prefix, const char *type, const char *schema,
                     const char *name, const char *owner)
{
	const struct object object = { slice_of(type), slice_of(schema), slice_of(name),
		                           slice_of(owner) };
	add_comment(script, prefix, &object);
}

void toc_comment_add_object(struct buf *script, const struct object *object)
{
	add_comment(script, slice_equals(object->type, "TABLE DATA") ? "Data for " : "", object);
}
