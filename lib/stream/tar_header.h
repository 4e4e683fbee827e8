/*
 * tar_header.h - reading the headers of an archive's tar, strictly.
 *
 * What libarchive writes for us (archive_tar.h) is one block of ustar a member, never more, so that is
 * all that is read: no extended headers that change a name or a size, no links, no sparse files, no
 * numbers in other notations.  A general tar reader would understand these, and so would have to be
 * asked not to; and a bit that is flipped in a header is always an error here.
 */
#ifndef IDKIT_STREAM_TAR_HEADER_H
#define IDKIT_STREAM_TAR_HEADER_H

#include <stdint.h>

#include "err.h"

#define TAR_BLOCK_BYTES 512
#define TAR_NAME_BYTES  100

struct tar_header {
	char name[TAR_NAME_BYTES + 1];
	uint64_t bytes;
};

/* 1: a regular file's header; 0: a block of zeros; -1: neither (ERR_INPUT). */
int tar_header_read(const unsigned char block[TAR_BLOCK_BYTES], struct tar_header *header,
                    struct err *err);

/* What fills the last block of a member of that size. */
uint64_t tar_padding(uint64_t bytes);

#endif
