/*
 * What the text of a string token stands for.
 */
#include "hex.h"
#include "token.h"

#include <string.h>

struct reader {
	const char *at;
	const char *end;
};

/* Up to `most` digits; how many were taken. */
static size_t take_digits(struct reader *reader, int base, size_t most, unsigned long *value)
{
	size_t count = 0;

	for (*value = 0; count < most && reader->at < reader->end; count++) {
		int digit = hex_digit(*reader->at);

		if (digit < 0 || digit >= base)
			break;
		*value = *value * (unsigned long)base + (unsigned long)digit;
		reader->at++;
	}
	return count;
}

static void add_utf8(struct buf *value, unsigned long code)
{
	if (code < 0x80) {
		buf_addc(value, (char)code);
		return;
	}
	if (code < 0x800) {
		buf_addc(value, (char)(0xC0 | (code >> 6)));
	} else {
		if (code < 0x10000) {
			buf_addc(value, (char)(0xE0 | (code >> 12)));
		} else {
			buf_addc(value, (char)(0xF0 | (code >> 18)));
			buf_addc(value, (char)(0x80 | ((code >> 12) & 0x3F)));
		}
		buf_addc(value, (char)(0x80 | ((code >> 6) & 0x3F)));
	}
	buf_addc(value, (char)(0x80 | (code & 0x3F)));
}

/* Behind "\u" or "\U"; two surrogates make one character. */
static bool take_unicode(struct reader *reader, size_t digits, struct buf *value)
{
	unsigned long code;
	unsigned long low;

	if (take_digits(reader, 16, digits, &code) != digits)
		return false;
	if (code >= 0xD800 && code < 0xDC00) {
		if (reader->end - reader->at < 2 || reader->at[0] != '\\' ||
		    (reader->at[1] != 'u' && reader->at[1] != 'U'))
			return false;
		digits = reader->at[1] == 'u' ? 4 : 8;
		reader->at += 2;
		if (take_digits(reader, 16, digits, &low) != digits || low < 0xDC00 || low > 0xDFFF)
			return false;
		code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
	}
	if (code == 0 || code > 0x10FFFF || (code >= 0xDC00 && code <= 0xDFFF))
		return false;
	add_utf8(value, code);
	return true;
}

/* Behind a backslash.  Documentation, section 4.1.2.2. */
static bool take_escape(struct reader *reader, struct buf *value)
{
	static const char letters[] = "bfnrt";
	static const char controls[] = "\b\f\n\r\t";
	unsigned long code;
	const char *letter;
	char c;

	if (reader->at == reader->end)
		return false;
	c = *reader->at;
	if (take_digits(reader, 8, 3, &code) > 0) {
		buf_addc(value, (char)code);
		return true;
	}
	reader->at++;
	if (c == 'u' || c == 'U')
		return take_unicode(reader, c == 'u' ? 4 : 8, value);
	if (c == 'x' && take_digits(reader, 16, 2, &code) > 0) {
		buf_addc(value, (char)code);
		return true;
	}
	letter = c ? strchr(letters, c) : NULL;
	buf_addc(value, letter ? controls[letter - letters] : c);
	return true;
}

/* To the next piece of the string, behind its opening quote; false when there is none. */
static bool next_piece(struct reader *reader)
{
	while (reader->at < reader->end && *reader->at != '\'') {
		if (*reader->at == '-')
			while (reader->at < reader->end && *reader->at != '\n' && *reader->at != '\r')
				reader->at++;
		else
			reader->at++;
	}
	if (reader->at == reader->end)
		return false;
	reader->at++;
	return true;
}

/* One piece, its closing quote included; false when it isn't closed or an escape is wrong. */
static bool take_piece(struct reader *reader, bool escapes, struct buf *value)
{
	while (reader->at < reader->end) {
		char c = *reader->at++;

		if (c == '\\' && escapes) {
			if (!take_escape(reader, value))
				return false;
		} else if (c != '\'') {
			buf_addc(value, c);
		} else if (reader->at < reader->end && *reader->at == '\'') {
			buf_addc(value, *reader->at++);
		} else {
			return true;
		}
	}
	return false;
}

static bool dollar_value(struct slice text, struct buf *value)
{
	const char *second = memchr(text.data + 1, '$', text.len - 1);
	size_t tag_len = (size_t)(second - text.data) + 1;

	if (text.len < 2 * tag_len || memcmp(text.data, text.data + text.len - tag_len, tag_len) != 0)
		return false;
	buf_add(value, text.data + tag_len, text.len - 2 * tag_len);
	return true;
}

bool token_string_value(const struct token *token, bool standard_strings, struct buf *value)
{
	struct reader reader = { token->text.data, token->text.data + token->text.len };
	bool escapes = !standard_strings;
	size_t before = value->len;

	if (token->kind == TOKEN_DOLLAR)
		return dollar_value(token->text, value);
	if (token->kind != TOKEN_STRING || strchr("uUbBxX", *reader.at))
		return false;
	if (*reader.at == 'e' || *reader.at == 'E')
		escapes = true;
	while (next_piece(&reader)) {
		if (!take_piece(&reader, escapes, value)) {
			buf_truncate(value, before);
			return false;
		}
	}
	return true;
}
