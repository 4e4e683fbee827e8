#include "restore_policy.h"

#include <string.h>

#include "ident.h"
#include "words.h"

#define RUN ((struct restore_decision){ RESTORE_RUN, NULL })
#define RUN_IF_THERE ((struct restore_decision){ RESTORE_RUN_IF_THERE, NULL })
#define LEAVE_OUT(reason) ((struct restore_decision){ RESTORE_LEAVE_OUT, (reason) })
#define REFUSE(reason) ((struct restore_decision){ RESTORE_REFUSE, (reason) })

static const char more_databases[] =
	"the script holds more than one database: restore each from a dump of its own";

static struct tokens tokens_in(const struct record_statement *statement)
{
	return tokens_of(statement->sql, statement->standard_strings);
}

/* What the script calls its database is what it says first; a second name is a second database. */
static bool note_name(struct restore_state *state, struct slice name)
{
	if (state->database.len == 0)
		buf_add_slice(&state->database, name);
	return slice_equal(buf_slice(&state->database), name);
}

static bool note_database(struct restore_state *state, const struct record_statement *statement)
{
	struct slice written;
	struct token token;
	struct buf name = BUF_INIT;
	if (statement_database(statement->sql, statement->standard_strings, &written) !=
	    DATABASE_IDENTIFIER)
		return true;
	struct tokens tokens = tokens_of(written, statement->standard_strings);
	if (!token_next(&tokens, &token) || !sql_identifier_value(&token, &name))
		buf_add_slice(&name, written);
	bool same = note_name(state, buf_slice(&name));
	buf_release(&name);
	return same;
}

static struct restore_decision decide_connect(struct restore_state *state,
                                              const struct record_statement *statement)
{
	struct buf name = BUF_INIT;
	enum connect_target target = statement_connect(statement->sql, &name);
	bool same = name.len == 0 || note_name(state, buf_slice(&name));
	buf_release(&name);
	if (target == CONNECT_ROLE)
		return REFUSE("\\connect as another role can't be followed in one transaction: let the "
		              "script say SET SESSION AUTHORIZATION instead");
	if (target == CONNECT_UNKNOWN)
		return REFUSE("which database \\connect leads to can't be told: let the script give "
		              "its name alone, or nothing");
	return same ? LEAVE_OUT(NULL) : REFUSE(more_databases);
}

/* Is the statement about the script's own database, and not about a third one? */
static bool is_own_database(struct restore_state *state, const struct record_statement *statement,
                            struct slice *name)
{
	return state->database.len > 0 &&
	       statement_database(statement->sql, statement->standard_strings, name) ==
	           DATABASE_IDENTIFIER &&
	       note_database(state, statement);
}

static bool starts_with(const struct record_statement *statement, const char *words)
{
	struct tokens tokens = tokens_in(statement);
	return words_take(&tokens, words);
}

/* What stands behind the database's name. */
static bool goes_on_with(const struct record_statement *statement, struct slice name,
                         const char *words)
{
	const char *rest = name.data + name.len;
	const char *end = statement->sql.data + statement->sql.len;
	struct tokens tokens =
		tokens_of((struct slice){ rest, (size_t)(end - rest) }, statement->standard_strings);
	return words_take(&tokens, words);
}

static struct restore_decision decide_database(const struct restore_options *options,
                                               const struct restore_target *target,
                                               struct restore_state *state,
                                               const struct record_statement *statement)
{
	struct slice name;
	if (starts_with(statement, "UPDATE"))
		return LEAVE_OUT("it writes into the server's catalog of databases");
	if (!is_own_database(state, statement, &name))
		return LEAVE_OUT("it is about another database");
	if (!target->is_own)
		return LEAVE_OUT("it is about the database itself, which is there already; --create "
		                 "applies it");
	if (target->keeps_properties)
		return LEAVE_OUT("it is about the database itself, which keeps what it has");
	if (goes_on_with(statement, name, "SET TABLESPACE"))
		return LEAVE_OUT("the server does it in no transaction");
	if (options->no_owner && goes_on_with(statement, name, "OWNER TO"))
		return LEAVE_OUT(NULL);
	if (options->no_acl && (starts_with(statement, "GRANT") || starts_with(statement, "REVOKE")))
		return LEAVE_OUT(NULL);
	if (options->no_comments && starts_with(statement, "COMMENT"))
		return LEAVE_OUT(NULL);
	return (struct restore_decision){ RESTORE_RUN_RENAMED, NULL };
}

static struct restore_decision decide_transaction(struct restore_state *state)
{
	bool said = state->transaction_said;
	state->transaction_said = true;
	return LEAVE_OUT(said ? NULL : "all of the script is one transaction");
}

/* The reader takes strings apart as the script says; what the server's own default is, it can't
 * know. */
static struct restore_decision decide_setting(const struct record_statement *statement)
{
	struct buf name = BUF_INIT, value = BUF_INIT;
	struct restore_decision decision = RUN;
	if (!statement_setting(statement->sql, statement->standard_strings, &name, &value))
		goto out;
	if (starts_with(statement, "RESET ALL"))
		decision = REFUSE("RESET ALL takes back the settings that the restore relies on: let "
		                  "the script reset those it means, by their names");
	else if (slice_equals(buf_slice(&name), "standard_conforming_strings") &&
	         (value.len == 0 || slice_equals_nocase(buf_slice(&value), "default")))
		decision = REFUSE("what standard_conforming_strings becomes can't be told from the "
		                  "script, and with it what its strings mean: let it say on or off");
out:
	buf_release(&name);
	buf_release(&value);
	return decision;
}

/* SELECT lo_unlink(…) alone, or for all rows FROM some table: pg_dump --clean, with --if-exists the
 * latter. */
static bool is_unlink(const struct record_statement *statement)
{
	struct tokens tokens = tokens_in(statement);
	struct slice function;
	if (!words_take_function(&tokens, &function) ||
	    !slice_equals_nocase(function, "lo_unlink"))
		return false;
	words_skip_to_close(&tokens);
	return words_at_end(&tokens) || words_take(&tokens, "FROM");
}

static struct restore_decision decide_other(struct restore_state *state,
                                            const struct record_statement *statement)
{
	if (starts_with(statement, "DISCARD ALL"))
		return REFUSE("DISCARD ALL takes back the settings that the restore relies on: take it "
		              "out of the script");
	if (is_unlink(statement))
		return RUN;
	state->creating = true;
	return RUN;
}

struct restore_decision restore_decide(const struct restore_options *options,
                                       const struct restore_target *target,
                                       struct restore_state *state,
                                       const struct record_statement *statement)
{
	switch (statement->class) {
	case CLASS_EMPTY:
	case CLASS_RESTRICT:
	case CLASS_UNRESTRICT:
		return LEAVE_OUT(NULL);
	case CLASS_CONNECT:
		return decide_connect(state, statement);
	case CLASS_CREATE_DATABASE:
	case CLASS_DROP_DATABASE:
		return note_database(state, statement) ? LEAVE_OUT(NULL) : REFUSE(more_databases);
	case CLASS_ALTER_DATABASE:
		return decide_database(options, target, state, statement);
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
		if (is_unlink(statement))
			return state->creating ? RUN : RUN_IF_THERE;
		state->creating = true;
		return RUN;
	case CLASS_ENCODING:
		return RUN;
	case CLASS_SET:
	case CLASS_SET_CONFIG:
		return decide_setting(statement);
	case CLASS_COPY_OUT:
		return REFUSE("COPY … TO STDOUT has rows that would go nowhere: take it out of the "
		              "script");
	case CLASS_OTHER:
		return decide_other(state, statement);
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
