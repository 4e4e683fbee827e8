#include <string.h>

#include "buf.h"
#include "options.h"

#define HELP_WIDTH 79
/* The help text stands no further right than this; longer options have a line of their own. */
#define HELP_COLUMN_MOST 30
#define HELP_GAP         2

static int is_end(const struct option_entry *entry)
{
	return entry->short_name == 0 && !entry->long_name;
}

static void add_argument(struct buf *text, const struct option_entry *entry)
{
	if (!entry->argument)
		return;
	if (entry->kind == OPTION_OPTIONAL)
		buf_addf(text, entry->long_name ? "[=%s]" : "[%s]", entry->argument);
	else
		buf_addf(text, entry->long_name ? "=%s" : " %s", entry->argument);
}

/* "  -f, --file=FILE" */
static struct buf option_head(const struct option_entry *entry)
{
	struct buf head = BUF_INIT;

	if (entry->short_name)
		buf_addf(&head, "  -%c%s", entry->short_name, entry->long_name ? ", " : "");
	else
		buf_adds(&head, "      ");
	if (entry->long_name)
		buf_addf(&head, "--%s", entry->long_name);
	add_argument(&head, entry);
	return head;
}

static size_t help_column(const struct option_group *groups)
{
	size_t column = 0;

	for (; groups->entries; groups++)
		for (const struct option_entry *entry = groups->entries; !is_end(entry); entry++) {
			struct buf head = option_head(entry);
			size_t wanted = head.len + HELP_GAP;

			if (wanted <= HELP_COLUMN_MOST && wanted > column)
				column = wanted;
			buf_release(&head);
		}
	return column ? column : HELP_COLUMN_MOST;
}

/* As many whole words as fit; a word that is too long for any line is not cut. */
static size_t line_length(const char *text, size_t width)
{
	size_t len = strcspn(text, "\n");

	if (len <= width)
		return len;
	for (size_t at = width; at > 0; at--)
		if (text[at] == ' ')
			return at;
	return strcspn(text, " \n");
}

static void print_wrapped(const char *text, size_t column, FILE *file)
{
	for (;;) {
		size_t len = line_length(text, HELP_WIDTH - column);

		fprintf(file, "%.*s\n", (int)len, text);
		text += len;
		if (*text == ' ' || *text == '\n')
			text++;
		if (*text == '\0')
			return;
		fprintf(file, "%*s", (int)column, "");
	}
}

static void print_option(const struct option_entry *entry, size_t column, FILE *file)
{
	struct buf head = option_head(entry);
	struct slice shown = buf_slice(&head);

	fprintf(file, "%.*s", SLICE_ARG(shown));
	if (shown.len + HELP_GAP > column)
		fprintf(file, "\n%*s", (int)column, "");
	else
		fprintf(file, "%*s", (int)(column - shown.len), "");
	print_wrapped(entry->help, column, file);
	buf_release(&head);
}

void options_print_help(const struct option_group *groups, FILE *file)
{
	size_t column = help_column(groups);

	for (const struct option_group *group = groups; group->entries; group++) {
		if (group != groups)
			fputc('\n', file);
		if (group->title)
			fprintf(file, "%s:\n", group->title);
		for (const struct option_entry *entry = group->entries; !is_end(entry); entry++)
			print_option(entry, column, file);
	}
}

void options_print_table(const struct option_group *groups, FILE *file)
{
	for (; groups->entries; groups++)
		for (const struct option_entry *entry = groups->entries; !is_end(entry); entry++) {
			if (entry->short_name)
				fprintf(file, "-%c", entry->short_name);
			fprintf(file, "\t%s%s\t%s\t%s\n", entry->long_name ? "--" : "",
			        entry->long_name ? entry->long_name : "",
			        entry->argument ? entry->argument : "", entry->help);
		}
}
