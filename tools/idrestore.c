/* idrestore: a stream goes into a database, all of it or nothing. */
#include <stddef.h>
#include <stdlib.h>

#include "common.h"
#include "listing.h"
#include "restore.h"
#include "scratch.h"

static const char usage[] =
	"idrestore puts a dump into a database: all of it, checked, or nothing.\n"
	"\n"
	"Usage: idrestore [OPTION]… -d DBNAME [FILE]\n"
	"       idrestore --create [OPTION]… -d DBNAME [FILE]\n"
	"       idrestore --list [FILE]\n"
	"\n";

struct options {
	const char *input;
	bool create;
	bool clean;
	bool verify;
	bool no_owner;
	bool no_acl;
	bool no_comments;
	const char *role;
	bool list;
	bool allow_incomplete;
};

#define AT(member) offsetof(struct options, member), NULL

static const struct option_entry entries[] = {
	{ 'f', "file", "FILE", "read FILE (default: stdin)", OPTION_TEXT, AT(input) },
	{ 'C', "create", NULL, "create the database; it must not exist yet", OPTION_FLAG,
	  AT(create) },
	{ 'c', "clean", NULL, "drop all that the database holds first, in the same transaction",
	  OPTION_FLAG, AT(clean) },
	{ 0, "verify", NULL, "read all back and compare before it counts", OPTION_FLAG, AT(verify) },
	{ 'O', "no-owner", NULL, "leave out ownership: all is the role's that restores", OPTION_FLAG,
	  AT(no_owner) },
	{ 'x', "no-acl", NULL, "leave out GRANT and REVOKE", OPTION_FLAG, AT(no_acl) },
	{ 0, "no-comments", NULL, "leave out COMMENT", OPTION_FLAG, AT(no_comments) },
	{ 0, "role", "ROLE", "SET ROLE before restoring", OPTION_TEXT, AT(role) },
	{ 'l', "list", NULL, "print the table of contents instead", OPTION_FLAG, AT(list) },
	{ 0, "allow-incomplete", NULL, "the input needs no end mark, unless it is idkit's",
	  OPTION_FLAG, AT(allow_incomplete) },
	{ 0, NULL, NULL, NULL, OPTION_FLAG, 0, NULL },
};

/* What it takes to open the target. */
struct target {
	const struct tool *tool;
	const struct pg_target *where;
	struct scratch *scratch; /* with --create */
};

static struct pg *open_existing(void *arg, const struct stream_header *header,
                                struct slice create_sql, struct err *err)
{
	const struct target *target = arg;
	const struct log *log = &target->tool->log;
	(void)header;
	(void)create_sql;
	struct pg *pg = pg_connect(target->where, NULL, target->tool->program, log, err);
	if (pg && scratch_report_leftovers(pg, log, err) < 0) {
		pg_free(pg);
		return NULL;
	}
	return pg;
}

static struct pg *open_scratch(void *arg, const struct stream_header *header,
                               struct slice create_sql, struct err *err)
{
	const struct target *target = arg;
	return scratch_create(target->scratch, header, create_sql, err);
}

static int validate(const struct options *options, const struct connection_options *connection,
                    struct err *err)
{
	if (options->create && options->clean)
		return err_set(err, ERR_USAGE,
		               "--create makes a new database: there is nothing to --clean");
	if (!options->list && !connection->database)
		return err_set(err, ERR_USAGE, "which database? name it with -d");
	return 0;
}

static void list(const struct tool *tool, const struct options *options, struct err *err)
{
	const char *name;
	struct source *source =
		tool_open_stream(tool, options->input, options->allow_incomplete, &name, err);
	struct outfile *out = source ? outfile_open(NULL, &tool->log, err) : NULL;
	struct sink *sink = out ? listing_new(out, name, err) : NULL;
	if (sink && source_run(source, sink, err) == 0)
		sink_finish(sink, err);
	sink_free(sink);
	source_free(source);
}

static int run(const struct tool *tool, const struct options *options, struct target *target,
               struct err *err)
{
	struct restore_options restore = {
		.no_owner = options->no_owner,
		.no_acl = options->no_acl,
		.no_comments = options->no_comments,
		.clean = options->clean,
		.verify = options->verify,
		.role = options->role,
	};
	const struct restore_target where = {
		.open = target->scratch ? open_scratch : open_existing,
		.arg = target,
		.is_own = target->scratch != NULL,
	};
	int result = -1;
	struct sink *sink = NULL;
	struct source *source = tool_open_stream(tool, options->input, options->allow_incomplete,
	                                         &restore.input_name, err);
	if (source)
		sink = restore_sink_new(&where, &restore, &tool->log, err);
	if (sink && source_run(source, sink, err) == 0)
		result = sink_finish(sink, err);
	/* The sink's connection ends here: a database that is renamed or dropped must have none. */
	sink_free(sink);
	source_free(source);
	return result;
}

static void restore(const struct tool *tool, const struct options *options,
                    const struct pg_target *where, struct err *err)
{
	struct target target = { tool, where, NULL };
	char *name = NULL;
	if (options->create) {
		name = scratch_target_name(where, err);
		if (name)
			target.scratch = scratch_new(where, name, tool->program, &tool->log, err);
		if (!target.scratch)
			goto out;
	}
	if (run(tool, options, &target, err) == 0 && target.scratch)
		scratch_publish(target.scratch, err);
out:
	scratch_free(target.scratch);
	free(name);
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct general_options general = { 0 };
	struct connection_options connection = { 0 };
	const struct option_group groups[] = {
		{ "Options", entries, &options },
		{ "Connection", connection_entries, &connection },
		{ "General", general_entries, &general },
		{ NULL, NULL, NULL },
	};
	struct tool tool = { "idrestore", usage, groups, &general, { 0 } };
	struct option_operands operands;
	struct pg_target target;
	struct err err = ERR_INIT;
	if (tool_begin(&tool, argc, argv, &operands, &err) == 0 &&
	    tool_one_operand(&operands, &options.input, &err) == 0 &&
	    validate(&options, &connection, &err) == 0 &&
	    connection_target(&connection, &target, &err) == 0) {
		if (options.list)
			list(&tool, &options, &err);
		else
			restore(&tool, &options, &target, &err);
	}
	return tool_end(&tool, &err);
}
