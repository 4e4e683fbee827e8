#include "format.h"

#include <string.h>

#include "ident.h"

static void add_literal(struct buf *sql, const char *value)
{
	if (value)
		sql_add_literal(sql, slice_of(value));
	else
		buf_adds(sql, "NULL");
}

void sql_addv(struct buf *sql, const char *format, va_list arguments)
{
	const char *percent;
	while ((percent = strchr(format, '%'))) {
		buf_add(sql, format, (size_t)(percent - format));
		switch (percent[1]) {
		case 'I':
			sql_add_identifier(sql, slice_of(va_arg(arguments, const char *)));
			break;
		case 'L':
			add_literal(sql, va_arg(arguments, const char *));
			break;
		case 's':
			buf_adds(sql, va_arg(arguments, const char *));
			break;
		case 'u':
			buf_addf(sql, "%u", va_arg(arguments, unsigned));
			break;
		case 'd':
			buf_addf(sql, "%d", va_arg(arguments, int));
			break;
		case '%':
			buf_addc(sql, '%');
			break;
		default:
			sql->failed = true;
			return;
		}
		format = percent + 2;
	}
	buf_adds(sql, format);
}

void sql_addf(struct buf *sql, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	sql_addv(sql, format, arguments);
	va_end(arguments);
}

int pg_runf(struct pg *pg, struct err *err, const char *format, ...)
{
	struct buf sql = BUF_INIT;
	va_list arguments;
	va_start(arguments, format);
	sql_addv(&sql, format, arguments);
	va_end(arguments);
	int result = buf_check(&sql, "a statement", err);
	if (result == 0)
		result = pg_exec(pg, sql.data, err);
	buf_release(&sql);
	return result;
}

struct pg_rows *pg_queryf(struct pg *pg, struct err *err, const char *format, ...)
{
	struct buf sql = BUF_INIT;
	va_list arguments;
	va_start(arguments, format);
	sql_addv(&sql, format, arguments);
	va_end(arguments);
	struct pg_rows *rows =
	    buf_check(&sql, "a statement", err) == 0 ? pg_query(pg, sql.data, err) : NULL;
	buf_release(&sql);
	return rows;
}
