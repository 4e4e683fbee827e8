/*
 * archive_members.h - an archive's members, one after the other, with their names and order checked.
 *
 *     archive_members_init(&members, input);
 *     while ((found = archive_members_next(&members, &member, err)) > 0)
 *         archive_members_read(&members, &member, &bytes, err)
 *
 * From a file that can be read at any place, reading is optional and may come later, in any order;
 * from a pipe each member is read before the next is asked for.  Errors are ERR_INPUT and name the
 * archive and the member.
 */
#ifndef IDKIT_STREAM_ARCHIVE_MEMBERS_H
#define IDKIT_STREAM_ARCHIVE_MEMBERS_H

#include "archive_names.h"
#include "input.h"
#include "tar_header.h"

struct archive_members {
	struct input *input; /* borrowed */
	const char *name;    /* the archive's, for messages */
	int fd;              /* -1: a pipe */
	uint64_t begin;      /* of the archive in its file */
	uint64_t end;
	uint64_t position; /* in the archive: of what comes next */
	uint64_t padding;  /* behind the last member's bytes */
	struct archive_order order;
};

struct archive_member {
	char name[TAR_NAME_BYTES + 1];
	enum section section; /* whose piece it is, or SECTION_NONE */
	uint64_t offset;      /* of its bytes, in the archive */
	uint64_t bytes;
};

void archive_members_init(struct archive_members *members, struct input *input);

/* 1; 0 at the archive's end, behind which there is nothing; -1. */
int archive_members_next(struct archive_members *members, struct archive_member *member,
                         struct err *err);

/* All of its bytes; *bytes is emptied first.  Memory grows only as the bytes really come. */
int archive_members_read(struct archive_members *members, const struct archive_member *member,
                         struct buf *bytes, struct err *err);

#endif
