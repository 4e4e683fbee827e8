#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interrupt.h"
#include "io.h"
#include "outfile_leftover.h"

#define OUTFILE_BUFFER_BYTES (256 * 1024)

struct outfile {
	char *name;      /* as the user wrote it: for messages */
	char *path;      /* the final name, links resolved; NULL when written directly */
	char *temporary; /* set while the temporary file exists */
	int fd;
	int folder_fd; /* -1: the folder can't be opened for reading, and so not synced */
	bool failed;   /* something was lost: the file may not get its name */
	bool finished;
	size_t used;
	char buffer[OUTFILE_BUFFER_BYTES];
};

static struct outfile *outfile_new(const char *name, struct err *err)
{
	struct outfile *out = malloc(sizeof(*out));

	if (!out) {
		err_memory(err, "an output file");
		return NULL;
	}
	/* Not calloc(): the buffer's pages are touched when they are written to. */
	out->path = out->temporary = NULL;
	out->fd = out->folder_fd = -1;
	out->failed = out->finished = false;
	out->used = 0;
	out->name = strdup(name);
	if (!out->name) {
		err_memory(err, "an output file");
		free(out);
		return NULL;
	}
	return out;
}

/* A duplicate: closing it reports what close(2) has to report (NFS, quotas) and leaves descriptor 1
 * taken, so that no later file can become "stdout". */
static int open_stdout(struct outfile *out, struct err *err)
{
	out->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (out->fd < 0)
		return err_system(err, errno, "cannot write %s", out->name);
	io_widen_pipe(out->fd);
	return 0;
}

/* Opening a FIFO blocks until somebody reads it. */
static int open_directly(struct outfile *out, struct err *err)
{
	while ((out->fd = open(out->name, O_WRONLY | O_CLOEXEC | O_NOCTTY)) < 0) {
		if (interrupt_check(err) < 0)
			return -1;
		if (errno != EINTR)
			return err_system(err, errno, "cannot open %s", out->name);
	}
	return 0;
}

/* Sets out->path: the file that gets replaced.  A link stays, and what it points to is replaced. */
static int resolve_path(struct outfile *out, bool exists, struct err *err)
{
	struct stat link;

	if (!exists && lstat(out->name, &link) == 0)
		return err_set(err, ERR_SYSTEM,
		               "%s is a symbolic link to a file that does not exist; "
		               "remove the link or name the file",
		               out->name);
	out->path = exists ? realpath(out->name, NULL) : strdup(out->name);
	if (!out->path)
		return err_system(err, errno, "cannot open %s", out->name);
	return 0;
}

/* flock(2) waits at most for another run's look at the file (outfile_leftover.c).  A file system
 * without locks is no reason to fail: the next run then takes a live file for a left one, and only
 * says so. */
static void lock_temporary(int fd)
{
	while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
}

static int create_temporary(struct outfile *out, struct err *err)
{
	char *name = leftover_template(out->path, err);

	if (!name)
		return -1;
	out->fd = mkostemps(name, LEFTOVER_SUFFIX_BYTES, O_CLOEXEC);
	if (out->fd < 0) {
		err_system(err, errno, "cannot create a file beside %s", out->name);
		free(name);
		return -1;
	}
	out->temporary = name;
	lock_temporary(out->fd);
	if (fchmod(out->fd, S_IRUSR | S_IWUSR) < 0)
		return err_system(err, errno, "cannot make %s private", out->name);
	return 0;
}

static int open_regular(struct outfile *out, bool exists, const struct log *log, struct err *err)
{
	char *folder;

	if (resolve_path(out, exists, err) < 0)
		return -1;
	folder = leftover_folder(out->path, err);
	if (!folder)
		return -1;
	out->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	leftover_note(folder, out->path, log);
	free(folder);
	return create_temporary(out, err);
}

static int open_target(struct outfile *out, bool to_stdout, const struct log *log, struct err *err)
{
	struct stat target;

	if (to_stdout)
		return open_stdout(out, err);
	bool exists = stat(out->name, &target) == 0;
	if (!exists && errno != ENOENT)
		return err_system(err, errno, "cannot open %s", out->name);
	if (exists && !S_ISREG(target.st_mode))
		return open_directly(out, err);
	return open_regular(out, exists, log, err);
}

struct outfile *outfile_open(const char *path, const struct log *log, struct err *err)
{
	bool to_stdout = !path || strcmp(path, "-") == 0;
	if (path && !path[0]) {
		err_set(err, ERR_USAGE, "the output's name is empty: is a variable not set?");
		return NULL;
	}
	struct outfile *out = outfile_new(to_stdout ? "standard output" : path, err);

	if (out && open_target(out, to_stdout, log, err) < 0) {
		outfile_free(out);
		out = NULL;
	}
	return out;
}

static int write_through(struct outfile *out, const void *data, size_t len, struct err *err)
{
	if (io_write(out->fd, data, len, out->name, err) < 0) {
		out->failed = true;
		return -1;
	}
	return 0;
}

int outfile_flush(struct outfile *out, struct err *err)
{
	size_t used = out->used;

	out->used = 0;
	return write_through(out, out->buffer, used, err);
}

int outfile_write(struct outfile *out, const void *data, size_t len, struct err *err)
{
	if (len > sizeof(out->buffer) - out->used && outfile_flush(out, err) < 0)
		return -1;
	if (len >= sizeof(out->buffer))
		return write_through(out, data, len, err);
	if (len > 0)
		memcpy(out->buffer + out->used, data, len);
	out->used += len;
	return 0;
}

static int sync_fd(int fd)
{
	int result;

	do
		result = fsync(fd);
	while (result < 0 && errno == EINTR);
	return result;
}

/* fsync(2) says EINVAL or EROFS where there is nothing to make durable. */
static bool cannot_sync(int errnum)
{
	return errnum == EINVAL || errnum == EROFS || errnum == ENOTSUP;
}

static int finish_direct(struct outfile *out, struct err *err)
{
	struct stat target;
	int fd = out->fd;

	if (fstat(fd, &target) == 0 && S_ISREG(target.st_mode) && sync_fd(fd) < 0 &&
	    !cannot_sync(errno))
		return err_system(err, errno, "cannot make %s durable", out->name);
	out->fd = -1;
	/* After EINTR Linux has closed it. */
	if (close(fd) < 0 && errno != EINTR)
		return err_system(err, errno, "cannot write %s", out->name);
	return 0;
}

/* The name may be gone after a power cut, so it is not given: a new name is taken back.  A file
 * that was replaced cannot be brought back; the new one, which is whole, stays. */
static int sync_folder(struct outfile *out, bool replaced, struct err *err)
{
	if (out->folder_fd < 0 || sync_fd(out->folder_fd) == 0 || cannot_sync(errno))
		return 0;
	err_system(err, errno, "cannot make the name of %s durable", out->name);
	if (!replaced)
		unlink(out->path);
	return -1;
}

static int finish_regular(struct outfile *out, struct err *err)
{
	bool replaced = access(out->path, F_OK) == 0;

	if (sync_fd(out->fd) < 0)
		return err_system(err, errno, "cannot make %s durable", out->name);
	if (interrupt_check(err) < 0)
		return -1;
	if (rename(out->temporary, out->path) < 0)
		return err_system(err, errno, "cannot give %s its name", out->name);
	free(out->temporary);
	out->temporary = NULL;
	return sync_folder(out, replaced, err);
}

int outfile_finish(struct outfile *out, struct err *err)
{
	int result;

	if (out->finished)
		return 0;
	if (out->failed)
		return err_set(err, ERR_SYSTEM, "%s is not whole: an earlier write failed", out->name);
	if (outfile_flush(out, err) < 0)
		return -1;
	result = out->path ? finish_regular(out, err) : finish_direct(out, err);
	if (result < 0)
		out->failed = true;
	else
		out->finished = true;
	return result;
}

void outfile_free(struct outfile *out)
{
	if (!out)
		return;
	if (out->temporary)
		unlink(out->temporary);
	if (out->fd >= 0)
		close(out->fd);
	if (out->folder_fd >= 0)
		close(out->folder_fd);
	free(out->temporary);
	free(out->path);
	free(out->name);
	free(out);
}

bool outfile_is_terminal(const struct outfile *out)
{
	return isatty(out->fd) == 1;
}

const char *outfile_name(const struct outfile *out)
{
	return out->name;
}
