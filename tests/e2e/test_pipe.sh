# The whole pipe, iddump | idfilter | idrestore, and idverify's word on it, with real databases.

. "$E2E_DIR/restore.sh"

# A stream without what differs from run to run: its header, its trailer's hash, \restrict's token.
same_but_marks() {
	normal "$1" >"$1.normal"
	normal "$2" >"$2.normal"
	expect_same "$1.normal" "$2.normal"
}

round_trip() {
	dbname copy
	dbname by_psql
	expect_status 0 bash -o pipefail -c 'iddump "$1" | tee a.sql | idrestore --create -d "$2"' _ "$db_source" "$db_copy"
	expect_equal "$(cat "$err")" ''
	expect_equal_dbs "$db_source" "$db_copy"
	expect_copy "$db_source" "$db_copy"
	expect_status 0 iddump -o b.sql "$db_copy"
	same_but_marks a.sql b.sql
	restore a.sql by_psql
	expect_equal_dbs "$db_source" "$db_by_psql"
}

test_real_databases_go_round() {
	each_corpus round_trip
}

is_restored() {
	[ -z "$(cat "$err" | grep -v 'left out: SET\|setting "transaction_timeout" is unknown' || true)" ] ||
		fail "$*: $(cat "$err")"
	expect_equal_dbs "$db_source" "$db_copy"
	sql postgres "DROP DATABASE \"$db_copy\""
}

# A dump of pg_dump's, as people keep it.
reads_files() {
	local file
	file=$(corpus "$1.sql.zst")
	dbname copy
	zstd -dcq "$file" | gzip -1 >dump.gz
	expect_status 0 bash -o pipefail -c 'zstd -dcq "$1" | idrestore --create -d "$2"' _ "$file" "$db_copy"
	is_restored "zstd | idrestore"
	expect_status 0 idrestore --create -d "$db_copy" "$file"
	is_restored "zstd file"
	expect_status 0 idrestore --create -d "$db_copy" -f dump.gz
	is_restored "gzip file"
	expect_status 0 bash -c 'idrestore --create -d "$1" <dump.gz' _ "$db_copy"
	is_restored "gzip pipe"
}

test_real_dumps_are_read() {
	each_corpus reads_files
}

takes_pg_dumps() {
	newdb copy
	expect_status 0 bash -o pipefail -c 'pg_dump "$1" | idrestore -d "$2"' _ "$db_source" "$db_copy"
	is_restored 'pg_dump | idrestore'
	expect_status 0 pg_dump -Fc -Z1 -f dump.custom "$db_source"
	expect_status 0 idrestore --create -d "$db_copy" dump.custom
	is_restored 'custom file'
	rm dump.custom
}

test_real_databases_from_pg_dump() {
	each_corpus takes_pg_dumps
}

# Those that are not plain are read through pg_restore.
test_every_format_of_pg_dump() {
	load_corpus keystone-22
	dbname copy
	expect_status 0 pg_dump -Fc -Z1 -f dump.custom "$db_source"
	expect_status 0 bash -c 'cat dump.custom | idrestore --create -d "$1"' _ "$db_copy"
	is_restored 'custom pipe'
	expect_status 0 pg_dump -Fd -Z1 -f dump.dir "$db_source"
	expect_status 0 idrestore --create -d "$db_copy" dump.dir
	is_restored 'directory'
	expect_status 0 pg_dump -Ft -f dump.tar "$db_source"
	expect_status 0 idrestore --create -d "$db_copy" dump.tar
	is_restored 'tar file'
	expect_status 0 bash -c 'cat dump.tar | idrestore --create -d "$1"' _ "$db_copy"
	is_restored 'tar pipe'
	newdb copy
	expect_status 0 bash -o pipefail -c 'pg_dump --clean --if-exists "$1" | idrestore -d "$2"' _ "$db_source" "$db_copy"
	is_restored 'clean, if-exists'
	newdb copy
	expect_status 0 bash -o pipefail -c 'pg_dump --clean "$1" | idrestore -q -d "$2"' _ "$db_source" "$db_copy"
	is_restored 'clean'
}

test_dumps_of_inserts() {
	load_corpus inmanta-202607130
	newdb copy
	expect_status 0 bash -o pipefail -c 'pg_dump --column-inserts --on-conflict-do-nothing "$1" | idrestore -d "$2"' _ "$db_source" "$db_copy"
	is_restored 'column inserts'
	load types types.sql
	db_source=$db_types
	newdb copy
	# Not equal to the source: pg_dump writes the float -0 as a number.
	pg_dump --inserts "$db_source" >inserts.sql
	expect_status 0 idrestore -d "$db_copy" inserts.sql
	restore inserts.sql by_psql
	expect_equal_dbs "$db_by_psql" "$db_copy"
}

# What Windows makes of a dump: line ends, and a mark in front.
windows_files() {
	dbname copy
	sed 's/$/\r/' corpus.sql >crlf.sql
	expect_status 0 idrestore -q --create -d "$db_copy" crlf.sql
	expect_equal "$(cat "$err")" ''
	expect_equal "$(tables_of "$db_copy")" "$(tables_of "$db_source")"
	# Functions' bodies and long strings keep the CR; rows don't.
	expect_equal_dbs "$db_source" "$db_copy"
	sql postgres "DROP DATABASE \"$db_copy\""
	{ printf '\xef\xbb\xbf' && cat corpus.sql; } >bom.sql
	expect_status 0 idrestore -q --create -d "$db_copy" bom.sql
	is_restored 'byte order mark'
}

tables_of() {
	sql "$1" "SELECT relname FROM pg_class WHERE relkind = 'r' AND oid >= 16384 ORDER BY 1"
}

test_files_from_windows() {
	local name
	for name in inmanta-202607130 keystone-22 openidm; do
		load_corpus "$name"
		windows_files
		drop_databases
	done
}

unchanged() {
	pg_dump "$db_source" >plain.sql
	expect_status 0 idfilter plain.sql
	expect_same "$out" plain.sql
	expect_status 0 bash -c 'cat plain.sql | idfilter'
	expect_same "$out" plain.sql
}

test_idfilter_without_rules_changes_nothing() {
	each_corpus unchanged
}

# The issue's pipe, and what the recipe does to the same data.
test_the_recipe_keeps_all_rows() {
	load_corpus openidm
	dbname copy
	dbname grep
	expect_equal "$(sql "$db_source" "SELECT count(*) FROM openidm.managedobjects WHERE objectid = 'weird-2'")" 1
	expect_status 0 bash -o pipefail -c 'iddump "$1" | idfilter -v "$3" | idrestore --create -d "$2"' \
		_ "$db_source" "$db_copy" "$recipe"
	expect_equal_dbs "$db_source" "$db_copy"
	expect_equal "$(sql "$db_copy" "SELECT count(*) FROM openidm.managedobjects WHERE objectid = 'weird-2'")" 1
	# The same with pg_dump in front.
	expect_status 0 bash -o pipefail -c 'pg_dump --clean --if-exists --no-owner --no-acl "$1" | idfilter -v "$2"' _ "$db_source" "$recipe"
	expect_match 'weird-2' "$out"
	# What people do today.
	pg_dump "$db_source" | grep -avE "$recipe" >grepped.sql
	expect_no_match 'weird-2' grepped.sql
	sql postgres "CREATE DATABASE \"$db_grep\""
	expect_status 0 psql -XAtq -1 -v ON_ERROR_STOP=1 -d "$db_grep" -f grepped.sql
	expect_equal "$(sql "$db_grep" "SELECT count(*) FROM openidm.managedobjects WHERE objectid = 'weird-2'")" 0
	expect_different "$db_source" "$db_grep"
	expect_match '^table openidm\.managedobjects: A has 2[0-9]* rows, B has 2[0-9]*$' "$out"
}

# A clean database made by an application that may not touch the schema public.
test_the_recipe_strips_what_it_names() {
	newdb source
	sql "$db_source" "CREATE TABLE t (v text); INSERT INTO t VALUES ('DROP SCHEMA public;'); COMMENT ON SCHEMA public IS 'mine'"
	pg_dump --clean "$db_source" >plain.sql
	expect_match '^COMMENT ON SCHEMA public IS ' plain.sql
	expect_status 0 idfilter -v "$recipe" --stats plain.sql
	expect_no_match '^COMMENT ON SCHEMA public' "$out"
	expect_match '^DROP SCHEMA public;$' "$out" # the row
	expect_match 'stripped: 1 statements, 0 rows' "$err"
}

round_trip_in() {
	local source=$1 copy=$2
	shift 2
	expect_status 0 env "$@" bash -o pipefail -c 'iddump "$1" | idrestore --create --verify -d "$2"' _ "$source" "$copy"
	expect_equal_dbs "$source" "$copy"
	expect_status 0 env "$@" idverify "$source" "$copy"
	expect_copy "$source" "$copy"
}

test_every_type_goes_round() {
	load source types.sql
	dbname copy
	round_trip_in "$db_source" "$db_copy"
}

test_every_kind_of_object_goes_round() {
	load source objects.sql
	dbname copy
	round_trip_in "$db_source" "$db_copy"
}

test_types_in_hostile_environments() {
	load source types.sql
	dbname copy
	round_trip_in "$db_source" "$db_copy" "${hostile[@]}"
	sql postgres "DROP DATABASE \"$db_copy\""
	newrole hostile LOGIN SUPERUSER
	make_hostile "DATABASE \"$db_source\""
	make_hostile "ROLE \"$role_hostile\""
	round_trip_in "$db_source" "$db_copy" "${hostile[@]}" PGUSER="$role_hostile"
}

test_objects_in_hostile_environments() {
	load source objects.sql
	dbname copy
	make_hostile "DATABASE \"$db_source\""
	round_trip_in "$db_source" "$db_copy" "${hostile[@]}"
}

# The target is there already, with defaults of its own.
test_hostile_targets() {
	load source types.sql
	newdb copy
	make_hostile "DATABASE \"$db_copy\""
	expect_status 0 env "${hostile[@]}" bash -o pipefail -c 'iddump "$1" | idrestore --verify -d "$2"' _ "$db_source" "$db_copy"
	expect_equal_dbs "$db_source" "$db_copy"
	expect_equal "$(contents "$db_copy")" "$(contents "$db_source")"
	newdb second
	make_hostile "DATABASE \"$db_second\""
	expect_status 0 bash -o pipefail -c 'pg_dump "$1" | idrestore -d "$2"' _ "$db_source" "$db_second"
	expect_equal "$(sql "$db_second" 'SELECT count(*) FROM types.t_bytea')" "$(sql "$db_source" 'SELECT count(*) FROM types.t_bytea')"
}
