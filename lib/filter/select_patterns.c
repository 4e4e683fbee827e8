#include "select_patterns.h"

#include <stdlib.h>
#include <string.h>

#include "ident.h"

static int compile(struct name_pattern *pattern, bool of_schema, struct err *err)
{
	struct buf schema = BUF_INIT, name = BUF_INIT;
	int result = of_schema ? sql_pattern_regex(pattern->text, &schema, err)
	                       : sql_pattern_regexes(pattern->text, &schema, &name, err);
	if (result == 0 && schema.len > 0 && !(pattern->schema = regex_new(schema.data, false, err)))
		result = -1;
	if (result == 0 && name.len > 0 && !(pattern->name = regex_new(name.data, false, err)))
		result = -1;
	buf_release(&schema);
	buf_release(&name);
	return result;
}

static int init(struct name_patterns *patterns, const char *const *texts, size_t count,
                bool of_schema, struct err *err)
{
	patterns->items = calloc(count + 1, sizeof(*patterns->items));
	if (!patterns->items)
		return err_memory(err, "the patterns");
	for (; patterns->count < count; patterns->count++) {
		struct name_pattern *pattern = &patterns->items[patterns->count];
		pattern->text = strdup(texts[patterns->count]);
		if (!pattern->text)
			return err_memory(err, "the patterns");
		if (compile(pattern, of_schema, err) < 0) {
			patterns->count++;
			return -1;
		}
	}
	return 0;
}

int select_patterns_init(struct select_patterns *patterns, const struct selection *selection,
                         struct err *err)
{
	if (init(&patterns->schemas, selection->schemas, selection->schema_count, true, err) < 0 ||
	    init(&patterns->exclude_schemas, selection->exclude_schemas,
	         selection->exclude_schema_count, true, err) < 0 ||
	    init(&patterns->tables, selection->tables, selection->table_count, false, err) < 0)
		return -1;
	return init(&patterns->exclude_tables, selection->exclude_tables,
	            selection->exclude_table_count, false, err);
}

static void release(struct name_patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++) {
		regex_free(patterns->items[i].schema);
		regex_free(patterns->items[i].name);
		free(patterns->items[i].text);
	}
	free(patterns->items);
}

void select_patterns_release(struct select_patterns *patterns)
{
	release(&patterns->schemas);
	release(&patterns->exclude_schemas);
	release(&patterns->tables);
	release(&patterns->exclude_tables);
}

/* All of them are asked, so that each is known to match. */
static int match(struct name_patterns *patterns, struct slice schema, struct slice name, bool note,
                 struct err *err)
{
	int result = 0;
	for (size_t i = 0; i < patterns->count; i++) {
		struct name_pattern *pattern = &patterns->items[i];
		int found = pattern->schema ? regex_match(pattern->schema, schema, err) : 1;
		if (found > 0 && pattern->name)
			found = regex_match(pattern->name, name, err);
		if (found < 0)
			return -1;
		pattern->matched |= note && found;
		result |= found;
	}
	return result;
}

int select_schema(struct select_patterns *patterns, struct slice schema, bool note,
                  struct err *err)
{
	int wanted = patterns->schemas.count > 0
	                 ? match(&patterns->schemas, schema, SLICE_NONE, note, err)
	                 : 1;
	int unwanted = match(&patterns->exclude_schemas, schema, SLICE_NONE, false, err);
	return wanted < 0 || unwanted < 0 ? -1 : wanted && !unwanted;
}

int select_relation(struct select_patterns *patterns, struct slice schema, struct slice name,
                    bool note, struct err *err)
{
	int wanted = patterns->tables.count > 0
	                 ? match(&patterns->tables, schema, name, note, err)
	                 : select_schema(patterns, schema, note, err);
	int unwanted = match(&patterns->exclude_tables, schema, name, false, err);
	return wanted < 0 || unwanted < 0 ? -1 : wanted && !unwanted;
}

int select_object(struct select_patterns *patterns, struct slice schema, struct err *err)
{
	if (patterns->tables.count > 0)
		return 0;
	if (schema.len > 0)
		return select_schema(patterns, schema, true, err);
	return patterns->schemas.count == 0;
}

static void list_unmatched(const struct name_patterns *patterns, const char *option,
                           struct buf *list)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (!patterns->items[i].matched)
			buf_addf(list, "%s%s %s", list->len > 0 ? ", " : "", option,
			         patterns->items[i].text);
}

int select_check_matched(const struct select_patterns *patterns, struct err *err)
{
	struct buf list = BUF_INIT;
	int result = 0;
	list_unmatched(&patterns->tables, "-t", &list);
	/* With -t, -n says nothing. */
	if (patterns->tables.count == 0)
		list_unmatched(&patterns->schemas, "-n", &list);
	if (buf_check(&list, "the patterns", err) < 0)
		result = -1;
	else if (list.len > 0)
		result = err_set(err, ERR_USAGE, "nothing in the stream matches %s", list.data);
	buf_release(&list);
	return result;
}
