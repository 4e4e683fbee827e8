#include "window.h"

#include <stdlib.h>
#include <string.h>

#include "plain_reader.h"
#include "record.h"

/* Large enough that a read is worth its system call, small enough for the processor's cache: what
 * was read is looked at, hashed and written while it is there. */
#define WINDOW_BYTES ((size_t)256 * 1024)

int window_init(struct window *window, struct input *input, struct err *err)
{
	*window = (struct window){ .input = input, .name = input_name(input), .line = 1 };
	window->memory = malloc(WINDOW_BYTES);
	if (!window->memory)
		return err_memory(err, "a read buffer");
	window->capacity = WINDOW_BYTES;
	return 0;
}

void window_init_memory(struct window *window, struct slice bytes, const char *name)
{
	/* Nothing is written to: there is no more to be read behind what is there. */
	*window = (struct window){ .name = name,
		                   .borrowed = bytes.data,
		                   .end = bytes.len,
		                   .at_end = true,
		                   .line = 1 };
}

void window_release(struct window *window)
{
	free(window->memory);
	window->memory = NULL;
}

const char *window_data(const struct window *window)
{
	return (window->borrowed ? window->borrowed : window->memory) + window->start;
}

size_t window_bytes(const struct window *window)
{
	return window->end - window->start;
}

/* Room behind the bytes that are there, by moving them to the front or by growing. */
static int make_room(struct window *window, struct err *err)
{
	if (window->start > 0) {
		memmove(window->memory, window_data(window), window_bytes(window));
		window->end -= window->start;
		window->start = 0;
	}
	/* Half full with one unfinished statement: reads would become small, so grow. */
	if (window->end < window->capacity / 2)
		return 0;
	if (window->end >= PLAIN_READER_LARGEST_BYTES)
		return err_set(err, ERR_INPUT,
		               "%s:%llu: a statement or row of more than 1 GB begins here: PostgreSQL "
		               "accepts none so large",
		               window->name, (unsigned long long)window->line);
	char *grown = realloc(window->memory, window->capacity * 2);
	if (!grown)
		return err_memory(err, "a large statement or row");
	window->memory = grown;
	window->capacity *= 2;
	return 0;
}

int window_fill(struct window *window, struct err *err)
{
	if (window->at_end)
		return 0;
	if (make_room(window, err) < 0)
		return -1;
	ssize_t got = input_read(window->input, window->memory + window->end,
	                         window->capacity - window->end, err);
	if (got < 0)
		return -1;
	window->end += (size_t)got;
	window->at_end = got == 0;
	return got > 0;
}

ssize_t window_line_end(struct window *window, size_t from, struct err *err)
{
	for (;;) {
		size_t have = window_bytes(window);
		const char *data = window_data(window);
		const char *newline = from < have ? memchr(data + from, '\n', have - from) : NULL;
		if (newline)
			return newline + 1 - data;
		from = have > from ? have : from;
		int filled = window_fill(window, err);
		if (filled <= 0)
			return filled < 0 ? -1 : (ssize_t)window_bytes(window);
	}
}

void window_take(struct window *window, size_t bytes)
{
	window_take_lines(window, bytes, rows_count((struct slice){ window_data(window), bytes }));
}

void window_take_lines(struct window *window, size_t bytes, uint64_t lines)
{
	if (window->hash)
		hash_stream_add(window->hash, window_data(window), bytes);
	window->line += lines;
	window->taken += bytes;
	window->start += bytes;
}
