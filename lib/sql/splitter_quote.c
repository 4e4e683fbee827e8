/*
 * Inside comments, strings, quoted identifiers and dollar quotes: bytes are skipped as fast as
 * memchr goes.
 */
#include <string.h>

#include "splitter_internal.h"

/* ---- comments ---- */

void splitter_at_dash(struct splitter *splitter, struct cursor *cursor)
{
	if (*cursor->at == '-') {
		splitter->state = IN_LINE_COMMENT;
		cursor->at++;
	} else {
		splitter_token_other(splitter, cursor, 1);
		splitter->state = IN_TEXT;
	}
}

void splitter_at_slash(struct splitter *splitter, struct cursor *cursor)
{
	if (*cursor->at == '*') {
		splitter->state = IN_BLOCK_COMMENT;
		splitter->comment_depth = 1;
		splitter->continuation = CONTINUE_NOT;
		cursor->at++;
	} else {
		splitter_token_other(splitter, cursor, 1);
		splitter->state = IN_TEXT;
	}
}

void splitter_in_line_comment(struct splitter *splitter, struct cursor *cursor)
{
	const char *stop = memchr(cursor->at, '\n', (size_t)(cursor->end - cursor->at));
	const char *cr;

	if (!stop)
		stop = cursor->end;
	cr = memchr(cursor->at, '\r', (size_t)(stop - cursor->at));
	if (cr)
		stop = cr;
	cursor->at = stop;
	if (stop == cursor->end)
		return;
	splitter_take_white_space(splitter, *cursor->at++);
	splitter->state = IN_TEXT;
	if (!splitter->has_token)
		cursor->event = SPLIT_COMMENT;
}

void splitter_in_block_comment(struct splitter *splitter, struct cursor *cursor)
{
	const char *at = cursor->at;

	while (at < cursor->end && *at != '*' && *at != '/')
		at++;
	if (at < cursor->end)
		splitter->state = *at++ == '*' ? AT_COMMENT_STAR : AT_COMMENT_SLASH;
	cursor->at = at;
}

void splitter_at_comment_star(struct splitter *splitter, struct cursor *cursor)
{
	char c = *cursor->at++;

	if (c == '/')
		splitter->state = --splitter->comment_depth > 0 ? IN_BLOCK_COMMENT : IN_TEXT;
	else if (c != '*')
		splitter->state = IN_BLOCK_COMMENT;
}

void splitter_at_comment_slash(struct splitter *splitter, struct cursor *cursor)
{
	char c = *cursor->at++;

	if (c == '*')
		splitter->comment_depth++;
	if (c != '/')
		splitter->state = IN_BLOCK_COMMENT;
}

/* ---- quotes ---- */

void splitter_in_string(struct splitter *splitter, struct cursor *cursor)
{
	const char *at = cursor->at;

	if (splitter->string_kind == STRING_ESCAPE) {
		while (at < cursor->end && *at != '\'' && *at != '\\')
			at++;
	} else {
		at = memchr(at, '\'', (size_t)(cursor->end - at));
		if (!at)
			at = cursor->end;
	}
	if (at < cursor->end)
		splitter->state = *at++ == '\'' ? AT_STRING_QUOTE : AT_STRING_BACKSLASH;
	cursor->at = at;
}

void splitter_at_string_backslash(struct splitter *splitter, struct cursor *cursor)
{
	cursor->at++;
	splitter->state = IN_STRING;
}

void splitter_at_string_quote(struct splitter *splitter, struct cursor *cursor)
{
	if (*cursor->at == '\'' && splitter->string_kind != STRING_BITS) {
		cursor->at++;
		splitter->state = IN_STRING;
	} else {
		splitter->state = IN_TEXT;
		splitter->continuation = CONTINUE_AFTER_NEWLINE;
	}
}

void splitter_in_identifier(struct splitter *splitter, struct cursor *cursor)
{
	const char *quote = memchr(cursor->at, '"', (size_t)(cursor->end - cursor->at));

	if (quote)
		splitter->state = AT_IDENTIFIER_QUOTE;
	cursor->at = quote ? quote + 1 : cursor->end;
}

void splitter_at_identifier_quote(struct splitter *splitter, struct cursor *cursor)
{
	if (*cursor->at == '"') {
		cursor->at++;
		splitter->state = IN_IDENTIFIER;
	} else {
		splitter->state = IN_TEXT;
	}
}

/* "$tag" without the second '$' is a lone '$' and a word (scan.l's {dolqfailed}). */
static void dollar_failed(struct splitter *splitter)
{
	splitter->state = IN_TEXT;
	if (splitter->tag_len == 0)
		return;
	splitter->state = IN_WORD;
	splitter->word_len = 0;
	for (size_t i = 0; i < splitter->tag_len && i < sizeof(splitter->tag); i++)
		splitter_word_add(splitter, splitter->tag[i]);
}

void splitter_at_dollar(struct splitter *splitter, struct cursor *cursor)
{
	char c = *cursor->at;

	if (c == '$') {
		splitter->state = IN_DOLLAR;
		cursor->at++;
	} else if (is_word_start(c) || (splitter->tag_len > 0 && is_digit(c))) {
		if (splitter->tag_len < sizeof(splitter->tag))
			splitter->tag[splitter->tag_len] = c;
		if (splitter->tag_len <= sizeof(splitter->tag))
			splitter->tag_len++;
		cursor->at++;
	} else {
		dollar_failed(splitter);
	}
}

void splitter_in_dollar(struct splitter *splitter, struct cursor *cursor)
{
	const char *dollar = memchr(cursor->at, '$', (size_t)(cursor->end - cursor->at));

	if (dollar) {
		splitter->state = AT_DOLLAR_END;
		splitter->tag_match = 0;
	}
	cursor->at = dollar ? dollar + 1 : cursor->end;
}

/* A tag holds no '$', so that each '$' starts the match anew: $a$ … $b$a$ ends at the $a$. */
void splitter_at_dollar_end(struct splitter *splitter, struct cursor *cursor)
{
	char c = *cursor->at++;

	if (c == '$' && splitter->tag_match == splitter->tag_len)
		splitter->state = IN_TEXT;
	else if (c == '$')
		splitter->tag_match = 0;
	else if (splitter->tag_match < splitter->tag_len &&
	         splitter->tag_match < sizeof(splitter->tag) && c == splitter->tag[splitter->tag_match])
		splitter->tag_match++;
	else
		splitter->state = IN_DOLLAR;
}
