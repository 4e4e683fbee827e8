# A dump is one moment of the database, the same text from every session, and never waits for ever.

. "$E2E_DIR/dump.sh"

hostile_options='-c standard_conforming_strings=off -c backslash_quote=off -c extra_float_digits=-15 -c bytea_output=escape -c IntervalStyle=sql_standard -c DateStyle=SQL,DMY -c TimeZone=Asia/Kolkata -c search_path=trap,pg_catalog -c quote_all_identifiers=on -c xmlbinary=hex -c xmloption=document -c synchronize_seqscans=on -c enable_seqscan=off -c transform_null_equals=on -c array_nulls=off -c default_transaction_isolation=serializable -c default_transaction_read_only=on'

# Functions and operators that would be taken for the system's if the search path were followed.
set_trap() {
	sql "$1" "CREATE SCHEMA trap; CREATE TABLE trap.pg_class (a int);
		CREATE FUNCTION trap.quote_ident(text) RETURNS text LANGUAGE sql AS 'SELECT ''trapped''';
		CREATE FUNCTION trap.eq(name, name) RETURNS boolean LANGUAGE sql AS 'SELECT false';
		CREATE FUNCTION trap.eq(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT 1/0 = 1';
		CREATE OPERATOR trap.= (FUNCTION = trap.eq, LEFTARG = oid, RIGHTARG = oid);
		CREATE FUNCTION trap.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS 'SELECT ''trapped''';
		CREATE FUNCTION trap.lo_get(oid, bigint, integer) RETURNS bytea LANGUAGE sql AS 'SELECT NULL::bytea'"
}

# The stream in a clean environment, with the same from a hostile one and with hostile defaults.
expect_same_from_everywhere() {
	set_trap "$1"
	expect_status 0 iddump "$1"
	normal "$out" >clean
	PGOPTIONS=$hostile_options PGDATESTYLE='German, DMY' PGTZ=America/Caracas PGCLIENTENCODING=LATIN1 PGGEQO=off LC_ALL=C \
		expect_status 0 iddump "$1"
	normal "$out" >hostile
	expect_same clean hostile
	local setting
	for setting in 'standard_conforming_strings = off' 'extra_float_digits = -15' "bytea_output = 'escape'" \
		"IntervalStyle = 'sql_standard'" "DateStyle = 'SQL, DMY'" "TimeZone = 'Asia/Kolkata'" 'search_path = trap, pg_catalog' \
		'quote_all_identifiers = on' "client_encoding = 'LATIN1'" "xmloption = 'document'" 'statement_timeout = 300' \
		'default_transaction_read_only = on' 'lock_timeout = 1' 'idle_in_transaction_session_timeout = 50' 'row_security = on'; do
		sql postgres "ALTER ROLE postgres IN DATABASE \"$1\" SET $setting"
	done
	expect_status 0 iddump "$1"
	normal "$out" >hostile
	expect_same clean hostile
	sql postgres "ALTER ROLE postgres IN DATABASE \"$1\" RESET ALL"
}

test_types_from_a_hostile_session() {
	load source types.sql
	expect_same_from_everywhere "$db_source"
}

test_objects_from_a_hostile_session() {
	load source objects.sql
	expect_same_from_everywhere "$db_source"
}

# Two tables are always changed together: the copy must never see one without the other.
test_the_copy_is_one_moment() {
	local copied
	newdb source
	sql "$db_source" 'CREATE TABLE a (n serial, v text); CREATE TABLE b (n serial, v text); CREATE TABLE c (n int); INSERT INTO c VALUES (0)'
	start bash -c "while true; do echo 'BEGIN; INSERT INTO a DEFAULT VALUES; UPDATE c SET n = n + 1; INSERT INTO b DEFAULT VALUES; COMMIT;'; done |
		psql -Xq -d $db_source"
	writes() { [ "$(sql "$db_source" 'SELECT n > 100 FROM c')" = t ]; }
	eventually 10 writes
	wrap 'sleep 1'
	expect_status 0 iddump --pg-dump ./pg_dump -o dump.sql "$db_source"
	restore dump.sql copy
	kill "$pid"
	copied=$(sql "$db_copy" 'SELECT count(*) FROM a')
	expect_equal "$(sql "$db_copy" 'SELECT (SELECT count(*) FROM b), n FROM c')" "$copied|$copied"
	expect_equal "$(sql "$db_source" "SELECT n > $copied FROM c")" t
}

# TRUNCATE would show an empty table to an older snapshot: the locks must come first.
test_truncate_waits_for_the_dump() {
	newdb source
	sql "$db_source" 'CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2)'
	wrap "[ -e $T/once ] || { touch $T/once; psql -XAtq -d $db_source -c 'SET lock_timeout = 500; TRUNCATE t' >$T/truncate 2>&1 </dev/null; }"
	expect_status 0 iddump --pg-dump ./pg_dump -o dump.sql "$db_source"
	expect_match 'lock timeout' truncate
	restore dump.sql copy
	expect_equal "$(sql "$db_copy" 'SELECT count(*) FROM t')" 2
	sql "$db_source" 'SET lock_timeout = 500; TRUNCATE t'
}

test_tables_that_come_and_go() {
	local i
	newdb source
	sql "$db_source" 'CREATE TABLE t (a int); INSERT INTO t VALUES (1)'
	start bash -c "while true; do echo 'CREATE TABLE come AS SELECT 1 AS a; DROP TABLE come;'; done | psql -Xq -d $db_source"
	for i in 1 2 3 4 5; do
		expect_status 0 iddump -o dump.sql "$db_source"
		expect_match '^COPY public\.t ' dump.sql
	done
	restore dump.sql copy
	kill "$pid"
}

# ALTER TABLE waits for the leader's lock, and the children would wait behind it: for ever.
test_a_change_of_a_table_is_let_through() {
	newdb source
	sql "$db_source" 'CREATE TABLE t (a int); INSERT INTO t VALUES (1)'
	wrap "mkdir $T/once 2>/dev/null && { psql -XAtq -d $db_source -c 'ALTER TABLE t ADD COLUMN b int DEFAULT 7' >alter.log 2>&1 </dev/null & }; sleep 0.5"
	SECONDS=0
	expect_status 0 iddump --pg-dump ./pg_dump -o dump.sql "$db_source"
	[ "$SECONDS" -le 15 ] || fail "took $SECONDS s"
	expect_match 'another moment is taken, to let this through: session [0-9]+ .*: ALTER TABLE t ADD COLUMN' "$err"
	restore dump.sql copy
	expect_equal "$(sql "$db_copy" 'TABLE t')" '1|7'
}

test_changes_of_a_table_without_end() {
	newdb source
	sql "$db_source" 'CREATE TABLE t (a int)'
	wrap "PGAPPNAME=alter psql -XAtq -d $db_source -c 'ALTER TABLE t ALTER a SET DEFAULT 1' >alter.log 2>&1 </dev/null & sleep 0.5"
	SECONDS=0
	expect_status 4 iddump --pg-dump ./pg_dump -o dump.sql "$db_source"
	[ "$SECONDS" -le 30 ] || fail "took $SECONDS s"
	expect_match '^This waits for a lock of ours, and pg_dump behind it: session [0-9]+ \(role "postgres", application "alter"\): ALTER TABLE t ' "$err"
	expect_match '^HINT:  Let it finish or end it' "$err"
	[ ! -e dump.sql ] || fail 'there is a dump'
}
