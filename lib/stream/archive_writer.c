#include "archive.h"

#include <stdlib.h>
#include <string.h>

#include "archive_names.h"
#include "archive_writer_internal.h"
#include "header.h"

/* ---- appending: one thread at a time ---- */

/* Writes the member and takes it into the manifest.  Its texts are the manifest's then, on errors
 * too. */
static int write_member(struct archive_writer *writer, struct manifest_member *member,
                        const char *name, struct slice bytes, struct err *err)
{
	int result = -1;
	member->name = strdup(name);
	member->bytes = bytes.len;
	if (!member->name)
		err_memory(err, "an archive's member");
	else
		result = tar_writer_add(writer->tar, name, bytes, &member->offset, err);
	return manifest_add(writer->manifest, member, err) < 0 ? -1 : result;
}

static int note_uncounted(struct archive_writer *writer, size_t source, struct err *err)
{
	size_t count = writer->uncounted_count;
	struct uncounted_member *members = realloc(writer->uncounted, (count + 1) * sizeof(*members));
	if (!members)
		return err_memory(err, "an archive's member");
	writer->uncounted = members;
	members[count] = (struct uncounted_member){ writer->manifest->member_count, source };
	writer->uncounted_count++;
	return 0;
}

static int append_locked(struct archive_writer *writer, struct archive_piece *piece,
                         struct err *err)
{
	const enum section section = piece->member.section;
	char name[ARCHIVE_NAME_BYTES];
	if (err_is_set(&writer->err)) {
		*err = writer->err;
		return -1;
	}
	if (section < writer->section)
		return err_set(err, ERR_INPUT,
		               "the stream's sections are not in their order: %s comes behind %s",
		               section_name(section), section_name(writer->section));
	if (piece->uncounted_source != SIZE_MAX &&
	    note_uncounted(writer, piece->uncounted_source, err) < 0)
		return -1;
	writer->section = section;
	writer->number += section != SECTION_GLOBALS;
	archive_member_name(section, writer->number, name);
	if (write_member(writer, &piece->member, name, piece->frame, err) < 0) {
		writer->err = *err;
		return -1;
	}
	return 0;
}

int archive_writer_append(struct archive_writer *writer, struct archive_piece *piece,
                          struct err *err)
{
	pthread_mutex_lock(&writer->lock);
	int result = append_locked(writer, piece, err);
	pthread_mutex_unlock(&writer->lock);
	return result;
}

/* ---- header and end ---- */

/* A member that is no piece: *member is what the manifest says of it. */
static int write_plain_member(struct archive_writer *writer, const char *name, struct slice bytes,
                              struct err *err)
{
	struct manifest_member member = { .raw_bytes = bytes.len };
	if (sha256_of(bytes, member.sha256, err) < 0)
		return -1;
	return write_member(writer, &member, name, bytes, err);
}

/* From 2^31-1 on, libarchive's restricted pax writes an extended header, which readers refuse. */
#define LATEST_TIME 0x7ffffffe

static time_t creation_time(const struct stream_header *header)
{
	const char *created = stream_header_get(header, "created");
	struct tm tm = { 0 };
	const char *end = created ? strptime(created, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
	time_t time = end && !*end ? timegm(&tm) : 0;
	return time > 0 && time <= LATEST_TIME ? time : 0;
}

static int write_header(struct archive_writer *writer, const struct stream_header *header,
                        struct err *err)
{
	struct buf json = BUF_INIT;
	int result = -1;
	if (!stream_header_own(header))
		return err_set(err, ERR_USAGE,
		               "only streams of iddump become archives: this one has no header of idkit's; "
		               "restore it and dump the database, or write plain text");
	writer->tar = tar_writer_new(writer->out, creation_time(header), err);
	if (writer->tar && stream_header_print(header, &json, err) == 0) {
		buf_addc(&json, '\n');
		if (buf_check(&json, "a stream's header", err) == 0)
			result = write_plain_member(writer, ARCHIVE_HEADER, buf_slice(&json), err);
	}
	buf_release(&json);
	return result;
}

/* A chunk that passed unopened: the manifest of the archive that it comes from knows its rows. */
static int count_member(struct archive_writer *writer, const struct uncounted_member *uncounted,
                        const struct manifest *source, struct err *err)
{
	struct manifest_member *member = &writer->manifest->members[uncounted->member];
	const struct manifest_member *known = source && uncounted->source < source->member_count
	                                          ? &source->members[uncounted->source]
	                                          : NULL;
	if (!known || !known->table || memcmp(known->sha256, member->sha256, SHA256_BYTES) != 0)
		return err_set(err, ERR_INPUT, "nobody knows the rows of member %s", member->name);
	member->rows = known->rows;
	member->sum = known->sum;
	const struct copy_table table = { .schema = slice_of(member->schema),
		                              .name = slice_of(member->table),
		                              .text_format = true };
	const struct chunk chunk = { .counted = true, .rows = known->rows, .sum = known->sum };
	const struct contents_options options = { 0 };
	const struct record record = { .kind = RECORD_DATA,
		                           .data = { .table = &table, .chunk = &chunk } };
	return contents_add(gatherer_contents(writer->gatherer), &record, &options, err);
}

static int gather_contents(struct archive_writer *writer, const struct record *trailer,
                           struct err *err)
{
	const struct contents_options options = { 0 };
	struct contents *contents = gatherer_contents(writer->gatherer);
	if (contents_add(contents, trailer, &options, err) < 0 ||
	    contents_merge(contents, writer->branched, err) < 0)
		return -1;
	for (size_t i = 0; i < writer->uncounted_count; i++)
		if (count_member(writer, &writer->uncounted[i], trailer->trailer.manifest, err) < 0)
			return -1;
	return 0;
}

static int add_sum(struct buf *sums, const unsigned char sha256[SHA256_BYTES], const char *name)
{
	char hex[SHA256_HEX_BYTES + 1];
	sha256_hex(sha256, hex);
	buf_addf(sums, "%s  %s\n", hex, name);
	return sums->failed ? -1 : 0;
}

static int write_manifest(struct archive_writer *writer, struct err *err)
{
	struct manifest described = *writer->manifest;
	struct buf json = BUF_INIT;
	described.contents = gatherer_contents(writer->gatherer);
	int result = manifest_print(&described, &json, err);
	if (result == 0)
		result = write_plain_member(writer, ARCHIVE_MANIFEST, buf_slice(&json), err);
	buf_release(&json);
	return result;
}

/* SHA256SUMS, and END with its sum: what sha256sum -c reads, both. */
static int write_sums(struct archive_writer *writer, struct err *err)
{
	const struct manifest *manifest = writer->manifest;
	struct buf sums = BUF_INIT, end = BUF_INIT;
	int result = -1;
	for (size_t i = 0; i < manifest->member_count; i++)
		add_sum(&sums, manifest->members[i].sha256, manifest->members[i].name);
	if (buf_check(&sums, "an archive's sums", err) == 0 &&
	    write_plain_member(writer, ARCHIVE_SUMS, buf_slice(&sums), err) == 0) {
		add_sum(&end, manifest->members[manifest->member_count - 1].sha256, ARCHIVE_SUMS);
		if (buf_check(&end, "an archive's end", err) == 0)
			result = write_plain_member(writer, ARCHIVE_END, buf_slice(&end), err);
	}
	buf_release(&sums);
	buf_release(&end);
	return result;
}

static int write_trailer(struct archive_writer *writer, const struct record *record,
                         struct err *err)
{
	if (writer->branches > 0)
		return err_set(err, ERR_SYSTEM, "%zu branches of the archive were not finished",
		               writer->branches);
	if (gatherer_rest(writer->gatherer, record->lead, err) < 0 ||
	    gather_contents(writer, record, err) < 0 || write_manifest(writer, err) < 0 ||
	    write_sums(writer, err) < 0)
		return -1;
	return tar_writer_end(writer->tar, err);
}

/* ---- the sink ---- */

static int writer_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct archive_writer *writer = (struct archive_writer *)sink;
	switch (record->kind) {
	case RECORD_HEADER:
		return write_header(writer, record->header, err);
	case RECORD_STATEMENT:
		return gatherer_statement(writer->gatherer, record, err);
	case RECORD_DATA:
		return gatherer_data(writer->gatherer, record, err);
	default:
		return write_trailer(writer, record, err);
	}
}

static int writer_finish(struct sink *sink, struct err *err)
{
	return outfile_finish(((struct archive_writer *)sink)->out, err);
}

static void writer_free(struct sink *sink)
{
	struct archive_writer *writer = (struct archive_writer *)sink;
	tar_writer_free(writer->tar);
	outfile_free(writer->out);
	gatherer_free(writer->gatherer);
	manifest_free(writer->manifest);
	contents_free(writer->branched);
	free(writer->uncounted);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

/* ---- branches ---- */

struct archive_branch {
	struct sink sink;
	struct archive_writer *writer;
	struct gatherer *gatherer;
};

static int branch_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct archive_branch *branch = (struct archive_branch *)sink;
	if (record->kind != RECORD_DATA)
		return err_set(err, ERR_SYSTEM, "a branch takes rows only");
	return gatherer_data(branch->gatherer, record, err);
}

static int branch_finish(struct sink *sink, struct err *err)
{
	struct archive_branch *branch = (struct archive_branch *)sink;
	struct archive_writer *writer = branch->writer;
	pthread_mutex_lock(&writer->lock);
	int result = contents_merge(writer->branched, gatherer_contents(branch->gatherer), err);
	writer->branches--;
	pthread_mutex_unlock(&writer->lock);
	return result;
}

static void branch_free(struct sink *sink)
{
	struct archive_branch *branch = (struct archive_branch *)sink;
	gatherer_free(branch->gatherer);
	free(branch);
}

static const struct sink_ops branch_ops = {
	.write = branch_write,
	.finish = branch_finish,
	.free = branch_free,
};

static struct sink *writer_branch(struct sink *sink, struct err *err)
{
	struct archive_writer *writer = (struct archive_writer *)sink;
	/* What waits here comes before all that the branch will append. */
	if (gatherer_flush(writer->gatherer, SECTION_DATA, err) < 0)
		return NULL;
	struct archive_branch *branch = calloc(1, sizeof(*branch));
	if (!branch) {
		err_memory(err, "an archive");
		return NULL;
	}
	branch->sink.ops = &branch_ops;
	branch->writer = writer;
	branch->gatherer = gatherer_new(writer, 1, err);
	if (!branch->gatherer) {
		branch_free(&branch->sink);
		return NULL;
	}
	pthread_mutex_lock(&writer->lock);
	writer->branches++;
	pthread_mutex_unlock(&writer->lock);
	return &branch->sink;
}

static const struct sink_ops writer_ops = {
	.write = writer_write,
	.finish = writer_finish,
	.free = writer_free,
	.branch = writer_branch,
};

struct sink *archive_writer_new(struct outfile *out, const struct archive_options *options,
                                struct err *err)
{
	struct archive_writer *writer = calloc(1, sizeof(*writer));
	if (!writer) {
		outfile_free(out);
		err_memory(err, "an archive");
		return NULL;
	}
	writer->sink.ops = &writer_ops;
	writer->options = *options;
	writer->out = out;
	writer->largest_bytes = FRAME_LARGEST_BYTES;
	pthread_mutex_init(&writer->lock, NULL);
	writer->manifest = manifest_new(err);
	writer->branched = contents_new(err);
	writer->gatherer = gatherer_new(writer, options->jobs > 1 ? options->jobs : 1, err);
	if (!writer->manifest || !writer->branched || !writer->gatherer) {
		writer_free(&writer->sink);
		return NULL;
	}
	return &writer->sink;
}
