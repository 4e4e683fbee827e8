#include "regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

/* A pattern that backtracks without end is stopped: these are a second or two of work. */
#define MATCH_LIMIT 20000000
#define HEAP_LIMIT_KIB 65536
/* What JIT code may take beyond the machine's stack, for long statements. */
#define JIT_STACK_START_BYTES (32 * 1024)
#define JIT_STACK_LARGEST_BYTES (16 * 1024 * 1024)

struct regex {
	char *pattern;
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
};

/* The length of the bracket expression at `p`, or of its '[' alone when it has no end. */
static size_t bracket_bytes(const char *p)
{
	const char *at = p + 1;
	at += *at == '^';
	at += *at == ']';
	for (; *at && *at != ']'; at++) {
		const char *class_end = at[0] == '[' && at[1] == ':' ? strstr(at + 2, ":]") : NULL;
		if (class_end)
			at = class_end + 1;
		else if (at[0] == '\\' && at[1])
			at++;
	}
	return *at ? (size_t)(at + 1 - p) : 1;
}

/* GNU's word ends, in PCRE2's words. */
static void translate(const char *pattern, struct buf *out)
{
	for (const char *p = pattern; *p;) {
		size_t taken = p[0] == '\\' && p[1] ? 2 : p[0] == '[' ? bracket_bytes(p) : 1;
		if (p[0] == '\\' && p[1] == '<')
			buf_adds(out, "\\b(?=\\w)");
		else if (p[0] == '\\' && p[1] == '>')
			buf_adds(out, "\\b(?<=\\w)");
		else
			buf_add(out, p, taken);
		p += taken;
	}
}

static pcre2_code *compile(const char *pattern, bool ignore_case, struct err *err)
{
	struct buf text = BUF_INIT;
	int code;
	PCRE2_SIZE offset;
	pcre2_code *compiled = NULL;
	uint32_t options = PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
	if (ignore_case)
		options |= PCRE2_CASELESS;
	translate(pattern, &text);
	if (buf_check(&text, "a regular expression", err) < 0)
		goto out;
	compiled = pcre2_compile((PCRE2_SPTR)(text.data ? text.data : ""), text.len, options, &code,
	                         &offset, NULL);
	if (!compiled) {
		char reason[256];
		pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof(reason));
		err_set(err, ERR_USAGE,
		        "the regular expression can't be read: %s\n  %s\n  %*s^ here", reason,
		        text.data ? text.data : "", (int)offset, "");
	}
out:
	buf_release(&text);
	return compiled;
}

/* "" and "a|" match nothing at any place, and so every statement: a variable that was not set.  "^$"
 * does not. */
static int check_selective(const struct regex *regex, struct err *err)
{
	static const char any[] = "\x1f any \x1f";
	int found = pcre2_match(regex->code, (PCRE2_SPTR)any, sizeof(any) - 1, 0, 0, regex->match,
	                        regex->context);
	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(regex->match);
	if (found >= 0 && ends[0] == ends[1])
		return err_set(err, ERR_USAGE,
		               "the regular expression \"%s\" matches every statement, since it "
		               "matches the empty text: is a variable not set?",
		               regex->pattern);
	return 0;
}

struct regex *regex_new(const char *pattern, bool ignore_case, struct err *err)
{
	struct regex *regex = calloc(1, sizeof(*regex));
	if (!regex) {
		err_memory(err, "a regular expression");
		return NULL;
	}
	regex->code = compile(pattern, ignore_case, err);
	if (!regex->code)
		goto failed;
	regex->pattern = strdup(pattern);
	regex->match = pcre2_match_data_create_from_pattern(regex->code, NULL);
	regex->context = pcre2_match_context_create(NULL);
	regex->stack = pcre2_jit_stack_create(JIT_STACK_START_BYTES, JIT_STACK_LARGEST_BYTES, NULL);
	if (!regex->pattern || !regex->match || !regex->context || !regex->stack) {
		err_memory(err, "a regular expression");
		goto failed;
	}
	/* Without JIT (another processor) matching works all the same. */
	pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
	pcre2_jit_stack_assign(regex->context, NULL, regex->stack);
	pcre2_set_match_limit(regex->context, MATCH_LIMIT);
	pcre2_set_heap_limit(regex->context, HEAP_LIMIT_KIB);
	if (check_selective(regex, err) < 0)
		goto failed;
	return regex;
failed:
	regex_free(regex);
	return NULL;
}

void regex_free(struct regex *regex)
{
	if (!regex)
		return;
	pcre2_jit_stack_free(regex->stack);
	pcre2_match_context_free(regex->context);
	pcre2_match_data_free(regex->match);
	pcre2_code_free(regex->code);
	free(regex->pattern);
	free(regex);
}

int regex_match(const struct regex *regex, struct slice subject, struct err *err)
{
	int found = pcre2_match(regex->code, (PCRE2_SPTR)(subject.data ? subject.data : ""),
	                        subject.len, 0, 0, regex->match, regex->context);
	if (found >= 0)
		return 1;
	if (found == PCRE2_ERROR_NOMATCH)
		return 0;
	char reason[256];
	pcre2_get_error_message(found, (PCRE2_UCHAR *)reason, sizeof(reason));
	return err_set(err, ERR_USAGE, "the regular expression \"%s\" gave up: %s: simplify it",
	               regex->pattern, reason);
}

const char *regex_pattern(const struct regex *regex)
{
	return regex->pattern;
}
