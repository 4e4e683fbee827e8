/*
 * record.h - what flows through every tool, and the two interfaces it flows between.
 *
 * A stream is HEADER, STATEMENT and DATA records in the script's order, TRAILER.  A source produces
 * it, filters pass it on, a sink consumes it; a filter is a sink that owns the next one:
 *
 *     sink = plain_writer_new(out, …);
 *     sink = regex_filter_new(rules, sink, …);       now owns the writer
 *     if (source_run(source, sink, err) < 0 || sink_finish(sink, err) < 0) …
 *     source_free(source);
 *     sink_free(sink);
 *
 * The TRAILER is delivered only when the source has read everything and found it whole, so a sink
 * that has seen it may trust what came before; sink_finish() makes the result durable.  A sink freed
 * without finish undoes what it did (rolls back, removes its temporary file).
 *
 * Slices in a record live until sink_write() returns.  `lead` and the data's `copy` and `end` are
 * bytes as read: writing lead, then the rest, of every record gives the input back byte for byte.
 *
 * A sink is used by one thread, unless sink_branch() gives entrances to further ones.
 */
#ifndef IDKIT_STREAM_RECORD_H
#define IDKIT_STREAM_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "hash.h"
#include "statement.h"

struct stream_header;
struct contents;
struct chunk;
struct manifest;

enum record_kind {
	RECORD_HEADER,
	RECORD_STATEMENT,
	RECORD_DATA,
	RECORD_TRAILER,
};

/* Where it stood in the input; for messages.  Lines and statements count from 1. */
struct place {
	uint64_t line;      /* of the first token; of the first row, for DATA */
	uint64_t statement; /* a COPY with its data is one statement */
	const char *name;   /* of what the lines are counted in: the input, "k.idar: member …"; NULL: not known */
};

struct record_statement {
	struct slice sql; /* from its first token to its semicolon; empty for comments alone */
	enum statement_class class;
	struct object object; /* pg_dump's comment, which holds for all statements up to the next */
	bool standard_strings; /* how its strings are to be read */
};

/* The table that COPY rows belong to.  Lives until the last record of its block was delivered. */
struct copy_table {
	struct slice schema; /* empty when the statement did not name it */
	struct slice name;
	const struct slice *columns;
	size_t column_count;
	bool has_columns; /* a column list was written: needed for a digest, unless rows are empty */
	bool text_format; /* rows are plain COPY text */
};

/*
 * A piece of one COPY block: whole rows, each with its newline.  The first piece of a block carries
 * the COPY statement, the last one its end; both may be the same piece, and rows may be empty.
 *
 * With `chunk` set the piece's rows are not here: they are compressed, or still in their file
 * (chunk.h).  Sources deliver such records only when they were told that the sink takes them.
 */
struct record_data {
	const struct copy_table *table;
	struct object object;
	struct slice copy; /* "COPY … FROM stdin;\n", when `first` */
	struct slice rows;
	struct slice end; /* "\.\n", when `last` */
	uint64_t row_count; /* newlines in rows; a chunk's rows where they are known, else 0 */
	bool first;
	bool last;
	bool crlf;     /* rows end with CR LF */
	bool pristine; /* all rows of this table are as the stream's trailer vouches for */
	const struct hash128 *sum; /* of the hashes of `rows`, when somebody has added them up already */
	const struct chunk *chunk; /* NULL: `rows` are here */
};

enum stream_end {
	STREAM_END_NONE,    /* no end mark: accepted because the user said so */
	STREAM_END_PG_DUMP, /* "PostgreSQL database dump complete" */
	STREAM_END_IDKIT,   /* our own trailer, and it fits */
};

struct record_trailer {
	enum stream_end end;
	const struct contents *contents; /* the digests it lists; NULL unless STREAM_END_IDKIT */
	const struct manifest *manifest; /* an archive's; NULL otherwise */
};

struct record {
	enum record_kind kind;
	enum section section;
	struct place place;
	struct slice lead; /* white space and comments before it */
	union {
		const struct stream_header *header;
		struct record_statement statement;
		struct record_data data;
		struct record_trailer trailer;
	};
};

struct sink;

/* `finish` and `free` may be NULL, for a sink that has nothing to make durable, or nothing of its own;
 * `branch` for one that takes records from one thread only. */
struct sink_ops {
	int (*write)(struct sink *sink, const struct record *record, struct err *err);
	int (*finish)(struct sink *sink, struct err *err);
	void (*free)(struct sink *sink);
	struct sink *(*branch)(struct sink *sink, struct err *err);
};

/* The first member of every sink. */
struct sink {
	const struct sink_ops *ops;
};

int sink_write(struct sink *sink, const struct record *record, struct err *err);
/* Only after the TRAILER was written. */
int sink_finish(struct sink *sink, struct err *err);
void sink_free(struct sink *sink);

/*
 * A further entrance to a sink, for one other thread: it takes DATA records, whole COPY blocks one
 * after the other, and does in that thread what can be done apart (hashing, compressing, filtering);
 * what must be one after the other it does under the sink's own lock, a block at a time.  Meanwhile
 * the sink itself takes records, too.  sink_finish() of the branch hands over all that it has; the
 * branch is freed before the sink gets its TRAILER.
 *
 *     branch = sink_branch(sink, err);          in the thread of the sink
 *     … sink_write(branch, record, err) …       in the branch's own
 *     sink_finish(branch, err); sink_free(branch);
 *
 * A filter's branch is a filter that owns a branch of the next sink.  NULL on error, and (without an
 * error) from a sink that has none: sink_can_branch() says so before.
 */
struct sink *sink_branch(struct sink *sink, struct err *err);
bool sink_can_branch(const struct sink *sink);

struct source;

/* `stop` may be NULL, for a source that never waits for an input. */
struct source_ops {
	int (*run)(struct source *source, struct sink *sink, struct err *err);
	void (*free)(struct source *source);
	void (*stop)(struct source *source);
};

struct source {
	const struct source_ops *ops;
};

/* Writes HEADER to TRAILER into the sink, which is borrowed and not finished.  0 or -1. */
int source_run(struct source *source, struct sink *sink, struct err *err);
void source_free(struct source *source);

/* From another thread, between source_run()'s begin and source_free(): a source that waits for bytes of a
 * pipe sees the pipe's end, and fails.  May be called again and again. */
void source_stop(struct source *source);

/* A row count for rows that end with newlines: the number of newlines. */
uint64_t rows_count(struct slice rows);

#endif
