#include "toc_comment.h"

static void add_line(struct buf *script, const char *text)
{
	for (; *text; text++)
		buf_addc(script, *text == '\n' || *text == '\r' ? ' ' : *text);
}

void toc_comment_add(struct buf *script, const char *prefix, const char *type, const char *schema,
                     const char *name, const char *owner)
{
	buf_addf(script, "\n--\n-- %sName: ", prefix);
	add_line(script, name);
	buf_addf(script, "; Type: %s; Schema: ", type);
	add_line(script, schema ? schema : "-");
	buf_adds(script, "; Owner: ");
	add_line(script, owner ? owner : "-");
	buf_adds(script, "\n--\n\n");
}
