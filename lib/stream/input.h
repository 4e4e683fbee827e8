/*
 * input.h - the bytes of a script, whatever they came wrapped in.
 *
 * What the input is, its first bytes say, never its name: plain text, zstd or gzip around it (also
 * nested), or pg_dump's custom, tar and directory formats, which pg_restore turns into a script.
 * A compressed input that ends early, and bytes behind its end that are no further frame, are
 * errors (ERR_INPUT).
 */
#ifndef IDKIT_STREAM_INPUT_H
#define IDKIT_STREAM_INPUT_H

#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "log.h"

struct input;

/* `path` NULL or "-": stdin.  NULL on error. */
struct input *input_open(const char *path, const struct log *log, struct err *err);

/* As input_open(), for a descriptor, which the input closes; `name` is for messages. */
struct input *input_from_fd(int fd, const char *name, const struct log *log, struct err *err);

/* Up to `len` bytes, 0 at the end, -1 on error. */
ssize_t input_read(struct input *input, void *data, size_t len, struct err *err);

/* For messages: the path, or "standard input".  Lives as long as the input. */
const char *input_name(const struct input *input);

/*
 * The descriptor, when the input is a regular file whose bytes are not wrapped in anything: it can be
 * read at any place with pread(2), from *begin, where the input began, to *end.  -1 otherwise.  Asked
 * before the first input_read().
 */
int input_file(const struct input *input, uint64_t *begin, uint64_t *end);

/* From another thread: an input_read() that waits for bytes, and all later ones, say "the end". */
void input_stop(struct input *input);

void input_free(struct input *input);

#endif
