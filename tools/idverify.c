/* idverify: are two databases, or a database and a dump, the same? */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common.h"
#include "compare.h"
#include "db_source.h"
#include "digest_sink.h"
#include "jobs.h"
#include "report.h"
#include "unpack_sink.h"

static const char usage[] =
	"idverify says whether two databases hold the same, or a database and a dump, or\n"
	"whether a dump is complete and undamaged.\n"
	"\n"
	"Usage: idverify [OPTION]… A [B]\n"
	"       idverify [OPTION]… -d DBNAME A\n"
	"\n"
	"A and B are databases (names, conninfo strings, URIs) or dumps (an existing\n"
	"file, - for stdin); \"db:\" or \"file:\" in front settles which.\n"
	"\n";

enum format { FORMAT_TEXT, FORMAT_JSON };
static const char *const formats[] = { "text", "json", NULL };

struct options {
	const char *output;
	int format;
	bool allow_incomplete;
	long jobs;
};

static const struct option_entry entries[] = {
	{ 'o', "output", "FILE", "write the report to FILE (default: stdout)", OPTION_TEXT,
	  offsetof(struct options, output), NULL },
	{ 0, "format", "FORMAT", "text or json", OPTION_CHOICE, offsetof(struct options, format),
	  formats },
	{ 'j', "jobs", "N", "read each side in N jobs; 0: one a processor (default: 1)", OPTION_NUMBER,
	  offsetof(struct options, jobs), NULL },
	{ 0, "allow-incomplete", NULL, "dumps need no end mark, unless they are idkit's",
	  OPTION_FLAG, offsetof(struct options, allow_incomplete), NULL },
	{ 0, NULL, NULL, NULL, OPTION_FLAG, 0, NULL },
};

/* A or B. */
struct side {
	const char *argument;
	bool is_stream;
	struct buf name; /* for the report */
	struct source *source;
	struct sink *digests;
	struct sink *unpack; /* in front of them; streams only */
	struct progress *progress; /* or NULL; streams only */
};

struct verification {
	const struct tool *tool;
	const struct options *options;
	const struct pg_target *where;
	int jobs; /* for each side */
	struct side a;
	struct side b;
	struct contents *layout;
};

static struct side side_of(const char *argument)
{
	struct stat status;
	struct side side = { .argument = argument, .name = BUF_INIT };
	if (strncmp(argument, "db:", 3) == 0) {
		side.argument = argument + 3;
	} else if (strncmp(argument, "file:", 5) == 0) {
		side.argument = argument + 5;
		side.is_stream = true;
	} else {
		side.is_stream = strcmp(argument, "-") == 0 || stat(argument, &status) == 0;
	}
	return side;
}

/* One side tells how far it is: the one that is read last, or while the other is. */
static struct progress *side_progress(const struct verification *verification,
                                      const struct side *side)
{
	const struct side *a = &verification->a, *b = &verification->b;
	const struct side *last = !b->argument || (b->is_stream && !a->is_stream) ? a : b;
	return side == last ? verification->tool->progress : NULL;
}

static int open_stream(struct verification *verification, struct side *side, struct err *err)
{
	const char *name;
	const struct stream_options options = {
		.allow_incomplete = verification->options->allow_incomplete,
		.packed = verification->jobs > 1,
		.progress = side_progress(verification, side),
	};
	side->source = tool_open_stream(verification->tool, side->argument, &options, &name, err);
	side->progress = options.progress;
	if (!side->source)
		return -1;
	buf_adds(&side->name, name);
	return buf_check(&side->name, "a name", err);
}

static int open_database(struct verification *verification, struct side *side, struct err *err)
{
	const struct db_source_options options = {
		.with_data = true,
		.any_order = true,
		.jobs = verification->jobs,
		.progress = side_progress(verification, side),
	};
	const struct log *log = &verification->tool->log;
	struct pg_target target = *verification->where;
	target.database = side->argument;
	if (tool_check_database(side->argument, err) < 0)
		return -1;
	struct pg *pg = pg_connect(&target, NULL, verification->tool->program, log, err);
	if (!pg)
		return -1;
	pg_describe(pg, &side->name);
	side->source = db_source_new(pg, &options, log, err);
	return side->source ? buf_check(&side->name, "a name", err) : -1;
}

static int open_side(struct verification *verification, struct side *side, struct err *err)
{
	return side->is_stream ? open_stream(verification, side, err)
	                       : open_database(verification, side, err);
}

static struct sink *open_digests(struct side *side, const struct contents *layout, int jobs,
                                 struct err *err)
{
	side->digests = digest_sink_new(side->is_stream ? layout : NULL, err);
	if (!side->digests || !side->is_stream)
		return side->digests;
	digest_sink_set_progress(side->digests, side->progress);
	return side->unpack = unpack_sink_new(side->digests, jobs, err);
}

/* `layout`: the order of columns that the other side has; `encoding`: that of its text, or NULL. */
static int read_side(struct side *side, const struct contents *layout, const char *encoding,
                     int jobs, struct err *err)
{
	if (!side->is_stream) {
		db_source_set_layout(side->source, layout);
		if (db_source_set_encoding(side->source, encoding, err) < 0)
			return -1;
	}
	struct sink *sink = open_digests(side, layout, jobs, err);
	if (!sink || source_run(side->source, sink, err) < 0)
		return -1;
	if (digest_sink_schema_only(side->digests))
		return err_set(err, ERR_USAGE, "%s holds definitions only: there is nothing to compare",
		               side->name.data);
	const char *own = digest_sink_encoding(side->digests);
	if (encoding && own && strcmp(encoding, own) != 0)
		return err_set(err, ERR_USAGE,
		               "%s is written in encoding %s, the other side in %s: dump both in one",
		               side->name.data, own, encoding);
	return 0;
}

/* What a side's thread needs. */
struct reading {
	struct side *side;
	const struct contents *layout;
	int jobs;
};

static int run_reading(void *arg, struct err *err)
{
	const struct reading *reading = arg;
	return read_side(reading->side, reading->layout, NULL, reading->jobs, err);
}

static void stop_reading(void *arg)
{
	source_stop(((const struct reading *)arg)->side->source);
}

/* Two databases are read at the same time, each on its own connections; when one fails, the other one
 * is stopped. */
static int read_both_databases(struct verification *verification, struct err *err)
{
	verification->layout = db_source_describe(verification->a.source, err);
	struct jobs *jobs = verification->layout ? jobs_new(err) : NULL;
	struct reading a = { &verification->a, verification->layout, verification->jobs };
	struct reading b = { &verification->b, verification->layout, verification->jobs };
	int result = -1;
	if (jobs && jobs_on_stop(jobs, stop_reading, &a, err) == 0 &&
	    jobs_on_stop(jobs, stop_reading, &b, err) == 0 &&
	    jobs_start(jobs, run_reading, &a, err) == 0 &&
	    jobs_start(jobs, run_reading, &b, err) == 0)
		result = jobs_wait(jobs, err);
	jobs_free(jobs);
	return result;
}

/* A stream's order of columns can't be chosen, a database's can: streams first. */
static int read_sides(struct verification *verification, struct err *err)
{
	struct side *first = &verification->a, *second = &verification->b;
	if (!first->is_stream && !second->is_stream)
		return read_both_databases(verification, err);
	if (!first->is_stream) {
		first = &verification->b;
		second = &verification->a;
	}
	if (read_side(first, NULL, NULL, verification->jobs, err) < 0)
		return -1;
	return read_side(second, digest_sink_contents(first->digests),
	                 digest_sink_encoding(first->digests), verification->jobs, err);
}

static int write_report(const struct verification *verification, const struct buf *text,
                        struct err *err)
{
	struct outfile *out =
		outfile_open(verification->options->output, &verification->tool->log, err);
	int result = -1;
	if (out && outfile_write(out, text->data, text->len, err) == 0)
		result = outfile_finish(out, err);
	outfile_free(out);
	return result;
}

/* A dump of others has no time zone, no money format said: its text may differ where the values do
 * not. */
static void note_foreign(const struct verification *verification, const struct side *side)
{
	if (side->is_stream && !digest_sink_vouched(side->digests))
		log_note(&verification->tool->log,
		         "%s was not written by iddump: timestamptz and money in it may be written "
		         "otherwise though they are equal",
		         side->name.data);
}

static int report(const struct verification *verification, struct err *err)
{
	const struct side *a = &verification->a, *b = &verification->b;
	const struct report_names names = { a->name.data, b->name.data };
	struct comparison comparison;
	struct buf text = BUF_INIT;
	int result = -1;
	if (comparison_make(digest_sink_contents(a->digests), digest_sink_contents(b->digests),
	                    &comparison, err) < 0)
		return -1;
	if (verification->options->format == FORMAT_JSON)
		result = report_json(&comparison, &names, &text, err);
	else
		result = report_text(&comparison, &names, verification->tool->general->verbose > 0,
		                     &text, err);
	bool equal = comparison_is_equal(&comparison);
	if (result == 0 && !(equal && verification->tool->general->quiet &&
	                     verification->options->format == FORMAT_TEXT))
		result = write_report(verification, &text, err);
	if (result == 0 && !equal) {
		note_foreign(verification, a);
		note_foreign(verification, b);
		result = err_set(err, ERR_DIFFERENT, "%s and %s differ", names.a, names.b);
	}
	comparison_release(&comparison);
	buf_release(&text);
	return result;
}

static int report_single(const struct verification *verification, struct err *err)
{
	const struct side *a = &verification->a;
	const struct contents *contents = digest_sink_contents(a->digests);
	bool vouched = digest_sink_vouched(a->digests);
	struct buf text = BUF_INIT;
	int result;
	if (verification->options->format == FORMAT_JSON)
		result = report_stream_json(contents, a->name.data, vouched, &text, err);
	else
		result = report_stream_text(contents, a->name.data, vouched,
		                            verification->tool->general->verbose > 0, &text, err);
	if (result == 0 && !(verification->tool->general->quiet &&
	                     verification->options->format == FORMAT_TEXT))
		result = write_report(verification, &text, err);
	buf_release(&text);
	return result;
}

static void side_release(struct side *side)
{
	sink_free(side->unpack);
	source_free(side->source);
	sink_free(side->digests);
	buf_release(&side->name);
}

/* A connection string may hold a password: it is never shown. */
static int needs_another(const char *argument, struct err *err)
{
	bool settled = strncmp(argument, "db:", 3) == 0;
	argument += settled ? 3 : 0;
	if (pg_is_conninfo(argument))
		return err_set(err, ERR_USAGE, "a database needs something to be compared with");
	return err_set(err, ERR_USAGE,
	               "database \"%s\" needs something to be compared with%s", argument,
	               settled ? "" : " (there is no file of that name)");
}

/* `database`: -d, which is B. */
static int validate(const struct option_operands *operands, const char *database, struct err *err)
{
	size_t most = database ? 1 : 2;
	if (operands->count == 0)
		return err_set(err, ERR_USAGE, "nothing to compare: name A and B (see --help)");
	if (operands->count > most)
		return tool_too_many(operands->items[most], err);
	if (operands->count == 1 && !database && !side_of(operands->items[0]).is_stream)
		return needs_another(operands->items[0], err);
	if (operands->count == 2 && strcmp(operands->items[0], "-") == 0 &&
	    strcmp(operands->items[1], "-") == 0)
		return err_set(err, ERR_USAGE, "only one side can be standard input");
	return 0;
}

static void verify(struct verification *verification, const struct option_operands *operands,
                   struct err *err)
{
	const char *database = verification->where->database;
	bool both = operands->count == 2 || database;
	verification->a = side_of(operands->items[0]);
	if (database)
		verification->b = (struct side){ .argument = database, .name = BUF_INIT };
	else if (both)
		verification->b = side_of(operands->items[1]);
	/* Both are opened before one is read: a database's moment is now. */
	if (open_side(verification, &verification->a, err) < 0 ||
	    (both && open_side(verification, &verification->b, err) < 0))
		goto out;
	if (both && read_sides(verification, err) == 0)
		report(verification, err);
	else if (!both && read_side(&verification->a, NULL, NULL, verification->jobs, err) == 0)
		report_single(verification, err);
out:
	side_release(&verification->a);
	side_release(&verification->b);
	contents_free(verification->layout);
}

int main(int argc, char **argv)
{
	struct options options = { .jobs = 1 };
	struct general_options general = { 0 };
	struct connection_options connection = { 0 };
	const struct option_group groups[] = {
		{ "Options", entries, &options },
		{ "Connection, for those that A and B don't say", connection_entries, &connection },
		{ "General", general_entries, &general },
		{ NULL, NULL, NULL },
	};
	struct tool tool = { "idverify", usage, groups, &general, { 0 }, NULL };
	struct option_operands operands;
	struct pg_target where;
	int jobs;
	struct err err = ERR_INIT;
	if (tool_begin(&tool, argc, argv, &operands, &err) == 0 &&
	    validate(&operands, connection.database, &err) == 0 &&
	    tool_jobs(options.jobs, &jobs, &err) == 0 &&
	    connection_target(&connection, &where, &err) == 0) {
		struct verification verification = {
			.tool = &tool,
			.options = &options,
			.where = &where,
			.jobs = jobs,
		};
		verify(&verification, &operands, &err);
	}
	return tool_end(&tool, &err);
}
