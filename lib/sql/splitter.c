#include "splitter.h"

#include <string.h>

#include "splitter_internal.h"

/* ---- tokens ---- */

/* The lead, unless it has ended before, ends `back` bytes before the cursor. */
static void lead_ends(struct splitter *splitter, const struct cursor *cursor, size_t back)
{
	if (splitter->lead_ended)
		return;
	splitter->lead_ended = true;
	splitter->lead_bytes = splitter->statement_bytes + (size_t)(cursor->at - cursor->start) - back;
}

/* A token begins `back` bytes before the cursor. */
static void token_begins(struct splitter *splitter, const struct cursor *cursor, size_t back)
{
	lead_ends(splitter, cursor, back);
	splitter->has_token = true;
	splitter->continuation = CONTINUE_NOT;
}

/* A token that is no word. */
void splitter_token_other(struct splitter *splitter, const struct cursor *cursor, size_t back)
{
	token_begins(splitter, cursor, back);
	splitter->previous = PREVIOUS_OTHER;
	if (splitter->head != HEAD_ROUTINE)
		splitter->head = HEAD_OTHER;
}

static bool word_is(const struct splitter *splitter, const char *word)
{
	return splitter->word_len == strlen(word) &&
	       memcmp(splitter->word, word, splitter->word_len) == 0;
}

void splitter_word_add(struct splitter *splitter, char c)
{
	if (splitter->word_len < sizeof(splitter->word))
		splitter->word[splitter->word_len] = to_lower(c);
	splitter->word_len++;
}

static enum head head_next(const struct splitter *splitter)
{
	bool routine = word_is(splitter, "function") || word_is(splitter, "procedure");

	switch ((enum head)splitter->head) {
	case HEAD_START:
		return word_is(splitter, "create") ? HEAD_CREATE : HEAD_OTHER;
	case HEAD_CREATE:
		if (word_is(splitter, "or"))
			return HEAD_CREATE_OR;
		return routine ? HEAD_ROUTINE : HEAD_OTHER;
	case HEAD_CREATE_OR:
		return word_is(splitter, "replace") ? HEAD_CREATE_OR_REPLACE : HEAD_OTHER;
	case HEAD_CREATE_OR_REPLACE:
		return routine ? HEAD_ROUTINE : HEAD_OTHER;
	default:
		return (enum head)splitter->head;
	}
}

/* The word is whole: does it open or close a body? */
static void word_ends(struct splitter *splitter)
{
	int previous = splitter->previous;

	splitter->state = IN_TEXT;
	splitter->previous = PREVIOUS_OTHER;
	if (splitter->head != HEAD_ROUTINE) {
		splitter->head = (int)head_next(splitter);
		return;
	}
	if (splitter->parenthesis_depth > 0)
		return;
	if (splitter->in_body) {
		if ((previous == PREVIOUS_SEMICOLON || previous == PREVIOUS_ATOMIC) &&
		    word_is(splitter, "end"))
			splitter->in_body = false;
	} else if (word_is(splitter, "begin")) {
		splitter->previous = PREVIOUS_BEGIN;
	} else if (previous == PREVIOUS_BEGIN && word_is(splitter, "atomic")) {
		splitter->in_body = true;
		splitter->previous = PREVIOUS_ATOMIC;
	}
}

static void string_begins(struct splitter *splitter, enum string_kind kind)
{
	splitter->string_kind = (int)kind;
	splitter->state = IN_STRING;
}

static enum string_kind plain_kind(const struct splitter *splitter)
{
	return splitter->standard_strings ? STRING_PLAIN : STRING_ESCAPE;
}

/* ---- outside quotes ---- */

void splitter_take_white_space(struct splitter *splitter, char c)
{
	if ((c == '\n' || c == '\r') && splitter->continuation == CONTINUE_AFTER_NEWLINE)
		splitter->continuation = CONTINUE_AT_QUOTE;
}

static void take_semicolon(struct splitter *splitter, struct cursor *cursor)
{
	if (splitter->parenthesis_depth > 0 || splitter->in_body) {
		splitter_token_other(splitter, cursor, 0);
		splitter->previous = PREVIOUS_SEMICOLON;
		return;
	}
	lead_ends(splitter, cursor, 0);
	splitter->at_start = true;
	cursor->event = SPLIT_STATEMENT;
}

static void take_backslash(struct splitter *splitter, struct cursor *cursor)
{
	lead_ends(splitter, cursor, 0);
	splitter->continuation = CONTINUE_NOT;
	cursor->event = SPLIT_BACKSLASH;
}

static void take_quote(struct splitter *splitter, const struct cursor *cursor)
{
	if (splitter->continuation == CONTINUE_AT_QUOTE) {
		splitter->continuation = CONTINUE_NOT;
		splitter->state = IN_STRING;
		return;
	}
	splitter_token_other(splitter, cursor, 0);
	string_begins(splitter, plain_kind(splitter));
}

static void take_symbol(struct splitter *splitter, const struct cursor *cursor, char c)
{
	splitter_token_other(splitter, cursor, 0);
	if (c == '"') {
		splitter->state = IN_IDENTIFIER;
	} else if (c == '$') {
		splitter->state = AT_DOLLAR;
		splitter->tag_len = 0;
	} else if (c == '(') {
		splitter->parenthesis_depth++;
	} else if (c == ')' && splitter->parenthesis_depth > 0) {
		splitter->parenthesis_depth--;
	}
}

/* Takes the one byte at the cursor; a word's first byte is left for in_word(). */
static bool take_text_byte(struct splitter *splitter, struct cursor *cursor, char c)
{
	if (is_word_start(c)) {
		token_begins(splitter, cursor, 0);
		splitter->state = IN_WORD;
		splitter->word_len = 0;
		return false;
	}
	switch (c) {
	case ' ':
	case '\t':
	case '\n':
	case '\r':
	case '\f':
	case '\v':
		splitter_take_white_space(splitter, c);
		break;
	case '-':
		splitter->state = AT_DASH;
		break;
	case '/':
		splitter->state = AT_SLASH;
		break;
	case '\'':
		take_quote(splitter, cursor);
		break;
	case ';':
		take_semicolon(splitter, cursor);
		break;
	case '\\':
		take_backslash(splitter, cursor);
		break;
	default:
		take_symbol(splitter, cursor, c);
	}
	return true;
}

static void in_text(struct splitter *splitter, struct cursor *cursor)
{
	while (cursor->at < cursor->end && splitter->state == IN_TEXT && cursor->event == SPLIT_MORE) {
		if (take_text_byte(splitter, cursor, *cursor->at))
			cursor->at++;
	}
}

static void in_word(struct splitter *splitter, struct cursor *cursor)
{
	while (cursor->at < cursor->end && is_word_part(*cursor->at))
		splitter_word_add(splitter, *cursor->at++);
	if (cursor->at == cursor->end)
		return;
	if (*cursor->at == '\'') {
		enum string_kind kind = plain_kind(splitter);

		if (word_is(splitter, "e"))
			kind = STRING_ESCAPE;
		else if (word_is(splitter, "b") || word_is(splitter, "x"))
			kind = STRING_BITS;
		splitter_token_other(splitter, cursor, 0);
		string_begins(splitter, kind);
		cursor->at++;
	} else if (*cursor->at == '&' && word_is(splitter, "u")) {
		splitter->state = AT_U_AMPERSAND;
		cursor->at++;
	} else {
		word_ends(splitter);
	}
}

static void at_u_ampersand(struct splitter *splitter, struct cursor *cursor)
{
	splitter_token_other(splitter, cursor, 0);
	splitter->state = IN_TEXT;
	if (*cursor->at == '\'')
		string_begins(splitter, STRING_PLAIN);
	else if (*cursor->at == '"')
		splitter->state = IN_IDENTIFIER;
	else
		return;
	cursor->at++;
}

/* ---- the public calls ---- */

static state_handler *const handlers[] = {
	[IN_TEXT] = in_text,
	[IN_WORD] = in_word,
	[AT_U_AMPERSAND] = at_u_ampersand,
	[AT_DASH] = splitter_at_dash,
	[AT_SLASH] = splitter_at_slash,
	[IN_LINE_COMMENT] = splitter_in_line_comment,
	[IN_BLOCK_COMMENT] = splitter_in_block_comment,
	[AT_COMMENT_STAR] = splitter_at_comment_star,
	[AT_COMMENT_SLASH] = splitter_at_comment_slash,
	[IN_STRING] = splitter_in_string,
	[AT_STRING_BACKSLASH] = splitter_at_string_backslash,
	[AT_STRING_QUOTE] = splitter_at_string_quote,
	[IN_IDENTIFIER] = splitter_in_identifier,
	[AT_IDENTIFIER_QUOTE] = splitter_at_identifier_quote,
	[AT_DOLLAR] = splitter_at_dollar,
	[IN_DOLLAR] = splitter_in_dollar,
	[AT_DOLLAR_END] = splitter_at_dollar_end,
};

void splitter_restart(struct splitter *splitter)
{
	bool standard_strings = splitter->standard_strings;

	splitter_init(splitter);
	splitter->standard_strings = standard_strings;
}

/* Field by field: clearing the tag for each short statement would cost more than scanning it. */
void splitter_init(struct splitter *splitter)
{
	splitter->state = IN_TEXT;
	splitter->standard_strings = true;
	splitter->has_token = false;
	splitter->statement_bytes = 0;
	splitter->lead_bytes = 0;
	splitter->parenthesis_depth = 0;
	splitter->comment_depth = 0;
	splitter->in_body = false;
	splitter->at_start = false;
	splitter->lead_ended = false;
	splitter->string_kind = STRING_PLAIN;
	splitter->continuation = CONTINUE_NOT;
	splitter->head = HEAD_START;
	splitter->previous = PREVIOUS_OTHER;
	splitter->word_len = 0;
	splitter->tag_len = 0;
	splitter->tag_match = 0;
}

size_t splitter_scan(struct splitter *splitter, const char *data, size_t len,
                     enum split_event *event)
{
	struct cursor cursor = { data, data, data + len, SPLIT_MORE };

	if (splitter->at_start && len > 0)
		splitter_restart(splitter);
	while (cursor.at < cursor.end && cursor.event == SPLIT_MORE)
		handlers[splitter->state](splitter, &cursor);
	splitter->statement_bytes += (size_t)(cursor.at - data);
	*event = cursor.event;
	return (size_t)(cursor.at - data);
}

static enum split_open open_at(const struct splitter *splitter)
{
	switch ((enum state)splitter->state) {
	case IN_BLOCK_COMMENT:
	case AT_COMMENT_STAR:
	case AT_COMMENT_SLASH:
		return SPLIT_OPEN_COMMENT;
	case IN_STRING:
	case AT_STRING_BACKSLASH:
		return SPLIT_OPEN_STRING;
	case IN_IDENTIFIER:
		return SPLIT_OPEN_IDENTIFIER;
	case IN_DOLLAR:
	case AT_DOLLAR_END:
		return SPLIT_OPEN_DOLLAR;
	case AT_DASH:
	case AT_SLASH:
		break;
	default:
		if (!splitter->has_token)
			return SPLIT_OPEN_NOTHING;
	}
	if (splitter->parenthesis_depth > 0)
		return SPLIT_OPEN_PARENTHESIS;
	return splitter->in_body ? SPLIT_OPEN_BODY : SPLIT_OPEN_STATEMENT;
}

enum split_open splitter_end(struct splitter *splitter)
{
	enum split_open open;

	if (splitter->at_start)
		splitter_restart(splitter);
	if (splitter->state == IN_WORD)
		word_ends(splitter);
	open = open_at(splitter);
	splitter_restart(splitter);
	return open;
}

size_t splitter_lead_bytes(const struct splitter *splitter)
{
	return splitter->lead_ended ? splitter->lead_bytes : splitter->statement_bytes;
}

const char *split_open_text(enum split_open open)
{
	switch (open) {
	case SPLIT_OPEN_NOTHING:
		return "between statements";
	case SPLIT_OPEN_STATEMENT:
		return "inside a statement (its semicolon is missing)";
	case SPLIT_OPEN_PARENTHESIS:
		return "inside parentheses";
	case SPLIT_OPEN_STRING:
		return "inside a quoted string";
	case SPLIT_OPEN_IDENTIFIER:
		return "inside a quoted identifier";
	case SPLIT_OPEN_DOLLAR:
		return "inside a dollar-quoted string";
	case SPLIT_OPEN_COMMENT:
		return "inside a comment";
	case SPLIT_OPEN_BODY:
		return "inside a function's BEGIN ATOMIC body";
	}
	return "";
}
