#include "db_source.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "catalog.h"
#include "db_header.h"
#include "db_source_internal.h"
#include "dump_jobs.h"
#include "header.h"
#include "inherited.h"
#include "roles.h"
#include "session.h"
#include "waiter.h"

/* How long others may be let through before we give up, and how often we look who waits. */
#define LONGEST_BLOCKED_SECONDS 20
#define LOOK_MS                 250

struct db_source {
	struct source source;
	struct db_source_options options;
	struct catalog_options tables;
	const struct log *log;
	struct pg *pg;
	struct dump_jobs *dump; /* that reads rows; guarded by `stopping` until it is there */
	pthread_mutex_t stopping;
	bool stopped;
	struct snapshot snapshot;
	struct pg_dump *pg_dump; /* with definitions only */
	bool has_large_objects;
};

static const char *encoding(const struct db_source *source)
{
	return pg_parameter(source->pg, "client_encoding");
}

static const char *extent(const struct db_source *source)
{
	if (!source->options.with_data)
		return "schema";
	return source->options.with_definitions ? "all" : "data";
}

/* The roles that the definitions name.  NULL for rows alone, which need none, for a part of the database,
 * of which it is not known, and on error. */
static struct roles *read_roles(struct db_source *source, struct err *err)
{
	const struct roles_options options = {
		.no_owner = source->options.definitions.no_owner,
		.no_acl = source->options.definitions.no_acl,
		.create = source->options.definitions.create,
	};
	if (!source->options.with_definitions || !selection_is_all(&source->options.selection))
		return NULL;
	return roles_read(source->pg, &options, err);
}

static int write_roles(struct db_source *source, const struct roles *roles, struct sink *sink,
                       struct err *err)
{
	const struct roles_script_options options = { source->options.pg_dump,
		                                      source->options.with_passwords };
	if (!roles || !source->options.with_roles)
		return 0;
	return roles_deliver(roles, source->pg, &options, source->log, sink, err);
}

static int write_header(struct db_source *source, const struct roles *roles, struct sink *sink,
                        struct err *err)
{
	struct stream_header *header = stream_header_new(err);
	struct record record = { .kind = RECORD_HEADER, .header = header };
	int result = -1;
	if (!header || stream_header_set(header, "program", source->options.program, err) < 0 ||
	    db_header_describe(source->pg, header, err) < 0 ||
	    stream_header_set(header, "client_encoding", encoding(source), err) < 0 ||
	    stream_header_set(header, "snapshot", source->snapshot.id, err) < 0 ||
	    stream_header_set(header, "lsn", source->snapshot.lsn, err) < 0 ||
	    stream_header_set(header, "contents", extent(source), err) < 0 ||
	    (roles && roles_put_header(roles, header, err) < 0))
		goto out;
	result = sink_write(sink, &record, err);
out:
	stream_header_free(header);
	return result;
}

static int write_trailer(struct sink *sink, struct err *err)
{
	struct record record = { .kind = RECORD_TRAILER };
	record.trailer.end = STREAM_END_IDKIT;
	return sink_write(sink, &record, err);
}

static int read_data(struct dump_jobs *dump, struct pg *pg, const struct catalog_options *tables,
                     struct sink *sink, struct err *err)
{
	struct catalog catalog;
	if (catalog_read(pg, tables, &catalog, err) < 0)
		return -1;
	int result = dump_jobs_run(dump, pg, &catalog, sink, err);
	catalog_release(&catalog);
	return result;
}

int db_source_read_data(struct pg *pg, const struct catalog_options *tables,
                        const struct contents *layout, struct sink *sink, struct err *err)
{
	const struct dump_jobs_options options = {
		.jobs = 1,
		.reader = {
			.chunk_bytes = DATA_CHUNK_BYTES,
			.layout = layout,
			.create_large_objects = true,
		},
	};
	struct dump_jobs *dump = dump_jobs_new(&options, NULL, err);
	int result = dump ? read_data(dump, pg, tables, sink, err) : -1;
	dump_jobs_free(dump);
	return result < 0 ? -1 : write_trailer(sink, err);
}

static int start_definitions(struct db_source *source, struct err *err)
{
	struct pg_dump_options options = source->options.definitions;
	const struct log *log = source->log;
	options.encoding = encoding(source);
	options.snapshot = source->snapshot.id;
	options.selection = source->options.selection;
	int major;
	char *program = pg_dump_find(source->pg, source->options.pg_dump, &major, log, err);
	if (!program)
		return -1;
	options.data_section = major >= 17 && source->options.with_data && source->has_large_objects;
	source->pg_dump = pg_dump_start(source->pg, &options, program, log, err);
	free(program);
	return source->pg_dump ? 0 : -1;
}

static int find_large_objects(struct db_source *source, struct err *err)
{
	if (!selection_is_all(&source->options.selection))
		return 0;
	char *found = pg_query_value(
		source->pg, "SELECT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)", err);
	source->has_large_objects = found && found[0] == 't';
	free(found);
	return found ? 0 : -1;
}

static void end_definitions(struct db_source *source)
{
	pg_dump_free(source->pg_dump);
	source->pg_dump = NULL;
}

/* Until pg_dump has its locks. */
static int try_definitions(struct db_source *source, struct err *err)
{
	int ready;
	if (find_large_objects(source, err) < 0 || start_definitions(source, err) < 0)
		return -1;
	while ((ready = pg_dump_wait(source->pg_dump, LOOK_MS, err)) == 0) {
		int blocked = waiter_blocks(source->pg, PG_DUMP_APPLICATION, err);
		if (blocked > 0)
			err_set(err, ERR_DATABASE, "pg_dump waits for a lock");
		if (blocked != 0)
			return -1;
	}
	return ready < 0 ? -1 : 0;
}

static int another_moment(struct db_source *source, struct err *err)
{
	snapshot_release(&source->snapshot);
	if (pg_exec(source->pg, "ROLLBACK", err) < 0)
		return -1;
	return snapshot_take(source->pg, &source->tables, &source->options.snapshot,
	                     &source->snapshot, err);
}

/*
 * A change of a table that has queued up behind our lock stands before pg_dump, which would wait
 * behind it for ever: it is let through, and another moment taken.
 */
static int open_definitions(struct db_source *source, struct err *err)
{
	/* With a snapshot of somebody else's there is only one moment. */
	time_t until = source->options.snapshot.import ? 0 : time(NULL) + LONGEST_BLOCKED_SECONDS;
	struct buf waiter = BUF_INIT;
	bool said = false;
	int result;
	while ((result = try_definitions(source, err)) < 0) {
		struct err ignored = ERR_INIT;
		buf_reset(&waiter);
		end_definitions(source);
		if (err->kind != ERR_DATABASE || waiter_describe(source->pg, &waiter, &ignored) <= 0)
			break;
		if (time(NULL) >= until) {
			err_append(err,
			           "\nThis waits for a lock of ours, and pg_dump behind it: %s\n"
			           "HINT:  Let it finish or end it, then try again.",
			           waiter.data);
			break;
		}
		if (!said)
			log_note(source->log, "another moment is taken, to let this through: %s",
			         waiter.data);
		said = true;
		err_clear(err);
		if (another_moment(source, err) < 0)
			break;
	}
	buf_release(&waiter);
	return result;
}

static int run_data(void *arg, struct sink *sink, struct err *err)
{
	struct db_source *source = arg;
	return source->dump ? read_data(source->dump, source->pg, &source->tables, sink, err) : 0;
}

/* What reads the rows, if they are wanted. */
static int prepare_data(struct db_source *source, struct err *err)
{
	const size_t chunk_bytes = source->options.chunk_bytes;
	const struct dump_jobs_options options = {
		.jobs = source->options.jobs > 1 ? source->options.jobs : 1,
		.snapshot = source->snapshot.id,
		.all_ordered = source->tables.order_by_references,
		.reader = {
			.chunk_bytes = chunk_bytes > 0 ? chunk_bytes : DATA_CHUNK_BYTES,
			.layout = source->options.layout,
			.create_large_objects = !source->options.with_definitions,
			.progress = source->options.progress,
		},
	};
	if (!source->options.with_data)
		return 0;
	pthread_mutex_lock(&source->stopping);
	source->dump = dump_jobs_new(&options, source->log, err);
	if (source->dump && source->stopped)
		dump_jobs_stop(source->dump);
	pthread_mutex_unlock(&source->stopping);
	return source->dump ? 0 : -1;
}

/* Definitions with the rows where they belong. */
static int run_all(struct db_source *source, struct sink *sink, struct err *err)
{
	struct definitions definitions;
	struct buf inherited = BUF_INIT;
	int result = 0;
	definitions_init(&definitions, sink, encoding(source), run_data, source);
	if (source->options.definitions.clean) {
		result = inherited_read(source->pg, &inherited, err);
		definitions.inherited = &inherited;
	}
	if (result == 0)
		result = definitions_begin(&definitions, err);
	if (result == 0)
		result = definitions_run(&definitions, source->pg_dump, err);
	buf_release(&inherited);
	return result;
}

static int begin_stream(struct db_source *source, struct sink *sink, struct err *err)
{
	struct roles *roles = read_roles(source, err);
	int result = err_is_set(err) ? -1 : write_header(source, roles, sink, err);
	if (result == 0)
		result = write_roles(source, roles, sink, err);
	roles_free(roles);
	return result;
}

static int db_source_run(struct source *base, struct sink *sink, struct err *err)
{
	struct db_source *source = (struct db_source *)base;
	progress_phase(source->options.progress, "definitions");
	if (source->options.with_definitions && open_definitions(source, err) < 0)
		return -1;
	if (begin_stream(source, sink, err) < 0 || prepare_data(source, err) < 0 ||
	    run_all(source, sink, err) < 0)
		return -1;
	if (pg_exec(source->pg, "COMMIT", err) < 0)
		return -1;
	return write_trailer(sink, err);
}

static void db_source_free(struct source *base)
{
	struct db_source *source = (struct db_source *)base;
	end_definitions(source);
	snapshot_release(&source->snapshot);
	dump_jobs_free(source->dump);
	pg_free(source->pg);
	pthread_mutex_destroy(&source->stopping);
	free(source);
}

static void db_source_stop(struct source *base)
{
	struct db_source *source = (struct db_source *)base;
	pthread_mutex_lock(&source->stopping);
	source->stopped = true;
	if (source->dump)
		dump_jobs_stop(source->dump);
	pthread_mutex_unlock(&source->stopping);
	pg_cancel(source->pg);
}

static const struct source_ops db_source_ops = {
	.run = db_source_run,
	.free = db_source_free,
	.stop = db_source_stop,
};

/* A standby has no rows of unlogged tables: pg_dump leaves them out there, we say so first. */
static int check_unlogged(struct db_source *source, struct err *err)
{
	if (source->tables.skip_unlogged || !source->options.with_data)
		return 0;
	struct buf sql = BUF_INIT;
	buf_adds(&sql, "SELECT count(*) FROM pg_catalog.pg_class WHERE relpersistence = 'u' "
	               "AND relkind IN ('r', 'S') AND pg_catalog.pg_is_in_recovery()");
	char *count = pg_query_value(source->pg, sql.data, err);
	buf_release(&sql);
	if (!count)
		return -1;
	bool any = strcmp(count, "0") != 0;
	free(count);
	if (any)
		return err_set(err, ERR_DATABASE,
		               "database \"%s\" is on a standby, where unlogged tables have no rows and unlogged "
		               "sequences no value: "
		               "--no-unlogged-table-data leaves these out",
		               pg_database(source->pg));
	return 0;
}

struct source *db_source_new(struct pg *pg, const struct db_source_options *options,
                             const struct log *log, struct err *err)
{
	struct db_source *source = calloc(1, sizeof(*source));
	if (!source) {
		pg_free(pg);
		err_memory(err, "a database");
		return NULL;
	}
	source->source.ops = &db_source_ops;
	source->options = *options;
	source->log = log;
	source->pg = pg;
	source->tables = (struct catalog_options){
		.selection = options->selection,
		.skip_unlogged = options->skip_unlogged,
		.order_by_references = !options->with_definitions && !options->any_order,
		.definitions_only = !options->with_data,
	};
	pthread_mutex_init(&source->stopping, NULL);
	if (session_pin(pg, err) < 0 || session_set_encoding(pg, options->encoding, err) < 0 ||
	    check_unlogged(source, err) < 0 ||
	    snapshot_take(pg, &source->tables, &options->snapshot, &source->snapshot, err) < 0) {
		db_source_free(&source->source);
		return NULL;
	}
	return &source->source;
}

void db_source_set_layout(struct source *base, const struct contents *layout)
{
	((struct db_source *)base)->options.layout = layout;
}

static int add_description(struct contents *contents, const struct catalog_table *table,
                           struct err *err)
{
	const struct contents_options options = { .lenient = false };
	const struct copy_table copy = {
		.schema = slice_of(table->target_schema),
		.name = slice_of(table->target_name),
		.columns = table->columns,
		.column_count = table->column_count,
		.has_columns = table->column_count > 0,
		.text_format = true,
	};
	const struct record record = {
		.kind = RECORD_DATA,
		.data = { .table = &copy, .first = true, .last = true },
	};
	return table->is_partitioned ? 0 : contents_add(contents, &record, &options, err);
}

struct contents *db_source_describe(struct source *base, struct err *err)
{
	struct db_source *source = (struct db_source *)base;
	struct catalog catalog;
	if (catalog_read(source->pg, &source->tables, &catalog, err) < 0)
		return NULL;
	struct contents *contents = contents_new(err);
	for (size_t i = 0; contents && i < catalog.table_count; i++)
		if (add_description(contents, &catalog.tables[i], err) < 0) {
			contents_free(contents);
			contents = NULL;
		}
	catalog_release(&catalog);
	return contents;
}

int db_source_set_encoding(struct source *base, const char *encoding, struct err *err)
{
	return session_set_encoding(((struct db_source *)base)->pg, encoding, err);
}
