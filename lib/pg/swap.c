/*
 * The renames.  RenameDatabase() (src/backend/commands/dbcommands.c) takes the database's lock, for
 * which new connections then wait, and looks up to 50 times, each 100 ms, whether anybody is still
 * connected.  So that it is a matter of milliseconds, a second connection ends the sessions (with
 * force), and when the last one has gone sends a NOTIFY that the first one listens to: its signal
 * ends the pause early (pg_usleep(), src/port/pgsleep.c).  When somebody does not go at once, the
 * server's statement_timeout ends the rename, those who wait for the lock are let in, and it is
 * tried again.
 */
#include "swap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "format.h"
#include "interrupt.h"
#include "session.h"
#include "swap_internal.h"

/* The server waits five seconds in each of them for sessions in the source to leave. */
#define SOURCE_ATTEMPTS 12
/* So long others may have to wait in each of the first attempts, then twice as long, and so on;
 * where nobody is ended, waiting long is of no use. */
#define SHORT_ATTEMPTS           5
#define FIRST_HOLD_MS            8
#define LARGEST_HOLD_MS          2000
#define LARGEST_HOLD_UNFORCED_MS 100
/* In which those who waited are let through; doubled, too. */
#define FIRST_PAUSE_MS   20
#define LARGEST_PAUSE_MS 200
/* So long we try. */
#define LONGEST_MS       5000
#define LONGEST_FORCE_MS 30000
/* How long a moment is waited for in which nobody is there, before the lock is asked for. */
#define QUIET_MS 50

/* What is under way: which of the two the server found in use. */
enum stage { STAGE_PREPARING, STAGE_SOURCE, STAGE_PRESENT, STAGE_END };

enum outcome { DONE, AGAIN, FAILED };

struct swap {
	struct pg **pg;
	const struct swap_request *request;
	const struct log *log;
	struct swap_result *result;
	struct pg *helper; /* or NULL */
	enum stage stage;
	uint32_t source, present;
	int backend; /* the server's process of *pg */
	char when[ASIDE_TIME_BYTES + 1];
	char spare[DATABASE_NAME_BYTES + 1]; /* the source's name while it waits for the other */
	int source_attempts, present_attempts;
	int64_t give_up_at; /* on the present one; 0: not tried yet */
};

static int64_t now_usec(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int rename_to(struct swap *swap, const char *from, const char *to, struct err *err)
{
	return pg_runf(*swap->pg, err, "ALTER DATABASE %I RENAME TO %I", from, to);
}

static int look_up(struct swap *swap, struct err *err)
{
	const struct swap_request *request = swap->request;
	if (maintenance_find(*swap->pg, request->source, &swap->source, err) < 0 ||
	    maintenance_find(*swap->pg, request->name, &swap->present, err) < 0)
		return -1;
	if (swap->source == 0)
		return err_set(err, ERR_DATABASE, "database \"%s\" is not there any more", request->source);
	if (request->kind == SWAP_PROPERTIES && swap->present == 0)
		return err_set(err, ERR_DATABASE, "database \"%s\" is not there any more", request->name);
	swap->result->source = swap->source;
	/* Somebody's of that name is for the server to refuse. */
	if (request->kind == SWAP_NAME_ONLY)
		swap->present = 0;
	swap->result->old = swap->present;
	return 0;
}

/* Not for a new database, which nobody knows yet. */
static int connect_helper(struct swap *swap, struct err *err)
{
	if (swap->helper || swap->request->kind == SWAP_NAME_ONLY)
		return 0;
	swap->helper = sessions_helper(*swap->pg, swap->request->force, err);
	return swap->helper ? pg_exec(*swap->pg, "LISTEN " SWAP_CHANNEL, err) : -1;
}

static int prepare(struct swap *swap, struct err *err)
{
	const struct swap_request *request = swap->request;
	switch (request->kind) {
	case SWAP_PROPERTIES:
		return swap_copy_properties(*swap->pg, request->name, request->source, err);
	case SWAP_BACK:
		return pg_runf(*swap->pg, err, "COMMENT ON DATABASE %I IS %L", request->source,
		               request->comment);
	default:
		return 0;
	}
}

/* Not to be foreseen: nobody can have taken it beforehand. */
static int choose_spare(struct swap *swap, struct err *err)
{
	uint32_t taken = 1;
	while (taken != 0) {
		uint64_t random;
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return err_system(err, errno, "no random number for a database's name");
		snprintf(swap->spare, sizeof(swap->spare), "idkit_swap_%016" PRIx64, random);
		if (maintenance_find(*swap->pg, swap->spare, &taken, err) < 0)
			return -1;
	}
	return 0;
}

/* The source goes first, and for a moment to a third name: from then on nobody gets into it, so
 * that its second rename waits for nobody while the present one's lock is held. */
static int move_source(struct swap *swap, struct err *err)
{
	const struct swap_request *request = swap->request;
	swap->stage = STAGE_SOURCE;
	if (swap->present == 0)
		return rename_to(swap, request->source, request->name, err);
	if (choose_spare(swap, err) < 0)
		return -1;
	return rename_to(swap, request->source, swap->spare, err);
}

/* `first` milliseconds in the first attempts at the present one, then twice as long, … */
static int growing(const struct swap *swap, int first, int largest)
{
	for (int i = SHORT_ATTEMPTS; i < swap->present_attempts && first < largest; i++)
		first *= 2;
	return first < largest ? first : largest;
}

/* Others wait from here on: the server ends the statement when that takes too long. */
static int limit_hold(struct swap *swap, struct err *err)
{
	swap->present_attempts++;
	return pg_runf(*swap->pg, err, "SET LOCAL statement_timeout = %d",
	               growing(swap, FIRST_HOLD_MS,
	                       swap->request->force ? LARGEST_HOLD_MS : LARGEST_HOLD_UNFORCED_MS));
}

static int move_present(struct swap *swap, struct err *err)
{
	struct buf sql = BUF_INIT;
	swap->stage = STAGE_PRESENT;
	sql_addf(&sql, "ALTER DATABASE %I RENAME TO %I", swap->request->name, swap->result->aside);
	int result = buf_check(&sql, "a statement", err);
	if (result == 0)
		result = pg_send(*swap->pg, sql.data, err);
	if (result == 0) {
		/* What goes wrong here, the first connection will tell. */
		do
			sessions_hurry(swap->helper, swap->present);
		while (!pg_wait(*swap->pg, 1));
		result = pg_result(*swap->pg, err);
	}
	buf_release(&sql);
	return result;
}

static char *comment_of(struct swap *swap, struct err *err)
{
	struct buf sql = BUF_INIT;
	sql_addf(&sql, "SELECT pg_catalog.shobj_description(%u, 'pg_database')", swap->present);
	char *comment =
	    buf_check(&sql, "a statement", err) == 0 ? pg_query_value(*swap->pg, sql.data, err) : NULL;
	buf_release(&sql);
	return comment;
}

/* Before the renames, while nobody waits. */
static int mark(struct swap *swap, struct err *err)
{
	struct buf text = BUF_INIT;
	char *comment = comment_of(swap, err);
	if (!comment)
		return -1;
	aside_mark_add(&text, swap->when, swap->request->name, comment[0] ? comment : NULL);
	int result = buf_check(&text, "a comment", err);
	if (result == 0)
		result =
		    pg_runf(*swap->pg, err, "COMMENT ON DATABASE %I IS %L", swap->request->name, text.data);
	buf_release(&text);
	free(comment);
	return result;
}

/* Not to be interrupted, as the other COMMIT: what became of it would have to be found out. */
static int exchange(struct swap *swap, struct err *err)
{
	int64_t began = now_usec();
	if (move_present(swap, err) < 0)
		return -1;
	swap->stage = STAGE_END;
	/* A COMMIT may wait for a standby. */
	if (pg_exec(*swap->pg, "SET LOCAL statement_timeout = 0", err) < 0 ||
	    rename_to(swap, swap->spare, swap->request->name, err) < 0 ||
	    pg_exec(*swap->pg, "COMMIT", err) < 0)
		return -1;
	log_detail(swap->log, "renamed in %.1f ms, at attempt %d", (double)(now_usec() - began) / 1000,
	           swap->present_attempts);
	return 0;
}

/* So that usually nobody has to go while others wait for the lock. */
static int clear(struct swap *swap, struct err *err)
{
	if (swap->request->force && sessions_end(swap->helper, swap->present, err) < 0)
		return -1;
	for (int i = 0; i < QUIET_MS && !sessions_hurry(swap->helper, swap->present); i++)
		usleep(1000);
	return 0;
}

static int set_aside(struct swap *swap, struct err *err)
{
	swap->stage = STAGE_PREPARING;
	if (mark(swap, err) < 0 || limit_hold(swap, err) < 0 || clear(swap, err) < 0)
		return -1;
	interrupt_hold();
	int result = exchange(swap, err);
	interrupt_release();
	return result;
}

static int commit_name(struct swap *swap, struct err *err)
{
	swap->stage = STAGE_END;
	interrupt_hold();
	int result = pg_exec(*swap->pg, "COMMIT", err);
	interrupt_release();
	return result;
}

static int attempt(struct swap *swap, struct err *err)
{
	swap->stage = STAGE_PREPARING;
	swap->backend = pg_backend_pid(*swap->pg);
	if (look_up(swap, err) < 0 || connect_helper(swap, err) < 0 ||
	    (swap->request->force && sessions_end(swap->helper, swap->source, err) < 0) ||
	    (swap->present != 0 && aside_choose_name(*swap->pg, swap->request->name, swap->when,
	                                             swap->result->aside, err) < 0) ||
	    pg_exec(*swap->pg, "BEGIN", err) < 0 || session_commit_to_disk(*swap->pg, err) < 0 ||
	    prepare(swap, err) < 0 || move_source(swap, err) < 0)
		return -1;
	return swap->present != 0 ? set_aside(swap, err) : commit_name(swap, err);
}

/* The connection broke, and the answer to its last statement is unknown: a new one tells. */
static enum outcome find_out(struct swap *swap, struct err *err)
{
	const struct swap_request *request = swap->request;
	bool is_done = false;
	pg_free(swap->helper);
	swap->helper = NULL;
	if (outcome_ask(swap->pg, swap->backend, swap->source, request->name, &is_done, err) < 0) {
		if (swap->stage != STAGE_END)
			return FAILED;
		swap->result->unknown = true;
		outcome_explain(swap->source, request->name, request->source, err);
		return FAILED;
	}
	if (!is_done)
		return AGAIN;
	err_clear(err);
	return DONE;
}

/* Not an error of what is asked for, but of the moment. */
static bool is_passing(const char *sqlstate)
{
	static const char *const passing[] = {
		"55006", /* in use */
		"57014", /* cancelled: by us */
		"40P01", /* deadlock */
		"XX000", /* tuple concurrently updated */
	};
	for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
		if (strcmp(sqlstate, passing[i]) == 0)
			return true;
	return false;
}

static bool is_broken(const struct swap *swap)
{
	return pg_broken(*swap->pg) || (swap->helper && pg_broken(swap->helper)) ||
	       strncmp(pg_failure(*swap->pg)->sqlstate, "57P", 3) == 0;
}

static enum outcome judge(struct swap *swap, struct err *err)
{
	const char *sqlstate = pg_failure(*swap->pg)->sqlstate;
	if (err->kind == ERR_DATABASE && is_broken(swap))
		return find_out(swap, err);
	bool passing = swap->stage != STAGE_PREPARING && is_passing(sqlstate);
	/* The name that it was to have has been taken meanwhile. */
	passing = passing || (swap->stage == STAGE_PRESENT && strcmp(sqlstate, "42P04") == 0);
	maintenance_rollback(*swap->pg);
	return passing && err->kind == ERR_DATABASE ? AGAIN : FAILED;
}

static void note_source_users(struct swap *swap)
{
	struct err ignored = ERR_INIT;
	struct buf text = BUF_INIT;
	if (sessions_describe(*swap->pg, swap->source, &text, &ignored) > 0)
		log_note(swap->log,
		         "database \"%s\" waits for its name: somebody is connected to \"%s\"\n%s",
		         swap->request->name, swap->request->source, text.data);
	buf_release(&text);
}

static bool may_try_again(struct swap *swap)
{
	int64_t now = now_usec();
	if (swap->stage == STAGE_SOURCE) {
		note_source_users(swap);
		return ++swap->source_attempts < SOURCE_ATTEMPTS;
	}
	if (swap->give_up_at == 0)
		swap->give_up_at = now + 1000 * (swap->request->force ? LONGEST_FORCE_MS : LONGEST_MS);
	usleep(1000 * (useconds_t)growing(swap, FIRST_PAUSE_MS, LARGEST_PAUSE_MS));
	return now < swap->give_up_at;
}

/* Who was in the way, instead of the server's "is being accessed by other users". */
static int explain(struct swap *swap, struct err *err)
{
	bool is_source = swap->stage == STAGE_SOURCE;
	const char *name = is_source ? swap->request->source : swap->request->name;
	struct err ignored = ERR_INIT;
	struct buf text = BUF_INIT;
	if (sessions_describe(*swap->pg, is_source ? swap->source : swap->present, &text, &ignored) >
	    0) {
		err_clear(err);
		err_set(err, ERR_DATABASE, "database \"%s\" is in use\n%s", name, text.data);
	} else if (sessions_check_prepared(*swap->pg, name, &ignored) < 0 &&
	           ignored.kind == ERR_DATABASE && !pg_broken(*swap->pg)) {
		*err = ignored;
	}
	buf_release(&text);
	return -1;
}

int swap_run(struct pg **pg, const struct swap_request *request, const struct log *log,
             struct swap_result *result, struct err *err)
{
	struct swap swap = { .pg = pg, .request = request, .log = log, .result = result };
	enum outcome outcome;
	do {
		err_clear(err);
		outcome = attempt(&swap, err) == 0 ? DONE : judge(&swap, err);
	} while (outcome == AGAIN && may_try_again(&swap));
	if (outcome == AGAIN)
		explain(&swap, err);
	pg_free(swap.helper);
	return outcome == DONE ? 0 : -1;
}
