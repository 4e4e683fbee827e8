#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"

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

	buf_addf(&text, "%s: %s%s\n", program, level_word(level), line);
	if (!text.failed)
		write_stderr(text.data, text.len);
	buf_release(&text);
}

struct log log_to_stderr(const char *program, enum log_level least)
{
	return (struct log){ .least = least, .write = stderr_line, .arg = (void *)program };
}
