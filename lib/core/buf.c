#include "buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BUF_FIRST_BYTES 64

struct slice slice_of(const char *text)
{
	return text ? (struct slice){ text, strlen(text) } : SLICE_NONE;
}

bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool slice_equals(struct slice a, const char *text)
{
	return slice_equal(a, slice_of(text));
}

/* Not strncasecmp(): a locale must not change what a key word is. */
static unsigned char ascii_lower(char c)
{
	unsigned char u = (unsigned char)c;
	return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

bool slice_equals_nocase(struct slice a, const char *text)
{
	for (size_t i = 0; i < a.len; i++)
		if (text[i] == '\0' || ascii_lower(a.data[i]) != ascii_lower(text[i]))
			return false;
	return text[a.len] == '\0';
}

bool slice_starts(struct slice a, const char *prefix)
{
	size_t len = strlen(prefix);
	return a.len >= len && (len == 0 || memcmp(a.data, prefix, len) == 0);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct slice slice_trim(struct slice a)
{
	while (a.len > 0 && is_space(a.data[a.len - 1]))
		a.len--;
	while (a.len > 0 && is_space(a.data[0])) {
		a.data++;
		a.len--;
	}
	return a;
}

char *slice_dup(struct slice a)
{
	char *copy = a.len < SIZE_MAX ? malloc(a.len + 1) : NULL;

	if (!copy)
		return NULL;
	if (a.len > 0)
		memcpy(copy, a.data, a.len);
	copy[a.len] = '\0';
	return copy;
}

void buf_release(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf)BUF_INIT;
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->failed = false;
	if (buf->data)
		buf->data[0] = '\0';
}

static int buf_fail(struct buf *buf)
{
	buf->failed = true;
	return -1;
}

int buf_reserve(struct buf *buf, size_t more)
{
	if (buf->failed)
		return -1;
	/* No object is larger than PTRDIFF_MAX, so doubling stops at half of it. */
	if (more >= PTRDIFF_MAX / 2 - buf->len)
		return buf_fail(buf);
	size_t needed = buf->len + more + 1;
	if (needed <= buf->capacity)
		return 0;

	size_t capacity = buf->capacity ? buf->capacity : BUF_FIRST_BYTES;
	while (capacity < needed)
		capacity *= 2;
	char *data = realloc(buf->data, capacity);
	if (!data)
		return buf_fail(buf);
	data[buf->len] = '\0';
	buf->data = data;
	buf->capacity = capacity;
	return 0;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
	if (buf_reserve(buf, len) < 0)
		return;
	if (len > 0)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_adds(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_add_slice(struct buf *buf, struct slice slice)
{
	buf_add(buf, slice.data, slice.len);
}

void buf_addc(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_addf(struct buf *buf, const char *format, ...)
{
	va_list args;

	if (buf_reserve(buf, 0) < 0)
		return;
	va_start(args, format);
	int wanted = vsnprintf(buf->data + buf->len, buf->capacity - buf->len, format, args);
	va_end(args);
	if (wanted >= 0 && (size_t)wanted >= buf->capacity - buf->len) {
		if (buf_reserve(buf, (size_t)wanted) < 0) {
			buf->data[buf->len] = '\0';
			return;
		}
		va_start(args, format);
		wanted = vsnprintf(buf->data + buf->len, (size_t)wanted + 1, format, args);
		va_end(args);
	}
	if (wanted < 0) {
		buf_fail(buf);
		return;
	}
	buf->len += (size_t)wanted;
}

void buf_truncate(struct buf *buf, size_t len)
{
	if (len >= buf->len)
		return;
	buf->len = len;
	buf->data[len] = '\0';
}

void buf_consume(struct buf *buf, size_t len)
{
	if (len == 0 || !buf->data)
		return;
	if (len > buf->len)
		len = buf->len;
	memmove(buf->data, buf->data + len, buf->len - len);
	buf->len -= len;
	buf->data[buf->len] = '\0';
}

struct slice buf_slice(const struct buf *buf)
{
	return (struct slice){ buf->data ? buf->data : "", buf->len };
}

int buf_check(const struct buf *buf, const char *what, struct err *err)
{
	return buf->failed ? err_memory(err, what) : 0;
}

char *buf_detach(struct buf *buf)
{
	char *data = NULL;

	if (buf_reserve(buf, 0) == 0) {
		data = buf->data;
		buf->data = NULL;
	}
	buf_release(buf);
	return data;
}
