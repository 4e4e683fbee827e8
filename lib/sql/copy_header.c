/*
 * COPY … FROM STDIN.
 */
#include <stdlib.h>

#include "ident.h"
#include "statement.h"
#include "words.h"

static bool add_column(struct copy_header *header, const struct token *token)
{
	size_t count = header->column_count;
	struct buf *columns = reallocarray(header->columns, count + 1, sizeof(*columns));

	if (!columns)
		return false;
	header->columns = columns;
	columns[count] = (struct buf)BUF_INIT;
	header->column_count++;
	return sql_identifier_value(token, &columns[count]) && !columns[count].failed;
}

static bool take_columns(struct tokens *tokens, struct copy_header *header)
{
	struct token token;

	if (!token_take_symbol(tokens, "("))
		return true;
	header->has_columns = true;
	do {
		if (!token_next(tokens, &token) || !add_column(header, &token))
			return false;
	} while (token_take_symbol(tokens, ","));
	return token_take_symbol(tokens, ")");
}

/* To the comma or parenthesis that ends the option. */
static void skip_option(struct tokens *tokens)
{
	struct token token;

	while (token_peek(tokens, &token) && !token_is_symbol(&token, ",") &&
	       !token_is_symbol(&token, ")")) {
		if (token_is_symbol(&token, "("))
			words_skip_group(tokens);
		else
			token_next(tokens, &token);
	}
}

/* False for an option that may change what the lines look like or which of them are kept. */
static bool take_option(struct tokens *tokens, struct copy_header *header)
{
	struct buf format = BUF_INIT;
	struct token token;
	bool known;

	if (words_take(tokens, "FREEZE"))
		return true;
	if (!words_take(tokens, "FORMAT"))
		return false;
	if (!words_take_string(tokens, &format) && token_next(tokens, &token))
		sql_identifier_value(&token, &format);
	known = slice_equals(buf_slice(&format), "text");
	header->binary_format = slice_equals(buf_slice(&format), "binary");
	buf_release(&format);
	return known;
}

static void take_option_list(struct tokens *tokens, struct copy_header *header)
{
	do {
		if (!take_option(tokens, header))
			header->text_format = false;
		skip_option(tokens);
	} while (token_take_symbol(tokens, ","));
	token_take_symbol(tokens, ")");
}

/* Behind STDIN.  The old syntax: [BINARY] [WITH] DELIMITER ',' … without parentheses. */
static void take_options(struct tokens *tokens, struct copy_header *header)
{
	struct token token;

	words_take(tokens, "WITH");
	if (token_take_symbol(tokens, "("))
		take_option_list(tokens, header);
	while (!words_at_end(tokens)) {
		if (words_take(tokens, "BINARY"))
			header->binary_format = true;
		else
			token_next(tokens, &token);
		header->text_format = false;
	}
	if (header->binary_format)
		header->text_format = false;
}

int copy_header_parse(struct slice sql, bool standard_strings, struct copy_header *header,
                      struct err *err)
{
	struct tokens tokens = tokens_of(sql, standard_strings);
	struct slice shown = slice_trim(sql);
	bool understood;

	*header = (struct copy_header)COPY_HEADER_INIT;
	header->text_format = true;
	understood = words_take(&tokens, "COPY");
	header->binary_format = words_take(&tokens, "BINARY");
	understood = understood && sql_take_qualified(&tokens, &header->schema, &header->table) &&
	             take_columns(&tokens, header) && words_take(&tokens, "FROM") &&
	             (words_take(&tokens, "STDIN") || words_take(&tokens, "STDOUT"));
	if (understood) {
		take_options(&tokens, header);
		if (!header->schema.failed && !header->table.failed)
			return 0;
		copy_header_release(header);
		return err_memory(err, "a COPY statement");
	}
	copy_header_release(header);
	if (shown.len > 200)
		return err_set(err, ERR_INPUT, "COPY statement not understood: %.200s...", shown.data);
	return err_set(err, ERR_INPUT, "COPY statement not understood: %.*s", SLICE_ARG(shown));
}

void copy_header_release(struct copy_header *header)
{
	for (size_t i = 0; i < header->column_count; i++)
		buf_release(&header->columns[i]);
	free(header->columns);
	buf_release(&header->schema);
	buf_release(&header->table);
	*header = (struct copy_header)COPY_HEADER_INIT;
}
