/*
 * chunk.h - rows of one table that are not in memory as rows: compressed, or still in their file.
 *
 * This is what makes work in several threads cheap: a reader hands chunks on as they are, and who
 * wants the rows unpacks them in a thread of its own.  What only passes them on (idfilter, from archive
 * to archive) never unpacks them.
 */
#ifndef IDKIT_STREAM_CHUNK_H
#define IDKIT_STREAM_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "chunk_gate.h"
#include "err.h"
#include "hash.h"
#include "sha256.h"

enum chunk_form {
	CHUNK_FRAME, /* an archive's data member: one zstd frame of a whole COPY block with its mark */
	CHUNK_ROWS,  /* plain rows, each with its newline */
};

/*
 * The bytes are in memory (`bytes`, until sink_write() returns), or in a file that can be read at any
 * place: then `lasting` is true, and the chunk, its record's table and its texts live as long as
 * the source.  The file's descriptor is shared by all threads, read with pread(2) only.
 */
struct chunk {
	enum chunk_form form;
	const char *place; /* for messages: "k.idar: member 2-data/000007.sql.zst" */
	bool lasting;
	struct slice bytes;
	int fd;
	uint64_t offset;
	uint64_t size;      /* in the file */
	uint64_t raw_bytes; /* of the text that it unpacks to; UINT64_MAX when not known yet */
	bool counted;       /* `rows` and `sum` are known */
	uint64_t rows;
	struct hash128 sum; /* of the rows' hashes */
	bool has_sha256;    /* what the manifest says of the packed bytes; checked by chunk_unpack() */
	unsigned char sha256[SHA256_BYTES];
	bool has_hash;  /* of plain rows: what they were when the reader saw them; checked as well */
	struct hash128 hash;
	uint64_t line;  /* of its first row: in the file, in a frame's text */
	size_t member;  /* of an archive: its number, from 0; SIZE_MAX otherwise */
};

/* More than the largest --chunk-size (32 MiB), the lines around the rows and a usual last row. */
#define CHUNK_LARGE_BYTES ((size_t)33 << 20)

/* By what is said of it, before anything of it is in memory: chunk_unpack() refuses one that is larger. */
bool chunk_is_large(const struct chunk *chunk);

/* What a thread needs to unpack: buffers and a decompressor that are used again. */
struct unpacker;
struct unpacker *unpacker_new(struct err *err);
void unpacker_free(struct unpacker *unpacker);

/*
 * It is one of several threads': they share the gate, and have one chunk above CHUNK_LARGE_BYTES in
 * memory at a time.  Borrowed; lives as long as the unpacker.  Who sets one calls unpacker_done().
 */
void unpacker_set_gate(struct unpacker *unpacker, struct chunk_gate *gate);

/* The rows were used: a large chunk's memory is given back, and another thread gets its turn. */
void unpacker_done(struct unpacker *unpacker);

/*
 * Reads, checks and unpacks: *rows are the whole rows, each with its newline, and live until the next
 * call, or unpacker_done().  A frame that declares another size than chunk->raw_bytes is refused
 * unopened; waits at the gate, if there is one, for its turn with a large chunk.  `copy` is the COPY line that a frame must hold (the record's).  ERR_INPUT that names the
 * place when the bytes don't fit their SHA-256 or hash, are no frame, hold anything but that one COPY block,
 * or don't fit its mark.
 */
int chunk_unpack(struct unpacker *unpacker, const struct chunk *chunk, struct slice copy,
                 struct slice *rows, struct err *err);

/* The bytes of a lasting chunk, as they are in the file; *bytes is emptied first. */
int chunk_read(const struct chunk *chunk, struct buf *bytes, struct err *err);

/* Do the packed bytes fit the chunk's SHA-256, if it has one?  ERR_INPUT that names the place. */
int chunk_check(const struct chunk *chunk, struct slice bytes, struct err *err);

#endif
