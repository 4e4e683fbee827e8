#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "interrupt.h"
#include "outfile.h"

Suite *test_core_outfile(void);

/* Each test works in a folder of its own, which is the current one, and empties it. */
static char folder[64];

static void enter_folder(void)
{
	strcpy(folder, "/tmp/idkit-outfile-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void leave_folder(void)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	while ((entry = readdir(dir)) != NULL)
		if (!is_dots(entry->d_name))
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(folder);
}

static size_t count_files(void)
{
	DIR *dir = opendir(".");
	const struct dirent *entry;
	size_t count = 0;

	while ((entry = readdir(dir)) != NULL)
		count += !is_dots(entry->d_name);
	closedir(dir);
	return count;
}

static void put_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static void assert_content(const char *name, const char *wanted)
{
	char text[256] = "";
	FILE *file = fopen(name, "r");

	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	ck_assert_str_eq(text, wanted);
}

static struct outfile *open_file(const char *name)
{
	struct err err = ERR_INIT;
	struct outfile *out = outfile_open(name, NULL, &err);

	ck_assert_msg(out, "%s", err.message);
	return out;
}

static void write_file(struct outfile *out, const char *text)
{
	struct err err = ERR_INIT;

	ck_assert_msg(outfile_write(out, text, strlen(text), &err) == 0, "%s", err.message);
}

static void finish_file(struct outfile *out)
{
	struct err err = ERR_INIT;

	ck_assert_msg(outfile_finish(out, &err) == 0, "%s", err.message);
	outfile_free(out);
}

START_TEST(finished_file_is_private_and_alone)
{
	struct stat file;
	struct outfile *out = open_file("k.sql");

	umask(0);
	ck_assert_str_eq(outfile_name(out), "k.sql");
	ck_assert(!outfile_is_terminal(out));
	write_file(out, "SELECT 1;\n");
	ck_assert_int_eq(access("k.sql", F_OK), -1);
	ck_assert_uint_eq(count_files(), 1);
	finish_file(out);
	ck_assert_uint_eq(count_files(), 1);
	assert_content("k.sql", "SELECT 1;\n");
	ck_assert_int_eq(stat("k.sql", &file), 0);
	ck_assert_uint_eq(file.st_mode & 07777, 0600);
}
END_TEST

START_TEST(free_without_finish_leaves_nothing)
{
	struct outfile *out = open_file("k.sql");

	write_file(out, "half");
	outfile_free(out);
	ck_assert_uint_eq(count_files(), 0);

	put_file("k.sql", "old");
	out = open_file("k.sql");
	write_file(out, "half");
	outfile_free(out);
	assert_content("k.sql", "old");
	ck_assert_uint_eq(count_files(), 1);
	outfile_free(NULL);
}
END_TEST

START_TEST(old_content_until_finish)
{
	put_file("k.sql", "old");
	struct outfile *out = open_file("k.sql");

	write_file(out, "new");
	assert_content("k.sql", "old");
	finish_file(out);
	assert_content("k.sql", "new");
}
END_TEST

/* Sizes around the buffer's: gathered, flushed, straight through, and in order. */
START_TEST(sizes_around_the_buffer)
{
	static const size_t sizes[] = { 1, 262143, 0, 262144, 5, 262145, 1000000, 3 };
	struct err err = ERR_INIT;
	struct buf wanted = BUF_INIT, got = BUF_INIT;
	struct outfile *out = open_file("k.sql");
	unsigned char *data = malloc(1000000);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t at = 0; at < sizes[i]; at++)
			data[at] = (unsigned char)(at * 7 + i);
		buf_add(&wanted, data, sizes[i]);
		ck_assert_int_eq(outfile_write(out, data, sizes[i], &err), 0);
	}
	finish_file(out);
	ck_assert_int_eq(buf_reserve(&got, wanted.len + 1), 0);
	FILE *file = fopen("k.sql", "r");
	got.len = fread(got.data, 1, wanted.len + 1, file);
	fclose(file);
	ck_assert(slice_equal(buf_slice(&got), buf_slice(&wanted)));
	buf_release(&got);
	buf_release(&wanted);
	free(data);
}
END_TEST

/* A write that fails (here: the size limit) is remembered: finish cannot succeed after it. */
START_TEST(failed_write_keeps_old_file)
{
	struct rlimit limit = { 100000, 100000 };
	struct err err = ERR_INIT;
	char *data = calloc(1, 300000);

	put_file("k.sql", "old");
	struct outfile *out = open_file("k.sql");
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(outfile_write(out, data, 300000, &err), -1);
	ck_assert_int_eq(err.kind, ERR_SYSTEM);
	ck_assert_str_eq(err.message, "cannot write k.sql: File too large");
	err_clear(&err);
	ck_assert_int_eq(outfile_finish(out, &err), -1);
	ck_assert_str_eq(err.message, "k.sql is not whole: an earlier write failed");
	outfile_free(out);
	assert_content("k.sql", "old");
	ck_assert_uint_eq(count_files(), 1);
	free(data);
}
END_TEST

START_TEST(interrupt_before_rename_keeps_old_file)
{
	struct err err = ERR_INIT;

	interrupt_install();
	put_file("k.sql", "old");
	struct outfile *out = open_file("k.sql");
	raise(SIGTERM);
	ck_assert_int_eq(outfile_finish(out, &err), -1);
	ck_assert_int_eq(err.kind, ERR_SIGNAL);
	outfile_free(out);
	assert_content("k.sql", "old");
	ck_assert_uint_eq(count_files(), 1);
}
END_TEST

START_TEST(cannot_open)
{
	struct err err = ERR_INIT;

	ck_assert_ptr_null(outfile_open("none/k.sql", NULL, &err));
	ck_assert_int_eq(err.kind, ERR_SYSTEM);
	ck_assert_str_eq(err.message,
	                 "cannot create a file beside none/k.sql: No such file or directory");
	err_clear(&err);
	ck_assert_ptr_null(outfile_open("/", NULL, &err));
	ck_assert_str_eq(err.message, "cannot open /: Is a directory");
	err_clear(&err);
	ck_assert_int_eq(symlink("nowhere", "link"), 0);
	ck_assert_ptr_null(outfile_open("link", NULL, &err));
	ck_assert_str_eq(err.message, "link is a symbolic link to a file that does not exist; "
	                              "remove the link or name the file");
	ck_assert_uint_eq(count_files(), 1);
}
END_TEST

START_TEST(rename_fails)
{
	struct err err = ERR_INIT;
	struct outfile *out = open_file("k.sql");

	ck_assert_int_eq(mkdir("k.sql", 0700), 0);
	ck_assert_int_eq(outfile_finish(out, &err), -1);
	ck_assert_str_eq(err.message, "cannot give k.sql its name: Is a directory");
	outfile_free(out);
	ck_assert_uint_eq(count_files(), 1);
	ck_assert_int_eq(rmdir("k.sql"), 0);
}
END_TEST

START_TEST(link_stays)
{
	struct stat link;

	put_file("target.sql", "old");
	ck_assert_int_eq(symlink("target.sql", "link"), 0);
	struct outfile *out = open_file("link");
	ck_assert_str_eq(outfile_name(out), "link");
	write_file(out, "new");
	finish_file(out);
	ck_assert_int_eq(lstat("link", &link), 0);
	ck_assert(S_ISLNK(link.st_mode));
	assert_content("target.sql", "new");
	ck_assert_uint_eq(count_files(), 2);
}
END_TEST

START_TEST(long_name)
{
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	struct outfile *out = open_file(name);
	write_file(out, "x");
	finish_file(out);
	assert_content(name, "x");
}
END_TEST

START_TEST(device_is_written_directly)
{
	struct err err = ERR_INIT;
	struct outfile *out = open_file("/dev/null");

	write_file(out, "x");
	finish_file(out);
	out = open_file("/dev/full");
	write_file(out, "x");
	ck_assert_int_eq(outfile_finish(out, &err), -1);
	ck_assert_int_eq(err.kind, ERR_SYSTEM);
	ck_assert_str_eq(err.message, "cannot write /dev/full: No space left on device");
	outfile_free(out);
}
END_TEST

START_TEST(full_stdout)
{
	struct err err = ERR_INIT;
	int full = open("/dev/full", O_WRONLY);

	ck_assert_int_eq(dup2(full, STDOUT_FILENO), STDOUT_FILENO);
	struct outfile *out = open_file(_i ? "-" : NULL);
	write_file(out, "x");
	ck_assert_int_eq(outfile_flush(out, &err), -1);
	ck_assert_str_eq(err.message, "cannot write standard output: No space left on device");
	err_clear(&err);
	ck_assert_int_eq(outfile_finish(out, &err), -1);
	ck_assert_int_eq(err.kind, ERR_SYSTEM);
	outfile_free(out);
}
END_TEST

START_TEST(stdout_file_and_pipe)
{
	int fds[2];
	char text[8] = "";

	ck_assert_ptr_nonnull(freopen("out", "w", stdout));
	struct outfile *out = open_file("-");
	write_file(out, "abc");
	finish_file(out);
	assert_content("out", "abc");
	ck_assert_int_eq(fcntl(STDOUT_FILENO, F_GETFD), 0); /* still there */

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(dup2(fds[1], STDOUT_FILENO), STDOUT_FILENO);
	out = open_file("-");
	write_file(out, "abc");
	finish_file(out);
	ck_assert_int_eq(read(fds[0], text, sizeof(text)), 3);

	struct err err = ERR_INIT;
	close(STDOUT_FILENO);
	ck_assert_ptr_null(outfile_open("-", NULL, &err));
	ck_assert_str_eq(err.message, "cannot write standard output: Bad file descriptor");
}
END_TEST

static void collect(void *arg, enum log_level level, const char *line)
{
	buf_addf(arg, "%d:%s|", (int)level, line);
}

/* A killed run's file is told, and told from one that another run is writing. */
START_TEST(leftovers_are_told)
{
	struct buf lines = BUF_INIT;
	struct log log = { .least = LOG_DETAIL, .write = collect, .arg = &lines };
	struct err err = ERR_INIT;
	char path[PATH_MAX];

	put_file(".k.sql.aBc123.idkit-tmp", "");
	put_file(".k.sql.aBc1234.idkit-tmp", "");
	put_file(".k.aBc123.idkit-tmp", "");
	put_file(".k.sql.aBc123.idkit-tm", "");
	struct outfile *live = open_file("k.sql");
	struct outfile *out = outfile_open("k.sql", &log, &err);
	ck_assert_ptr_nonnull(out);
	ck_assert_str_eq(lines.data, "1:./.k.sql.aBc123.idkit-tmp was left by a run that was "
	                             "killed; remove it when you don't need it|");
	outfile_free(out);
	outfile_free(live);

	buf_reset(&lines);
	snprintf(path, sizeof(path), "%s/k", folder);
	out = outfile_open(path, &log, &err);
	ck_assert_ptr_nonnull(strstr(lines.data, "/.k.aBc123.idkit-tmp was left"));
	ck_assert_ptr_null(strstr(lines.data, "k.sql"));
	outfile_free(out);
	ck_assert_uint_eq(count_files(), 4); /* told, not removed */
	buf_release(&lines);
}
END_TEST

START_TEST(killed_run_leaves_what_is_found)
{
	struct buf lines = BUF_INIT;
	struct log log = { .least = LOG_DETAIL, .write = collect, .arg = &lines };
	struct err err = ERR_INIT;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		open_file("k.sql");
		raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_uint_eq(count_files(), 1);
	struct outfile *out = outfile_open("k.sql", &log, &err);
	ck_assert_ptr_nonnull(strstr(lines.data, "was left by a run that was killed"));
	outfile_free(out);
	buf_release(&lines);
}
END_TEST

Suite *test_core_outfile(void)
{
	Suite *suite = suite_create("core/outfile");
	TCase *tc = tcase_create("outfile");

	tcase_add_checked_fixture(tc, enter_folder, leave_folder);
	tcase_add_test(tc, finished_file_is_private_and_alone);
	tcase_add_test(tc, free_without_finish_leaves_nothing);
	tcase_add_test(tc, old_content_until_finish);
	tcase_add_test(tc, sizes_around_the_buffer);
	tcase_add_test(tc, failed_write_keeps_old_file);
	tcase_add_test(tc, interrupt_before_rename_keeps_old_file);
	tcase_add_test(tc, cannot_open);
	tcase_add_test(tc, rename_fails);
	tcase_add_test(tc, link_stays);
	tcase_add_test(tc, long_name);
	tcase_add_test(tc, device_is_written_directly);
	tcase_add_loop_test(tc, full_stdout, 0, 2);
	tcase_add_test(tc, stdout_file_and_pipe);
	tcase_add_test(tc, leftovers_are_told);
	tcase_add_test(tc, killed_run_leaves_what_is_found);
	suite_add_tcase(suite, tc);
	return suite;
}
