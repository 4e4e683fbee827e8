/* zstd frames, one after the other; anything else behind a frame is an error. */
#include <stdlib.h>
#include <zstd.h>

#include "input_internal.h"

struct zstd_stage {
	struct input_stage stage;
	struct input_stage *inner;
	ZSTD_DStream *decoder;
	ZSTD_inBuffer in;
	char *memory;
	size_t memory_bytes;
	size_t pending; /* what ZSTD_decompressStream() said last: 0 at a frame's end */
	bool more;      /* it may hold output for which there was no room */
};

static int refill(struct zstd_stage *zstd, struct err *err)
{
	ssize_t got = input_stage_read(zstd->inner, zstd->memory, zstd->memory_bytes, err);
	if (got < 0)
		return -1;
	zstd->in = (ZSTD_inBuffer){ zstd->memory, (size_t)got, 0 };
	return got > 0;
}

static ssize_t zstd_read(struct input_stage *stage, void *data, size_t len, struct err *err)
{
	struct zstd_stage *zstd = (struct zstd_stage *)stage;
	ZSTD_outBuffer out = { data, len, 0 };
	while (out.pos == 0) {
		if (zstd->in.pos == zstd->in.size && !zstd->more) {
			int filled = refill(zstd, err);
			if (filled < 0)
				return -1;
			if (filled == 0 && zstd->pending == 0)
				return 0;
			if (filled == 0)
				return err_set(err, ERR_INPUT,
				               "%s: the zstd data ends early: it is truncated", stage->name);
		}
		zstd->pending = ZSTD_decompressStream(zstd->decoder, &out, &zstd->in);
		zstd->more = zstd->pending > 0 && out.pos == out.size;
		if (ZSTD_isError(zstd->pending))
			return err_set(err, ERR_INPUT, "%s: the zstd data is damaged: %s", stage->name,
			               ZSTD_getErrorName(zstd->pending));
	}
	return (ssize_t)out.pos;
}

static void zstd_free(struct input_stage *stage)
{
	struct zstd_stage *zstd = (struct zstd_stage *)stage;
	input_stage_free(zstd->inner);
	ZSTD_freeDStream(zstd->decoder);
	free(zstd->memory);
	free(zstd);
}

static void zstd_stop(struct input_stage *stage)
{
	input_stage_stop(((struct zstd_stage *)stage)->inner);
}

static const struct input_stage_ops zstd_ops = { zstd_read, zstd_free, zstd_stop };

struct input_stage *input_zstd_new(struct input_stage *inner, struct err *err)
{
	struct zstd_stage *zstd = calloc(1, sizeof(*zstd));
	if (!zstd) {
		input_stage_free(inner);
		err_memory(err, "zstd data");
		return NULL;
	}
	zstd->stage.ops = &zstd_ops;
	zstd->stage.name = inner->name;
	zstd->inner = inner;
	zstd->memory_bytes = ZSTD_DStreamInSize();
	zstd->memory = malloc(zstd->memory_bytes);
	zstd->decoder = ZSTD_createDStream();
	if (!zstd->memory || !zstd->decoder) {
		zstd_free(&zstd->stage);
		err_memory(err, "zstd data");
		return NULL;
	}
	return &zstd->stage;
}
