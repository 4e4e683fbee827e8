# When iddump cannot finish: the exit status says so, and nothing is left that looks finished.

. "$E2E_DIR/dump.sh"

# A database whose stream is 8 MB.
big() {
	newdb source
	sql "$db_source" "CREATE TABLE t AS SELECT i, repeat(md5(i::text), 8) AS v FROM generate_series(1, 30000) i"
}

# Starts iddump with a pg_dump that sleeps (sets $pid) and waits until it does.
start_sleeping() {
	wrap "touch $T/sleeping; sleep 30"
	start iddump --pg-dump ./pg_dump "$@" 2>err
	eventually 10 test -e sleeping
}

expect_end() {
	local want=$1 got=0
	wait "$pid" || got=$?
	expect_equal "$got" "$want"
}

test_output_files_are_private_and_whole() {
	big
	umask 000
	expect_status 0 iddump -o dump.sql "$db_source"
	expect_equal "$(stat -c %a dump.sql)" 600
	expect_equal "$(wc -c <"$out")" 0
	cp dump.sql before
	printf '#!/bin/sh\n[ "$1" = --version ] && { echo "pg_dump (PostgreSQL) 99.1"; exit; }\nexit 1\n' >broken
	chmod +x broken
	expect_status 4 iddump --pg-dump ./broken -o dump.sql "$db_source"
	expect_same dump.sql before
	expect_status 4 iddump --pg-dump ./broken -o new.sql "$db_source"
	expect_status 4 iddump -o new.sql no_such_database
	expect_status 5 iddump -o nowhere/new.sql "$db_source"
	expect_match 'nowhere/.*No such file or directory' "$err"
	mkdir folder
	expect_status 5 iddump -o folder "$db_source"
	[ ! -e new.sql ] || fail 'a file was left'
	expect_equal "$(ls -A | tr '\n' ' ')" 'before broken dump.sql folder '
	expect_equal "$(ls -A folder)" ''
}

test_a_full_disk() {
	big
	expect_status 5 iddump -o /dev/full "$db_source"
	expect_match '/dev/full: No space left on device' "$err"
	expect_status 5 bash -c 'iddump "$1" >/dev/full' _ "$db_source"
	expect_match 'standard output: No space left on device' "$err"
	newdb empty
	expect_status 5 bash -c 'iddump "$1" >/dev/full' _ "$db_empty"
	mkdir small
	# shellcheck disable=SC2016
	if ! unshare -m bash -c 'mount -t tmpfs -o size=1m none small' 2>/dev/null; then
		return 0
	fi
	expect_status 5 unshare -m bash -c 'mount -t tmpfs -o size=1m none small && iddump -o small/dump.sql "$1"
		status=$?; ls -A small; exit $status' _ "$db_source"
	expect_match 'small/dump.sql.*No space left on device' "$err"
	expect_equal "$(cat "$out")" ''
}

test_an_output_that_is_closed() {
	big
	expect_status 5 bash -c 'iddump "$1" >&-' _ "$db_source"
	expect_match 'standard output' "$err"
	expect_status 0 bash -c 'iddump "$1" | head -c 100 >/dev/null; echo "${PIPESTATUS[*]}"' _ "$db_source"
	expect_equal "$(cat "$out")" '5 0'
	expect_match 'standard output: the reader has gone away' "$err"
	eventually 3 no_sessions
}

test_interrupted() {
	local signal status
	newdb source
	sql "$db_source" 'CREATE TABLE t (a int)'
	while read -r signal status; do
		rm -f sleeping
		start_sleeping -o dump.sql "$db_source"
		kill "-$signal" "$pid"
		SECONDS=0
		expect_end "$status"
		[ "$SECONDS" -le 2 ] || fail "took $SECONDS s"
		eventually 3 no_sessions
		expect_equal "$(ls -A | tr '\n' ' ')" 'err pg_dump sleeping '
	done <<-'END'
		INT 130
		TERM 143
		HUP 129
	END
}

# In the middle of the rows, a query is running: it must be cancelled, not waited for.
test_interrupted_while_a_query_runs() {
	newdb source
	sql "$db_source" "CREATE TABLE t (a int); INSERT INTO t VALUES (1)"
	start psql -XAtq -d "$db_source" -c 'BEGIN' -c 'LOCK TABLE t' -c 'SELECT pg_sleep(60)'
	local locker=$pid
	locks() { [ "$(sql postgres "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation IS NOT NULL")" = 1 ]; }
	eventually 5 locks
	start iddump -o dump.sql "$db_source"
	waits() { [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'iddump' AND wait_event_type = 'Lock'")" = 1 ]; }
	eventually 5 waits
	SECONDS=0
	kill -INT "$pid"
	expect_end 130
	[ "$SECONDS" -le 2 ] || fail "took $SECONDS s"
	eventually 3 no_sessions
	kill "$locker"
	expect_equal "$(ls -A)" ''
}

test_killed() {
	newdb source
	sql "$db_source" 'CREATE TABLE t (a int)'
	allow_leftovers
	start_sleeping -o dump.sql "$db_source"
	kill -KILL "$pid"
	expect_end 137
	eventually 3 no_sessions
	no_locks() { [ "$(sql "$db_source" "SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass")" = 0 ]; }
	eventually 3 no_locks
	[ ! -e dump.sql ] || fail 'there is a dump'
	expect_equal "$(ls -A | grep -c '^\.dump\.sql\.......\.idkit-tmp$')" 1
	expect_status 0 iddump -o dump.sql "$db_source"
	expect_match '^iddump: .*/\.dump\.sql\.......\.idkit-tmp was left by a run that was killed' "$err"
	expect_equal "$(ls -A | grep -c idkit-tmp)" 1
}

test_the_leader_is_terminated() {
	newdb source
	sql "$db_source" 'CREATE TABLE t (a int)'
	wrap "touch $T/sleeping; sleep 2"
	start iddump --pg-dump ./pg_dump -o dump.sql "$db_source" 2>err
	eventually 10 test -e sleeping
	sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'iddump'" >/dev/null
	expect_end 4
	expect_match 'terminating connection due to administrator command|snapshot' err
	[ ! -e dump.sql ] || fail 'there is a dump'
}

test_the_server_stops() {
	local status=0
	newdb source
	sql "$db_source" "CREATE TABLE t AS SELECT i, repeat('x', 1000) AS v FROM generate_series(1, 20000) i"
	mkfifo pipe
	start bash -c 'iddump "$1" >pipe 2>err; echo $? >status' _ "$db_source"
	exec 7<pipe
	head -c 1000 <&7 >/dev/null
	sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'iddump'" >/dev/null
	cat <&7 >rest
	exec 7<&-
	wait "$pid"
	expect_equal "$(cat status)" 4
	expect_match '^iddump: error: .*(terminating connection|server closed the connection)' err
	expect_no_match '^-- idkit-trailer' rest
}

test_pg_dump_is_killed() {
	newdb source
	sql "$db_source" 'CREATE TABLE t (a int)'
	wrap "touch $T/sleeping; sleep 1; kill -KILL \$\$"
	expect_status 4 iddump --pg-dump ./pg_dump -o dump.sql "$db_source"
	expect_match '^iddump: error: pg_dump was ended by signal 9 \(Killed\)' "$err"
	[ ! -e dump.sql ] || fail 'there is a dump'
}
