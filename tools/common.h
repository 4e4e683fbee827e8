/*
 * common.h - what the tools' mains share: the general and the connection options, how they begin and
 * how they end.
 */
#ifndef IDKIT_TOOLS_COMMON_H
#define IDKIT_TOOLS_COMMON_H

#include "archive.h"
#include "conn.h"
#include "err.h"
#include "input.h"
#include "log.h"
#include "options.h"
#include "outfile.h"
#include "progress.h"
#include "record.h"
#include "selection.h"

struct general_options {
	bool quiet;
	unsigned verbose;
	int progress; /* enum progress_mode */
	bool version;
	const char *help_kind; /* --help: ""; --help=options: the option table, for completion */
};

/* "General options"; idfilter has its own, since -v means something else there. */
extern const struct option_entry general_entries[];

struct connection_options {
	const char *database;
	const char *host;
	const char *port;
	const char *user;
	bool no_password;
	bool ask_password;
};

extern const struct option_entry connection_entries[];

/* psql takes an empty name for no name; in a script it is a variable that was never set, and the default
 * database is not what was meant: ERR_USAGE.  NULL is no name. */
int tool_check_database(const char *database, struct err *err);

/* -w and -W are both given, or the name is empty: the error. */
int connection_target(const struct connection_options *options, struct pg_target *target,
                      struct err *err);

/* One of the tools. */
struct tool {
	const char *program; /* "iddump" */
	const char *usage;   /* the lines behind "Usage:" and what it is for */
	const struct option_group *groups;
	const struct general_options *general;
	struct log log;
	struct progress *progress; /* of the whole run; NULL: nobody sees it */
};

/*
 * Signals, then the options, then the progress that they ask for.  0 to go on; 1 when all is done
 * (--help, --version); -1 on error.
 */
int tool_begin(struct tool *tool, int argc, char **argv, struct option_operands *operands,
               struct err *err);

/* Ends the progress, prints the error, if there is one, releases the options, and gives the exit
 * status (or ends by the signal that came). */
int tool_end(struct tool *tool, struct err *err);

/* "iddump 0.1.0" in the caller's buffer. */
void tool_version(const struct tool *tool, char *text, size_t size);

/* The error for an operand that is one too many.  Always -1. */
int tool_too_many(const char *operand, struct err *err);

/* How a dump is to be read. */
struct stream_options {
	bool allow_incomplete;
	/* Rows come as chunks (chunk.h) where the input can give them so: from archives, and from plain
	 * files that can be read at any place. */
	bool packed;
	int jobs; /* threads that unpack what is not to come packed; the order stays */
	struct progress *progress; /* is told how much there is, as far as the input says; or NULL */
};

/* A dump, whatever format it is in: `path` NULL or "-" is stdin.  *name, for messages, lives as long as
 * the source.  NULL on error. */
struct source *tool_open_stream(const struct tool *tool, const char *path,
                                const struct stream_options *options, const char **name,
                                struct err *err);

/* The same for an input that is open; owns it from now on, also when NULL is returned on error. */
struct source *tool_open_input(struct input *input, const struct stream_options *options,
                               struct err *err);

/* "Output": where a stream goes and in which format. */
struct output_options {
	const char *output;     /* -o */
	const char *format;     /* -F */
	const char *level;      /* -Z */
	bool long_window;       /* --long */
	const char *chunk_size; /* --chunk-size */
	/* Not options: */
	bool archive_unless_said; /* the format when neither -F nor the name says */
	int jobs;                 /* threads that compress; the order stays */
};

extern const struct option_entry output_entries[];

struct output_format {
	bool archive;
	struct archive_options archive_options;
};

/* What the options say together.  ERR_USAGE; nothing is opened. */
int tool_output_format(const struct output_options *options, struct output_format *format,
                       struct err *err);

/* The writer that they ask for; ERR_USAGE also for an archive to a terminal.  NULL on error. */
struct sink *tool_open_output(const struct tool *tool, const struct output_options *options,
                              struct err *err);

/* "Selection". */
struct selection_options {
	struct option_list schemas;
	struct option_list exclude_schemas;
	struct option_list tables;
	struct option_list exclude_tables;
};

extern const struct option_entry selection_entries[];

/* It borrows from the options. */
struct selection tool_selection(const struct selection_options *options);

/* -j: how many jobs; 0 is one for each processor.  ERR_USAGE for more than there may be. */
int tool_jobs(long wanted, int *jobs, struct err *err);

/* At most one operand; none when an option has said the same already. */
int tool_one_operand(const struct option_operands *operands, const char **operand,
                     struct err *err);

#endif
