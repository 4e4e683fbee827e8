/* The options that say where a stream goes and in which format. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "plain_writer.h"

/* A chunk is a member, which is in memory twice: as text and compressed. */
#define LEAST_CHUNK_BYTES ((size_t)1024)
#define MOST_CHUNK_BYTES  ((size_t)32 * 1024 * 1024)

#define AT(member) offsetof(struct output_options, member), NULL

const struct option_entry output_entries[] = {
	{ 'o', "output", "FILE", "write to FILE, whole or not at all (default: stdout)", OPTION_TEXT,
	  AT(output) },
	{ 'F', "format", "FORMAT", "plain or archive (default for a FILE named *.idar)", OPTION_TEXT,
	  AT(format) },
	{ 'Z', "compress", "LEVEL", "of an archive: zstd's, -7 to 19 (default: 3)", OPTION_TEXT,
	  AT(level) },
	{ 0, "long", NULL, "of an archive: zstd's long window, for large chunks", OPTION_FLAG,
	  AT(long_window) },
	{ 0, "chunk-size", "BYTES", "of an archive: text in a member, k and M allowed (default: 8M)",
	  OPTION_TEXT, AT(chunk_size) },
	{ 0, NULL, NULL, NULL, OPTION_FLAG, 0, NULL },
};

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = name ? strlen(name) : 0, suffix_len = strlen(suffix);
	return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static int choose_format(const struct output_options *options, bool *archive, struct err *err)
{
	*archive = has_suffix(options->output, ARCHIVE_SUFFIX) ||
	           (options->archive_unless_said && !has_suffix(options->output, ".sql"));
	if (!options->format)
		return 0;
	*archive = strcmp(options->format, "archive") == 0;
	if (!*archive && strcmp(options->format, "plain") != 0)
		return err_set(err, ERR_USAGE, "-F \"%s\": the format is plain or archive",
		               options->format);
	return 0;
}

static int parse_level(const char *text, int *level, struct err *err)
{
	char *end;
	if (!text)
		return 0;
	errno = 0;
	long value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < ARCHIVE_LEVEL_LEAST || value > ARCHIVE_LEVEL_MOST)
		return err_set(err, ERR_USAGE, "-Z \"%s\": a level is a number from %d to %d", text,
		               ARCHIVE_LEVEL_LEAST, ARCHIVE_LEVEL_MOST);
	*level = (int)value;
	return 0;
}

static int parse_chunk_size(const char *text, size_t *bytes, struct err *err)
{
	char *end;
	if (!text)
		return 0;
	unsigned long long value = text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 10) : 0;
	unsigned long long unit = 1;
	if (value > 0 && (*end == 'k' || *end == 'K' || *end == 'M')) {
		unit = *end == 'M' ? 1024 * 1024 : 1024;
		end++;
	}
	if (value == 0 || *end || value > MOST_CHUNK_BYTES / unit || value * unit < LEAST_CHUNK_BYTES)
		return err_set(err, ERR_USAGE,
		               "--chunk-size \"%s\": from 1k to 32M, in bytes or with k or M", text);
	*bytes = (size_t)(value * unit);
	return 0;
}

int tool_output_format(const struct output_options *options, struct output_format *format,
                       struct err *err)
{
	struct archive_options *archive = &format->archive_options;
	*archive = (struct archive_options){ ARCHIVE_LEVEL, options->long_window,
		                             ARCHIVE_CHUNK_BYTES, options->jobs };
	if (choose_format(options, &format->archive, err) < 0 ||
	    parse_level(options->level, &archive->level, err) < 0 ||
	    parse_chunk_size(options->chunk_size, &archive->chunk_bytes, err) < 0)
		return -1;
	if (!format->archive && (options->level || options->long_window || options->chunk_size))
		return err_set(err, ERR_USAGE,
		               "-Z, --long and --chunk-size are for archives: add -F archive");
	return 0;
}

struct sink *tool_open_output(const struct tool *tool, const struct output_options *options,
                              struct err *err)
{
	struct output_format format;
	if (tool_output_format(options, &format, err) < 0)
		return NULL;
	struct outfile *out = outfile_open(options->output, &tool->log, err);
	if (!out)
		return NULL;
	if (!format.archive)
		return plain_writer_new(out, err);
	if (outfile_is_terminal(out)) {
		err_set(err, ERR_USAGE,
		        "an archive is binary and is not written to a terminal: use -o FILE");
		outfile_free(out);
		return NULL;
	}
	return archive_writer_new(out, &format.archive_options, err);
}
