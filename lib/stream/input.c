#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "archive_names.h"
#include "input_internal.h"
#include "interrupt.h"
#include "io.h"

/* Wrappings inside wrappings: nobody means more. */
#define LARGEST_DEPTH 4

struct input {
	struct input_stage *top;
	char *name;
};

ssize_t input_stage_read(struct input_stage *stage, void *data, size_t len, struct err *err)
{
	if (stage->peeked_start < stage->peeked_end) {
		size_t have = stage->peeked_end - stage->peeked_start;
		size_t give = have < len ? have : len;
		memcpy(data, stage->peeked + stage->peeked_start, give);
		stage->peeked_start += give;
		return (ssize_t)give;
	}
	return stage->ops->read(stage, data, len, err);
}

void input_stage_stop(struct input_stage *stage)
{
	stage->ops->stop(stage);
}

void input_stage_free(struct input_stage *stage)
{
	if (stage)
		stage->ops->free(stage);
}

/* The first bytes, which later reads give again. */
static int peek(struct input_stage *stage, struct err *err)
{
	while (stage->peeked_end < sizeof(stage->peeked)) {
		ssize_t got = stage->ops->read(stage, stage->peeked + stage->peeked_end,
		                               sizeof(stage->peeked) - stage->peeked_end, err);
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		stage->peeked_end += (size_t)got;
	}
	return 0;
}

struct fd_stage {
	struct input_stage stage;
	int fd;
	int stop_fd; /* an eventfd: readable once it is to stop */
};

static void fd_stop(struct input_stage *stage)
{
	eventfd_write(((struct fd_stage *)stage)->stop_fd, 1);
}

/* A pipe may be silent for hours: waits for bytes or for being stopped.  True: stopped. */
static bool wait_stopped(const struct fd_stage *stage)
{
	struct pollfd fds[] = {
		{ .fd = stage->fd, .events = POLLIN },
		{ .fd = stage->stop_fd, .events = POLLIN },
		{ .fd = interrupt_fd(), .events = POLLIN },
	};
	return poll(fds, 3, -1) > 0 && (fds[1].revents & POLLIN);
}

static ssize_t fd_read(struct input_stage *stage, void *data, size_t len, struct err *err)
{
	struct fd_stage *fd = (struct fd_stage *)stage;
	return wait_stopped(fd) ? 0 : io_read(fd->fd, data, len, stage->name, err);
}

/* Of standard input only the number stays: who writes into that pipe must see that nobody reads any
 * more.  An iddump that waits for us keeps its backend waiting, and that DROP DATABASE. */
static void let_go(int fd)
{
	int nothing = fd == STDIN_FILENO ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
	if (nothing > STDIN_FILENO)
		dup2(nothing, STDIN_FILENO);
	close(nothing > STDIN_FILENO ? nothing : fd);
}

static void fd_free(struct input_stage *stage)
{
	let_go(((struct fd_stage *)stage)->fd);
	close(((struct fd_stage *)stage)->stop_fd);
	free(stage);
}

static const struct input_stage_ops fd_ops = { fd_read, fd_free, fd_stop };

static struct input_stage *fd_stage_new(int fd, const char *name, struct err *err)
{
	struct fd_stage *stage = calloc(1, sizeof(*stage));
	if (!stage) {
		err_memory(err, name);
		return NULL;
	}
	stage->stage.ops = &fd_ops;
	stage->stage.name = name;
	stage->fd = fd;
	stage->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (stage->stop_fd < 0) {
		err_system(err, errno, "cannot read %s", name);
		free(stage);
		return NULL;
	}
	io_widen_pipe(fd);
	return &stage->stage;
}

static bool peeked_at(const struct input_stage *stage, size_t offset, const char *bytes, size_t len)
{
	return stage->peeked_end >= offset + len &&
	       memcmp(stage->peeked + offset, bytes, len) == 0;
}

/* pg_dump -Ft: a tar whose first member is toc.dat (pg_backup_tar.c). */
static bool is_pg_dump_tar(const struct input_stage *stage)
{
	return peeked_at(stage, 0, "toc.dat", 8) && peeked_at(stage, 257, "ustar", 5);
}

/* Wraps the stage in what its bytes ask for.  NULL on error; the same stage when it is plain. */
static struct input_stage *unwrap(struct input_stage *stage, struct err *err)
{
	if (peek(stage, err) < 0)
		goto failed;
	if (peeked_at(stage, 0, "\x28\xb5\x2f\xfd", 4))
		return input_zstd_new(stage, err);
	if (peeked_at(stage, 0, "\x1f\x8b", 2))
		return input_gzip_new(stage, err);
	if (peeked_at(stage, 0, "PGDMP", 5) || is_pg_dump_tar(stage))
		return input_pg_restore_new(stage, err);
	return stage;
failed:
	input_stage_free(stage);
	return NULL;
}

static struct input_stage *unwrap_all(struct input_stage *stage, struct err *err)
{
	for (int depth = 0; stage && depth < LARGEST_DEPTH; depth++) {
		struct input_stage *outer = unwrap(stage, err);
		if (outer == stage)
			return stage;
		stage = outer;
	}
	if (stage)
		err_set(err, ERR_INPUT, "%s is compressed more than %d times over", stage->name,
		        LARGEST_DEPTH);
	input_stage_free(stage);
	return NULL;
}

static struct input *input_new(const char *name, struct err *err)
{
	struct input *input = calloc(1, sizeof(*input));
	char *copy = strdup(name);
	if (!input || !copy) {
		free(input);
		free(copy);
		err_memory(err, name);
		return NULL;
	}
	input->name = copy;
	return input;
}

struct input *input_from_fd(int fd, const char *name, const struct log *log, struct err *err)
{
	(void)log;
	struct input *input = input_new(name, err);
	struct input_stage *stage = input ? fd_stage_new(fd, input->name, err) : NULL;
	if (stage)
		input->top = unwrap_all(stage, err);
	else
		close(fd);
	if (input && !input->top) {
		input_free(input);
		return NULL;
	}
	return input;
}

/* pg_dump -Fd: pg_restore wants the folder itself. */
static struct input *open_directory(const char *path, struct err *err)
{
	struct input *input = input_new(path, err);
	if (!input)
		return NULL;
	input->top = input_pg_restore_directory_new(input->name, err);
	if (!input->top) {
		input_free(input);
		return NULL;
	}
	return input;
}

struct input *input_open(const char *path, const struct log *log, struct err *err)
{
	if (!path || strcmp(path, "-") == 0)
		return input_from_fd(STDIN_FILENO, "standard input", log, err);
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0) {
		err_system(err, errno, "cannot open %s", path);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	if (!S_ISDIR(status.st_mode))
		return input_from_fd(fd, path, log, err);
	close(fd);
	return open_directory(path, err);
}

ssize_t input_read(struct input *input, void *data, size_t len, struct err *err)
{
	return input_stage_read(input->top, data, len, err);
}

int input_file(const struct input *input, uint64_t *begin, uint64_t *end)
{
	const struct input_stage *stage = input->top;
	struct stat status;
	if (stage->ops != &fd_ops)
		return -1;
	int fd = ((const struct fd_stage *)stage)->fd;
	off_t position = lseek(fd, 0, SEEK_CUR);
	if (position < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return -1;
	*begin = (uint64_t)position - (stage->peeked_end - stage->peeked_start);
	*end = (uint64_t)status.st_size;
	return fd;
}

/* A tar, or what is left of one whose first header is damaged; pg_dump's was unwrapped before. */
bool input_is_archive(const struct input *input)
{
	return peeked_at(input->top, 257, "ustar", 5) ||
	       peeked_at(input->top, 0, ARCHIVE_HEADER, sizeof(ARCHIVE_HEADER));
}

void input_stop(struct input *input)
{
	input_stage_stop(input->top);
}

const char *input_name(const struct input *input)
{
	return input->name;
}

void input_free(struct input *input)
{
	if (!input)
		return;
	input_stage_free(input->top);
	free(input->name);
	free(input);
}
