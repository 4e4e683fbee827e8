#include "archive_frame.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "archive.h"

/* What zstd -d accepts without being asked: 128 MiB. */
#define LONG_WINDOW_LOG 27

/* Small enough to be in the processor's cache, when more than the trusted size comes. */
#define STEP_BYTES ((size_t)256 * 1024)

struct frame_packer {
	ZSTD_CCtx *context;
};

struct frame_unpacker {
	ZSTD_DCtx *context;
};

static bool set(struct frame_packer *packer, ZSTD_cParameter parameter, int value)
{
	return !ZSTD_isError(ZSTD_CCtx_setParameter(packer->context, parameter, value));
}

/*
 * At the default level, what zstd is told besides it.  The text of COPY is full of digits and hex, in which
 * short matches come about by chance: they cost time and compress badly.  Matches of at least seven
 * bytes, found by the simplest strategy with a table that stays in the processor's cache, made the dumps
 * of Keycloak, Keystone and OpenIDM 2 to 8 % smaller than zstd's own level 3, in about 0.6 of its time.
 */
static bool tune_for_rows(struct frame_packer *packer)
{
	return set(packer, ZSTD_c_strategy, ZSTD_fast) && set(packer, ZSTD_c_minMatch, 7) &&
	       set(packer, ZSTD_c_hashLog, 17);
}

struct frame_packer *frame_packer_new(int level, bool long_window, struct err *err)
{
	struct frame_packer *packer = calloc(1, sizeof(*packer));
	if (packer)
		packer->context = ZSTD_createCCtx();
	if (!packer || !packer->context || !set(packer, ZSTD_c_compressionLevel, level) ||
	    !set(packer, ZSTD_c_checksumFlag, 1) ||
	    (level == ARCHIVE_LEVEL && !tune_for_rows(packer)) ||
	    (long_window && (!set(packer, ZSTD_c_enableLongDistanceMatching, 1) ||
	                     !set(packer, ZSTD_c_windowLog, LONG_WINDOW_LOG)))) {
		frame_packer_free(packer);
		err_memory(err, "a compressor");
		return NULL;
	}
	return packer;
}

void frame_packer_free(struct frame_packer *packer)
{
	if (!packer)
		return;
	ZSTD_freeCCtx(packer->context);
	free(packer);
}

int frame_pack(struct frame_packer *packer, struct slice text, struct buf *packed, struct err *err)
{
	buf_reset(packed);
	if (buf_reserve(packed, ZSTD_compressBound(text.len)) < 0)
		return err_memory(err, "a compressed member");
	size_t len = ZSTD_compress2(packer->context, packed->data, packed->capacity - 1, text.data,
	                            text.len);
	if (ZSTD_isError(len))
		return err_set(err, ERR_SYSTEM, "zstd can't compress: %s", ZSTD_getErrorName(len));
	packed->len = len;
	packed->data[len] = '\0';
	return 0;
}

int frame_text_bytes(struct slice frame, uint64_t *bytes, struct err *err)
{
	/* A skippable frame has a size, too: 0. */
	if (frame.len < 4 || memcmp(frame.data, "\x28\xb5\x2f\xfd", 4) != 0)
		return err_set(err, ERR_INPUT, "it is no zstd frame");
	unsigned long long declared = ZSTD_getFrameContentSize(frame.data, frame.len);
	if (declared == ZSTD_CONTENTSIZE_ERROR)
		return err_set(err, ERR_INPUT, "its zstd frame is damaged");
	if (declared == ZSTD_CONTENTSIZE_UNKNOWN)
		return err_set(err, ERR_INPUT, "its zstd frame does not say how large its text is");
	if (declared > FRAME_LARGEST_BYTES)
		return err_set(err, ERR_INPUT,
		               "its zstd frame declares a text of %llu bytes, which no member has",
		               declared);
	*bytes = declared;
	return 0;
}

struct frame_unpacker *frame_unpacker_new(struct err *err)
{
	struct frame_unpacker *unpacker = calloc(1, sizeof(*unpacker));
	if (unpacker)
		unpacker->context = ZSTD_createDCtx();
	if (!unpacker || !unpacker->context) {
		frame_unpacker_free(unpacker);
		err_memory(err, "a decompressor");
		return NULL;
	}
	return unpacker;
}

void frame_unpacker_free(struct frame_unpacker *unpacker)
{
	if (!unpacker)
		return;
	ZSTD_freeDCtx(unpacker->context);
	free(unpacker);
}

static int damaged(size_t code, struct err *err)
{
	return err_set(err, ERR_INPUT, "its zstd frame is damaged: %s", ZSTD_getErrorName(code));
}

static int unpack_at_once(struct frame_unpacker *unpacker, struct slice frame, size_t bytes,
                          struct buf *text, struct err *err)
{
	if (buf_reserve(text, bytes) < 0)
		return err_memory(err, "a member's text");
	size_t len = ZSTD_decompressDCtx(unpacker->context, text->data, bytes, frame.data, frame.len);
	if (ZSTD_isError(len))
		return damaged(len, err);
	text->len = len;
	text->data[len] = '\0';
	return 0;
}

/* One step: what ZSTD_decompressStream() gives, 0 at the frame's end. */
static int step(struct frame_unpacker *unpacker, ZSTD_inBuffer *in, struct buf *text, size_t *left,
                struct err *err)
{
	if (buf_reserve(text, STEP_BYTES) < 0)
		return err_memory(err, "a member's text");
	ZSTD_outBuffer out = { text->data + text->len, STEP_BYTES, 0 };
	*left = ZSTD_decompressStream(unpacker->context, &out, in);
	if (ZSTD_isError(*left))
		return damaged(*left, err);
	text->len += out.pos;
	text->data[text->len] = '\0';
	return 0;
}

static int check_zero(const struct buf *text, size_t from, struct err *err)
{
	if (text->len > from && memchr(text->data + from, '\0', text->len - from))
		return err_set(err, ERR_INPUT, "a zero byte stands in its text");
	return 0;
}

static int check_bytes(bool fit, struct err *err)
{
	return fit ? 0
	           : err_set(err, ERR_INPUT, "its text is not as large as its zstd frame says");
}

static int unpack_in_steps(struct frame_unpacker *unpacker, struct slice frame, uint64_t bytes,
                           struct buf *text, struct err *err)
{
	ZSTD_inBuffer in = { frame.data, frame.len, 0 };
	size_t left = 1;
	if (buf_reserve(text, FRAME_TRUSTED_BYTES) < 0)
		return err_memory(err, "a member's text");
	ZSTD_DCtx_reset(unpacker->context, ZSTD_reset_session_only);
	while (left > 0) {
		size_t before = text->len, consumed = in.pos;
		if (step(unpacker, &in, text, &left, err) < 0 || check_zero(text, before, err) < 0)
			return -1;
		/* zstd itself looks at the size only when the frame ends. */
		if (check_bytes(text->len <= bytes, err) < 0)
			return -1;
		if (left > 0 && text->len == before && in.pos == consumed)
			return err_set(err, ERR_INPUT, "its zstd frame ends early");
	}
	return check_bytes(text->len == bytes, err);
}

/* Nothing but this one frame: ZSTD_decompressDCtx() would take further ones, too. */
static int check_alone(struct slice frame, struct err *err)
{
	size_t len = ZSTD_findFrameCompressedSize(frame.data, frame.len);
	if (ZSTD_isError(len))
		return damaged(len, err);
	if (len < frame.len)
		return err_set(err, ERR_INPUT, "something stands behind its zstd frame");
	return 0;
}

int frame_unpack(struct frame_unpacker *unpacker, struct slice frame, struct buf *text,
                 struct err *err)
{
	uint64_t bytes = 0;
	buf_reset(text);
	if (frame_text_bytes(frame, &bytes, err) < 0 || check_alone(frame, err) < 0)
		return -1;
	if (bytes > FRAME_TRUSTED_BYTES)
		return unpack_in_steps(unpacker, frame, bytes, text, err);
	/* zstd lets a frame end early whose last block is empty. */
	if (unpack_at_once(unpacker, frame, bytes, text, err) < 0 ||
	    check_bytes(text->len == bytes, err) < 0)
		return -1;
	return check_zero(text, 0, err);
}

int frame_unpack_front(struct frame_unpacker *unpacker, struct slice front, size_t least,
                       struct buf *text, struct err *err)
{
	ZSTD_inBuffer in = { front.data, front.len, 0 };
	size_t left = 1;
	uint64_t bytes = 0;
	buf_reset(text);
	if (frame_text_bytes(front, &bytes, err) < 0)
		return -1;
	ZSTD_DCtx_reset(unpacker->context, ZSTD_reset_session_only);
	while (left > 0 && text->len < least) {
		size_t before = text->len, consumed = in.pos;
		if (step(unpacker, &in, text, &left, err) < 0)
			return -1;
		if (text->len == before && in.pos == consumed)
			break;
	}
	return 0;
}
