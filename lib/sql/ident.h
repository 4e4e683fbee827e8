/*
 * ident.h - identifiers: quoting, reading, and psql's patterns for names.
 */
#ifndef IDKIT_SQL_IDENT_H
#define IDKIT_SQL_IDENT_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "token.h"

/* Appends the identifier, quoted where PostgreSQL needs it: as fmtId() of pg_dump does, every
 * key word that is not unreserved is quoted too, whatever the server's version. */
void sql_add_identifier(struct buf *sql, struct slice name);
/* schema.name; only name when schema is absent or empty. */
void sql_add_qualified(struct buf *sql, struct slice schema, struct slice name);
/* 'text', with E'' when it holds a backslash: right whatever standard_conforming_strings is. */
void sql_add_literal(struct buf *sql, struct slice text);

/* The identifier that the token writes (quotes undone, or folded to lower case as PostgreSQL folds
 * ASCII), appended to `name`; false when it is none, or one with escapes
 * (U&"…"), which idkit does not read. */
bool sql_identifier_value(const struct token *token, struct buf *name);

/* Reads [schema.]name at the tokens' place.  *schema is left empty when absent.  False (and tokens
 * anywhere) when there is none. */
bool sql_take_qualified(struct tokens *tokens, struct buf *schema, struct buf *name);

/*
 * psql's pattern for names (documentation of psql, "Patterns"; processSQLNamePattern() in
 * src/fe_utils/string_utils.c): * and ?, double quotes stop folding and specials, a dot parts
 * schema from name, regular-expression characters otherwise work, $ is literal.
 * Appends POSIX regular expressions for "~", anchored: "^(…)$".  A pattern without dot leaves
 * `schema` empty.  More than one dot (outside quotes) is an ERR_USAGE naming the pattern, as is an
 * unclosed quote.
 */
int sql_pattern_regexes(const char *pattern, struct buf *schema, struct buf *name, struct err *err);
/* For a pattern of one name (a schema): a dot is an error. */
int sql_pattern_regex(const char *pattern, struct buf *name, struct err *err);

#endif
