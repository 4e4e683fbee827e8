# idverify: "equal" only when it is, and what differs when it isn't.

. "$E2E_DIR/restore.sh"

two() {
	small a
	sql postgres "CREATE DATABASE \"${prefix}_b\" TEMPLATE \"$db_a\""
	dbname b
}

# Changes one thing in B, shows the line that tells, and puts it back.
finds() {
	local change=$1 line=$2 undo=$3
	sql "$db_b" "$change" >/dev/null
	expect_status 1 idverify "$db_a" "$db_b"
	expect_match "$line" "$out"
	expect_match '^DIFFERENT: ' "$out"
	expect_no_match '^equal' "$out"
	expect_equal "$(cat "$err")" ''
	expect_status 1 idverify -q "$db_b" "$db_a"
	expect_status 1 idverify --format=json "$db_a" "$db_b"
	expect_match '"equal": false' "$out"
	sql "$db_b" "$undo" >/dev/null
	expect_equal_dbs "$db_a" "$db_b"
}

test_each_difference_is_found() {
	two
	expect_equal_dbs "$db_a" "$db_b"
	finds "CREATE TABLE more (a int)" '^table public\.more: only in B \(0 rows\)$' 'DROP TABLE more'
	finds "ALTER TABLE person RENAME TO people" '^table public\.person: only in A \(20 rows\)$' 'ALTER TABLE people RENAME TO person'
	finds "ALTER TABLE person RENAME name TO title" '^  B \(id, title, mood\)$' 'ALTER TABLE person RENAME title TO name'
	finds "ALTER TABLE person ADD more int" '^table public\.person: other columns$' 'ALTER TABLE person DROP more'
	finds "INSERT INTO person VALUES (99, 'x')" '^table public\.person: A has 20 rows, B has 21$' 'DELETE FROM person WHERE id = 99'
	finds "UPDATE person SET name = 'Name 7' WHERE id = 7" '^table public\.person: 20 rows in both, but not the same ones$' \
		"UPDATE person SET name = 'name 7' WHERE id = 7"
	finds "UPDATE person SET mood = NULL WHERE id = 7" '^table public\.person: 20 rows' "UPDATE person SET mood = 'ok' WHERE id = 7"
	finds "UPDATE person SET name = 'name ' || 15 - id WHERE id IN (7, 8)" 'public\.person: 20 rows' "UPDATE person SET name = 'name ' || id"
	finds "SELECT setval('note_id_seq', 21)" '^sequence public\.note_id_seq: A is at 20, B at 21$' "SELECT setval('note_id_seq', 20)"
	finds "SELECT setval('note_id_seq', 20, false)" '^sequence public\.note_id_seq: A is at 20, B at 20 \(not yet used\)$' "SELECT setval('note_id_seq', 20)"
	finds "CREATE SEQUENCE more" '^sequence public\.more: only in B' 'DROP SEQUENCE more'
	finds "SELECT lo_unlink(77)" '^table pg_catalog\.pg_largeobject_metadata' "SELECT lo_from_bytea(77, '\\x00ff')"
	finds "SELECT lo_create(78)" '^table pg_catalog\.pg_largeobject_metadata' 'SELECT lo_unlink(78)'
	finds "SELECT lo_put(77, 0, '\\x01')" '^table pg_catalog\.pg_largeobject: ' "SELECT lo_put(77, 0, '\\x00')"
	finds "SELECT lo_put(77, 2, '\\x00')" '^table pg_catalog\.pg_largeobject: ' "SELECT lo_unlink(77), lo_from_bytea(77, '\\x00ff')"
}

test_equal_rows_in_another_shape() {
	two
	# Another order of rows, of columns, and dropped ones in between.
	sql "$db_b" "ALTER TABLE note DROP CONSTRAINT note_person_fkey; DROP TABLE person;
		CREATE TABLE person (gone int, mood mood, name text, id int); ALTER TABLE person DROP gone;
		INSERT INTO person SELECT 'ok', 'name ' || i, i FROM generate_series(20, 1, -1) i"
	expect_equal_dbs "$db_a" "$db_b"
	sql "$db_b" "UPDATE person SET name = 'x' WHERE id = 3"
	expect_different "$db_a" "$db_b"
	# Streams, too.
	sql "$db_b" "UPDATE person SET name = 'name 3' WHERE id = 3"
	iddump "$db_a" >a.sql
	iddump "$db_b" >b.sql
	pg_dump "$db_b" >plain.sql
	expect_status 0 idverify a.sql b.sql
	expect_status 0 idverify a.sql plain.sql
	expect_status 0 idverify plain.sql a.sql
	expect_status 0 idverify "$db_a" b.sql
	expect_status 0 idverify plain.sql "$db_a"
	sql "$db_b" "UPDATE person SET name = 'x' WHERE id = 3"
	iddump "$db_b" >b.sql
	pg_dump "$db_b" >plain.sql
	expect_status 1 idverify a.sql b.sql
	expect_status 1 idverify a.sql plain.sql
	expect_status 1 idverify plain.sql a.sql
	expect_status 1 idverify b.sql "$db_a"
	# Two values that changed places are another row.
	sql "$db_a" 'CREATE TABLE pair (x int, y int); INSERT INTO pair VALUES (1, 2)'
	sql "$db_b" "UPDATE person SET name = 'name 3' WHERE id = 3; CREATE TABLE pair (y int, x int); INSERT INTO pair VALUES (1, 2)"
	expect_different "$db_a" "$db_b"
	# Duplicates count.
	sql "$db_b" 'UPDATE pair SET x = 1, y = 2; INSERT INTO pair (x, y) VALUES (1, 2), (1, 2)'
	expect_different "$db_a" "$db_b"
}

test_the_report() {
	two
	expect_status 0 idverify "$db_a" "$db_b"
	expect_match "^A is database \"$db_a\"" "$out"
	expect_match "^B is database \"$db_b\"" "$out"
	expect_equal "$(tail -n 1 "$out")" 'equal: 4 tables, 42 rows, 1 sequence'
	expect_equal "$(wc -l <"$out")" 3
	expect_status 0 idverify -v "$db_a" "$db_b"
	expect_match '^table public\.person: equal \(20 rows\)$' "$out"
	expect_match '^sequence public\.note_id_seq: equal, at 20$' "$out"
	expect_status 0 idverify -q "$db_a" "$db_b"
	expect_equal "$(cat "$out" "$err")" ''
	expect_status 0 idverify -o report.txt "$db_a" "$db_b"
	expect_match '^equal: ' report.txt
	expect_equal "$(cat "$out")" ''
	sql "$db_b" "UPDATE note SET body = 'x' WHERE id = 1"
	expect_status 1 idverify -v "$db_a" "$db_b"
	expect_equal "$(sed -n 3p "$out")" 'table public.note: 20 rows in both, but not the same ones'
	expect_equal "$(tail -n 1 "$out")" 'DIFFERENT: 1 of 4 tables, 0 of 1 sequence'
	expect_status 1 idverify -o report.txt "$db_a" "$db_b"
	expect_match '^DIFFERENT: ' report.txt
}

is_json() {
	if command -v jq >/dev/null; then
		jq -e "$2" "$1" >/dev/null || fail "not so: $2: $(cat "$1")"
	else
		expect_match '^\{' "$1"
	fi
}

test_the_report_for_programs() {
	two
	sql "$db_a" "CREATE TABLE \"odd \"\"name\\\" (\"c\"\"1\" text)"
	expect_status 1 idverify --format=json "$db_a" "$db_b"
	is_json "$out" '.equal == false and .table_differences == 1 and .sequence_differences == 0'
	is_json "$out" '.tables[] | select(.verdict == "only-a") | .name == "odd \"name\\" and .b == null and .a.rows == 0 and .a.columns == ["c\"1"]'
	is_json "$out" '.tables[] | select(.name == "person") | .verdict == "equal" and .a.digest == .b.digest and (.a.digest | length) == 32 and .a.rows == 20'
	is_json "$out" '.sequences[0] | .name == "note_id_seq" and .a.last_value == "20" and .a.is_called'
	sql "$db_a" 'DROP TABLE "odd ""name\"'
	expect_status 0 idverify --format=json "$db_a" "$db_b"
	is_json "$out" '.equal and (.tables | length) == 4'
	expect_status 0 idverify -q --format=json "$db_a" "$db_b"
	is_json "$out" '.equal'
	iddump "$db_a" >a.sql
	expect_status 0 idverify --format=json a.sql
	is_json "$out" '.complete and .checked and .rows == 40'
	expect_status 2 idverify --format=xml "$db_a" "$db_b"
}

test_files_and_databases_of_one_name() {
	small a
	newdb b
	iddump "$db_a" >"$db_b"
	expect_status 0 idverify "$db_a" "$db_b"
	expect_status 0 idverify "db:$db_a" "file:$db_b"
	expect_status 1 idverify "db:$db_a" "db:$db_b"
	expect_status 5 idverify "db:$db_a" "file:$db_a"
	expect_status 4 idverify "$db_a" "${prefix}_none"
	expect_status 2 idverify "$db_a"
	expect_match 'needs something to be compared with' "$err"
}

test_standard_input() {
	small a
	iddump "$db_a" >a.sql
	expect_status 0 bash -c 'idverify "$1" - <a.sql' _ "$db_a"
	expect_status 0 bash -c 'idverify - "$1" <a.sql' _ "$db_a"
	expect_status 0 bash -o pipefail -c 'iddump "$1" | idverify - "$1"' _ "$db_a"
	expect_status 0 bash -c 'idverify - <a.sql'
	expect_match '^standard input is complete and undamaged: 4 tables, 40 rows, 1 sequence$' "$out"
	expect_status 2 bash -c 'idverify - - <a.sql'
	expect_match 'only one side' "$err"
	expect_status 2 idverify
	expect_status 2 idverify a b c
}

test_one_stream_alone() {
	small a
	iddump "$db_a" >a.sql
	expect_status 0 idverify a.sql
	expect_match '^a\.sql is complete and undamaged: 4 tables' "$out"
	expect_status 0 idverify -v a.sql
	expect_match '^table public\.person: 20 rows$' "$out"
	expect_status 0 idverify -q a.sql
	expect_equal "$(cat "$out")" ''
	sed 's/name 7$/name 8/; s/	name 7	/	name 8	/' a.sql >damaged.sql
	expect_status 3 idverify damaged.sql
	expect_equal "$(cat "$out")" ''
	expect_status 3 idverify "$db_a" damaged.sql
	expect_status 3 idverify damaged.sql "$db_a"
	head -n 50 a.sql >cut.sql
	expect_status 3 idverify cut.sql
	expect_status 3 idverify --allow-incomplete cut.sql
	zstd -q a.sql -o a.zst
	expect_status 0 idverify a.zst
	: >nothing
	expect_status 3 idverify nothing
	pg_dump "$db_a" >plain.sql
	expect_status 0 idverify plain.sql
	expect_match 'complete, but carries no digests' "$out"
	head -n 60 plain.sql >cut.sql
	expect_status 3 idverify cut.sql
}

test_dumps_of_others() {
	load a types.sql
	pg_dump "$db_a" >plain.sql
	PGTZ=UTC pg_dump "$db_a" >utc.sql
	pg_dump -Fc -f custom.dump "$db_a"
	expect_status 0 idverify "$db_a" utc.sql
	small small
	pg_dump -Fc -f custom.dump "$db_small"
	pg_dump -Fd -f folder "$db_small"
	pg_dump "$db_small" >plain.sql
	expect_status 0 idverify "$db_small" custom.dump
	expect_status 0 idverify folder "$db_small"
	expect_status 0 idverify custom.dump plain.sql
	sql "$db_small" "UPDATE note SET body = 'x' WHERE id = 1"
	expect_status 1 idverify "$db_small" custom.dump
	expect_match 'was not written by iddump' "$err"
}

test_what_cannot_be_compared() {
	small a
	iddump --schema-only "$db_a" >schema.sql
	expect_status 2 idverify "$db_a" schema.sql
	expect_match 'definitions only' "$err"
	expect_status 2 idverify schema.sql "$db_a"
	pg_dump --inserts "$db_a" >inserts.sql
	expect_status 3 idverify "$db_a" inserts.sql
	expect_match 'INSERT' "$err"
	expect_no_match equal "$out"
	pg_dump --schema-only "$db_a" >theirs.sql
	expect_status 1 idverify "$db_a" theirs.sql
	expect_status 3 bash -c 'printf "junk" | idverify "$1" -' _ "$db_a"
}

test_rows_that_the_role_may_not_see() {
	two
	newrole blind LOGIN
	expect_status 4 idverify -U "$role_blind" "$db_a" "$db_b"
	expect_no_match '^equal' "$out"
	expect_match 'may not read' "$err"
	for db in "$db_a" "$db_b"; do
		sql "$db" "GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"$role_blind\"; GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO \"$role_blind\";
			GRANT SELECT ON LARGE OBJECT 77 TO \"$role_blind\""
	done
	expect_status 0 idverify -U "$role_blind" "$db_a" "$db_b"
	# Row-level security hides all rows: both would look empty.
	sql "$db_a" 'ALTER TABLE person ENABLE ROW LEVEL SECURITY'
	expect_status 4 idverify -U "$role_blind" "$db_a" "$db_b"
	expect_no_match '^equal' "$out"
	sql "$db_b" 'ALTER TABLE person ENABLE ROW LEVEL SECURITY'
	expect_status 4 idverify -U "$role_blind" "$db_a" "$db_b"
	expect_match 'row-level security' "$err"
	sql "$db_a" 'ALTER TABLE person DISABLE ROW LEVEL SECURITY; REVOKE SELECT ON SEQUENCE note_id_seq FROM "'"$role_blind"'"'
	sql "$db_b" 'ALTER TABLE person DISABLE ROW LEVEL SECURITY'
	expect_status 4 idverify -U "$role_blind" "$db_a" "$db_b"
	sql "$db_a" "REVOKE SELECT ON LARGE OBJECT 77 FROM \"$role_blind\"; GRANT SELECT ON SEQUENCE note_id_seq TO \"$role_blind\""
	expect_status 4 idverify -U "$role_blind" "$db_a" "$db_b"
	for db in "$db_a" "$db_b"; do
		sql "$db" "DROP OWNED BY \"$role_blind\""
	done
}

test_no_server() {
	small a
	expect_status 4 idverify "$db_a" "host=/nowhere dbname=x"
	expect_status 4 idverify "$db_a" "host=127.0.0.1 port=1 dbname=x"
	expect_no_match equal "$out"
}

# A database's settings, or a role's, don't make it another one.
test_settings_make_no_difference() {
	load a types.sql
	sql postgres "CREATE DATABASE \"${prefix}_b\" TEMPLATE \"$db_a\""
	for setting in "DateStyle = 'German'" "TimeZone = 'Asia/Kathmandu'" 'extra_float_digits = -10' 'bytea_output = escape' \
		'IntervalStyle = iso_8601' "search_path = types" 'statement_timeout = 600000' 'client_encoding = LATIN1' 'xmloption = document'; do
		sql postgres "ALTER DATABASE \"${prefix}_b\" SET $setting"
	done
	expect_status 0 idverify "$db_a" "${prefix}_b"
	iddump "$db_a" >a.sql
	expect_status 0 env PGTZ=Asia/Tokyo PGDATESTYLE=SQL PGOPTIONS='-c extra_float_digits=-5' idverify a.sql "${prefix}_b"
}

# -d is the other side, as it is the database in the other tools; never something that is passed over.
test_the_database_by_an_option() {
	newdb a
	newdb b
	sql "$db_a" 'CREATE TABLE t (i int); INSERT INTO t VALUES (1)'
	sql "$db_b" 'CREATE TABLE t (i int); INSERT INTO t VALUES (2)'
	iddump -o a.idar "$db_a"
	expect_status 0 idverify -d "$db_a" a.idar
	expect_status 1 idverify -d "$db_b" a.idar
	expect_status 1 idverify -d "dbname=$db_b" "$db_a"
	expect_status 4 idverify -d 'host=127.0.0.1 port=1' a.idar
	expect_status 2 idverify -d 'nosuch=1' a.idar
	expect_status 2 idverify -d "$db_b" a.idar "$db_a"
	expect_match "one argument too many: \"$db_a\"" "$err"
	expect_status 2 idverify -d "$db_b"
}
