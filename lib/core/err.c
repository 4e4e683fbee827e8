#include "err.h"

#include <stdio.h>
#include <string.h>

static const char cut_mark[] = "...";

/* Cuts text that is `len` bytes long to at most `max` bytes, the mark included, and never inside a
 * UTF-8 sequence.  Returns the new length. */
static size_t cut_text(char *text, size_t len, size_t max)
{
	if (len <= max)
		return len;
	if (max < sizeof(cut_mark) - 1) {
		text[0] = '\0';
		return 0;
	}
	size_t at = max - (sizeof(cut_mark) - 1);
	while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
		at--;
	memcpy(text + at, cut_mark, sizeof(cut_mark));
	return at + sizeof(cut_mark) - 1;
}

/* vsnprintf() that marks a cut.  `size` is at least 4.  Returns the length of what stands there. */
static size_t format_text(char *text, size_t size, const char *format, va_list args)
{
	int wanted = vsnprintf(text, size, format, args);

	if (wanted < 0) {
		text[0] = '\0';
		return 0;
	}
	if ((size_t)wanted < size)
		return (size_t)wanted;
	/* The last byte that fitted may begin a sequence that did not: cut_text() steps back over
	 * at least three bytes and so over that too. */
	return cut_text(text, size, size - 1);
}

int err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
	va_list args;

	if (err_is_set(err))
		return -1;
	err->kind = kind;
	va_start(args, format);
	format_text(err->message, sizeof(err->message), format, args);
	va_end(args);
	return -1;
}

int err_system(struct err *err, int errnum, const char *format, ...)
{
	char unknown[64];
	va_list args;

	if (err_is_set(err))
		return -1;
	err->kind = ERR_SYSTEM;
	va_start(args, format);
	format_text(err->message, sizeof(err->message), format, args);
	va_end(args);
	return err_append(err, ": %s", strerror_r(errnum, unknown, sizeof(unknown)));
}

int err_memory(struct err *err, const char *what)
{
	return err_set(err, ERR_SYSTEM, "out of memory for %s", what);
}

int err_prefix(struct err *err, const char *format, ...)
{
	char head[ERR_MESSAGE_BYTES / 2];
	va_list args;

	if (!err_is_set(err))
		return -1;
	va_start(args, format);
	size_t head_len = format_text(head, sizeof(head) - 2, format, args);
	va_end(args);
	memcpy(head + head_len, ": ", 2);
	head_len += 2;

	size_t len = strlen(err->message);
	len = cut_text(err->message, len, sizeof(err->message) - 1 - head_len);
	memmove(err->message + head_len, err->message, len + 1);
	memcpy(err->message, head, head_len);
	return -1;
}

/* What comes last is the reason or the hint: it stays, and the message before it is cut. */
int err_append(struct err *err, const char *format, ...)
{
	char tail[ERR_MESSAGE_BYTES / 2];
	va_list args;

	if (!err_is_set(err))
		return -1;
	va_start(args, format);
	size_t tail_len = format_text(tail, sizeof(tail), format, args);
	va_end(args);

	size_t len = strlen(err->message);
	len = cut_text(err->message, len, sizeof(err->message) - 1 - tail_len);
	memcpy(err->message + len, tail, tail_len + 1);
	return -1;
}

bool err_is_set(const struct err *err)
{
	return err->kind != ERR_NONE;
}

void err_clear(struct err *err)
{
	err->kind = ERR_NONE;
	err->signal = 0;
	err->message[0] = '\0';
}

int err_exit_status(const struct err *err)
{
	switch (err->kind) {
	case ERR_NONE:
		return 0;
	case ERR_DIFFERENT:
		return 1;
	case ERR_USAGE:
		return 2;
	case ERR_INPUT:
		return 3;
	case ERR_DATABASE:
		return 4;
	case ERR_SYSTEM:
		return 5;
	case ERR_SIGNAL:
		return 128 + err->signal;
	}
	return 5;
}
