/*
 * options.h - one table gives a tool its parsing, its --help and its completion.
 *
 * An option is one entry: its names, the word for its argument, its help, its kind and where in the
 * tool's options struct its value goes.  Several groups (the tool's own, the connection options
 * that all share) are parsed together, each into its own struct:
 *
 *     static const struct option_entry entries[] = {
 *         { 'v', "invert-match", "REGEX", "strip statements that match REGEX",
 *           OPTION_LIST, offsetof(struct options, strip) },
 *         { 0 }
 *     };
 *     struct option_group groups[] = { { "Filters", entries, &options }, …, { 0 } };
 *     options_parse("idfilter", groups, argc, argv, &operands, err)
 *
 * Parsing is getopt_long(3)'s: long options may be shortened, operands may stand anywhere, "--"
 * ends the options.  Errors (ERR_USAGE) name the option and point at --help.
 */
#ifndef IDKIT_CORE_OPTIONS_H
#define IDKIT_CORE_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

#include "err.h"

enum option_kind {
	OPTION_FLAG,      /* bool: true when given */
	OPTION_NEGATE,    /* bool: false when given (the struct's initial value says true) */
	OPTION_COUNT,     /* unsigned: how often it was given */
	OPTION_TEXT,      /* const char *: borrowed from argv; the last one counts */
	OPTION_NUMBER,    /* long: decimal, not negative; the last one counts */
	OPTION_LIST,      /* struct option_list: each one, in order */
	OPTION_CHOICE,    /* int: index in `choices`, a NULL-terminated array of words */
	OPTION_OPTIONAL,  /* const char *: "" when given without "=ARG" */
};

struct option_list {
	const char **items; /* borrowed from argv */
	size_t count;
};

struct option_entry {
	int short_name;          /* a letter, or 0 */
	const char *long_name;   /* or NULL */
	const char *argument;    /* the word in --help, or NULL when it takes none */
	const char *help;
	enum option_kind kind;
	size_t offset;           /* of the value in the group's struct */
	const char *const *choices; /* OPTION_CHOICE only */
};

struct option_group {
	const char *title;
	const struct option_entry *entries; /* ended by an entry without any name */
	void *values;
};

struct option_operands {
	char **items; /* borrowed from argv */
	size_t count;
};

/* 0 or -1 (ERR_USAGE).  `groups` is ended by one whose entries are NULL.  Lists are allocated:
 * options_release() frees them. */
int options_parse(const char *program, const struct option_group *groups, int argc, char **argv,
                  struct option_operands *operands, struct err *err);
void options_release(const struct option_group *groups);

/* The option part of --help: a group's title, then its options, aligned, at most 79 columns. */
void options_print_help(const struct option_group *groups, FILE *file);

/* One line per option, for completion scripts and the test against the man page:
 * "-d<TAB>--dbname<TAB>CONN<TAB>help". */
void options_print_table(const struct option_group *groups, FILE *file);

#endif
