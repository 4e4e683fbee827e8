#include "words.h"

#include <string.h>

#include "ident.h"

bool words_take(struct tokens *tokens, const char *words)
{
	struct tokens copy = *tokens;

	while (*words) {
		size_t len = strcspn(words, " ");
		struct token token;
		char word[32];

		if (len >= sizeof(word) || !token_next(&copy, &token))
			return false;
		memcpy(word, words, len);
		word[len] = '\0';
		if (!token_is_word(&token, word))
			return false;
		words += len + (words[len] == ' ');
	}
	*tokens = copy;
	return true;
}

bool words_at_end(const struct tokens *tokens)
{
	struct token token;

	return !token_peek(tokens, &token) || token_is_symbol(&token, ";");
}

bool words_take_string(struct tokens *tokens, struct buf *value)
{
	struct tokens copy = *tokens;
	struct token token;

	if (!token_next(&copy, &token) || !token_string_value(&token, tokens->standard_strings, value))
		return false;
	*tokens = copy;
	return true;
}

/* The longer ones first. */
static const struct {
	const char *words;
	const char *type;
} types[] = {
	{ "TABLE", "TABLE" },
	{ "MATERIALIZED VIEW", "MATERIALIZED VIEW" },
	{ "VIEW", "VIEW" },
	{ "SEQUENCE", "SEQUENCE" },
	{ "INDEX", "INDEX" },
	{ "FUNCTION", "FUNCTION" },
	{ "PROCEDURE", "PROCEDURE" },
	{ "ROUTINE", "FUNCTION" },
	{ "AGGREGATE", "AGGREGATE" },
	{ "TYPE", "TYPE" },
	{ "DOMAIN", "DOMAIN" },
	{ "SCHEMA", "SCHEMA" },
	{ "EXTENSION", "EXTENSION" },
	{ "COLUMN", "COLUMN" },
	{ "CONSTRAINT", "CONSTRAINT" },
	{ "TRIGGER", "TRIGGER" },
	{ "RULE", "RULE" },
	{ "POLICY", "POLICY" },
	{ "EVENT TRIGGER", "EVENT TRIGGER" },
	{ "FOREIGN TABLE", "FOREIGN TABLE" },
	{ "FOREIGN DATA WRAPPER", "FOREIGN DATA WRAPPER" },
	{ "SERVER", "SERVER" },
	{ "USER MAPPING", "USER MAPPING" },
	{ "OPERATOR CLASS", "OPERATOR CLASS" },
	{ "OPERATOR FAMILY", "OPERATOR FAMILY" },
	{ "OPERATOR", "OPERATOR" },
	{ "PROCEDURAL LANGUAGE", "PROCEDURAL LANGUAGE" },
	{ "LANGUAGE", "PROCEDURAL LANGUAGE" },
	{ "COLLATION", "COLLATION" },
	{ "CONVERSION", "CONVERSION" },
	{ "CAST", "CAST" },
	{ "TRANSFORM", "TRANSFORM" },
	{ "STATISTICS", "STATISTICS" },
	{ "ACCESS METHOD", "ACCESS METHOD" },
	{ "PUBLICATION", "PUBLICATION" },
	{ "SUBSCRIPTION", "SUBSCRIPTION" },
	{ "TEXT SEARCH CONFIGURATION", "TEXT SEARCH CONFIGURATION" },
	{ "TEXT SEARCH DICTIONARY", "TEXT SEARCH DICTIONARY" },
	{ "TEXT SEARCH PARSER", "TEXT SEARCH PARSER" },
	{ "TEXT SEARCH TEMPLATE", "TEXT SEARCH TEMPLATE" },
	{ "LARGE OBJECT", "BLOB" },
	{ "DATABASE", "DATABASE" },
	{ "TABLESPACE", "TABLESPACE" },
	{ "ROLE", "ROLE" },
	{ "USER", "ROLE" },
	{ "GROUP", "ROLE" },
};

const char *words_take_type(struct tokens *tokens)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (words_take(tokens, types[i].words))
			return types[i].type;
	return NULL;
}

/* [schema.]symbol */
static bool take_operator(struct tokens *tokens, struct buf *schema, struct buf *name)
{
	struct token token;

	if (!token_next(tokens, &token))
		return false;
	if (token_take_symbol(tokens, ".")) {
		if (!sql_identifier_value(&token, schema) || !token_next(tokens, &token))
			return false;
	}
	if (token.kind != TOKEN_SYMBOL || !strchr("~!@#^&|`?+-*/%<>=", token.text.data[0]))
		return false;
	buf_add_slice(name, token.text);
	return true;
}

static bool take_number(struct tokens *tokens, struct buf *name)
{
	struct token token;

	if (!token_next(tokens, &token) || token.kind != TOKEN_NUMBER)
		return false;
	buf_add_slice(name, token.text);
	return true;
}

/* [[schema.]table.]column becomes the schema and "table.column", as in pg_dump's comments. */
static bool take_column(struct tokens *tokens, struct buf *schema, struct buf *name)
{
	struct buf column = BUF_INIT;
	bool ok = sql_take_qualified(tokens, schema, name);

	if (ok && token_take_symbol(tokens, ".")) {
		struct token token;

		ok = token_next(tokens, &token) && sql_identifier_value(&token, &column);
		buf_addc(name, '.');
		buf_add_slice(name, buf_slice(&column));
	} else if (ok) {
		buf_add_slice(&column, buf_slice(name));
		buf_reset(name);
		buf_add_slice(name, buf_slice(schema));
		buf_addc(name, '.');
		buf_add_slice(name, buf_slice(&column));
		ok = schema->len > 0;
		buf_reset(schema);
	}
	buf_release(&column);
	return ok;
}

bool words_take_name(struct tokens *tokens, const char *type, struct buf *schema, struct buf *name)
{
	struct tokens copy = *tokens;
	bool ok;

	words_take(&copy, "CONCURRENTLY");
	if (!words_take(&copy, "IF NOT EXISTS"))
		words_take(&copy, "IF EXISTS");
	words_take(&copy, "ONLY");
	if (strcmp(type, "SCHEMA") == 0)
		words_take(&copy, "AUTHORIZATION"); /* the schema is named as the role */
	if (strcmp(type, "OPERATOR") == 0)
		ok = take_operator(&copy, schema, name);
	else if (strcmp(type, "BLOB") == 0)
		ok = take_number(&copy, name);
	else if (strcmp(type, "COLUMN") == 0)
		ok = take_column(&copy, schema, name);
	else if (strcmp(type, "CAST") == 0 || strcmp(type, "TRANSFORM") == 0 ||
	         strcmp(type, "USER MAPPING") == 0)
		ok = false;
	else
		ok = sql_take_qualified(&copy, schema, name);
	if (ok)
		*tokens = copy;
	return ok;
}

void words_skip_to_close(struct tokens *tokens)
{
	struct token token;
	unsigned depth = 1;

	while (depth > 0 && token_next(tokens, &token)) {
		if (token_is_symbol(&token, "("))
			depth++;
		else if (token_is_symbol(&token, ")"))
			depth--;
	}
}

void words_skip_group(struct tokens *tokens)
{
	if (token_take_symbol(tokens, "("))
		words_skip_to_close(tokens);
}

void words_skip_create_options(struct tokens *tokens)
{
	static const char *const options[] = {
		"OR REPLACE", "GLOBAL",  "LOCAL",  "TEMPORARY", "TEMP",
		"UNLOGGED",   "TRUSTED", "UNIQUE", "RECURSIVE", "DEFAULT",
	};
	bool again;

	do {
		again = false;
		for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
			again = words_take(tokens, options[i]) || again;
	} while (again);
}

bool words_find(struct tokens *tokens, const char *word)
{
	struct token token;

	while (token_peek(tokens, &token)) {
		if (token_is_symbol(&token, "(")) {
			words_skip_group(tokens);
			continue;
		}
		token_next(tokens, &token);
		if (token_is_word(&token, word))
			return true;
	}
	return false;
}

bool words_take_function(struct tokens *tokens, struct slice *function)
{
	struct tokens copy = *tokens;
	struct token token;

	if (!words_take(&copy, "SELECT"))
		return false;
	if (words_take(&copy, "pg_catalog") && !token_take_symbol(&copy, "."))
		return false;
	if (!token_next(&copy, &token) || token.kind != TOKEN_WORD ||
	    !token_take_symbol(&copy, "("))
		return false;
	*function = token.text;
	*tokens = copy;
	return true;
}

bool words_take_call(struct tokens *tokens, struct slice *function)
{
	struct tokens arguments = *tokens;
	struct slice name;

	if (!words_take_function(&arguments, &name))
		return false;
	struct tokens rest = arguments;
	words_skip_to_close(&rest);
	if (!words_at_end(&rest))
		return false;
	*function = name;
	*tokens = arguments;
	return true;
}
