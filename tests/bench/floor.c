/*
 * floor CONNECTIONS <STATEMENTS - runs COPY … TO STDOUT statements, one a line, over so many
 * connections at once, and throws the rows away: the least time in which a dump can read them.
 *
 * A process a connection; each takes the next statement that nobody has taken.  The database is that
 * of the PG* variables.
 */
#include <libpq-fe.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LARGEST_STATEMENTS 100000

static int fail(PGconn *conn, const char *what)
{
	fprintf(stderr, "floor: %s: %s", what, PQerrorMessage(conn));
	return 1;
}

static int read_rows(PGconn *conn, const char *sql)
{
	char *row;
	int bytes;
	PGresult *result = PQexec(conn, sql);
	if (PQresultStatus(result) != PGRES_COPY_OUT)
		return fail(conn, sql);
	PQclear(result);
	while ((bytes = PQgetCopyData(conn, &row, 0)) > 0)
		PQfreemem(row);
	if (bytes != -1)
		return fail(conn, sql);
	while ((result = PQgetResult(conn))) {
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			return fail(conn, sql);
		PQclear(result);
	}
	return 0;
}

static int work(char **statements, size_t count, atomic_size_t *next)
{
	PGconn *conn = PQconnectdb("");
	int result = PQstatus(conn) == CONNECTION_OK ? 0 : fail(conn, "connection");
	for (size_t i; result == 0 && (i = atomic_fetch_add(next, 1)) < count;)
		result = read_rows(conn, statements[i]);
	PQfinish(conn);
	return result;
}

int main(int argc, char **argv)
{
	static char *statements[LARGEST_STATEMENTS];
	size_t count = 0, size = 0;
	char *line = NULL;
	int connections = argc == 2 ? atoi(argv[1]) : 0, result = 0, status;
	if (connections < 1) {
		fputs("usage: floor CONNECTIONS <STATEMENTS\n", stderr);
		return 2;
	}
	while (count < LARGEST_STATEMENTS && getline(&line, &size, stdin) > 0) {
		statements[count++] = line;
		line = NULL;
		size = 0;
	}
	atomic_size_t *next = mmap(NULL, sizeof(*next), PROT_READ | PROT_WRITE,
	                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (next == MAP_FAILED || count == 0) {
		fputs("floor: no statements\n", stderr);
		return 2;
	}
	atomic_init(next, 0);
	for (int i = 0; i < connections; i++)
		if (fork() == 0)
			_exit(work(statements, count, next));
	while (wait(&status) > 0)
		if (status != 0)
			result = 1;
	return result;
}
