/*
 * A disk that breaks, for LD_PRELOAD: in files whose name ends with BROKEN_NAME (or has it before
 * idkit's mark of temporary files), BROKEN_CALL=write, read or fsync fails with EIO; write and read once
 * BROKEN_AFTER bytes have passed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static size_t passed;

static int is_broken(int fd, const char *call)
{
	const char *name = getenv("BROKEN_NAME"), *which = getenv("BROKEN_CALL");
	char link[64], path[4096];
	if (!name || !which || strcmp(which, call) != 0)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return 0;
	path[len] = '\0';
	return strstr(path, name) != NULL;
}

static int is_over(size_t count)
{
	const char *after = getenv("BROKEN_AFTER");
	passed += count;
	return passed > (after ? strtoul(after, NULL, 10) : 0);
}

ssize_t write(int fd, const void *data, size_t count)
{
	static ssize_t (*real)(int, const void *, size_t);
	if (!real)
		real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
	if (is_broken(fd, "write") && is_over(count)) {
		errno = EIO;
		return -1;
	}
	return real(fd, data, count);
}

ssize_t read(int fd, void *data, size_t count)
{
	static ssize_t (*real)(int, void *, size_t);
	if (!real)
		real = (ssize_t (*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
	if (is_broken(fd, "read") && is_over(count)) {
		errno = EIO;
		return -1;
	}
	return real(fd, data, count);
}

ssize_t pread(int fd, void *data, size_t count, off_t offset)
{
	static ssize_t (*real)(int, void *, size_t, off_t);
	if (!real)
		real = (ssize_t (*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");
	if (is_broken(fd, "read") && is_over(count)) {
		errno = EIO;
		return -1;
	}
	return real(fd, data, count, offset);
}

int fsync(int fd)
{
	static int (*real)(int);
	if (!real)
		real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
	if (is_broken(fd, "fsync")) {
		errno = EIO;
		return -1;
	}
	return real(fd);
}
