#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"

/* Bytes of the UTF-8 character that begins with this byte; 1 for bytes that begin none. */
static size_t character_bytes(unsigned char first)
{
	return first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 1;
}

static bool is_control(const unsigned char *at, size_t bytes)
{
	if (bytes == 2)
		return at[0] == 0xC2 && at[1] < 0xA0;
	if (bytes > 2 || *at == '\n' || *at == '\t')
		return false;
	/* C1 control codes outside of UTF-8, too. */
	return *at < 0x20 || *at == 0x7F || (*at >= 0x80 && *at < 0xA0);
}

void log_make_printable(char *text)
{
	unsigned char *from = (unsigned char *)text, *to = from;

	while (*from) {
		size_t bytes = 1, wanted = character_bytes(*from);
		while (bytes < wanted && (from[bytes] & 0xC0) == 0x80)
			bytes++;
		/* A sequence that is cut short is bytes. */
		if (bytes < wanted)
			bytes = 1;
		if (is_control(from, bytes))
			*to++ = '?';
		else
			for (size_t i = 0; i < bytes; i++)
				*to++ = from[i];
		from += bytes;
	}
	*to = '\0';
}

__attribute__((format(printf, 3, 0))) static void log_line(const struct log *log,
                                                           enum log_level level, const char *format,
                                                           va_list args)
{
	char *line = NULL;

	if (!log || level < log->least)
		return;
	if (vasprintf(&line, format, args) < 0) {
		/* Something was to be said: without memory, at least its pattern. */
		log->write(log->arg, level, format);
		return;
	}
	log_make_printable(line);
	log->write(log->arg, level, line);
	free(line);
}

void log_detail(const struct log *log, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(log, LOG_DETAIL, format, args);
	va_end(args);
}

void log_note(const struct log *log, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(log, LOG_NOTE, format, args);
	va_end(args);
}

void log_warning(const struct log *log, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(log, LOG_WARNING, format, args);
	va_end(args);
}

static const char *level_word(enum log_level level)
{
	switch (level) {
	case LOG_DETAIL:
		return "";
	case LOG_NOTE:
		return "note: ";
	case LOG_WARNING:
		return "warning: ";
	}
	return "";
}

/* Not io_write(): after an interrupt there is still something to say, and when stderr cannot be
 * written to, there is nobody to tell. */
static void write_stderr(const char *data, size_t len)
{
	while (len > 0) {
		ssize_t put = write(STDERR_FILENO, data, len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return;
		data += put;
		len -= (size_t)put;
	}
}

static void stderr_line(void *arg, enum log_level level, const char *line)
{
	const char *program = arg;
	struct buf text = BUF_INIT;

	buf_addf(&text, "%s: %s", program, level_word(level));
	/* What comes behind a newline must not pass for a line of its own. */
	for (size_t len = strcspn(line, "\n"); line[len]; len = strcspn(line, "\n")) {
		buf_add(&text, line, len);
		buf_adds(&text, "\n  ");
		line += len + 1;
	}
	buf_addf(&text, "%s\n", line);
	if (!text.failed)
		write_stderr(text.data, text.len);
	buf_release(&text);
}

struct log log_to_stderr(const char *program, enum log_level least)
{
	return (struct log){ .least = least, .write = stderr_line, .arg = (void *)program };
}
