#include "archive_tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

struct tar_writer {
	struct archive *archive;
	struct archive_entry *entry;
	struct outfile *out;
	uint64_t written;
	time_t time;
	bool failed;     /* nothing more is written */
	struct err *err; /* of the call that is under way */
};

/* To libarchive all goes well: once an archive of its has failed, it forgets to free what it had. */
static la_ssize_t write_bytes(struct archive *archive, void *arg, const void *data, size_t len)
{
	struct tar_writer *tar = arg;
	(void)archive;
	if (!tar->failed && outfile_write(tar->out, data, len, tar->err) < 0)
		tar->failed = true;
	tar->written += len;
	return (la_ssize_t)len;
}

/* What write_bytes() had to say comes first. */
static int failed(struct tar_writer *tar, struct err *err)
{
	const char *why = archive_error_string(tar->archive);
	return err_set(err, ERR_SYSTEM, "cannot write %s: %s", outfile_name(tar->out),
	               why ? why : "libarchive fails");
}

struct tar_writer *tar_writer_new(struct outfile *out, time_t time, struct err *err)
{
	struct tar_writer *tar = calloc(1, sizeof(*tar));
	if (tar) {
		*tar = (struct tar_writer){ .out = out, .time = time, .err = err };
		tar->archive = archive_write_new();
		tar->entry = archive_entry_new();
	}
	if (!tar || !tar->archive || !tar->entry) {
		tar_writer_free(tar);
		err_memory(err, "an archive");
		return NULL;
	}
	/* Not blocked: what is handed over goes out, so that `written` is where the next byte goes. */
	if (archive_write_set_format_pax_restricted(tar->archive) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(tar->archive, 0) != ARCHIVE_OK ||
	    archive_write_open(tar->archive, tar, NULL, write_bytes, NULL) != ARCHIVE_OK) {
		failed(tar, err);
		tar_writer_free(tar);
		return NULL;
	}
	return tar;
}

int tar_writer_add(struct tar_writer *tar, const char *name, struct slice bytes, uint64_t *offset,
                   struct err *err)
{
	struct archive_entry *entry = archive_entry_clear(tar->entry);
	tar->err = err;
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_mtime(entry, tar->time, 0);
	archive_entry_set_size(entry, (la_int64_t)bytes.len);
	if (archive_write_header(tar->archive, entry) != ARCHIVE_OK)
		return failed(tar, err);
	*offset = tar->written;
	if (bytes.len > 0 &&
	    archive_write_data(tar->archive, bytes.data, bytes.len) != (la_ssize_t)bytes.len)
		return failed(tar, err);
	return archive_write_finish_entry(tar->archive) == ARCHIVE_OK && !tar->failed
	               ? 0
	               : failed(tar, err);
}

int tar_writer_end(struct tar_writer *tar, struct err *err)
{
	tar->err = err;
	return archive_write_close(tar->archive) == ARCHIVE_OK && !tar->failed ? 0
	                                                                      : failed(tar, err);
}

void tar_writer_free(struct tar_writer *tar)
{
	if (!tar)
		return;
	/* It would end the archive now, as if all were well. */
	tar->failed = true;
	archive_write_free(tar->archive);
	archive_entry_free(tar->entry);
	free(tar);
}
