/*
 * regex.h - regular expressions over statements: PCRE2, with the few things of grep -E that differ.
 *
 * Recipes are written for GNU grep -E; "\<" and "\>" (word ends), which PCRE2 lacks, are
 * understood, all else is PCRE2 (pcre2pattern(3)).  A whole statement is what a line is to grep: "^"
 * and "$" are its ends, "." matches its newlines.
 */
#ifndef IDKIT_FILTER_REGEX_H
#define IDKIT_FILTER_REGEX_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

struct regex;

/* NULL with ERR_USAGE that shows where in the pattern it went wrong, or says that it matches the empty
 * text everywhere. */
struct regex *regex_new(const char *pattern, bool ignore_case, struct err *err);
void regex_free(struct regex *regex);

/* 1 it matches, 0 it does not, -1 with ERR_USAGE when it took too many steps to tell. */
int regex_match(const struct regex *regex, struct slice subject, struct err *err);

/* As it was given. */
const char *regex_pattern(const struct regex *regex);

#endif
