/* The members of an archive are compressed, here or in several threads, and appended in their
 * order. */
#include <stdlib.h>

#include "archive_writer_internal.h"
#include "chunk.h"
#include "jobs.h"
#include "ordered.h"

/* Buffers beyond this multiple of a chunk's size are not kept: a row of 1 GiB has passed. */
#define KEEP_FACTOR 4

struct parcel {
	struct buf text;
	struct buf packed;
	struct archive_piece piece;
};

struct packing {
	struct archive_writer *writer;
	int jobs;
	struct frame_packer *packers[JOBS_LARGEST];
	struct parcel *parcels;
	struct ordered *ordered;
};

/* ---- pieces ---- */

int archive_piece_seal(struct archive_piece *piece, struct slice frame, uint64_t raw_bytes,
                       struct err *err)
{
	piece->frame = frame;
	piece->member.raw_bytes = raw_bytes;
	return sha256_of(frame, piece->member.sha256, err);
}

void archive_piece_release(struct archive_piece *piece)
{
	free(piece->member.name);
	free(piece->member.schema);
	free(piece->member.table);
	*piece = (struct archive_piece){ .uncounted_source = SIZE_MAX };
}

/* ---- packing ---- */

static int pack(void *context, void *item, int worker, struct err *err)
{
	struct packing *packing = context;
	struct parcel *parcel = item;
	struct slice text = buf_slice(&parcel->text);
	if (frame_pack(packing->packers[worker], text, &parcel->packed, err) < 0)
		return -1;
	return archive_piece_seal(&parcel->piece, buf_slice(&parcel->packed), text.len, err);
}

static void empty(struct buf *buf, size_t usual)
{
	if (buf->capacity > KEEP_FACTOR * usual)
		buf_release(buf);
	buf_reset(buf);
}

static int append(void *context, void *item, struct err *err)
{
	struct packing *packing = context;
	struct parcel *parcel = item;
	const size_t usual = packing->writer->options.chunk_bytes;
	int result = archive_writer_append(packing->writer, &parcel->piece, err);
	archive_piece_release(&parcel->piece);
	empty(&parcel->text, usual);
	empty(&parcel->packed, usual);
	return result;
}

static void swap(struct buf *a, struct buf *b)
{
	struct buf kept = *a;
	*a = *b;
	*b = kept;
}

int packing_put(struct packing *packing, struct buf *text, struct archive_piece *piece,
                struct err *err)
{
	/* A large one is in memory alone. */
	const bool alone = text->len > CHUNK_LARGE_BYTES;
	struct parcel *parcel = NULL;
	if (!alone || packing_drain(packing, err) == 0)
		parcel = ordered_next(packing->ordered, err);
	if (!parcel) {
		archive_piece_release(piece);
		return -1;
	}
	parcel->piece = *piece;
	swap(&parcel->text, text);
	int result = ordered_submit(packing->ordered, err);
	/* Appended already: one buffer is enough. */
	if (packing->jobs == 1)
		swap(&parcel->text, text);
	buf_reset(text);
	return result == 0 && alone ? packing_drain(packing, err) : result;
}

int packing_drain(struct packing *packing, struct err *err)
{
	return ordered_drain(packing->ordered, err);
}

static int make_parts(struct packing *packing, struct err *err)
{
	const struct archive_options *options = &packing->writer->options;
	const struct ordered_options ordered = {
		.jobs = packing->jobs,
		.items = packing->parcels,
		.item_size = sizeof(*packing->parcels),
		.context = packing,
		.work = pack,
		.deliver = append,
	};
	for (int i = 0; i < packing->jobs; i++) {
		packing->packers[i] = frame_packer_new(options->level, options->long_window, err);
		if (!packing->packers[i])
			return -1;
	}
	packing->ordered = ordered_new(&ordered, err);
	return packing->ordered ? 0 : -1;
}

struct packing *packing_new(struct archive_writer *writer, int jobs, struct err *err)
{
	struct packing *packing = calloc(1, sizeof(*packing));
	if (!packing || !(packing->parcels = calloc(ordered_items(jobs), sizeof(*packing->parcels)))) {
		free(packing);
		err_memory(err, "an archive");
		return NULL;
	}
	packing->writer = writer;
	packing->jobs = jobs;
	if (make_parts(packing, err) < 0) {
		packing_free(packing);
		return NULL;
	}
	return packing;
}

void packing_free(struct packing *packing)
{
	if (!packing)
		return;
	ordered_free(packing->ordered);
	for (size_t i = 0; i < ordered_items(packing->jobs); i++) {
		archive_piece_release(&packing->parcels[i].piece);
		buf_release(&packing->parcels[i].text);
		buf_release(&packing->parcels[i].packed);
	}
	for (int i = 0; i < packing->jobs; i++)
		frame_packer_free(packing->packers[i]);
	free(packing->parcels);
	free(packing);
}
