/* --verify: what the target holds, read back before the commit. */
#include "db_source.h"
#include "restore_internal.h"
#include "session.h"

/* A sink that only digests. */
struct reading {
	struct sink sink;
	struct contents *contents;
};

static int reading_write(struct sink *sink, const struct record *record, struct err *err)
{
	const struct contents_options options = { .lenient = false };
	return contents_add(((struct reading *)sink)->contents, record, &options, err);
}

static const struct sink_ops reading_ops = { .write = reading_write };

/* What was received was digested in the script's encoding: read back in the same. */
static int pin(struct restore *restore, struct err *err)
{
	struct buf encoding = BUF_INIT;
	buf_adds(&encoding, pg_parameter(restore->pg, "client_encoding"));
	int result = buf_check(&encoding, "a name", err);
	if (result == 0)
		result = session_pin_formats(restore->pg, err);
	if (result == 0)
		result = session_set_encoding(restore->pg, encoding.data, err);
	buf_release(&encoding);
	return result;
}

int restore_verify(struct restore *restore, struct err *err)
{
	const struct catalog_options tables = { .skip_unlogged = false };
	struct reading reading = { { &reading_ops }, contents_new(err) };
	int result = -1;
	if (!reading.contents)
		return -1;
	if (contents_undigested(restore->stored)) {
		err_set(err, ERR_INPUT, "%s: --verify is not possible: %s can't be compared",
		        restore->options.input_name, contents_undigested(restore->stored));
		goto out;
	}
	progress_phase(restore->options.progress, "checking");
	if (pin(restore, err) < 0 ||
	    db_source_read_data(restore->pg, &tables, restore->stored, &reading.sink, err) < 0)
		goto out;
	result = contents_check_holds(restore->stored, reading.contents, ERR_DATABASE, err);
	if (result < 0)
		err_prefix(err, "database \"%s\" does not hold what was restored",
		           pg_database(restore->pg));
out:
	contents_free(reading.contents);
	return result;
}
