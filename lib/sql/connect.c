/*
 * Where \connect leads.
 *
 *     \connect [-reuse-previous=on|off] [database|- [role|- [host|- [port|-]]]]
 *
 * The database may be a conninfo string: pg_dump writes "dbname='my-db'" for every name that holds
 * anything but letters, digits, "_" and "." (appendPsqlMetaConnect() in
 * src/fe_utils/string_utils.c).
 */
#include <ctype.h>
#include <string.h>

#include "statement.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct slice *rest)
{
	while (rest->len > 0 && is_blank(*rest->data)) {
		rest->data++;
		rest->len--;
	}
}

static char take_char(struct slice *rest)
{
	rest->len--;
	return *rest->data++;
}

/* Behind psql's quote, to behind the one that closes it.  Within single quotes psql knows escapes;
 * of those only \' and \\ are read here. */
static bool take_quoted(struct slice *rest, char quote, struct buf *value)
{
	while (rest->len > 0) {
		char c = take_char(rest);

		if (c == quote) {
			if (rest->len == 0 || *rest->data != quote)
				return true;
			c = take_char(rest);
		} else if (quote == '\'' && c == '\\') {
			if (rest->len == 0 || !strchr("'\\", *rest->data))
				return false;
			c = take_char(rest);
		} else if (quote == '\'' && c == '"') {
			return false; /* psql would take it away */
		}
		buf_addc(value, c);
	}
	return false;
}

/* One argument without its quotes (psqlscanslash.l, OT_SQLIDHACK); empty for "-" and at the end.
 * False for what psql would run or substitute, and for quotes that do not close. */
static bool take_argument(struct slice *rest, struct buf *value)
{
	bool is_quoted = false;

	skip_blanks(rest);
	while (rest->len > 0 && !is_blank(*rest->data)) {
		char c = take_char(rest);

		if (c == '"' || c == '\'') {
			is_quoted = true;
			if (!take_quoted(rest, c, value))
				return false;
		} else if (strchr("`:\\", c)) {
			return false;
		} else if (c != ';' || (rest->len > 0 && !is_blank(*rest->data))) {
			buf_addc(value, c); /* a semicolon at the end is passed over */
		}
	}
	if (!is_quoted && slice_equals(buf_slice(value), "-"))
		buf_reset(value);
	return true;
}

/* A value of a conninfo string, plain or in single quotes; backslashes escape in both. */
static bool take_conninfo_value(struct slice *rest, struct buf *value)
{
	bool is_quoted = rest->len > 0 && *rest->data == '\'';

	if (is_quoted)
		take_char(rest);
	while (rest->len > 0 && (is_quoted || !is_blank(*rest->data))) {
		char c = take_char(rest);

		if (is_quoted && c == '\'')
			return true;
		if (c == '\\' && rest->len > 0)
			c = take_char(rest);
		buf_addc(value, c);
	}
	return !is_quoted;
}

/* conninfo_parse() of libpq: "key = value …". */
static enum connect_target read_conninfo(struct slice rest, struct buf *database)
{
	enum connect_target target = CONNECT_UNKNOWN;

	for (skip_blanks(&rest); rest.len > 0; skip_blanks(&rest)) {
		const char *equals = memchr(rest.data, '=', rest.len);

		if (!equals)
			return CONNECT_UNKNOWN;
		struct slice key = slice_trim((struct slice){ rest.data, (size_t)(equals - rest.data) });
		if (slice_equals(key, "user"))
			return CONNECT_ROLE;
		if (!slice_equals(key, "dbname"))
			return CONNECT_UNKNOWN;
		rest = (struct slice){ equals + 1, rest.len - (size_t)(equals + 1 - rest.data) };
		skip_blanks(&rest);
		buf_reset(database);
		if (!take_conninfo_value(&rest, database))
			return CONNECT_UNKNOWN;
		target = CONNECT_DATABASE;
	}
	return target;
}

/* As libpq tells them from names (recognized_connection_string()). */
static enum connect_target read_database(struct slice argument, struct buf *database)
{
	if (slice_starts(argument, "postgresql://") || slice_starts(argument, "postgres://"))
		return CONNECT_UNKNOWN;
	if (argument.len > 0 && memchr(argument.data, '=', argument.len))
		return read_conninfo(argument, database);
	buf_add_slice(database, argument);
	return CONNECT_DATABASE;
}

static enum connect_target read_arguments(struct slice rest, struct buf *argument,
                                          struct buf *database)
{
	enum connect_target target;

	if (!take_argument(&rest, argument))
		return CONNECT_UNKNOWN;
	if (slice_starts(buf_slice(argument), "-reuse-previous=")) {
		buf_reset(argument);
		if (!take_argument(&rest, argument))
			return CONNECT_UNKNOWN;
	}
	target = read_database(buf_slice(argument), database);
	buf_reset(argument);
	if (target != CONNECT_DATABASE || !take_argument(&rest, argument))
		return target == CONNECT_ROLE ? CONNECT_ROLE : CONNECT_UNKNOWN;
	if (argument->len > 0)
		return CONNECT_ROLE;
	/* Host and port. */
	while (skip_blanks(&rest), rest.len > 0)
		if (!take_argument(&rest, argument) || argument->len > 0)
			return CONNECT_UNKNOWN;
	return CONNECT_DATABASE;
}

enum connect_target statement_connect(struct slice command, struct buf *database)
{
	struct buf argument = BUF_INIT, name = BUF_INIT;
	enum connect_target target;

	/* The command's word. */
	while (command.len > 0 && (*command.data == '\\' || isalpha((unsigned char)*command.data)))
		take_char(&command);
	target = read_arguments(command, &argument, &name);
	if (argument.failed || name.failed)
		target = CONNECT_UNKNOWN;
	if (target == CONNECT_DATABASE)
		buf_add_slice(database, buf_slice(&name));
	buf_release(&argument);
	buf_release(&name);
	return target;
}
