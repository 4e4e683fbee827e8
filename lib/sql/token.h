/*
 * token.h - the tokens of one whole statement, for looking at it, not for parsing it.
 *
 *     struct tokens tokens = tokens_of(sql, standard_strings);
 *     struct token token;
 *     while (token_next(&tokens, &token)) …
 *
 * Tokens are slices of the statement.  White space and comments are skipped.  Concatenating the
 * bytes between and of all tokens gives the statement back.
 */
#ifndef IDKIT_SQL_TOKEN_H
#define IDKIT_SQL_TOKEN_H

#include <stdbool.h>

#include "buf.h"

enum token_kind {
	TOKEN_WORD,    /* key word or identifier without quotes */
	TOKEN_QUOTED,  /* "identifier", or U&"identifier" */
	TOKEN_STRING,  /* '…', E'…', U&'…', B'…', X'…', N'…', with its continuations */
	TOKEN_DOLLAR,  /* $tag$…$tag$ */
	TOKEN_NUMBER,
	TOKEN_PARAMETER, /* $1 */
	TOKEN_SYMBOL,  /* one of ( ) [ ] , ; : . or an operator, "::" is one token */
};

struct token {
	enum token_kind kind;
	struct slice text; /* as written */
};

struct tokens {
	struct slice rest;
	bool standard_strings;
};

struct tokens tokens_of(struct slice sql, bool standard_strings);

/* False at the end (a semicolon is a token like others). */
bool token_next(struct tokens *tokens, struct token *token);

/* The next token without taking it. */
bool token_peek(const struct tokens *tokens, struct token *token);

/* TOKEN_WORD equal to the key word, case ignored. */
bool token_is_word(const struct token *token, const char *word);
bool token_is_symbol(const struct token *token, const char *symbol);

/* Takes the next token if it is this key word. */
bool token_take_word(struct tokens *tokens, const char *word);
bool token_take_symbol(struct tokens *tokens, const char *symbol);

/* The value of a TOKEN_STRING or TOKEN_DOLLAR (escapes undone) appended to `value`; false when the
 * token is no string or not one we can decode: U&'…' (whose UESCAPE stands behind it), B'…', X'…', a
 * wrong escape. */
bool token_string_value(const struct token *token, bool standard_strings, struct buf *value);

/*
 * A statement's text without the texts that it carries, for matching: what stands inside string
 * constants and dollar quotes (function bodies, default values, comments, the rows of INSERT) and
 * between BEGIN ATOMIC and its END is left out; the delimiters stay.  SELECT and SET are given back
 * as they are: there the strings are the names that a pattern asks for.  `scratch` (emptied first)
 * holds the result when it is not the statement itself: ask buf_check().
 */
struct slice statement_without_bodies(struct slice sql, bool standard_strings,
                                      struct buf *scratch);

#endif
