/*
 * toc_comment.h - the comment in front of an object, as pg_dump writes it: what carries identity.
 */
#ifndef IDKIT_SQL_TOC_COMMENT_H
#define IDKIT_SQL_TOC_COMMENT_H

#include "buf.h"
#include "statement.h"

/* Appends "\n--\n-- PREFIXName: …; Type: …; Schema: …; Owner: …\n--\n\n".  Newlines in names become
 * blanks, as sanitize_line() of pg_dump has it: a name must not end its comment. */
void toc_comment_add(struct buf *script, const char *prefix, const char *type, const char *schema,
                     const char *name, const char *owner);

/* As above, for what toc_comment_parse() has read. */
void toc_comment_add_object(struct buf *script, const struct object *object);

#endif
