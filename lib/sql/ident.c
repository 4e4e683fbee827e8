#include "ident.h"

#include <stdlib.h>
#include <string.h>

/*
 * The key words of PostgreSQL 10 to 18 that are not "unreserved" (documentation, appendix C;
 * pg_get_keywords() where catcode is not 'U'), those of later versions included: a name that the
 * next version reserves must be quoted in today's dump.  Sorted for bsearch.
 */
static const char *const keywords[] = {
	"all",
	"analyse",
	"analyze",
	"and",
	"any",
	"array",
	"as",
	"asc",
	"asymmetric",
	"authorization",
	"between",
	"bigint",
	"binary",
	"bit",
	"boolean",
	"both",
	"case",
	"cast",
	"char",
	"character",
	"check",
	"coalesce",
	"collate",
	"collation",
	"column",
	"concurrently",
	"constraint",
	"create",
	"cross",
	"current_catalog",
	"current_date",
	"current_role",
	"current_schema",
	"current_time",
	"current_timestamp",
	"current_user",
	"dec",
	"decimal",
	"default",
	"deferrable",
	"desc",
	"distinct",
	"do",
	"else",
	"end",
	"except",
	"exists",
	"extract",
	"false",
	"fetch",
	"float",
	"for",
	"foreign",
	"freeze",
	"from",
	"full",
	"grant",
	"greatest",
	"group",
	"grouping",
	"having",
	"ilike",
	"in",
	"initially",
	"inner",
	"inout",
	"int",
	"integer",
	"intersect",
	"interval",
	"into",
	"is",
	"isnull",
	"join",
	"json",
	"json_array",
	"json_arrayagg",
	"json_exists",
	"json_object",
	"json_objectagg",
	"json_query",
	"json_scalar",
	"json_serialize",
	"json_table",
	"json_value",
	"lateral",
	"leading",
	"least",
	"left",
	"like",
	"limit",
	"localtime",
	"localtimestamp",
	"merge_action",
	"national",
	"natural",
	"nchar",
	"none",
	"normalize",
	"not",
	"notnull",
	"null",
	"nullif",
	"numeric",
	"offset",
	"on",
	"only",
	"or",
	"order",
	"out",
	"outer",
	"overlaps",
	"overlay",
	"placing",
	"position",
	"precision",
	"primary",
	"real",
	"references",
	"returning",
	"right",
	"row",
	"select",
	"session_user",
	"setof",
	"similar",
	"smallint",
	"some",
	"substring",
	"symmetric",
	"system_user",
	"table",
	"tablesample",
	"then",
	"time",
	"timestamp",
	"to",
	"trailing",
	"treat",
	"trim",
	"true",
	"union",
	"unique",
	"user",
	"using",
	"values",
	"varchar",
	"variadic",
	"verbose",
	"when",
	"where",
	"window",
	"with",
	"xmlattributes",
	"xmlconcat",
	"xmlelement",
	"xmlexists",
	"xmlforest",
	"xmlnamespaces",
	"xmlparse",
	"xmlpi",
	"xmlroot",
	"xmlserialize",
	"xmltable",
};

static int compare_keyword(const void *name, const void *keyword)
{
	const struct slice *slice = name;
	const char *word = *(const char *const *)keyword;
	int order = strncmp(slice->data, word, slice->len);

	return order ? order : -(word[slice->len] != '\0');
}

/* fmtId()'s test: what PostgreSQL would read back as the same name without quotes. */
static bool is_plain(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		if ((c < 'a' || c > 'z') && c != '_' && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return name.len > 0 && !bsearch(&name, keywords, sizeof(keywords) / sizeof(*keywords),
	                                sizeof(*keywords), compare_keyword);
}

/* `text` between two `quote`s, those inside doubled. */
static void add_quoted(struct buf *sql, struct slice text, char quote)
{
	buf_addc(sql, quote);
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == quote)
			buf_addc(sql, quote);
		buf_addc(sql, text.data[i]);
	}
	buf_addc(sql, quote);
}

void sql_add_identifier(struct buf *sql, struct slice name)
{
	if (is_plain(name))
		buf_add_slice(sql, name);
	else
		add_quoted(sql, name, '"');
}

void sql_add_qualified(struct buf *sql, struct slice schema, struct slice name)
{
	if (schema.len > 0) {
		sql_add_identifier(sql, schema);
		buf_addc(sql, '.');
	}
	sql_add_identifier(sql, name);
}

void sql_add_literal(struct buf *sql, struct slice text)
{
	if (text.len == 0 || !memchr(text.data, '\\', text.len)) {
		add_quoted(sql, text, '\'');
		return;
	}
	buf_adds(sql, "E'");
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\\' || text.data[i] == '\'')
			buf_addc(sql, text.data[i]);
		buf_addc(sql, text.data[i]);
	}
	buf_addc(sql, '\'');
}

bool sql_identifier_value(const struct token *token, struct buf *name)
{
	struct slice text = token->text;

	if (token->kind == TOKEN_WORD) {
		for (size_t i = 0; i < text.len; i++) {
			char c = text.data[i];

			buf_addc(name, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
		}
		return true;
	}
	if (token->kind != TOKEN_QUOTED || text.data[0] != '"' || text.len < 3 ||
	    text.data[text.len - 1] != '"')
		return false;
	for (size_t i = 1; i < text.len - 1; i++) {
		buf_addc(name, text.data[i]);
		if (text.data[i] == '"')
			i++;
	}
	return true;
}

static bool take_identifier(struct tokens *tokens, struct buf *name)
{
	struct token token;

	return token_next(tokens, &token) && sql_identifier_value(&token, name);
}

bool sql_take_qualified(struct tokens *tokens, struct buf *schema, struct buf *name)
{
	struct token token;

	if (!token_next(tokens, &token))
		return false;
	if (!token_take_symbol(tokens, "."))
		return sql_identifier_value(&token, name);
	return sql_identifier_value(&token, schema) && take_identifier(tokens, name);
}
