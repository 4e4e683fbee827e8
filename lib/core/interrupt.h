/*
 * interrupt.h - SIGINT, SIGTERM, SIGHUP and SIGQUIT end a tool after it has cleaned up.
 *
 * interrupt_install() comes first in main.  A signal then sets a flag, calls what
 * interrupt_set_cancel() has put in place (a query's cancel: that is what ends a blocking libpq
 * call), and lets blocking system calls return EINTR.  Loops ask interrupt_check(); it turns the
 * flag into an error of kind ERR_SIGNAL, which travels up as any other and lets each level clean
 * up.  At last main calls interrupt_end(), which ends the process by that same signal, so that the
 * shell sees 128+N and stops its loop.
 *
 * SIGPIPE and SIGXFSZ are ignored: a reader that went away, or a file as large as the user may have it
 * (ulimit -f), is an error of write(2), reported with status 5.
 *
 * The flag and the cancel are process-wide state, as signals are.
 */
#ifndef IDKIT_CORE_INTERRUPT_H
#define IDKIT_CORE_INTERRUPT_H

#include <stdbool.h>

#include "err.h"

void interrupt_install(void);

/* The number of the signal that came, or 0. */
int interrupt_signal(void);

/*
 * For poll(2): a descriptor that becomes readable, for good, when a signal comes.  EINTR alone is
 * not enough: the signal may come just before the blocking call, or in another thread.  -1, which
 * poll(2) skips, before interrupt_install() and while held.
 */
int interrupt_fd(void);

/* 0, or -1 with ERR_SIGNAL when a signal has come. */
int interrupt_check(struct err *err);

/* As interrupt_check(), but replaces an error that is already set: what failed after the signal
 * (a cancelled query) failed because of it. */
int interrupt_explain(struct err *err);

/* Clean-up work (dropping a scratch database) must not be ended by the flag that caused it: between
 * begin and end interrupt_check() says 0 and no cancel is called.  Calls nest.  The last release makes
 * up for the cancels of a signal that came meanwhile. */
void interrupt_hold(void);
void interrupt_release(void);

/*
 * `cancel(arg)` is called from the signal handler and so must be async-signal-safe (PQcancel is,
 * says libpq's documentation).  Up to INTERRUPT_CANCELS may be set at a time; returns a ticket
 * for interrupt_clear_cancel(), or -1 when all are taken.  Ask interrupt_check() after setting one: a
 * signal that came before has passed it by.  interrupt_clear_cancel() returns when `cancel` is not
 * running in any thread, so that what `arg` points at may then be freed; -1 is nothing.
 */
#define INTERRUPT_CANCELS 64
int interrupt_set_cancel(void (*cancel)(void *arg), void *arg);
void interrupt_clear_cancel(int ticket);

/* Ends this process by the signal that came (default action).  Does not return. */
void interrupt_end(int signal) __attribute__((noreturn));

#endif
