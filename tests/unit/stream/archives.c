#include "archives.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chunk.h"
#include "plain_writer.h"
#include "sha256.h"

const char *const way_names[] = { "file", "file, packed", "pipe", "pipe, packed",
	                              "pipe, byte by byte" };

/* ---- a sink that unpacks ---- */

struct unpacking_sink {
	struct sink sink;
	struct sink *next;
	struct unpacker *unpacker;
};

static int unpacking_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct unpacking_sink *unpacking = (struct unpacking_sink *)sink;
	struct record rows = *record;

	if (record->kind != RECORD_DATA || !record->data.chunk)
		return sink_write(unpacking->next, record, err);
	if (chunk_unpack(unpacking->unpacker, record->data.chunk, record->data.copy, &rows.data.rows,
	                 err) < 0)
		return -1;
	rows.data.row_count = rows_count(rows.data.rows);
	if (record->data.chunk->counted)
		ck_assert_uint_eq(rows.data.row_count, record->data.row_count);
	rows.data.chunk = NULL;
	return sink_write(unpacking->next, &rows, err);
}

static int unpacking_finish(struct sink *sink, struct err *err)
{
	return sink_finish(((struct unpacking_sink *)sink)->next, err);
}

static void unpacking_free(struct sink *sink)
{
	struct unpacking_sink *unpacking = (struct unpacking_sink *)sink;

	sink_free(unpacking->next);
	unpacker_free(unpacking->unpacker);
	free(unpacking);
}

static const struct sink_ops unpacking_ops = {
	.write = unpacking_write,
	.finish = unpacking_finish,
	.free = unpacking_free,
};

struct sink *unpacking_sink_new(struct sink *next)
{
	struct unpacking_sink *unpacking = calloc(1, sizeof(*unpacking));
	struct err err = ERR_INIT;

	ck_assert_ptr_nonnull(unpacking);
	unpacking->sink.ops = &unpacking_ops;
	unpacking->next = next;
	unpacking->unpacker = unpacker_new(&err);
	ck_assert_ptr_nonnull(unpacking->unpacker);
	return &unpacking->sink;
}

/* ---- inputs ---- */

struct feeder {
	int fd;
	size_t len;
	char bytes[];
};

static void *feed(void *arg)
{
	struct feeder *feeder = arg;
	size_t done = 0;

	while (done < feeder->len) {
		ssize_t put = write(feeder->fd, feeder->bytes + done, feeder->len - done);

		if (put <= 0)
			break;
		done += (size_t)put;
	}
	close(feeder->fd);
	free(feeder);
	return NULL;
}

/* An ordinary pipe: reads of any size. */
static struct input *pipe_input(struct slice bytes, struct err *err)
{
	struct feeder *feeder = malloc(sizeof(*feeder) + bytes.len);
	pthread_attr_t detached;
	pthread_t thread;
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_ptr_nonnull(feeder);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	feeder->fd = ends[1];
	feeder->len = bytes.len;
	memcpy(feeder->bytes, bytes.data, bytes.len);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	ck_assert_int_eq(pthread_create(&thread, &detached, feed, feeder), 0);
	pthread_attr_destroy(&detached);
	return input_from_fd(ends[0], "k.idar", NULL, err);
}

struct input *archive_input(struct slice bytes, enum archive_way way, struct err *err)
{
	if (way == WAY_PIPE_BYTES)
		return input_of(bytes, 1, err);
	if (way == WAY_PIPE || way == WAY_PIPE_PACKED)
		return pipe_input(bytes, err);
	return input_from_fd(fd_of(bytes), "k.idar", NULL, err);
}

/* ---- making and reading ---- */

/* So that the test's own sink outlives the one that unpacks. */
struct borrowing_sink {
	struct sink sink;
	struct sink *next;
};

static int borrowing_write(struct sink *sink, const struct record *record, struct err *err)
{
	return sink_write(((struct borrowing_sink *)sink)->next, record, err);
}

static const struct sink_ops borrowing_ops = { .write = borrowing_write };

int read_archive(struct slice bytes, enum archive_way way, struct sink *sink, struct err *err)
{
	const struct archive_reader_options options = { .packed = way == WAY_FILE_PACKED ||
		                                                      way == WAY_PIPE_PACKED };
	struct borrowing_sink borrowing = { { &borrowing_ops }, sink };
	struct sink *unpacking = unpacking_sink_new(&borrowing.sink);
	struct input *input = archive_input(bytes, way, err);
	struct source *source = input ? archive_reader_new(input, &options, err) : NULL;
	int result = source ? source_run(source, unpacking, err) : -1;

	sink_free(unpacking);
	source_free(source);
	ck_assert_int_eq(result == 0, !err_is_set(err));
	return result;
}

void make_archive(struct slice plain, size_t chunk_bytes, struct buf *archive)
{
	const struct archive_options options = { ARCHIVE_LEVEL, false, chunk_bytes, 1 };
	struct capture capture;
	struct err err = ERR_INIT;
	struct sink *writer = archive_writer_new(capture_open(&capture), &options, &err);

	ck_assert_ptr_nonnull(writer);
	ck_assert_msg(read_into(plain, 0, false, writer, &err) == 0, "%s", err.message);
	ck_assert_msg(sink_finish(writer, &err) == 0, "%s", err.message);
	sink_free(writer);
	capture_take(&capture, archive);
}

void own_archive(struct buf *archive)
{
	struct buf plain = BUF_INIT;

	own_stream(&plain);
	make_archive(buf_slice(&plain), (size_t)1 << 20, archive);
	buf_release(&plain);
}

void make_plain(struct slice archive, enum archive_way way, struct buf *plain)
{
	struct capture capture;
	struct err err = ERR_INIT;
	struct sink *writer = plain_writer_new(capture_open(&capture), &err);

	ck_assert_ptr_nonnull(writer);
	ck_assert_msg(read_archive(archive, way, writer, &err) == 0, "%s: %s", way_names[way],
	              err.message);
	ck_assert_msg(sink_finish(writer, &err) == 0, "%s", err.message);
	sink_free(writer);
	capture_take(&capture, plain);
}

/* ---- a tar in parts ---- */

#define BLOCK 512

static size_t padded(size_t bytes)
{
	return (bytes + BLOCK - 1) / BLOCK * BLOCK;
}

void tar_take_apart(struct slice archive, struct tar *tar)
{
	memset(tar, 0, sizeof(*tar));
	for (size_t at = 0; archive.data[at] != '\0';) {
		struct tar_part *part = &tar->parts[tar->count++];
		size_t bytes = strtoul(archive.data + at + 124, NULL, 8);

		ck_assert_uint_le(tar->count, MOST_MEMBERS);
		ck_assert_uint_le(at + BLOCK + padded(bytes), archive.len);
		memcpy(part->name, archive.data + at, 100);
		buf_add(&part->head, archive.data + at, BLOCK);
		buf_add(&part->data, archive.data + at + BLOCK, bytes);
		at += BLOCK + padded(bytes);
	}
}

void own_tar(struct tar *tar)
{
	struct buf archive = BUF_INIT;

	own_archive(&archive);
	tar_take_apart(buf_slice(&archive), tar);
	buf_release(&archive);
}

void tar_put_together(const struct tar *tar, struct buf *archive)
{
	static const char zeros[2 * BLOCK];

	for (size_t i = 0; i < tar->count; i++) {
		const struct tar_part *part = &tar->parts[i];

		buf_add_slice(archive, buf_slice(&part->head));
		buf_add_slice(archive, buf_slice(&part->data));
		buf_add(archive, zeros, padded(part->data.len) - part->data.len);
	}
	if (!tar->without_end)
		buf_add(archive, zeros, sizeof(zeros));
	ck_assert(!archive->failed);
}

void tar_release(struct tar *tar)
{
	for (size_t i = 0; i < tar->count; i++) {
		buf_release(&tar->parts[i].head);
		buf_release(&tar->parts[i].data);
	}
}

size_t tar_find(const struct tar *tar, const char *name)
{
	for (size_t i = 0; i < tar->count; i++)
		if (strcmp(tar->parts[i].name, name) == 0)
			return i;
	ck_abort_msg("there is no member %s", name);
	return 0;
}

void tar_remove(struct tar *tar, size_t index)
{
	buf_release(&tar->parts[index].head);
	buf_release(&tar->parts[index].data);
	tar->count--;
	memmove(&tar->parts[index], &tar->parts[index + 1],
	        (tar->count - index) * sizeof(tar->parts[0]));
	memset(&tar->parts[tar->count], 0, sizeof(tar->parts[0]));
}

void tar_header(struct buf *head, const char *name, char type, const char *size_field)
{
	char block[BLOCK] = { 0 };
	unsigned sum = 0;

	snprintf(block, 100, "%s", name);
	memcpy(block + 100, "000600 ", 8);
	memcpy(block + 108, "000000 ", 8);
	memcpy(block + 116, "000000 ", 8);
	memcpy(block + 124, size_field, 12);
	memcpy(block + 136, "00000000000", 12);
	memset(block + 148, ' ', 8);
	block[156] = type;
	memcpy(block + 257, "ustar\0" "00", 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)block[i];
	snprintf(block + 148, 8, "%06o", sum);
	buf_add(head, block, BLOCK);
}

static void header_for(struct tar_part *part, char type)
{
	char size[13];

	snprintf(size, sizeof(size), "%011zo", part->data.len);
	buf_reset(&part->head);
	tar_header(&part->head, part->name, type, size);
}

void tar_insert(struct tar *tar, size_t index, const char *name, char type, struct slice data)
{
	struct tar_part *part = &tar->parts[index];

	ck_assert_uint_lt(tar->count, MOST_MEMBERS);
	memmove(part + 1, part, (tar->count - index) * sizeof(*part));
	memset(part, 0, sizeof(*part));
	tar->count++;
	snprintf(part->name, sizeof(part->name), "%s", name);
	buf_add_slice(&part->data, data);
	header_for(part, type);
}

void tar_replace(struct tar *tar, size_t index, struct slice data)
{
	struct tar_part *part = &tar->parts[index];
	struct buf bytes = BUF_INIT;

	buf_add_slice(&bytes, data);
	buf_release(&part->data);
	part->data = bytes;
	header_for(part, '0');
}

void sum_line(struct buf *sums, struct slice bytes, const char *name)
{
	unsigned char sha256[SHA256_BYTES];
	char hex[SHA256_HEX_BYTES + 1];
	struct err err = ERR_INIT;

	ck_assert_int_eq(sha256_of(bytes, sha256, &err), 0);
	sha256_hex(sha256, hex);
	buf_addf(sums, "%s  %s\n", hex, name);
}

void tar_sum(struct tar *tar)
{
	struct buf sums = BUF_INIT, end = BUF_INIT;
	size_t at = tar_find(tar, "SHA256SUMS");

	for (size_t i = 0; i < at; i++)
		sum_line(&sums, buf_slice(&tar->parts[i].data), tar->parts[i].name);
	tar_replace(tar, at, buf_slice(&sums));
	sum_line(&end, buf_slice(&tar->parts[at].data), tar->parts[at].name);
	tar_replace(tar, tar_find(tar, "END"), buf_slice(&end));
	buf_release(&sums);
	buf_release(&end);
}

void tar_edit(struct tar *tar, const char *name, const char *old, const char *new)
{
	size_t index = tar_find(tar, name);
	const char *text = tar->parts[index].data.data;
	const char *found = strstr(text, old);
	struct buf edited = BUF_INIT;

	ck_assert_msg(found != NULL, "%s holds no \"%s\":\n%s", name, old, text);
	buf_add(&edited, text, (size_t)(found - text));
	buf_adds(&edited, new);
	buf_adds(&edited, found + strlen(old));
	tar_replace(tar, index, buf_slice(&edited));
	buf_release(&edited);
	tar_sum(tar);
}
