/*
 * Which database a statement is about.
 *
 * These are the statements that pg_dump writes about the database itself (dumpDatabase() and
 * dumpDatabaseConfig() in src/bin/pg_dump/pg_dump.c), and those that people write.
 */
#include "ident.h"
#include "statement.h"
#include "words.h"

static bool is_name(const struct token *token)
{
	return token->kind == TOKEN_QUOTED ||
	       (token->kind == TOKEN_WORD && !token_is_word(token, "TO") &&
	        !token_is_word(token, "FROM"));
}

/* At DATABASE and a name.  "GRANT … ON database TO x" is about a table of that name. */
static enum database_naming database_at(struct tokens tokens, struct slice *name)
{
	struct token token;

	if (!words_take(&tokens, "DATABASE"))
		return DATABASE_NONE;
	words_take(&tokens, "IF EXISTS");
	if (!token_next(&tokens, &token) || !is_name(&token))
		return DATABASE_NONE;
	if (token_take_symbol(&tokens, ","))
		return DATABASE_UNKNOWN;
	*name = token.text;
	return DATABASE_IDENTIFIER;
}

/* ALTER DATABASE name …, ALTER ROLE role IN DATABASE name … */
static enum database_naming in_alter(struct tokens tokens, struct slice *name)
{
	struct token role;

	if (words_take(&tokens, "ROLE") || words_take(&tokens, "USER"))
		if (!token_next(&tokens, &role) || !words_take(&tokens, "IN"))
			return DATABASE_NONE;
	return database_at(tokens, name);
}

static enum database_naming in_object(struct tokens tokens, struct slice *name)
{
	return words_find(&tokens, "ON") ? database_at(tokens, name) : DATABASE_NONE;
}

static bool is_catalog_of_databases(struct tokens *tokens)
{
	struct buf schema = BUF_INIT;
	struct buf table = BUF_INIT;

	words_take(tokens, "ONLY");
	bool found = sql_take_qualified(tokens, &schema, &table) &&
	             slice_equals(buf_slice(&table), "pg_database") &&
	             (schema.len == 0 || slice_equals(buf_slice(&schema), "pg_catalog"));
	buf_release(&schema);
	buf_release(&table);
	return found;
}

/* UPDATE pg_catalog.pg_database SET … WHERE datname = 'name' */
static enum database_naming in_update(struct tokens tokens, struct slice *name)
{
	struct token token;

	if (!is_catalog_of_databases(&tokens))
		return DATABASE_NONE;
	if (!words_find(&tokens, "WHERE") || !words_take(&tokens, "datname") ||
	    !token_take_symbol(&tokens, "=") || !token_next(&tokens, &token) ||
	    token.kind != TOKEN_STRING || !words_at_end(&tokens))
		return DATABASE_UNKNOWN;
	*name = token.text;
	return DATABASE_LITERAL;
}

enum database_naming statement_database(struct slice sql, bool standard_strings, struct slice *name)
{
	static const struct {
		const char *verb;
		enum database_naming (*find)(struct tokens tokens, struct slice *name);
	} verbs[] = {
		{ "CREATE", database_at },       { "DROP", database_at }, { "ALTER", in_alter },
		{ "COMMENT ON", database_at },   { "GRANT", in_object },  { "REVOKE", in_object },
		{ "SECURITY LABEL", in_object }, { "UPDATE", in_update },
	};
	struct tokens tokens = tokens_of(sql, standard_strings);

	*name = SLICE_NONE;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (words_take(&tokens, verbs[i].verb))
			return verbs[i].find(tokens, name);
	return DATABASE_NONE;
}

bool statement_rename_database(struct slice sql, bool standard_strings, struct slice new_name,
                               struct buf *renamed)
{
	struct slice name;
	enum database_naming naming = statement_database(sql, standard_strings, &name);

	if (naming != DATABASE_IDENTIFIER && naming != DATABASE_LITERAL)
		return false;
	const char *rest = name.data + name.len;
	buf_add(renamed, sql.data, (size_t)(name.data - sql.data));
	if (naming == DATABASE_IDENTIFIER)
		sql_add_identifier(renamed, new_name);
	else
		sql_add_literal(renamed, new_name);
	buf_add(renamed, rest, sql.len - (size_t)(rest - sql.data));
	return true;
}
