/*
 * log.h - what the tools say while they work.
 *
 * The library does not print.  Modules that have something to tell the operator take a
 * `const struct log *` and call these; the tool decides where the lines go.  NULL is a log that
 * says nothing.  A line is complete, has no newline at its end, and may hold newlines inside; other
 * control characters but tabs, which names in a hostile database may hold, become "?".
 */
#ifndef IDKIT_CORE_LOG_H
#define IDKIT_CORE_LOG_H

enum log_level {
	LOG_DETAIL,  /* with -v: each step */
	LOG_NOTE,    /* what the operator should know: left out, skipped, left behind */
	LOG_WARNING, /* what the operator must know; shown even with -q */
};

struct log {
	enum log_level least; /* lines below this level are not written */
	void (*write)(void *arg, enum log_level level, const char *line);
	void *arg;
};

void log_detail(const struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_note(const struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_warning(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* In place: control characters other than newline and tab become "?". */
void log_make_printable(char *text);

/* A log whose lines go to stderr as "PROGRAM: note: …" (each in one write(2), so that the tools of
 * a pipeline don't mix theirs; behind a newline inside, indented).  `program` is borrowed for the
 * log's life. */
struct log log_to_stderr(const char *program, enum log_level least);

#endif
