/*
 * splitter.h - where a statement ends, as psql and PostgreSQL's scanner see it.
 *
 * A script is fed in pieces of any size; the splitter says how many of the bytes it took and what
 * they ended.  It keeps no bytes: only its state, so that a statement of 100 MB costs what its
 * buffer costs, and pieces of one byte give the same answer as one piece.
 *
 *     struct splitter s;
 *     splitter_init(&s);
 *     for (;;) {
 *         size_t taken = splitter_scan(&s, data, len, &event);   data..data+taken belongs to event
 *         …
 *     }
 *     splitter_end(&s, &event)                                   at the end of the input
 *
 * It knows (src/fe_utils/psqlscan.l, src/backend/parser/scan.l, documentation section 4.1):
 * standard and E'' strings and their continuation on a following line, U&'' and N'' B'' X'' strings,
 * standard_conforming_strings off, quoted identifiers, dollar quotes with tags, -- and nested
 * comments, parentheses (CREATE RULE … DO (a; b)), and BEGIN ATOMIC … END bodies.  Such a body ends
 * at an END directly behind a semicolon or behind ATOMIC: that is the backend's grammar
 * (routine_body_stmt_list), and CASE … END or a label named "end" cannot be mistaken for it.
 *
 * A statement starts behind the one before it, so that white space and comments in front of it
 * (its lead) belong to it; splitter_lead_bytes() tells them apart.
 */
#ifndef IDKIT_SQL_SPLITTER_H
#define IDKIT_SQL_SPLITTER_H

#include <stdbool.h>
#include <stddef.h>

enum split_event {
	SPLIT_MORE,      /* all bytes taken, nothing ended */
	SPLIT_STATEMENT, /* the last byte taken is the semicolon that ends the statement */
	SPLIT_COMMENT,   /* in the lead, a -- comment ended: its newline (LF or CR) is the last
	                    byte taken; of a CR LF, the LF is left */
	SPLIT_BACKSLASH, /* the last byte taken is a backslash outside quotes: psql's meta-command */
};

/* What the input ended in the middle of. */
enum split_open {
	SPLIT_OPEN_NOTHING,   /* white space and comments only */
	SPLIT_OPEN_STATEMENT, /* a statement without its semicolon: whole, as far as can be told */
	SPLIT_OPEN_PARENTHESIS,
	SPLIT_OPEN_STRING,
	SPLIT_OPEN_IDENTIFIER,
	SPLIT_OPEN_DOLLAR,
	SPLIT_OPEN_COMMENT,
	SPLIT_OPEN_BODY,      /* BEGIN ATOMIC without END */
};

/* Longest dollar-quote tag, as PostgreSQL cuts identifiers nowhere in it: longer ones are taken as
 * never closed. */
#define SPLITTER_TAG_BYTES 1024

struct splitter {
	int state;
	bool standard_strings;     /* standard_conforming_strings; on at first, set by the caller */
	bool has_token;            /* something other than white space and comments was seen */
	size_t statement_bytes;    /* bytes of the present statement taken so far, its lead included */
	size_t lead_bytes;         /* of these, the lead's */
	unsigned parenthesis_depth;
	/* The rest is the scanner's own. */
	unsigned comment_depth;
	bool in_body;              /* BEGIN ATOMIC, not yet at its END */
	bool lead_ended;
	bool at_start;             /* a statement has ended: the next byte starts another */
	int string_kind;           /* of the present or the last string */
	int continuation;          /* may a quote go on with the last string? */
	int head;                  /* how much of CREATE OR REPLACE FUNCTION was seen */
	int previous;              /* the token before, as far as BEGIN ATOMIC … END needs it */
	char word[12];             /* the present word in lower case; longer ones are no key words */
	size_t word_len;
	char tag[SPLITTER_TAG_BYTES];
	size_t tag_len;            /* more than SPLITTER_TAG_BYTES: too long */
	size_t tag_match;          /* bytes of the tag seen again behind a '$' */
};

void splitter_init(struct splitter *splitter);

/* Takes bytes up to and including the first event's; *event says which. */
size_t splitter_scan(struct splitter *splitter, const char *data, size_t len,
                     enum split_event *event);

/* The input has ended: what in the middle of?  A -- comment without newline is SPLIT_OPEN_NOTHING
 * when in the lead.  The splitter is as after init, standard_strings kept. */
enum split_open splitter_end(struct splitter *splitter);

/* Start over behind bytes that the caller handled itself (COPY data, a meta-command's line);
 * standard_strings is kept. */
void splitter_restart(struct splitter *splitter);

/* Length of the lead of the statement that has just ended (or is being scanned): white space and
 * comments before its first token.  Valid until the next splitter_scan() or restart. */
size_t splitter_lead_bytes(const struct splitter *splitter);

/* "inside a quoted string", …: for messages. */
const char *split_open_text(enum split_open open);

#endif
