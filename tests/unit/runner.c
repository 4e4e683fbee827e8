/*
 * runner.c - runs every suite of tests/unit, or those named as arguments ("core_err").
 *
 * The Makefile lists the suites in suites.h: tests/unit/core/test_err.c is SUITE(core_err) and
 * defines `Suite *test_core_err(void)`.  Check's own environment works too (CK_FORK=no under a
 * debugger, CK_RUN_CASE, CK_VERBOSITY).
 */
#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUITE(name) Suite *test_##name(void);
#include "suites.h"
#undef SUITE

#define SUITE(name) { #name, test_##name },
static const struct {
	const char *name;
	Suite *(*make)(void);
} suites[] = {
#include "suites.h"
	{ NULL, NULL },
};

static bool is_wanted(const char *name, char **wanted)
{
	if (!*wanted)
		return true;
	for (; *wanted; wanted++)
		if (strcmp(*wanted, name) == 0)
			return true;
	return false;
}

/* Under nohup, or in a script's background, some are ignored; tests send them. */
static void reset_signals(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		signal(numbers[i], SIG_DFL);
}

int main(int argc, char **argv)
{
	SRunner *runner = srunner_create(NULL);
	int failed = 0;
	int added = 0;

	(void)argc;
	reset_signals();
	/* Check's 4 seconds are too short under a sanitizer on a busy machine. */
	setenv("CK_DEFAULT_TIMEOUT", "60", 0);
	for (size_t i = 0; suites[i].name; i++) {
		if (!is_wanted(suites[i].name, argv + 1))
			continue;
		srunner_add_suite(runner, suites[i].make());
		added++;
	}
	if (added > 0) {
		srunner_run_all(runner, CK_NORMAL);
		failed = srunner_ntests_failed(runner);
	} else {
		fprintf(stderr, "no such suite; there are:");
		for (size_t i = 0; suites[i].name; i++)
			fprintf(stderr, " %s", suites[i].name);
		fprintf(stderr, "\n");
	}
	srunner_free(runner);
	return added > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
