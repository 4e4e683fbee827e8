/* What the operator needs to know at 3 a.m.: which statement, where, what the server said. */
#include <stdlib.h>
#include <string.h>

#include "restore_internal.h"

/* Characters of the statement that are shown. */
#define SHOWN_CHARACTERS 200

/* Bytes of the first `characters` characters of UTF-8 text (or of bytes that are none). */
static size_t bytes_of(struct slice text, size_t characters)
{
	size_t i = 0;
	while (i < text.len && characters > 0) {
		i++;
		while (i < text.len && ((unsigned char)text.data[i] & 0xc0) == 0x80)
			i++;
		characters--;
	}
	return i;
}

static void add_server_words(struct err *err, const struct pg_failure *failure)
{
	if (failure->detail)
		err_append(err, "\nDETAIL:  %s", failure->detail);
	if (failure->hint)
		err_append(err, "\nHINT:  %s", failure->hint);
	if (failure->context)
		err_append(err, "\nCONTEXT:  %s", failure->context);
}

/* Objects that exist only by name in the script: what the way out is. */
static void add_advice(struct err *err, const struct pg_failure *failure)
{
	if (strcmp(failure->sqlstate, "42704") == 0 && strstr(failure->message, "role "))
		err_append(err, "\nHINT:  Create the role first, or restore with --no-owner and "
		                "--no-acl.");
	if (strcmp(failure->sqlstate, "42501") == 0)
		err_append(err, "\nHINT:  idfilter -v REGEX leaves out statements that the role may "
		                "not run; --no-owner and --no-acl leave out ownership and rights.");
}

/* A cancelled statement, or a broken connection: nothing about the statement. */
static bool is_about_statement(const struct err *failed, const struct pg_failure *failure)
{
	return failed->kind == ERR_DATABASE && failure->sqlstate[0] != '\0';
}

/* What the failure means for the target. */
static const char *outcome(const struct restore *restore)
{
	if (!restore->committed || restore->target.is_own)
		return "Nothing was restored.";
	return "The restore was in place: the target holds a part of the stream; --clean empties it "
	       "before another attempt.";
}

int restore_add_outcome(const struct restore *restore, struct err *err)
{
	bool is_said = strcasestr(err->message, "nothing was restored") ||
	               strstr(err->message, outcome(restore));
	return !restore->pg || is_said ? -1 : err_append(err, "\n%s", outcome(restore));
}

const char *restore_place_name(const struct restore *restore, const struct place *place)
{
	return place->name ? place->name : restore->options.input_name;
}

static int pass_on(const struct restore *restore, const struct place *place,
                   const struct err *failed, struct err *err)
{
	*err = *failed;
	if (failed->kind != ERR_DATABASE)
		return -1;
	err_prefix(err, "%s:%llu: the connection failed at statement %llu",
	           restore_place_name(restore, place), (unsigned long long)place->line,
	           (unsigned long long)place->statement);
	return err_append(err, "\n%s", outcome(restore));
}

int restore_statement_failed(const struct restore *restore, const struct pg *pg,
                             const struct place *place, struct slice sql,
                             const struct err *failed, struct err *err)
{
	const struct pg_failure *failure = pg_failure(pg);
	if (!is_about_statement(failed, failure))
		return pass_on(restore, place, failed, err);
	size_t position = failure->position > 0
	                      ? bytes_of(sql, (size_t)failure->position - 1)
	                      : 0;
	uint64_t line = place->line + rows_count((struct slice){ sql.data, position });
	size_t shown = bytes_of(sql, SHOWN_CHARACTERS);
	err_set(err, ERR_DATABASE, "%s:%llu: statement %llu failed: %s (SQLSTATE %s)",
	        restore_place_name(restore, place), (unsigned long long)line,
	        (unsigned long long)place->statement, failure->message, failure->sqlstate);
	add_server_words(err, failure);
	add_advice(err, failure);
	return err_append(err, "\nSTATEMENT:  %.*s%s\n%s", (int)shown, sql.data,
	                  shown < sql.len ? " …" : "", outcome(restore));
}

/* "COPY name, line 12, column a: …" (CopyFromErrorCallback() in copyfrom.c): 12, or 0. */
static uint64_t row_of(const struct pg_failure *failure, struct slice table)
{
	const char *context = failure->context;
	size_t prefix = strlen("COPY ") + table.len + strlen(", ");
	if (!context || strncmp(context, "COPY ", 5) != 0 || strlen(context) < prefix)
		return 0;
	const char *digits = context + prefix;
	digits += strcspn(digits, "0123456789\n");
	return strtoull(digits, NULL, 10);
}

int restore_rows_failed(const struct restore *restore, const struct pg *pg,
                        const struct place *place, const struct copy_table *table,
                        const struct err *failed, struct err *err)
{
	const struct pg_failure *failure = pg_failure(pg);
	if (!is_about_statement(failed, failure))
		return pass_on(restore, place, failed, err);
	uint64_t row = row_of(failure, table->name);
	unsigned long long line = place->line + (row > 0 ? row - 1 : 0);
	err_set(err, ERR_DATABASE, "%s:%llu: %s %.*s%s%.*s: %s (SQLSTATE %s)",
	        restore_place_name(restore, place), line,
	        row > 0 ? "this row was refused by table" : "these rows were refused by table",
	        SLICE_ARG(table->schema), table->schema.len ? "." : "", SLICE_ARG(table->name),
	        failure->message, failure->sqlstate);
	add_server_words(err, failure);
	return err_append(err, "\nSTATEMENT:  number %llu\n%s", (unsigned long long)place->statement,
	                  outcome(restore));
}
