#include "selection.h"

bool selection_is_empty(const struct selection *selection)
{
	return selection_is_all(selection) && selection->exclude_schema_count == 0 &&
	       selection->exclude_table_count == 0;
}

bool selection_is_all(const struct selection *selection)
{
	return selection->schema_count == 0 && selection->table_count == 0;
}
