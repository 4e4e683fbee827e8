/* One statement of a script: what it is, whose it is, and what it changes for those behind it. */
#include <ctype.h>
#include <string.h>

#include "plain_reader_internal.h"

/* pg_dump's comment in front of the statement holds until the next one. */
static int read_toc(struct plain_reader *reader, struct slice lead, struct err *err)
{
	struct object object;
	struct slice comment;
	if (!toc_comment_parse(lead, &object, &comment))
		return 0;
	buf_reset(&reader->toc_text);
	buf_add_slice(&reader->toc_text, comment);
	if (buf_check(&reader->toc_text, "a comment", err) < 0)
		return -1;
	reader->has_toc =
		toc_comment_parse(buf_slice(&reader->toc_text), &reader->toc_object, &comment);
	return 0;
}

static void find_object(struct plain_reader *reader, struct record_statement *statement)
{
	/* Settings are the session's, whatever comment stands above them. */
	if (statement_is_session(statement->class))
		return;
	buf_reset(&reader->names);
	/* pg_dump writes a comment above each COPY: without one, it is not about what came before. */
	bool is_known = reader->has_toc && (statement->class != CLASS_COPY_IN ||
	                                    slice_equals(reader->toc_object.type, "TABLE DATA"));
	if (is_known)
		statement->object = reader->toc_object;
	else if (!statement_object(statement->sql, statement->standard_strings, &reader->names,
	                           &statement->object))
		statement->object = (struct object){ 0 };
}

/* Where the stream has no section marks, the objects' types tell. */
static void find_section(struct plain_reader *reader, const struct record_statement *statement)
{
	if (reader->own)
		return;
	enum section section = section_of_type(statement->object.type);
	if (statement->class == CLASS_COPY_IN || statement->class == CLASS_INSERT ||
	    statement->class == CLASS_SETVAL)
		section = SECTION_DATA;
	/* Never back: a view that needs a primary key is pg_dump's post-data, though a VIEW. */
	if (section > reader->section)
		reader->section = section;
}

/* As the server compares names of encodings: letters and digits, without case (clean_encoding_name()
 * in src/common/encnames.c). */
static bool same_encoding(struct slice name, const char *known)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!isalnum((unsigned char)name.data[i]))
			continue;
		if (tolower((unsigned char)name.data[i]) != *known++)
			return false;
	}
	return *known == '\0';
}

/* In these, a backslash or quote may be a character's second byte, which no scanner of bytes can
 * tell (client-only encodings, documentation section 24.3.1). */
static bool is_unsafe_encoding(struct slice name)
{
	static const char *const unsafe[] = {
		"sjis",   "shiftjis",   "shiftjis2004", "mskanji", "win932",     "windows932",
		"big5",   "win950",     "windows950",   "gbk",     "win936",     "windows936",
		"uhc",    "win949",     "windows949",   "johab",   "gb18030",
	};
	for (size_t i = 0; i < sizeof(unsafe) / sizeof(*unsafe); i++)
		if (same_encoding(name, unsafe[i]))
			return true;
	return false;
}

/* What a boolean setting takes for false: "false", "no", "off", their beginnings, and 0
 * (parse_bool_with_len() in src/backend/utils/adt/bool.c); "o" could be either. */
static bool is_false(struct slice value)
{
	static const char *const words[] = { "0", "f", "fa", "fal", "fals", "false",
		                             "n", "no", "of", "off" };
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (slice_equals_nocase(value, words[i]))
			return true;
	return false;
}

int plain_reader_follow_setting(struct plain_reader *reader, const struct record *record,
                          struct err *err)
{
	struct buf name = BUF_INIT, value = BUF_INIT;
	int result = 0;
	if (!statement_setting(record->statement.sql, record->statement.standard_strings, &name,
	                       &value))
		goto out;
	if (slice_equals(buf_slice(&name), "standard_conforming_strings"))
		reader->splitter.standard_strings = !is_false(buf_slice(&value));
	else if (slice_equals(buf_slice(&name), "client_encoding") &&
	         is_unsafe_encoding(buf_slice(&value)))
		result = plain_reader_damaged(reader, record->place.line, err,
		                              "a script in encoding %.*s can't be split safely: dump "
		                              "it with --encoding=UTF8",
		                              SLICE_ARG(buf_slice(&value)));
out:
	buf_release(&name);
	buf_release(&value);
	return result;
}

/* Where a C string ends the statement would end: the part before it must not run alone. */
int plain_reader_check_zero(const struct plain_reader *reader, struct slice sql, uint64_t line,
                            struct err *err)
{
	const char *zero = sql.len ? memchr(sql.data, '\0', sql.len) : NULL;
	if (!zero)
		return 0;
	line += rows_count((struct slice){ sql.data, (size_t)(zero - sql.data) });
	return plain_reader_damaged(reader, line, err, "a zero byte stands here: the script is damaged");
}

int plain_reader_handle_statement(struct plain_reader *reader, size_t lead, struct err *err)
{
	struct record record = plain_reader_record(reader, RECORD_STATEMENT, lead);
	struct record_statement *statement = &record.statement;
	statement->sql = (struct slice){ window_data(&reader->window) + lead,
		                         reader->scanned - lead };
	if (plain_reader_check_zero(reader, statement->sql, record.place.line, err) < 0)
		return -1;
	statement->standard_strings = reader->splitter.standard_strings;
	statement->class = statement_classify(statement->sql, statement->standard_strings);
	if (read_toc(reader, record.lead, err) < 0)
		return -1;
	find_object(reader, statement);
	find_section(reader, statement);
	record.section = reader->section;
	record.place.statement = ++reader->statements;
	reader->end_mark_seen = false;
	if (statement->class == CLASS_COPY_IN && reader->is_piece)
		return plain_reader_damaged(reader, record.place.line, err,
		                            "a table's rows stand among statements");
	if (statement->class == CLASS_COPY_IN)
		return plain_reader_handle_copy(reader, &record, err);
	if (statement->class == CLASS_SET || statement->class == CLASS_SET_CONFIG) {
		if (plain_reader_follow_setting(reader, &record, err) < 0)
			return -1;
	}
	if (sink_write(reader->sink, &record, err) < 0)
		return -1;
	plain_reader_take(reader, reader->scanned);
	return plain_reader_end_line(reader, err);
}
