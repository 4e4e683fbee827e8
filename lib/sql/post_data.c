/*
 * What must come behind the rows, by a statement's own words.
 */
#include "ident.h"
#include "statement.h"
#include "words.h"

static bool take_any(struct tokens *tokens, const char *const *words)
{
	for (; *words; words++)
		if (words_take(tokens, *words))
			return true;
	return false;
}

/* CREATE INDEX, TRIGGER, RULE, …: objects on a table that loading its rows would have to mind. */
static bool creates(struct tokens tokens)
{
	static const char *const kinds[] = { "INDEX",       "TRIGGER",      "RULE",       "POLICY",
		                             "PUBLICATION", "SUBSCRIPTION", "STATISTICS", NULL };
	words_skip_create_options(&tokens);
	/* Words that no other CREATE has before its type. */
	words_take(&tokens, "UNIQUE");
	words_take(&tokens, "CONSTRAINT");
	words_take(&tokens, "EVENT");
	return take_any(&tokens, kinds);
}

/* ALTER TABLE … ADD CONSTRAINT, ENABLE, CLUSTER ON: not its columns, its partitions, its owner. */
static bool alters_table(struct tokens tokens)
{
	static const char *const actions[] = { "ADD CONSTRAINT", "ENABLE", "DISABLE", "CLUSTER ON",
		                               "VALIDATE CONSTRAINT", NULL };
	struct buf schema = BUF_INIT, name = BUF_INIT;
	words_take(&tokens, "IF EXISTS");
	words_take(&tokens, "ONLY");
	bool found = sql_take_qualified(&tokens, &schema, &name) && take_any(&tokens, actions);
	buf_release(&schema);
	buf_release(&name);
	return found;
}

bool statement_is_post_data(struct slice sql, bool standard_strings)
{
	static const char *const others[] = { "GRANT", "REVOKE", "REFRESH", "ALTER DEFAULT PRIVILEGES",
		                              "ALTER INDEX", "ALTER PUBLICATION",
		                              "ALTER SUBSCRIPTION", "ALTER STATISTICS", NULL };
	struct tokens tokens = tokens_of(sql, standard_strings);
	if (words_take(&tokens, "CREATE"))
		return creates(tokens);
	if (words_take(&tokens, "ALTER TABLE") || words_take(&tokens, "ALTER DOMAIN"))
		return alters_table(tokens);
	return take_any(&tokens, others);
}
