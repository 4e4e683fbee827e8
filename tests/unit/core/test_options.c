#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

Suite *test_core_options(void);

struct values {
	bool quiet;
	bool owner;
	unsigned verbose;
	const char *file;
	long jobs;
	struct option_list rules;
	int format;
	const char *progress;
};

struct other_values {
	const char *host;
};

static const char *const formats[] = { "plain", "archive", "none", NULL };

static const struct option_entry entries[] = {
	{ 'q', "quiet", NULL, "say less", OPTION_FLAG, offsetof(struct values, quiet), NULL },
	{ 0, "no-owner", NULL, "leave owners out", OPTION_NEGATE, offsetof(struct values, owner),
	  NULL },
	{ 'v', "verbose", NULL, "say more", OPTION_COUNT, offsetof(struct values, verbose), NULL },
	{ 'f', "file", "FILE", "read FILE", OPTION_TEXT, offsetof(struct values, file), NULL },
	{ 'j', "jobs", "N", "work with N connections", OPTION_NUMBER, offsetof(struct values, jobs),
	  NULL },
	{ 'e', NULL, "RULE", "a rule", OPTION_LIST, offsetof(struct values, rules), NULL },
	{ 'F', "format", "FORMAT", "plain, archive or none", OPTION_CHOICE,
	  offsetof(struct values, format), formats },
	{ 0, "progress", "WHEN", "show progress", OPTION_OPTIONAL, offsetof(struct values, progress),
	  NULL },
	{ 0 }
};

static const struct option_entry other_entries[] = {
	{ 'h', "host", "HOST", "the server", OPTION_TEXT, offsetof(struct other_values, host), NULL },
	{ 0 }
};

struct parsed {
	struct values values;
	struct other_values other;
	struct option_group groups[3];
	struct option_operands operands;
	char *argv[16];
	int argc;
	struct err err;
};

/* Parses the words of `line`, which blanks separate. */
static int parse(struct parsed *parsed, const char *line)
{
	static char words[256];

	*parsed = (struct parsed){ .values = { .owner = true, .jobs = 1 } };
	parsed->groups[0] = (struct option_group){ "General", entries, &parsed->values };
	parsed->groups[1] = (struct option_group){ "Connection", other_entries, &parsed->other };
	snprintf(words, sizeof(words), "idfilter %s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		parsed->argv[parsed->argc++] = word;
	return options_parse("idfilter", parsed->groups, parsed->argc, parsed->argv, &parsed->operands,
	                     &parsed->err);
}

static void parse_well(struct parsed *parsed, const char *line)
{
	ck_assert_msg(parse(parsed, line) == 0, "%s", parsed->err.message);
}

START_TEST(every_kind)
{
	struct parsed parsed;

	parse_well(&parsed, "-qvv --no-owner -f a --file=b -j8 -e x -ey -F archive --progress=bar "
	                    "-h db");
	ck_assert(parsed.values.quiet);
	ck_assert(!parsed.values.owner);
	ck_assert_uint_eq(parsed.values.verbose, 2);
	ck_assert_str_eq(parsed.values.file, "b");
	ck_assert_int_eq(parsed.values.jobs, 8);
	ck_assert_uint_eq(parsed.values.rules.count, 2);
	ck_assert_str_eq(parsed.values.rules.items[0], "x");
	ck_assert_str_eq(parsed.values.rules.items[1], "y");
	ck_assert_int_eq(parsed.values.format, 1);
	ck_assert_str_eq(parsed.values.progress, "bar");
	ck_assert_str_eq(parsed.other.host, "db");
	ck_assert_uint_eq(parsed.operands.count, 0);
	options_release(parsed.groups);
	ck_assert_ptr_null(parsed.values.rules.items);
}
END_TEST

START_TEST(initial_values_stay)
{
	struct parsed parsed;

	parse_well(&parsed, "");
	ck_assert(!parsed.values.quiet);
	ck_assert(parsed.values.owner);
	ck_assert_int_eq(parsed.values.jobs, 1);
	ck_assert_ptr_null(parsed.values.file);
	ck_assert_ptr_null(parsed.values.progress);
	parse_well(&parsed, "--progress");
	ck_assert_str_eq(parsed.values.progress, "");
}
END_TEST

START_TEST(operands_anywhere)
{
	struct parsed parsed;

	parse_well(&parsed, "one -q two --prog - -- -v");
	ck_assert(parsed.values.quiet);
	ck_assert_str_eq(parsed.values.progress, "");
	ck_assert_uint_eq(parsed.values.verbose, 0);
	ck_assert_uint_eq(parsed.operands.count, 4);
	ck_assert_str_eq(parsed.operands.items[0], "one");
	ck_assert_str_eq(parsed.operands.items[1], "two");
	ck_assert_str_eq(parsed.operands.items[2], "-");
	ck_assert_str_eq(parsed.operands.items[3], "-v");
}
END_TEST

START_TEST(errors)
{
	static const struct {
		const char *line, *message;
	} cases[] = {
		{ "--foo", "unknown option \"--foo\"" },
		{ "--foo=bar", "unknown option \"--foo\"" },
		{ "a -x", "unknown option \"-x\"" },
		{ "-qxv", "unknown option \"-x\"" },
		{ "--f", "option \"--f\" may be any of --file, --format" },
		{ "-f", "option \"-f\" needs an argument (FILE)" },
		{ "-qf", "option \"-f\" needs an argument (FILE)" },
		{ "--file", "option \"--file\" needs an argument (FILE)" },
		{ "--fil", "option \"--file\" needs an argument (FILE)" },
		{ "-e", "option \"-e\" needs an argument (RULE)" },
		{ "--quiet=yes", "option \"--quiet\" takes no argument" },
		{ "-j x", "-j needs a number, not \"x\"" },
		{ "-j 4x", "-j needs a number, not \"4x\"" },
		{ "-j -1", "-j needs a number, not \"-1\"" },
		{ "-j +1", "-j needs a number, not \"+1\"" },
		{ "--jobs=", "--jobs needs a number, not \"\"" },
		{ "--jobs=99999999999999999999",
		  "--jobs needs a smaller number, not \"99999999999999999999\"" },
		{ "-F tar", "-F needs plain, archive or none, not \"tar\"" },
		{ "--format=PLAIN", "--format needs plain, archive or none, not \"PLAIN\"" },
		{ "-e x -e y --foo", "unknown option \"--foo\"" },
	};
	struct parsed parsed;
	char wanted[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(parse(&parsed, cases[i].line), -1);
		ck_assert_int_eq(parsed.err.kind, ERR_USAGE);
		snprintf(wanted, sizeof(wanted), "%s; try \"idfilter --help\"", cases[i].message);
		ck_assert_str_eq(parsed.err.message, wanted);
		options_release(parsed.groups);
	}
}
END_TEST

static char *print(void (*print_function)(const struct option_group *, FILE *),
                   const struct option_group *groups)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	print_function(groups, file);
	fclose(file);
	return text;
}

START_TEST(help)
{
	struct parsed parsed;

	parse_well(&parsed, "");
	char *text = print(options_print_help, parsed.groups);
	ck_assert_str_eq(text, "General:\n"
	                       "  -q, --quiet            say less\n"
	                       "      --no-owner         leave owners out\n"
	                       "  -v, --verbose          say more\n"
	                       "  -f, --file=FILE        read FILE\n"
	                       "  -j, --jobs=N           work with N connections\n"
	                       "  -e RULE                a rule\n"
	                       "  -F, --format=FORMAT    plain, archive or none\n"
	                       "      --progress[=WHEN]  show progress\n"
	                       "\n"
	                       "Connection:\n"
	                       "  -h, --host=HOST        the server\n");
	free(text);
}
END_TEST

START_TEST(help_is_wrapped)
{
	static const struct option_entry wide[] = {
		{ 0, "a-name-that-is-very-long", "ARGUMENT",
		  "words that go on and on until they reach the end of the line and further still "
		  "to a third line, which nobody would read in one piece",
		  OPTION_TEXT, 0, NULL },
		{ 'b', NULL, NULL, "short\nbroken", OPTION_FLAG, 0, NULL },
		{ 0 }
	};
	struct option_group groups[] = { { NULL, wide, NULL }, { 0 } };
	char *text = print(options_print_help, groups);

	ck_assert_ptr_eq(strstr(text, "      --a-name-that-is-very-long=ARGUMENT\n      words"), text);
	ck_assert_ptr_nonnull(strstr(text, "\n  -b  short\n      broken\n"));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		ck_assert_uint_le(strlen(line), 79);
		ck_assert_int_ne(line[strlen(line) - 1], ' ');
	}
	free(text);
}
END_TEST

START_TEST(table)
{
	struct parsed parsed;

	parse_well(&parsed, "");
	char *text = print(options_print_table, parsed.groups);
	ck_assert_str_eq(text, "-q\t--quiet\t\tsay less\n"
	                       "\t--no-owner\t\tleave owners out\n"
	                       "-v\t--verbose\t\tsay more\n"
	                       "-f\t--file\tFILE\tread FILE\n"
	                       "-j\t--jobs\tN\twork with N connections\n"
	                       "-e\t\tRULE\ta rule\n"
	                       "-F\t--format\tFORMAT\tplain, archive or none\n"
	                       "\t--progress\tWHEN\tshow progress\n"
	                       "-h\t--host\tHOST\tthe server\n");
	free(text);
}
END_TEST

Suite *test_core_options(void)
{
	Suite *suite = suite_create("core/options");
	TCase *tc = tcase_create("options");

	tcase_add_test(tc, every_kind);
	tcase_add_test(tc, initial_values_stay);
	tcase_add_test(tc, operands_anywhere);
	tcase_add_test(tc, errors);
	tcase_add_test(tc, help);
	tcase_add_test(tc, help_is_wrapped);
	tcase_add_test(tc, table);
	suite_add_tcase(suite, tc);
	return suite;
}
