/*
 * io.h - read(2) and write(2) without their traps: short writes, EINTR, interrupts.
 */
#ifndef IDKIT_CORE_IO_H
#define IDKIT_CORE_IO_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"

/* Up to `len` bytes; 0 at the end of the input, -1 on error.  `name` is for the message.  An
 * interrupt ends the call with ERR_SIGNAL. */
ssize_t io_read(int fd, void *data, size_t len, const char *name, struct err *err);

/* As io_read(), but less than `len` only at the end of the input. */
ssize_t io_read_full(int fd, void *data, size_t len, const char *name, struct err *err);

/* All of it, or -1.  EPIPE is an error like any other ("the reader has gone away"). */
int io_write(int fd, const void *data, size_t len, const char *name, struct err *err);

/* Takes the places of closed standard descriptors (cron, daemons), so that no other file gets their
 * number: reading or writing them is an error then ("Bad file descriptor"), standard error is void. */
void io_reserve_standard(void);

/* A pipe's buffer as large as an ordinary user may have it (fcntl(2), F_SETPIPE_SZ): fewer turns
 * between the two processes.  Nothing for other descriptors, nor when it is refused. */
void io_widen_pipe(int fd);

#endif
