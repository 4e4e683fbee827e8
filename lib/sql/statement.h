/*
 * statement.h - what a statement is: its class, its object, its section.
 *
 * pg_dump says it itself in a comment before the statement ("-- Name: a; Type: TABLE; Schema:
 * public; Owner: joe", printed by _printTocEntry() in src/bin/pg_dump/pg_backup_archiver.c); for
 * what other people wrote the first words are looked at.  Looking is shallow: it must be right about
 * what it names, and says CLASS_OTHER when in doubt.
 */
#ifndef IDKIT_SQL_STATEMENT_H
#define IDKIT_SQL_STATEMENT_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

enum section {
	SECTION_NONE, /* before anything that tells */
	/* Roles, which belong to the server, not to the database: archives carry them (globals.sql.zst,
	 * behind header.json), plain streams don't; a restore runs them when asked (pg/target_roles.h). */
	SECTION_GLOBALS,
	SECTION_PRE_DATA,
	SECTION_DATA,
	SECTION_POST_DATA,
};

/* "globals", "pre-data", "data", "post-data", "none". */
const char *section_name(enum section section);
bool section_parse(struct slice name, enum section *section);

enum statement_class {
	CLASS_OTHER,
	CLASS_SET,             /* SET name = …, RESET: a session setting (not SET TRANSACTION) */
	CLASS_SET_CONFIG,      /* SELECT [pg_catalog.]set_config('name', …) alone */
	CLASS_SESSION_USER,    /* SET SESSION AUTHORIZATION, SET ROLE, RESET of these */
	CLASS_BEGIN,           /* BEGIN, START TRANSACTION */
	CLASS_COMMIT,          /* COMMIT, END */
	CLASS_ROLLBACK,        /* ROLLBACK, ABORT; not ROLLBACK TO */
	CLASS_PREPARED,        /* PREPARE TRANSACTION, COMMIT PREPARED, ROLLBACK PREPARED */
	CLASS_OWNER,           /* ALTER … OWNER TO */
	CLASS_ACL,             /* GRANT, REVOKE, ALTER DEFAULT PRIVILEGES */
	CLASS_COMMENT,         /* COMMENT ON */
	CLASS_SECURITY_LABEL,  /* SECURITY LABEL */
	CLASS_DROP,            /* DROP …, ALTER TABLE … DROP CONSTRAINT, ALTER … DROP DEFAULT */
	CLASS_CREATE,          /* CREATE … (not of a database) */
	CLASS_ALTER,
	CLASS_INSERT,
	CLASS_COPY_IN,         /* COPY … FROM STDIN */
	CLASS_COPY_OUT,        /* COPY … TO STDOUT */
	CLASS_COPY_OTHER,      /* COPY FROM or TO a file or program of the server */
	CLASS_SETVAL,          /* SELECT [pg_catalog.]setval('…', …) alone */
	CLASS_LARGE_OBJECT,    /* SELECT [pg_catalog.]lo_create(…), lo_put, lowrite, … alone */
	CLASS_CREATE_DATABASE,
	CLASS_DROP_DATABASE,
	CLASS_ALTER_DATABASE,  /* also COMMENT, GRANT, REVOKE, SECURITY LABEL ON DATABASE;
	                        * ALTER ROLE … IN DATABASE; UPDATE pg_database */
	CLASS_CREATE_ROLE,     /* CREATE, ALTER, DROP ROLE, USER, GROUP, TABLESPACE: cluster-wide */
	CLASS_CONNECT,         /* \connect */
	CLASS_RESTRICT,        /* \restrict */
	CLASS_UNRESTRICT,      /* \unrestrict */
	CLASS_ENCODING,        /* \encoding: SET client_encoding */
	CLASS_EMPTY,           /* only white space, comments and perhaps a semicolon */
};

/* One of psql's commands that scripts of pg_dump hold: it ends with its line. */
bool statement_is_command(enum statement_class class);
/* About the session that runs the script, not about an object: a setting, a role, a command. */
bool statement_is_session(enum statement_class class);

/* Type, schema, name and owner as pg_dump names them; a slice is absent when not known. */
struct object {
	struct slice type;
	struct slice schema;
	struct slice name;
	struct slice owner;
};

/* The class, from the statement's words. */
enum statement_class statement_classify(struct slice sql, bool standard_strings);

/* Type, schema and name read from CREATE, ALTER, DROP, COMMENT, COPY, INSERT and setval statements
 * of hand-written SQL.  The name and the schema are appended to `names`, which must outlive the
 * slices; another call with the same buffer may move them.  False when it can't be told (several
 * objects, a cast).  Types are pg_dump's words: TABLE, SEQUENCE SET, TABLE DATA, FUNCTION, …; so are
 * the names of parts ("table constraint", "COLUMN t.c"), but a function's name comes without its
 * arguments. */
bool statement_object(struct slice sql, bool standard_strings, struct buf *names,
                      struct object *object);

/* For CLASS_SET, CLASS_SET_CONFIG and CLASS_ENCODING: the setting's name in lower case appended to `name` and, when
 * it is one word or string, its value to `value`.  SET TIME ZONE, NAMES, SCHEMA and XML OPTION give the names
 * of the settings that they set. */
bool statement_setting(struct slice sql, bool standard_strings, struct buf *name,
                       struct buf *value);

/* How a statement names the database that it is about. */
enum database_naming {
	DATABASE_NONE,       /* it is about none */
	DATABASE_UNKNOWN,    /* several, or it can't be told which */
	DATABASE_IDENTIFIER, /* x or "X y" */
	DATABASE_LITERAL,    /* UPDATE pg_database … WHERE datname = 'x' */
};

/* For all that makes CLASS_CREATE_DATABASE, CLASS_DROP_DATABASE and CLASS_ALTER_DATABASE: *name is
 * where in `sql` the name stands, quotes included; absent for NONE and UNKNOWN. */
enum database_naming statement_database(struct slice sql, bool standard_strings,
                                        struct slice *name);

/* Appends the statement with another database's name in that place, written as it must be there;
 * false, and nothing appended, when it names none. */
bool statement_rename_database(struct slice sql, bool standard_strings, struct slice new_name,
                               struct buf *renamed);

/* Where a CLASS_CONNECT leads. */
enum connect_target {
	CONNECT_UNKNOWN,  /* can't be told: a URI, a host, what psql would substitute */
	CONNECT_ROLE,     /* as another role */
	CONNECT_DATABASE, /* to a database by its name, or to the same again */
};

/* Reads the arguments as psql does; the database's name, which is empty for "the same", is appended
 * to `database` for CONNECT_DATABASE only. */
enum connect_target statement_connect(struct slice command, struct buf *database);

/*
 * The comment that pg_dump writes before an object, found in a statement's lead.  The object's
 * slices point into `lead`.  *comment is the whole block of three lines ("--\n-- Name: …\n--\n").
 * Understands "-- Name:", "-- Data for Name:" and "-- Statistics for Name:"; "-" means absent.
 * The last one in the lead counts.
 */
bool toc_comment_parse(struct slice lead, struct object *object, struct slice *comment);

/* The section of an object type of pg_dump ("TABLE", "INDEX", "FK CONSTRAINT", "TABLE DATA", …):
 * SECTION_NONE for types whose section depends on what they belong to (ACL, COMMENT, SECURITY
 * LABEL) and for unknown ones. */
enum section section_of_type(struct slice type);

/*
 * Must the statement run behind the rows, as far as its own words tell: an index, a constraint,
 * a trigger, a rule, a policy, a right, …?  pg_dump's comment above it is no proof: the names in it are
 * whatever somebody called a schema.
 */
bool statement_is_post_data(struct slice sql, bool standard_strings);

/* COPY … FROM STDIN: the table, its columns, the format. */
struct copy_header {
	struct buf schema;       /* empty when not written */
	struct buf table;
	struct buf *columns;     /* `column_count` of them */
	size_t column_count;
	bool has_columns;        /* a list was written (it may not be empty) */
	bool text_format;        /* plain COPY text: no csv, binary, delimiter, null, header, where … */
	bool binary_format;
};
#define COPY_HEADER_INIT { BUF_INIT, BUF_INIT, 0, 0, false, false, false }
/* 0, or -1 with ERR_INPUT when it can't be read. */
int copy_header_parse(struct slice sql, bool standard_strings, struct copy_header *header,
                      struct err *err);
void copy_header_release(struct copy_header *header);

#endif
