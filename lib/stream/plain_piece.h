/*
 * plain_piece.h - reading a piece of a stream of ours: an archive's member of statements.
 */
#ifndef IDKIT_STREAM_PLAIN_PIECE_H
#define IDKIT_STREAM_PLAIN_PIECE_H

#include "record.h"

/* What goes on from piece to piece. */
struct plain_piece_state {
	enum section section;   /* of the last statement: SECTION_NONE at first */
	uint64_t statements;    /* so far */
	bool standard_strings;  /* true at first */
};

/*
 * Delivers the statements and comments in `text`, which lies in `folder`'s folder.  `name` is for
 * messages: "NAME:LINE: …".  ERR_INPUT for rows among the statements, marks that don't belong there,
 * and an end inside a statement.
 */
int plain_piece_read(struct slice text, const char *name, enum section folder,
                     struct plain_piece_state *state, struct sink *sink, struct err *err);

#endif
