#include "interrupt.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A slot is touched only by who moved it out of its state with a compare-and-swap: the handler can
 * run in any thread, at any time, and may not wait for a lock. */
enum slot_state {
	SLOT_FREE,
	SLOT_CHANGING, /* being set */
	SLOT_SET,
	SLOT_RUNNING, /* its cancel is being called */
};

struct cancel_slot {
	atomic_int state;
	void (*cancel)(void *arg);
	void *arg;
};

static atomic_int came;      /* the first signal's number */
static atomic_int holds;     /* nested interrupt_hold() */
static atomic_bool deferred; /* a signal came while held: its cancels are still to be called */
static atomic_int wake_fd = -1;
static struct cancel_slot slots[INTERRUPT_CANCELS];

static const int handled[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define HANDLED_COUNT (sizeof(handled) / sizeof(handled[0]))

static bool slot_move(struct cancel_slot *slot, int from, int to)
{
	return atomic_compare_exchange_strong(&slot->state, &from, to);
}

static void call_cancels(void)
{
	for (size_t i = 0; i < INTERRUPT_CANCELS; i++) {
		if (!slot_move(&slots[i], SLOT_SET, SLOT_RUNNING))
			continue;
		slots[i].cancel(slots[i].arg);
		atomic_store(&slots[i].state, SLOT_SET);
	}
}

static void handle_signal(int number)
{
	int saved_errno = errno;
	int none = 0;
	uint64_t one = 1;

	atomic_compare_exchange_strong(&came, &none, number);
	/* Never read, so it stays readable; full after 2^64 signals. */
	if (write(atomic_load(&wake_fd), &one, sizeof(one)) < 0) {
		/* No descriptor: EINTR has to do. */
	}
	if (atomic_load(&holds) > 0)
		atomic_store(&deferred, true);
	else
		call_cancels();
	errno = saved_errno;
}

void interrupt_install(void)
{
	struct sigaction action = { .sa_handler = handle_signal }; /* no SA_RESTART: EINTR */
	struct sigaction old;

	if (atomic_load(&wake_fd) < 0)
		atomic_store(&wake_fd, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < HANDLED_COUNT; i++)
		sigaddset(&action.sa_mask, handled[i]);
	for (size_t i = 0; i < HANDLED_COUNT; i++) {
		/* nohup and the shell's background jobs ask for this. */
		if (sigaction(handled[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN &&
		    handled[i] != SIGTERM)
			continue;
		sigaction(handled[i], &action, NULL);
	}
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGXFSZ, &action, NULL);
}

int interrupt_signal(void)
{
	return atomic_load(&came);
}

int interrupt_fd(void)
{
	return atomic_load(&holds) > 0 ? -1 : atomic_load(&wake_fd);
}

int interrupt_check(struct err *err)
{
	int number = atomic_load_explicit(&came, memory_order_relaxed);

	if (number == 0 || atomic_load(&holds) > 0)
		return 0;
	if (!err_is_set(err))
		err->signal = number;
	return err_set(err, ERR_SIGNAL, "interrupted by SIG%s", sigabbrev_np(number));
}

int interrupt_explain(struct err *err)
{
	if (interrupt_signal() == 0 || atomic_load(&holds) > 0)
		return 0;
	err_clear(err);
	return interrupt_check(err);
}

void interrupt_hold(void)
{
	atomic_fetch_add(&holds, 1);
}

void interrupt_release(void)
{
	if (atomic_fetch_sub(&holds, 1) == 1 && atomic_exchange(&deferred, false))
		call_cancels();
}

int interrupt_set_cancel(void (*cancel)(void *arg), void *arg)
{
	for (int i = 0; i < INTERRUPT_CANCELS; i++) {
		if (!slot_move(&slots[i], SLOT_FREE, SLOT_CHANGING))
			continue;
		slots[i].cancel = cancel;
		slots[i].arg = arg;
		atomic_store(&slots[i].state, SLOT_SET);
		return i;
	}
	return -1;
}

void interrupt_clear_cancel(int ticket)
{
	if (ticket < 0 || ticket >= INTERRUPT_CANCELS)
		return;
	/* Only another thread can be inside the cancel: a handler in this one has returned. */
	while (!slot_move(&slots[ticket], SLOT_SET, SLOT_FREE) &&
	       atomic_load(&slots[ticket].state) != SLOT_FREE)
		sched_yield();
}

void interrupt_end(int signal_number)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t only;

	sigemptyset(&action.sa_mask);
	sigaction(signal_number, &action, NULL);
	sigemptyset(&only);
	sigaddset(&only, signal_number);
	pthread_sigmask(SIG_UNBLOCK, &only, NULL);
	raise(signal_number);
	_exit(128 + signal_number);
}
