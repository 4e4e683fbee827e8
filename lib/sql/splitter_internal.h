/*
 * splitter_internal.h - the states of the splitter, for its own files only: splitter.c scans what
 * is outside quotes and comments, splitter_quote.c what is inside.
 */
#ifndef IDKIT_SQL_SPLITTER_INTERNAL_H
#define IDKIT_SQL_SPLITTER_INTERNAL_H

#include "splitter.h"

/*
 * One handler per state, called with at least one byte left; it takes bytes until the state
 * changes, an event comes or the piece ends.  What one byte can't tell (is this '-' a comment?) is
 * a state of its own, so that a piece may end anywhere.
 */
enum state {
	IN_TEXT, /* between tokens */
	IN_WORD,
	AT_U_AMPERSAND, /* behind U& */
	AT_DASH,
	AT_SLASH,
	IN_LINE_COMMENT,
	IN_BLOCK_COMMENT,
	AT_COMMENT_STAR,  /* behind a '*' in a comment */
	AT_COMMENT_SLASH, /* behind a '/' in a comment */
	IN_STRING,
	AT_STRING_BACKSLASH,
	AT_STRING_QUOTE, /* behind a quote: the end, or the first of two */
	IN_IDENTIFIER,
	AT_IDENTIFIER_QUOTE,
	AT_DOLLAR, /* behind '$' or '$tag', not yet known to be a quote */
	IN_DOLLAR,
	AT_DOLLAR_END, /* behind a '$' in a dollar quote */
};

enum string_kind {
	STRING_PLAIN,  /* '' is a quote, nothing else is special */
	STRING_ESCAPE, /* a backslash takes the next byte, too */
	STRING_BITS,   /* B'' and X'': even '' is nothing special, it is two strings */
};

/* A string goes on at a quote when only white space with a newline (-- comments are white space)
 * stands between: scan.l's {quotecontinue}. */
enum continuation {
	CONTINUE_NOT,
	CONTINUE_AFTER_NEWLINE, /* no newline was seen yet */
	CONTINUE_AT_QUOTE,
};

enum head {
	HEAD_START,
	HEAD_CREATE,
	HEAD_CREATE_OR,
	HEAD_CREATE_OR_REPLACE,
	HEAD_ROUTINE,
	HEAD_OTHER,
};

enum previous {
	PREVIOUS_OTHER,
	PREVIOUS_SEMICOLON,
	PREVIOUS_BEGIN,
	PREVIOUS_ATOMIC,
};

struct cursor {
	const char *start;
	const char *at;
	const char *end;
	enum split_event event;
};

static inline bool is_word_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_word_part(char c)
{
	return is_word_start(c) || is_digit(c) || c == '$';
}

static inline char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* A token that is no word begins `back` bytes before the cursor. */
void splitter_token_other(struct splitter *splitter, const struct cursor *cursor, size_t back);

/* White space, a comment's newline included. */
void splitter_take_white_space(struct splitter *splitter, char c);

/* One more byte of the present word. */
void splitter_word_add(struct splitter *splitter, char c);

typedef void state_handler(struct splitter *splitter, struct cursor *cursor);

state_handler splitter_at_dash;
state_handler splitter_at_slash;
state_handler splitter_in_line_comment;
state_handler splitter_in_block_comment;
state_handler splitter_at_comment_star;
state_handler splitter_at_comment_slash;
state_handler splitter_in_string;
state_handler splitter_at_string_backslash;
state_handler splitter_at_string_quote;
state_handler splitter_in_identifier;
state_handler splitter_at_identifier_quote;
state_handler splitter_at_dollar;
state_handler splitter_in_dollar;
state_handler splitter_at_dollar_end;

#endif
