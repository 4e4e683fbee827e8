/* idfilter: a stream in, the stream with statements left out. */
#include <stddef.h>
#include <stdio.h>

#include "common.h"
#include "listing.h"
#include "strip.h"

static const char usage[] =
	"idfilter leaves statements out of a dump, as \"grep -v -E\" was meant to: whole\n"
	"statements, never rows of data, never lines of a function's body.\n"
	"\n"
	"Usage: idfilter [OPTION]… [FILE]\n"
	"\n";

struct options {
	const char *input;
	struct option_list strip;
	struct option_list keep;
	bool ignore_case;
	bool list;
	bool stats;
	bool allow_incomplete;
	long jobs;
};

#define AT(member) offsetof(struct options, member), NULL

static const struct option_entry entries[] = {
	{ 'f', "file", "FILE", "read FILE (default: stdin)", OPTION_TEXT, AT(input) },
	{ 'v', "invert-match", "REGEX", "strip the statements that match", OPTION_LIST, AT(strip) },
	{ 'x', "extract", "REGEX", "strip all others; settings stay", OPTION_LIST, AT(keep) },
	{ 'i', "ignore-case", NULL, "in all REGEXes, case does not matter", OPTION_FLAG,
	  AT(ignore_case) },
	{ 'l', "list", NULL, "print the table of contents instead", OPTION_FLAG, AT(list) },
	{ 'j', "jobs", "N", "unpack and compress archives in N threads; 0: one a processor (default: 1)",
	  OPTION_NUMBER, AT(jobs) },
	{ 0, "stats", NULL, "say on stderr what was stripped", OPTION_FLAG, AT(stats) },
	{ 0, "allow-incomplete", NULL, "the input needs no end mark, unless it is idkit's",
	  OPTION_FLAG, AT(allow_incomplete) },
	{ 0, NULL, NULL, NULL, OPTION_FLAG, 0, NULL },
};

/* As general_entries, but -v is taken: as it is in grep. */
static const struct option_entry own_general_entries[] = {
	{ 0, "verbose", NULL, "say what is done", OPTION_COUNT,
	  offsetof(struct general_options, verbose), NULL },
	{ 'q', "quiet", NULL, "say only what is wrong", OPTION_FLAG,
	  offsetof(struct general_options, quiet), NULL },
	{ 'V', "version", NULL, "print the version and end", OPTION_FLAG,
	  offsetof(struct general_options, version), NULL },
	{ '?', "help", "options", "print this help and end; --help=options: as a table",
	  OPTION_OPTIONAL, offsetof(struct general_options, help_kind), NULL },
	{ 0, NULL, NULL, NULL, OPTION_FLAG, 0, NULL },
};

static void print_count(const char *what, const char *pattern, struct strip_count count)
{
	fprintf(stderr, "idfilter: %s%s%s: %llu statements, %llu rows\n", what, pattern ? " " : "",
	        pattern ? pattern : "", (unsigned long long)count.statements,
	        (unsigned long long)count.rows);
}

static void print_stats(const struct options *options, const struct sink *filter)
{
	const struct strip_stats *stats = strip_filter_stats(filter);
	print_count("read", NULL, stats->read);
	print_count("stripped", NULL, stats->stripped);
	for (size_t i = 0; i < options->strip.count; i++)
		print_count("  stripped by -v", options->strip.items[i],
		            strip_filter_stripped(filter, i));
	for (size_t i = 0; i < options->keep.count; i++)
		print_count("  kept by -x", options->keep.items[i], strip_filter_kept(filter, i));
	if (options->keep.count > 0)
		print_count("  stripped for want of an -x that matches", NULL, stats->unmatched);
}

/* The table of contents or the stream. */
static struct sink *open_output(const struct tool *tool, const struct options *options,
                                const struct output_options *output, const char *name,
                                struct err *err)
{
	if (!options->list)
		return tool_open_output(tool, output, err);
	struct outfile *out = outfile_open(output->output, &tool->log, err);
	return out ? listing_new(out, name, err) : NULL;
}

/* Chunks of an archive that goes into another one, or is only listed, are not unpacked. */
static bool stays_packed(const struct input *input, const struct options *options,
                         const struct output_options *output, struct err *err)
{
	struct output_format format;
	if (!input_is_archive(input))
		return false;
	return options->list || (tool_output_format(output, &format, err) == 0 && format.archive);
}

static void filter(const struct tool *tool, const struct options *options,
                   struct output_options *output, int jobs, struct err *err)
{
	const struct strip_options rules = {
		.strip = options->strip.items,
		.strip_count = options->strip.count,
		.keep = options->keep.items,
		.keep_count = options->keep.count,
		.ignore_case = options->ignore_case,
		.count_rows = options->stats,
	};
	struct sink *sink = NULL;
	struct source *source = NULL;
	struct input *input = input_open(options->input, &tool->log, err);
	if (!input)
		return;
	const char *name = input_name(input);
	output->archive_unless_said = input_is_archive(input);
	output->jobs = jobs;
	bool packed = stays_packed(input, options, output, err);
	const struct stream_options stream = { options->allow_incomplete, packed, jobs, NULL };
	source = tool_open_input(input, &stream, err);
	if (source)
		sink = open_output(tool, options, output, name, err);
	bool filtering = options->strip.count + options->keep.count > 0 || options->stats;
	if (sink && filtering)
		sink = strip_filter_new(&rules, sink, &tool->log, err);
	if (sink && source_run(source, sink, err) == 0 && sink_finish(sink, err) == 0 &&
	    options->stats)
		print_stats(options, sink);
	sink_free(sink);
	source_free(source);
}

/* Before the input is opened: whatever it is, these can't be read. */
static int validate(const struct output_options *output, struct err *err)
{
	struct output_options lenient = *output;
	struct output_format format;
	lenient.archive_unless_said = true;
	return tool_output_format(&lenient, &format, err);
}

int main(int argc, char **argv)
{
	struct options options = { .jobs = 1 };
	int jobs = 1;
	struct output_options output = { 0 };
	struct general_options general = { 0 };
	const struct option_group groups[] = {
		{ "Options", entries, &options },
		{ "Output", output_entries, &output },
		{ "General", own_general_entries, &general },
		{ NULL, NULL, NULL },
	};
	struct tool tool = { "idfilter", usage, groups, &general, { 0 }, NULL };
	struct option_operands operands;
	struct err err = ERR_INIT;
	if (tool_begin(&tool, argc, argv, &operands, &err) == 0 &&
	    tool_one_operand(&operands, &options.input, &err) == 0 &&
	    validate(&output, &err) == 0 && tool_jobs(options.jobs, &jobs, &err) == 0)
		filter(&tool, &options, &output, jobs, &err);
	return tool_end(&tool, &err);
}
