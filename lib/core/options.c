#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

/* getopt_long() returns this plus an entry's index for a long option, so that the message can name
 * it as it was written; a letter for a short one. */
#define LONG_FIRST 256

/* One entry of any group, and the group it stands in. */
struct known_option {
	const struct option_entry *entry;
	void *values;
};

struct parser {
	const char *program;
	struct known_option *known;
	size_t count;
	struct option *long_options;
	struct buf short_options;
};

static bool is_end(const struct option_entry *entry)
{
	return entry->short_name == 0 && !entry->long_name;
}

static size_t count_entries(const struct option_group *groups)
{
	size_t count = 0;

	for (; groups->entries; groups++)
		for (const struct option_entry *entry = groups->entries; !is_end(entry); entry++)
			count++;
	return count;
}

static int argument_need(const struct option_entry *entry)
{
	switch (entry->kind) {
	case OPTION_FLAG:
	case OPTION_NEGATE:
	case OPTION_COUNT:
		return no_argument;
	case OPTION_OPTIONAL:
		return optional_argument;
	case OPTION_TEXT:
	case OPTION_NUMBER:
	case OPTION_LIST:
	case OPTION_CHOICE:
		return required_argument;
	}
	return no_argument;
}

static void add_option(struct parser *parser, struct option *long_option,
                       const struct option_entry *entry, void *values)
{
	static const char *const colons[] = {
		[no_argument] = "",
		[required_argument] = ":",
		[optional_argument] = "::",
	};
	int need = argument_need(entry);

	if (entry->long_name)
		*long_option = (struct option){ .name = entry->long_name,
			                            .has_arg = need,
			                            .val = LONG_FIRST + (int)parser->count };
	if (entry->short_name) {
		buf_addc(&parser->short_options, (char)entry->short_name);
		buf_adds(&parser->short_options, colons[need]);
	}
	parser->known[parser->count++] = (struct known_option){ entry, values };
}

/* getopt's own tables.  The ':' in front makes it tell a missing argument from an unknown option.
 */
static int parser_init(struct parser *parser, const struct option_group *groups, struct err *err)
{
	size_t count = count_entries(groups) + 1;
	size_t long_count = 0;

	parser->known = calloc(count, sizeof(*parser->known));
	parser->long_options = calloc(count, sizeof(*parser->long_options));
	if (!parser->known || !parser->long_options)
		return err_memory(err, "the options");
	buf_addc(&parser->short_options, ':');
	for (; groups->entries; groups++)
		for (const struct option_entry *entry = groups->entries; !is_end(entry); entry++) {
			add_option(parser, &parser->long_options[long_count], entry, groups->values);
			if (entry->long_name)
				long_count++;
		}
	return buf_check(&parser->short_options, "the options", err);
}

static void parser_release(struct parser *parser)
{
	free(parser->known);
	free(parser->long_options);
	buf_release(&parser->short_options);
}

/* What getopt_long() returned, or put in optopt. */
static const struct known_option *find_option(const struct parser *parser, int code)
{
	if (code >= LONG_FIRST)
		return &parser->known[code - LONG_FIRST];
	for (size_t i = 0; code != 0 && i < parser->count; i++)
		if (parser->known[i].entry->short_name == code)
			return &parser->known[i];
	return NULL;
}

/* The option as it was written: "-j" or "--jobs". */
static struct buf written_name(const struct option_entry *entry, int code)
{
	struct buf name = BUF_INIT;

	if (code >= LONG_FIRST)
		buf_addf(&name, "--%s", entry->long_name);
	else
		buf_addf(&name, "-%c", code);
	return name;
}

static int point_at_help(const struct parser *parser, struct err *err)
{
	return err_append(err, "; try \"%s --help\"", parser->program);
}

/* The long options that `text` may stand for, ", " between them. */
static size_t list_matches(const struct parser *parser, struct slice text, struct buf *names)
{
	size_t count = 0;

	for (const struct option *option = parser->long_options; option->name; option++)
		if (strncmp(option->name, text.data, text.len) == 0)
			buf_addf(names, "%s--%s", count++ > 0 ? ", " : "", option->name);
	return count;
}

/* An unknown or an ambiguous long option: getopt doesn't say which. */
static int fail_long(const struct parser *parser, const char *argument, struct err *err)
{
	struct slice text = { argument + 2, strcspn(argument + 2, "=") };
	struct buf names = BUF_INIT;

	if (list_matches(parser, text, &names) > 1)
		err_set(err, ERR_USAGE, "option \"--%.*s\" may be any of %.*s", SLICE_ARG(text),
		        SLICE_ARG(buf_slice(&names)));
	else
		err_set(err, ERR_USAGE, "unknown option \"--%.*s\"", SLICE_ARG(text));
	buf_release(&names);
	return point_at_help(parser, err);
}

static int fail_unknown(const struct parser *parser, char **argv, struct err *err)
{
	const struct known_option *known = find_option(parser, optopt);

	if (known && optopt >= LONG_FIRST)
		err_set(err, ERR_USAGE, "option \"--%s\" takes no argument", known->entry->long_name);
	else if (optopt != 0)
		err_set(err, ERR_USAGE, "unknown option \"-%c\"", optopt);
	else
		return fail_long(parser, argv[optind - 1], err);
	return point_at_help(parser, err);
}

static int fail_missing(const struct parser *parser, struct err *err)
{
	const struct option_entry *entry = find_option(parser, optopt)->entry;
	struct buf name = written_name(entry, optopt);

	err_set(err, ERR_USAGE, "option \"%.*s\" needs an argument (%s)", SLICE_ARG(buf_slice(&name)),
	        entry->argument);
	buf_release(&name);
	return point_at_help(parser, err);
}

static int fail_value(const struct parser *parser, const struct option_entry *entry, int code,
                      const char *wanted, struct err *err)
{
	struct buf name = written_name(entry, code);

	err_set(err, ERR_USAGE, "%.*s needs %s, not \"%s\"", SLICE_ARG(buf_slice(&name)), wanted,
	        optarg);
	buf_release(&name);
	return point_at_help(parser, err);
}

static int store_number(const struct parser *parser, const struct known_option *known, int code,
                        long *value, struct err *err)
{
	char *end;

	errno = 0;
	long number = strtol(optarg, &end, 10);
	/* strtol() alone would also take blanks and signs in front. */
	if (!isdigit((unsigned char)optarg[0]) || *end != '\0')
		return fail_value(parser, known->entry, code, "a number", err);
	if (errno == ERANGE)
		return fail_value(parser, known->entry, code, "a smaller number", err);
	*value = number;
	return 0;
}

static int store_choice(const struct parser *parser, const struct known_option *known, int code,
                        int *value, struct err *err)
{
	const char *const *choices = known->entry->choices;
	struct buf wanted = BUF_INIT;

	for (int i = 0; choices[i]; i++)
		if (strcmp(choices[i], optarg) == 0) {
			*value = i;
			return 0;
		}
	for (int i = 0; choices[i]; i++)
		buf_addf(&wanted, "%s%s", i == 0 ? "" : choices[i + 1] ? ", " : " or ", choices[i]);
	fail_value(parser, known->entry, code, wanted.failed ? "another word" : wanted.data, err);
	buf_release(&wanted);
	return -1;
}

static int store_list(struct option_list *list, struct err *err)
{
	const char **items = reallocarray(list->items, list->count + 1, sizeof(*items));

	if (!items)
		return err_memory(err, "the options");
	items[list->count] = optarg;
	list->items = items;
	list->count++;
	return 0;
}

/* Through void *: the caller's struct has a member of that type at the offset. */
static int store(const struct parser *parser, const struct known_option *known, int code,
                 struct err *err)
{
	void *value = (char *)known->values + known->entry->offset;

	switch (known->entry->kind) {
	case OPTION_FLAG:
	case OPTION_NEGATE:
		*(bool *)value = known->entry->kind == OPTION_FLAG;
		return 0;
	case OPTION_COUNT:
		++*(unsigned *)value;
		return 0;
	case OPTION_TEXT:
		*(const char **)value = optarg;
		return 0;
	case OPTION_OPTIONAL:
		*(const char **)value = optarg ? optarg : "";
		return 0;
	case OPTION_NUMBER:
		return store_number(parser, known, code, value, err);
	case OPTION_CHOICE:
		return store_choice(parser, known, code, value, err);
	case OPTION_LIST:
		return store_list(value, err);
	}
	return 0;
}

static int parse_all(const struct parser *parser, int argc, char **argv, struct err *err)
{
	int code;

	optind = 0; /* glibc: forget an earlier parsing altogether */
	opterr = 0;
	while ((code = getopt_long(argc, argv, buf_slice(&parser->short_options).data,
	                           parser->long_options, NULL)) != -1) {
		if (code == '?')
			return fail_unknown(parser, argv, err);
		if (code == ':')
			return fail_missing(parser, err);
		if (store(parser, find_option(parser, code), code, err) < 0)
			return -1;
	}
	return 0;
}

int options_parse(const char *program, const struct option_group *groups, int argc, char **argv,
                  struct option_operands *operands, struct err *err)
{
	struct parser parser = { .program = program, .short_options = BUF_INIT };
	int result = -1;

	if (parser_init(&parser, groups, err) < 0 || parse_all(&parser, argc, argv, err) < 0)
		goto out;
	operands->items = argv + optind;
	operands->count = (size_t)(argc - optind);
	result = 0;
out:
	parser_release(&parser);
	return result;
}

void options_release(const struct option_group *groups)
{
	for (; groups->entries; groups++)
		for (const struct option_entry *entry = groups->entries; !is_end(entry); entry++) {
			void *value = (char *)groups->values + entry->offset;
			struct option_list *list = value;

			if (entry->kind != OPTION_LIST)
				continue;
			free(list->items);
			*list = (struct option_list){ NULL, 0 };
		}
}
