#include "inherited.h"

#include <string.h>

#include "ident.h"
#include "token.h"

/* No name has a zero byte in it, and none is empty. */
static void add_key(struct buf *list, struct slice schema, struct slice table, struct slice name)
{
	buf_add(list, "\0", 2);
	buf_add_slice(list, schema);
	buf_addc(list, '\0');
	buf_add_slice(list, table);
	buf_addc(list, '\0');
	buf_add_slice(list, name);
	buf_addc(list, '\0');
}

int inherited_read(struct pg *pg, struct buf *list, struct err *err)
{
	if (pg_server_version(pg) < 110000)
		return 0;
	struct pg_rows *rows =
		pg_query(pg,
	                 "SELECT n.nspname, c.relname, k.conname FROM pg_catalog.pg_constraint k "
	                 "JOIN pg_catalog.pg_class c ON c.oid = k.conrelid "
	                 "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
	                 "WHERE k.conparentid <> 0 AND k.contype IN ('p', 'u', 'x')",
	                 err);
	if (!rows)
		return -1;
	for (int row = 0; row < pg_rows_count(rows); row++)
		add_key(list, pg_value_slice(rows, row, 0), pg_value_slice(rows, row, 1),
		        pg_value_slice(rows, row, 2));
	pg_rows_free(rows);
	return buf_check(list, "the partitions' keys", err);
}

static void take_if_exists(struct tokens *tokens)
{
	if (token_take_word(tokens, "IF"))
		token_take_word(tokens, "EXISTS");
}

/* ALTER TABLE [IF EXISTS] [ONLY] schema.table DROP CONSTRAINT [IF EXISTS] name */
static bool read_drop(struct slice sql, struct buf *schema, struct buf *table, struct buf *name)
{
	struct tokens tokens = tokens_of(sql, true);
	struct token token;
	if (!token_take_word(&tokens, "ALTER") || !token_take_word(&tokens, "TABLE"))
		return false;
	take_if_exists(&tokens);
	token_take_word(&tokens, "ONLY");
	if (!sql_take_qualified(&tokens, schema, table) || !token_take_word(&tokens, "DROP") ||
	    !token_take_word(&tokens, "CONSTRAINT"))
		return false;
	take_if_exists(&tokens);
	return token_next(&tokens, &token) && sql_identifier_value(&token, name);
}

bool inherited_is_dropped(const struct buf *list, struct slice sql)
{
	struct buf schema = BUF_INIT, table = BUF_INIT, name = BUF_INIT, key = BUF_INIT;
	bool found = false;
	if (list->len > 0 && read_drop(sql, &schema, &table, &name)) {
		add_key(&key, buf_slice(&schema), buf_slice(&table), buf_slice(&name));
		found = !key.failed && memmem(list->data, list->len, key.data, key.len) != NULL;
	}
	buf_release(&schema);
	buf_release(&table);
	buf_release(&name);
	buf_release(&key);
	return found;
}
