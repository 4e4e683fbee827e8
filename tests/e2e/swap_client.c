/*
 * A client that connects, asks, and disconnects in a loop while databases are swapped: swap_client DATABASE
 * FILE, until FILE exists.
 *
 * Each time it reads a marker (1 or 2) and counts two tables, which must have 100 and 1000 times as
 * many rows.  Prints one line: "ok N refused N ended N twice N": answers; connections refused because
 * the database has just been renamed; connections that were ended; refused ones just behind a refused
 * one.  Anything else is printed and ends it with status 1.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum answer { OK, REFUSED, ENDED, WRONG };

static enum answer wrong(const char *what, const char *message)
{
	printf("%s: %s\n", what, message);
	return WRONG;
}

/* -1: the connection was ended, -2: anything else. */
static long ask(PGconn *conn, const char *sql)
{
	PGresult *result = PQexec(conn, sql);
	long value = -2;
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		value = strtol(PQgetvalue(result, 0, 0), NULL, 10);
	else if (PQstatus(conn) == CONNECTION_BAD)
		value = -1;
	PQclear(result);
	return value;
}

static enum answer converse(PGconn *conn)
{
	static const char *const questions[] = { "SELECT v FROM marker", "SELECT count(*) FROM a",
		                                 "SELECT count(*) FROM b" };
	long values[3];
	for (int i = 0; i < 3; i++) {
		values[i] = ask(conn, questions[i]);
		if (values[i] == -1)
			return ENDED;
		if (values[i] < 0)
			return wrong(questions[i], PQerrorMessage(conn));
	}
	if ((values[0] != 1 && values[0] != 2) || values[1] != 100 * values[0] ||
	    values[2] != 1000 * values[0])
		return wrong("neither the old nor the new database", questions[0]);
	return OK;
}

static void ignore(void *arg, const PGresult *notice)
{
	(void)arg;
	(void)notice;
}

static enum answer visit(const char *database)
{
	const char *keywords[] = { "dbname", NULL };
	const char *values[] = { database, NULL };
	PGconn *conn = PQconnectdbParams(keywords, values, 0);
	const char *message = PQerrorMessage(conn);
	enum answer answer;
	PQsetNoticeReceiver(conn, ignore, NULL);
	if (PQstatus(conn) == CONNECTION_OK)
		answer = converse(conn);
	else if (strstr(message, "It seems to have just been dropped or renamed"))
		answer = REFUSED;
	else if (strstr(message, "terminating connection") ||
	         strstr(message, "server closed the connection unexpectedly"))
		answer = ENDED;
	else
		answer = wrong("cannot connect", message);
	PQfinish(conn);
	return answer;
}

int main(int argc, char **argv)
{
	unsigned long counts[4] = { 0 }, twice = 0;
	enum answer last = OK, answer;
	if (argc != 3)
		return 2;
	do {
		answer = visit(argv[1]);
		counts[answer]++;
		twice += answer == REFUSED && last == REFUSED;
		last = answer;
	} while (answer != WRONG && access(argv[2], F_OK) != 0);
	printf("ok %lu refused %lu ended %lu twice %lu\n", counts[OK], counts[REFUSED], counts[ENDED],
	       twice);
	return answer == WRONG;
}
