/* The comment of a database that was set aside. */
#include <string.h>

#include "aside.h"

static const char first_words[] = "idkit set aside ";

static void add_quoted(struct buf *text, const char *name)
{
	buf_addc(text, '"');
	for (; *name; name++) {
		if (*name == '"')
			buf_addc(text, '"');
		buf_addc(text, *name);
	}
	buf_addc(text, '"');
}

void aside_mark_add(struct buf *text, const char *when, const char *name, const char *comment)
{
	buf_addf(text, "%s%s ", first_words, when);
	add_quoted(text, name);
	if (comment)
		buf_addf(text, "\n%s", comment);
}

/* In `pattern`, 0 is any digit. */
static bool looks_like(const char *text, const char *pattern)
{
	for (; *pattern; text++, pattern++)
		if (*pattern == '0' ? *text < '0' || *text > '9' : *text != *pattern)
			return false;
	return true;
}

/* Behind the opening quote; where the closing one ends, or NULL. */
static const char *read_quoted(const char *text, struct buf *name)
{
	for (; *text; text++) {
		if (*text == '"' && *++text != '"')
			return text;
		buf_addc(name, *text);
	}
	return NULL;
}

bool aside_mark_read(const char *text, struct aside_mark *mark)
{
	size_t len = strlen(first_words);
	struct buf name = BUF_INIT;
	if (strncmp(text, first_words, len) != 0 ||
	    !looks_like(text + len, "0000-00-00T00:00:00.000000Z \""))
		return false;
	const char *when = text + len;
	const char *end = read_quoted(when + ASIDE_TIME_BYTES + 2, &name);
	if (!end || (*end && *end != '\n') || name.len == 0 || name.failed) {
		buf_release(&name);
		return false;
	}
	memcpy(mark->when, when, ASIDE_TIME_BYTES);
	mark->when[ASIDE_TIME_BYTES] = '\0';
	mark->name = name;
	mark->comment = *end ? end + 1 : NULL;
	return true;
}

void aside_mark_release(struct aside_mark *mark)
{
	buf_release(&mark->name);
}
