/*
 * psql's name patterns: what patternToSQLRegex() in src/fe_utils/string_utils.c makes of them.
 */
#include "ident.h"

#include <string.h>

/* Translates up to a dot outside quotes or the end; returns where it stopped, NULL when a quote is
 * not closed. */
static const char *add_part(const char *at, struct buf *regex)
{
	bool quoted = false;

	buf_adds(regex, "^(");
	for (; *at && (quoted || *at != '.'); at++) {
		if (quoted && at[0] == '"' && at[1] == '"')
			buf_addc(regex, *at++);
		else if (*at == '"')
			quoted = !quoted;
		else if (*at == '$' || (quoted && strchr("|*+?()[]{}.^\\", *at)))
			buf_addf(regex, "\\%c", *at);
		else if (quoted)
			buf_addc(regex, *at);
		else if (*at >= 'A' && *at <= 'Z')
			buf_addc(regex, (char)(*at - 'A' + 'a'));
		else if (*at == '*')
			buf_adds(regex, ".*");
		else if (*at == '?')
			buf_addc(regex, '.');
		else if (at[0] == '[' && at[1] == ']')
			buf_adds(regex, "\\["); /* more likely an array type's name than a set */
		else
			buf_addc(regex, *at);
	}
	buf_adds(regex, ")$");
	return quoted ? NULL : at;
}

static int unclosed(const char *pattern, struct err *err)
{
	return err_set(err, ERR_USAGE, "pattern %s: a double quote is not closed", pattern);
}

int sql_pattern_regexes(const char *pattern, struct buf *schema, struct buf *name, struct err *err)
{
	struct buf first = BUF_INIT;
	const char *end = add_part(pattern, &first);
	int result = 0;

	if (end && *end == '.') {
		buf_add_slice(schema, buf_slice(&first));
		end = add_part(end + 1, name);
	} else {
		buf_add_slice(name, buf_slice(&first));
	}
	if (!end)
		result = unclosed(pattern, err);
	else if (*end)
		result = err_set(err, ERR_USAGE,
		                 "pattern %s: more than one dot; write schema.name, and names that "
		                 "hold a dot in double quotes",
		                 pattern);
	else if (first.failed || buf_check(schema, "a pattern", err) < 0 ||
	         buf_check(name, "a pattern", err) < 0)
		result = err_memory(err, "a pattern");
	buf_release(&first);
	return result;
}

int sql_pattern_regex(const char *pattern, struct buf *name, struct err *err)
{
	const char *end = add_part(pattern, name);

	if (!end)
		return unclosed(pattern, err);
	if (*end)
		return err_set(err, ERR_USAGE,
		               "pattern %s: a dot; write one name, in double quotes when it holds a dot",
		               pattern);
	return buf_check(name, "a pattern", err);
}
