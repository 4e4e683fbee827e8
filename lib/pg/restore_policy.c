#include "restore_policy.h"

#include <string.h>

#include "ident.h"
#include "token.h"

#define RUN ((struct restore_decision){ RESTORE_RUN, NULL })
#define RUN_IF_THERE ((struct restore_decision){ RESTORE_RUN_IF_THERE, NULL })
#define LEAVE_OUT(reason) ((struct restore_decision){ RESTORE_LEAVE_OUT, (reason) })
#define REFUSE(reason) ((struct restore_decision){ RESTORE_REFUSE, (reason) })

static const char more_databases[] =
	"the script holds more than one database: restore each from a dump of its own";

/* \connect and CREATE DATABASE say what the script calls its database; a second name is a second
 * database. */
static bool note_database(struct restore_state *state, struct slice sql)
{
	struct slice written;
	struct token token;
	struct buf name = BUF_INIT;
	if (!statement_database_name(sql, &written))
		return true;
	struct tokens tokens = tokens_of(written, true);
	if (!token_next(&tokens, &token) || !sql_identifier_value(&token, &name))
		buf_add_slice(&name, written);
	bool same = state->database.len == 0 ||
	            slice_equals(buf_slice(&name), state->database.data);
	if (state->database.len == 0)
		buf_add_slice(&state->database, buf_slice(&name));
	buf_release(&name);
	return same;
}

/* Is the statement about the script's own database, and not about a third one? */
static bool is_own_database(struct restore_state *state, struct slice sql)
{
	struct slice written;
	return state->database.len > 0 && statement_database_name(sql, &written) &&
	       note_database(state, sql);
}

static bool has_words(struct slice sql, const char *first, const char *second)
{
	struct tokens tokens = tokens_of(sql, true);
	struct token token, previous = { 0 };
	while (token_next(&tokens, &token)) {
		if (token_is_word(&token, second) && token_is_word(&previous, first))
			return true;
		previous = token;
	}
	return false;
}

static bool starts_with(struct slice sql, const char *word)
{
	struct tokens tokens = tokens_of(sql, true);
	return token_take_word(&tokens, word);
}

static struct restore_decision decide_database(const struct restore_options *options,
                                               const struct restore_target *target,
                                               struct restore_state *state, struct slice sql)
{
	if (!is_own_database(state, sql))
		return LEAVE_OUT("it is about another database");
	if (!target->is_own)
		return LEAVE_OUT("it is about the database itself, which is there already; --create "
		                 "applies it");
	if (options->no_owner && has_words(sql, "owner", "to"))
		return LEAVE_OUT(NULL);
	if (options->no_acl && (starts_with(sql, "grant") || starts_with(sql, "revoke")))
		return LEAVE_OUT(NULL);
	if (options->no_comments && starts_with(sql, "comment"))
		return LEAVE_OUT(NULL);
	return (struct restore_decision){ RESTORE_RUN_RENAMED, NULL };
}

static struct restore_decision decide_transaction(struct restore_state *state)
{
	bool said = state->transaction_said;
	state->transaction_said = true;
	return LEAVE_OUT(said ? NULL : "all of the script is one transaction");
}

static bool is_unlink(struct slice sql)
{
	return starts_with(sql, "select") && memmem(sql.data, sql.len, "lo_unlink", 9);
}

struct restore_decision restore_decide(const struct restore_options *options,
                                       const struct restore_target *target,
                                       struct restore_state *state,
                                       const struct record_statement *statement)
{
	struct slice sql = statement->sql;
	switch (statement->class) {
	case CLASS_EMPTY:
	case CLASS_RESTRICT:
	case CLASS_UNRESTRICT:
		return LEAVE_OUT(NULL);
	case CLASS_CONNECT:
	case CLASS_CREATE_DATABASE:
	case CLASS_DROP_DATABASE:
		return note_database(state, sql) ? LEAVE_OUT(NULL) : REFUSE(more_databases);
	case CLASS_ALTER_DATABASE:
		return decide_database(options, target, state, sql);
	case CLASS_BEGIN:
	case CLASS_COMMIT:
		return decide_transaction(state);
	case CLASS_ROLLBACK:
	case CLASS_PREPARED:
		return REFUSE("a script that rolls back or prepares transactions can't be restored as "
		              "one");
	case CLASS_OWNER:
	case CLASS_SESSION_USER:
		return options->no_owner ? LEAVE_OUT(NULL) : RUN;
	case CLASS_ACL:
		return options->no_acl ? LEAVE_OUT(NULL) : RUN;
	case CLASS_COMMENT:
		return options->no_comments ? LEAVE_OUT(NULL) : RUN;
	case CLASS_DROP:
		return state->creating ? RUN : RUN_IF_THERE;
	case CLASS_LARGE_OBJECT:
		if (!state->creating && is_unlink(sql))
			return RUN_IF_THERE;
		state->creating = true;
		return RUN;
	case CLASS_ENCODING:
	case CLASS_SET:
	case CLASS_SET_CONFIG:
		return RUN;
	default:
		state->creating = true;
		return RUN;
	}
}

int restore_setting_since(struct slice name)
{
	/* What pg_dump and idkit write into scripts, and the version that brought it. */
	static const struct {
		const char *name;
		int since;
	} settings[] = {
		{ "default_table_access_method", 120000 },
		{ "default_toast_compression", 140000 },
		{ "idle_session_timeout", 140000 },
		{ "transaction_timeout", 170000 },
	};
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		if (slice_equals_nocase(name, settings[i].name))
			return settings[i].since;
	return 0;
}
