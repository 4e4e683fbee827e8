#include "conn.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conn_internal.h"
#include "interrupt.h"
#include "password.h"
#include "session.h"

/* Keywords and values for PQconnectdbParams(), which takes later ones over earlier ones; a dbname
 * that is a conninfo string or URI is expanded at its place, when `expand_name` says so: a name may
 * hold "=", too. */
#define LARGEST_PARAMETERS 64

struct parameters {
	const char *keywords[LARGEST_PARAMETERS];
	const char *values[LARGEST_PARAMETERS];
	size_t count;
	bool expand_name;
};

static void add_parameter(struct parameters *parameters, const char *keyword, const char *value)
{
	if (!value || parameters->count + 1 >= LARGEST_PARAMETERS)
		return;
	parameters->keywords[parameters->count] = keyword;
	parameters->values[parameters->count++] = value;
	parameters->keywords[parameters->count] = NULL;
}

/* Replaces the value of a keyword that is there, or adds it. */
static void set_parameter(struct parameters *parameters, const char *keyword, const char *value)
{
	for (size_t i = 0; i < parameters->count; i++)
		if (strcmp(parameters->keywords[i], keyword) == 0) {
			parameters->values[i] = value;
			return;
		}
	add_parameter(parameters, keyword, value);
}

static void handle_notice(void *arg, const PGresult *result)
{
	const struct pg *pg = arg;
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	if (severity && strcmp(severity, "WARNING") == 0)
		log_note(pg->log, "the server warns: %s", message);
	else if (message)
		log_detail(pg->log, "the server says: %s", message);
}

/* In the signal handler. */
static void cancel_query(void *arg)
{
	char ignored[256];
	PQcancel(arg, ignored, sizeof(ignored));
}

static struct pg *pg_new(PGconn *conn, const struct log *log, struct err *err)
{
	struct pg *pg = calloc(1, sizeof(*pg));
	if (!pg) {
		PQfinish(conn);
		err_memory(err, "a connection");
		return NULL;
	}
	pg->conn = conn;
	pg->log = log;
	pg->failure = (struct pg_failure){ .sqlstate = "", .message = "" };
	pg->cancel = PQgetCancel(conn);
	pg->cancel_ticket = pg->cancel ? interrupt_set_cancel(cancel_query, pg->cancel) : -1;
	PQsetNoticeReceiver(conn, handle_notice, pg);
	if (session_begin(pg, err) == 0)
		return pg;
	pg_free(pg);
	return NULL;
}

/* libpq's message ends with a newline, and may have several lines. */
static void connection_error(PGconn *conn, struct err *err)
{
	struct slice message = slice_trim(slice_of(PQerrorMessage(conn)));
	err_set(err, ERR_DATABASE, "%.*s", SLICE_ARG(message));
	interrupt_explain(err);
}

/* connect_timeout in seconds, 0 for none: PQconnectPoll() leaves it to its caller. */
static int connect_timeout(PGconn *conn)
{
	int seconds = 0;
	PQconninfoOption *options = PQconninfo(conn);
	for (PQconninfoOption *option = options; option && option->keyword; option++)
		if (strcmp(option->keyword, "connect_timeout") == 0 && option->val)
			seconds = (int)strtol(option->val, NULL, 10);
	PQconninfoFree(options);
	return seconds;
}

static bool is_interrupted(void)
{
	struct err ignored = ERR_INIT;
	return interrupt_check(&ignored) < 0;
}

/* Waits until the connection's socket is ready.  False when the time is over or a signal came: not
 * while signals are held, when a clean-up connects because of one. */
static bool wait_for_socket(PGconn *conn, PostgresPollingStatusType wanted, time_t deadline)
{
	struct pollfd fd = { .fd = PQsocket(conn),
		             .events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT };
	while (!is_interrupted() && (deadline == 0 || time(NULL) < deadline))
		if (poll(&fd, 1, 1000) > 0)
			return true;
	return false;
}

/* PQconnectdbParams() would sit through SIGINT; this does not. */
static PGconn *try_connect(const struct parameters *parameters, struct err *err)
{
	PGconn *conn = PQconnectStartParams(parameters->keywords, parameters->values,
	                                    parameters->expand_name);
	if (!conn) {
		err_memory(err, "a connection");
		return NULL;
	}
	int seconds = PQstatus(conn) == CONNECTION_BAD ? 0 : connect_timeout(conn);
	time_t deadline = seconds > 0 ? time(NULL) + seconds : 0;
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;
	while (PQstatus(conn) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
	       state != PGRES_POLLING_FAILED) {
		if (!wait_for_socket(conn, state, deadline)) {
			if (interrupt_check(err) == 0)
				err_set(err, ERR_DATABASE, "no answer from %s port %s in %d seconds",
				        PQhost(conn), PQport(conn), seconds);
			PQfinish(conn);
			return NULL;
		}
		state = PQconnectPoll(conn);
	}
	return conn;
}

/* Connects, asking for a password when the server wants one and may be given one. */
static PGconn *connect_asking(struct parameters *parameters, enum pg_password mode, struct err *err)
{
	char *password = NULL;
	if (mode == PG_PASSWORD_ALWAYS) {
		password = password_ask("Password: ", err);
		if (!password)
			return NULL;
		set_parameter(parameters, "password", password);
	}
	PGconn *conn = try_connect(parameters, err);
	if (conn && PQstatus(conn) == CONNECTION_BAD && PQconnectionNeedsPassword(conn) &&
	    mode == PG_PASSWORD_AUTO && password_can_ask()) {
		char prompt[256];
		snprintf(prompt, sizeof(prompt), "Password for user %s: ", PQuser(conn));
		PQfinish(conn);
		conn = NULL;
		password = password_ask(prompt, err);
		if (password) {
			set_parameter(parameters, "password", password);
			conn = try_connect(parameters, err);
		}
	}
	password_free(password);
	if (conn && PQstatus(conn) == CONNECTION_BAD) {
		connection_error(conn, err);
		PQfinish(conn);
		conn = NULL;
	}
	return conn;
}

bool pg_is_conninfo(const char *database)
{
	return strncmp(database, "postgresql://", 13) == 0 ||
	       strncmp(database, "postgres://", 11) == 0 || strchr(database, '=') != NULL;
}

/* libpq quotes what it does not understand, which may be (a part of) the password. */
static int conninfo_error(const char *why, struct err *err)
{
	struct slice text = slice_trim(slice_of(why ? why : "out of memory"));
	const char *first = memchr(text.data, '"', text.len), *last = memrchr(text.data, '"', text.len);
	if (!first)
		return err_set(err, ERR_USAGE, "the connection string is not understood: %.*s",
		               SLICE_ARG(text));
	struct slice head = { text.data, (size_t)(first - text.data) };
	struct slice tail = { last + 1, text.len - (size_t)(last + 1 - text.data) };
	return err_set(err, ERR_USAGE, "the connection string is not understood: %.*s\"…\"%.*s",
	               SLICE_ARG(head), SLICE_ARG(tail));
}

static int check_conninfo(const char *database, struct err *err)
{
	char *why = NULL;
	if (!database || !pg_is_conninfo(database))
		return 0;
	PQconninfoOption *options = PQconninfoParse(database, &why);
	int result = options ? 0 : conninfo_error(why, err);
	PQfreemem(why);
	PQconninfoFree(options);
	return result;
}

struct pg *pg_connect(const struct pg_target *target, const char *database_name,
                      const char *program, const struct log *log, struct err *err)
{
	struct parameters parameters = { .expand_name = true };
	const char *database = target->database;
	if (check_conninfo(database, err) < 0)
		return NULL;
	/* The order is psql's: a conninfo string in the place of the name wins over the options. */
	add_parameter(&parameters, "host", target->host);
	add_parameter(&parameters, "port", target->port);
	add_parameter(&parameters, "user", target->user);
	if (database && (!database_name || pg_is_conninfo(database)))
		add_parameter(&parameters, "dbname", database);
	if (database_name)
		add_parameter(&parameters, "dbname", database_name);
	add_parameter(&parameters, "fallback_application_name", program);
	PGconn *conn = connect_asking(&parameters, target->password, err);
	return conn ? pg_new(conn, log, err) : NULL;
}

/* Of several hosts, the one that was reached: another one's snapshots and databases are other ones. */
static void set_place(struct parameters *parameters, const struct pg *pg)
{
	const char *address = PQhostaddr(pg->conn);
	set_parameter(parameters, "host", PQhost(pg->conn));
	set_parameter(parameters, "port", PQport(pg->conn));
	set_parameter(parameters, "hostaddr", address && address[0] ? address : NULL);
	set_parameter(parameters, "target_session_attrs", "any");
}

struct pg *pg_connect_like(const struct pg *pg, const char *database_name, struct err *err)
{
	struct parameters parameters = { .expand_name = false };
	PQconninfoOption *options = PQconninfo(pg->conn);
	for (PQconninfoOption *option = options; option && option->keyword; option++)
		if (option->val && option->val[0])
			set_parameter(&parameters, option->keyword, option->val);
	if (PQpass(pg->conn) && PQpass(pg->conn)[0])
		set_parameter(&parameters, "password", PQpass(pg->conn));
	set_place(&parameters, pg);
	if (database_name)
		set_parameter(&parameters, "dbname", database_name);
	PGconn *conn = options ? connect_asking(&parameters, PG_PASSWORD_NEVER, err) : NULL;
	if (!options)
		err_memory(err, "a connection");
	struct pg *other = conn ? pg_new(conn, pg->log, err) : NULL;
	PQconninfoFree(options);
	return other;
}

void pg_free(struct pg *pg)
{
	if (!pg)
		return;
	interrupt_clear_cancel(pg->cancel_ticket);
	PQfreeCancel(pg->cancel);
	PQclear(pg->failed);
	PQfreemem(pg->row);
	PQfinish(pg->conn);
	buf_release(&pg->failed_message);
	buf_release(&pg->failed_table);
	free(pg);
}

const char *pg_database(const struct pg *pg)
{
	return PQdb(pg->conn);
}

const char *pg_user(const struct pg *pg)
{
	return PQuser(pg->conn);
}

void pg_describe(const struct pg *pg, struct buf *text)
{
	buf_addf(text, "database \"%s\" on %s port %s", PQdb(pg->conn), PQhost(pg->conn),
	         PQport(pg->conn));
}

bool pg_is_local(const struct pg *pg)
{
	const char *host = PQhost(pg->conn), *address = PQhostaddr(pg->conn);
	if (!host || !host[0] || host[0] == '/' || host[0] == '@')
		return true;
	return address && (strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0);
}

int pg_server_version(const struct pg *pg)
{
	return PQserverVersion(pg->conn);
}

const char *pg_parameter(const struct pg *pg, const char *name)
{
	return PQparameterStatus(pg->conn, name);
}

int pg_backend_pid(const struct pg *pg)
{
	return PQbackendPID(pg->conn);
}

bool pg_broken(const struct pg *pg)
{
	return PQstatus(pg->conn) == CONNECTION_BAD;
}

int pg_startup_options(const struct pg *pg, struct buf *text, struct err *err)
{
	PQconninfoOption *options = PQconninfo(pg->conn);
	if (!options)
		return err_memory(err, "a connection's parameters");
	for (PQconninfoOption *option = options; option->keyword; option++)
		if (strcmp(option->keyword, "options") == 0 && option->val)
			buf_adds(text, option->val);
	PQconninfoFree(options);
	return buf_check(text, "a connection's parameters", err);
}

/* libpq's quoting of conninfo values: single quotes, with a backslash before ' and \. */
static void add_conninfo(struct buf *conninfo, const char *keyword, const char *value)
{
	buf_addf(conninfo, "%s%s='", conninfo->len ? " " : "", keyword);
	for (; *value; value++) {
		if (*value == '\'' || *value == '\\')
			buf_addc(conninfo, '\\');
		buf_addc(conninfo, *value);
	}
	buf_addc(conninfo, '\'');
}

/* What a child must not see in its arguments, or finds out by itself, or must not inherit: host and
 * port are those of the server this connection reached, among several. */
static bool is_left_out(const PQconninfoOption *option)
{
	static const char *const left_out[] = { "password",  "sslpassword", "dbname",      "host",
		                                "port",      "hostaddr",    "options",     "service",
		                                "servicefile", "replication",
		                                "target_session_attrs", "load_balance_hosts",
		                                "application_name", "fallback_application_name",
		                                "client_encoding" };
	for (size_t i = 0; i < sizeof(left_out) / sizeof(*left_out); i++)
		if (strcmp(option->keyword, left_out[i]) == 0)
			return true;
	return !option->val || !option->val[0];
}

int pg_child_conninfo(const struct pg *pg, const char *database_name, struct buf *conninfo,
                      const char **password, struct err *err)
{
	PQconninfoOption *options = PQconninfo(pg->conn);
	if (!options)
		return err_memory(err, "a connection's parameters");
	add_conninfo(conninfo, "dbname", database_name ? database_name : pg_database(pg));
	if (PQhost(pg->conn) && PQhost(pg->conn)[0])
		add_conninfo(conninfo, "host", PQhost(pg->conn));
	if (PQport(pg->conn) && PQport(pg->conn)[0])
		add_conninfo(conninfo, "port", PQport(pg->conn));
	for (PQconninfoOption *option = options; option->keyword; option++)
		if (!is_left_out(option))
			add_conninfo(conninfo, option->keyword, option->val);
	PQconninfoFree(options);
	const char *pass = PQpass(pg->conn);
	*password = pass && pass[0] ? pass : NULL;
	return buf_check(conninfo, "a connection's parameters", err);
}
