/* -n -N -t -T, of the tools that select. */
#include <stddef.h>

#include "common.h"

#define AT(member) offsetof(struct selection_options, member), NULL

const struct option_entry selection_entries[] = {
	{ 'n', "schema", "PATTERN", "these schemas only", OPTION_LIST, AT(schemas) },
	{ 'N', "exclude-schema", "PATTERN", "not these schemas", OPTION_LIST, AT(exclude_schemas) },
	{ 't', "table", "PATTERN", "these tables only", OPTION_LIST, AT(tables) },
	{ 'T', "exclude-table", "PATTERN", "not these tables", OPTION_LIST, AT(exclude_tables) },
	{ 0, NULL, NULL, NULL, OPTION_FLAG, 0, NULL },
};

struct selection tool_selection(const struct selection_options *options)
{
	return (struct selection){
		options->schemas.items,         options->schemas.count,
		options->exclude_schemas.items, options->exclude_schemas.count,
		options->tables.items,          options->tables.count,
		options->exclude_tables.items,  options->exclude_tables.count,
	};
}
