#include "plain_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain_piece.h"
#include "plain_reader_internal.h"

int plain_reader_scan(struct plain_reader *reader, enum split_event *event, struct err *err)
{
	for (;;) {
		size_t have = window_bytes(&reader->window) - reader->scanned;
		if (have > 0) {
			const char *data = window_data(&reader->window) + reader->scanned;
			reader->scanned += splitter_scan(&reader->splitter, data, have, event);
			if (*event != SPLIT_MORE)
				return 1;
		}
		int filled = window_fill(&reader->window, err);
		if (filled <= 0)
			return filled;
	}
}

void plain_reader_take(struct plain_reader *reader, size_t bytes)
{
	window_take(&reader->window, bytes);
	reader->scanned = 0;
	reader->bom_bytes = 0;
}

int plain_reader_damaged(const struct plain_reader *reader, uint64_t line, struct err *err,
                         const char *format, ...)
{
	char text[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return err_set(err, ERR_INPUT, "%s:%llu: %s", reader->name,
	               (unsigned long long)line, text);
}

struct record plain_reader_record(const struct plain_reader *reader, enum record_kind kind,
                                  size_t lead_bytes)
{
	struct record record = { .kind = kind, .section = reader->section };
	record.lead = (struct slice){ window_data(&reader->window), lead_bytes };
	record.place.line = reader->window.line + rows_count(record.lead);
	record.place.statement = reader->statements;
	record.place.name = reader->name;
	return record;
}

int plain_reader_end_line(struct plain_reader *reader, struct err *err)
{
	if (!reader->own)
		return 0;
	if (window_bytes(&reader->window) == 0 && window_fill(&reader->window, err) < 0)
		return -1;
	if (window_bytes(&reader->window) > 0 && window_data(&reader->window)[0] == '\n')
		plain_reader_take(reader, 1);
	return 0;
}

/* Comments that no statement follows go on as a record of their own, so that nothing is lost. */
int plain_reader_deliver_comments(struct plain_reader *reader, size_t bytes, struct err *err)
{
	if (bytes == 0)
		return 0;
	struct record record = plain_reader_record(reader, RECORD_STATEMENT, bytes);
	record.statement.class = CLASS_EMPTY;
	if (sink_write(reader->sink, &record, err) < 0)
		return -1;
	plain_reader_take(reader, bytes);
	return 0;
}

/* A line comment in front of a statement: ours to mark something, or pg_dump's end mark? */
static int handle_comment(struct plain_reader *reader, struct err *err)
{
	const char *data = window_data(&reader->window);
	const char *before = memrchr(data, '\n', reader->scanned - 1);
	size_t line_start = before ? (size_t)(before + 1 - data) : reader->bom_bytes;
	struct slice line = { data + line_start, reader->scanned - line_start };
	if (reader->own)
		return slice_starts(line, PLAIN_MARK)
		           ? plain_reader_handle_mark(reader, line_start, err)
		           : 0;
	/* Else a stream of ours whose first line is damaged would pass for somebody else's. */
	if (slice_starts(line, PLAIN_MARK))
		return plain_reader_damaged(
			reader, reader->window.line + rows_count((struct slice){ data, line_start }), err,
			"a mark of idkit's stands in a script that does not begin with idkit's header: "
			"its beginning is missing or damaged");
	plain_reader_follow_comment(reader, line);
	return 0;
}

/* "\name" of "\name argument": the window's bytes behind the line are none of it. */
static struct slice command_name(struct slice line)
{
	size_t len = 0;
	while (len < line.len && !strchr(" \t\r\n", line.data[len]))
		len++;
	return (struct slice){ line.data, len };
}

static int handle_meta_command(struct plain_reader *reader, struct err *err)
{
	size_t lead = reader->scanned - 1;
	if (reader->splitter.has_token) {
		uint64_t line = reader->window.line +
		                rows_count((struct slice){ window_data(&reader->window), lead });
		return plain_reader_damaged(reader, line, err,
		                            "a backslash stands inside a statement: psql's commands "
		                            "are never executed, remove it");
	}
	ssize_t end = window_line_end(&reader->window, reader->scanned, err);
	if (end < 0)
		return -1;
	struct record record = plain_reader_record(reader, RECORD_STATEMENT, lead);
	struct slice line = { window_data(&reader->window) + lead, (size_t)end - lead };
	record.place.statement = ++reader->statements;
	record.statement.sql = slice_trim(line);
	if (plain_reader_check_zero(reader, record.statement.sql, record.place.line, err) < 0)
		return -1;
	record.statement.class = statement_classify(record.statement.sql, true);
	if (!statement_is_command(record.statement.class))
		return plain_reader_damaged(
			reader, record.place.line, err,
			"psql's command \"%.*s\" is refused: nothing is executed on a script's behalf, "
			"remove the line",
			SLICE_ARG(command_name(record.statement.sql)));
	/* pg_dump's \unrestrict stands behind its end mark, other commands before it. */
	reader->end_mark_seen &= record.statement.class == CLASS_UNRESTRICT;
	if (record.statement.class == CLASS_ENCODING &&
	    plain_reader_follow_setting(reader, &record, err) < 0)
		return -1;
	if (sink_write(reader->sink, &record, err) < 0)
		return -1;
	plain_reader_take(reader, lead + record.statement.sql.len);
	splitter_restart(&reader->splitter);
	return plain_reader_end_line(reader, err);
}

static int no_end_mark(struct plain_reader *reader, struct err *err)
{
	const struct slice rest = { window_data(&reader->window), window_bytes(&reader->window) };
	/* In a pipe the reason stands above, in the words of the program that should have written. */
	if (rest.len == 0 && reader->statements == 0)
		return err_set(err, ERR_INPUT, "%s is empty", reader->name);
	return plain_reader_damaged(
		reader, reader->window.line + rows_count(rest), err,
		"the script has no end mark (pg_dump's \"PostgreSQL database dump complete\"): it is "
		"truncated, or not pg_dump's; --allow-incomplete accepts it");
}

/* Everything is read: what is left are white space and comments. */
static int deliver_trailer(struct plain_reader *reader, struct err *err)
{
	const char *data = window_data(&reader->window);
	size_t bytes = window_bytes(&reader->window);
	const char *before = bytes ? memrchr(data, '\n', bytes) : NULL;
	size_t line_start = before ? (size_t)(before + 1 - data) : 0;
	plain_reader_follow_comment(reader, (struct slice){ data + line_start, bytes - line_start });
	if (!reader->end_mark_seen && !reader->options.allow_incomplete)
		return no_end_mark(reader, err);
	struct record record = plain_reader_record(reader, RECORD_TRAILER, bytes);
	record.trailer.end = reader->end_mark_seen ? STREAM_END_PG_DUMP : STREAM_END_NONE;
	reader->done = true;
	if (sink_write(reader->sink, &record, err) < 0)
		return -1;
	plain_reader_take(reader, bytes);
	return 0;
}

static int end_piece(struct plain_reader *reader, enum split_open open, struct err *err)
{
	if (open != SPLIT_OPEN_NOTHING)
		return plain_reader_damaged(reader, reader->window.line, err,
		                            "the statement that begins behind this line has no end");
	reader->done = true;
	return plain_reader_deliver_comments(reader, window_bytes(&reader->window), err);
}

static int handle_end(struct plain_reader *reader, struct err *err)
{
	/* A last '-' or '/' is not in the lead, though the splitter, which waits for the next byte,
	 * does not know yet that it is a token. */
	size_t lead = reader->bom_bytes + splitter_lead_bytes(&reader->splitter);
	bool has_token = reader->splitter.has_token;
	enum split_open open = splitter_end(&reader->splitter);
	if (open != SPLIT_OPEN_NOTHING && open != SPLIT_OPEN_STATEMENT)
		return plain_reader_damaged(reader, reader->window.line, err,
		                            "the input ends %s, in a statement that begins behind this "
		                            "line: it is truncated",
		                            split_open_text(open));
	if (reader->is_piece)
		return end_piece(reader, open, err);
	if (reader->own)
		return plain_reader_damaged(reader, reader->window.line, err,
		                            "the stream ends before its trailer: it is truncated");
	/* Half a statement is not for the server to judge. */
	if (open == SPLIT_OPEN_STATEMENT && !reader->options.allow_incomplete)
		return no_end_mark(reader, err);
	if (open == SPLIT_OPEN_STATEMENT)
		return plain_reader_handle_statement(reader, has_token ? lead : lead - 1, err);
	return deliver_trailer(reader, err);
}

static int step(struct plain_reader *reader, struct err *err)
{
	enum split_event event;
	int found = plain_reader_scan(reader, &event, err);
	if (found <= 0)
		return found < 0 ? -1 : handle_end(reader, err);
	switch (event) {
	case SPLIT_COMMENT:
		return handle_comment(reader, err);
	case SPLIT_BACKSLASH:
		return handle_meta_command(reader, err);
	default:
		return plain_reader_handle_statement(
			reader, reader->bom_bytes + splitter_lead_bytes(&reader->splitter), err);
	}
}

static int begin(struct plain_reader *reader, struct err *err)
{
	if (plain_reader_read_header(reader, err) < 0)
		return -1;
	struct record record = plain_reader_record(reader, RECORD_HEADER, 0);
	record.header = reader->header;
	return sink_write(reader->sink, &record, err);
}

static int run(struct plain_reader *reader, struct err *err)
{
	while (!reader->done)
		if (step(reader, err) < 0)
			return -1;
	return 0;
}

static int reader_run(struct source *source, struct sink *sink, struct err *err)
{
	struct plain_reader *reader = (struct plain_reader *)source;
	reader->sink = sink;
	return begin(reader, err) < 0 ? -1 : run(reader, err);
}

static void release(struct plain_reader *reader)
{
	window_release(&reader->window);
	input_free(reader->input);
	stream_header_free(reader->header);
	plain_chunks_free(reader->chunks);
	hash_stream_free(reader->hash);
	hash_stream_free(reader->chunk_hash);
	buf_release(&reader->toc_text);
	buf_release(&reader->names);
}

static void reader_free(struct source *source)
{
	release((struct plain_reader *)source);
	free(source);
}

static void reader_stop(struct source *source)
{
	input_stop(((struct plain_reader *)source)->input);
}

static const struct source_ops reader_ops = {
	.run = reader_run,
	.free = reader_free,
	.stop = reader_stop,
};

int plain_piece_read(struct slice text, const char *name, enum section folder,
                     struct plain_piece_state *state, struct sink *sink, struct err *err)
{
	/* What stands before the first mark of a script has no section; the roles stand apart. */
	enum section before = state->section > SECTION_GLOBALS ? state->section : SECTION_NONE;
	struct plain_reader reader = {
		.name = name,
		.sink = sink,
		.own = true,
		.is_piece = true,
		.folder = folder,
		.section = folder == SECTION_PRE_DATA ? before : folder,
		.statements = state->statements,
	};
	splitter_init(&reader.splitter);
	reader.splitter.standard_strings = state->standard_strings;
	window_init_memory(&reader.window, text, name);
	int result = run(&reader, err);
	*state = (struct plain_piece_state){ reader.section, reader.statements,
		                             reader.splitter.standard_strings };
	release(&reader);
	return result;
}

struct source *plain_reader_new(struct input *input, const struct plain_reader_options *options,
                                struct err *err)
{
	struct plain_reader *reader = calloc(1, sizeof(*reader));
	if (!reader) {
		input_free(input);
		err_memory(err, "a reader");
		return NULL;
	}
	reader->source.ops = &reader_ops;
	reader->input = input;
	reader->name = input_name(input);
	reader->options = *options;
	splitter_init(&reader->splitter);
	reader->hash = hash_stream_new(err);
	reader->chunk_hash = hash_stream_new(err);
	if (!reader->hash || !reader->chunk_hash ||
	    window_init(&reader->window, input, err) < 0 ||
	    (options->packed && plain_chunks_new(reader, err) < 0)) {
		reader_free(&reader->source);
		return NULL;
	}
	return &reader->source;
}
