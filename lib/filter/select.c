#include "select.h"

#include <stdlib.h>

#include "chunk.h"
#include "contents.h"
#include "header.h"
#include "select_memory.h"
#include "select_patterns.h"
#include "statement.h"
#include "subject.h"

struct select_filter {
	struct sink sink;
	struct sink *next;
	const struct log *log;
	struct select_patterns patterns;
	struct contents *passed;
	bool own;         /* the stream's trailer has digests */
	bool passes_rows; /* of the COPY block that passes, or not */
	struct subject subject;
	struct name_set schemas;     /* of selected tables */
	struct name_set sequences;   /* of selected tables; others are selected by their names */
	struct name_set absent;      /* identity sequences of tables that are not */
	struct name_set indexes;     /* of selected tables, as those below */
	struct name_set statistics;
	struct name_set constraints; /* left out: schema, and "table.constraint" */
	struct held_statements held;
	struct buf key;
	bool unpack;
	struct unpacker *unpacker; /* made for the first chunk */
};

static int pass(struct select_filter *filter, const struct record *record, struct err *err)
{
	const struct contents_options options = { .trust_pristine = true, .lenient = true };
	if (filter->own && contents_add(filter->passed, record, &options, err) < 0)
		return -1;
	return sink_write(filter->next, record, err);
}

/* Statements that are the session's or the database's, whatever is selected. */
static bool always_passes(const struct record *record)
{
	enum statement_class class = record->statement.class;
	if (record->section == SECTION_GLOBALS || statement_is_session(class))
		return true;
	switch (class) {
	case CLASS_EMPTY:
	case CLASS_ROLLBACK:
	case CLASS_PREPARED:
	case CLASS_CREATE_DATABASE:
	case CLASS_DROP_DATABASE:
	case CLASS_ALTER_DATABASE:
		return true;
	default:
		return false;
	}
}

/* A name without its schema is in that of pg_dump's comment. */
static struct slice schema_of(const struct buf *written, const struct object *object)
{
	return written->len > 0 ? buf_slice(written) : object->schema;
}

static void note_left_out(const struct select_filter *filter, const struct record *record,
                          const char *what)
{
	const struct subject *subject = &filter->subject;
	const struct object *object = &record->statement.object;
	const struct slice part = buf_slice(&subject->part_name);
	const struct slice schema = schema_of(&subject->schema, object);
	const struct slice other = schema_of(&subject->other_schema, object);
	log_note(filter->log, "left out: %s%s%.*s of %.*s%s%.*s, since %.*s%s%.*s is not selected", what,
	         part.len ? " " : "", SLICE_ARG(part), SLICE_ARG(schema), schema.len ? "." : "",
	         SLICE_ARG(buf_slice(&subject->name)), SLICE_ARG(other), other.len ? "." : "",
	         SLICE_ARG(buf_slice(&subject->other_name)));
}

/* Where constraints of one name on several tables are told apart. */
static struct slice constraint_key(struct select_filter *filter)
{
	buf_reset(&filter->key);
	buf_add_slice(&filter->key, buf_slice(&filter->subject.name));
	buf_addc(&filter->key, '.');
	buf_add_slice(&filter->key, buf_slice(&filter->subject.part_name));
	return buf_slice(&filter->key);
}

/* What comes into being with the table. */
static void remember_part(struct select_filter *filter, struct slice schema)
{
	const struct subject *subject = &filter->subject;
	const struct slice own = subject->part_schema.len > 0 ? buf_slice(&subject->part_schema) : schema;
	const struct slice name = buf_slice(&subject->part_name);
	if (subject->part == SUBJECT_PART_SEQUENCE)
		name_set_add(&filter->sequences, own, name);
	else if (subject->part == SUBJECT_PART_STATISTICS)
		name_set_add(&filter->statistics, own, name);
	/* A key's index has its name. */
	else if (subject->part == SUBJECT_PART_INDEX || subject->part == SUBJECT_PART_CONSTRAINT)
		name_set_add(&filter->indexes, own, name);
}

/* Is the second relation selected, too?  Indexes are there when their tables are. */
static int other_is_selected(struct select_filter *filter, const struct record *record,
                             struct err *err)
{
	const struct subject *subject = &filter->subject;
	const struct slice schema = schema_of(&subject->other_schema, &record->statement.object);
	const struct slice name = buf_slice(&subject->other_name);
	if (subject->kind == SUBJECT_INDEX)
		return name_set_has(&filter->indexes, schema, name);
	return select_relation(&filter->patterns, schema, name, false, err);
}

/* 1, 0 or -1: of a relation that is selected, does the statement pass? */
static int part_passes(struct select_filter *filter, const struct record *record,
                       struct slice schema, struct err *err)
{
	const struct subject *subject = &filter->subject;
	int other = subject->link == SUBJECT_NO_LINK ? 1 : other_is_selected(filter, record, err);
	if (other < 0)
		return -1;
	if (subject->part == SUBJECT_PART_CONSTRAINT && !other)
		name_set_add(&filter->constraints, schema, constraint_key(filter));
	if (!other && subject->link == SUBJECT_LINK_REFERENCED)
		note_left_out(filter, record, "foreign key");
	else if (!other && subject->link == SUBJECT_LINK_PARENT)
		note_left_out(filter, record, "the attachment");
	if (!other)
		return 0;
	if (subject->part == SUBJECT_PART_CONSTRAINT &&
	    name_set_has(&filter->constraints, schema, constraint_key(filter)))
		return 0; /* the comment on one that was left out */
	remember_part(filter, schema);
	return 1;
}

/* A sequence that is not selected by its name: it may be a selected table's. */
static int pass_sequence(struct select_filter *filter, const struct record *record,
                         struct slice schema, struct err *err)
{
	const struct subject *subject = &filter->subject;
	const struct slice name = buf_slice(&subject->name);
	if (name_set_has(&filter->sequences, schema, name))
		return pass(filter, record, err);
	if (subject->link == SUBJECT_LINK_OWNER) {
		int owner = other_is_selected(filter, record, err);
		if (owner <= 0)
			return owner;
		name_set_add(&filter->sequences, schema, name);
		if (held_deliver(&filter->held, schema, name, filter->next, err) < 0)
			return -1;
		return pass(filter, record, err);
	}
	if (subject->creates_sequence || held_has(&filter->held, schema, name))
		return held_add(&filter->held, schema, name, record, err);
	return 0;
}

/* pg_dump's statistics (from 18 on) are calls; what they are about, its comment says. */
static bool is_statistics_data(const struct object *object)
{
	return slice_equals(object->type, "STATISTICS DATA");
}

/* A selected relation is about to pass: with -t, its schema goes before it. */
static int pass_schema(struct select_filter *filter, struct slice schema, struct err *err)
{
	if (schema.len == 0 || name_set_has(&filter->schemas, SLICE_NONE, schema))
		return 0;
	name_set_add(&filter->schemas, SLICE_NONE, schema);
	return held_deliver(&filter->held, SLICE_NONE, schema, filter->next, err);
}

static int handle_relation(struct select_filter *filter, const struct record *record,
                           struct err *err)
{
	const struct subject *subject = &filter->subject;
	const struct slice schema = schema_of(&subject->schema, &record->statement.object);
	if (name_set_has(&filter->absent, schema, buf_slice(&subject->name)))
		return 0;
	int selected = select_relation(&filter->patterns, schema, buf_slice(&subject->name), true, err);
	if (selected == 0 && subject->part == SUBJECT_PART_SEQUENCE)
		name_set_add(&filter->absent, buf_slice(&subject->part_schema),
		             buf_slice(&subject->part_name));
	if (selected == 0)
		return pass_sequence(filter, record, schema, err);
	if (selected > 0 && pass_schema(filter, schema, err) < 0)
		return -1;
	if (selected > 0)
		selected = part_passes(filter, record, schema, err);
	return selected > 0 ? pass(filter, record, err) : selected;
}

static int handle_statistics_data(struct select_filter *filter, const struct record *record,
                                  struct err *err)
{
	const struct object *object = &record->statement.object;
	int selected = name_set_has(&filter->indexes, object->schema, object->name);
	if (!selected)
		selected = select_relation(&filter->patterns, object->schema, object->name, false, err);
	return selected > 0 ? pass(filter, record, err) : selected;
}

static int handle_index(struct select_filter *filter, const struct record *record, struct err *err)
{
	const struct subject *subject = &filter->subject;
	const struct slice schema = schema_of(&subject->schema, &record->statement.object);
	const struct name_set *known =
		subject->kind == SUBJECT_INDEX ? &filter->indexes : &filter->statistics;
	if (!name_set_has(known, schema, buf_slice(&subject->name)))
		return 0;
	int other = subject->link == SUBJECT_NO_LINK ? 1 : other_is_selected(filter, record, err);
	return other > 0 ? pass(filter, record, err) : other;
}

/* With -t a schema is made for the sake of the tables in it, and only then. */
static int handle_schema(struct select_filter *filter, const struct record *record,
                         struct err *err)
{
	const struct slice schema = buf_slice(&filter->subject.schema);
	int selected = select_object(&filter->patterns, schema, err);
	if (selected == 0 && filter->patterns.tables.count > 0) {
		selected = name_set_has(&filter->schemas, SLICE_NONE, schema);
		if (!selected)
			return held_add(&filter->held, SLICE_NONE, schema, record, err);
	}
	return selected > 0 ? pass(filter, record, err) : selected;
}

static int handle_object(struct select_filter *filter, const struct record *record,
                         struct slice schema, struct err *err)
{
	int selected = select_object(&filter->patterns, schema, err);
	if (selected > 0 && filter->subject.link == SUBJECT_LINK_PUBLISHED)
		selected = other_is_selected(filter, record, err);
	return selected > 0 ? pass(filter, record, err) : selected;
}

static int handle_statement(struct select_filter *filter, const struct record *record,
                            struct err *err)
{
	const struct record_statement *statement = &record->statement;
	struct subject *subject = &filter->subject;
	if (always_passes(record))
		return pass(filter, record, err);
	if (is_statistics_data(&statement->object))
		return handle_statistics_data(filter, record, err);
	subject_read(statement->sql, statement->standard_strings, subject);
	if (buf_check(&subject->schema, "a name", err) < 0 ||
	    buf_check(&subject->name, "a name", err) < 0)
		return -1;
	switch (subject->kind) {
	case SUBJECT_RELATION:
		return handle_relation(filter, record, err);
	case SUBJECT_INDEX:
	case SUBJECT_STATISTICS:
		return handle_index(filter, record, err);
	case SUBJECT_SCHEMA:
		return handle_schema(filter, record, err);
	case SUBJECT_GLOBAL:
		return handle_object(filter, record, SLICE_NONE, err);
	default:
		return handle_object(filter, record, schema_of(&subject->schema, &statement->object),
		                     err);
	}
}

/* A chunk may be a piece of a block: it becomes one by itself. */
static int pass_unpacked(struct select_filter *filter, const struct record *record,
                         struct err *err)
{
	const struct contents_options options = { .trust_pristine = true, .lenient = true };
	struct record out = *record;
	if (filter->own && contents_add(filter->passed, record, &options, err) < 0)
		return -1;
	if (!filter->unpacker && !(filter->unpacker = unpacker_new(err)))
		return -1;
	if (chunk_unpack(filter->unpacker, record->data.chunk, record->data.copy, &out.data.rows,
	                 err) < 0)
		return -1;
	if (record->data.chunk->form == CHUNK_ROWS)
		out.place.line = record->data.chunk->line - rows_count(record->data.copy);
	out.data.row_count = rows_count(out.data.rows);
	out.data.chunk = NULL;
	out.data.sum = NULL;
	out.data.first = out.data.last = true;
	return sink_write(filter->next, &out, err);
}

/* Comments have blanks for newlines in names. */
static bool same_in_comment(struct slice commented, struct slice name)
{
	for (size_t i = 0; i < name.len && commented.len == name.len; i++) {
		const char c = name.data[i] == '\n' || name.data[i] == '\r' ? ' ' : name.data[i];
		if (commented.data[i] != c)
			return false;
	}
	return commented.len == name.len;
}

/* pg_dump's comment says whose rows they are, COPY where they go: to a partitioned table's root, with
 * --load-via-partition-root, and where the server's hashes of enums decide. */
static bool goes_through_root(const struct record_data *data, struct slice schema)
{
	const struct object *object = &data->object;
	if (!slice_equals(object->type, "TABLE DATA"))
		return false;
	return !same_in_comment(object->name, data->table->name) ||
	       (object->schema.len > 0 && !same_in_comment(object->schema, schema));
}

/* 1, 0 or -1.  Such rows can pass with both tables only, or with none. */
static int partition_passes(struct select_filter *filter, const struct record_data *data,
                            struct slice schema, int root, struct err *err)
{
	const struct object *object = &data->object;
	const struct slice name = data->table->name;
	const struct slice own = object->schema.len > 0 ? object->schema : schema;
	const int leaf = select_relation(&filter->patterns, own, object->name, true, err);
	if (leaf < 0 || leaf == root)
		return leaf;
	if (leaf)
		return err_set(err, ERR_USAGE,
		               "rows of %.*s.%.*s are loaded through %.*s.%.*s, which is not selected: "
		               "select both",
		               SLICE_ARG(own), SLICE_ARG(object->name), SLICE_ARG(schema),
		               SLICE_ARG(name));
	return err_set(err, ERR_USAGE,
	               "rows of %.*s.%.*s, which is not selected, are loaded through %.*s.%.*s: select "
	               "both, or neither",
	               SLICE_ARG(own), SLICE_ARG(object->name), SLICE_ARG(schema), SLICE_ARG(name));
}

static int rows_pass(struct select_filter *filter, const struct record_data *data, struct err *err)
{
	const struct slice schema =
		data->table->schema.len > 0 ? data->table->schema : data->object.schema;
	const int selected =
		select_relation(&filter->patterns, schema, data->table->name, true, err);
	if (selected < 0 || !goes_through_root(data, schema))
		return selected;
	return partition_passes(filter, data, schema, selected, err);
}

/* The first record of a COPY block decides for all of it. */
static int handle_data(struct select_filter *filter, const struct record *record, struct err *err)
{
	const struct record_data *data = &record->data;
	if (data->first) {
		int passes = rows_pass(filter, data, err);
		if (passes < 0)
			return -1;
		filter->passes_rows = passes > 0;
	}
	if (!filter->passes_rows)
		return 0;
	return data->chunk && filter->unpack ? pass_unpacked(filter, record, err)
	                                     : pass(filter, record, err);
}

/* Which roles the selected part needs is not known. */
static int handle_header(struct select_filter *filter, const struct record *record, struct err *err)
{
	struct record out = *record;
	filter->own = stream_header_own(record->header);
	if (!filter->own)
		return sink_write(filter->next, record, err);
	struct stream_header *header = stream_header_copy(record->header, err);
	if (!header)
		return -1;
	stream_header_clear_roles(header);
	out.header = header;
	int result = sink_write(filter->next, &out, err);
	stream_header_free(header);
	return result;
}

static int handle_trailer(struct select_filter *filter, const struct record *record,
                          struct err *err)
{
	const struct contents_options options = { .lenient = true };
	struct record out = *record;
	if (select_check_matched(&filter->patterns, err) < 0)
		return -1;
	if (record->trailer.contents) {
		if (contents_add(filter->passed, record, &options, err) < 0 ||
		    contents_vouch(filter->passed, record->trailer.contents, err) < 0)
			return -1;
		out.trailer.contents = filter->passed;
	}
	return sink_write(filter->next, &out, err);
}

static int select_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct select_filter *filter = (struct select_filter *)sink;
	switch (record->kind) {
	case RECORD_HEADER:
		return handle_header(filter, record, err);
	case RECORD_STATEMENT:
		return handle_statement(filter, record, err);
	case RECORD_DATA:
		return handle_data(filter, record, err);
	default:
		return handle_trailer(filter, record, err);
	}
}

static int select_finish(struct sink *sink, struct err *err)
{
	return sink_finish(((struct select_filter *)sink)->next, err);
}

static void select_free(struct sink *sink)
{
	struct select_filter *filter = (struct select_filter *)sink;
	sink_free(filter->next);
	select_patterns_release(&filter->patterns);
	contents_free(filter->passed);
	subject_release(&filter->subject);
	name_set_release(&filter->schemas);
	name_set_release(&filter->sequences);
	name_set_release(&filter->absent);
	name_set_release(&filter->indexes);
	name_set_release(&filter->statistics);
	name_set_release(&filter->constraints);
	held_release(&filter->held);
	buf_release(&filter->key);
	unpacker_free(filter->unpacker);
	free(filter);
}

static const struct sink_ops select_ops = {
	.write = select_write,
	.finish = select_finish,
	.free = select_free,
};

struct sink *select_filter_new(const struct selection *selection, bool unpack, struct sink *next,
                               const struct log *log, struct err *err)
{
	struct select_filter *filter = calloc(1, sizeof(*filter));
	if (!filter) {
		sink_free(next);
		err_memory(err, "a filter");
		return NULL;
	}
	filter->sink.ops = &select_ops;
	filter->next = next;
	filter->log = log;
	filter->unpack = unpack;
	held_init(&filter->held);
	filter->passed = contents_new(err);
	if (!filter->passed || select_patterns_init(&filter->patterns, selection, err) < 0) {
		select_free(&filter->sink);
		return NULL;
	}
	return &filter->sink;
}
