# The harness itself: what must be noticed is noticed, and nothing is left on the server.

# inner NAME BODY: runs one test with that body in a harness of its own, on this test's server.
inner() {
	mkdir -p inner
	printf 'test_%s() {\n%s\n}\n' "$1" "$2" >"inner/test_inner.sh"
	E2E_SERVER=1 E2E_DIR=$T/inner "$ROOT/tests/run-e2e.sh"
}

test_a_passing_test_is_counted() {
	expect_status 0 inner passes 'expect_status 3 bash -c "echo yes; exit 3"; expect_match "^yes$" "$out"'
	expect_match '^ok   inner: passes \([0-9.]+s\)$' "$out"
	expect_equal "$(tail -n 1 "$out")" '1 passed, 0 failed'
}

test_a_wrong_exit_status_fails() {
	expect_status 1 inner wrong 'expect_status 0 bash -c "echo reason >&2; exit 4"'
	expect_match '^     \| reason$' "$out"
	expect_match 'test_inner.sh:2: exit status 4, not 0: bash -c' "$out"
	expect_equal "$(tail -n 1 "$out")" '0 passed, 1 failed'
}

test_a_failing_command_fails() {
	expect_status 1 inner command $'false\ntrue'
	expect_match 'test_inner.sh:2: exit status 1: false$' "$out"
	expect_status 1 inner pipe 'false | cat'
	expect_status 1 inner unset 'echo "$no_such_variable"'
}

test_fail_inside_a_substitution_fails() {
	expect_status 1 inner substitution 'echo "$(fail "seen")"; true'
	expect_match 'seen' "$out"
}

test_unequal_and_unmatched_fail() {
	expect_status 1 inner equal 'expect_equal a b'
	expect_match '^     \| -b$' "$out"
	expect_status 1 inner match 'expect_match "^x" "a text"'
	expect_status 1 inner no_match 'expect_no_match text "a text"'
	expect_status 1 inner same 'echo a >a; echo b >b; expect_same a b'
	expect_status 0 inner good 'expect_equal a a; expect_match text "a text"; expect_no_match z "a text"'
}

test_a_skipped_test_is_not_a_pass() {
	expect_status 1 inner skipped 'file=$(corpus no-such-file); fail "not reached"'
	expect_match '^skip inner: skipped: no corpus file no-such-file$' "$out"
	expect_equal "$(tail -n 1 "$out")" '0 passed, 0 failed, 1 skipped'
}

test_nothing_to_run_is_a_failure() {
	mkdir inner
	expect_status 1 env E2E_SERVER=1 E2E_DIR="$T/inner" "$ROOT/tests/run-e2e.sh"
	expect_equal "$(cat "$out")" '0 passed, 0 failed'
	expect_status 2 "$ROOT/tests/run-e2e.sh" test_harness.sh:test_misspelt
	expect_equal "$(cat "$err")" 'run-e2e: no such test: test_harness.sh:test_misspelt'
}

test_a_test_that_hangs_is_ended() {
	E2E_TIMEOUT=1 expect_status 1 inner hangs 'sleep 60'
	expect_match 'timed out after 1 s' "$out"
}

test_databases_and_roles_are_dropped() {
	expect_status 0 inner drops '
		newdb one; newrole owner; sql "$db_one" "CREATE TABLE t (a int); INSERT INTO t VALUES (7)"
		sql postgres "ALTER DATABASE \"$db_one\" OWNER TO \"$role_owner\""
		expect_equal "$(sql "$db_one" "SELECT a FROM t")" 7'
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_database WHERE datname LIKE 'e2e%'")" 0
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'e2e%'")" 0
}

test_a_scratch_database_left_behind_fails() {
	expect_status 1 inner scratch 'sql postgres "CREATE DATABASE idkit_scratch"'
	expect_match 'left behind: database idkit_scratch$' "$out"
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_database WHERE datname LIKE 'idkit%'")" 0
	expect_status 0 inner allowed 'allow_leftovers; sql postgres "CREATE DATABASE idkit_scratch"'
}

test_a_temporary_file_left_behind_fails() {
	expect_status 1 inner temporary 'touch x.idar.idkit-tmp'
	expect_match 'left behind: file x.idar.idkit-tmp$' "$out"
}

test_a_session_left_behind_fails() {
	expect_status 1 inner session '
		PGAPPNAME=iddump start psql -XAtqc "SELECT pg_sleep(60)" postgres
		is_there() { sql postgres "SELECT application_name FROM pg_stat_activity" | grep iddump; }
		eventually 5 is_there'
	expect_match 'left behind: session "iddump" in postgres: SELECT pg_sleep' "$out"
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'iddump'")" 0
}

test_a_prepared_transaction_left_behind_fails() {
	expect_status 1 inner prepared 'newdb p
		sql "$db_p" "BEGIN; CREATE TABLE t (); PREPARE TRANSACTION '\''gid1'\''"'
	expect_match 'left behind: prepared transaction gid1' "$out"
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_prepared_xacts")" 0
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_database WHERE datname LIKE 'e2e%'")" 0
}

test_passwords_are_asked_for() {
	newrole login LOGIN "PASSWORD 'secret' IN ROLE pw_users"
	expect_status 2 psql -w -h 127.0.0.1 -U "$role_login" -d postgres -c 'SELECT 1'
	PGPASSWORD=secret expect_status 0 psql -w -h 127.0.0.1 -U "$role_login" -d postgres -c 'SELECT 1'
	expect_status 0 psql -w -h 127.0.0.1 -d postgres -c 'SELECT 1'
}

test_a_server_ends_with_its_owner() {
	local server
	start bash -c '. "$1"; cluster_start && echo "$CLUSTER_DIR" >ready; sleep 60' _ "$ROOT/tests/cluster.sh"
	eventually 30 test -s ready
	server=$(cat ready)
	expect_match '^data$' "$(ls "$server")"
	kill -KILL "$pid"
	eventually 30 test ! -e "$server"
}
