/* The pg_dump child's script on its way into our stream. */
#include <string.h>

#include "db_source_internal.h"
#include "inherited.h"
#include "session.h"

static const char banner[] =
	"--\n-- PostgreSQL database dump: idrestore checks and restores it;\n"
	"-- psql -X -1 -v ON_ERROR_STOP=1 -f restores it unchecked\n--\n\n";

static int put(struct definitions *definitions, struct slice lead, struct slice sql,
               enum statement_class class, struct err *err)
{
	struct record record = {
		.kind = RECORD_STATEMENT,
		.section = definitions->section,
		.place.statement = ++definitions->statements,
		.lead = lead,
		.statement = { sql, class, { SLICE_NONE, SLICE_NONE, SLICE_NONE, SLICE_NONE }, true },
	};
	return sink_write(definitions->next, &record, err);
}

/* One record a line: each line of the preamble is one statement. */
static int put_preamble(struct definitions *definitions, const char *lead, struct err *err)
{
	struct buf script = BUF_INIT;
	definitions->preamble_due = false;
	session_add_preamble(&script, definitions->encoding);
	int result = buf_check(&script, "the session's settings", err);
	const char *line = script.data;
	while (result == 0 && *line) {
		size_t len = strcspn(line, "\n");
		struct slice sql = { line, len };
		result = put(definitions, slice_of(lead), sql,
		             slice_starts(sql, "SET") ? CLASS_SET : CLASS_SET_CONFIG, err);
		line += len + 1;
		lead = "";
	}
	buf_release(&script);
	return result;
}

static bool is_preamble(const struct record_statement *statement)
{
	struct buf name = BUF_INIT, value = BUF_INIT;
	bool found = (statement->class == CLASS_SET || statement->class == CLASS_SET_CONFIG) &&
	             statement_setting(statement->sql, statement->standard_strings, &name,
	                               &value) &&
	             session_is_preamble_setting(buf_slice(&name));
	buf_release(&name);
	buf_release(&value);
	return found;
}

/*
 * Before the first object, and before the \unrestrict at the end, stand pg_dump's own comments: its
 * end mark must not be taken for ours.  Behind a statement, the writer ends the line.
 */
static struct slice lead_of(const struct definitions *definitions, const struct record *record)
{
	struct slice lead = record->lead;
	enum statement_class class = record->statement.class;
	if (!definitions->object_seen || class == CLASS_RESTRICT || class == CLASS_UNRESTRICT)
		return SLICE_NONE;
	if (slice_starts(lead, "\n"))
		lead = (struct slice){ lead.data + 1, lead.len - 1 };
	return lead;
}

/*
 * What pg_dump's data section holds beside the definitions of large objects: our own reading brings
 * it.  The comment above alone does not tell, since a schema may be called "x; Type: BLOBS".
 */
static bool is_data(const struct record_statement *statement)
{
	struct slice type = statement->object.type;
	switch (statement->class) {
	case CLASS_SETVAL:
		return slice_equals(type, "SEQUENCE SET");
	case CLASS_BEGIN:
	case CLASS_COMMIT:
	case CLASS_LARGE_OBJECT:
		return slice_equals(type, "BLOBS");
	default:
		return false;
	}
}

static int write_rows(struct definitions *definitions, struct err *err)
{
	definitions->section = SECTION_POST_DATA;
	return definitions->data(definitions->data_arg, definitions->next, err);
}

static int forward(struct definitions *definitions, const struct record *record, struct err *err)
{
	struct record out = *record;
	struct object object;
	struct slice comment;
	definitions->object_seen |= toc_comment_parse(record->lead, &object, &comment);
	if (definitions->inherited && !definitions->object_seen &&
	    inherited_is_dropped(definitions->inherited, record->statement.sql))
		return 0;
	if (definitions->section == SECTION_PRE_DATA && definitions->object_seen &&
	    statement_is_post_data(record->statement.sql, true) && write_rows(definitions, err) < 0)
		return -1;
	if (definitions->preamble_due && record->statement.class != CLASS_RESTRICT &&
	    put_preamble(definitions, "\n", err) < 0)
		return -1;
	out.lead = lead_of(definitions, record);
	out.section = definitions->section;
	out.place = (struct place){ .statement = ++definitions->statements };
	if (out.statement.class == CLASS_CONNECT)
		definitions->preamble_due = true;
	return sink_write(definitions->next, &out, err);
}

static int definitions_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct definitions *definitions = (struct definitions *)sink;
	if (record->kind == RECORD_HEADER || record->kind == RECORD_TRAILER)
		return 0;
	if (record->kind == RECORD_STATEMENT && is_data(&record->statement))
		return 0;
	if (record->kind == RECORD_DATA)
		return err_set(err, ERR_INPUT, "pg_dump wrote rows where only definitions were asked "
		                               "of it");
	return is_preamble(&record->statement) ? 0 : forward(definitions, record, err);
}

static const struct sink_ops definitions_ops = { .write = definitions_write };

void definitions_init(struct definitions *definitions, struct sink *next, const char *encoding,
                      definitions_data data, void *data_arg)
{
	*definitions = (struct definitions){
		.sink.ops = &definitions_ops,
		.next = next,
		.encoding = encoding,
		.data = data,
		.data_arg = data_arg,
	};
}

int definitions_begin(struct definitions *definitions, struct err *err)
{
	return put_preamble(definitions, banner, err);
}

int definitions_run(struct definitions *definitions, struct pg_dump *child, struct err *err)
{
	definitions->section = SECTION_PRE_DATA;
	if (child && pg_dump_run(child, &definitions->sink, err) < 0)
		return -1;
	/* Nothing behind the rows: no key, no index, no right. */
	return definitions->section == SECTION_PRE_DATA ? write_rows(definitions, err) : 0;
}
