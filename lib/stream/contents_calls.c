/* What a SELECT of one function changes: setval(), and the lo_…() functions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contents_internal.h"
#include "hex.h"
#include "ident.h"
#include "token.h"

/* The arguments of such a call, at most as many as any of them has. */
#define CALL_ARGUMENTS 4

struct call {
	struct buf function;
	struct buf arguments[CALL_ARGUMENTS];
	size_t argument_count;
};

static void call_release(struct call *call)
{
	buf_release(&call->function);
	for (size_t i = 0; i < CALL_ARGUMENTS; i++)
		buf_release(&call->arguments[i]);
}

/* One argument: [-] a number, a string, or a word such as true. */
static bool take_argument(struct tokens *tokens, bool standard_strings, struct buf *value)
{
	struct token token;
	if (token_take_symbol(tokens, "-"))
		buf_addc(value, '-');
	if (!token_next(tokens, &token))
		return false;
	switch (token.kind) {
	case TOKEN_STRING:
	case TOKEN_DOLLAR:
		return token_string_value(&token, standard_strings, value);
	case TOKEN_NUMBER:
	case TOKEN_WORD:
		buf_add_slice(value, token.text);
		return true;
	default:
		return false;
	}
}

/* Reads "SELECT [schema.]function(argument, …)". */
static bool read_call(const struct record_statement *statement, struct call *call)
{
	struct tokens tokens = tokens_of(statement->sql, statement->standard_strings);
	struct buf schema = BUF_INIT;
	bool read = token_take_word(&tokens, "select") &&
	            sql_take_qualified(&tokens, &schema, &call->function) &&
	            token_take_symbol(&tokens, "(");
	buf_release(&schema);
	while (read && call->argument_count < CALL_ARGUMENTS) {
		struct buf *value = &call->arguments[call->argument_count++];
		read = take_argument(&tokens, statement->standard_strings, value) && !value->failed;
		if (!read || !token_take_symbol(&tokens, ","))
			break;
	}
	return read && token_take_symbol(&tokens, ")");
}

static struct slice argument(const struct call *call, size_t index)
{
	return index < call->argument_count ? buf_slice(&call->arguments[index]) : SLICE_NONE;
}

static bool is_function(const struct call *call, const char *name)
{
	return slice_equals(buf_slice(&call->function), name);
}

static int store_sequence(struct contents *contents, struct slice schema, struct slice name,
                          struct slice value, bool is_called, struct err *err)
{
	size_t at = 0;
	int order = 1;
	while (at < contents->sequence_count) {
		const struct sequence_value *known = &contents->sequences[at];
		order = contents_compare_names(slice_of(known->schema), slice_of(known->name), schema,
		                               name);
		if (order >= 0)
			break;
		at++;
	}
	if (at == contents->sequence_count || order != 0) {
		struct sequence_value *grown = realloc(
			contents->sequences, (contents->sequence_count + 1) * sizeof(*grown));
		if (!grown)
			return err_memory(err, "a stream's sequences");
		contents->sequences = grown;
		memmove(&grown[at + 1], &grown[at], (contents->sequence_count - at) * sizeof(*grown));
		grown[at] = (struct sequence_value){ slice_dup(schema), slice_dup(name), NULL, false };
		contents->sequence_count++;
	}
	struct sequence_value *sequence = &contents->sequences[at];
	free(sequence->last_value);
	sequence->last_value = slice_dup(value);
	sequence->is_called = is_called;
	if (!sequence->schema || !sequence->name || !sequence->last_value)
		return err_memory(err, "a stream's sequences");
	return 0;
}

static bool is_true(struct slice value)
{
	return value.len == 0 || slice_equals_nocase(value, "true") ||
	       slice_equals_nocase(value, "t");
}

int contents_add_setval(struct contents *contents, const struct record_statement *statement,
                        struct err *err)
{
	struct call call = { 0 };
	struct buf schema = BUF_INIT, name = BUF_INIT;
	int result = 0;
	if (read_call(statement, &call) && is_function(&call, "setval") &&
	    call.argument_count >= 2) {
		struct tokens tokens = tokens_of(argument(&call, 0), true);
		if (sql_take_qualified(&tokens, &schema, &name))
			result = store_sequence(contents, buf_slice(&schema), buf_slice(&name),
			                        argument(&call, 1), is_true(argument(&call, 2)), err);
	}
	buf_release(&schema);
	buf_release(&name);
	call_release(&call);
	return result;
}

static int add_single_row(struct contents *contents, const char *table, const struct slice *columns,
                          size_t column_count, struct hash128 hash, struct err *err)
{
	struct table_digest *digest =
		contents_table_for(contents, SLICE_LITERAL("pg_catalog"), slice_of(table), columns,
	                           column_count, err);
	if (!digest)
		return -1;
	digest->rows++;
	digest->sum = hash128_add(digest->sum, hash);
	return 0;
}

static int add_object(struct contents *contents, struct slice oid, struct err *err)
{
	const struct slice columns[] = { SLICE_LITERAL("oid") };
	return add_single_row(contents, "pg_largeobject_metadata", columns, 1,
	                      hash128_of(oid.data, oid.len), err);
}

int contents_end_large_object(struct contents *contents, struct err *err)
{
	const struct slice columns[] = { SLICE_LITERAL("loid"), SLICE_LITERAL("data") };
	uint64_t bytes = contents->object_bytes;
	contents->object_bytes = 0;
	contents->object_is_open = false;
	if (bytes == 0)
		return 0;
	return add_single_row(contents, "pg_largeobject", columns, 2,
	                      hash_stream_value(contents->object_hash), err);
}

static int begin_large_object(struct contents *contents, struct slice oid, struct err *err)
{
	if (contents->object_bytes > 0 && slice_equals(oid, contents->object_oid))
		return 0;
	if (contents_end_large_object(contents, err) < 0)
		return -1;
	if (!contents->object_hash) {
		contents->object_hash = hash_stream_new(err);
		if (!contents->object_hash)
			return -1;
	}
	contents->object_is_open = true;
	snprintf(contents->object_oid, sizeof(contents->object_oid), "%.*s", SLICE_ARG(oid));
	hash_stream_reset(contents->object_hash);
	hash_stream_add(contents->object_hash, contents->object_oid, strlen(contents->object_oid));
	hash_stream_add(contents->object_hash, "\t", 1);
	return 0;
}

/* Bytes in bytea's hex format: \x…. */
static int add_object_bytes(struct contents *contents, struct slice hex, struct err *err)
{
	unsigned char bytes[4096];
	size_t count = 0;
	if (!contents->object_is_open)
		return err_set(err, ERR_INPUT, "lowrite() without lo_open(): no large object is open");
	if (!slice_starts(hex, "\\x") || hex.len % 2 != 0)
		goto damaged;
	for (size_t i = 2; i < hex.len; i += 2) {
		int high = hex_digit(hex.data[i]), low = hex_digit(hex.data[i + 1]);
		if (high < 0 || low < 0)
			goto damaged;
		bytes[count++] = (unsigned char)(high << 4 | low);
		if (count == sizeof(bytes) || i + 2 == hex.len) {
			hash_stream_add(contents->object_hash, bytes, count);
			contents->object_bytes += count;
			count = 0;
		}
	}
	return 0;
damaged:
	return err_set(err, ERR_INPUT, "large object %s: its bytes are not in hex format",
	               contents->object_oid);
}

static int put_bytes(struct contents *contents, const struct call *call, struct err *err)
{
	if (begin_large_object(contents, argument(call, 0), err) < 0)
		return -1;
	struct slice offset = argument(call, 1);
	char expected[24];
	snprintf(expected, sizeof(expected), "%llu", (unsigned long long)contents->object_bytes);
	if (!slice_equals(offset, expected))
		return err_set(err, ERR_INPUT,
		               "large object %s: bytes at %.*s come where those at %s are due",
		               contents->object_oid, SLICE_ARG(offset), expected);
	return add_object_bytes(contents, argument(call, 2), err);
}

int contents_add_large_object(struct contents *contents, const struct record_statement *statement,
                              struct err *err)
{
	struct call call = { 0 };
	int result = 0;
	if (!read_call(statement, &call))
		result = err_set(err, ERR_INPUT, "a large object's statement can't be read: %.*s",
		                 (int)(statement->sql.len < 80 ? statement->sql.len : 80),
		                 statement->sql.data);
	else if (is_function(&call, "lo_create"))
		result = add_object(contents, argument(&call, 0), err);
	else if (is_function(&call, "lo_put"))
		result = put_bytes(contents, &call, err);
	else if (is_function(&call, "lo_open"))
		result = begin_large_object(contents, argument(&call, 0), err);
	else if (is_function(&call, "lowrite"))
		result = add_object_bytes(contents, argument(&call, 1), err);
	else if (is_function(&call, "lo_close"))
		result = contents_end_large_object(contents, err);
	call_release(&call);
	return result;
}
