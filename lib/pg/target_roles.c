#include "target_roles.h"

#include <stdlib.h>
#include <string.h>

#include "ident.h"

struct target_roles {
	struct sink sink;
	struct sink *next;
	struct target_roles_options options;
	const struct log *log;
	/* The stream's definitions, each with a NUL behind it. */
	struct buf statements;
};

static int filter_write(struct sink *sink, const struct record *record, struct err *err)
{
	struct target_roles *filter = (struct target_roles *)sink;
	if (record->kind != RECORD_STATEMENT || record->section != SECTION_GLOBALS)
		return sink_write(filter->next, record, err);
	if (record->statement.class == CLASS_EMPTY)
		return 0;
	buf_add_slice(&filter->statements, record->statement.sql);
	buf_addc(&filter->statements, '\0');
	return buf_check(&filter->statements, "the stream's roles", err);
}

static int filter_finish(struct sink *sink, struct err *err)
{
	return sink_finish(((struct target_roles *)sink)->next, err);
}

static void filter_free(struct sink *sink)
{
	struct target_roles *filter = (struct target_roles *)sink;
	sink_free(filter->next);
	buf_release(&filter->statements);
	free(filter);
}

/* Rows are none of its business. */
static struct sink *filter_branch(struct sink *sink, struct err *err)
{
	return sink_branch(((struct target_roles *)sink)->next, err);
}

static const struct sink_ops filter_ops = {
	.write = filter_write,
	.finish = filter_finish,
	.free = filter_free,
	.branch = filter_branch,
};

static const struct sink_ops filter_ops_without_branch = {
	.write = filter_write,
	.finish = filter_finish,
	.free = filter_free,
};

struct sink *target_roles_new(const struct target_roles_options *options, struct sink *next,
                              const struct log *log, struct err *err)
{
	struct target_roles *filter = calloc(1, sizeof(*filter));
	if (!filter) {
		sink_free(next);
		err_memory(err, "a filter");
		return NULL;
	}
	filter->sink.ops = sink_can_branch(next) ? &filter_ops : &filter_ops_without_branch;
	filter->next = next;
	filter->options = *options;
	filter->log = log;
	return &filter->sink;
}

static int run_statements(const struct target_roles *filter, struct pg *pg, struct err *err)
{
	const char *sql = filter->statements.data;
	const char *end = sql + filter->statements.len;
	for (; sql < end; sql += strlen(sql) + 1)
		if (pg_exec(pg, sql, err) < 0)
			return -1;
	return 0;
}

/* Appends the roles that are not among `before`, an array of OIDs. */
static int list_new(struct pg *pg, const char *before, struct buf *names, struct err *err)
{
	struct buf sql = BUF_INIT;
	char *list = NULL;
	buf_adds(&sql, "SELECT pg_catalog.string_agg(pg_catalog.quote_ident(rolname), ', ' ORDER BY "
	               "rolname) FROM pg_catalog.pg_roles WHERE oid <> ALL (");
	sql_add_literal(&sql, slice_of(before));
	buf_adds(&sql, "::pg_catalog.oid[])");
	if (buf_check(&sql, "a statement", err) == 0)
		list = pg_query_value(pg, sql.data, err);
	buf_release(&sql);
	if (!list)
		return -1;
	buf_adds(names, list);
	free(list);
	return buf_check(names, "the roles", err);
}

static int create_in(const struct target_roles *filter, struct pg *pg, struct buf *names,
                     struct err *err)
{
	int result = -1;
	char *before = NULL;
	if (pg_exec(pg, "BEGIN", err) < 0)
		return -1;
	before = pg_query_value(
		pg, "SELECT pg_catalog.array_agg(oid) FROM pg_catalog.pg_roles", err);
	if (!before || run_statements(filter, pg, err) < 0 || list_new(pg, before, names, err) < 0 ||
	    pg_commit(pg, err) < 0)
		goto out;
	result = 0;
out:
	free(before);
	return result;
}

static bool has_passwords(const struct target_roles *filter)
{
	const char *sql = filter->statements.data;
	const char *end = sql + filter->statements.len;
	for (; sql < end; sql += strlen(sql) + 1)
		if (strcasestr(sql, "PASSWORD"))
			return true;
	return false;
}

/*
 * Where the server writes a statement's text: its log, also that of one that fails (as STATEMENT, and as
 * CONTEXT, which terse leaves out) and of one that was at work when the server crashed, and
 * statistics.  Before BEGIN, which decides whether a transaction is sampled.  Others than superusers
 * may not say so.
 */
static int keep_out_of_log(struct pg *pg, struct err *err)
{
	return pg_exec(pg,
	               "SELECT pg_catalog.set_config(s.name, v.value, false) FROM (VALUES "
	               "('log_statement', 'none'), ('log_min_error_statement', 'panic'), "
	               "('log_error_verbosity', 'terse'), ('log_min_duration_statement', '-1'), "
	               "('log_min_duration_sample', '-1'), ('log_transaction_sample_rate', '0'), "
	               "('debug_print_parse', 'off'), ('debug_print_rewritten', 'off'), "
	               "('track_activities', 'off'), ('pg_stat_statements.track', 'none')) "
	               "v (name, value) JOIN pg_catalog.pg_settings s ON s.name = v.name",
	               err);
}

/* Asked first: what the server refuses it may write into its log. */
static int read_rights(struct pg *pg, bool *is_superuser, bool *may_create, struct err *err)
{
	struct pg_rows *rows = pg_query(pg,
	                                "SELECT rolsuper, rolsuper OR rolcreaterole "
	                                "FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER",
	                                err);
	int result = -1;
	if (rows && pg_rows_count(rows) == 1) {
		*is_superuser = pg_value_bool(rows, 0, 0);
		*may_create = pg_value_bool(rows, 0, 1);
		result = 0;
	} else if (rows) {
		err_set(err, ERR_DATABASE, "the role is not there any more");
	}
	pg_rows_free(rows);
	return result;
}

static int create_if_allowed(const struct target_roles *filter, struct pg *pg, bool *may_create,
                             struct buf *names, struct err *err)
{
	bool is_superuser;
	if (read_rights(pg, &is_superuser, may_create, err) < 0)
		return -1;
	if (!*may_create)
		return 0;
	if (is_superuser && has_passwords(filter) && keep_out_of_log(pg, err) < 0)
		return -1;
	return create_in(filter, pg, names, err);
}

/* *may_create is false when the role may not: then nothing was sent. */
static int create_roles(const struct target_roles *filter, struct pg *pg, bool *may_create,
                        struct err *err)
{
	struct buf names = BUF_INIT;
	struct pg *own = pg_connect_like(pg, NULL, err);
	int result = own ? create_if_allowed(filter, own, may_create, &names, err) : -1;
	if (result < 0)
		err_prefix(err, "%s: its roles can't be created", filter->options.input_name);
	else if (names.len > 0)
		log_note(filter->log, "created roles: %s; they stay, whatever becomes of the restore",
		         names.data);
	pg_free(own);
	buf_release(&names);
	return result;
}

static bool is_needed(const struct target_roles *filter, enum stream_role use)
{
	return use == STREAM_ROLE_OWNER ? !filter->options.no_owner
	       : use == STREAM_ROLE_ACL ? !filter->options.no_acl
	                                : true;
}

/* Appends a VALUES list of the names; nothing when none is needed. */
static void add_needed(const struct target_roles *filter, const struct stream_header *header,
                       struct buf *sql)
{
	for (enum stream_role use = 0; use < STREAM_ROLE_USES; use++) {
		size_t count = is_needed(filter, use) ? stream_header_role_count(header, use) : 0;
		for (size_t i = 0; i < count; i++) {
			const char *name = stream_header_role(header, use, i);
			if (!name)
				continue;
			buf_adds(sql, sql->len > 0 ? ", (" : "(");
			sql_add_literal(sql, slice_of(name));
			buf_addc(sql, ')');
		}
	}
}

/* Those of the list that the server lacks: "a, b", malloc'ed; "" for none. */
static char *find_missing(struct pg *pg, const struct buf *needed, struct err *err)
{
	struct buf sql = BUF_INIT;
	char *names = NULL;
	buf_adds(&sql, "SELECT pg_catalog.string_agg(pg_catalog.quote_ident(name), ', ' ORDER BY name)"
	               " FROM (SELECT DISTINCT v.name FROM (VALUES ");
	buf_add_slice(&sql, buf_slice(needed));
	buf_adds(&sql, ") v (name) WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r"
	               " WHERE r.rolname = v.name::pg_catalog.name)) missing");
	if (buf_check(&sql, "a statement", err) == 0)
		names = pg_query_value(pg, sql.data, err);
	buf_release(&sql);
	return names;
}

static int refuse_missing(const struct target_roles *filter, const struct pg *pg,
                          const char *missing, bool may_create, struct err *err)
{
	bool could_create = filter->statements.len > 0 && !filter->options.create;
	err_set(err, ERR_DATABASE,
	        "%s: the server lacks roles that it names: %s; nothing was restored",
	        filter->options.input_name, missing);
	if (!may_create)
		err_append(err, "\nDETAIL:  Role \"%s\" may not create roles: that takes CREATEROLE.",
		           pg_user(pg));
	return err_append(err,
	                  "\nHINT:  Create them, %sor leave out what names them with --no-owner and "
	                  "--no-acl.",
	                  could_create ? "let --roles create them as they were, " : "");
}

static int check_roles(const struct target_roles *filter, struct pg *pg,
                       const struct stream_header *header, bool may_create, struct err *err)
{
	struct buf needed = BUF_INIT;
	char *missing = NULL;
	int result = 0;
	add_needed(filter, header, &needed);
	if (needed.len == 0 && !needed.failed)
		goto out;
	missing = find_missing(pg, &needed, err);
	if (!missing)
		result = -1;
	else if (missing[0])
		result = refuse_missing(filter, pg, missing, may_create, err);
out:
	free(missing);
	buf_release(&needed);
	return result;
}

int target_roles_prepare(struct sink *sink, struct pg *pg, const struct stream_header *header,
                         struct err *err)
{
	const struct target_roles *filter = (const struct target_roles *)sink;
	bool may_create = true;
	if (filter->options.create && filter->statements.len == 0)
		log_note(filter->log, "%s holds no roles: --roles has nothing to do",
		         filter->options.input_name);
	if (filter->options.create && filter->statements.len > 0 &&
	    create_roles(filter, pg, &may_create, err) < 0)
		return -1;
	if (check_roles(filter, pg, header, may_create, err) < 0)
		return -1;
	if (!may_create)
		log_note(filter->log, "role \"%s\" may not create roles, and all that %s names are there",
		         pg_user(pg), filter->options.input_name);
	return 0;
}
