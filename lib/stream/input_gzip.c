/* gzip members, one after the other; anything else behind a member is an error. */
#include <stdlib.h>
#include <zlib.h>

#include "input_internal.h"

#define GZIP_BUFFER_BYTES (128 * 1024)
/* inflateInit2(): a window of 2^15 bytes, and a gzip header. */
#define GZIP_WINDOW_BITS (15 + 16)

struct gzip_stage {
	struct input_stage stage;
	struct input_stage *inner;
	z_stream decoder;
	bool between; /* a member has ended and the next has not begun */
	unsigned char memory[GZIP_BUFFER_BYTES];
};

static int refill(struct gzip_stage *gzip, struct err *err)
{
	ssize_t got = input_stage_read(gzip->inner, gzip->memory, sizeof(gzip->memory), err);
	if (got < 0)
		return -1;
	gzip->decoder.next_in = gzip->memory;
	gzip->decoder.avail_in = (uInt)got;
	return got > 0;
}

static int inflate_some(struct gzip_stage *gzip, struct err *err)
{
	if (gzip->between) {
		inflateReset(&gzip->decoder);
		gzip->between = false;
	}
	int status = inflate(&gzip->decoder, Z_NO_FLUSH);
	if (status == Z_STREAM_END)
		gzip->between = true;
	else if (status != Z_OK && status != Z_BUF_ERROR)
		return err_set(err, ERR_INPUT, "%s: the gzip data is damaged: %s", gzip->stage.name,
		               gzip->decoder.msg ? gzip->decoder.msg : "unknown error");
	return 0;
}

static ssize_t gzip_read(struct input_stage *stage, void *data, size_t len, struct err *err)
{
	struct gzip_stage *gzip = (struct gzip_stage *)stage;
	uInt room = len < GZIP_BUFFER_BYTES * 16 ? (uInt)len : GZIP_BUFFER_BYTES * 16;
	gzip->decoder.next_out = data;
	gzip->decoder.avail_out = room;
	while (gzip->decoder.avail_out == room) {
		if (gzip->decoder.avail_in == 0) {
			int filled = refill(gzip, err);
			if (filled < 0)
				return -1;
			if (filled == 0 && gzip->between)
				return 0;
			if (filled == 0)
				return err_set(err, ERR_INPUT,
				               "%s: the gzip data ends early: it is truncated", stage->name);
		}
		if (inflate_some(gzip, err) < 0)
			return -1;
	}
	return (ssize_t)(room - gzip->decoder.avail_out);
}

static void gzip_free(struct input_stage *stage)
{
	struct gzip_stage *gzip = (struct gzip_stage *)stage;
	input_stage_free(gzip->inner);
	inflateEnd(&gzip->decoder);
	free(gzip);
}

static void gzip_stop(struct input_stage *stage)
{
	input_stage_stop(((struct gzip_stage *)stage)->inner);
}

static const struct input_stage_ops gzip_ops = { gzip_read, gzip_free, gzip_stop };

struct input_stage *input_gzip_new(struct input_stage *inner, struct err *err)
{
	struct gzip_stage *gzip = calloc(1, sizeof(*gzip));
	if (!gzip || inflateInit2(&gzip->decoder, GZIP_WINDOW_BITS) != Z_OK) {
		free(gzip);
		input_stage_free(inner);
		err_memory(err, "gzip data");
		return NULL;
	}
	gzip->stage.ops = &gzip_ops;
	gzip->stage.name = inner->name;
	gzip->inner = inner;
	return &gzip->stage;
}
