/*
 * digest_sink.h - sink: keeps of a stream only what it holds, as digests (stream/contents.h).
 *
 * A stream of ours is also held against its own trailer: a digest that does not fit is ERR_INPUT.
 */
#ifndef IDKIT_VERIFY_DIGEST_SINK_H
#define IDKIT_VERIFY_DIGEST_SINK_H

#include "contents.h"
#include "progress.h"
#include "record.h"

/* `layout`, when not NULL, gives the order of columns in which rows are hashed, for tables that have
 * the same columns in another order.  Borrowed until the sink is freed. */
struct sink *digest_sink_new(const struct contents *layout, struct err *err);

/* What is digested is counted there; for streams, since a database's source counts by itself.  Borrowed. */
void digest_sink_set_progress(struct sink *sink, struct progress *progress);

/* What was there, once the TRAILER has come; lives as long as the sink. */
const struct contents *digest_sink_contents(const struct sink *sink);

/* Did the stream say by itself what it holds (ours), or was it only digested (others')? */
bool digest_sink_vouched(const struct sink *sink);

/* The encoding that the rows were digested in, as the stream's header has it; NULL when it does not
 * say. */
const char *digest_sink_encoding(const struct sink *sink);

/* "schema" when the stream holds no rows by intention, see iddump --schema-only. */
bool digest_sink_schema_only(const struct sink *sink);

#endif
