/* iddump: a database at one moment, as a stream. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common.h"
#include "db_source.h"

static const char usage[] =
	"iddump writes a PostgreSQL database, as of one moment, as a script with hashes\n"
	"by which its readers tell that it is whole and undamaged.\n"
	"\n"
	"Usage: iddump [OPTION]… [DBNAME]\n"
	"\n";

struct options {
	struct selection_options selection;
	bool schema_only;
	bool data_only;
	bool clean;
	bool if_exists;
	bool create;
	bool no_owner;
	bool no_acl;
	bool no_comments;
	bool no_unlogged;
	bool role_passwords;
	long jobs;
	const char *lock_wait_timeout;
	bool serializable_deferrable;
	const char *snapshot;
	const char *pg_dump;
	const char *encoding;
};

#define AT(member) offsetof(struct options, member), NULL

static const struct option_entry dump_entries[] = {
	{ 'j', "jobs", "N", "read rows with N connections; 0: one a processor (default: 1)",
	  OPTION_NUMBER, AT(jobs) },
	{ 's', "schema-only", NULL, "definitions, no rows", OPTION_FLAG, AT(schema_only) },
	{ 'a', "data-only", NULL, "rows, no definitions", OPTION_FLAG, AT(data_only) },
	{ 'c', "clean", NULL, "DROP the objects before creating them", OPTION_FLAG, AT(clean) },
	{ 0, "if-exists", NULL, "with --clean: DROP … IF EXISTS", OPTION_FLAG, AT(if_exists) },
	{ 'C', "create", NULL, "begin with CREATE DATABASE, keep its settings", OPTION_FLAG,
	  AT(create) },
	{ 'E', "encoding", "ENCODING", "the script's encoding (default: UTF8)", OPTION_TEXT,
	  AT(encoding) },
	{ 'O', "no-owner", NULL, "leave out ownership", OPTION_FLAG, AT(no_owner) },
	{ 'x', "no-acl", NULL, "leave out GRANT and REVOKE", OPTION_FLAG, AT(no_acl) },
	{ 0, "no-comments", NULL, "leave out COMMENT", OPTION_FLAG, AT(no_comments) },
	{ 0, "no-unlogged-table-data", NULL, "leave out rows of unlogged tables", OPTION_FLAG,
	  AT(no_unlogged) },
	{ 0, "role-passwords", NULL, "in an archive, keep the passwords' hashes of its roles",
	  OPTION_FLAG, AT(role_passwords) },
	{ 0, NULL, NULL, NULL, OPTION_FLAG, 0, NULL },
};

static const struct option_entry snapshot_entries[] = {
	{ 0, "lock-wait-timeout", "TIME", "fail when a table stays locked so long (5s, 1min; ms)",
	  OPTION_TEXT, AT(lock_wait_timeout) },
	{ 0, "serializable-deferrable", NULL, "wait for a moment without anomalies", OPTION_FLAG,
	  AT(serializable_deferrable) },
	{ 0, "snapshot", "ID", "use a snapshot that another session exported", OPTION_TEXT,
	  AT(snapshot) },
	{ 0, "pg-dump", "PATH", "the pg_dump for the definitions (default: of the server's version)", OPTION_TEXT,
	  AT(pg_dump) },
	{ 0, NULL, NULL, NULL, OPTION_FLAG, 0, NULL },
};

static int validate(const struct options *options, struct err *err)
{
	if (options->schema_only && options->data_only)
		return err_set(err, ERR_USAGE, "--schema-only and --data-only exclude each other");
	if (options->if_exists && !options->clean)
		return err_set(err, ERR_USAGE, "--if-exists needs --clean");
	if (options->data_only && (options->clean || options->create))
		return err_set(err, ERR_USAGE, "--data-only excludes --clean and --create");
	if (options->serializable_deferrable && options->snapshot)
		return err_set(err, ERR_USAGE,
		               "--snapshot and --serializable-deferrable exclude each other");
	return 0;
}

/* Of data alone each table must come behind those that it refers to. */
static int choose_jobs(const struct tool *tool, struct options *options, struct err *err)
{
	int jobs;
	if (tool_jobs(options->jobs, &jobs, err) < 0)
		return -1;
	if (jobs > 1 && options->data_only) {
		log_note(&tool->log, "one job: --data-only writes tables in the order of their keys");
		jobs = 1;
	}
	options->jobs = jobs;
	return 0;
}

/* `version` must live as long as the source. */
static struct source *open_database(const struct tool *tool, const char *version,
                                    const struct options *options,
                                    const struct output_format *format,
                                    const struct pg_target *target, struct err *err)
{
	const struct db_source_options source_options = {
		.program = version,
		.definitions = {
			.schema_only = options->schema_only,
			.clean = options->clean,
			.if_exists = options->if_exists,
			.create = options->create,
			.no_owner = options->no_owner,
			.no_acl = options->no_acl,
			.no_comments = options->no_comments,
			.no_unlogged_data = options->no_unlogged,
		},
		.pg_dump = options->pg_dump,
		.encoding = options->encoding,
		.selection = tool_selection(&options->selection),
		.snapshot = { options->lock_wait_timeout, options->serializable_deferrable,
		              options->snapshot },
		.with_definitions = !options->data_only,
		.with_data = !options->schema_only,
		.skip_unlogged = options->no_unlogged,
		.jobs = (int)options->jobs,
		.chunk_bytes = format->archive_options.chunk_bytes,
		.with_roles = format->archive,
		.with_passwords = options->role_passwords,
		.progress = tool->progress,
	};
	struct pg *pg = pg_connect(target, NULL, tool->program, &tool->log, err);
	return pg ? db_source_new(pg, &source_options, &tool->log, err) : NULL;
}

static int check_passwords(const struct options *options, const struct output_format *format,
                           struct err *err)
{
	if (options->role_passwords && !format->archive)
		return err_set(err, ERR_USAGE, "--role-passwords: only archives hold roles: add -F archive");
	return 0;
}

static void dump(const struct tool *tool, const struct options *options,
                 const struct output_options *output, const struct pg_target *target,
                 struct err *err)
{
	struct output_format format;
	struct sink *sink = NULL;
	struct source *source = NULL;
	char version[64];
	tool_version(tool, version, sizeof(version));
	if (tool_output_format(output, &format, err) == 0 &&
	    check_passwords(options, &format, err) == 0)
		sink = tool_open_output(tool, output, err);
	if (sink)
		source = open_database(tool, version, options, &format, target, err);
	if (source && source_run(source, sink, err) == 0)
		sink_finish(sink, err);
	source_free(source);
	sink_free(sink);
}

int main(int argc, char **argv)
{
	struct options options = { .jobs = 1 };
	struct output_options output = { 0 };
	struct general_options general = { 0 };
	struct connection_options connection = { 0 };
	const struct option_group groups[] = {
		{ "Options", dump_entries, &options },
		{ "Selection", selection_entries, &options.selection },
		{ "Output", output_entries, &output },
		{ "The moment", snapshot_entries, &options },
		{ "Connection", connection_entries, &connection },
		{ "General", general_entries, &general },
		{ NULL, NULL, NULL },
	};
	struct tool tool = { "iddump", usage, groups, &general, { 0 }, NULL };
	struct option_operands operands;
	struct pg_target target;
	struct err err = ERR_INIT;
	if (tool_begin(&tool, argc, argv, &operands, &err) == 0 &&
	    tool_one_operand(&operands, &connection.database, &err) == 0 &&
	    validate(&options, &err) == 0 && choose_jobs(&tool, &options, &err) == 0 &&
	    connection_target(&connection, &target, &err) == 0)
		dump(&tool, &options, &output, &target, &err);
	return tool_end(&tool, &err);
}
