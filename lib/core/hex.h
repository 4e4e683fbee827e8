/*
 * hex.h - hexadecimal digits.
 */
#ifndef IDKIT_CORE_HEX_H
#define IDKIT_CORE_HEX_H

/* 0 to 15, or -1 when it is no digit of either case. */
static inline int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

#endif
