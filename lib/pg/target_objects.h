/*
 * target_objects.h - what a database holds beyond what initdb put there.
 */
#ifndef IDKIT_PG_TARGET_OBJECTS_H
#define IDKIT_PG_TARGET_OBJECTS_H

#include "conn.h"

/* 0 when it holds nothing; ERR_DATABASE that lists the first of its objects otherwise. */
int target_check_empty(struct pg *pg, struct err *err);

/* Drops them all in the present transaction, and sets default privileges back.  Schema public stays.
 * ERR_DATABASE also when there is a subscription, which a transaction can't drop. */
int target_drop_all(struct pg *pg, const struct log *log, struct err *err);

#endif
