/* The comment lines by which our streams, and pg_dump's, say where they begin and end. */
#include <string.h>

#include "contents.h"
#include "plain_reader_internal.h"

/* In pg_dumpall's script each database ends with an end mark of its own: only the last one, which
 * is pg_dumpall's, says that the script is whole. */
void plain_reader_follow_comment(struct plain_reader *reader, struct slice line)
{
	line = slice_trim(line);
	if (slice_equals(line, "-- PostgreSQL database cluster dump"))
		reader->is_cluster = true;
	else if (slice_equals(line, "-- PostgreSQL database cluster dump complete"))
		reader->end_mark_seen = true;
	else if (slice_equals(line, "-- PostgreSQL database dump complete"))
		reader->end_mark_seen = !reader->is_cluster;
}

static bool begins_with(const struct window *window, const char *prefix, size_t len)
{
	return window_bytes(window) >= len && memcmp(window_data(window), prefix, len) == 0;
}

/* A script saved by PowerShell's ">" is UTF-16: its bytes would look like damage. */
static int check_encoding(struct plain_reader *reader, struct err *err)
{
	if (begins_with(&reader->window, "\xff\xfe", 2) ||
	    begins_with(&reader->window, "\xfe\xff", 2))
		return plain_reader_damaged(reader, 1, err,
		                            "the input is UTF-16 (as PowerShell's \">\" writes): write "
		                            "it with pg_dump -f instead");
	return 0;
}

int plain_reader_read_header(struct plain_reader *reader, struct err *err)
{
	const size_t mark = strlen(PLAIN_MARK_HEADER);
	while (window_bytes(&reader->window) < mark) {
		int filled = window_fill(&reader->window, err);
		if (filled < 0)
			return -1;
		if (filled == 0)
			break;
	}
	if (check_encoding(reader, err) < 0)
		return -1;
	if (!begins_with(&reader->window, PLAIN_MARK_HEADER, mark)) {
		if (begins_with(&reader->window, "\xef\xbb\xbf", 3))
			reader->scanned = reader->bom_bytes = 3;
		reader->section = SECTION_PRE_DATA;
		reader->header = stream_header_foreign(err);
		return reader->header ? 0 : -1;
	}
	ssize_t end = window_line_end(&reader->window, mark, err);
	if (end < 0)
		return -1;
	struct slice json = { window_data(&reader->window) + mark, (size_t)end - mark };
	reader->header = stream_header_parse(json, err);
	if (!reader->header)
		return err_prefix(err, "%s:1", reader->name);
	reader->own = true;
	reader->window.hash = reader->hash;
	plain_reader_take(reader, (size_t)end);
	return 0;
}

static int handle_section(struct plain_reader *reader, struct slice line, struct err *err)
{
	const size_t mark = strlen(PLAIN_MARK_SECTION);
	struct slice name = slice_trim((struct slice){ line.data + mark, line.len - mark });
	if (!section_parse(name, &reader->section))
		return plain_reader_damaged(reader, reader->window.line, err,
		                            "unknown section \"%.*s\"", SLICE_ARG(name));
	if (reader->is_piece && reader->section != reader->folder)
		return plain_reader_damaged(reader, reader->window.line, err,
		                            "the mark of section \"%.*s\" does not belong here",
		                            SLICE_ARG(name));
	plain_reader_take(reader, line.len);
	return 0;
}

/* The trailer's last member is the hash of all before its digits; behind it only '"}' and newline. */
static int check_hash(struct plain_reader *reader, size_t line_bytes, struct buf *json,
                      struct err *err)
{
	const size_t tail = HASH128_HEX_BYTES + strlen("\"}\n");
	const size_t mark = strlen(PLAIN_MARK_TRAILER), key = strlen(PLAIN_TRAILER_HASH);
	uint64_t line = reader->window.line;
	const char *data = window_data(&reader->window);
	char hex[HASH128_HEX_BYTES + 1];
	if (line_bytes < mark + key + tail || memcmp(data + line_bytes - 3, "\"}\n", 3) != 0 ||
	    memcmp(data + line_bytes - tail - key, PLAIN_TRAILER_HASH, key) != 0)
		return plain_reader_damaged(reader, line, err,
		                            "the stream's trailer is damaged or cut short");
	buf_add(json, data + mark, line_bytes - tail - key - mark);
	buf_addc(json, '}');
	window_take(&reader->window, line_bytes - tail);
	/* As digits: an "a" that became an "A" is damage, too. */
	hash128_hex(hash_stream_value(reader->hash), hex);
	if (memcmp(window_data(&reader->window), hex, HASH128_HEX_BYTES) != 0)
		return plain_reader_damaged(reader, line, err,
		                            "the stream is damaged: its bytes don't fit the hash in its "
		                            "trailer");
	window_take(&reader->window, tail);
	return buf_check(json, "the stream's trailer", err);
}

static int expect_end(struct plain_reader *reader, struct err *err)
{
	int filled = 0;
	if (window_bytes(&reader->window) == 0) {
		filled = window_fill(&reader->window, err);
		if (filled < 0)
			return -1;
	}
	if (window_bytes(&reader->window) > 0)
		return plain_reader_damaged(reader, reader->window.line, err,
		                            "something follows the stream's trailer: one stream only");
	return 0;
}

static int handle_trailer(struct plain_reader *reader, size_t line_bytes, struct err *err)
{
	struct buf json = BUF_INIT;
	struct contents *contents = NULL;
	int result = -1;
	struct record record = plain_reader_record(reader, RECORD_TRAILER, 0);
	record.lead = SLICE_NONE;
	if (check_hash(reader, line_bytes, &json, err) < 0 || expect_end(reader, err) < 0)
		goto out;
	contents = contents_parse(buf_slice(&json), err);
	if (!contents) {
		err_prefix(err, "%s:%llu", reader->name,
		           (unsigned long long)record.place.line);
		goto out;
	}
	record.trailer.end = STREAM_END_IDKIT;
	record.trailer.contents = contents;
	reader->done = true;
	result = sink_write(reader->sink, &record, err);
out:
	contents_free(contents);
	buf_release(&json);
	return result;
}

int plain_reader_handle_mark(struct plain_reader *reader, size_t line_start, struct err *err)
{
	size_t line_bytes = reader->scanned - line_start;
	if (plain_reader_deliver_comments(reader, line_start, err) < 0)
		return -1;
	splitter_restart(&reader->splitter);
	struct slice line = { window_data(&reader->window), line_bytes };
	reader->scanned = 0;
	if (slice_starts(line, PLAIN_MARK_SECTION))
		return handle_section(reader, line, err);
	if (slice_starts(line, PLAIN_MARK_TRAILER) && !reader->is_piece)
		return handle_trailer(reader, line_bytes, err);
	return plain_reader_damaged(reader, reader->window.line, err,
	                            "a mark that does not belong here: %.*s",
	                            (int)(line.len < 60 ? line.len : 60), line.data);
}
