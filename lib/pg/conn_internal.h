/* The inside of struct pg, shared by conn.c and query.c only. */
#ifndef IDKIT_PG_CONN_INTERNAL_H
#define IDKIT_PG_CONN_INTERNAL_H

#include <libpq-fe.h>

#include "conn.h"

struct pg {
	PGconn *conn;
	const struct log *log;
	PGcancel *cancel;
	int cancel_ticket;
	char *row; /* the last row of a COPY TO */
	/* The last failure. */
	PGresult *failed;
	struct pg_failure failure;
	struct buf failed_message;
	struct buf failed_table;
};

#endif
