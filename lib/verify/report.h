/*
 * report.h - a comparison in words, for people and for programs.
 */
#ifndef IDKIT_VERIFY_REPORT_H
#define IDKIT_VERIFY_REPORT_H

#include "buf.h"
#include "compare.h"

struct report_names {
	const char *a; /* "database keycloak", "keycloak.sql" */
	const char *b;
};

/* Text: differences first, one a line; equal tables too when `all`; the verdict last. */
int report_text(const struct comparison *comparison, const struct report_names *names, bool all,
                struct buf *text, struct err *err);

/* One JSON object: idverify(1) describes it. */
int report_json(const struct comparison *comparison, const struct report_names *names,
                struct buf *json, struct err *err);

/* What one stream holds, found undamaged.  `vouched`: by its own trailer. */
int report_stream_text(const struct contents *contents, const char *name, bool vouched, bool all,
                       struct buf *text, struct err *err);
int report_stream_json(const struct contents *contents, const char *name, bool vouched,
                       struct buf *json, struct err *err);

#endif
