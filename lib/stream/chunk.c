#include "chunk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive_frame.h"
#include "copy_block.h"
#include "interrupt.h"

struct unpacker {
	struct frame_unpacker *frames;
	struct buf packed;
	struct buf text;
	struct chunk_gate *gate; /* NULL: nobody else unpacks */
	bool entered;
};

/* What a buffer for a usual chunk grows to.  A row of 1 GiB has passed: its memory isn't kept. */
#define KEPT_BYTES ((size_t)64 << 20)

struct unpacker *unpacker_new(struct err *err)
{
	struct unpacker *unpacker = calloc(1, sizeof(*unpacker));
	if (!unpacker) {
		err_memory(err, "a decompressor");
		return NULL;
	}
	unpacker->frames = frame_unpacker_new(err);
	if (!unpacker->frames) {
		unpacker_free(unpacker);
		return NULL;
	}
	return unpacker;
}

void unpacker_free(struct unpacker *unpacker)
{
	if (!unpacker)
		return;
	unpacker_done(unpacker);
	frame_unpacker_free(unpacker->frames);
	buf_release(&unpacker->packed);
	buf_release(&unpacker->text);
	free(unpacker);
}

void unpacker_set_gate(struct unpacker *unpacker, struct chunk_gate *gate)
{
	unpacker->gate = gate;
}

static void release_large(struct buf *buf)
{
	if (buf->len > CHUNK_LARGE_BYTES || buf->capacity > KEPT_BYTES)
		buf_release(buf);
}

void unpacker_done(struct unpacker *unpacker)
{
	release_large(&unpacker->text);
	release_large(&unpacker->packed);
	if (unpacker->entered)
		chunk_gate_leave(unpacker->gate);
	unpacker->entered = false;
}

/* check_size() holds the frame to it. */
bool chunk_is_large(const struct chunk *chunk)
{
	return (chunk->lasting && chunk->size > CHUNK_LARGE_BYTES) ||
	       (chunk->form == CHUNK_FRAME && chunk->raw_bytes > CHUNK_LARGE_BYTES);
}

static int await_turn(struct unpacker *unpacker, const struct chunk *chunk, struct err *err)
{
	unpacker_done(unpacker);
	if (!unpacker->gate || !chunk_is_large(chunk))
		return 0;
	if (chunk_gate_enter(unpacker->gate, err) < 0)
		return -1;
	unpacker->entered = true;
	return 0;
}

static int read_all(const struct chunk *chunk, char *data, struct err *err)
{
	for (uint64_t done = 0; done < chunk->size;) {
		ssize_t got = pread(chunk->fd, data + done, chunk->size - done,
		                    (off_t)(chunk->offset + done));
		if (got < 0 && errno != EINTR)
			return err_system(err, errno, "cannot read %s", chunk->place);
		if (got == 0)
			return err_set(err, ERR_INPUT,
			               "%s: the file ends here, which it did not when it was opened",
			               chunk->place);
		if (interrupt_check(err) < 0)
			return -1;
		done += got > 0 ? (uint64_t)got : 0;
	}
	return 0;
}

int chunk_read(const struct chunk *chunk, struct buf *bytes, struct err *err)
{
	buf_reset(bytes);
	if (buf_reserve(bytes, chunk->size) < 0)
		return err_memory(err, "a chunk of rows");
	if (read_all(chunk, bytes->data, err) < 0)
		return -1;
	bytes->len = chunk->size;
	bytes->data[bytes->len] = '\0';
	return 0;
}

int chunk_check(const struct chunk *chunk, struct slice bytes, struct err *err)
{
	unsigned char sha256[SHA256_BYTES];
	if (!chunk->has_sha256)
		return 0;
	if (sha256_of(bytes, sha256, err) < 0)
		return -1;
	if (memcmp(sha256, chunk->sha256, SHA256_BYTES) != 0)
		return err_set(err, ERR_INPUT,
		               "%s is damaged: its SHA-256 is not the one in the manifest", chunk->place);
	return 0;
}

/* The text is one COPY block into the table that the record said. */
static int read_block(const struct unpacker *unpacker, struct slice copy, struct slice *rows,
                      struct err *err)
{
	struct slice text = buf_slice(&unpacker->text);
	struct copy_block block;
	if (copy_block_front(text, true, &block) != COPY_FRONT_ROWS)
		return err_set(err, ERR_INPUT, "it holds no rows");
	if (!slice_equal(block.copy, copy))
		return err_set(err, ERR_INPUT, "its COPY statement is not that of its table's first chunk");
	return copy_block_rows(text, &block, rows, err);
}

/* A frame never unpacks to another size than it declares. */
static int check_size(const struct chunk *chunk, struct slice frame, struct err *err)
{
	uint64_t declared;
	if (frame_text_bytes(frame, &declared, err) < 0)
		return -1;
	if (chunk->raw_bytes != UINT64_MAX && chunk->raw_bytes != declared)
		return err_set(err, ERR_INPUT, "the manifest is wrong about the size of its text");
	return 0;
}

static int unpack_frame(struct unpacker *unpacker, const struct chunk *chunk, struct slice copy,
                        struct slice *rows, struct err *err)
{
	struct slice frame = chunk->bytes;
	if (chunk->lasting) {
		if (chunk_read(chunk, &unpacker->packed, err) < 0)
			return -1;
		frame = buf_slice(&unpacker->packed);
	}
	if (chunk_check(chunk, frame, err) < 0)
		return -1;
	if (check_size(chunk, frame, err) < 0 ||
	    frame_unpack(unpacker->frames, frame, &unpacker->text, err) < 0 ||
	    read_block(unpacker, copy, rows, err) < 0)
		return err_prefix(err, "%s", chunk->place);
	return 0;
}

/* Somebody may write to the file while it is read the second time. */
static int read_rows(struct unpacker *unpacker, const struct chunk *chunk, struct slice *rows,
                     struct err *err)
{
	if (chunk_read(chunk, &unpacker->text, err) < 0)
		return -1;
	*rows = buf_slice(&unpacker->text);
	if (chunk->has_hash && !hash128_equal(hash128_of(rows->data, rows->len), chunk->hash))
		return err_set(err, ERR_INPUT, "%s: the file has changed while it was read",
		               chunk->place);
	return 0;
}

int chunk_unpack(struct unpacker *unpacker, const struct chunk *chunk, struct slice copy,
                 struct slice *rows, struct err *err)
{
	if (await_turn(unpacker, chunk, err) < 0)
		return -1;
	if (chunk->form == CHUNK_FRAME)
		return unpack_frame(unpacker, chunk, copy, rows, err);
	if (!chunk->lasting) {
		*rows = chunk->bytes;
		return 0;
	}
	return read_rows(unpacker, chunk, rows, err);
}
