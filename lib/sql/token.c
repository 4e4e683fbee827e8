#include "token.h"

#include <string.h>

/*
 * The rules are those of the splitter (src/backend/parser/scan.l), over a text that is whole: what
 * isn't closed goes to the end.
 */

struct tokens tokens_of(struct slice sql, bool standard_strings)
{
	return (struct tokens){ sql, standard_strings };
}

/* The byte at `at`, or 0 behind the end: no rule asks for a NUL. */
static char byte_at(struct slice text, size_t at)
{
	return at < text.len ? text.data[at] : '\0';
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word_start(char c)
{
	return is_letter(c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_operator(char c)
{
	return c != '\0' && strchr("~!@#^&|`?+-*/%<>=", c);
}

/* ---- white space and comments ---- */

static size_t line_comment_end(struct slice text, size_t at)
{
	while (at < text.len && text.data[at] != '\n' && text.data[at] != '\r')
		at++;
	return at;
}

static size_t block_comment_end(struct slice text, size_t at)
{
	size_t depth = 0;

	while (at < text.len) {
		if (text.data[at] == '/' && byte_at(text, at + 1) == '*') {
			depth++;
			at += 2;
		} else if (text.data[at] == '*' && byte_at(text, at + 1) == '/') {
			at += 2;
			if (--depth == 0)
				return at;
		} else {
			at++;
		}
	}
	return at;
}

static size_t skip_space(struct slice text, size_t at)
{
	while (at < text.len) {
		if (is_space(text.data[at]))
			at++;
		else if (text.data[at] == '-' && byte_at(text, at + 1) == '-')
			at = line_comment_end(text, at);
		else if (text.data[at] == '/' && byte_at(text, at + 1) == '*')
			at = block_comment_end(text, at);
		else
			break;
	}
	return at;
}

/* ---- quotes ---- */

static size_t find_byte(struct slice text, size_t at, char c)
{
	const char *found = at < text.len ? memchr(text.data + at, c, text.len - at) : NULL;

	return found ? (size_t)(found - text.data) : text.len;
}

/* Behind the quote that ends one piece of a string; `at` is behind the quote that opened it. */
static size_t piece_end(struct slice text, size_t at, bool escapes, bool doubles)
{
	while (at < text.len) {
		if (escapes)
			while (at < text.len && text.data[at] != '\'' && text.data[at] != '\\')
				at++;
		else
			at = find_byte(text, at, '\'');
		if (at >= text.len)
			break;
		if (text.data[at] == '\\' || (doubles && byte_at(text, at + 1) == '\''))
			at += 2;
		else
			return at + 1;
	}
	return text.len;
}

/* Behind the quote at which a string continues on another line, or 0 when it doesn't. */
static size_t continuation(struct slice text, size_t at)
{
	bool newline = false;

	for (; at < text.len; at++) {
		if (text.data[at] == '-' && byte_at(text, at + 1) == '-')
			at = line_comment_end(text, at);
		if (at >= text.len || !is_space(text.data[at]))
			break;
		if (text.data[at] == '\n' || text.data[at] == '\r')
			newline = true;
	}
	return newline && byte_at(text, at) == '\'' ? at + 1 : 0;
}

/* `at` is the opening quote's place. */
static size_t string_end(struct slice text, size_t at, bool escapes, bool doubles)
{
	size_t next = at + 1;

	do {
		at = piece_end(text, next, escapes, doubles);
		next = continuation(text, at);
	} while (next > 0);
	return at;
}

static size_t identifier_end(struct slice text, size_t at)
{
	for (at = find_byte(text, at + 1, '"'); at < text.len; at = find_byte(text, at + 2, '"')) {
		if (byte_at(text, at + 1) != '"')
			return at + 1;
	}
	return text.len;
}

/* Behind "$tag$" at the start of `text`, or 0 when there is none. */
static size_t dollar_open(struct slice text)
{
	size_t at = 1;

	if (is_word_start(byte_at(text, at)))
		while (is_word_start(byte_at(text, at)) || is_digit(byte_at(text, at)))
			at++;
	return byte_at(text, at) == '$' ? at + 1 : 0;
}

static size_t dollar_end(struct slice text, size_t tag_len)
{
	const char *end = memmem(text.data + tag_len, text.len - tag_len, text.data, tag_len);

	return end ? (size_t)(end - text.data) + tag_len : text.len;
}

/* ---- the other tokens ---- */

static size_t digits_end(struct slice text, size_t at)
{
	while (is_digit(byte_at(text, at)) ||
	       (byte_at(text, at) == '_' && is_digit(byte_at(text, at + 1))))
		at++;
	return at;
}

static size_t number_end(struct slice text)
{
	size_t at;

	if (text.data[0] == '0' && byte_at(text, 1) != '\0' && strchr("xXoObB", text.data[1])) {
		at = 2;
		while (is_digit(byte_at(text, at)) || is_letter(byte_at(text, at)) ||
		       byte_at(text, at) == '_')
			at++;
		return at;
	}
	at = digits_end(text, 0);
	if (byte_at(text, at) == '.' && byte_at(text, at + 1) != '.')
		at = digits_end(text, at + 1);
	if (byte_at(text, at) == 'e' || byte_at(text, at) == 'E') {
		size_t sign = byte_at(text, at + 1) == '+' || byte_at(text, at + 1) == '-';

		if (is_digit(byte_at(text, at + 1 + sign)))
			at = digits_end(text, at + 1 + sign);
	}
	return at;
}

/* scan.l: "+" and "-" end an operator only when it holds a character of no SQL operator. */
static size_t operator_end(struct slice text)
{
	size_t len = 0;
	bool unusual = false;

	while (is_operator(byte_at(text, len))) {
		char c = text.data[len];
		char next = byte_at(text, len + 1);

		if ((c == '-' && next == '-') || (c == '/' && next == '*'))
			break;
		if (strchr("~!@#^&|`?%", c))
			unusual = true;
		len++;
	}
	while (!unusual && len > 1 && (text.data[len - 1] == '+' || text.data[len - 1] == '-'))
		len--;
	return len;
}

static size_t symbol_end(struct slice text)
{
	char c = text.data[0];

	if (is_operator(c))
		return operator_end(text);
	if (c == ':' && (byte_at(text, 1) == ':' || byte_at(text, 1) == '='))
		return 2;
	return 1;
}

static size_t word_end(struct slice text)
{
	size_t at = 0;

	while (is_word_start(byte_at(text, at)) || is_digit(byte_at(text, at)) ||
	       byte_at(text, at) == '$')
		at++;
	return at;
}

static size_t scan_word(struct slice text, bool standard_strings, enum token_kind *kind)
{
	size_t len = word_end(text);
	char first = text.data[0];
	char next = byte_at(text, len);

	*kind = TOKEN_WORD;
	if (len != 1)
		return len;
	if (next == '\'' && strchr("eEbBxXnN", first)) {
		bool national = first == 'n' || first == 'N';
		bool escapes = first == 'e' || first == 'E' || (national && !standard_strings);

		*kind = TOKEN_STRING;
		return string_end(text, 1, escapes, escapes || national);
	}
	if (next == '&' && (first == 'u' || first == 'U')) {
		if (byte_at(text, 2) == '\'') {
			*kind = TOKEN_STRING;
			return string_end(text, 2, false, true);
		}
		if (byte_at(text, 2) == '"') {
			*kind = TOKEN_QUOTED;
			return identifier_end(text, 2);
		}
	}
	return len;
}

static size_t scan_dollar(struct slice text, enum token_kind *kind)
{
	size_t tag_len = dollar_open(text);

	if (is_digit(byte_at(text, 1))) {
		*kind = TOKEN_PARAMETER;
		return digits_end(text, 1);
	}
	if (tag_len > 0) {
		*kind = TOKEN_DOLLAR;
		return dollar_end(text, tag_len);
	}
	*kind = TOKEN_SYMBOL;
	return 1;
}

static size_t scan(struct slice text, bool standard_strings, enum token_kind *kind)
{
	char c = text.data[0];

	if (is_word_start(c))
		return scan_word(text, standard_strings, kind);
	if (is_digit(c) || (c == '.' && is_digit(byte_at(text, 1)))) {
		*kind = TOKEN_NUMBER;
		return number_end(text);
	}
	if (c == '\'') {
		*kind = TOKEN_STRING;
		return string_end(text, 0, !standard_strings, true);
	}
	if (c == '"') {
		*kind = TOKEN_QUOTED;
		return identifier_end(text, 0);
	}
	if (c == '$')
		return scan_dollar(text, kind);
	*kind = TOKEN_SYMBOL;
	return symbol_end(text);
}

bool token_next(struct tokens *tokens, struct token *token)
{
	size_t start = skip_space(tokens->rest, 0);
	struct slice text = { tokens->rest.data + start, tokens->rest.len - start };
	size_t len;

	if (text.len == 0) {
		tokens->rest.data += tokens->rest.len;
		tokens->rest.len = 0;
		return false;
	}
	len = scan(text, tokens->standard_strings, &token->kind);
	if (len > text.len)
		len = text.len;
	token->text = (struct slice){ text.data, len };
	tokens->rest = (struct slice){ text.data + len, text.len - len };
	return true;
}

bool token_peek(const struct tokens *tokens, struct token *token)
{
	struct tokens copy = *tokens;

	return token_next(&copy, token);
}

bool token_is_word(const struct token *token, const char *word)
{
	return token->kind == TOKEN_WORD && slice_equals_nocase(token->text, word);
}

bool token_is_symbol(const struct token *token, const char *symbol)
{
	return token->kind == TOKEN_SYMBOL && slice_equals(token->text, symbol);
}

bool token_take_word(struct tokens *tokens, const char *word)
{
	struct tokens copy = *tokens;
	struct token token;

	if (!token_next(&copy, &token) || !token_is_word(&token, word))
		return false;
	*tokens = copy;
	return true;
}

bool token_take_symbol(struct tokens *tokens, const char *symbol)
{
	struct tokens copy = *tokens;
	struct token token;

	if (!token_next(&copy, &token) || !token_is_symbol(&token, symbol))
		return false;
	*tokens = copy;
	return true;
}
