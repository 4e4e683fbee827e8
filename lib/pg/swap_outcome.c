/*
 * What has become of a COMMIT whose answer did not come.  Asked by OID and not by pg_xact_status():
 * a server that crashed may give the transaction's number to another one.
 */
#include <unistd.h>

#include "format.h"
#include "interrupt.h"
#include "swap_internal.h"

/* How long the server's process that we lost is waited for. */
#define LOOK_USEC 200000
#define LOOKS     50

static int count_backend(struct pg *pg, int backend, struct err *err)
{
	struct pg_rows *rows =
	    pg_queryf(pg, err, "SELECT FROM pg_catalog.pg_stat_activity WHERE pid = %d", backend);
	int count = rows ? pg_rows_count(rows) : -1;
	pg_rows_free(rows);
	return count;
}

/* Until then its transaction may be committed or not; what it holds, nobody else gets. */
static int wait_for_backend(struct pg *pg, int backend, struct err *err)
{
	for (int i = 0; backend != 0 && i < LOOKS; i++) {
		int count = count_backend(pg, backend, err);
		if (count <= 0)
			return count;
		if (interrupt_check(err) < 0)
			return -1;
		usleep(LOOK_USEC);
	}
	if (backend == 0)
		return 0;
	return err_set(err, ERR_DATABASE,
	               "the server's process %d, whose connection was lost, has not ended yet",
	               backend);
}

int outcome_ask(struct pg **pg, int backend, uint32_t database, const char *name, bool *has_name,
                struct err *err)
{
	struct err failed = ERR_INIT;
	uint32_t holder = 0;
	if (maintenance_reconnect(pg, &failed) < 0 || wait_for_backend(*pg, backend, &failed) < 0 ||
	    maintenance_find(*pg, name, &holder, &failed) < 0) {
		if (failed.kind == ERR_SIGNAL)
			return interrupt_explain(err);
		return err_append(err, "\nDETAIL:  Afterwards: %s", failed.message);
	}
	*has_name = database != 0 && holder == database;
	return 0;
}

void outcome_explain(uint32_t database, const char *done, const char *undone, struct err *err)
{
	struct buf question = BUF_INIT;
	sql_addf(&question, "SELECT datname FROM pg_catalog.pg_database WHERE oid = %u", database);
	err_append(err,
	           "\nHINT:  The connection was lost at the COMMIT, and whether it took place is not "
	           "known.  In any database of the server, this tells: %s; says \"%s\" when it did, "
	           "and \"%s\" when nothing has changed.",
	           question.failed ? "psql -l" : question.data, done, undone);
	buf_release(&question);
}
