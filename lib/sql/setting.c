/*
 * What SET sets, and which database a statement names.
 */
#include <string.h>

#include "ident.h"
#include "statement.h"
#include "words.h"

/* Appends what follows when it is one word, number or string that ends the statement. */
static void take_value(struct tokens tokens, struct buf *value)
{
	size_t before = value->len;
	struct token token;

	if (token_take_symbol(&tokens, "-"))
		buf_addc(value, '-');
	if (!words_take_string(&tokens, value)) {
		if (!token_next(&tokens, &token) || token.kind == TOKEN_SYMBOL)
			buf_truncate(value, before);
		else if (token.kind != TOKEN_QUOTED || !sql_identifier_value(&token, value))
			buf_add_slice(value, token.text);
	}
	if (!words_at_end(&tokens))
		buf_truncate(value, before);
}

/* a, a.b, a.b.c in lower case: setting names ignore case even in quotes. */
static bool take_setting_name(struct tokens *tokens, struct buf *name)
{
	size_t before = name->len;
	struct token token;

	do {
		if (!token_next(tokens, &token) || !sql_identifier_value(&token, name))
			return false;
		if (!token_take_symbol(tokens, "."))
			break;
		buf_addc(name, '.');
	} while (true);
	for (size_t i = before; i < name->len; i++)
		if (name->data[i] >= 'A' && name->data[i] <= 'Z')
			name->data[i] = (char)(name->data[i] - 'A' + 'a');
	return true;
}

static bool read_set(struct tokens tokens, struct buf *name, struct buf *value)
{
	static const struct {
		const char *words;
		const char *setting;
	} special[] = {
		{ "TIME ZONE", "timezone" },
		{ "XML OPTION", "xmloption" },
		{ "NAMES", "client_encoding" },
		{ "SCHEMA", "search_path" },
	};

	if (!words_take(&tokens, "SESSION"))
		words_take(&tokens, "LOCAL");
	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++) {
		if (words_take(&tokens, special[i].words)) {
			buf_adds(name, special[i].setting);
			take_value(tokens, value);
			return true;
		}
	}
	if (!take_setting_name(&tokens, name))
		return false;
	if (!token_take_symbol(&tokens, "=") && !words_take(&tokens, "TO"))
		return false;
	take_value(tokens, value);
	return true;
}

static bool read_reset(struct tokens tokens, struct buf *name)
{
	if (words_take(&tokens, "TIME ZONE")) {
		buf_adds(name, "timezone");
		return true;
	}
	return take_setting_name(&tokens, name);
}

static bool read_set_config(struct tokens tokens, struct buf *name, struct buf *value)
{
	struct buf setting = BUF_INIT;
	struct slice function;
	bool found = words_take_call(&tokens, &function) &&
	             slice_equals_nocase(function, "set_config") &&
	             words_take_string(&tokens, &setting) && token_take_symbol(&tokens, ",");

	for (size_t i = 0; found && i < setting.len; i++) {
		char c = setting.data[i];

		buf_addc(name, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
	}
	if (found)
		words_take_string(&tokens, value);
	buf_release(&setting);
	return found;
}

/* \encoding UTF8: the rest of the line. */
static bool read_encoding(struct slice command, struct buf *name, struct buf *value)
{
	size_t skipped = strlen("\\encoding");
	struct slice argument = slice_trim(
		(struct slice){ command.data + skipped, command.len - skipped });

	buf_adds(name, "client_encoding");
	buf_add_slice(value, argument);
	return argument.len > 0;
}

bool statement_setting(struct slice sql, bool standard_strings, struct buf *name, struct buf *value)
{
	struct tokens tokens = tokens_of(sql, standard_strings);

	switch (statement_classify(sql, standard_strings)) {
	case CLASS_SET:
		if (words_take(&tokens, "SET"))
			return read_set(tokens, name, value);
		return words_take(&tokens, "RESET") && read_reset(tokens, name);
	case CLASS_SET_CONFIG:
		return read_set_config(tokens, name, value);
	case CLASS_ENCODING:
		return read_encoding(sql, name, value);
	default:
		return false;
	}
}

/* \connect's first argument, when it is a plain name; psql's quotes are part of it. */
static bool connect_name(struct slice rest, struct slice *name)
{
	const char *newline = memchr(rest.data, '\n', rest.len);
	size_t len;

	if (newline)
		rest.len = (size_t)(newline - rest.data);
	rest = slice_trim(rest);
	if (rest.len == 0 || rest.data[0] == '-')
		return false;
	if (rest.data[0] == '"' || rest.data[0] == '\'') {
		const char *close = memchr(rest.data + 1, rest.data[0], rest.len - 1);

		if (!close)
			return false;
		len = (size_t)(close - rest.data) + 1;
	} else {
		for (len = 0; len < rest.len && !strchr(" \t\r", rest.data[len]); len++)
			;
	}
	*name = (struct slice){ rest.data, len };
	return !memchr(rest.data, '=', len) && !memmem(rest.data, len, "://", 3);
}

/* The one name at the tokens' place: no list. */
static bool database_at(struct tokens tokens, struct slice *name)
{
	struct token token;

	if (!words_take(&tokens, "DATABASE"))
		return false;
	words_take(&tokens, "IF EXISTS");
	if (!token_next(&tokens, &token) || (token.kind != TOKEN_WORD && token.kind != TOKEN_QUOTED) ||
	    token_take_symbol(&tokens, ","))
		return false;
	*name = token.text;
	return true;
}

bool statement_database_name(struct slice sql, struct slice *name)
{
	struct tokens tokens = tokens_of(sql, true);
	struct token verb;

	switch (statement_classify(sql, true)) {
	case CLASS_CONNECT:
		token_next(&tokens, &verb);
		token_next(&tokens, &verb);
		return connect_name(tokens.rest, name);
	case CLASS_ALTER_DATABASE:
		if (!token_next(&tokens, &verb))
			return false;
		if (!token_is_word(&verb, "ALTER"))
			return words_find(&tokens, "ON") && database_at(tokens, name);
		/* ALTER DATABASE name, or ALTER ROLE role IN DATABASE name. */
		return database_at(tokens, name) ||
		       (words_find(&tokens, "IN") && database_at(tokens, name));
	case CLASS_CREATE_DATABASE:
	case CLASS_DROP_DATABASE:
		token_next(&tokens, &verb);
		return database_at(tokens, name);
	default:
		return false;
	}
}
