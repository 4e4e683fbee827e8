/*
 * The statements that make indexes and constraints.
 */
#include "post_task.h"

#include "ident.h"
#include "statement.h"
#include "words.h"

struct reading {
	struct tokens tokens;
	struct tokens begin; /* of the statement */
	struct post_task *task;
	struct slice table; /* as it is written, with its schema */
	struct slice name;  /* of the index or constraint, as it is written */
};

/* The tokens from where `before` stood to where `after` stands, as they are written. */
static struct slice between(const struct tokens *before, const struct tokens *after)
{
	struct token first;
	const char *end = after->rest.data;
	if (!token_peek(before, &first) || first.text.data >= end)
		return SLICE_NONE;
	return slice_trim((struct slice){ first.text.data, (size_t)(end - first.text.data) });
}

/* A group in parentheses that is closed. */
static bool take_group(struct tokens *tokens, struct slice *group)
{
	struct tokens before = *tokens;
	if (!token_take_symbol(tokens, "("))
		return false;
	words_skip_to_close(tokens);
	*group = between(&before, tokens);
	return group->len > 0 && group->data[group->len - 1] == ')';
}

static bool take_identifier(struct tokens *tokens, struct buf *value, struct slice *written)
{
	struct token token;
	if (!token_next(tokens, &token) || !sql_identifier_value(&token, value))
		return false;
	if (written)
		*written = token.text;
	return true;
}

static bool take_table(struct reading *reading)
{
	struct post_task *task = reading->task;
	task->only = words_take(&reading->tokens, "ONLY");
	struct tokens before = reading->tokens;
	if (!sql_take_qualified(&reading->tokens, &task->schema, &task->table))
		return false;
	reading->table = between(&before, &reading->tokens);
	return true;
}

/* Not CONCURRENTLY, not IF NOT EXISTS, not without a name: then ON would be the next word. */
static bool read_index(struct reading *reading)
{
	struct token next;
	struct slice group;
	words_take(&reading->tokens, "UNIQUE");
	if (!words_take(&reading->tokens, "INDEX") || !token_peek(&reading->tokens, &next) ||
	    token_is_word(&next, "ON") || token_is_word(&next, "CONCURRENTLY") ||
	    token_is_word(&next, "IF"))
		return false;
	if (!take_identifier(&reading->tokens, &reading->task->name, &reading->name) ||
	    !words_take(&reading->tokens, "ON") || !take_table(reading))
		return false;
	if (words_take(&reading->tokens, "USING") && !token_next(&reading->tokens, &next))
		return false;
	reading->task->kind = POST_INDEX;
	return take_group(&reading->tokens, &group);
}

/* What may stand behind a key's or a foreign key's columns. */
static bool take_timing(struct tokens *tokens)
{
	static const char *const timings[] = { "NOT DEFERRABLE", "DEFERRABLE", "INITIALLY DEFERRED",
		                               "INITIALLY IMMEDIATE", NULL };
	for (const char *const *timing = timings; *timing; timing++)
		if (words_take(tokens, *timing))
			return true;
	return false;
}

/* The parts of PRIMARY KEY and UNIQUE, in the grammar's order (ConstraintElem in gram.y). */
struct key {
	bool nulls_not_distinct;
	struct slice columns;
	struct slice include;
	struct slice with;
	struct slice tablespace;
	struct slice timing;
};

/* Word by word columns: "b WITHOUT OVERLAPS" is none. */
static bool are_columns(struct slice group, bool standard_strings)
{
	struct slice inside = { group.data + 1, group.len - 2 };
	struct tokens tokens = tokens_of(inside, standard_strings);
	struct token token;
	do {
		if (!token_next(&tokens, &token) ||
		    (token.kind != TOKEN_WORD && token.kind != TOKEN_QUOTED))
			return false;
	} while (token_take_symbol(&tokens, ","));
	return !token_next(&tokens, &token);
}

static bool take_key(struct tokens *tokens, struct key *key)
{
	if (words_take(tokens, "NULLS NOT DISTINCT"))
		key->nulls_not_distinct = true;
	else
		words_take(tokens, "NULLS DISTINCT");
	if (!take_group(tokens, &key->columns) ||
	    !are_columns(key->columns, tokens->standard_strings))
		return false;
	if (words_take(tokens, "INCLUDE") && !take_group(tokens, &key->include))
		return false;
	if (words_take(tokens, "WITH") && !take_group(tokens, &key->with))
		return false;
	if (words_take(tokens, "USING INDEX TABLESPACE")) {
		struct token token;
		if (!token_next(tokens, &token))
			return false;
		key->tablespace = token.text;
	}
	struct tokens before = *tokens;
	while (take_timing(tokens))
		continue;
	key->timing = between(&before, tokens);
	return words_at_end(tokens);
}

static void add_part(struct buf *sql, const char *word, struct slice part)
{
	if (!part.len)
		return;
	buf_adds(sql, word);
	buf_add_slice(sql, part);
}

static void build_steps(struct reading *reading, const struct key *key)
{
	struct post_task *task = reading->task;
	struct buf *sql = &task->first_sql;
	add_part(sql, "CREATE UNIQUE INDEX ", reading->name);
	add_part(sql, task->only ? " ON ONLY " : " ON ", reading->table);
	add_part(sql, " ", key->columns);
	add_part(sql, " INCLUDE ", key->include);
	buf_adds(sql, key->nulls_not_distinct ? " NULLS NOT DISTINCT" : "");
	add_part(sql, " WITH ", key->with);
	add_part(sql, " TABLESPACE ", key->tablespace);
	sql = &task->second_sql;
	add_part(sql, task->only ? "ALTER TABLE ONLY " : "ALTER TABLE ", reading->table);
	add_part(sql, " ADD CONSTRAINT ", reading->name);
	buf_adds(sql, task->primary ? " PRIMARY KEY" : " UNIQUE");
	add_part(sql, " USING INDEX ", reading->name);
	add_part(sql, " ", key->timing);
}

/* Nothing behind that would be a second action. */
static bool is_one_action(struct tokens tokens)
{
	struct token token;
	while (!words_at_end(&tokens)) {
		struct slice group;
		token_peek(&tokens, &token);
		if (token_is_symbol(&token, "(") ? !take_group(&tokens, &group)
		                                 : !token_next(&tokens, &token))
			return false;
		if (token_is_symbol(&token, ","))
			return false;
	}
	return true;
}

static bool read_key(struct reading *reading, bool primary)
{
	struct tokens rest = reading->tokens;
	struct key key = { 0 };
	reading->task->kind = POST_KEY;
	reading->task->primary = primary;
	/* An index that is there already is another statement's business. */
	if (words_take(&rest, "USING INDEX") || !is_one_action(reading->tokens))
		return false;
	if (take_key(&rest, &key))
		build_steps(reading, &key);
	return true;
}

static bool take_action(struct tokens *tokens)
{
	struct slice columns;
	if (!words_take(tokens, "ON DELETE") && !words_take(tokens, "ON UPDATE"))
		return false;
	if (words_take(tokens, "NO ACTION") || words_take(tokens, "RESTRICT") ||
	    words_take(tokens, "CASCADE"))
		return true;
	if (!words_take(tokens, "SET NULL") && !words_take(tokens, "SET DEFAULT"))
		return false;
	struct tokens behind = *tokens;
	if (take_group(&behind, &columns))
		*tokens = behind;
	return true;
}

/* What says whether the rows are looked at. */
static bool take_validity(struct tokens *tokens)
{
	return words_take(tokens, "NOT VALID") || words_take(tokens, "NOT ENFORCED") ||
	       words_take(tokens, "ENFORCED");
}

static bool take_foreign_option(struct tokens *tokens)
{
	return words_take(tokens, "MATCH FULL") || words_take(tokens, "MATCH PARTIAL") ||
	       words_take(tokens, "MATCH SIMPLE") || take_action(tokens) || take_timing(tokens);
}

static void build_validation(struct reading *reading, struct slice statement)
{
	struct post_task *task = reading->task;
	add_part(&task->first_sql, "", statement);
	buf_adds(&task->first_sql, " NOT VALID");
	add_part(&task->second_sql, "ALTER TABLE ", reading->table);
	add_part(&task->second_sql, " VALIDATE CONSTRAINT ", reading->name);
}

static bool read_foreign_key(struct reading *reading)
{
	struct post_task *task = reading->task;
	struct slice columns;
	struct token next;
	bool is_plain = true;
	task->kind = POST_FOREIGN_KEY;
	if (!take_group(&reading->tokens, &columns) ||
	    !words_take(&reading->tokens, "REFERENCES") ||
	    !sql_take_qualified(&reading->tokens, &task->referenced_schema,
	                        &task->referenced_table))
		return false;
	if (token_peek(&reading->tokens, &next) && token_is_symbol(&next, "(") &&
	    !take_group(&reading->tokens, &columns))
		return false;
	for (bool more = true; more;) {
		more = take_validity(&reading->tokens);
		is_plain = is_plain && !more;
		more = more || take_foreign_option(&reading->tokens);
	}
	if (is_plain)
		build_validation(reading, between(&reading->begin, &reading->tokens));
	return words_at_end(&reading->tokens);
}

static bool read_exclusion(struct reading *reading)
{
	reading->task->kind = POST_EXCLUSION;
	return is_one_action(reading->tokens);
}

/* Behind ADD CONSTRAINT. */
static bool read_constraint(struct reading *reading)
{
	if (!take_identifier(&reading->tokens, &reading->task->name, &reading->name))
		return false;
	if (words_take(&reading->tokens, "PRIMARY KEY"))
		return read_key(reading, true);
	if (words_take(&reading->tokens, "UNIQUE"))
		return read_key(reading, false);
	if (words_take(&reading->tokens, "FOREIGN KEY"))
		return read_foreign_key(reading);
	return words_take(&reading->tokens, "EXCLUDE") && read_exclusion(reading);
}

static bool read_detail(struct reading *reading)
{
	reading->task->kind = POST_DETAIL;
	return take_identifier(&reading->tokens, &reading->task->name, &reading->name) &&
	       words_at_end(&reading->tokens);
}

static bool read_table(struct reading *reading)
{
	struct token next;
	if (token_peek(&reading->tokens, &next) && token_is_word(&next, "IF"))
		return false;
	if (!take_table(reading))
		return false;
	if (words_take(&reading->tokens, "ADD CONSTRAINT"))
		return read_constraint(reading);
	if (words_take(&reading->tokens, "CLUSTER ON") ||
	    words_take(&reading->tokens, "REPLICA IDENTITY USING INDEX"))
		return read_detail(reading);
	return false;
}

/* ALTER INDEX i ALTER COLUMN 1 SET STATISTICS 100 */
static bool read_index_detail(struct reading *reading)
{
	struct token number;
	reading->task->kind = POST_DETAIL;
	if (!take_table(reading) || !words_take(&reading->tokens, "ALTER"))
		return false;
	words_take(&reading->tokens, "COLUMN");
	return token_next(&reading->tokens, &number) && number.kind == TOKEN_NUMBER &&
	       words_take(&reading->tokens, "SET STATISTICS") &&
	       token_next(&reading->tokens, &number) && number.kind == TOKEN_NUMBER &&
	       words_at_end(&reading->tokens);
}

static bool read_task(struct reading *reading)
{
	if (words_take(&reading->tokens, "CREATE"))
		return read_index(reading);
	if (words_take(&reading->tokens, "ALTER TABLE"))
		return read_table(reading);
	if (words_take(&reading->tokens, "ALTER INDEX"))
		return read_index_detail(reading);
	reading->task->kind = POST_DETAIL;
	return words_take(&reading->tokens, "COMMENT ON");
}

static bool has_failed(const struct post_task *task)
{
	return task->schema.failed || task->table.failed || task->name.failed ||
	       task->referenced_schema.failed || task->referenced_table.failed ||
	       task->first_sql.failed || task->second_sql.failed;
}

int post_task_read(struct slice sql, bool standard_strings, struct post_task *task,
                   struct err *err)
{
	struct tokens tokens = tokens_of(sql, standard_strings);
	struct reading reading = { .tokens = tokens, .begin = tokens, .task = task };
	bool found = read_task(&reading);
	if (has_failed(task))
		return err_memory(err, "a statement");
	if (!found) {
		post_task_release(task);
		*task = (struct post_task)POST_TASK_INIT;
	}
	return 0;
}

void post_task_release(struct post_task *task)
{
	buf_release(&task->schema);
	buf_release(&task->table);
	buf_release(&task->name);
	buf_release(&task->referenced_schema);
	buf_release(&task->referenced_table);
	buf_release(&task->first_sql);
	buf_release(&task->second_sql);
}
