/* idrestore: a stream goes into a database, all of it or nothing. */
#include <stddef.h>
#include <stdlib.h>

#include "common.h"
#include "listing.h"
#include "restore.h"
#include "scratch.h"
#include "select.h"
#include "swap.h"
#include "target_roles.h"

static const char usage[] =
	"idrestore puts a dump into a database: all of it, checked, or nothing.\n"
	"\n"
	"Usage: idrestore [OPTION]… -d DBNAME [FILE]\n"
	"       idrestore --create|--swap|--replace [OPTION]… -d DBNAME [FILE]\n"
	"       idrestore --swap-back [--force] [--list] -d DBNAME\n"
	"       idrestore --list [FILE]\n"
	"\n";

struct options {
	const char *input;
	bool create;
	bool swap;
	bool replace;
	bool swap_back;
	bool in_place;
	bool force;
	long keep_old; /* days; -1: not given */
	bool clean;
	bool verify;
	bool no_owner;
	bool no_acl;
	bool no_comments;
	const char *role;
	bool roles;
	struct selection_options selection;
	long jobs;
	struct option_list sets;
	bool list;
	bool allow_incomplete;
};

#define AT(member) offsetof(struct options, member), NULL

static const struct option_entry entries[] = {
	{ 'f', "file", "FILE", "read FILE (default: stdin)", OPTION_TEXT, AT(input) },
	{ 'C', "create", NULL, "create the database; it must not exist yet", OPTION_FLAG,
	  AT(create) },
	{ 0, "swap", NULL, "make a new one, then let it take the place of the database", OPTION_FLAG,
	  AT(swap) },
	{ 0, "replace", NULL, "--swap, and drop the old one", OPTION_FLAG, AT(replace) },
	{ 0, "swap-back", NULL, "back to the database that was set aside last; with --list, name them",
	  OPTION_FLAG, AT(swap_back) },
	{ 0, "force", NULL, "end sessions that are in the way of a swap", OPTION_FLAG, AT(force) },
	{ 0, "keep-old", "DAYS", "drop what was set aside more than DAYS ago, after the swap",
	  OPTION_NUMBER, AT(keep_old) },
	{ 0, "in-place", NULL, "commit as it goes; the only mode that can stop half-way", OPTION_FLAG,
	  AT(in_place) },
	{ 'c', "clean", NULL, "drop all that the database holds first, in the same transaction",
	  OPTION_FLAG, AT(clean) },
	{ 0, "verify", NULL, "read all back and compare before it counts", OPTION_FLAG, AT(verify) },
	{ 'O', "no-owner", NULL, "leave out ownership: all is the role's that restores", OPTION_FLAG,
	  AT(no_owner) },
	{ 'x', "no-acl", NULL, "leave out GRANT and REVOKE", OPTION_FLAG, AT(no_acl) },
	{ 0, "no-comments", NULL, "leave out COMMENT", OPTION_FLAG, AT(no_comments) },
	{ 0, "role", "ROLE", "SET ROLE before restoring", OPTION_TEXT, AT(role) },
	{ 0, "roles", NULL, "create the roles that an archive holds and the server lacks",
	  OPTION_FLAG, AT(roles) },
	{ 'j', "jobs", "N", "N connections, 0: one a processor; not for a database that is there",
	  OPTION_NUMBER, AT(jobs) },
	{ 0, "set", "NAME=VALUE", "a setting of the restore's sessions", OPTION_LIST, AT(sets) },
	{ 'l', "list", NULL, "print the table of contents instead", OPTION_FLAG, AT(list) },
	{ 0, "allow-incomplete", NULL, "the input needs no end mark, unless it is idkit's",
	  OPTION_FLAG, AT(allow_incomplete) },
	{ 0, NULL, NULL, NULL, OPTION_FLAG, 0, NULL },
};

/* What it takes to open the target. */
struct target {
	const struct tool *tool;
	const struct pg_target *where;
	struct scratch *scratch; /* with --create, --swap, --replace */
	struct sink *roles;      /* target_roles.h; borrowed */
};

static struct pg *open_existing(void *arg, const struct stream_header *header,
                                struct slice create_sql, struct err *err)
{
	const struct target *target = arg;
	const struct log *log = &target->tool->log;
	(void)create_sql;
	struct pg *pg = pg_connect(target->where, NULL, target->tool->program, log, err);
	if (pg && (scratch_report_leftovers(pg, log, err) < 0 ||
	           target_roles_prepare(target->roles, pg, header, err) < 0)) {
		pg_free(pg);
		return NULL;
	}
	return pg;
}

static struct pg *open_scratch(void *arg, const struct stream_header *header,
                               struct slice create_sql, struct err *err)
{
	const struct target *target = arg;
	struct pg *pg = scratch_connection(target->scratch);
	if (target_roles_prepare(target->roles, pg, header, err) < 0)
		return NULL;
	return scratch_create(target->scratch, header, create_sql, err);
}

static bool is_selecting(const struct options *options)
{
	const struct selection selection = tool_selection(&options->selection);
	return !selection_is_empty(&selection);
}

/* In front of `next`: only what is selected. */
static struct sink *selecting(const struct options *options, struct sink *next, bool unpack,
                              const struct log *log, struct err *err)
{
	const struct selection selection = tool_selection(&options->selection);
	return next && !selection_is_empty(&selection)
	               ? select_filter_new(&selection, unpack, next, log, err)
	               : next;
}

/* In front of `next`: the roles. */
static struct sink *minding_roles(const struct options *options, const char *input_name,
                                  struct target *target, struct sink *next, struct err *err)
{
	const struct target_roles_options roles = {
		.input_name = input_name,
		.create = options->roles,
		.no_owner = options->no_owner,
		.no_acl = options->no_acl,
	};
	target->roles = next ? target_roles_new(&roles, next, &target->tool->log, err) : NULL;
	return target->roles;
}

/* Farther than that the server's calendar may not go. */
#define LARGEST_KEEP_OLD 36500

/* Of one transaction there is one connection. */
static int validate_jobs(const struct options *options, struct err *err)
{
	int jobs;
	if (tool_jobs(options->jobs, &jobs, err) < 0)
		return -1;
	if (jobs > 1 && !options->list && !options->create && !options->swap && !options->replace &&
	    !options->in_place)
		return err_set(err, ERR_USAGE,
		               "-j %d: one transaction has one connection; several jobs need a database "
		               "of their own (--create, --swap, --replace), or --in-place, which "
		               "can stop half-way",
		               jobs);
	return 0;
}

static int validate_modes(const struct options *options, struct err *err)
{
	bool swaps = options->swap || options->replace || options->swap_back;
	if (options->create + options->swap + options->replace + options->swap_back +
	        options->in_place > 1)
		return err_set(err, ERR_USAGE,
		               "--create, --swap, --replace, --swap-back and --in-place exclude each "
		               "other");
	if (options->clean && (options->create || swaps))
		return err_set(err, ERR_USAGE,
		               "--create and --swap make a new database: there is nothing to --clean");
	if (options->force && !swaps)
		return err_set(err, ERR_USAGE, "--force goes with --swap, --replace or --swap-back");
	if (options->keep_old >= 0 && !swaps)
		return err_set(err, ERR_USAGE, "--keep-old goes with --swap, --replace or --swap-back");
	if (options->keep_old > LARGEST_KEEP_OLD)
		return err_set(err, ERR_USAGE, "--keep-old: at most %d days", LARGEST_KEEP_OLD);
	return 0;
}

static int validate(const struct options *options, const struct connection_options *connection,
                    struct err *err)
{
	if (validate_modes(options, err) < 0 || validate_jobs(options, err) < 0)
		return -1;
	if (options->swap_back &&
	    (options->input || options->verify || options->no_owner || options->no_acl ||
	     options->no_comments || options->role || options->roles || is_selecting(options) ||
	     options->allow_incomplete))
		return err_set(err, ERR_USAGE,
		               "--swap-back restores nothing: it takes no input and no options for one");
	if ((!options->list || options->swap_back) && !connection->database)
		return err_set(err, ERR_USAGE, "which database? name it with -d");
	return 0;
}

static void list(const struct tool *tool, const struct options *options, struct err *err)
{
	const char *name;
	const struct stream_options stream = { .allow_incomplete = options->allow_incomplete,
		                               .packed = true };
	struct source *source = tool_open_stream(tool, options->input, &stream, &name, err);
	struct outfile *out = source ? outfile_open(NULL, &tool->log, err) : NULL;
	struct sink *sink = out ? listing_new(out, name, err) : NULL;
	sink = selecting(options, sink, false, &tool->log, err);
	if (sink && source_run(source, sink, err) == 0)
		sink_finish(sink, err);
	sink_free(sink);
	source_free(source);
}

static void stop_source(void *arg)
{
	source_stop(*(struct source **)arg);
}

static int run(const struct tool *tool, const struct options *options, struct target *target,
               struct err *err)
{
	int result = -1, jobs;
	struct sink *sink = NULL, *restoring = NULL;
	struct source *source = NULL;
	if (tool_jobs(options->jobs, &jobs, err) < 0)
		return -1;
	struct restore_options restore = {
		.no_owner = options->no_owner,
		.no_acl = options->no_acl,
		.no_comments = options->no_comments,
		.clean = options->clean,
		.verify = options->verify,
		.in_place = options->in_place,
		.role = options->role,
		.jobs = (unsigned)jobs,
		.progress = tool->progress,
		.sets = options->sets.items,
		.set_count = options->sets.count,
		.stop_input = stop_source,
		.stop_arg = &source,
	};
	const struct restore_target where = {
		.open = target->scratch ? open_scratch : open_existing,
		.arg = target,
		.is_own = target->scratch != NULL,
		.keeps_properties = options->swap || options->replace,
	};
	/* Of what is not selected not even the bytes are read, where the input can do without. */
	const struct stream_options stream = {
		.allow_incomplete = options->allow_incomplete,
		.packed = jobs > 1 || is_selecting(options),
		.progress = is_selecting(options) ? NULL : tool->progress,
	};
	source = tool_open_stream(tool, options->input, &stream, &restore.input_name, err);
	if (source)
		restoring = restore_sink_new(&where, &restore, &tool->log, err);
	sink = minding_roles(options, restore.input_name, target, restoring, err);
	sink = selecting(options, sink, jobs == 1, &tool->log, err);
	if (sink)
		result = source_run(source, sink, err) < 0 ? restore_sink_explain(restoring, err)
		                                           : sink_finish(sink, err);
	/* The sink's connection ends here: a database that is renamed or dropped must have none. */
	sink_free(sink);
	source_free(source);
	return result;
}

static void restore(const struct tool *tool, const struct options *options,
                    const struct pg_target *where, struct err *err)
{
	const struct scratch_options scratch = {
		.swap = options->swap || options->replace,
		.force = options->force,
		.leftovers = { options->replace, options->keep_old },
	};
	struct target target = { .tool = tool, .where = where };
	char *name = NULL;
	if (options->create || scratch.swap) {
		name = scratch_target_name(where, err);
		if (name)
			target.scratch =
				scratch_new(where, name, &scratch, tool->program, &tool->log, err);
		if (!target.scratch)
			goto out;
	}
	if (run(tool, options, &target, err) == 0 && target.scratch)
		scratch_publish(target.scratch, err);
out:
	scratch_free(target.scratch);
	free(name);
}

static void print_set_aside(const struct tool *tool, const struct pg_target *where,
                            const char *name, struct err *err)
{
	struct buf text = BUF_INIT;
	struct outfile *out = NULL;
	if (swap_list(where, name, &text, tool->program, &tool->log, err) == 0)
		out = outfile_open(NULL, &tool->log, err);
	if (out && outfile_write(out, text.data, text.len, err) == 0)
		outfile_finish(out, err);
	outfile_free(out);
	buf_release(&text);
}

static void go_back(const struct tool *tool, const struct options *options,
                    const struct pg_target *where, struct err *err)
{
	const struct swap_leftovers leftovers = { false, options->keep_old };
	char *name = scratch_target_name(where, err);
	if (name && options->list)
		print_set_aside(tool, where, name, err);
	else if (name)
		swap_back(where, name, options->force, &leftovers, tool->program, &tool->log, err);
	free(name);
}

int main(int argc, char **argv)
{
	struct options options = { .keep_old = -1, .jobs = 1 };
	struct general_options general = { 0 };
	struct connection_options connection = { 0 };
	const struct option_group groups[] = {
		{ "Options", entries, &options },
		{ "Selection", selection_entries, &options.selection },
		{ "Connection", connection_entries, &connection },
		{ "General", general_entries, &general },
		{ NULL, NULL, NULL },
	};
	struct tool tool = { "idrestore", usage, groups, &general, { 0 }, NULL };
	struct option_operands operands;
	struct pg_target target;
	struct err err = ERR_INIT;
	if (tool_begin(&tool, argc, argv, &operands, &err) == 0 &&
	    tool_one_operand(&operands, &options.input, &err) == 0 &&
	    validate(&options, &connection, &err) == 0 &&
	    connection_target(&connection, &target, &err) == 0) {
		if (options.swap_back)
			go_back(&tool, &options, &target, &err);
		else if (options.list)
			list(&tool, &options, &err);
		else
			restore(&tool, &options, &target, &err);
	}
	return tool_end(&tool, &err);
}
