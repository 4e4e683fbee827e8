/* Statements, rows and COPY on a connection. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn_internal.h"
#include "interrupt.h"

struct pg_rows {
	PGresult *result;
};

static const char *field(const PGresult *result, int code)
{
	return result ? PQresultErrorField(result, code) : NULL;
}

static void remember_table(struct pg *pg, const PGresult *result)
{
	const char *table = field(result, PG_DIAG_TABLE_NAME);
	const char *schema = field(result, PG_DIAG_SCHEMA_NAME);
	buf_reset(&pg->failed_table);
	if (table)
		buf_addf(&pg->failed_table, "%s%s%s", schema ? schema : "", schema ? "." : "", table);
	pg->failure.table = table ? pg->failed_table.data : NULL;
}

/* Takes the result over.  Always -1. */
static int fail(struct pg *pg, PGresult *result, struct err *err)
{
	PQclear(pg->failed);
	pg->failed = result;
	const char *message = field(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *sqlstate = field(result, PG_DIAG_SQLSTATE);
	const char *position = field(result, PG_DIAG_STATEMENT_POSITION);
	buf_reset(&pg->failed_message);
	buf_add_slice(&pg->failed_message,
	              slice_trim(slice_of(message ? message : PQerrorMessage(pg->conn))));
	if (pg->failed_message.len == 0)
		buf_addf(&pg->failed_message, "the server's answer was not expected (%s)",
		         PQresStatus(PQresultStatus(result)));
	pg->failure = (struct pg_failure){
		.sqlstate = sqlstate ? sqlstate : "",
		.message = pg->failed_message.data ? pg->failed_message.data : "out of memory",
		.detail = field(result, PG_DIAG_MESSAGE_DETAIL),
		.hint = field(result, PG_DIAG_MESSAGE_HINT),
		.context = field(result, PG_DIAG_CONTEXT),
		.position = position ? strtol(position, NULL, 10) : 0,
	};
	remember_table(pg, result);
	err_set(err, ERR_DATABASE, "%s", pg->failure.message);
	if (pg->failure.detail)
		err_append(err, "\nDETAIL:  %s", pg->failure.detail);
	if (pg->failure.hint)
		err_append(err, "\nHINT:  %s", pg->failure.hint);
	interrupt_explain(err);
	return -1;
}

const struct pg_failure *pg_failure(const struct pg *pg)
{
	return &pg->failure;
}

static PGresult *execute(struct pg *pg, const char *sql, struct err *err)
{
	if (interrupt_check(err) < 0)
		return NULL;
	return PQexecParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, 0);
}

static bool is_copy(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	return status == PGRES_COPY_OUT || status == PGRES_COPY_IN;
}

/* Rows may be many, so the server is told to stop sending them. */
static void stop_copy(struct pg *pg, bool is_out)
{
	char ignored[256], *row = NULL;
	PGresult *result;
	if (!is_out)
		PQputCopyEnd(pg->conn, "no rows");
	else if (pg->cancel)
		PQcancel(pg->cancel, ignored, sizeof(ignored));
	while (is_out && PQgetCopyData(pg->conn, &row, 0) > 0) {
		PQfreemem(row);
		row = NULL;
	}
	while ((result = PQgetResult(pg->conn)))
		PQclear(result);
}

/* A COPY to or from the client where nobody sends or takes rows: ended, and refused.  Always -1. */
static int refuse_copy(struct pg *pg, PGresult *result, struct err *err)
{
	const char *direction =
		PQresultStatus(result) == PGRES_COPY_OUT ? "TO STDOUT" : "FROM STDIN";
	stop_copy(pg, PQresultStatus(result) == PGRES_COPY_OUT);
	PQclear(result);
	PQclear(pg->failed);
	pg->failed = NULL;
	buf_reset(&pg->failed_message);
	buf_addf(&pg->failed_message, "COPY %s is not possible here", direction);
	/* "feature_not_supported": it is about the statement. */
	pg->failure = (struct pg_failure){ .sqlstate = "0A000" };
	pg->failure.message = pg->failed_message.data ? pg->failed_message.data : "out of memory";
	return err_set(err, ERR_DATABASE, "%s", pg->failure.message);
}

static int fail_or_refuse(struct pg *pg, PGresult *result, struct err *err)
{
	return is_copy(result) ? refuse_copy(pg, result, err) : fail(pg, result, err);
}

static int finish_exec(struct pg *pg, PGresult *result, struct err *err)
{
	switch (PQresultStatus(result)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_EMPTY_QUERY:
		PQclear(result);
		return 0;
	default:
		return fail_or_refuse(pg, result, err);
	}
}

int pg_exec(struct pg *pg, const char *sql, struct err *err)
{
	return finish_exec(pg, execute(pg, sql, err), err);
}

int pg_send(struct pg *pg, const char *sql, struct err *err)
{
	if (interrupt_check(err) < 0)
		return -1;
	if (PQsendQueryParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, 0) == 1)
		return 0;
	return fail(pg, NULL, err);
}

bool pg_wait(struct pg *pg, int ms)
{
	struct pollfd fd = { .fd = PQsocket(pg->conn), .events = POLLIN };
	if (PQisBusy(pg->conn) && poll(&fd, 1, ms) > 0 && PQconsumeInput(pg->conn) == 0)
		return true;
	return !PQisBusy(pg->conn);
}

/* As PQexec() does: the last result counts, but a COPY ends the waiting. */
static PGresult *last_result(struct pg *pg)
{
	PGresult *last = NULL, *next;
	while ((next = PQgetResult(pg->conn))) {
		PQclear(last);
		last = next;
		if (is_copy(last) || PQstatus(pg->conn) == CONNECTION_BAD)
			break;
	}
	return last;
}

int pg_result(struct pg *pg, struct err *err)
{
	return finish_exec(pg, last_result(pg), err);
}

void pg_cancel(struct pg *pg)
{
	char ignored[256];
	if (pg->cancel)
		PQcancel(pg->cancel, ignored, sizeof(ignored));
}

static int commit_failed(struct pg *pg, PGresult *result, const char *transaction,
                         struct err *err)
{
	fail(pg, result, err);
	if (PQstatus(pg->conn) != CONNECTION_BAD)
		return -1;
	err_prefix(err, "the connection ended before the answer: it is not known whether the "
	                "transaction was committed");
	if (transaction[0])
		err_append(err,
		           "\nHINT:  Ask in any database of the server: SELECT "
		           "pg_catalog.txid_status(%s), which says committed or aborted.",
		           transaction);
	return -1;
}

static int check_committed(const PGresult *result, struct err *err)
{
	const char *tag = PQcmdStatus((PGresult *)result);
	if (strcmp(tag, "COMMIT") == 0)
		return 0;
	return err_set(err, ERR_DATABASE,
	               "the server answered %s to COMMIT: the transaction had failed, nothing of it "
	               "was kept",
	               tag);
}

int pg_commit(struct pg *pg, struct err *err)
{
	/* "" when it has none, having written nothing. */
	char *transaction =
		pg_query_value(pg, "SELECT pg_catalog.txid_current_if_assigned()", err);
	if (!transaction)
		return -1;
	PGresult *result = execute(pg, "COMMIT", err);
	int status;
	if (PQresultStatus(result) == PGRES_COMMAND_OK) {
		status = check_committed(result, err);
		PQclear(result);
	} else {
		status = commit_failed(pg, result, transaction, err);
	}
	free(transaction);
	return status;
}

int pg_execf(struct pg *pg, struct err *err, const char *format, ...)
{
	char *sql = NULL;
	va_list arguments;
	va_start(arguments, format);
	int len = vasprintf(&sql, format, arguments);
	va_end(arguments);
	if (len < 0)
		return err_memory(err, "a statement");
	int result = pg_exec(pg, sql, err);
	free(sql);
	return result;
}

struct pg_rows *pg_query(struct pg *pg, const char *sql, struct err *err)
{
	PGresult *result = execute(pg, sql, err);
	if (PQresultStatus(result) != PGRES_TUPLES_OK) {
		fail_or_refuse(pg, result, err);
		return NULL;
	}
	struct pg_rows *rows = malloc(sizeof(*rows));
	if (!rows) {
		PQclear(result);
		err_memory(err, "a query's rows");
		return NULL;
	}
	rows->result = result;
	return rows;
}

int pg_rows_count(const struct pg_rows *rows)
{
	return PQntuples(rows->result);
}

const char *pg_value(const struct pg_rows *rows, int row, int column)
{
	if (PQgetisnull(rows->result, row, column))
		return NULL;
	return PQgetvalue(rows->result, row, column);
}

struct slice pg_value_slice(const struct pg_rows *rows, int row, int column)
{
	if (PQgetisnull(rows->result, row, column))
		return SLICE_NONE;
	return (struct slice){ PQgetvalue(rows->result, row, column),
		               (size_t)PQgetlength(rows->result, row, column) };
}

bool pg_value_bool(const struct pg_rows *rows, int row, int column)
{
	return PQgetvalue(rows->result, row, column)[0] == 't';
}

void pg_rows_free(struct pg_rows *rows)
{
	if (!rows)
		return;
	PQclear(rows->result);
	free(rows);
}

char *pg_query_value(struct pg *pg, const char *sql, struct err *err)
{
	struct pg_rows *rows = pg_query(pg, sql, err);
	if (!rows)
		return NULL;
	char *value = NULL;
	if (pg_rows_count(rows) != 1)
		err_set(err, ERR_DATABASE, "one row expected, not %d, from: %s", pg_rows_count(rows),
		        sql);
	else if (!(value = strdup(PQgetvalue(rows->result, 0, 0))))
		err_memory(err, "a query's value");
	pg_rows_free(rows);
	return value;
}

static int begin_copy(struct pg *pg, const char *sql, ExecStatusType expected, struct err *err)
{
	PGresult *result = execute(pg, sql, err);
	if (PQresultStatus(result) != expected)
		return fail_or_refuse(pg, result, err);
	PQclear(result);
	return 0;
}

/* What the server says at the end of a COPY; leaves the connection idle. */
static int end_copy(struct pg *pg, uint64_t *rows, struct err *err)
{
	PGresult *result = PQgetResult(pg->conn);
	int status = 0;
	if (PQresultStatus(result) == PGRES_COMMAND_OK) {
		*rows = strtoull(PQcmdTuples(result), NULL, 10);
		PQclear(result);
	} else {
		status = fail(pg, result, err);
	}
	while ((result = PQgetResult(pg->conn)))
		PQclear(result);
	return status;
}

int pg_copy_out(struct pg *pg, const char *sql, struct err *err)
{
	return begin_copy(pg, sql, PGRES_COPY_OUT, err);
}

int pg_copy_out_row(struct pg *pg, struct slice *row, struct err *err)
{
	uint64_t rows;
	PQfreemem(pg->row);
	pg->row = NULL;
	int len = PQgetCopyData(pg->conn, &pg->row, 0);
	if (len > 0) {
		*row = (struct slice){ pg->row, (size_t)len };
		return 1;
	}
	if (len == -1)
		return end_copy(pg, &rows, err);
	fail(pg, NULL, err);
	return -1;
}

int pg_copy_in(struct pg *pg, const char *sql, struct err *err)
{
	return begin_copy(pg, sql, PGRES_COPY_IN, err);
}

/* libpq takes an int, and grows its buffer to what it is given. */
#define LARGEST_WRITE_BYTES ((size_t)1 << 20)

int pg_copy_in_write(struct pg *pg, struct slice bytes, struct err *err)
{
	uint64_t rows;
	while (bytes.len > 0) {
		size_t len = bytes.len < LARGEST_WRITE_BYTES ? bytes.len : LARGEST_WRITE_BYTES;
		if (interrupt_check(err) < 0)
			return -1;
		if (PQputCopyData(pg->conn, bytes.data, (int)len) != 1) {
			/* The server's reason, if it gave one, is the COPY's result. */
			if (end_copy(pg, &rows, err) == 0)
				fail(pg, NULL, err);
			return -1;
		}
		bytes.data += len;
		bytes.len -= len;
	}
	return 0;
}

int pg_copy_in_end(struct pg *pg, uint64_t *rows, struct err *err)
{
	if (PQputCopyEnd(pg->conn, NULL) != 1) {
		uint64_t ignored;
		if (end_copy(pg, &ignored, err) == 0)
			fail(pg, NULL, err);
		return -1;
	}
	return end_copy(pg, rows, err);
}
