/*
 * db_header.h - what a stream's header says about the database that it comes from.
 */
#ifndef IDKIT_PG_DB_HEADER_H
#define IDKIT_PG_DB_HEADER_H

#include "conn.h"
#include "header.h"

/* Its name, the server's version, encoding and locale, and the time now. */
int db_header_describe(struct pg *pg, struct stream_header *header, struct err *err);

#endif
