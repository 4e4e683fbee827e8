# dump.sh - what the tests of iddump (test_dump*.sh) share.
#
#     load NAME FIXTURE          newdb NAME, loaded from fixtures/FIXTURE
#     restore FILE NAME          newdb NAME, FILE restored into it by psql, all or nothing
#     contents DB                a line a table, sequence and large object: the same for equal rows
#     definitions DB             pg_dump's schema
#     expect_copy DB DB          the same contents and definitions
#     expect_no_result           nothing on stdout that would pass for a whole stream
#     normal FILE                a stream without what differs from run to run
#     wrap COMMANDS              makes $T/pg_dump, which runs COMMANDS and then the real pg_dump
#     is_waiting DB N            N sessions in DB (not of iddump) wait for a lock

# The same text in every database, whatever its settings or those of the environment.
pinned=(env -u PGDATESTYLE -u PGTZ -u PGCLIENTENCODING
	PGOPTIONS='-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c extra_float_digits=3 -c bytea_output=hex -c search_path= -c quote_all_identifiers=off')

load() {
	local db
	newdb "$1"
	db=db_$1
	psql -XAtq -v ON_ERROR_STOP=1 ${CLUSTER_WITHOUT_EXTENSION:+-v without_extension=1} \
		-d "${!db}" -f "$E2E_DIR/fixtures/$2" >/dev/null
}

restore() {
	local db
	newdb "$2"
	db=db_$2
	restore_into "${!db}" "$1"
}

restore_into() {
	psql -XAtq -1 -v ON_ERROR_STOP=1 -d "$1" -f "$2" >/dev/null || fail "psql cannot restore $2"
}

# Whole trees of partitions, since an enum's hash puts rows elsewhere; foreign tables are not read.
contents() {
	"${pinned[@]}" psql -XAtq -v ON_ERROR_STOP=1 -d "$1" <<-'END'
		SELECT format('SELECT %L, count(*), md5(string_agg(t::text, e''\n'' ORDER BY t::text COLLATE "C")) FROM %s %s t',
		              c.oid::regclass, CASE WHEN c.relkind = 'r' THEN 'ONLY' ELSE '' END, c.oid::regclass)
		  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		 WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND c.relispopulated
		   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
		 ORDER BY c.oid::regclass::text COLLATE "C" \gexec
		SELECT format('SELECT %L, last_value, is_called FROM %s', c.oid::regclass, c.oid::regclass)
		  FROM pg_class c WHERE c.relkind = 'S' ORDER BY c.oid::regclass::text COLLATE "C" \gexec
		SELECT 'large object', m.oid, pg_get_userbyid(m.lomowner), m.lomacl, md5(lo_get(m.oid)),
		       obj_description(m.oid, 'pg_largeobject')
		  FROM pg_largeobject_metadata m ORDER BY m.oid;
	END
}

definitions() {
	"${pinned[@]}" pg_dump --schema-only -d "$1" | grep -avE '^\\(un)?restrict '
}

expect_copy() {
	contents "$1" >"$T/contents.want"
	contents "$2" >"$T/contents.got"
	expect_same "$T/contents.want" "$T/contents.got"
	definitions "$1" >"$T/definitions.want"
	definitions "$2" >"$T/definitions.got"
	expect_same "$T/definitions.want" "$T/definitions.got"
}

expect_no_result() {
	expect_no_match '^-- idkit-trailer' "$out"
}

normal() {
	sed -E -e '/^-- idkit-header: /d' -e 's/^\\((un)?restrict) .*/\\\1/' -e 's/"xxh128":"[0-9a-f]*"//' "$1"
}

wrap() {
	{
		printf '#!%s\n' "$BASH"
		printf '[ "${1-}" = --version ] || (\nexport PGHOST=%q PGPORT=%q PGUSER=%q\n%s\n)\n' \
			"$PGHOST" "$PGPORT" "$PGUSER" "$1"
		printf 'exec %q "$@"\n' "$(command -v pg_dump)"
	} >"$T/pg_dump"
	chmod +x "$T/pg_dump"
}

is_waiting() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = '$1'
		AND wait_event_type = 'Lock' AND application_name <> 'iddump'")" = "$2" ]
}

# The sessions of iddump and of its children are gone.
no_sessions() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'iddump'")" = 0 ]
}
