#include "outfile_leftover.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"

#define RANDOM_PART  "XXXXXX"
#define RANDOM_BYTES (sizeof(RANDOM_PART) - 1)
/* Two dots stand around the name. */
#define NAME_MOST_BYTES (NAME_MAX - 2 - RANDOM_BYTES - (size_t)LEFTOVER_SUFFIX_BYTES)

/* What stands before the random part: ".NAME." */
static void add_prefix(struct buf *text, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	buf_addc(text, '.');
	buf_add(text, name, strnlen(name, NAME_MOST_BYTES));
	buf_addc(text, '.');
}

static char *detach(struct buf *text, struct err *err)
{
	char *result = buf_detach(text);

	if (!result)
		err_memory(err, "a file name");
	return result;
}

char *leftover_folder(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	struct buf folder = BUF_INIT;

	if (!slash)
		buf_addc(&folder, '.');
	else /* "/k.sql" is in "/" */
		buf_add(&folder, path, slash > path ? (size_t)(slash - path) : 1);
	return detach(&folder, err);
}

char *leftover_template(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	struct buf name = BUF_INIT;

	if (slash)
		buf_add(&name, path, (size_t)(slash + 1 - path));
	add_prefix(&name, path);
	buf_adds(&name, RANDOM_PART LEFTOVER_SUFFIX);
	return detach(&name, err);
}

static bool is_temporary_of(const char *entry, const struct buf *prefix)
{
	return strlen(entry) == prefix->len + RANDOM_BYTES + (size_t)LEFTOVER_SUFFIX_BYTES &&
	       strncmp(entry, prefix->data, prefix->len) == 0 &&
	       strcmp(entry + prefix->len + RANDOM_BYTES, LEFTOVER_SUFFIX) == 0;
}

/* A shared lock, so that two runs that look at the same time don't see each other, and because NFS
 * gives no exclusive one on a file that is open for reading. */
static bool is_abandoned(int folder_fd, const char *entry)
{
	struct stat file;
	int fd = openat(folder_fd, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool abandoned;

	if (fd < 0)
		return false;
	abandoned = fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && flock(fd, LOCK_SH | LOCK_NB) == 0;
	close(fd);
	return abandoned;
}

void leftover_note(const char *folder, const char *path, const struct log *log)
{
	const struct dirent *entry;
	struct buf prefix = BUF_INIT;
	DIR *dir = log ? opendir(folder) : NULL;

	if (!dir)
		return;
	add_prefix(&prefix, path);
	while (!prefix.failed && (entry = readdir(dir)) != NULL)
		if (is_temporary_of(entry->d_name, &prefix) && is_abandoned(dirfd(dir), entry->d_name))
			log_note(log,
			         "%s/%s was left by a run that was killed; "
			         "remove it when you don't need it",
			         strcmp(folder, "/") == 0 ? "" : folder, entry->d_name);
	closedir(dir);
	buf_release(&prefix);
}
