#include "strip.h"

#include <stdlib.h>
#include <string.h>

#include "chunk.h"
#include "header.h"
#include "regex.h"
#include "token.h"

/* The patterns of one kind. */
struct patterns {
	struct regex **items;
	struct strip_count *counts;
	size_t count;
};

struct strip_filter {
	struct sink sink;
	struct sink *next;
	const struct log *log;
	struct patterns strip;
	struct patterns keep;
	struct strip_stats stats;
	struct strip_count *current; /* the pattern's account of the COPY block that passes */
	bool dropping;               /* that block */
	bool count_rows;
	struct unpacker *unpacker; /* made for the first chunk that it is needed for */
	struct buf packed;
	uint64_t dropped_rows;
	struct buf scratch;  /* the text that is matched */
	struct buf comments; /* of statements that went: free-standing ones, to be written */
	struct buf held;     /* of these, pg_dump's about an object of which more may follow */
	bool after_command;  /* psql's command passed last: it ends with its line, */
	bool newline_owed;   /* and the statement on the next line went */
	struct buf lead;
};

static int compile(struct patterns *patterns, const char *const *texts, size_t count,
                   bool ignore_case, struct err *err)
{
	patterns->items = calloc(count + 1, sizeof(struct regex *));
	patterns->counts = calloc(count + 1, sizeof(*patterns->counts));
	if (!patterns->items || !patterns->counts)
		return err_memory(err, "the patterns");
	for (; patterns->count < count; patterns->count++) {
		patterns->items[patterns->count] =
			regex_new(texts[patterns->count], ignore_case, err);
		if (!patterns->items[patterns->count])
			return -1;
	}
	return 0;
}

static void patterns_release(struct patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++)
		regex_free(patterns->items[i]);
	free(patterns->items);
	free(patterns->counts);
}

/* The first pattern that matches: *which is its account.  1, 0 or -1. */
static int match(const struct patterns *patterns, struct slice text, struct strip_count **which,
                 struct err *err)
{
	for (size_t i = 0; i < patterns->count; i++) {
		int found = regex_match(patterns->items[i], text, err);
		if (found > 0)
			*which = &patterns->counts[i];
		if (found != 0)
			return found;
	}
	return 0;
}

/* Does the statement go?  1, 0 or -1; *account is who says so. */
static int decide(struct strip_filter *filter, struct slice sql, bool standard_strings,
                  enum statement_class class, struct strip_count **account, struct err *err)
{
	struct slice text = statement_without_bodies(sql, standard_strings, &filter->scratch);
	*account = NULL;
	int stripped = match(&filter->strip, text, account, err);
	if (stripped != 0 || filter->keep.count == 0)
		return stripped;
	int kept = match(&filter->keep, text, account, err);
	if (kept != 0)
		return kept < 0 ? -1 : 0;
	/* What the other statements need stays, whatever -x says. */
	if (statement_is_session(class))
		return 0;
	*account = &filter->stats.unmatched;
	return 1;
}

/* Comments of a statement that goes; white space goes with what it stands in front of. */
static void keep_comments(struct strip_filter *filter, struct slice lead)
{
	struct object object;
	struct slice comment;
	struct slice loose = lead;
	bool has_toc = toc_comment_parse(lead, &object, &comment);
	if (has_toc)
		loose.len = (size_t)(comment.data - lead.data);
	bool is_loose = slice_trim(loose).len > 0;
	filter->newline_owed = filter->after_command;
	if (is_loose)
		buf_add_slice(&filter->comments, loose);
	if (has_toc) {
		size_t before = is_loose ? loose.len : 0;
		buf_reset(&filter->held);
		buf_add_slice(&filter->held,
		              (struct slice){ lead.data + before, lead.len - before });
	}
}

static bool has_toc_comment(const struct record *record)
{
	struct object object;
	struct slice comment;
	return toc_comment_parse(record->lead, &object, &comment);
}

/* May the record be about the object whose comment is held?  pg_dump writes settings before the
 * comment of the object that needs them, never behind it. */
static bool may_take_held(const struct record *record)
{
	if (record->kind == RECORD_STATEMENT)
		return record->statement.class != CLASS_EMPTY &&
		       !statement_is_session(record->statement.class);
	return record->kind == RECORD_DATA;
}

static bool begins_line(struct slice text)
{
	size_t blanks = 0;
	while (blanks < text.len && strchr(" \t\r", text.data[blanks]))
		blanks++;
	return blanks < text.len && text.data[blanks] == '\n';
}

static bool is_command(const struct record *record)
{
	return record->kind == RECORD_STATEMENT && statement_is_command(record->statement.class);
}

/* What stands before the record, with the comments that wait: in filter->lead. */
static void gather_lead(struct strip_filter *filter, struct slice lead, bool takes_held)
{
	struct slice comments = buf_slice(&filter->comments);
	struct slice held = takes_held ? buf_slice(&filter->held) : SLICE_NONE;
	struct slice front = comments.len ? comments : held.len ? held : lead;
	buf_reset(&filter->lead);
	if (filter->newline_owed && !begins_line(front))
		buf_addc(&filter->lead, '\n');
	buf_add_slice(&filter->lead, comments);
	buf_add_slice(&filter->lead, held);
	buf_add_slice(&filter->lead, lead);
	buf_reset(&filter->comments);
	if (takes_held)
		buf_reset(&filter->held);
}

/* A packed chunk's lead is packed, too: comments go before it on their own. */
static int pass_comments(struct strip_filter *filter, const struct record *record, struct err *err)
{
	const struct record comments = {
		.kind = RECORD_STATEMENT,
		.section = record->section,
		.place = record->place,
		.lead = buf_slice(&filter->lead),
		.statement.class = CLASS_EMPTY,
	};
	return filter->lead.len > 0 ? sink_write(filter->next, &comments, err) : 0;
}

/* Passes a record on, with the comments that came before it. */
static int pass(struct strip_filter *filter, const struct record *record, struct err *err)
{
	if (filter->held.len > 0 && has_toc_comment(record))
		buf_reset(&filter->held);
	bool takes_held = filter->held.len > 0 && may_take_held(record);
	struct record out = *record;
	bool is_chunk = record->kind == RECORD_DATA && record->data.chunk;
	if (filter->comments.len > 0 || takes_held || filter->newline_owed) {
		gather_lead(filter, is_chunk ? SLICE_NONE : record->lead, takes_held);
		if (buf_check(&filter->lead, "a comment", err) < 0 ||
		    (is_chunk && pass_comments(filter, record, err) < 0))
			return -1;
		if (!is_chunk)
			out.lead = buf_slice(&filter->lead);
	}
	filter->newline_owed = false;
	filter->after_command = is_command(record);
	return sink_write(filter->next, &out, err);
}

static void count_statement(struct strip_filter *filter, bool goes, struct strip_count *account)
{
	filter->stats.read.statements++;
	filter->stats.stripped.statements += goes;
	if (account)
		account->statements++;
}

static int handle_statement(struct strip_filter *filter, const struct record *record,
                            struct err *err)
{
	const struct record_statement *statement = &record->statement;
	struct strip_count *account;
	/* Roles are not the database's: patterns are for that. */
	if (statement->class == CLASS_EMPTY || record->section == SECTION_GLOBALS)
		return pass(filter, record, err);
	int goes = decide(filter, statement->sql, statement->standard_strings, statement->class,
	                  &account, err);
	if (goes < 0)
		return err_prefix(err, "line %llu", (unsigned long long)record->place.line);
	count_statement(filter, goes, account);
	if (!goes)
		return pass(filter, record, err);
	log_detail(filter->log, "line %llu: stripped: %.*s", (unsigned long long)record->place.line,
	           (int)(statement->sql.len < 72 ? statement->sql.len : 72), statement->sql.data);
	keep_comments(filter, record->lead);
	return 0;
}

/* The first record of a COPY block decides for all of it. */
static int begin_block(struct strip_filter *filter, const struct record *record, struct err *err)
{
	struct slice copy = slice_trim(record->data.copy);
	int goes = decide(filter, copy, true, CLASS_COPY_IN, &filter->current, err);
	if (goes < 0)
		return err_prefix(err, "line %llu", (unsigned long long)record->place.line);
	count_statement(filter, goes, filter->current);
	filter->dropping = goes;
	filter->dropped_rows = 0;
	if (goes)
		keep_comments(filter, record->lead);
	return 0;
}

static int unpack_rows(struct strip_filter *filter, const struct record_data *data, uint64_t *rows,
                       struct err *err)
{
	struct slice unpacked;
	if (!filter->unpacker && !(filter->unpacker = unpacker_new(err)))
		return -1;
	if (chunk_unpack(filter->unpacker, data->chunk, data->copy, &unpacked, err) < 0)
		return -1;
	*rows = rows_count(unpacked);
	return 0;
}

/* The rows of a chunk, as far as they are asked for; one that goes is checked. */
static int look_at_chunk(struct strip_filter *filter, const struct record_data *data,
                         uint64_t *rows, struct err *err)
{
	const struct chunk *chunk = data->chunk;
	*rows = chunk->rows;
	if (!chunk->counted && (filter->dropping || filter->count_rows))
		return unpack_rows(filter, data, rows, err);
	if (!filter->dropping || !chunk->lasting)
		return 0;
	return chunk_read(chunk, &filter->packed, err) < 0
	               ? -1
	               : chunk_check(chunk, buf_slice(&filter->packed), err);
}

static int handle_data(struct strip_filter *filter, const struct record *record, struct err *err)
{
	const struct record_data *data = &record->data;
	uint64_t rows = data->row_count;
	if (data->first && begin_block(filter, record, err) < 0)
		return -1;
	if (data->chunk && look_at_chunk(filter, data, &rows, err) < 0)
		return -1;
	filter->stats.read.rows += rows;
	if (filter->current)
		filter->current->rows += rows;
	if (!filter->dropping)
		return pass(filter, record, err);
	filter->stats.stripped.rows += rows;
	filter->dropped_rows += rows;
	if (data->last && filter->dropped_rows > 0)
		log_note(filter->log, "stripped COPY %.*s%s%.*s with its %llu rows",
		         SLICE_ARG(data->table->schema), data->table->schema.len ? "." : "",
		         SLICE_ARG(data->table->name), (unsigned long long)filter->dropped_rows);
	return 0;
}

static int describe(struct stream_header *header, const char *option,
                    const struct patterns *patterns, struct err *err)
{
	struct buf text = BUF_INIT;
	int result = 0;
	for (size_t i = 0; result == 0 && i < patterns->count; i++) {
		buf_reset(&text);
		buf_addf(&text, "%s %s", option, regex_pattern(patterns->items[i]));
		result = buf_check(&text, "a stream's header", err);
		if (result == 0)
			result = stream_header_add_filter(header, text.data, err);
	}
	buf_release(&text);
	return result;
}

/* A stream of ours says which filters it has passed. */
static int handle_header(struct strip_filter *filter, const struct record *record, struct err *err)
{
	if (!stream_header_own(record->header))
		return sink_write(filter->next, record, err);
	struct stream_header *header = stream_header_copy(record->header, err);
	int result = -1;
	if (header && describe(header, "-v", &filter->strip, err) == 0 &&
	    describe(header, "-x", &filter->keep, err) == 0) {
		struct record out = *record;
		out.header = header;
		result = sink_write(filter->next, &out, err);
	}
	stream_header_free(header);
	return result;
}

static int strip_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct strip_filter *filter = (struct strip_filter *)sink;
	switch (record->kind) {
	case RECORD_HEADER:
		return handle_header(filter, record, err);
	case RECORD_STATEMENT:
		return handle_statement(filter, record, err);
	case RECORD_DATA:
		return handle_data(filter, record, err);
	default:
		return pass(filter, record, err);
	}
}

static int strip_finish(struct sink *sink, struct err *err)
{
	return sink_finish(((struct strip_filter *)sink)->next, err);
}

static void strip_free(struct sink *sink)
{
	struct strip_filter *filter = (struct strip_filter *)sink;
	sink_free(filter->next);
	unpacker_free(filter->unpacker);
	buf_release(&filter->packed);
	patterns_release(&filter->strip);
	patterns_release(&filter->keep);
	buf_release(&filter->scratch);
	buf_release(&filter->comments);
	buf_release(&filter->held);
	buf_release(&filter->lead);
	free(filter);
}

static const struct sink_ops strip_ops = {
	.write = strip_write,
	.finish = strip_finish,
	.free = strip_free,
};

struct sink *strip_filter_new(const struct strip_options *options, struct sink *next,
                              const struct log *log, struct err *err)
{
	struct strip_filter *filter = calloc(1, sizeof(*filter));
	if (!filter) {
		sink_free(next);
		err_memory(err, "a filter");
		return NULL;
	}
	filter->sink.ops = &strip_ops;
	filter->next = next;
	filter->log = log;
	filter->count_rows = options->count_rows;
	if (compile(&filter->strip, options->strip, options->strip_count, options->ignore_case,
	            err) < 0 ||
	    compile(&filter->keep, options->keep, options->keep_count, options->ignore_case, err) <
	        0) {
		strip_free(&filter->sink);
		return NULL;
	}
	return &filter->sink;
}

const struct strip_stats *strip_filter_stats(const struct sink *filter)
{
	return &((const struct strip_filter *)filter)->stats;
}

struct strip_count strip_filter_stripped(const struct sink *filter, size_t pattern)
{
	return ((const struct strip_filter *)filter)->strip.counts[pattern];
}

struct strip_count strip_filter_kept(const struct sink *filter, size_t pattern)
{
	return ((const struct strip_filter *)filter)->keep.counts[pattern];
}
