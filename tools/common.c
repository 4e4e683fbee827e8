#include "common.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "input.h"
#include "interrupt.h"
#include "io.h"
#include "jobs.h"
#include "plain_reader.h"

const struct option_entry general_entries[] = {
	{ 'v', "verbose", NULL, "say what is done", OPTION_COUNT,
	  offsetof(struct general_options, verbose), NULL },
	{ 'q', "quiet", NULL, "say only what is wrong", OPTION_FLAG,
	  offsetof(struct general_options, quiet), NULL },
	{ 0, "progress", "WHERE", "auto (a bar on a terminal), bar, json or none", OPTION_CHOICE,
	  offsetof(struct general_options, progress), progress_modes },
	{ 'V', "version", NULL, "print the version and end", OPTION_FLAG,
	  offsetof(struct general_options, version), NULL },
	{ '?', "help", "options", "print this help and end; --help=options: as a table", OPTION_OPTIONAL,
	  offsetof(struct general_options, help_kind), NULL },
	{ 0, NULL, NULL, NULL, OPTION_FLAG, 0, NULL },
};

const struct option_entry connection_entries[] = {
	{ 'd', "dbname", "DBNAME", "database: a name, a conninfo string or a URI", OPTION_TEXT,
	  offsetof(struct connection_options, database), NULL },
	{ 'h', "host", "HOST", "server's host, or the folder of its socket", OPTION_TEXT,
	  offsetof(struct connection_options, host), NULL },
	{ 'p', "port", "PORT", "server's port", OPTION_TEXT,
	  offsetof(struct connection_options, port), NULL },
	{ 'U', "username", "USER", "role to connect as", OPTION_TEXT,
	  offsetof(struct connection_options, user), NULL },
	{ 'w', "no-password", NULL, "never ask for a password", OPTION_FLAG,
	  offsetof(struct connection_options, no_password), NULL },
	{ 'W', "password", NULL, "ask for a password before connecting", OPTION_FLAG,
	  offsetof(struct connection_options, ask_password), NULL },
	{ 0, NULL, NULL, NULL, OPTION_FLAG, 0, NULL },
};

int tool_check_database(const char *database, struct err *err)
{
	if (database && !database[0])
		return err_set(err, ERR_USAGE, "the database's name is empty: is a variable not set?");
	return 0;
}

int connection_target(const struct connection_options *options, struct pg_target *target,
                      struct err *err)
{
	if (tool_check_database(options->database, err) < 0)
		return -1;
	if (options->no_password && options->ask_password)
		return err_set(err, ERR_USAGE, "-w and -W exclude each other");
	*target = (struct pg_target){
		.database = options->database,
		.host = options->host,
		.port = options->port,
		.user = options->user,
		.password = options->no_password    ? PG_PASSWORD_NEVER
		            : options->ask_password ? PG_PASSWORD_ALWAYS
		                                    : PG_PASSWORD_AUTO,
	};
	return 0;
}

void tool_version(const struct tool *tool, char *text, size_t size)
{
	snprintf(text, size, "%s %s", tool->program, IDKIT_VERSION);
}

static int print_help(const struct tool *tool)
{
	if (strcmp(tool->general->help_kind, "options") == 0) {
		options_print_table(tool->groups, stdout);
		return 1;
	}
	fputs(tool->usage, stdout);
	options_print_help(tool->groups, stdout);
	fputs("\nExit status: 0 done, 1 the answer is no, 2 usage, 3 damaged input, 4 database,\n"
	      "5 operating system, 128+N ended by signal N.\n",
	      stdout);
	return 1;
}

static int print_version(const struct tool *tool)
{
	char text[64];
	tool_version(tool, text, sizeof(text));
	puts(text);
	return 1;
}

/* With --quiet, a bar must be asked for. */
static int begin_progress(struct tool *tool, struct err *err)
{
	enum progress_mode mode = (enum progress_mode)tool->general->progress;
	if (mode == PROGRESS_AUTO && tool->general->quiet)
		mode = PROGRESS_NONE;
	return progress_new(mode, tool->program, &tool->log, &tool->progress, err);
}

static void end_progress(struct tool *tool, const struct err *err)
{
	if (!err_is_set(err) || err->kind == ERR_DIFFERENT)
		progress_done(tool->progress);
	progress_free(tool->progress);
	tool->progress = NULL;
}

int tool_begin(struct tool *tool, int argc, char **argv, struct option_operands *operands,
               struct err *err)
{
	io_reserve_standard();
	interrupt_install();
	tool->log = log_to_stderr(tool->program, LOG_NOTE);
	if (options_parse(tool->program, tool->groups, argc, argv, operands, err) < 0)
		return -1;
	tool->log.least = tool->general->quiet     ? LOG_WARNING
	                  : tool->general->verbose ? LOG_DETAIL
	                                           : LOG_NOTE;
	if (tool->general->help_kind)
		return print_help(tool);
	if (tool->general->version)
		return print_version(tool);
	return begin_progress(tool, err);
}

int tool_end(struct tool *tool, struct err *err)
{
	end_progress(tool, err);
	options_release(tool->groups);
	if (fflush(stdout) != 0)
		err_set(err, ERR_SYSTEM, "cannot write to standard output");
	log_make_printable(err->message);
	if (err_is_set(err) && err->kind != ERR_DIFFERENT)
		fprintf(stderr, "%s: error: %s\n", tool->program, err->message);
	if (err->kind == ERR_SIGNAL)
		interrupt_end(err->signal);
	return err_exit_status(err);
}

/* A connection string may hold a password: it is never shown. */
int tool_too_many(const char *operand, struct err *err)
{
	if (pg_is_conninfo(operand))
		return err_set(err, ERR_USAGE, "one argument too many");
	return err_set(err, ERR_USAGE, "one argument too many: \"%s\"", operand);
}

/* A script's definitions are in its size, too: of what is worth a bar they are little. */
static struct source *open_plain(struct input *input, const struct stream_options *options,
                                 struct err *err)
{
	const struct plain_reader_options plain = { .allow_incomplete = options->allow_incomplete,
		                                    .packed = options->packed };
	uint64_t begin, end;
	if (input_file(input, &begin, &end) >= 0)
		progress_expect(options->progress, end - begin, 0);
	return plain_reader_new(input, &plain, err);
}

struct source *tool_open_input(struct input *input, const struct stream_options *options,
                               struct err *err)
{
	const struct archive_reader_options archive = { .packed = options->packed,
		                                        .jobs = options->jobs,
		                                        .progress = options->progress };
	return input_is_archive(input) ? archive_reader_new(input, &archive, err)
	                               : open_plain(input, options, err);
}

struct source *tool_open_stream(const struct tool *tool, const char *path,
                                const struct stream_options *options, const char **name,
                                struct err *err)
{
	struct input *input = input_open(path, &tool->log, err);
	if (!input)
		return NULL;
	*name = input_name(input);
	return tool_open_input(input, options, err);
}

int tool_jobs(long wanted, int *jobs, struct err *err)
{
	if (wanted > JOBS_LARGEST)
		return err_set(err, ERR_USAGE, "-j %ld: at most %d jobs", wanted, JOBS_LARGEST);
	*jobs = wanted > 0 ? (int)wanted : jobs_processors();
	return 0;
}

int tool_one_operand(const struct option_operands *operands, const char **operand,
                     struct err *err)
{
	size_t most = *operand ? 0 : 1;
	if (operands->count > most)
		return tool_too_many(operands->items[most], err);
	if (operands->count == 1)
		*operand = operands->items[0];
	return 0;
}
