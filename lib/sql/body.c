/*
 * Statements without the texts in them: functions' bodies, values.
 */
#include "token.h"

#include <string.h>

/* Copies a statement, leaving pieces out. */
struct cutter {
	struct buf *out;
	const char *copied; /* the statement is copied up to here */
};

static void cut(struct cutter *cutter, const char *from, const char *to)
{
	buf_add(cutter->out, cutter->copied, (size_t)(from - cutter->copied));
	cutter->copied = to;
}

static void cut_dollar(struct cutter *cutter, struct slice text)
{
	const char *second = memchr(text.data + 1, '$', text.len - 1);
	size_t tag_len = (size_t)(second - text.data) + 1;

	if (text.len >= 2 * tag_len)
		cut(cutter, text.data + tag_len, text.data + text.len - tag_len);
}

static void cut_string(struct cutter *cutter, struct slice text)
{
	const char *first = memchr(text.data, '\'', text.len);

	if (first + 1 < text.data + text.len)
		cut(cutter, first + 1, text.data + text.len - 1);
}

/* Behind ATOMIC: up to the END that follows a semicolon or ATOMIC itself (see splitter.h). */
static void cut_atomic(struct cutter *cutter, struct tokens *tokens)
{
	const char *from = tokens->rest.data;
	bool may_end = true;
	unsigned depth = 0;
	struct token token;

	while (token_next(tokens, &token)) {
		if (may_end && depth == 0 && token_is_word(&token, "end"))
			break;
		if (token_is_symbol(&token, "("))
			depth++;
		else if (token_is_symbol(&token, ")") && depth > 0)
			depth--;
		may_end = token_is_symbol(&token, ";");
	}
	if (tokens->rest.len == 0 && !(may_end && token_is_word(&token, "end")))
		return;
	cut(cutter, from, token.text.data);
	buf_addc(cutter->out, ' ');
}

/* In CREATE FUNCTION or PROCEDURE alone, BEGIN ATOMIC is a body. */
static bool is_routine(struct slice sql, bool standard_strings)
{
	struct tokens tokens = tokens_of(sql, standard_strings);

	if (!token_take_word(&tokens, "create"))
		return false;
	if (token_take_word(&tokens, "or") && !token_take_word(&tokens, "replace"))
		return false;
	return token_take_word(&tokens, "function") || token_take_word(&tokens, "procedure");
}

/* Calls such as setval('a.b', 7), and settings: their strings are what they are about. */
static bool strings_count(struct slice sql, bool standard_strings)
{
	struct tokens tokens = tokens_of(sql, standard_strings);

	return slice_starts(sql, "\\") || token_take_word(&tokens, "select") ||
	       token_take_word(&tokens, "set");
}

struct slice statement_without_bodies(struct slice sql, bool standard_strings, struct buf *scratch)
{
	struct tokens tokens = tokens_of(sql, standard_strings);
	struct cutter cutter = { scratch, sql.data };
	bool routine = is_routine(sql, standard_strings);
	unsigned depth = 0;
	struct token token;

	if (strings_count(sql, standard_strings))
		return sql;
	buf_reset(scratch);
	while (token_next(&tokens, &token)) {
		if (token.kind == TOKEN_DOLLAR)
			cut_dollar(&cutter, token.text);
		else if (token.kind == TOKEN_STRING)
			cut_string(&cutter, token.text);
		else if (token_is_symbol(&token, "("))
			depth++;
		else if (token_is_symbol(&token, ")") && depth > 0)
			depth--;
		else if (routine && depth == 0 && token_is_word(&token, "begin") &&
		         token_take_word(&tokens, "atomic"))
			cut_atomic(&cutter, &tokens);
	}
	if (cutter.copied == sql.data)
		return sql;
	cut(&cutter, sql.data + sql.len, NULL);
	return buf_slice(scratch);
}
