#include <check.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "progress.h"
#include "progress_text.h"

Suite *test_core_progress(void);

#define GIB ((uint64_t)1 << 30)
#define MIB ((uint64_t)1 << 20)

static const struct progress_view middle = {
	.state = "running",
	.phase = "rows",
	.seconds = 10.26,
	.bytes = 6 * GIB / 5,
	.total_bytes = 27 * GIB / 10,
	.rows = 3400000,
	.tables = 12,
	.total_tables = 516,
	.bytes_per_second = 120.0 * MIB,
};

static const struct {
	size_t width;
	const char *wanted;
} bars[] = {
	{ 120, "iddump: rows  [===============>                  ]   44%  1.2/2.7 GiB  120 MiB/s  "
	       "0:13 left  3400000 rows  12/516 tables" },
	{ 79, "iddump: rows   44%  1.2/2.7 GiB  120 MiB/s  0:13 left  12/516 tables" },
	{ 40, " 44%  1.2/2.7 GiB  120 MiB/s  0:13 left" },
	{ 38, " 44%  1.2/2.7 GiB  0:13 left" },
	{ 20, " 44%  1.2/2.7 GiB" },
	{ 4, " 44%" },
	{ 3, "" },
	{ 0, "" },
};

START_TEST(bar_fits_its_width)
{
	struct buf line = BUF_INIT;

	progress_bar_text(&middle, "iddump", bars[_i].width, &line);
	ck_assert_str_eq(line.data ? line.data : "", bars[_i].wanted);
	ck_assert_uint_le(line.len, bars[_i].width);
	buf_release(&line);
}
END_TEST

static uint64_t some_number(unsigned *seed)
{
	uint64_t wide = (uint64_t)rand_r(seed) << 31 ^ (uint64_t)rand_r(seed);

	return rand_r(seed) % 4 == 0 ? 0 : wide << 2 >> rand_r(seed) % 63;
}

START_TEST(bar_is_never_wider)
{
	unsigned seed = 7;

	for (int i = 0; i < 20000; i++) {
		struct progress_view view = middle;
		struct buf line = BUF_INIT;
		size_t width = (size_t)rand_r(&seed) % 160;
		view.bytes = some_number(&seed);
		view.total_bytes = some_number(&seed);
		view.rows = some_number(&seed);
		view.tables = some_number(&seed);
		view.total_tables = some_number(&seed);
		view.bytes_per_second = (double)some_number(&seed);
		progress_bar_text(&view, "idrestore", width, &line);
		ck_assert_uint_le(line.len, width);
		ck_assert(line.len == 0 || strlen(line.data) == line.len);
		buf_release(&line);
	}
}
END_TEST

static const struct {
	struct progress_view view;
	const char *wanted;
} lines[] = {
	{ { .state = "running" }, "x" },
	{ { .state = "running", .phase = "definitions" }, "x: definitions" },
	{ { .state = "running", .phase = "rows", .bytes = 999, .rows = 1 }, "x: rows  999 B  1 rows" },
	{ { .state = "running", .phase = "rows", .bytes = 1000 }, "x: rows  1.0 KiB" },
	{ { .state = "running", .phase = "rows", .bytes = 999 * MIB, .bytes_per_second = 2048 },
	  "x: rows  999 MiB  2.0 KiB/s" },
	/* More than was expected is no 100 %, and its end is not foretold. */
	{ { .state = "running", .phase = "rows", .bytes = 5 * GIB, .total_bytes = 4 * GIB,
	    .bytes_per_second = 1024 * 1024 },
	  "x: rows  [========================================]   99%  5.0 GiB  1.0 MiB/s" },
	/* Rows are almost all there, and an index takes its time. */
	{ { .state = "running", .phase = "indexes", .bytes = 5 * GIB, .total_bytes = 5 * GIB + 1000,
	    .bytes_per_second = 1024 * 1024 },
	  "x: indexes  [=======================================>]   99%  5.0/5.0 GiB  1.0 MiB/s" },
	/* Tables alone. */
	{ { .state = "running", .phase = "checking", .tables = 1, .total_tables = 4 },
	  "x: checking  [==========>                             ]   25%  1/4 tables" },
	{ { .state = "running", .phase = "rows", .bytes = MIB, .total_bytes = GIB,
	    .bytes_per_second = 100000 },
	  "x: rows  [>                                       ]    0%  0.0/1.0 GiB  97.7 KiB/s  "
	  "2:58:47 left" },
};

START_TEST(bar_says_what_is_known)
{
	struct buf line = BUF_INIT;

	progress_bar_text(&lines[_i].view, "x", 200, &line);
	ck_assert_str_eq(line.data, lines[_i].wanted);
	buf_release(&line);
}
END_TEST

START_TEST(json_lines)
{
	struct buf line = BUF_INIT;
	const struct progress_view first = { .state = "running" };

	progress_json_text(&middle, &line);
	ck_assert_str_eq(line.data,
	                 "{\"state\":\"running\",\"phase\":\"rows\",\"seconds\":10.3,"
	                 "\"bytes\":1288490188,\"total_bytes\":2899102924,\"rows\":3400000,"
	                 "\"tables\":12,\"total_tables\":516,\"bytes_per_second\":125829120,"
	                 "\"seconds_left\":13}\n");
	buf_reset(&line);
	progress_json_text(&first, &line);
	ck_assert_str_eq(line.data, "{\"state\":\"running\",\"phase\":null,\"seconds\":0.0,\"bytes\":0,"
	                            "\"total_bytes\":null,\"rows\":0,\"tables\":0,"
	                            "\"total_tables\":null,\"bytes_per_second\":null,"
	                            "\"seconds_left\":null}\n");
	buf_release(&line);
}
END_TEST

static void sleep_ms(long ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

static void *work(void *arg)
{
	for (int i = 0; i < 1000; i++)
		progress_add(arg, 10, 2);
	progress_table_done(arg);
	return NULL;
}

static void work_in_threads(struct progress *progress)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, progress), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

/* What stderr got, with the log's lines in between. */
static char *run_json(bool done)
{
	int fd = memfd_create("stderr", 0);
	struct err err = ERR_INIT;
	struct log log;
	struct progress *progress;
	char *text = calloc(1, 65536);

	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	log = log_to_stderr("iddump", LOG_NOTE);
	ck_assert_int_eq(progress_new(PROGRESS_JSON, "iddump", &log, &progress, &err), 0);
	ck_assert_ptr_nonnull(progress);
	progress_expect(progress, 50000, 4);
	progress_phase(progress, "rows");
	work_in_threads(progress);
	log_note(&log, "a note");
	sleep_ms(700);
	if (done)
		progress_done(progress);
	progress_free(progress);
	log_note(&log, "behind it");
	ck_assert_int_gt(pread(fd, text, 65535, 0), 0);
	close(fd);
	return text;
}

static void check_object(const char *line, const char *state)
{
	json_t *object = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);

	ck_assert_msg(object != NULL, "no JSON: %s", line);
	ck_assert_str_eq(json_string_value(json_object_get(object, "state")), state);
	ck_assert_str_eq(json_string_value(json_object_get(object, "phase")), "rows");
	ck_assert_int_eq(json_integer_value(json_object_get(object, "bytes")), 40000);
	/* At the end it is known. */
	ck_assert_int_eq(json_integer_value(json_object_get(object, "total_bytes")),
	                 strcmp(state, "done") == 0 ? 40000 : 50000);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "rows")), 8000);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "tables")), 4);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "total_tables")), 4);
	ck_assert(json_real_value(json_object_get(object, "seconds")) >= 0.4);
	json_decref(object);
}

START_TEST(json_of_a_run)
{
	char *text = run_json(_i);
	static const char begun[] = "{\"state\":\"running\",\"phase\":\"rows\",";
	char *note = strstr(text, "\niddump: note: a note\n");
	char *behind = strstr(text, "iddump: note: behind it\n");

	/* A line as soon as the phase begins, the next one when its time has come. */
	ck_assert_msg(strncmp(text, begun, strlen(begun)) == 0, "%s", text);
	ck_assert_ptr_nonnull(note);
	ck_assert_ptr_eq(strchr(text, '\n'), note);
	char *first = strchr(note + 1, '\n') + 1;
	check_object(first, "running");
	/* The last object. */
	ck_assert_ptr_nonnull(behind);
	behind[-1] = '\0';
	char *last = strrchr(text, '\n') + 1;
	ck_assert_ptr_ne(last, first);
	check_object(last, _i ? "done" : "failed");
	free(text);
}
END_TEST

/* Nothing is shown before something is said: a password may be asked for. */
START_TEST(silent_before_it_begins)
{
	int fd = memfd_create("stderr", 0);
	struct err err = ERR_INIT;
	struct log log = log_to_stderr("iddump", LOG_NOTE);
	struct progress *progress;

	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(progress_new(PROGRESS_JSON, "iddump", &log, &progress, &err), 0);
	sleep_ms(700);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
	progress_free(progress);
	ck_assert_int_gt(lseek(fd, 0, SEEK_END), 0);
	close(fd);
}
END_TEST

static const struct {
	enum progress_mode mode;
	bool terminal;
	bool pipe;
	const char *term;
	bool wanted;
} choices[] = {
	{ PROGRESS_AUTO, true, false, "xterm", true },
	{ PROGRESS_AUTO, true, false, "dumb", false },
	{ PROGRESS_AUTO, true, false, "", false },
	{ PROGRESS_AUTO, false, false, "xterm", false },
	{ PROGRESS_AUTO, true, true, "xterm", false }, /* the next one of the pipeline has the line */
	{ PROGRESS_BAR, true, true, "xterm", true },
	{ PROGRESS_BAR, false, false, "xterm", true },
	{ PROGRESS_BAR, true, false, "dumb", false },
	{ PROGRESS_JSON, false, true, "dumb", true },
	{ PROGRESS_NONE, true, false, "xterm", false },
};

/* A terminal of our own, 60 columns wide, with stderr on it.  Returns its other end. */
static int open_terminal(void)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 60 };
	int master, slave;

	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, &size), 0);
	ck_assert_int_eq(dup2(slave, STDERR_FILENO), STDERR_FILENO);
	return master;
}

START_TEST(where_it_is_shown)
{
	int fds[2];
	struct err err = ERR_INIT;
	struct log log = log_to_stderr("iddump", LOG_NOTE);
	const struct log before = log;
	struct progress *progress;

	ck_assert_int_eq(pipe(fds), 0);
	int null = memfd_create("stdout", 0);
	if (choices[_i].terminal)
		open_terminal();
	else
		ck_assert_int_eq(dup2(null, STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(dup2(choices[_i].pipe ? fds[1] : null, STDOUT_FILENO), STDOUT_FILENO);
	setenv("TERM", choices[_i].term, 1);
	ck_assert_int_eq(progress_new(choices[_i].mode, "iddump", &log, &progress, &err), 0);
	ck_assert_int_eq(progress != NULL, choices[_i].wanted);
	ck_assert_int_eq(log.write != before.write, choices[_i].wanted);
	progress_free(progress);
	ck_assert(log.write == before.write && log.arg == before.arg);
}
END_TEST

/* What the terminal shows on its lines: \r and erasing done, trailing blanks gone. */
static void screen(const char *text, struct buf *shown)
{
	char line[4096] = "";
	size_t at = 0, len = 0;

	for (; *text; text++) {
		if (*text == '\r') {
			at = 0;
		} else if (*text == '\n') {
			buf_addf(shown, "%.*s\n", (int)len, line);
			at = len = 0;
		} else if (strncmp(text, "\033[K", 3) == 0) {
			len = at;
			text += 2;
		} else {
			line[at++] = *text;
			len = at > len ? at : len;
		}
	}
	buf_addf(shown, "%.*s|", (int)len, line);
}

static void read_terminal(int master, struct buf *shown)
{
	struct pollfd fd = { .fd = master, .events = POLLIN };
	char text[16384] = "";
	size_t len = 0;

	while (poll(&fd, 1, 100) > 0) {
		ssize_t got = read(master, text + len, sizeof(text) - 1 - len);
		ck_assert_int_gt(got, 0);
		len += (size_t)got;
	}
	ck_assert_uint_gt(len, 0);
	screen(text, shown);
}

START_TEST(bar_and_log_share_a_terminal)
{
	struct err err = ERR_INIT;
	struct buf shown = BUF_INIT;
	struct log log = log_to_stderr("idrestore", LOG_NOTE);
	struct progress *progress;
	int master = open_terminal();

	setenv("TERM", "xterm", 1);
	ck_assert_int_eq(progress_new(PROGRESS_BAR, "idrestore", &log, &progress, &err), 0);
	progress_phase(progress, "indexes");
	progress_expect(progress, 0, 4);
	progress_table_done(progress);
	sleep_ms(700);
	read_terminal(master, &shown);
	ck_assert_str_eq(shown.data, "idrestore: indexes  [====>              ]   25%  1/4 tables|");
	buf_reset(&shown);
	log_note(&log, "one\ntwo");
	log_warning(&log, "three");
	sleep_ms(700);
	progress_done(progress);
	progress_free(progress);
	read_terminal(master, &shown);
	ck_assert_str_eq(shown.data, "idrestore: note: one\n  two\nidrestore: warning: three\n|");
	buf_release(&shown);
	close(master);
}
END_TEST

/* Its thread takes no signal from those that work: with all others blocked, it stays pending. */
START_TEST(thread_takes_no_signals)
{
	int fd = memfd_create("stderr", 0);
	sigset_t only, pending;
	struct err err = ERR_INIT;
	struct log log = log_to_stderr("iddump", LOG_NOTE);
	struct progress *progress;

	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(progress_new(PROGRESS_JSON, "iddump", &log, &progress, &err), 0);
	sigemptyset(&only);
	sigaddset(&only, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &only, NULL);
	kill(getpid(), SIGUSR1);
	sleep_ms(50);
	sigpending(&pending);
	ck_assert_int_eq(sigismember(&pending, SIGUSR1), 1);
	progress_free(progress);
	close(fd);
}
END_TEST

START_TEST(nobody_sees_it)
{
	progress_expect(NULL, 1, 1);
	progress_phase(NULL, "rows");
	progress_add(NULL, 1, 1);
	progress_table_done(NULL);
	progress_done(NULL);
	progress_free(NULL);
}
END_TEST

Suite *test_core_progress(void)
{
	Suite *suite = suite_create("core/progress");
	TCase *tc = tcase_create("text");

	tcase_add_loop_test(tc, bar_fits_its_width, 0, sizeof(bars) / sizeof(*bars));
	tcase_add_test(tc, bar_is_never_wider);
	tcase_add_loop_test(tc, bar_says_what_is_known, 0, sizeof(lines) / sizeof(*lines));
	tcase_add_test(tc, json_lines);
	suite_add_tcase(suite, tc);
	tc = tcase_create("shown");
	tcase_add_loop_test(tc, json_of_a_run, 0, 2);
	tcase_add_test(tc, silent_before_it_begins);
	tcase_add_loop_test(tc, where_it_is_shown, 0, sizeof(choices) / sizeof(*choices));
	tcase_add_test(tc, bar_and_log_share_a_terminal);
	tcase_add_test(tc, thread_takes_no_signals);
	tcase_add_test(tc, nobody_sees_it);
	suite_add_tcase(suite, tc);
	return suite;
}
