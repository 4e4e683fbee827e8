/*
 * outfile_leftover.h - the names of outfile's temporary files, and finding those of dead runs.
 *
 * Internal to outfile.c.  The temporary file of FOLDER/NAME is FOLDER/.NAME.XXXXXX.idkit-tmp, with
 * NAME cut where the whole would be longer than a file's name can be.
 */
#ifndef IDKIT_CORE_OUTFILE_LEFTOVER_H
#define IDKIT_CORE_OUTFILE_LEFTOVER_H

#include "err.h"
#include "log.h"

#define LEFTOVER_SUFFIX       ".idkit-tmp"
#define LEFTOVER_SUFFIX_BYTES ((int)sizeof(LEFTOVER_SUFFIX) - 1)

/* The folder of `path`, "." when it names none.  NULL on error; the caller frees it. */
char *leftover_folder(const char *path, struct err *err);

/* What mkostemps(3) takes.  NULL on error; the caller frees it. */
char *leftover_template(const char *path, struct err *err);

/* A note for each temporary file of `path` that no run holds locked. */
void leftover_note(const char *folder, const char *path, const struct log *log);

#endif
