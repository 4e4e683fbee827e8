#include "progress.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "progress_text.h"

#define INTERVAL_NS    500000000L
#define NS_PER_SECOND  1000000000L
#define STANDARD_WIDTH 80

/* The rate is that of the last ten seconds: of the whole, it would not show that a slow table began. */
#define SAMPLES 20

struct sample {
	double seconds;
	uint64_t bytes;
};

const char *const progress_modes[] = { "auto", "bar", "json", "none", NULL };

struct progress {
	bool json;
	const char *program;
	struct log *log;  /* the tool's, whose lines pass through us */
	struct log inner; /* as it was */
	struct timespec begun;
	/* What the workers tell. */
	_Atomic uint64_t bytes;
	_Atomic uint64_t total_bytes;
	_Atomic uint64_t rows;
	_Atomic uint64_t tables;
	_Atomic uint64_t total_tables;
	_Atomic(const char *) phase;
	atomic_bool has_begun;
	/* The thread that shows it. */
	pthread_t thread;
	pthread_mutex_t lock; /* of standard error, and of all below */
	pthread_cond_t wake;
	bool ending;
	bool is_done;
	bool is_drawn; /* a bar stands on the terminal's last line */
	struct sample samples[SAMPLES];
	size_t sample_count;
};

static double seconds_since(const struct timespec *begun)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - begun->tv_sec) +
	       (double)(now.tv_nsec - begun->tv_nsec) / (double)NS_PER_SECOND;
}

/* Nobody to tell when it fails. */
static void write_stderr(const struct buf *text)
{
	size_t put = 0;
	while (!text->failed && put < text->len) {
		ssize_t got = write(STDERR_FILENO, text->data + put, text->len - put);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return;
		put += (size_t)got;
	}
}

/* Of the present moment and the one ten seconds ago. */
static double add_sample(struct progress *progress, double seconds, uint64_t bytes)
{
	const struct sample now = { seconds, bytes };
	const size_t slot = progress->sample_count % SAMPLES;
	const struct sample *first =
		&progress->samples[progress->sample_count < SAMPLES ? 0 : slot];
	double elapsed = seconds - first->seconds;
	double rate = elapsed > 0 ? (double)(bytes - first->bytes) / elapsed : 0;
	progress->samples[slot] = now;
	progress->sample_count++;
	return rate;
}

static struct progress_view view_of(const struct progress *progress, const char *state)
{
	return (struct progress_view){
		.state = state,
		.phase = atomic_load(&progress->phase),
		.seconds = seconds_since(&progress->begun),
		.bytes = atomic_load(&progress->bytes),
		.total_bytes = atomic_load(&progress->total_bytes),
		.rows = atomic_load(&progress->rows),
		.tables = atomic_load(&progress->tables),
		.total_tables = atomic_load(&progress->total_tables),
	};
}

static size_t terminal_width(void)
{
	struct winsize size;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return STANDARD_WIDTH;
	return size.ws_col;
}

/* A shell that has its line back must not have it overwritten ("idrestore … &", Ctrl-Z and bg). */
static bool in_background(void)
{
	pid_t foreground = tcgetpgrp(STDERR_FILENO);
	return foreground > 0 && foreground != getpgrp();
}

static void erase_bar(struct progress *progress)
{
	static const char erase[] = "\r\033[K";
	struct buf text = BUF_INIT;
	if (!progress->is_drawn)
		return;
	progress->is_drawn = false;
	if (in_background())
		return;
	buf_adds(&text, erase);
	write_stderr(&text);
	buf_release(&text);
}

/* The last column stays free: some terminals go to the next line when it is written. */
static void draw_bar(struct progress *progress, const struct progress_view *view)
{
	struct buf text = BUF_INIT;
	if (in_background())
		return;
	buf_addc(&text, '\r');
	progress_bar_text(view, progress->program, terminal_width() - 1, &text);
	buf_adds(&text, "\033[K");
	write_stderr(&text);
	buf_release(&text);
	progress->is_drawn = true;
}

static void write_json(const struct progress_view *view)
{
	struct buf text = BUF_INIT;
	progress_json_text(view, &text);
	write_stderr(&text);
	buf_release(&text);
}

static void show(struct progress *progress)
{
	struct progress_view view = view_of(progress, "running");
	if (!atomic_load(&progress->has_begun))
		return;
	view.bytes_per_second = add_sample(progress, view.seconds, view.bytes);
	if (progress->json)
		write_json(&view);
	else
		draw_bar(progress, &view);
}

static struct timespec next_time(void)
{
	struct timespec next;
	clock_gettime(CLOCK_MONOTONIC, &next);
	next.tv_nsec += INTERVAL_NS;
	if (next.tv_nsec >= NS_PER_SECOND) {
		next.tv_nsec -= NS_PER_SECOND;
		next.tv_sec++;
	}
	return next;
}

static void *run(void *arg)
{
	struct progress *progress = arg;
	pthread_mutex_lock(&progress->lock);
	while (!progress->ending) {
		struct timespec until = next_time();
		int waited = 0;
		while (!progress->ending && waited == 0)
			waited = pthread_cond_timedwait(&progress->wake, &progress->lock, &until);
		if (!progress->ending)
			show(progress);
	}
	pthread_mutex_unlock(&progress->lock);
	return NULL;
}

/* The line takes the bar's place; the next one is drawn below it, half a second later at most. */
static void write_line(void *arg, enum log_level level, const char *line)
{
	struct progress *progress = arg;
	pthread_mutex_lock(&progress->lock);
	erase_bar(progress);
	progress->inner.write(progress->inner.arg, level, line);
	pthread_mutex_unlock(&progress->lock);
}

static bool is_dumb_terminal(void)
{
	const char *term = getenv("TERM");
	return !term || !term[0] || strcmp(term, "dumb") == 0;
}

static bool is_pipe(int fd)
{
	struct stat status;
	return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

static bool is_shown(enum progress_mode mode)
{
	switch (mode) {
	case PROGRESS_AUTO:
		return isatty(STDERR_FILENO) && !is_pipe(STDOUT_FILENO) && !is_dumb_terminal();
	case PROGRESS_BAR:
		return !is_dumb_terminal();
	case PROGRESS_JSON:
		return true;
	case PROGRESS_NONE:
		break;
	}
	return false;
}

/* A time by the clock that nobody sets. */
static int init_wake(pthread_cond_t *wake)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	int failed = pthread_cond_init(wake, &attributes);
	pthread_condattr_destroy(&attributes);
	return failed;
}

/* Signals are for the threads that work. */
static int start_thread(struct progress *progress)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int failed = pthread_create(&progress->thread, NULL, run, progress);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return failed;
}

int progress_new(enum progress_mode mode, const char *program, struct log *log,
                 struct progress **result, struct err *err)
{
	*result = NULL;
	if (!is_shown(mode))
		return 0;
	struct progress *progress = calloc(1, sizeof(*progress));
	if (!progress)
		return err_memory(err, "the progress");
	progress->json = mode == PROGRESS_JSON;
	progress->program = program;
	progress->log = log;
	progress->inner = *log;
	clock_gettime(CLOCK_MONOTONIC, &progress->begun);
	pthread_mutex_init(&progress->lock, NULL);
	int failed = init_wake(&progress->wake);
	if (failed == 0)
		failed = start_thread(progress);
	if (failed) {
		free(progress);
		return err_system(err, failed, "cannot start a thread");
	}
	log->write = write_line;
	log->arg = progress;
	*result = progress;
	return 0;
}

void progress_expect(struct progress *progress, uint64_t bytes, uint64_t tables)
{
	if (!progress)
		return;
	atomic_store(&progress->total_bytes, bytes);
	atomic_store(&progress->total_tables, tables);
	atomic_store(&progress->has_begun, true);
}

void progress_phase(struct progress *progress, const char *phase)
{
	if (!progress)
		return;
	pthread_mutex_lock(&progress->lock);
	bool is_new = atomic_exchange(&progress->phase, phase) != phase;
	atomic_store(&progress->has_begun, true);
	/* A program sees each phase, however short; a person has no use for that. */
	if (is_new && progress->json) {
		struct progress_view view = view_of(progress, "running");
		write_json(&view);
	}
	pthread_mutex_unlock(&progress->lock);
}

void progress_add(struct progress *progress, uint64_t bytes, uint64_t rows)
{
	if (!progress)
		return;
	atomic_fetch_add_explicit(&progress->bytes, bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&progress->rows, rows, memory_order_relaxed);
	atomic_store_explicit(&progress->has_begun, true, memory_order_relaxed);
}

void progress_table_done(struct progress *progress)
{
	if (!progress)
		return;
	atomic_fetch_add_explicit(&progress->tables, 1, memory_order_relaxed);
	atomic_store_explicit(&progress->has_begun, true, memory_order_relaxed);
}

void progress_done(struct progress *progress)
{
	if (progress)
		progress->is_done = true;
}

/* Of the whole, the rate is the whole's. */
static void show_end(struct progress *progress)
{
	struct progress_view view = view_of(progress, progress->is_done ? "done" : "failed");
	/* What was expected was a guess. */
	if (progress->is_done)
		view.total_bytes = view.bytes;
	if (view.seconds > 0)
		view.bytes_per_second = (double)view.bytes / view.seconds;
	if (progress->json)
		write_json(&view);
	else
		erase_bar(progress);
}

void progress_free(struct progress *progress)
{
	if (!progress)
		return;
	pthread_mutex_lock(&progress->lock);
	progress->ending = true;
	pthread_cond_signal(&progress->wake);
	pthread_mutex_unlock(&progress->lock);
	pthread_join(progress->thread, NULL);
	show_end(progress);
	*progress->log = progress->inner;
	pthread_cond_destroy(&progress->wake);
	pthread_mutex_destroy(&progress->lock);
	free(progress);
}
