/*
 * A statement's class, from its words.
 */
#include <string.h>
#include <strings.h>

#include "ident.h"
#include "statement.h"
#include "words.h"

static enum statement_class classify_meta(struct tokens *tokens)
{
	struct token token;

	if (!token_next(tokens, &token))
		return CLASS_OTHER;
	if (token_is_word(&token, "connect") || token_is_word(&token, "c"))
		return CLASS_CONNECT;
	if (token_is_word(&token, "restrict"))
		return CLASS_RESTRICT;
	if (token_is_word(&token, "unrestrict"))
		return CLASS_UNRESTRICT;
	return token_is_word(&token, "encoding") ? CLASS_ENCODING : CLASS_OTHER;
}

bool statement_is_command(enum statement_class class)
{
	return class == CLASS_CONNECT || class == CLASS_RESTRICT || class == CLASS_UNRESTRICT ||
	       class == CLASS_ENCODING;
}

bool statement_is_session(enum statement_class class)
{
	return class == CLASS_SET || class == CLASS_SET_CONFIG || class == CLASS_SESSION_USER ||
	       statement_is_command(class);
}

static bool is_session_user(struct tokens *tokens)
{
	return words_take(tokens, "SESSION AUTHORIZATION") ||
	       words_take(tokens, "SESSION_AUTHORIZATION") || words_take(tokens, "ROLE");
}

/* a, a.b, a.b.c: a setting of an extension may have any number of parts. */
static bool skip_setting_name(struct tokens *tokens)
{
	struct token part;

	do {
		if (!token_next(tokens, &part) ||
		    (part.kind != TOKEN_WORD && part.kind != TOKEN_QUOTED))
			return false;
	} while (token_take_symbol(tokens, "."));
	return true;
}

static enum statement_class classify_set(struct tokens *tokens)
{
	if (is_session_user(tokens))
		return CLASS_SESSION_USER;
	if (words_take(tokens, "SESSION") || words_take(tokens, "LOCAL"))
		if (is_session_user(tokens))
			return CLASS_SESSION_USER;
	if (words_take(tokens, "TIME ZONE") || words_take(tokens, "XML OPTION") ||
	    words_take(tokens, "NAMES") || words_take(tokens, "SCHEMA"))
		return CLASS_SET;
	if (skip_setting_name(tokens) && (token_take_symbol(tokens, "=") || words_take(tokens, "TO")))
		return CLASS_SET;
	return CLASS_OTHER;
}

static enum statement_class classify_reset(struct tokens *tokens)
{
	return is_session_user(tokens) ? CLASS_SESSION_USER : CLASS_SET;
}

/* The server's own, and no lo_fix() of a user (documentation, "Server-Side Functions" of large
 * objects; pg_proc.dat). */
static bool is_large_object_call(struct slice function)
{
	static const char *const functions[] = {
		"lo_close",  "lo_creat",    "lo_create",     "lo_export", "lo_from_bytea", "lo_get",
		"lo_import", "lo_lseek",    "lo_lseek64",    "lo_open",   "lo_put",        "lo_tell",
		"lo_tell64", "lo_truncate", "lo_truncate64", "lo_unlink", "loread",        "lowrite",
	};

	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (slice_equals_nocase(function, functions[i]))
			return true;
	return false;
}

static enum statement_class classify_select(struct tokens *tokens)
{
	struct slice function;

	if (!words_take_call(tokens, &function))
		return CLASS_OTHER;
	if (slice_equals_nocase(function, "set_config"))
		return CLASS_SET_CONFIG;
	if (slice_equals_nocase(function, "setval"))
		return CLASS_SETVAL;
	return is_large_object_call(function) ? CLASS_LARGE_OBJECT : CLASS_OTHER;
}

static enum statement_class classify_commit(struct tokens *tokens)
{
	return words_take(tokens, "PREPARED") ? CLASS_PREPARED : CLASS_COMMIT;
}

static enum statement_class classify_rollback(struct tokens *tokens)
{
	if (words_take(tokens, "PREPARED"))
		return CLASS_PREPARED;
	if (!words_take(tokens, "WORK"))
		words_take(tokens, "TRANSACTION");
	return words_take(tokens, "TO") ? CLASS_OTHER : CLASS_ROLLBACK;
}

static enum statement_class classify_begin(struct tokens *tokens)
{
	(void)tokens;
	return CLASS_BEGIN;
}

static enum statement_class classify_start(struct tokens *tokens)
{
	return words_take(tokens, "TRANSACTION") ? CLASS_BEGIN : CLASS_OTHER;
}

static enum statement_class classify_prepare(struct tokens *tokens)
{
	return words_take(tokens, "TRANSACTION") ? CLASS_PREPARED : CLASS_OTHER;
}

static enum statement_class classify_grant(struct tokens *tokens)
{
	(void)tokens;
	return CLASS_ACL;
}

static enum statement_class classify_comment(struct tokens *tokens)
{
	return words_take(tokens, "ON") ? CLASS_COMMENT : CLASS_OTHER;
}

static enum statement_class classify_security(struct tokens *tokens)
{
	return words_take(tokens, "LABEL") ? CLASS_SECURITY_LABEL : CLASS_OTHER;
}

static enum statement_class classify_update(struct tokens *tokens)
{
	(void)tokens;
	return CLASS_OTHER;
}

/* What the whole cluster shares: roles and tablespaces. */
static bool is_cluster_wide(struct tokens *tokens)
{
	const char *type = words_take_type(tokens);

	return type && (strcmp(type, "ROLE") == 0 || strcmp(type, "TABLESPACE") == 0);
}

static enum statement_class classify_create(struct tokens *tokens)
{
	return is_cluster_wide(tokens) ? CLASS_CREATE_ROLE : CLASS_CREATE;
}

static enum statement_class classify_drop(struct tokens *tokens)
{
	return is_cluster_wide(tokens) ? CLASS_CREATE_ROLE : CLASS_DROP;
}

/* Behind "ALTER type name": is OWNER TO all that it does? */
static bool only_sets_owner(struct tokens tokens)
{
	struct token role;

	return words_take(&tokens, "OWNER TO") && token_next(&tokens, &role) &&
	       (role.kind == TOKEN_WORD || role.kind == TOKEN_QUOTED) && words_at_end(&tokens);
}

/* Behind "ALTER type name": does it only take a constraint or a default away, as pg_dump --clean
 * does? */
static bool only_drops(struct tokens tokens)
{
	struct token name;

	if (words_take(&tokens, "ALTER")) {
		words_take(&tokens, "COLUMN");
		if (!token_next(&tokens, &name))
			return false;
	}
	if (words_take(&tokens, "DROP DEFAULT"))
		return words_at_end(&tokens);
	if (!words_take(&tokens, "DROP CONSTRAINT"))
		return false;
	words_take(&tokens, "IF EXISTS");
	if (!token_next(&tokens, &name))
		return false;
	if (!words_take(&tokens, "CASCADE"))
		words_take(&tokens, "RESTRICT");
	return words_at_end(&tokens);
}

/* To the action: behind the name, a routine's arguments, an operator class's USING. */
static bool skip_altered_name(struct tokens *tokens, const char *type)
{
	struct buf schema = BUF_INIT;
	struct buf name = BUF_INIT;
	struct token method;
	bool found = words_take_name(tokens, type, &schema, &name);

	buf_release(&schema);
	buf_release(&name);
	token_take_symbol(tokens, "*");
	words_skip_group(tokens);
	if (words_take(tokens, "USING"))
		token_next(tokens, &method);
	return found;
}

static enum statement_class classify_alter(struct tokens *tokens)
{
	const char *type;

	if (words_take(tokens, "DEFAULT PRIVILEGES"))
		return CLASS_ACL;
	type = words_take_type(tokens);
	if (!type)
		return CLASS_ALTER;
	if (strcmp(type, "ROLE") == 0 || strcmp(type, "TABLESPACE") == 0)
		return CLASS_CREATE_ROLE;
	if (!skip_altered_name(tokens, type))
		return CLASS_ALTER;
	if (only_sets_owner(*tokens))
		return CLASS_OWNER;
	return only_drops(*tokens) ? CLASS_DROP : CLASS_ALTER;
}

static enum statement_class classify_insert(struct tokens *tokens)
{
	return words_take(tokens, "INTO") ? CLASS_INSERT : CLASS_OTHER;
}

/* psql and the server take STDIN and STDOUT for each other here (gram.y, copy_file_name). */
static bool is_stdio(struct tokens *tokens)
{
	return words_take(tokens, "STDIN") || words_take(tokens, "STDOUT");
}

static enum statement_class classify_copy(struct tokens *tokens)
{
	struct buf schema = BUF_INIT;
	struct buf name = BUF_INIT;
	struct token query;

	words_take(tokens, "BINARY");
	bool is_table = !token_peek(tokens, &query) || !token_is_symbol(&query, "(");
	if (is_table && !sql_take_qualified(tokens, &schema, &name))
		is_table = false;
	buf_release(&schema);
	buf_release(&name);
	words_skip_group(tokens);
	if (words_take(tokens, "TO"))
		return is_stdio(tokens) ? CLASS_COPY_OUT : CLASS_COPY_OTHER;
	return is_table && words_take(tokens, "FROM") && is_stdio(tokens) ? CLASS_COPY_IN
	                                                                  : CLASS_COPY_OTHER;
}

/* The class of those that are about a database, and what tells that of the others. */
static const struct {
	const char *word;
	enum statement_class (*classify)(struct tokens *tokens);
	enum statement_class of_database;
} verbs[] = {
	{ "SET", classify_set, CLASS_OTHER },
	{ "RESET", classify_reset, CLASS_OTHER },
	{ "SELECT", NULL, CLASS_OTHER },
	{ "INSERT", classify_insert, CLASS_OTHER },
	{ "CREATE", classify_create, CLASS_CREATE_DATABASE },
	{ "ALTER", classify_alter, CLASS_ALTER_DATABASE },
	{ "DROP", classify_drop, CLASS_DROP_DATABASE },
	{ "COMMENT", classify_comment, CLASS_ALTER_DATABASE },
	{ "COPY", classify_copy, CLASS_OTHER },
	{ "GRANT", classify_grant, CLASS_ALTER_DATABASE },
	{ "REVOKE", classify_grant, CLASS_ALTER_DATABASE },
	{ "SECURITY", classify_security, CLASS_ALTER_DATABASE },
	{ "UPDATE", classify_update, CLASS_ALTER_DATABASE },
	{ "BEGIN", classify_begin, CLASS_OTHER },
	{ "START", classify_start, CLASS_OTHER },
	{ "COMMIT", classify_commit, CLASS_OTHER },
	{ "END", classify_commit, CLASS_OTHER },
	{ "ABORT", classify_rollback, CLASS_OTHER },
	{ "ROLLBACK", classify_rollback, CLASS_OTHER },
	{ "PREPARE", classify_prepare, CLASS_OTHER },
};

enum statement_class statement_classify(struct slice sql, bool standard_strings)
{
	struct tokens tokens = tokens_of(sql, standard_strings);
	struct tokens whole = tokens;
	struct token first;
	struct slice name;

	if (!token_next(&tokens, &first) || token_is_symbol(&first, ";"))
		return CLASS_EMPTY;
	if (token_is_symbol(&first, "\\"))
		return classify_meta(&tokens);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (!token_is_word(&first, verbs[i].word))
			continue;
		if (verbs[i].of_database != CLASS_OTHER &&
		    statement_database(sql, standard_strings, &name) != DATABASE_NONE)
			return verbs[i].of_database;
		return verbs[i].classify ? verbs[i].classify(&tokens) : classify_select(&whole);
	}
	return CLASS_OTHER;
}
