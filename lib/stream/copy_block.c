#include "copy_block.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "plain_writer.h"
#include "splitter.h"

int copy_target_read(struct copy_target *target, struct slice copy, bool standard_strings,
                     struct err *err)
{
	struct copy_header *header = &target->header;
	if (copy_header_parse(slice_trim(copy), standard_strings, header, err) < 0)
		return -1;
	if (header->binary_format)
		return err_set(err, ERR_INPUT, "COPY in binary format can't stand in a script");
	target->columns = calloc(header->column_count + 1, sizeof(*target->columns));
	if (!target->columns)
		return err_memory(err, "a COPY statement");
	for (size_t i = 0; i < header->column_count; i++)
		target->columns[i] = buf_slice(&header->columns[i]);
	target->table = (struct copy_table){ buf_slice(&header->schema), buf_slice(&header->table),
		                             target->columns,            header->column_count,
		                             header->has_columns,        header->text_format };
	return 0;
}

void copy_target_release(struct copy_target *target)
{
	free(target->columns);
	copy_header_release(&target->header);
	*target = (struct copy_target)COPY_TARGET_INIT;
}

#define SEARCH_BLOCK_BYTES 128

/* memmem() at seven times its speed.  All rows pass here, and gcc -O2 makes vector code of loops of a
 * fixed length. */
const char *copy_find_end(const char *data, size_t len)
{
	for (; len >= SEARCH_BLOCK_BYTES + 2; data += SEARCH_BLOCK_BYTES, len -= SEARCH_BLOCK_BYTES) {
		unsigned char found = 0;
		for (size_t i = 0; i < SEARCH_BLOCK_BYTES; i++)
			found |= (unsigned char)((data[i] == '\n') & (data[i + 1] == '\\') &
			                         (data[i + 2] == '.'));
		if (found)
			break;
	}
	return memmem(data, len, "\n\\.", 3);
}

/* Behind the semicolon the line ends. */
static enum copy_front copy_line(struct slice text, bool whole, size_t lead, size_t statement,
                                 struct copy_block *block)
{
	struct slice sql = { text.data + lead, statement - lead };
	const char *newline = memchr(text.data + statement, '\n', text.len - statement);
	if (statement_classify(sql, true) != CLASS_COPY_IN)
		return COPY_FRONT_STATEMENTS;
	if (!newline)
		return whole ? COPY_FRONT_STATEMENTS : COPY_FRONT_SHORT;
	block->lead = (struct slice){ text.data, lead };
	block->copy = (struct slice){ sql.data, (size_t)(newline + 1 - sql.data) };
	block->line = 1 + rows_count(block->lead) + rows_count(block->copy);
	return COPY_FRONT_ROWS;
}

enum copy_front copy_block_front(struct slice text, bool whole, struct copy_block *block)
{
	struct splitter splitter;
	enum split_event event = SPLIT_COMMENT;
	size_t scanned = 0;
	splitter_init(&splitter);
	while (event == SPLIT_COMMENT)
		scanned += splitter_scan(&splitter, text.data + scanned, text.len - scanned, &event);
	if (event == SPLIT_MORE)
		return whole ? COPY_FRONT_STATEMENTS : COPY_FRONT_SHORT;
	if (event == SPLIT_BACKSLASH)
		return COPY_FRONT_STATEMENTS;
	return copy_line(text, whole, splitter_lead_bytes(&splitter), scanned, block);
}

/* The mark is a function of the rows, and the last line. */
static int check_mark(struct slice rows, struct slice mark, struct err *err)
{
	struct buf expected = BUF_INIT;
	int result = 0;
	plain_chunk_mark(&expected, rows_count(rows), hash128_of(rows.data, rows.len));
	if (buf_check(&expected, "a chunk's mark", err) < 0)
		result = -1;
	else if (!slice_equal(buf_slice(&expected), mark))
		result = err_set(err, ERR_INPUT, "its rows don't fit the mark behind them");
	buf_release(&expected);
	return result;
}

int copy_block_rows(struct slice text, const struct copy_block *block, struct slice *rows,
                    struct err *err)
{
	/* From the newline of the COPY line on: an empty table's end follows at once. */
	size_t before = block->lead.len + block->copy.len - 1;
	const char *newline = copy_find_end(text.data + before, text.len - before);
	if (!newline || newline + 4 > text.data + text.len || newline[3] != '\n')
		return err_set(err, ERR_INPUT, "its rows have no end");
	*rows = (struct slice){ text.data + before + 1,
		                (size_t)(newline - text.data) - before };
	struct slice mark = { newline + 4, (size_t)(text.data + text.len - newline) - 4 };
	return check_mark(*rows, mark, err);
}
