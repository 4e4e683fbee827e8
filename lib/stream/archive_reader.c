#include <stdlib.h>
#include <string.h>

#include "archive_reader_internal.h"
#include "header.h"

int archive_reader_place(struct archive_reader *reader, const char *name, struct err *err)
{
	buf_reset(&reader->place);
	buf_addf(&reader->place, "%s: member %s", reader->members.name, name);
	return buf_check(&reader->place, "a member's name", err);
}

/* ---- what the members hold ---- */

static int deliver_header(struct archive_reader *reader, struct err *err)
{
	struct record record = { .kind = RECORD_HEADER };
	reader->header = stream_header_parse(buf_slice(&reader->bytes), err);
	if (!reader->header)
		return err_prefix(err, "%s", reader->place.data);
	record.header = reader->header;
	return sink_write(reader->sink, &record, err);
}

static int deliver_statements(struct archive_reader *reader, enum section folder, struct err *err)
{
	if (archive_delivery_drain(reader->delivery, err) < 0)
		return -1;
	if (frame_unpack(reader->frames, buf_slice(&reader->bytes), &reader->text, err) < 0)
		return err_prefix(err, "%s", reader->place.data);
	return plain_piece_read(buf_slice(&reader->text), reader->place.data, folder,
	                        &reader->state, reader->sink, err);
}

static int deliver_trailer(struct archive_reader *reader, struct err *err)
{
	const struct record record = {
		.kind = RECORD_TRAILER,
		.section = reader->state.section,
		.place.statement = reader->state.statements,
		.trailer = { STREAM_END_IDKIT, reader->manifest->contents, reader->manifest },
	};
	return sink_write(reader->sink, &record, err);
}

static int note_member(struct archive_reader *reader, const struct archive_member *member,
                       struct err *err)
{
	struct manifest_member found = {
		.name = strdup(member->name),
		.offset = member->offset,
		.bytes = member->bytes,
		.section = member->section,
	};
	return found.name ? manifest_add(reader->found, &found, err)
	                  : err_memory(err, "an archive's member");
}

/* The last three members: the manifest, the sums, the end.  NULL for the others. */
static struct buf *end_member(struct archive_reader *reader, const char *name)
{
	if (strcmp(name, ARCHIVE_MANIFEST) == 0)
		return &reader->end.manifest;
	if (strcmp(name, ARCHIVE_SUMS) == 0)
		return &reader->end.sums;
	return strcmp(name, ARCHIVE_END) == 0 ? &reader->end.end : NULL;
}

static int check(struct archive_reader *reader, bool hashed, bool counted, struct err *err)
{
	reader->manifest = archive_check(&reader->end, reader->found, hashed, counted, err);
	return reader->manifest ? 0 : err_prefix(err, "%s", reader->members.name);
}

/* ---- from a file: first all headers and the archive's end, then what is in it ---- */

static int walk(struct archive_reader *reader, struct err *err)
{
	struct archive_member member;
	int found;
	while ((found = archive_members_next(&reader->members, &member, err)) > 0) {
		struct buf *end = end_member(reader, member.name);
		if (end ? archive_members_read(&reader->members, &member, end, err) < 0
		        : note_member(reader, &member, err) < 0)
			return -1;
	}
	if (found < 0 || check(reader, false, false, err) < 0)
		return -1;
	reader->lasting = calloc(reader->manifest->member_count, sizeof(*reader->lasting));
	return reader->lasting ? 0 : err_memory(err, "an archive's members");
}

/* All of a member's bytes, which fit what the manifest says. */
static int read_member(struct archive_reader *reader, const struct manifest_member *said,
                       struct err *err)
{
	struct archive_member member = { .offset = said->offset, .bytes = said->bytes };
	struct chunk chunk = { .place = reader->place.data, .has_sha256 = true };
	strncpy(member.name, said->name, sizeof(member.name) - 1);
	memcpy(chunk.sha256, said->sha256, SHA256_BYTES);
	if (archive_members_read(&reader->members, &member, &reader->bytes, err) < 0)
		return -1;
	return chunk_check(&chunk, buf_slice(&reader->bytes), err);
}

/* Before it is unpacked; the header is as it is. */
static int check_raw_bytes(struct archive_reader *reader, size_t index, struct err *err)
{
	uint64_t bytes = reader->bytes.len;
	if (index > 0 && frame_text_bytes(buf_slice(&reader->bytes), &bytes, err) < 0)
		return err_prefix(err, "%s", reader->place.data);
	if (bytes != reader->manifest->members[index].raw_bytes)
		return err_set(err, ERR_INPUT, "%s: the manifest is wrong about the size of its text",
		               reader->place.data);
	return 0;
}

static int file_member(struct archive_reader *reader, size_t index, struct err *err)
{
	const struct manifest_member *member = &reader->manifest->members[index];
	if (archive_reader_place(reader, member->name, err) < 0)
		return -1;
	if (member->table)
		return archive_reader_file_rows(reader, index, err);
	if (read_member(reader, member, err) < 0 || check_raw_bytes(reader, index, err) < 0)
		return -1;
	return index == 0 ? deliver_header(reader, err)
	                  : deliver_statements(reader, member->section, err);
}

static void expect_rows(const struct archive_reader *reader)
{
	const struct manifest *manifest = reader->manifest;
	uint64_t bytes = 0;
	for (size_t i = 0; i < manifest->member_count; i++)
		if (manifest->members[i].table)
			bytes += manifest->members[i].raw_bytes;
	progress_expect(reader->options.progress, bytes, 0);
}

static int run_file(struct archive_reader *reader, struct err *err)
{
	if (walk(reader, err) < 0)
		return -1;
	expect_rows(reader);
	for (size_t i = 0; i < reader->manifest->member_count; i++)
		if (file_member(reader, i, err) < 0)
			return -1;
	return archive_delivery_drain(reader->delivery, err) < 0 ? -1
	                                                         : deliver_trailer(reader, err);
}

/* ---- from a pipe: what comes is delivered, and checked at the end ---- */

static int pipe_piece(struct archive_reader *reader, size_t index, struct err *err)
{
	struct manifest_member *member = &reader->found->members[index];
	if (frame_text_bytes(buf_slice(&reader->bytes), &member->raw_bytes, err) < 0)
		return err_prefix(err, "%s", reader->place.data);
	int is_rows = archive_reader_is_rows(reader, buf_slice(&reader->bytes), err);
	if (is_rows < 0)
		return -1;
	return is_rows && member->section == SECTION_DATA
	               ? archive_reader_pipe_rows(reader, index, err)
	               : deliver_statements(reader, member->section, err);
}

static int pipe_member(struct archive_reader *reader, const struct archive_member *member,
                       struct err *err)
{
	size_t index = reader->found->member_count;
	struct buf *end = end_member(reader, member->name);
	if (end)
		return archive_members_read(&reader->members, member, end, err);
	if (archive_reader_place(reader, member->name, err) < 0 ||
	    note_member(reader, member, err) < 0 ||
	    archive_members_read(&reader->members, member, &reader->bytes, err) < 0)
		return -1;
	struct manifest_member *found = &reader->found->members[index];
	if (sha256_of(buf_slice(&reader->bytes), found->sha256, err) < 0)
		return -1;
	if (index > 0)
		return pipe_piece(reader, index, err);
	found->raw_bytes = member->bytes;
	return deliver_header(reader, err);
}

static int run_pipe(struct archive_reader *reader, struct err *err)
{
	struct archive_member member;
	int found;
	while ((found = archive_members_next(&reader->members, &member, err)) > 0)
		if (pipe_member(reader, &member, err) < 0)
			return -1;
	if (found < 0 || archive_delivery_drain(reader->delivery, err) < 0 ||
	    check(reader, true, !reader->options.packed, err) < 0)
		return -1;
	return deliver_trailer(reader, err);
}

/* ---- the source ---- */

static int reader_run(struct source *source, struct sink *sink, struct err *err)
{
	struct archive_reader *reader = (struct archive_reader *)source;
	reader->sink = sink;
	return reader->members.fd >= 0 ? run_file(reader, err) : run_pipe(reader, err);
}

static void reader_free(struct source *source)
{
	struct archive_reader *reader = (struct archive_reader *)source;
	size_t count = reader->lasting ? reader->manifest->member_count : 0;
	archive_delivery_free(reader->delivery);
	for (size_t i = 0; i < count; i++)
		free(reader->lasting[i].place);
	free(reader->lasting);
	while (reader->fronts) {
		struct table_front *front = reader->fronts;
		reader->fronts = front->next;
		table_front_free(front);
	}
	input_free(reader->input);
	stream_header_free(reader->header);
	manifest_free(reader->found);
	manifest_free(reader->manifest);
	frame_unpacker_free(reader->frames);
	buf_release(&reader->end.manifest);
	buf_release(&reader->end.sums);
	buf_release(&reader->end.end);
	buf_release(&reader->bytes);
	buf_release(&reader->text);
	buf_release(&reader->place);
	free(reader);
}

static void reader_stop(struct source *source)
{
	input_stop(((struct archive_reader *)source)->input);
}

static const struct source_ops reader_ops = {
	.run = reader_run,
	.free = reader_free,
	.stop = reader_stop,
};

struct source *archive_reader_new(struct input *input, const struct archive_reader_options *options,
                                  struct err *err)
{
	struct archive_reader *reader = calloc(1, sizeof(*reader));
	if (!reader) {
		input_free(input);
		err_memory(err, "a reader");
		return NULL;
	}
	reader->source.ops = &reader_ops;
	reader->options = *options;
	reader->input = input;
	reader->state.standard_strings = true;
	archive_members_init(&reader->members, input);
	reader->found = manifest_new(err);
	reader->frames = frame_unpacker_new(err);
	if (!options->packed)
		reader->delivery = archive_delivery_new(reader, options->jobs > 1 ? options->jobs : 1,
		                                        err);
	if (!reader->found || !reader->frames || (!options->packed && !reader->delivery)) {
		reader_free(&reader->source);
		return NULL;
	}
	return &reader->source;
}
