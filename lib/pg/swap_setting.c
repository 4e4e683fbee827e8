/*
 * A setting of a database, as a statement: what pg_dump's makeAlterConfigCommand() does
 * (src/bin/pg_dump/dumputils.c).
 */
#include <string.h>

#include "ident.h"
#include "swap_internal.h"

/* Those marked GUC_LIST_QUOTE in the server: stored with their elements quoted, so that the whole
 * can't be quoted once more.  pg_dump has the same list (variable_is_guc_list_quote()). */
static bool is_quoted_list(struct slice name)
{
	static const char *const lists[] = {
		"local_preload_libraries",  "search_path",      "session_preload_libraries",
		"shared_preload_libraries", "temp_tablespaces", "unix_socket_directories",
	};
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (slice_equals_nocase(name, lists[i]))
			return true;
	return false;
}

static const char *skip_space(const char *text)
{
	return text + strspn(text, " \t\n\r\f\v");
}

/* At an element: in double quotes, or up to the next comma or space.  Returns where it ends. */
static const char *take_element(const char *text, struct buf *element)
{
	if (*text != '"') {
		size_t len = strcspn(text, ", \t\n\r\f\v");
		buf_add(element, text, len);
		return text + len;
	}
	for (text++; *text; text++) {
		if (*text == '"' && *++text != '"')
			break;
		buf_addc(element, *text);
	}
	return text;
}

/* Elements as literals: as identifiers the server would cut long ones and refuse empty ones. */
static void add_list(struct buf *sql, const char *value)
{
	struct buf element = BUF_INIT;
	const char *separator = "";
	for (value = skip_space(value); *value; value = skip_space(value)) {
		buf_reset(&element);
		value = skip_space(take_element(value, &element));
		buf_adds(sql, separator);
		sql_add_literal(sql, buf_slice(&element));
		separator = ", ";
		if (*value)
			value++;
	}
	if (!separator[0])
		buf_adds(sql, "''");
	if (element.failed)
		sql->failed = true;
	buf_release(&element);
}

void setting_add(struct buf *sql, const char *item)
{
	const char *equals = strchr(item, '=');
	struct slice name = { item, equals ? (size_t)(equals - item) : strlen(item) };
	const char *value = equals ? equals + 1 : "";
	buf_adds(sql, "SET ");
	sql_add_identifier(sql, name);
	buf_adds(sql, " TO ");
	if (is_quoted_list(name))
		add_list(sql, value);
	else
		sql_add_literal(sql, slice_of(value));
}
