/*
 * What SET sets.
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

/* Appends an argument that is one string, and no expression. */
static void take_argument(struct tokens tokens, struct buf *value)
{
	size_t before = value->len;

	if (words_take_string(&tokens, value) && !token_take_symbol(&tokens, ",") &&
	    !token_take_symbol(&tokens, ")"))
		buf_truncate(value, before);
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
		take_argument(tokens, value);
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
