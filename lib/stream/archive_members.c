#include "archive_members.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "archive_frame.h"
#include "interrupt.h"
#include "sha256.h"

/* How far a size is believed before the bytes come. */
#define STEP_BYTES ((size_t)1 << 20)

void archive_members_init(struct archive_members *members, struct input *input)
{
	*members = (struct archive_members){ .input = input, .name = input_name(input) };
	members->fd = input_file(input, &members->begin, &members->end);
}

static ssize_t read_file(const struct archive_members *members, char *data, size_t len,
                         struct err *err)
{
	ssize_t got;
	do {
		if (interrupt_check(err) < 0)
			return -1;
		got = pread(members->fd, data, len, (off_t)(members->begin + members->position));
	} while (got < 0 && errno == EINTR);
	return got < 0 ? err_system(err, errno, "cannot read %s", members->name) : got;
}

/* As many as there are, up to `len`: less only at the input's end. */
static ssize_t get(struct archive_members *members, char *data, size_t len, struct err *err)
{
	size_t done = 0;
	while (done < len) {
		ssize_t got = members->fd >= 0
		                      ? read_file(members, data + done, len - done, err)
		                      : input_read(members->input, data + done, len - done, err);
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
		members->position += (uint64_t)got;
	}
	return (ssize_t)done;
}

static int ends_early(const struct archive_members *members, struct err *err)
{
	char expected[2 * ARCHIVE_NAME_BYTES];
	archive_order_expected(&members->order, expected, sizeof(expected));
	return err_set(err, ERR_INPUT, "%s ends where %s%s should come: it is truncated",
	               members->name, members->order.stage == ARCHIVE_AT_END ? "" : "member ",
	               expected);
}

static int ends_inside(const struct archive_members *members, const char *member, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s ends inside member %s: it is truncated", members->name,
	               member);
}

/* The zeros behind the last member's bytes. */
static int skip_padding(struct archive_members *members, struct err *err)
{
	char zeros[TAR_BLOCK_BYTES];
	ssize_t got = get(members, zeros, members->padding, err);
	if (got < 0)
		return -1;
	if ((uint64_t)got < members->padding)
		return ends_early(members, err);
	for (ssize_t i = 0; i < got; i++)
		if (zeros[i] != 0) {
			char expected[2 * ARCHIVE_NAME_BYTES];
			archive_order_expected(&members->order, expected, sizeof(expected));
			return err_set(err, ERR_INPUT, "%s: something stands in the gap before member %s",
			               members->name, expected);
		}
	members->padding = 0;
	return 0;
}

/* A block of zeros has come: there must be a second one, and then nothing but more of them. */
static int expect_zeros(struct archive_members *members, struct err *err)
{
	char block[TAR_BLOCK_BYTES];
	ssize_t got;
	uint64_t blocks = 1;
	while ((got = get(members, block, sizeof(block), err)) == sizeof(block)) {
		for (size_t i = 0; i < sizeof(block); i++)
			if (block[i] != 0)
				return err_set(err, ERR_INPUT,
				               "%s: something follows member END, the last one",
				               members->name);
		blocks++;
	}
	if (got < 0)
		return -1;
	if (got > 0 || blocks < 2)
		return err_set(err, ERR_INPUT, "%s ends inside the tar's end, behind member END: it is "
		                               "truncated",
		               members->name);
	return 0;
}

static uint64_t largest(const struct archive_order *order)
{
	return order->stage == ARCHIVE_AT_END ? 2 * SHA256_HEX_BYTES : FRAME_LARGEST_PACKED_BYTES;
}

static int check_size(const struct archive_members *members, const struct tar_header *header,
                      struct err *err)
{
	if (header->bytes > largest(&members->order))
		return err_set(err, ERR_INPUT, "%s: member %s claims %llu bytes, which none has",
		               members->name, header->name, (unsigned long long)header->bytes);
	if (members->fd >= 0 &&
	    header->bytes > members->end - members->begin - members->position)
		return ends_inside(members, header->name, err);
	return 0;
}

static int begin_member(struct archive_members *members, const struct tar_header *header,
                        struct archive_member *member, struct err *err)
{
	enum archive_stage before = members->order.stage;
	if (archive_order_next(&members->order, header->name, err) < 0)
		return err_prefix(err, "%s", members->name);
	if (check_size(members, header, err) < 0)
		return -1;
	memcpy(member->name, header->name, sizeof(member->name));
	member->section = before == ARCHIVE_AT_PIECES && members->order.stage == before
	                          ? members->order.section
	                          : SECTION_NONE;
	member->offset = members->position;
	member->bytes = header->bytes;
	members->padding = tar_padding(header->bytes);
	if (members->fd >= 0)
		members->position += header->bytes;
	return 1;
}

int archive_members_next(struct archive_members *members, struct archive_member *member,
                         struct err *err)
{
	unsigned char block[TAR_BLOCK_BYTES];
	struct tar_header header;
	if (skip_padding(members, err) < 0)
		return -1;
	ssize_t got = get(members, (char *)block, sizeof(block), err);
	if (got < 0)
		return -1;
	if (got < TAR_BLOCK_BYTES)
		return ends_early(members, err);
	int found = tar_header_read(block, &header, err);
	if (found < 0)
		return err_prefix(err, "%s", members->name);
	if (found > 0)
		return begin_member(members, &header, member, err);
	return members->order.stage == ARCHIVE_AT_END ? expect_zeros(members, err)
	                                              : ends_early(members, err);
}

int archive_members_read(struct archive_members *members, const struct archive_member *member,
                         struct buf *bytes, struct err *err)
{
	uint64_t after = members->position;
	int result = 0;
	buf_reset(bytes);
	if (members->fd >= 0)
		members->position = member->offset;
	while (result == 0 && bytes->len < member->bytes) {
		size_t left = (size_t)member->bytes - bytes->len;
		size_t step = left < STEP_BYTES ? left : STEP_BYTES;
		if (buf_reserve(bytes, step) < 0) {
			result = err_memory(err, "a member of an archive");
			break;
		}
		ssize_t got = get(members, bytes->data + bytes->len, step, err);
		if (got >= 0)
			bytes->len += (size_t)got;
		if (got < (ssize_t)step)
			result = got < 0 ? -1 : ends_inside(members, member->name, err);
	}
	if (bytes->data)
		bytes->data[bytes->len] = '\0';
	if (members->fd >= 0)
		members->position = after;
	return result;
}
