/*
 * digester.h - digests of the records that one thread sees, with columns in the order of a layout.
 */
#ifndef IDKIT_VERIFY_DIGESTER_H
#define IDKIT_VERIFY_DIGESTER_H

#include "contents.h"
#include "record.h"

struct digester;

/* `layout` as in digest_sink.h, or NULL; borrowed.  NULL on error. */
struct digester *digester_new(const struct contents *layout, struct err *err);
void digester_free(struct digester *digester);

/* Statements, DATA records whose rows are here, and the TRAILER. */
int digester_add(struct digester *digester, const struct record *record, struct err *err);

/* Adds what another one has seen of the same stream. */
int digester_merge(struct digester *digester, const struct digester *other, struct err *err);

/* With columns in the layout's order, and in the stream's own. */
const struct contents *digester_contents(const struct digester *digester);
const struct contents *digester_original(const struct digester *digester);

#endif
