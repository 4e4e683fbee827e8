/*
 * password.h - asking for a password on the terminal, as psql does.
 */
#ifndef IDKIT_PG_PASSWORD_H
#define IDKIT_PG_PASSWORD_H

#include <stdbool.h>

#include "err.h"

/* Is there a terminal (/dev/tty) to ask on? */
bool password_can_ask(void);

/* Asks with echo off; malloc'ed, password_free() wipes it.  NULL on error. */
char *password_ask(const char *prompt, struct err *err);
void password_free(char *password);

#endif
