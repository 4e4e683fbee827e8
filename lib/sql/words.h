/*
 * words.h - for statement.h's modules and those who judge statements: words, types and names at the
 * tokens' place.
 *
 * The take_ calls move the tokens behind what they read; when they say false or NULL, the tokens
 * are where they were.
 */
#ifndef IDKIT_SQL_WORDS_H
#define IDKIT_SQL_WORDS_H

#include <stdbool.h>

#include "buf.h"
#include "token.h"

/* All of the words, which one blank parts: "IF NOT EXISTS". */
bool words_take(struct tokens *tokens, const char *words);

/* The statement ends here, with or without its semicolon. */
bool words_at_end(const struct tokens *tokens);

/* A string whose value is appended, or false. */
bool words_take_string(struct tokens *tokens, struct buf *value);

/* The words of an object's type (MATERIALIZED VIEW, FUNCTION, USER, …) as pg_dump calls it, or
 * NULL. */
const char *words_take_type(struct tokens *tokens);

/* The name that follows the type in CREATE, ALTER, DROP and COMMENT ON; an operator's symbol or a
 * large object's number, too. */
bool words_take_name(struct tokens *tokens, const char *type, struct buf *schema, struct buf *name);

/* One group in parentheses, if there is one. */
void words_skip_group(struct tokens *tokens);

/* Inside a group in parentheses: to behind the one that closes it. */
void words_skip_to_close(struct tokens *tokens);

/* CREATE's words before the type: OR REPLACE, UNLOGGED, UNIQUE, … */
void words_skip_create_options(struct tokens *tokens);

/* To behind the next `word` outside parentheses; false, and tokens anywhere, when there is none. */
bool words_find(struct tokens *tokens, const char *word);

/* SELECT [pg_catalog.]function( …: its name in `function`, the tokens behind the parenthesis. */
bool words_take_function(struct tokens *tokens, struct slice *function);

/* The same, when there is nothing but that call. */
bool words_take_call(struct tokens *tokens, struct slice *function);

#endif
