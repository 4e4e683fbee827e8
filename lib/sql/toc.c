/*
 * pg_dump's comment before an object.
 */
#include <string.h>

#include "statement.h"

/* The line at the front of `rest`, without its end of line; `rest` goes behind it. */
static struct slice take_line(struct slice *rest)
{
	const char *newline = memchr(rest->data, '\n', rest->len);
	size_t len = newline ? (size_t)(newline - rest->data) : rest->len;
	struct slice line = { rest->data, len };

	if (newline)
		len++;
	rest->data += len;
	rest->len -= len;
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* How deep the comment nesting is behind the line: names inside a block comment are no TOC. */
static size_t block_depth(struct slice line, size_t depth)
{
	for (size_t i = 0; i + 1 < line.len; i++) {
		if (depth == 0 && memcmp(line.data + i, "--", 2) == 0)
			break;
		if (memcmp(line.data + i, "/*", 2) == 0) {
			depth++;
			i++;
		} else if (depth > 0 && memcmp(line.data + i, "*/", 2) == 0) {
			depth--;
			i++;
		}
	}
	return depth;
}

/* Where `text` stands last in `line`, or NULL. */
static const char *find_last(struct slice line, const char *text)
{
	const char *found = NULL;
	size_t len = strlen(text);
	const char *at = line.data;
	const char *end = line.data + line.len;

	while (at < end && (at = memmem(at, (size_t)(end - at), text, len)))
		found = at++;
	return found;
}

/* Cuts "…; Label: value" at its last label: what stands behind is the value. */
static bool cut_field(struct slice *line, const char *label, struct slice *value)
{
	const char *found = find_last(*line, label);
	size_t len = strlen(label);

	if (!found)
		return false;
	*value = (struct slice){ found + len, (size_t)(line->data + line->len - found) - len };
	line->len = (size_t)(found - line->data);
	if (slice_equals(*value, "-"))
		*value = SLICE_NONE;
	return true;
}

/* From the right: a name may hold "; Type: ", a type can't. */
static bool parse_line(struct slice line, struct object *object)
{
	static const char *const starts[] = { "-- Name: ", "-- Data for Name: ",
		                                  "-- Statistics for Name: " };
	struct slice tablespace;
	struct object found = { SLICE_NONE, SLICE_NONE, SLICE_NONE, SLICE_NONE };

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		size_t len = strlen(starts[i]);

		if (!slice_starts(line, starts[i]))
			continue;
		line.data += len;
		line.len -= len;
		if (!cut_field(&line, "; Owner: ", &found.owner) ||
		    !cut_field(&line, "; Schema: ", &found.schema) ||
		    !cut_field(&line, "; Type: ", &found.type) || !found.type.data)
			return false;
		cut_field(&found.owner, "; Tablespace: ", &tablespace);
		if (found.owner.len == 0)
			found.owner = SLICE_NONE;
		found.name = line;
		*object = found;
		return true;
	}
	return false;
}

bool toc_comment_parse(struct slice lead, struct object *object, struct slice *comment)
{
	struct slice rest = lead;
	const char *block = NULL; /* where the present run of -- lines begins */
	size_t depth = 0;
	bool found = false;

	while (rest.len > 0) {
		struct slice line = take_line(&rest);

		if (depth == 0 && slice_equals(line, "--")) {
			block = line.data;
		} else if (depth == 0 && parse_line(line, object)) {
			struct slice after = rest;

			if (after.len > 0 && slice_equals(take_line(&after), "--"))
				rest = after;
			*comment = (struct slice){ block ? block : line.data,
				                       (size_t)(rest.data - (block ? block : line.data)) };
			found = true;
			block = NULL;
		} else if (!slice_starts(line, "-- ")) {
			block = NULL;
		}
		depth = block_depth(line, depth);
	}
	return found;
}
