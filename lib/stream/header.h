/*
 * header.h - the first record of a stream: who made it, from what.
 *
 * Our own streams carry one JSON object (man page idkit-plain(5)); streams of others have none
 * (`own` is false) and everything asked of them is absent.  Keys keep their order, and those that
 * this version doesn't know are kept.
 */
#ifndef IDKIT_STREAM_HEADER_H
#define IDKIT_STREAM_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"

/* The version of the plain format that this code writes, and the newest that it reads. */
#define STREAM_FORMAT 1

struct stream_header;

/* A header of our own with only the format in it; NULL on error. */
struct stream_header *stream_header_new(struct err *err);
/* The header of somebody else's stream. */
struct stream_header *stream_header_foreign(struct err *err);
/* Reads the JSON object; ERR_INPUT when it is none or its format is newer than ours. */
struct stream_header *stream_header_parse(struct slice text, struct err *err);
struct stream_header *stream_header_copy(const struct stream_header *header, struct err *err);
void stream_header_free(struct stream_header *header);

bool stream_header_own(const struct stream_header *header);

/* A text value, or NULL; lives as long as the header and is not changed. */
const char *stream_header_get(const struct stream_header *header, const char *key);
/* `value` must be UTF-8; NULL leaves the key out.  0 or -1. */
int stream_header_set(struct stream_header *header, const char *key, const char *value,
                      struct err *err);
long stream_header_get_number(const struct stream_header *header, const char *key, long absent);
int stream_header_set_number(struct stream_header *header, const char *key, long value,
                             struct err *err);
/* Appends to the list of filters that the stream has passed ("filters"). */
int stream_header_add_filter(struct stream_header *header, const char *description,
                             struct err *err);

/*
 * The roles that the stream's statements name, and that a server must have before it is restored
 * ("roles", an object of three lists); by what for, since some can be left out.  A name that is not
 * UTF-8 is left out: JSON can't hold it.
 */
enum stream_role {
	STREAM_ROLE_OWNER, /* ALTER … OWNER TO */
	STREAM_ROLE_ACL,   /* GRANT, REVOKE, ALTER DEFAULT PRIVILEGES */
	STREAM_ROLE_OTHER, /* policies, user mappings, settings */
	STREAM_ROLE_USES,
};
int stream_header_add_role(struct stream_header *header, enum stream_role use, const char *name,
                           struct err *err);
size_t stream_header_role_count(const struct stream_header *header, enum stream_role use);
/* NULL when the list is damaged there; lives as long as the header. */
const char *stream_header_role(const struct stream_header *header, enum stream_role use,
                               size_t index);
/* Forgets them: for a filter behind which it is not known any more which are needed. */
void stream_header_clear_roles(struct stream_header *header);

/* Appends the JSON object, on one line. */
int stream_header_print(const struct stream_header *header, struct buf *buf, struct err *err);

#endif
