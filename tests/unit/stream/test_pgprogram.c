/* Programs that say any version: scripts in a folder that is the whole PATH. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pgprogram.h"

Suite *test_stream_pgprogram(void);

static char folder[64];

static void make_folder(void)
{
	strcpy(folder, "/tmp/idkit-program-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void program_path(const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", folder, name);
}

static void remove_folder(void)
{
	static const char *const names[] = { "pg_probe", "pg_broken" };
	char path[128];
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		program_path(names[i], path);
		unlink(path);
	}
	rmdir(folder);
}

static void make_program(const char *name, const char *script)
{
	char path[128];
	program_path(name, path);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	fclose(file);
	ck_assert_int_eq(chmod(path, 0700), 0);
}

START_TEST(version_is_asked)
{
	static const struct {
		const char *says;
		int major;
	} versions[] = {
		{ "pg_probe (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)", 15 },
		{ "pg_probe (PostgreSQL) 18beta1", 18 },
		{ "pg_probe (PostgreSQL) 9.6.24", 9 },
		{ "pg_probe (PostgreSQL) devel", -1 },
		{ "pg_probe (PostgreSQL) -3", -1 },
		{ "pg_probe (PostgreSQL) 99999999999999999999", -1 },
		{ "another program 15", -1 },
		{ "", -1 },
	};
	char path[128];
	program_path("pg_probe", path);
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		struct err err = ERR_INIT;
		char script[128];
		snprintf(script, sizeof(script), "echo '%s'", versions[i].says);
		make_program("pg_probe", script);
		ck_assert_int_eq(pgprogram_major(path, &err), versions[i].major);
		ck_assert_int_eq(err.kind, versions[i].major < 0 ? ERR_SYSTEM : ERR_NONE);
	}
	struct err err = ERR_INIT;
	char message[256];
	snprintf(message, sizeof(message), "%s --version does not say a PostgreSQL version", path);
	ck_assert_int_eq(pgprogram_major(path, &err), -1);
	ck_assert_str_eq(err.message, message);
}
END_TEST

START_TEST(program_in_path_is_found)
{
	struct err err = ERR_INIT;
	char path[128];
	int major = 0;
	program_path("pg_probe", path);
	setenv("PATH", folder, 1);
	make_program("pg_probe", "echo 'pg_probe (PostgreSQL) 15.8'");
	char *found = pgprogram_find("pg_probe", 15, &major, &err);
	ck_assert_msg(found != NULL, "%s", err.message);
	ck_assert_str_eq(found, path);
	ck_assert_int_eq(major, 15);
	free(found);
}
END_TEST

START_TEST(too_old_program_is_refused)
{
	struct err err = ERR_INIT;
	char path[128], message[512];
	program_path("pg_probe", path);
	setenv("PATH", folder, 1);
	make_program("pg_probe", "echo 'pg_probe (PostgreSQL) 15.8'");
	ck_assert_ptr_null(pgprogram_find("pg_probe", 16, NULL, &err));
	snprintf(message, sizeof(message),
	         "the newest pg_probe installed is %s of version 15, but the server has version 16: "
	         "install postgresql-client-16, or name one with --pg-dump",
	         path);
	ck_assert_str_eq(err.message, message);
	ck_assert_int_eq(err.kind, ERR_SYSTEM);
}
END_TEST

/* PATH has versions 14 to 16, each in a folder of its own. */
static void make_versions(void)
{
	char value[512] = "", path[128], script[64];
	for (int major = 14; major <= 16; major++) {
		snprintf(path, sizeof(path), "%s/%d", folder, major);
		ck_assert_int_eq(mkdir(path, 0700), 0);
		snprintf(value + strlen(value), sizeof(value) - strlen(value), "%s:", path);
		snprintf(path, sizeof(path), "%d/pg_probe", major);
		snprintf(script, sizeof(script), "echo 'pg_probe (PostgreSQL) %d.1'", major);
		make_program(path, script);
	}
	setenv("PATH", value, 1);
}

static void remove_versions(void)
{
	char path[128];
	for (int major = 14; major <= 16; major++) {
		snprintf(path, sizeof(path), "%s/%d/pg_probe", folder, major);
		unlink(path);
		snprintf(path, sizeof(path), "%s/%d", folder, major);
		rmdir(path);
	}
}

START_TEST(program_of_the_wanted_version_is_best)
{
	static const struct {
		int wanted;
		int found;
	} cases[] = { { 14, 14 }, { 15, 15 }, { 16, 16 }, { 13, 16 }, { 0, 16 } };
	make_versions();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err err = ERR_INIT;
		char path[128];
		int major = 0;
		snprintf(path, sizeof(path), "%s/%d/pg_probe", folder, cases[i].found);
		char *found = pgprogram_find("pg_probe", cases[i].wanted, &major, &err);
		ck_assert_msg(found != NULL, "%s", err.message);
		ck_assert_str_eq(found, path);
		ck_assert_int_eq(major, cases[i].found);
		free(found);
	}
	remove_versions();
}
END_TEST

START_TEST(missing_program_is_said)
{
	struct err err = ERR_INIT;
	setenv("PATH", folder, 1);
	make_program("pg_broken", "exit 1");
	ck_assert_ptr_null(pgprogram_find("pg_broken", 0, NULL, &err));
	ck_assert_str_eq(err.message, "no pg_broken is installed: install PostgreSQL's client programs "
	                              "(Debian: postgresql-client)");
}
END_TEST

Suite *test_stream_pgprogram(void)
{
	Suite *suite = suite_create("stream_pgprogram");
	TCase *tc = tcase_create("pgprogram");

	tcase_add_checked_fixture(tc, make_folder, remove_folder);
	tcase_add_test(tc, version_is_asked);
	tcase_add_test(tc, program_in_path_is_found);
	tcase_add_test(tc, program_of_the_wanted_version_is_best);
	tcase_add_test(tc, too_old_program_is_refused);
	tcase_add_test(tc, missing_program_is_said);
	suite_add_tcase(suite, tc);
	return suite;
}
