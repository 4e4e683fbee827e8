/*
 * ordered.h - work in several threads whose results come in the order in which it was given out.
 *
 *     ordered = ordered_new(&options, err);
 *     while (…) {
 *         item = ordered_next(ordered, err);          a free one, once the oldest was delivered
 *         … fill it …
 *         if (ordered_submit(ordered, err) < 0) …     some thread works on it
 *     }
 *     if (ordered_drain(ordered, err) < 0) …          all were delivered
 *     ordered_free(ordered);
 *
 * `work` runs in any thread, `deliver` only in the caller's, during the calls above, one item after
 * the other as they were submitted.  With one job both run at once in ordered_submit(), and no
 * thread is started.
 */
#ifndef IDKIT_CORE_ORDERED_H
#define IDKIT_CORE_ORDERED_H

#include <stddef.h>

#include "err.h"

struct ordered_options {
	int jobs;
	void *items; /* borrowed: an array of ordered_items(jobs) of them */
	size_t item_size;
	void *context;
	/* `worker`: from 0, below `jobs`; for what a thread needs for itself. */
	int (*work)(void *context, void *item, int worker, struct err *err);
	int (*deliver)(void *context, void *item, struct err *err);
};

/* One with one job; else twice as many, so that nobody waits while the oldest is delivered. */
size_t ordered_items(int jobs);

struct ordered;

struct ordered *ordered_new(const struct ordered_options *options, struct err *err);

/* The item that is filled next; again the same one until it is submitted.  NULL on error: its own,
 * or that of an item before. */
void *ordered_next(struct ordered *ordered, struct err *err);
/* The item that ordered_next() gave. */
int ordered_submit(struct ordered *ordered, struct err *err);
/* An error of any item comes out here at the latest. */
int ordered_drain(struct ordered *ordered, struct err *err);

/* Ends threads that still work; what was not delivered is not.  Items are the caller's. */
void ordered_free(struct ordered *ordered);

#endif
