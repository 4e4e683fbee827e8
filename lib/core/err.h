/*
 * err.h - how every failure travels: one kind, one complete message.
 *
 * A function that can fail takes a `struct err *` last and returns 0 or -1 (or a pointer or
 * NULL).  On success the err is untouched; on failure it holds the kind, which fixes the exit
 * status (err_exit_status), and a message that names the object, the place and what to do.  The
 * library neither prints nor exits: the tool's main does both, once.
 *
 *     struct err err = ERR_INIT;
 *     if (sink_finish(sink, &err) < 0)
 *         return tool_fail(&err);
 *
 * The first error wins: err_set() on an err that is already set does nothing, so that clean-up
 * code which fails in turn cannot hide the cause.  The err owns no memory and may be copied.
 */
#ifndef IDKIT_CORE_ERR_H
#define IDKIT_CORE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

enum err_kind {
	ERR_NONE,
	ERR_DIFFERENT, /* status 1: the answer is no */
	ERR_USAGE,     /* status 2: options or rules; nothing was touched */
	ERR_INPUT,     /* status 3: input damaged, truncated, not understood */
	ERR_DATABASE,  /* status 4: the database refused */
	ERR_SYSTEM,    /* status 5: file, pipe, memory, child process */
	ERR_SIGNAL,    /* status 128+N: ended by signal N */
};

/* Long messages (a statement with its context) are cut here, with "..." at the cut. */
#define ERR_MESSAGE_BYTES 8192

struct err {
	enum err_kind kind;
	int signal; /* the signal's number when kind is ERR_SIGNAL */
	char message[ERR_MESSAGE_BYTES];
};

#define ERR_INIT { .kind = ERR_NONE }

/* Sets the error, unless one is set.  Always returns -1, so that it can be returned. */
int err_set(struct err *err, enum err_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set(ERR_SYSTEM), with ": " and strerror(errnum) behind the message. */
int err_system(struct err *err, int errnum, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Out of memory while handling `what`.  Always returns -1. */
int err_memory(struct err *err, const char *what);

/* Puts "format: " in front of a message that is set; does nothing otherwise.  Returns -1. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts more text behind a message that is set (a hint, a place).  Returns -1. */
int err_append(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool err_is_set(const struct err *err);

/* Back to ERR_INIT: for a caller that has dealt with the error. */
void err_clear(struct err *err);

/* The exit status that belongs to the kind: the one place where the two meet. */
int err_exit_status(const struct err *err);

#endif
