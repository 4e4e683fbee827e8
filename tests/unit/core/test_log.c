#include <check.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"

Suite *test_core_log(void);

static void collect(void *arg, enum log_level level, const char *line)
{
	buf_addf(arg, "%d:%s|", (int)level, line);
}

static void say_all(const struct log *log)
{
	log_detail(log, "step %d", 1);
	log_note(log, "left %s", "out");
	log_warning(log, "careful");
}

START_TEST(levels)
{
	static const char *const wanted[] = {
		[LOG_DETAIL] = "0:step 1|1:left out|2:careful|",
		[LOG_NOTE] = "1:left out|2:careful|",
		[LOG_WARNING] = "2:careful|",
	};
	struct buf lines = BUF_INIT;
	struct log log = { .least = (enum log_level)_i, .write = collect, .arg = &lines };

	say_all(&log);
	ck_assert_str_eq(lines.data, wanted[_i]);
	buf_release(&lines);
	say_all(NULL);
}
END_TEST

START_TEST(stderr_lines)
{
	struct log log = log_to_stderr("iddump", LOG_DETAIL);
	char text[256] = "";
	int fd = memfd_create("stderr", 0);

	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	say_all(&log);
	ck_assert_int_gt(pread(fd, text, sizeof(text) - 1, 0), 0);
	ck_assert_str_eq(text, "iddump: step 1\n"
	                       "iddump: note: left out\n"
	                       "iddump: warning: careful\n");
	close(fd);
}
END_TEST

static const struct {
	const char *text;
	const char *wanted;
} printable[] = {
	{ "", "" },
	{ "plain\ttext\nand more", "plain\ttext\nand more" },
	{ "\x1b[31mred\r\a\x7f\x01", "?[31mred????" },
	{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80" },
	/* C1: CSI in one character, and as a byte of another encoding. */
	{ "a\xc2\x9b" "31mb\x9b" "c", "a?31mb?c" },
	{ "\xc2\xa0", "\xc2\xa0" },
	/* Cut short: what follows is not swallowed. */
	{ "\xe2\x1b[m", "\xe2?[m" },
	{ "\xe2\x82", "\xe2?" },
	{ "\xf0\x9f\x98", "\xf0??" },
	{ "\xe4\xff", "\xe4\xff" },
};

START_TEST(printable_text)
{
	char text[64];

	strcpy(text, printable[_i].text);
	log_make_printable(text);
	ck_assert_str_eq(text, printable[_i].wanted);
}
END_TEST

START_TEST(hostile_lines)
{
	struct log log = log_to_stderr("iddump", LOG_NOTE);
	char text[256] = "";
	int fd = memfd_create("stderr", 0);

	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	log_note(&log, "table %s is odd", "a\x1b\niddump: error: b\n\nc");
	ck_assert_int_gt(pread(fd, text, sizeof(text) - 1, 0), 0);
	ck_assert_str_eq(text, "iddump: note: table a?\n"
	                       "  iddump: error: b\n"
	                       "  \n"
	                       "  c is odd\n");
	close(fd);
}
END_TEST

Suite *test_core_log(void)
{
	Suite *suite = suite_create("core/log");
	TCase *tc = tcase_create("log");

	tcase_add_loop_test(tc, levels, LOG_DETAIL, LOG_WARNING + 1);
	tcase_add_test(tc, stderr_lines);
	tcase_add_loop_test(tc, printable_text, 0, sizeof(printable) / sizeof(*printable));
	tcase_add_test(tc, hostile_lines);
	suite_add_tcase(suite, tc);
	return suite;
}
