#include "subject.h"

#include <string.h>

#include "ident.h"
#include "words.h"

static bool is(const char *type, const char *wanted)
{
	return type && strcmp(type, wanted) == 0;
}

static bool is_relation(const char *type)
{
	return is(type, "TABLE") || is(type, "VIEW") || is(type, "MATERIALIZED VIEW") ||
	       is(type, "FOREIGN TABLE") || is(type, "SEQUENCE");
}

/* Objects that are in no schema. */
static bool is_global(const char *type)
{
	static const char *const types[] = {
		"EXTENSION",    "CAST",          "TRANSFORM",     "PROCEDURAL LANGUAGE",
		"SERVER",       "PUBLICATION",   "SUBSCRIPTION",  "FOREIGN DATA WRAPPER",
		"USER MAPPING", "ACCESS METHOD", "EVENT TRIGGER", "BLOB",
		"DATABASE",     "TABLESPACE",    "ROLE",
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (is(type, types[i]))
			return true;
	return false;
}

/* What a table has: named by themselves and the table behind ON. */
static bool is_on_table(const char *type)
{
	return is(type, "TRIGGER") || is(type, "RULE") || is(type, "POLICY") ||
	       is(type, "CONSTRAINT");
}

static bool take_relation(struct tokens *tokens, struct subject *subject)
{
	words_take(tokens, "ONLY");
	buf_reset(&subject->schema);
	buf_reset(&subject->name);
	if (!sql_take_qualified(tokens, &subject->schema, &subject->name))
		return false;
	token_take_symbol(tokens, "*");
	subject->kind = SUBJECT_RELATION;
	return true;
}

static bool take_other(struct tokens *tokens, struct subject *subject, enum subject_link link)
{
	words_take(tokens, "ONLY");
	if (!sql_take_qualified(tokens, &subject->other_schema, &subject->other_name))
		return false;
	subject->link = link;
	return true;
}

static bool take_part(struct tokens *tokens, struct subject *subject, enum subject_part part)
{
	subject->part = part;
	return sql_take_qualified(tokens, &subject->part_schema, &subject->part_name);
}

/* An object by its own name, behind its type. */
static bool take_named(struct tokens *tokens, const char *type, struct subject *subject)
{
	if (is_global(type)) {
		subject->kind = SUBJECT_GLOBAL;
		return true;
	}
	if (!words_take_name(tokens, type, &subject->schema, &subject->name))
		return false;
	if (is_relation(type)) {
		subject->kind = SUBJECT_RELATION;
	} else if (is(type, "INDEX")) {
		subject->kind = SUBJECT_INDEX;
	} else if (is(type, "STATISTICS")) {
		subject->kind = SUBJECT_STATISTICS;
	} else if (is(type, "SCHEMA")) {
		subject->kind = SUBJECT_SCHEMA;
		buf_add_slice(&subject->schema, buf_slice(&subject->name));
	} else {
		subject->kind = SUBJECT_OBJECT;
	}
	return true;
}

/* All that is, or will be, IN SCHEMA … */
static bool take_in_schema(struct tokens *tokens, struct subject *subject)
{
	bool found = take_named(tokens, "SCHEMA", subject);
	subject->kind = SUBJECT_OBJECT;
	return found;
}

/* CREATE [UNIQUE] INDEX [name] ON table: it is in the table's schema. */
static bool read_create_index(struct tokens *tokens, struct subject *subject)
{
	struct tokens at;
	words_take(tokens, "CONCURRENTLY");
	words_take(tokens, "IF NOT EXISTS");
	at = *tokens;
	if (!words_take(&at, "ON") && !take_part(tokens, subject, SUBJECT_PART_INDEX))
		return false;
	if (!words_take(tokens, "ON") || !take_relation(tokens, subject))
		return false;
	buf_reset(&subject->part_schema);
	buf_add_slice(&subject->part_schema, buf_slice(&subject->schema));
	return true;
}

static bool read_create_on_table(struct tokens *tokens, const char *type, struct subject *subject)
{
	struct token name;
	words_take(tokens, "IF NOT EXISTS");
	return token_next(tokens, &name) && words_find(tokens, is(type, "RULE") ? "TO" : "ON") &&
	       take_relation(tokens, subject);
}

static bool read_create(struct tokens *tokens, struct subject *subject)
{
	words_skip_create_options(tokens);
	if (words_take(tokens, "CONSTRAINT TRIGGER"))
		return read_create_on_table(tokens, "TRIGGER", subject);
	const char *type = words_take_type(tokens);
	if (is(type, "INDEX"))
		return read_create_index(tokens, subject);
	if (is_on_table(type))
		return read_create_on_table(tokens, type, subject);
	if (is(type, "STATISTICS")) {
		words_take(tokens, "IF NOT EXISTS");
		return take_part(tokens, subject, SUBJECT_PART_STATISTICS) &&
		       words_find(tokens, "FROM") && take_relation(tokens, subject);
	}
	subject->creates_sequence = is(type, "SEQUENCE");
	return type && take_named(tokens, type, subject);
}

/* ADD GENERATED … AS IDENTITY ( SEQUENCE NAME s.q … ) */
static void read_identity(struct tokens *tokens, struct subject *subject)
{
	struct token token;
	while (token_next(tokens, &token))
		if (token_is_symbol(&token, "(") && words_take(tokens, "SEQUENCE NAME")) {
			take_part(tokens, subject, SUBJECT_PART_SEQUENCE);
			return;
		}
}

static bool read_add_constraint(struct tokens *tokens, struct subject *subject)
{
	if (!take_part(tokens, subject, SUBJECT_PART_CONSTRAINT))
		return false;
	buf_add_slice(&subject->part_schema, buf_slice(&subject->schema));
	return !words_take(tokens, "FOREIGN KEY") ||
	       (words_find(tokens, "REFERENCES") &&
	        take_other(tokens, subject, SUBJECT_LINK_REFERENCED));
}

/* ALTER … parent ATTACH PARTITION part: it is about the part. */
static bool read_attach(struct tokens *tokens, struct subject *subject)
{
	buf_add_slice(&subject->other_schema, buf_slice(&subject->schema));
	buf_add_slice(&subject->other_name, buf_slice(&subject->name));
	subject->link = SUBJECT_LINK_PARENT;
	buf_reset(&subject->schema);
	buf_reset(&subject->name);
	return sql_take_qualified(tokens, &subject->schema, &subject->name);
}

static bool read_alter_table(struct tokens *tokens, struct subject *subject)
{
	struct token column;
	words_take(tokens, "IF EXISTS");
	if (!take_relation(tokens, subject))
		return false;
	if (words_take(tokens, "ATTACH PARTITION"))
		return read_attach(tokens, subject);
	if (words_take(tokens, "ADD CONSTRAINT"))
		return read_add_constraint(tokens, subject);
	if (words_take(tokens, "DROP CONSTRAINT")) {
		words_take(tokens, "IF EXISTS");
		return take_part(tokens, subject, SUBJECT_PART_CONSTRAINT);
	}
	if (words_take(tokens, "ALTER")) {
		words_take(tokens, "COLUMN");
		if (token_next(tokens, &column) && words_take(tokens, "ADD GENERATED"))
			read_identity(tokens, subject);
	}
	return true;
}

/* OWNED BY [schema.]table.column, or NONE. */
static bool read_owned_by(struct tokens *tokens, struct subject *subject)
{
	struct buf first = BUF_INIT, second = BUF_INIT;
	struct tokens rest;
	bool found = sql_take_qualified(tokens, &first, &second);
	rest = *tokens;
	if (found && token_take_symbol(&rest, ".")) {
		buf_add_slice(&subject->other_schema, buf_slice(&first));
		buf_add_slice(&subject->other_name, buf_slice(&second));
		subject->link = SUBJECT_LINK_OWNER;
	} else if (found && first.len > 0) {
		buf_add_slice(&subject->other_name, buf_slice(&first));
		subject->link = SUBJECT_LINK_OWNER;
	}
	buf_release(&first);
	buf_release(&second);
	return found;
}

/* ALTER DEFAULT PRIVILEGES [FOR ROLE …] [IN SCHEMA s] */
static bool read_default_privileges(struct tokens *tokens, struct subject *subject)
{
	if (!words_find(tokens, "IN") || !words_take(tokens, "SCHEMA")) {
		subject->kind = SUBJECT_GLOBAL;
		return true;
	}
	return take_in_schema(tokens, subject);
}

static bool read_alter_publication(struct tokens *tokens, struct subject *subject)
{
	struct token name;
	subject->kind = SUBJECT_GLOBAL;
	if (token_next(tokens, &name) && words_take(tokens, "ADD TABLE"))
		take_other(tokens, subject, SUBJECT_LINK_PUBLISHED);
	return true;
}

static bool read_alter(struct tokens *tokens, struct subject *subject)
{
	if (words_take(tokens, "DEFAULT PRIVILEGES"))
		return read_default_privileges(tokens, subject);
	const char *type = words_take_type(tokens);
	if (is(type, "PUBLICATION"))
		return read_alter_publication(tokens, subject);
	if (is(type, "TABLE") || is(type, "FOREIGN TABLE") || is(type, "VIEW") ||
	    is(type, "MATERIALIZED VIEW"))
		return read_alter_table(tokens, subject);
	if (is_on_table(type))
		return read_create_on_table(tokens, "", subject);
	if (!type || !take_named(tokens, type, subject))
		return false;
	if (is(type, "SEQUENCE") && words_take(tokens, "OWNED BY"))
		return read_owned_by(tokens, subject);
	return !is(type, "INDEX") || !words_take(tokens, "ATTACH PARTITION") ||
	       read_attach(tokens, subject);
}

/* COMMENT ON, SECURITY LABEL … ON: behind ON. */
static bool read_about(struct tokens *tokens, struct subject *subject)
{
	const char *type = words_take_type(tokens);
	if (is(type, "COLUMN")) {
		/* [schema.]table.column, as behind OWNED BY. */
		if (!read_owned_by(tokens, subject) || subject->link != SUBJECT_LINK_OWNER)
			return false;
		buf_add_slice(&subject->schema, buf_slice(&subject->other_schema));
		buf_add_slice(&subject->name, buf_slice(&subject->other_name));
		subject->link = SUBJECT_NO_LINK;
		subject->kind = SUBJECT_RELATION;
		return true;
	}
	if (!is_on_table(type))
		return type && take_named(tokens, type, subject);
	if (!take_part(tokens, subject,
	               is(type, "CONSTRAINT") ? SUBJECT_PART_CONSTRAINT : SUBJECT_NO_PART) ||
	    !words_take(tokens, "ON"))
		return false;
	if (words_take(tokens, "DOMAIN"))
		return take_named(tokens, "DOMAIN", subject);
	if (!take_relation(tokens, subject))
		return false;
	buf_add_slice(&subject->part_schema, buf_slice(&subject->schema));
	return true;
}

/* GRANT … ON …, REVOKE … ON …; without ON it is a membership. */
static bool read_rights(struct tokens *tokens, struct subject *subject)
{
	subject->kind = SUBJECT_GLOBAL;
	if (!words_find(tokens, "ON"))
		return true;
	if (words_take(tokens, "ALL"))
		return words_find(tokens, "SCHEMA") && take_in_schema(tokens, subject);
	if (words_take(tokens, "FOREIGN SERVER") || words_take(tokens, "PARAMETER"))
		return true;
	const char *type = words_take_type(tokens);
	return type ? take_named(tokens, type, subject) : take_relation(tokens, subject);
}

static bool read_drop(struct tokens *tokens, struct subject *subject)
{
	const char *type = words_take_type(tokens);
	if (is_on_table(type))
		return words_find(tokens, "ON") && take_relation(tokens, subject);
	return type && take_named(tokens, type, subject);
}

/* setval('schema.name', …): the string holds an identifier.  Large objects are in no schema. */
static bool read_call(struct tokens *tokens, struct subject *subject)
{
	struct buf text = BUF_INIT;
	struct slice function;
	bool found = words_take_call(tokens, &function);
	if (found && slice_equals_nocase(function, "setval")) {
		found = words_take_string(tokens, &text);
		struct tokens name = tokens_of(buf_slice(&text), true);
		found = found && take_relation(&name, subject);
	} else if (found && (slice_starts(function, "lo_") || slice_starts(function, "lowrite"))) {
		subject->kind = SUBJECT_GLOBAL;
	} else {
		found = false;
	}
	buf_release(&text);
	return found;
}

static bool read(struct tokens *tokens, struct subject *subject)
{
	if (words_take(tokens, "CREATE"))
		return read_create(tokens, subject);
	if (words_take(tokens, "ALTER"))
		return read_alter(tokens, subject);
	if (words_take(tokens, "DROP"))
		return read_drop(tokens, subject);
	if (words_take(tokens, "COMMENT ON"))
		return read_about(tokens, subject);
	if (words_take(tokens, "SECURITY LABEL"))
		return words_find(tokens, "ON") && read_about(tokens, subject);
	if (words_take(tokens, "GRANT") || words_take(tokens, "REVOKE"))
		return read_rights(tokens, subject);
	if (words_take(tokens, "REFRESH MATERIALIZED VIEW")) {
		words_take(tokens, "CONCURRENTLY");
		return take_relation(tokens, subject);
	}
	if (words_take(tokens, "COPY") || words_take(tokens, "INSERT INTO"))
		return take_relation(tokens, subject);
	return read_call(tokens, subject);
}

void subject_read(struct slice sql, bool standard_strings, struct subject *subject)
{
	struct tokens tokens = tokens_of(sql, standard_strings);
	buf_reset(&subject->schema);
	buf_reset(&subject->name);
	buf_reset(&subject->part_schema);
	buf_reset(&subject->part_name);
	buf_reset(&subject->other_schema);
	buf_reset(&subject->other_name);
	subject->kind = SUBJECT_UNKNOWN;
	subject->part = SUBJECT_NO_PART;
	subject->link = SUBJECT_NO_LINK;
	subject->creates_sequence = false;
	if (!read(&tokens, subject))
		subject->kind = SUBJECT_UNKNOWN;
}

void subject_release(struct subject *subject)
{
	buf_release(&subject->schema);
	buf_release(&subject->name);
	buf_release(&subject->part_schema);
	buf_release(&subject->part_name);
	buf_release(&subject->other_schema);
	buf_release(&subject->other_name);
}
