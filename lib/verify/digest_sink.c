#include "digest_sink.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "digester.h"
#include "header.h"

struct digest_sink {
	struct sink sink;
	const struct contents *layout;
	struct digester *digester;
	pthread_mutex_t mutex; /* of the digester, when branches are finished */
	struct progress *progress;
	bool schema_only;
	bool vouched;
	char *encoding;
};

/* What another thread has digested. */
struct digest_branch {
	struct sink sink;
	struct digest_sink *trunk;
	struct digester *digester;
};

static int check_trailer(struct digest_sink *digest, const struct record *record, struct err *err)
{
	const struct contents *vouched = record->trailer.contents;
	if (!vouched)
		return 0;
	digest->vouched = true;
	return contents_check_equal(vouched, digester_original(digest->digester), ERR_INPUT, err);
}

static int remember_header(struct digest_sink *digest, const struct stream_header *header,
                           struct err *err)
{
	const char *extent = stream_header_get(header, "contents");
	const char *encoding = stream_header_get(header, "client_encoding");
	digest->schema_only = extent && strcmp(extent, "schema") == 0;
	if (encoding && !(digest->encoding = strdup(encoding)))
		return err_memory(err, "a stream's header");
	return 0;
}

static void count(const struct digest_sink *digest, const struct record *record)
{
	if (record->kind == RECORD_DATA)
		progress_add(digest->progress, record->data.rows.len, record->data.row_count);
}

static int digest_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct digest_sink *digest = (struct digest_sink *)sink;
	if (record->kind == RECORD_HEADER)
		return remember_header(digest, record->header, err);
	pthread_mutex_lock(&digest->mutex);
	int result = digester_add(digest->digester, record, err);
	pthread_mutex_unlock(&digest->mutex);
	count(digest, record);
	if (result == 0 && record->kind == RECORD_TRAILER)
		result = check_trailer(digest, record, err);
	return result;
}

static void digest_free(struct sink *sink)
{
	struct digest_sink *digest = (struct digest_sink *)sink;
	digester_free(digest->digester);
	pthread_mutex_destroy(&digest->mutex);
	free(digest->encoding);
	free(digest);
}

static int branch_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct digest_branch *branch = (struct digest_branch *)sink;
	count(branch->trunk, record);
	return digester_add(branch->digester, record, err);
}

static int branch_finish(struct sink *sink, struct err *err)
{
	struct digest_branch *branch = (struct digest_branch *)sink;
	pthread_mutex_lock(&branch->trunk->mutex);
	int result = digester_merge(branch->trunk->digester, branch->digester, err);
	pthread_mutex_unlock(&branch->trunk->mutex);
	return result;
}

static void branch_free(struct sink *sink)
{
	struct digest_branch *branch = (struct digest_branch *)sink;
	digester_free(branch->digester);
	free(branch);
}

static const struct sink_ops branch_ops = {
	.write = branch_write,
	.finish = branch_finish,
	.free = branch_free,
};

static struct sink *digest_branch(struct sink *sink, struct err *err)
{
	struct digest_branch *branch = calloc(1, sizeof(*branch));
	if (!branch) {
		err_memory(err, "digests");
		return NULL;
	}
	branch->sink.ops = &branch_ops;
	branch->trunk = (struct digest_sink *)sink;
	branch->digester = digester_new(branch->trunk->layout, err);
	if (!branch->digester) {
		branch_free(&branch->sink);
		return NULL;
	}
	return &branch->sink;
}

static const struct sink_ops digest_ops = {
	.write = digest_write,
	.free = digest_free,
	.branch = digest_branch,
};

struct sink *digest_sink_new(const struct contents *layout, struct err *err)
{
	struct digest_sink *digest = calloc(1, sizeof(*digest));
	if (!digest) {
		err_memory(err, "digests");
		return NULL;
	}
	digest->sink.ops = &digest_ops;
	digest->layout = layout;
	pthread_mutex_init(&digest->mutex, NULL);
	digest->digester = digester_new(layout, err);
	if (!digest->digester) {
		digest_free(&digest->sink);
		return NULL;
	}
	return &digest->sink;
}

void digest_sink_set_progress(struct sink *sink, struct progress *progress)
{
	((struct digest_sink *)sink)->progress = progress;
}

const struct contents *digest_sink_contents(const struct sink *sink)
{
	return digester_contents(((const struct digest_sink *)sink)->digester);
}

bool digest_sink_vouched(const struct sink *sink)
{
	return ((const struct digest_sink *)sink)->vouched;
}

const char *digest_sink_encoding(const struct sink *sink)
{
	return ((const struct digest_sink *)sink)->encoding;
}

bool digest_sink_schema_only(const struct sink *sink)
{
	return ((const struct digest_sink *)sink)->schema_only;
}
