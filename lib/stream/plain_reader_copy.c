/* COPY … FROM stdin and its rows. */
#include <stdlib.h>
#include <string.h>

#include "plain_reader_internal.h"

/* A COPY block on its way through. */
struct block {
	struct plain_reader *reader;
	struct plain_chunks *chunks; /* NULL: rows are delivered as such */
	struct record record;        /* what all its pieces share */
	struct copy_table table;
	uint64_t first_line;
	uint64_t rows;
};

/* The end-of-data line at the window's start: its length, 0 when it is none, -1 when more of the
 * input is needed to tell. */
static ssize_t end_line(const struct window *window)
{
	const char *data = window_data(window);
	size_t have = window_bytes(window);
	size_t known = have < 2 ? have : 2;
	if (memcmp(data, "\\.", known) != 0)
		return 0;
	if (have >= 3 && data[2] == '\n')
		return 3;
	if (have >= 4 && data[2] == '\r' && data[3] == '\n')
		return 4;
	if (window->at_end)
		return have == 2 || (have == 3 && data[2] == '\r') ? (ssize_t)have : 0;
	return have < 3 || (have == 3 && data[2] == '\r') ? -1 : 0;
}

/* The whole rows at the window's start: up to a line that may be the end, or to the last newline. */
static size_t whole_rows(const struct window *window)
{
	const char *data = window_data(window);
	size_t have = window_bytes(window);
	const char *end = copy_find_end(data, have);
	if (!end)
		end = memrchr(data, '\n', have);
	return end ? (size_t)(end + 1 - data) : 0;
}

/* The first row says how all of the block end. */
static void count_rows(struct block *block, struct slice rows)
{
	struct record_data *data = &block->record.data;
	data->row_count = rows_count(rows);
	if (block->rows == 0 && data->row_count > 0) {
		const char *newline = rows.data ? memchr(rows.data, '\n', rows.len) : NULL;
		data->crlf = newline && newline > rows.data && newline[-1] == '\r';
	}
	block->rows += data->row_count;
}

static int deliver(struct block *block, struct slice rows, struct slice end, bool last,
                   struct err *err)
{
	struct record *record = &block->record;
	struct record_data *data = &record->data;
	if (!data->first)
		record->place.line = block->reader->window.line;
	data->rows = rows;
	data->end = end;
	data->last = last;
	if (sink_write(block->reader->sink, record, err) < 0)
		return -1;
	record->lead = SLICE_NONE;
	data->copy = SLICE_NONE;
	data->first = false;
	return 0;
}

static int ended_inside(struct block *block, struct err *err)
{
	return plain_reader_damaged(
		block->reader, block->reader->window.line, err,
		"the input ends inside the rows of %.*s%s%.*s, whose COPY is at line %llu: it is truncated",
		SLICE_ARG(block->table.schema), block->table.schema.len ? "." : "",
		SLICE_ARG(block->table.name), (unsigned long long)block->first_line);
}

static int deliver_rows(struct block *block, size_t bytes, struct err *err)
{
	struct plain_reader *reader = block->reader;
	struct slice rows = { window_data(&reader->window), bytes };
	count_rows(block, rows);
	if (block->chunks
	        ? plain_chunks_add(block->chunks, reader, &block->record.data, rows, err) < 0
	        : deliver(block, rows, SLICE_NONE, false, err) < 0)
		return -1;
	if (reader->own)
		hash_stream_add(reader->chunk_hash, rows.data, rows.len);
	window_take_lines(&reader->window, bytes, block->record.data.row_count);
	return 0;
}

/* Behind each block of ours stands a line with its rows and hash: it must be exactly this one. */
static int check_chunk_mark(struct block *block, size_t end_bytes, size_t *mark_bytes,
                            struct err *err)
{
	struct plain_reader *reader = block->reader;
	struct buf expected = BUF_INIT;
	int result = -1;
	plain_chunk_mark(&expected, block->rows, hash_stream_value(reader->chunk_hash));
	if (buf_check(&expected, "a chunk's mark", err) < 0)
		goto out;
	ssize_t line_end = window_line_end(&reader->window, end_bytes, err);
	if (line_end < 0)
		goto out;
	struct slice found = { window_data(&reader->window) + end_bytes,
		               (size_t)line_end - end_bytes };
	if (found.len == expected.len && memcmp(found.data, expected.data, found.len) == 0) {
		*mark_bytes = found.len;
		result = 0;
	} else if (reader->window.at_end && !memchr(found.data, '\n', found.len)) {
		result = ended_inside(block, err);
	} else {
		plain_reader_damaged(reader, block->first_line, err,
		                     "the rows of %.*s.%.*s from this line to line %llu are damaged: "
		                     "they don't fit their hash",
		                     SLICE_ARG(block->table.schema), SLICE_ARG(block->table.name),
		                     (unsigned long long)reader->window.line);
	}
out:
	buf_release(&expected);
	return result;
}

static int deliver_end(struct block *block, size_t end_bytes, struct err *err)
{
	struct plain_reader *reader = block->reader;
	size_t mark_bytes = 0;
	if (reader->own &&
	    check_chunk_mark(block, end_bytes, &mark_bytes, err) < 0)
		return -1;
	struct slice end = { window_data(&reader->window), end_bytes };
	count_rows(block, SLICE_NONE);
	if (block->chunks ? plain_chunks_end(block->chunks, reader, err) < 0
	                  : deliver(block, SLICE_NONE, end, true, err) < 0)
		return -1;
	plain_reader_take(reader, end_bytes + mark_bytes);
	splitter_restart(&reader->splitter);
	return 0;
}

static int read_rows(struct block *block, struct err *err)
{
	struct window *window = &block->reader->window;
	for (;;) {
		ssize_t end = window_bytes(window) > 0 ? end_line(window) : -1;
		if (end > 0)
			return deliver_end(block, (size_t)end, err);
		size_t bytes = end == 0 ? whole_rows(window) : 0;
		if (bytes > 0) {
			if (deliver_rows(block, bytes, err) < 0)
				return -1;
			continue;
		}
		int filled = window_fill(window, err);
		if (filled < 0)
			return -1;
		if (filled == 0 && (window_bytes(window) == 0 || end_line(window) <= 0))
			return ended_inside(block, err);
	}
}

/* The rows begin on the next line; behind the semicolon nothing else may stand on this one. */
static ssize_t statement_line_end(struct plain_reader *reader, uint64_t line, struct err *err)
{
	ssize_t end = window_line_end(&reader->window, reader->scanned, err);
	if (end < 0)
		return -1;
	struct slice rest = { window_data(&reader->window) + reader->scanned,
		              (size_t)end - reader->scanned };
	if (slice_trim(rest).len > 0)
		return plain_reader_damaged(reader, line, err,
		                            "text follows a COPY … FROM stdin on its line: its rows "
		                            "begin on the next");
	return end;
}

/* What the block's records share; its texts are in the window. */
static void fill_record(struct block *block, const struct record *statement, struct slice copy)
{
	struct plain_reader *reader = block->reader;
	block->record = plain_reader_record(reader, RECORD_DATA, statement->lead.len);
	block->record.data = (struct record_data){
		.table = &block->table,
		.object = statement->statement.object,
		.copy = copy,
		.first = true,
		.pristine = reader->own,
	};
}

/* The COPY line goes on before the window moves. */
static int begin_rows(struct block *block, struct err *err)
{
	struct plain_reader *reader = block->reader;
	/* In other formats a row may be of many lines. */
	block->chunks = block->table.text_format ? reader->chunks : NULL;
	hash_stream_reset(reader->chunk_hash);
	if (block->chunks)
		return plain_chunks_begin(block->chunks, &block->record, err);
	count_rows(block, SLICE_NONE);
	return deliver(block, SLICE_NONE, SLICE_NONE, false, err);
}

int plain_reader_handle_copy(struct plain_reader *reader, struct record *statement,
                             struct err *err)
{
	struct copy_target target = COPY_TARGET_INIT;
	struct block block = { .reader = reader, .first_line = statement->place.line };
	int result = -1;
	size_t lead = statement->lead.len;
	ssize_t line_end = statement_line_end(reader, block.first_line, err);
	if (line_end < 0)
		goto out;
	/* The window may have moved. */
	struct slice copy = { window_data(&reader->window) + lead, (size_t)line_end - lead };
	if (copy_target_read(&target, copy, reader->splitter.standard_strings, err) < 0) {
		err_prefix(err, "%s:%llu", reader->name, (unsigned long long)block.first_line);
		goto out;
	}
	block.table = target.table;
	fill_record(&block, statement, copy);
	if (begin_rows(&block, err) < 0)
		goto out;
	plain_reader_take(reader, (size_t)line_end);
	result = read_rows(&block, err);
out:
	copy_target_release(&target);
	return result;
}
