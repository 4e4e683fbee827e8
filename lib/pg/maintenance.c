#include "maintenance.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "interrupt.h"

/* A server that lost a backend by kill -9 restarts all. */
#define RECONNECT_ATTEMPTS   60
#define RECONNECT_PAUSE_USEC 500000

struct pg *maintenance_connect(const struct pg_target *target, const char *name,
                               const char *program, const struct log *log, struct err *err)
{
	static const char *const databases[] = { "postgres", "template1" };
	struct err first = ERR_INIT;
	for (size_t i = 0; i < sizeof(databases) / sizeof(*databases); i++) {
		struct err failed = ERR_INIT;
		if (strcmp(databases[i], name) == 0)
			continue;
		struct pg *pg = pg_connect(target, databases[i], program, log, &failed);
		if (pg)
			return pg;
		if (!err_is_set(&first))
			first = failed;
		if (failed.kind == ERR_SIGNAL)
			break;
	}
	*err = first;
	return NULL;
}

int maintenance_reconnect(struct pg **pg, struct err *err)
{
	struct err failed = ERR_INIT;
	for (int i = 0; i < RECONNECT_ATTEMPTS; i++) {
		err_clear(&failed);
		struct pg *again = pg_connect_like(*pg, NULL, &failed);
		if (again) {
			pg_free(*pg);
			*pg = again;
			return 0;
		}
		if (failed.kind != ERR_DATABASE || interrupt_check(&failed) < 0)
			break;
		usleep(RECONNECT_PAUSE_USEC);
	}
	*err = failed;
	return -1;
}

int maintenance_find(struct pg *pg, const char *name, uint32_t *oid, struct err *err)
{
	struct pg_rows *rows =
	    pg_queryf(pg, err, "SELECT oid FROM pg_catalog.pg_database WHERE datname = %L", name);
	if (!rows)
		return -1;
	*oid = pg_rows_count(rows) > 0 ? (uint32_t)strtoul(pg_value(rows, 0, 0), NULL, 10) : 0;
	pg_rows_free(rows);
	return 0;
}

int maintenance_check_name(const char *name, struct err *err)
{
	if (strlen(name) <= DATABASE_NAME_BYTES)
		return 0;
	return err_set(err, ERR_USAGE, "database name \"%s\" is longer than %d bytes", name,
	               DATABASE_NAME_BYTES);
}

void maintenance_rollback(struct pg *pg)
{
	struct err ignored = ERR_INIT;
	interrupt_hold();
	pg_exec(pg, "ROLLBACK", &ignored);
	interrupt_release();
}

int maintenance_drop(struct pg *pg, const char *name, struct err *err)
{
	return pg_runf(pg, err, "DROP DATABASE IF EXISTS %I%s", name,
	               pg_server_version(pg) >= 130000 ? " WITH (FORCE)" : "");
}

int maintenance_drop_patiently(struct pg *pg, const char *name, struct err *err)
{
	if (maintenance_drop(pg, name, err) == 0)
		return 0;
	for (int i = 0; i < RECONNECT_ATTEMPTS; i++) {
		struct err again = ERR_INIT;
		struct pg *other = pg_connect_like(pg, NULL, &again);
		int result = other ? maintenance_drop(other, name, &again) : -1;
		bool refused = other && result < 0 && pg_failure(other)->sqlstate[0] != '\0';
		pg_free(other);
		if (result == 0)
			return 0;
		if (refused)
			return -1;
		usleep(RECONNECT_PAUSE_USEC);
	}
	return -1;
}

void maintenance_cut_name(char *cut, size_t size, const char *name)
{
	size_t len = strlen(name);
	if (len >= size) {
		len = size - 1;
		while (len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(cut, name, len);
	cut[len] = '\0';
}
