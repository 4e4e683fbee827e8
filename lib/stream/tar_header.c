#include "tar_header.h"

#include <string.h>

#include "buf.h"

/* POSIX.1-2001, pax(1), "ustar Interchange Format": where the fields are. */
#define NAME_AT      0
#define SIZE_AT      124
#define SIZE_DIGITS  11
#define SUM_AT       148
#define SUM_BYTES    8
#define SUM_DIGITS   6
#define TYPE_AT      156
#define LINK_AT      157
#define MAGIC_AT     257
#define PREFIX_AT    345

static bool is_zero(const unsigned char *block)
{
	for (size_t i = 0; i < TAR_BLOCK_BYTES; i++)
		if (block[i] != 0)
			return false;
	return true;
}

/* Exactly so many octal digits, or false. */
static bool read_octal(const unsigned char *text, size_t digits, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < digits; i++) {
		if (text[i] < '0' || text[i] > '7')
			return false;
		*value = *value * 8 + (uint64_t)(text[i] - '0');
	}
	return true;
}

/* The sum of all bytes, its own field taken for blanks. */
static bool sum_fits(const unsigned char *block)
{
	uint64_t said, sum = SUM_BYTES * ' ';
	for (size_t i = 0; i < TAR_BLOCK_BYTES; i++)
		if (i < SUM_AT || i >= SUM_AT + SUM_BYTES)
			sum += block[i];
	return read_octal(block + SUM_AT, SUM_DIGITS, &said) && said == sum &&
	       memcmp(block + SUM_AT + SUM_DIGITS, "\0 ", 2) == 0;
}

static const char *kind(unsigned char type)
{
	switch (type) {
	case '1':
		return "a hard link";
	case '2':
		return "a symbolic link";
	case '3':
	case '4':
		return "a device";
	case '5':
		return "a folder";
	case '6':
		return "a pipe";
	case 'S':
		return "a sparse file";
	case 'x':
	case 'g':
	case 'L':
	case 'K':
		return "an extended header";
	default:
		return "of an unknown kind";
	}
}

int tar_header_read(const unsigned char block[TAR_BLOCK_BYTES], struct tar_header *header,
                    struct err *err)
{
	if (is_zero(block))
		return 0;
	memcpy(header->name, block + NAME_AT, TAR_NAME_BYTES);
	header->name[TAR_NAME_BYTES] = '\0';
	if (!sum_fits(block))
		return err_set(err, ERR_INPUT, "member %s: its tar header is damaged", header->name);
	if (memcmp(block + MAGIC_AT, "ustar\0" "00", 8) != 0)
		return err_set(err, ERR_INPUT,
		               "member %s: its tar header is none of POSIX's; an archive that was "
		               "unpacked becomes one again with tar --format=ustar, its members in the "
		               "order of SHA256SUMS",
		               header->name);
	if (block[TYPE_AT] != '0')
		return err_set(err, ERR_INPUT, "member %s is %s: an archive has regular files only",
		               header->name, kind(block[TYPE_AT]));
	if (block[PREFIX_AT] || block[LINK_AT] || header->name[0] == '\0')
		return err_set(err, ERR_INPUT, "member %s: its name is none of an archive's",
		               header->name);
	if (!read_octal(block + SIZE_AT, SIZE_DIGITS, &header->bytes) ||
	    (block[SIZE_AT + SIZE_DIGITS] != '\0' && block[SIZE_AT + SIZE_DIGITS] != ' '))
		return err_set(err, ERR_INPUT, "member %s: its size is no octal number", header->name);
	return 1;
}

uint64_t tar_padding(uint64_t bytes)
{
	return (TAR_BLOCK_BYTES - bytes % TAR_BLOCK_BYTES) % TAR_BLOCK_BYTES;
}
