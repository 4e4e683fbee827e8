#include <string.h>

#include "db_source_internal.h"
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

static int put_command(struct definitions *definitions, const char *command,
                       enum statement_class class, struct err *err)
{
	struct buf text = BUF_INIT;
	buf_adds(&text, command);
	buf_addc(&text, ' ');
	buf_add_slice(&text, buf_slice(&definitions->key));
	int result = buf_check(&text, "a statement", err);
	if (result == 0)
		result = put(definitions, SLICE_LITERAL("\n"), buf_slice(&text), class, err);
	buf_release(&text);
	return result;
}

/* What was kept back until it was sure that something follows. */
static int put_due(struct definitions *definitions, const struct record *record, struct err *err)
{
	if (definitions->held.len > 0) {
		buf_reset(&definitions->held);
		if (put_command(definitions, "\\unrestrict", CLASS_UNRESTRICT, err) < 0)
			return -1;
	}
	if (definitions->preamble_due && record->statement.class != CLASS_RESTRICT)
		return put_preamble(definitions, "\n", err);
	return 0;
}

static int handle_restrict(struct definitions *definitions, const struct record *record,
                           struct err *err)
{
	if (definitions->section == SECTION_POST_DATA)
		return 0;
	if (put_due(definitions, record, err) < 0)
		return -1;
	struct slice sql = record->statement.sql;
	size_t command = strlen("\\restrict");
	buf_reset(&definitions->key);
	buf_add_slice(&definitions->key,
	              slice_trim((struct slice){ sql.data + command, sql.len - command }));
	if (buf_check(&definitions->key, "a statement", err) < 0)
		return -1;
	return put_command(definitions, "\\restrict", CLASS_RESTRICT, err);
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

/* Before the first object stand pg_dump's own comments, which ours replace.  Behind a statement, the
 * writer ends the line. */
static struct slice lead_of(struct definitions *definitions, const struct record *record)
{
	struct object object;
	struct slice comment, lead = record->lead;
	definitions->object_seen |= toc_comment_parse(lead, &object, &comment);
	if (!definitions->object_seen)
		return SLICE_NONE;
	if (slice_starts(lead, "\n"))
		lead = (struct slice){ lead.data + 1, lead.len - 1 };
	return lead;
}

static int forward(struct definitions *definitions, const struct record *record, struct err *err)
{
	struct record out = *record;
	out.lead = lead_of(definitions, record);
	if (definitions->drops_only && definitions->object_seen)
		return 0;
	if (put_due(definitions, record, err) < 0)
		return -1;
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
	if (record->kind == RECORD_DATA)
		return err_set(err, ERR_INPUT, "pg_dump wrote rows where only definitions were asked "
		                               "of it");
	switch (record->statement.class) {
	case CLASS_RESTRICT:
		return definitions->drops_only ? 0 : handle_restrict(definitions, record, err);
	case CLASS_UNRESTRICT:
		if (definitions->section == SECTION_PRE_DATA && !definitions->drops_only)
			buf_adds(&definitions->held, "held");
		return buf_check(&definitions->held, "a statement", err);
	default:
		return is_preamble(&record->statement) ? 0 : forward(definitions, record, err);
	}
}

static int definitions_finish(struct sink *sink, struct err *err)
{
	(void)sink;
	(void)err;
	return 0;
}

static void definitions_free(struct sink *sink)
{
	(void)sink;
}

static const struct sink_ops definitions_ops = { definitions_write, definitions_finish,
	                                         definitions_free };

void definitions_init(struct definitions *definitions, const char *encoding)
{
	*definitions = (struct definitions){ .sink.ops = &definitions_ops, .encoding = encoding };
}

void definitions_release(struct definitions *definitions)
{
	buf_release(&definitions->key);
	buf_release(&definitions->held);
}

int definitions_begin(struct definitions *definitions, struct sink *sink, struct err *err)
{
	definitions->next = sink;
	return put_preamble(definitions, banner, err);
}

static int run(struct definitions *definitions, struct pg_dump *child, enum section section,
               bool drops_only, struct err *err)
{
	definitions->section = section;
	definitions->drops_only = drops_only;
	definitions->object_seen = false;
	int result = pg_dump_run(child, &definitions->sink, err);
	buf_reset(&definitions->held);
	return result;
}

int definitions_run_drops(struct definitions *definitions, struct pg_dump *child, struct err *err)
{
	return run(definitions, child, SECTION_PRE_DATA, true, err);
}

int definitions_run(struct definitions *definitions, struct pg_dump *child, enum section section,
                    struct err *err)
{
	return run(definitions, child, section, false, err);
}

int definitions_end(struct definitions *definitions, struct err *err)
{
	if (definitions->key.len == 0)
		return 0;
	return put_command(definitions, "\\unrestrict", CLASS_UNRESTRICT, err);
}
