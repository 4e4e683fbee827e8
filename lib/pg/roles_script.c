/* What pg_dumpall says of roles becomes a script that leaves those alone that are there. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "ident.h"
#include "input.h"
#include "pgprogram.h"
#include "plain_reader.h"
#include "roles_internal.h"
#include "toc_comment.h"
#include "words.h"

static bool take_role(struct roles_script *script, struct tokens *tokens, const struct role **role)
{
	struct token token;
	buf_reset(&script->scratch);
	if (!token_next(tokens, &token) || !sql_identifier_value(&token, &script->scratch))
		return false;
	*role = roles_find(script->roles, buf_slice(&script->scratch));
	return *role && !role_is_predefined(*role);
}

static void add_condition(struct roles_script *script, const struct role *role)
{
	buf_adds(&script->body, "\tIF ");
	sql_add_literal(&script->body, slice_of(role->name));
	buf_adds(&script->body, " = ANY (made) THEN\n\t\t");
}

static void add_creation(struct roles_script *script, const struct role *role, struct slice sql)
{
	buf_adds(&script->body, "\tIF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ");
	sql_add_literal(&script->body, slice_of(role->name));
	buf_adds(&script->body, ") THEN\n\t\t");
	buf_add_slice(&script->body, sql);
	buf_adds(&script->body, "\n\t\tmade := pg_catalog.array_append(made, ");
	sql_add_literal(&script->body, slice_of(role->name));
	buf_adds(&script->body, ");\n\tEND IF;\n");
	script->created++;
}

static void add_guarded(struct roles_script *script, const struct role *role, struct slice sql)
{
	add_condition(script, role);
	buf_add_slice(&script->body, sql);
	buf_adds(&script->body, "\n\tEND IF;\n");
}

/* What CREATE ROLE gives anyway, and only a superuser may say again. */
static bool is_needless(const struct token *token)
{
	return token_is_word(token, "NOSUPERUSER") || token_is_word(token, "NOREPLICATION") ||
	       token_is_word(token, "NOBYPASSRLS");
}

/* ALTER ROLE x WITH …: the words behind WITH. */
static void add_attributes(struct roles_script *script, const struct role *role,
                           struct slice sql, struct tokens rest)
{
	struct token token;
	add_condition(script, role);
	buf_add_slice(&script->body, (struct slice){ sql.data, (size_t)(rest.rest.data - sql.data) });
	while (token_next(&rest, &token)) {
		if (is_needless(&token))
			continue;
		if (!token_is_symbol(&token, ";"))
			buf_addc(&script->body, ' ');
		buf_add_slice(&script->body, token.text);
	}
	buf_adds(&script->body, "\n\tEND IF;\n");
}

static void take_alter(struct roles_script *script, struct slice sql, struct tokens tokens)
{
	const struct role *role;
	if (!take_role(script, &tokens, &role))
		return;
	if (words_take(&tokens, "WITH"))
		add_attributes(script, role, sql, tokens);
	else if (!words_take(&tokens, "IN DATABASE"))
		add_guarded(script, role, sql);
}

/* What stands before GRANTED BY, or all.  *grantor is NULL when it is nobody of ours, or whoever
 * initdb made the superuser there: then it is to be the one who restores. */
static struct slice before_grantor(struct roles_script *script, struct slice sql,
                                   const struct role **grantor)
{
	struct tokens tokens = tokens_of(sql, true);
	struct token token;
	*grantor = NULL;
	while (token_peek(&tokens, &token)) {
		struct tokens at = tokens;
		if (words_take(&tokens, "GRANTED BY")) {
			if (!take_role(script, &tokens, grantor) || (*grantor)->is_superuser_zero)
				*grantor = NULL;
			token_next(&at, &token);
			sql.len = (size_t)(token.text.data - sql.data);
			return slice_trim(sql);
		}
		token_next(&tokens, &token);
	}
	return sql;
}

/*
 * A grantor of the source may be refused: it takes a superuser to name one (before version 16, and
 * from then on the grantor's privileges), and from version 16 on the grantor's own ADMIN option, which
 * a role that was there before may not have (check_role_grantor(), src/backend/commands/user.c).
 */
static void add_grantor_condition(struct roles_script *script, struct slice group,
                                  const struct role *grantor)
{
	struct buf *body = &script->body;
	buf_adds(body, "pg_catalog.current_setting('is_superuser') = 'on'\n\t\t\tAND "
	               "(pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 160000\n"
	               "\t\t\tOR EXISTS (SELECT FROM pg_catalog.pg_auth_members m\n"
	               "\t\t\tJOIN pg_catalog.pg_roles r ON r.oid = m.roleid\n"
	               "\t\t\tJOIN pg_catalog.pg_roles g ON g.oid = m.member\n"
	               "\t\t\tWHERE m.admin_option AND r.rolname = ");
	sql_add_literal(body, group);
	buf_adds(body, " AND g.rolname = ");
	sql_add_literal(body, slice_of(grantor->name));
	buf_adds(body, "))");
}

static void add_grant(struct roles_script *script, struct slice group, struct slice sql)
{
	const struct role *grantor;
	struct slice plain = before_grantor(script, sql, &grantor);
	if (grantor) {
		buf_adds(&script->body, "IF ");
		add_grantor_condition(script, group, grantor);
		buf_adds(&script->body, " THEN\n\t\t\t");
		buf_add_slice(&script->body, sql);
		buf_adds(&script->body, "\n\t\tELSE\n\t\t\t");
	}
	buf_add_slice(&script->body, plain);
	buf_adds(&script->body, plain.len < sql.len ? ";\n" : "\n");
	if (grantor)
		buf_adds(&script->body, "\t\tEND IF;\n");
}

/* GRANT role TO member …: a part of the member. */
static void take_grant(struct roles_script *script, struct slice sql, struct tokens tokens)
{
	const struct role *member;
	struct token token;
	struct buf group = BUF_INIT;
	if (token_next(&tokens, &token) && sql_identifier_value(&token, &group) &&
	    words_take(&tokens, "TO") && take_role(script, &tokens, &member)) {
		add_condition(script, member);
		add_grant(script, buf_slice(&group), sql);
		buf_adds(&script->body, "\tEND IF;\n");
	}
	script->body.failed |= group.failed;
	buf_release(&group);
}

static void take_statement(struct roles_script *script, struct slice sql)
{
	struct tokens tokens = tokens_of(sql, true);
	const struct role *role;
	if (words_take(&tokens, "CREATE ROLE")) {
		if (take_role(script, &tokens, &role))
			add_creation(script, role, sql);
	} else if (words_take(&tokens, "ALTER ROLE")) {
		take_alter(script, sql, tokens);
	} else if (words_take(&tokens, "COMMENT ON ROLE")) {
		if (take_role(script, &tokens, &role))
			add_guarded(script, role, sql);
	} else if (words_take(&tokens, "GRANT")) {
		take_grant(script, sql, tokens);
	} else if (words_take(&tokens, "SECURITY LABEL FOR")) {
		struct token provider;
		script->left_out += token_next(&tokens, &provider) && words_take(&tokens, "ON ROLE") &&
		                    take_role(script, &tokens, &role);
	}
}

static int script_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct roles_script *script = (struct roles_script *)sink;
	if (record->kind != RECORD_STATEMENT)
		return 0;
	take_statement(script, record->statement.sql);
	return buf_check(&script->body, "the roles", err);
}

static const struct sink_ops script_ops = { .write = script_write };

void roles_script_init(struct roles_script *script, const struct roles *roles,
                       const struct log *log)
{
	*script = (struct roles_script){ .sink.ops = &script_ops, .roles = roles, .log = log };
}

/* $idkit$, or what no text in the body ends. */
static void choose_quote(const struct buf *body, struct buf *quote)
{
	buf_adds(quote, "$idkit$");
	for (int i = 1; quote->data && strstr(body->data, quote->data); i++) {
		buf_reset(quote);
		buf_addf(quote, "$idkit%d$", i);
	}
}

int roles_script_finish(struct roles_script *script, struct buf *sql, struct err *err)
{
	struct buf quote = BUF_INIT;
	if (script->created == 0)
		return 0;
	if (script->left_out > 0)
		log_note(script->log, "%zu security labels of roles are left out", script->left_out);
	choose_quote(&script->body, &quote);
	buf_adds(sql, "DO ");
	buf_add_slice(sql, buf_slice(&quote));
	buf_adds(sql, "\nDECLARE\n\tmade pg_catalog.name[] := '{}';\nBEGIN\n");
	buf_add_slice(sql, buf_slice(&script->body));
	buf_adds(sql, "END\n");
	buf_add_slice(sql, buf_slice(&quote));
	buf_addc(sql, ';');
	buf_release(&quote);
	return buf_check(sql, "the roles", err);
}

void roles_script_release(struct roles_script *script)
{
	buf_release(&script->body);
	buf_release(&script->scratch);
}

/* The one beside pg_dump knows the same server versions. */
static char *find_program(const struct pg *pg, const char *pg_dump, struct err *err)
{
	static const char name[] = "pg_dumpall";
	int major;
	const char *slash = pg_dump ? strrchr(pg_dump, '/') : NULL;
	struct buf path = BUF_INIT;
	if (slash) {
		buf_add(&path, pg_dump, (size_t)(slash + 1 - pg_dump));
		buf_adds(&path, name);
		if (buf_check(&path, name, err) < 0)
			return NULL;
		if (access(path.data, X_OK) == 0)
			return buf_detach(&path);
		buf_release(&path);
	}
	return pgprogram_find(name, pg_server_version(pg) / 10000, &major, err);
}

/* Its whole output passes through the reader, which tells when it is cut short. */
static int read_output(struct process *process, struct sink *sink, const struct log *log,
                       struct err *err)
{
	static const struct plain_reader_options options = { .allow_incomplete = false };
	int fd = dup(process_output(process));
	if (fd < 0)
		return err_set(err, ERR_SYSTEM, "cannot read what pg_dumpall writes");
	struct input *input = input_from_fd(fd, "pg_dumpall's output", log, err);
	struct source *reader = input ? plain_reader_new(input, &options, err) : NULL;
	int result = reader ? source_run(reader, sink, err) : -1;
	source_free(reader);
	return result;
}

/* When it fails, what it says is the cause, and not that its output ended early. */
static int run_program(const struct pg_child *child, const char *const *argv, struct sink *sink,
                       const struct log *log, struct err *err)
{
	struct err read_err = ERR_INIT;
	struct process *process = pg_child_start(child, argv, err);
	int result = -1;
	if (!process)
		return -1;
	int read = read_output(process, sink, log, &read_err);
	if (read == 0 || read_err.kind == ERR_INPUT) {
		result = process_wait(process, NULL, err);
		if (result < 0 && err->kind == ERR_SYSTEM)
			err->kind = ERR_DATABASE;
	}
	if (read < 0 && (result == 0 || read_err.kind != ERR_INPUT)) {
		*err = read_err;
		result = -1;
	}
	process_free(process);
	return result;
}

static int run_pg_dumpall(const struct pg *pg, const struct roles_script_options *options,
                          const struct log *log, struct sink *sink, struct err *err)
{
	struct pg_child child = PG_CHILD_INIT;
	char *program = find_program(pg, options->pg_dump, err);
	int result = -1;
	if (!program || pg_child_prepare(&child, pg, err) < 0)
		goto out;
	child.encoding = pg_parameter(pg, "client_encoding");
	const char *const argv[] = { program,
		                     "--roles-only",
		                     "--no-password",
		                     "--database",
		                     pg_database(pg),
		                     "--dbname",
		                     child.conninfo.data,
		                     options->with_passwords ? NULL : "--no-role-passwords",
		                     NULL };
	result = run_program(&child, argv, sink, log, err);
	if (result < 0)
		err_prefix(err, "the roles' definitions");
out:
	pg_child_release(&child);
	free(program);
	return result;
}

static int deliver(const struct pg *pg, const struct buf *sql, struct sink *sink, struct err *err)
{
	struct buf lead = BUF_INIT, setting = BUF_INIT;
	struct record record = { .kind = RECORD_STATEMENT, .section = SECTION_GLOBALS };
	int result = -1;
	buf_addf(&setting, "SET client_encoding = '%s';", pg_parameter(pg, "client_encoding"));
	toc_comment_add(&lead, "", "ROLES", NULL, "roles", NULL);
	if (buf_check(&setting, "a statement", err) < 0 || buf_check(&lead, "a comment", err) < 0)
		goto out;
	record.statement = (struct record_statement){ buf_slice(&setting), CLASS_SET, { .type = SLICE_NONE }, true };
	if (sink_write(sink, &record, err) < 0)
		goto out;
	record.statement.sql = SLICE_LITERAL("SET standard_conforming_strings = on;");
	if (sink_write(sink, &record, err) < 0)
		goto out;
	record.lead = buf_slice(&lead);
	record.statement = (struct record_statement){
		buf_slice(sql), CLASS_OTHER,
		{ .type = SLICE_LITERAL("ROLES"), .name = SLICE_LITERAL("roles") }, true
	};
	result = sink_write(sink, &record, err);
out:
	buf_release(&lead);
	buf_release(&setting);
	return result;
}

int roles_deliver(const struct roles *roles, struct pg *pg,
                  const struct roles_script_options *options, const struct log *log,
                  struct sink *sink, struct err *err)
{
	struct roles_script script;
	struct buf sql = BUF_INIT;
	roles_script_init(&script, roles, log);
	int result = run_pg_dumpall(pg, options, log, &script.sink, err);
	if (result == 0)
		result = roles_script_finish(&script, &sql, err);
	if (result == 0 && sql.len > 0)
		result = deliver(pg, &sql, sink, err);
	roles_script_release(&script);
	buf_release(&sql);
	return result;
}
