#include "pg_dump.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "input.h"
#include "interrupt.h"
#include "pgprogram.h"
#include "plain_reader.h"
#include "process.h"

/*
 * How long the child waits for a lock.  The leader holds all of them already, so it waits only behind
 * somebody who in turn waits for the leader (ALTER TABLE, queued since): for ever.  db_source.c looks
 * after that; this is for what it does not see.
 */
#define CHILD_LOCK_TIMEOUT_MS "20000"

struct pg_dump {
	struct process *process;
	const struct log *log;
	struct pg_child child;
	struct source *reader;
};

/* An argument vector that grows; its strings are borrowed. */
struct arguments {
	const char **items;
	size_t count;
};

static void add(struct arguments *arguments, const char *item)
{
	arguments->items[arguments->count++] = item;
}

static void add_if(struct arguments *arguments, bool wanted, const char *item)
{
	if (wanted)
		add(arguments, item);
}

static void add_patterns(struct arguments *arguments, const char *option,
                         const char *const *patterns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		add(arguments, option);
		add(arguments, patterns[i]);
	}
}

/* "*" means the user's objects here; pg_dump would take the system's, too. */
static void exclude_system(struct arguments *arguments, const struct selection *selection)
{
	static const char *const schemas[] = { "pg_*", "information_schema" };
	static const char *const tables[] = { "pg_*.*", "information_schema.*" };
	if (selection->table_count > 0)
		add_patterns(arguments, "-T", tables, 2);
	else if (selection->schema_count > 0)
		add_patterns(arguments, "-N", schemas, 2);
}

static void add_selection(struct arguments *arguments, const struct selection *selection)
{
	exclude_system(arguments, selection);
	add_patterns(arguments, "-n", selection->schemas, selection->schema_count);
	add_patterns(arguments, "-N", selection->exclude_schemas, selection->exclude_schema_count);
	add_patterns(arguments, "-t", selection->tables, selection->table_count);
	add_patterns(arguments, "-T", selection->exclude_tables, selection->exclude_table_count);
}

static void fill(struct arguments *arguments, const struct pg_dump_options *options,
                 const char *program, const char *conninfo)
{
	add(arguments, program);
	add(arguments, "--no-password");
	add(arguments, "--section=pre-data");
	add(arguments, "--section=post-data");
	add_if(arguments, options->data_section, "--section=data");
	add_if(arguments, options->data_section, "--exclude-table-data=*.*");
	add(arguments, "--snapshot");
	add(arguments, options->snapshot);
	add(arguments, "--encoding");
	add(arguments, options->encoding);
	add(arguments, "--lock-wait-timeout");
	add(arguments, CHILD_LOCK_TIMEOUT_MS);
	add_if(arguments, options->schema_only, "--schema-only");
	add_if(arguments, options->clean, "--clean");
	add_if(arguments, options->if_exists, "--if-exists");
	add_if(arguments, options->create, "--create");
	add_if(arguments, options->no_owner, "--no-owner");
	add_if(arguments, options->no_acl, "--no-acl");
	add_if(arguments, options->no_comments, "--no-comments");
	add_if(arguments, options->no_unlogged_data, "--no-unlogged-table-data");
	add_selection(arguments, &options->selection);
	add(arguments, "--dbname");
	add(arguments, conninfo);
	add(arguments, NULL);
}

char *pg_dump_find(const struct pg *pg, const char *wanted, int *major, const struct log *log,
                   struct err *err)
{
	int server = pg_server_version(pg) / 10000;
	char *program;
	if (wanted) {
		*major = pgprogram_major(wanted, err);
		if (*major < 0)
			return NULL;
		if (*major < server) {
			err_set(err, ERR_SYSTEM,
			        "%s has version %d, but the server has version %d: pg_dump must not be "
			        "older than the server",
			        wanted, *major, server);
			return NULL;
		}
		program = strdup(wanted);
		if (!program)
			err_memory(err, wanted);
	} else {
		program = pgprogram_find("pg_dump", server, major, err);
	}
	if (program)
		log_detail(log, "definitions come from %s (version %d)", program, *major);
	return program;
}

static struct process *start(const struct pg_dump_options *options, const char *program,
                             const struct pg_child *child, struct err *err)
{
	const struct selection *selection = &options->selection;
	size_t patterns = selection->schema_count + selection->exclude_schema_count +
	                  selection->table_count + selection->exclude_table_count;
	struct arguments arguments = { calloc(40 + 2 * patterns, sizeof(char *)), 0 };
	if (!arguments.items) {
		err_memory(err, "pg_dump's arguments");
		return NULL;
	}
	fill(&arguments, options, program, child->conninfo.data);
	struct process *process = pg_child_start(child, arguments.items, err);
	free(arguments.items);
	return process;
}

static int open_reader(struct pg_dump *dump, struct err *err)
{
	int fd = dup(process_output(dump->process));
	if (fd < 0)
		return err_set(err, ERR_SYSTEM, "cannot read what pg_dump writes");
	struct input *input = input_from_fd(fd, "pg_dump's output", dump->log, err);
	if (!input)
		return -1;
	struct plain_reader_options options = { .allow_incomplete = false };
	dump->reader = plain_reader_new(input, &options, err);
	return dump->reader ? 0 : -1;
}

struct pg_dump *pg_dump_start(const struct pg *pg, const struct pg_dump_options *options,
                              const char *program, const struct log *log, struct err *err)
{
	struct pg_dump *dump = calloc(1, sizeof(*dump));
	if (!dump) {
		err_memory(err, "pg_dump");
		return NULL;
	}
	dump->log = log;
	if (pg_child_prepare(&dump->child, pg, err) == 0)
		dump->process = start(options, program, &dump->child, err);
	if (dump->process)
		return dump;
	pg_dump_free(dump);
	return NULL;
}

/* pg_dump's own lines on stderr, on success: warnings. */
static void pass_warnings(const struct pg_dump *dump, const struct buf *said)
{
	struct slice text = slice_trim(buf_slice(said));
	if (text.len > 0)
		log_note(dump->log, "%.*s", SLICE_ARG(text));
}

static int wait_for_end(struct pg_dump *dump, struct buf *said, struct err *err)
{
	int result = process_wait(dump->process, said, err);
	if (result < 0 && err->kind == ERR_SYSTEM)
		err->kind = ERR_DATABASE;
	return result;
}

int pg_dump_wait(struct pg_dump *dump, int timeout_ms, struct err *err)
{
	struct pollfd fds[] = {
		{ .fd = process_output(dump->process), .events = POLLIN },
		{ .fd = interrupt_fd(), .events = POLLIN },
	};
	int got = poll(fds, 2, timeout_ms);
	if (interrupt_check(err) < 0)
		return -1;
	if (got < 0 && errno != EINTR)
		return err_system(err, errno, "cannot wait for pg_dump");
	if (got <= 0)
		return 0;
	if (fds[0].revents & POLLIN)
		return 1;
	/* Success without a word is for pg_dump_run() to refuse, which is not called any more. */
	if (wait_for_end(dump, NULL, err) == 0)
		err_set(err, ERR_INPUT, "pg_dump's output: it is empty");
	return -1;
}

int pg_dump_run(struct pg_dump *dump, struct sink *sink, struct err *err)
{
	struct err read_err = ERR_INIT;
	struct buf said = BUF_INIT;
	int read = open_reader(dump, &read_err);
	if (read == 0)
		read = source_run(dump->reader, sink, &read_err);
	/* When its output ends early, why pg_dump failed is the error, not that the output ended. */
	int result = 0;
	if (read == 0 || read_err.kind == ERR_INPUT) {
		source_free(dump->reader);
		dump->reader = NULL;
		result = wait_for_end(dump, &said, err);
	}
	if (result == 0 && read < 0) {
		*err = read_err;
		result = -1;
	}
	if (result == 0)
		pass_warnings(dump, &said);
	buf_release(&said);
	return result;
}

void pg_dump_free(struct pg_dump *dump)
{
	if (!dump)
		return;
	source_free(dump->reader);
	process_free(dump->process);
	pg_child_release(&dump->child);
	free(dump);
}
