/*
 * Sections, and pg_dump's types in them.
 */
#include "statement.h"

static const char *const names[] = {
	[SECTION_NONE] = "none",
	[SECTION_GLOBALS] = "globals",
	[SECTION_PRE_DATA] = "pre-data",
	[SECTION_DATA] = "data",
	[SECTION_POST_DATA] = "post-data",
};

const char *section_name(enum section section)
{
	return names[section];
}

bool section_parse(struct slice name, enum section *section)
{
	for (enum section i = SECTION_NONE; i <= SECTION_POST_DATA; i++) {
		if (slice_equals(name, names[i])) {
			*section = i;
			return true;
		}
	}
	return false;
}

/* The ".section =" of the ArchiveEntry() calls in src/bin/pg_dump/pg_dump.c. */
static const struct {
	const char *type;
	enum section section;
} types[] = {
	{ "ACCESS METHOD", SECTION_PRE_DATA },
	{ "AGGREGATE", SECTION_PRE_DATA },
	{ "BLOB", SECTION_PRE_DATA },
	{ "BLOB METADATA", SECTION_DATA },
	{ "BLOBS", SECTION_DATA },
	{ "CAST", SECTION_PRE_DATA },
	{ "CHECK CONSTRAINT", SECTION_POST_DATA },
	{ "COLLATION", SECTION_PRE_DATA },
	{ "CONSTRAINT", SECTION_POST_DATA },
	{ "CONVERSION", SECTION_PRE_DATA },
	{ "DATABASE", SECTION_PRE_DATA },
	{ "DATABASE PROPERTIES", SECTION_PRE_DATA },
	{ "DEFAULT", SECTION_PRE_DATA },
	{ "DEFAULT ACL", SECTION_POST_DATA },
	{ "DOMAIN", SECTION_PRE_DATA },
	{ "ENCODING", SECTION_PRE_DATA },
	{ "EVENT TRIGGER", SECTION_POST_DATA },
	{ "EXTENSION", SECTION_PRE_DATA },
	{ "FK CONSTRAINT", SECTION_POST_DATA },
	{ "FOREIGN DATA WRAPPER", SECTION_PRE_DATA },
	{ "FOREIGN TABLE", SECTION_PRE_DATA },
	{ "FUNCTION", SECTION_PRE_DATA },
	{ "INDEX", SECTION_POST_DATA },
	{ "INDEX ATTACH", SECTION_POST_DATA },
	{ "MATERIALIZED VIEW", SECTION_PRE_DATA },
	{ "MATERIALIZED VIEW DATA", SECTION_POST_DATA },
	{ "OPERATOR", SECTION_PRE_DATA },
	{ "OPERATOR CLASS", SECTION_PRE_DATA },
	{ "OPERATOR FAMILY", SECTION_PRE_DATA },
	{ "POLICY", SECTION_POST_DATA },
	{ "PROCEDURAL LANGUAGE", SECTION_PRE_DATA },
	{ "PROCEDURE", SECTION_PRE_DATA },
	{ "PUBLICATION", SECTION_POST_DATA },
	{ "PUBLICATION TABLE", SECTION_POST_DATA },
	{ "PUBLICATION TABLES IN SCHEMA", SECTION_POST_DATA },
	{ "ROW SECURITY", SECTION_POST_DATA },
	{ "RULE", SECTION_POST_DATA },
	{ "SCHEMA", SECTION_PRE_DATA },
	{ "SEARCHPATH", SECTION_PRE_DATA },
	{ "SEQUENCE", SECTION_PRE_DATA },
	{ "SEQUENCE OWNED BY", SECTION_PRE_DATA },
	{ "SEQUENCE SET", SECTION_DATA },
	{ "SERVER", SECTION_PRE_DATA },
	{ "SHELL TYPE", SECTION_PRE_DATA },
	{ "STATISTICS", SECTION_POST_DATA },
	{ "STDSTRINGS", SECTION_PRE_DATA },
	{ "SUBSCRIPTION", SECTION_POST_DATA },
	{ "SUBSCRIPTION TABLE", SECTION_POST_DATA },
	{ "TABLE", SECTION_PRE_DATA },
	{ "TABLE ATTACH", SECTION_PRE_DATA },
	{ "TABLE DATA", SECTION_DATA },
	{ "TEXT SEARCH CONFIGURATION", SECTION_PRE_DATA },
	{ "TEXT SEARCH DICTIONARY", SECTION_PRE_DATA },
	{ "TEXT SEARCH PARSER", SECTION_PRE_DATA },
	{ "TEXT SEARCH TEMPLATE", SECTION_PRE_DATA },
	{ "TRANSFORM", SECTION_PRE_DATA },
	{ "TRIGGER", SECTION_POST_DATA },
	{ "TYPE", SECTION_PRE_DATA },
	{ "USER MAPPING", SECTION_PRE_DATA },
	{ "VIEW", SECTION_PRE_DATA },
};

enum section section_of_type(struct slice type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (slice_equals(type, types[i].type))
			return types[i].section;
	return SECTION_NONE;
}
