#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "interrupt.h"

/* A larger count makes read(2) and write(2) return EINVAL or less than that anyway. */
#define IO_MOST_BYTES ((size_t)1 << 30)

/* Until `fd` is ready or a signal has come.  0, or -1 with ERR_SIGNAL.  Whatever else is wrong with
 * `fd`, the call that follows will say. */
static int wait_ready(int fd, short events, struct err *err)
{
	struct pollfd fds[2] = {
		{ .fd = fd, .events = events },
		{ .fd = interrupt_fd(), .events = POLLIN },
	};
	int ready;

	/* poll(2) would wait for ever: it skips negative descriptors. */
	if (fd < 0)
		return 0;
	do {
		if (interrupt_check(err) < 0)
			return -1;
		ready = poll(fds, 2, -1);
	} while (ready < 0 && errno == EINTR);
	return interrupt_check(err);
}

ssize_t io_read(int fd, void *data, size_t len, const char *name, struct err *err)
{
	if (len > IO_MOST_BYTES)
		len = IO_MOST_BYTES;
	for (;;) {
		if (wait_ready(fd, POLLIN, err) < 0)
			return -1;
		ssize_t got = read(fd, data, len);
		if (got >= 0)
			return got;
		if (errno != EINTR && errno != EAGAIN)
			return err_system(err, errno, "cannot read %s", name);
	}
}

ssize_t io_read_full(int fd, void *data, size_t len, const char *name, struct err *err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t got = io_read(fd, (char *)data + done, len - done, name, err);
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

int io_write(int fd, const void *data, size_t len, const char *name, struct err *err)
{
	const char *next = data;

	while (len > 0) {
		if (wait_ready(fd, POLLOUT, err) < 0)
			return -1;
		ssize_t put = write(fd, next, len < IO_MOST_BYTES ? len : IO_MOST_BYTES);
		if (put >= 0) {
			next += put;
			len -= (size_t)put;
		} else if (errno == EPIPE) {
			return err_set(err, ERR_SYSTEM, "cannot write %s: the reader has gone away", name);
		} else if (errno != EINTR && errno != EAGAIN) {
			return err_system(err, errno, "cannot write %s", name);
		}
	}
	return 0;
}

void io_reserve_standard(void)
{
	/* Each is opened the wrong way round: nothing read, nothing written passes unnoticed. */
	static const int modes[] = { O_WRONLY, O_RDONLY, O_WRONLY };
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			return;
}

void io_widen_pipe(int fd)
{
	fcntl(fd, F_SETPIPE_SZ, 1024 * 1024);
}
