# idrestore and idverify ended from outside, and servers that go away: what is left is nothing, or said.

. "$E2E_DIR/restore.sh"

# Rows enough for a COPY that is under way, and for an index that takes its time.
big_stream() {
	small source
	sql "$db_source" "CREATE TABLE rows (a int, v text); INSERT INTO rows SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
		CREATE FUNCTION slow(a int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN IF a = 1000 THEN PERFORM pg_sleep(60); END IF; RETURN a; END'"
	iddump "$db_source" >stream.sql
	# Where the source is not slow, the copy is: a foreign script with an index on the function.
	{ pg_dump "$db_source" | grep -av -e 'PostgreSQL database dump complete' -e '^\\restrict' -e '^\\unrestrict'
	  echo 'CREATE INDEX slow_index ON public.rows (public.slow(a));'
	  echo '-- PostgreSQL database dump complete'; } >slow.sql
	middle=$(($(grep -abo '^30000	' stream.sql | head -n 1 | cut -d: -f1)))
}

# Starts idrestore that waits for rows in the middle of a COPY.  Sets pid.
start_in_copy() {
	rm -f go pipe
	mkfifo pipe
	slowly stream.sql "$middle" >pipe 2>/dev/null &
	feeder=$!
	start idrestore "$@" pipe 2>messages
	eventually 20 is_in '%' '^COPY public.rows'
}

# Starts idrestore that builds the slow index.
start_in_index() {
	start idrestore "$@" slow.sql 2>messages
	eventually 20 is_in '%' '^CREATE INDEX slow_index'
}

# Nothing runs, nothing is locked, nothing is there.
expect_quiet() {
	eventually 20 no_tool_sessions
	expect_equal "$(scratch_databases)" ''
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE datname = '$1'")" 0
	expect_equal "$(find . -name '*.idkit-tmp*')" ''
}

no_tool_sessions() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'id%'")" = 0 ]
}

test_signals_end_it_cleanly() {
	local name number
	big_stream
	newdb target
	dbname made
	for name in INT:130 TERM:143 HUP:129; do
		number=${name#*:}
		name=${name%:*}
		start_in_copy -d "$db_target"
		kill "-$name" "$pid"
		ends_with "$number"
		expect_quiet "$db_target"
		expect_empty "$db_target"
		start_in_copy --create -d "$db_made"
		kill "-$name" "$pid"
		ends_with "$number"
		expect_quiet "$db_made"
		expect_no_database "$db_made"
		start_in_index -d "$db_target"
		kill "-$name" "$pid"
		ends_with "$number"
		expect_quiet "$db_target"
		expect_empty "$db_target"
		start_in_index --create -d "$db_made"
		kill "-$name" "$pid"
		ends_with "$number"
		expect_quiet "$db_made"
		expect_no_database "$db_made"
	done
}

# The writer in front waits for us, and its backend for the writer: a DROP DATABASE would wait for that.
test_a_failure_ends_a_pipe_at_once() {
	newdb source
	dbname made
	sql "$db_source" "CREATE TABLE a (v text CHECK (v <> 'x')); CREATE TABLE b AS SELECT repeat('long ', 100) AS v FROM generate_series(1, 200000)"
	expect_status 4 timeout 60 bash -c 'iddump "$1" | sed "s/^COPY public\.a /SELECT nonsense;\n&/" | idrestore --create -d "$2"' _ "$db_source" "$db_made"
	expect_match 'nonsense' "$err"
	expect_no_database "$db_made"
	sql "$db_source" "CREATE SCHEMA early; CREATE DOMAIN early.no AS int"
	expect_status 4 timeout 60 bash -c 'iddump "$1" | idrestore --create -O --role "$3" -d "$2"' _ "$db_source" "$db_made" "${prefix}_none"
	expect_no_database "$db_made"
}

test_kill_9_in_default_mode_leaves_nothing() {
	big_stream
	newdb target
	start_in_copy -d "$db_target"
	kill -KILL "$pid"
	ends_with 137
	expect_quiet "$db_target"
	expect_empty "$db_target"
	start_in_index -d "$db_target"
	kill -KILL "$pid"
	ends_with 137
	# The statement would go on for a minute: the server looks whether we are still there.
	expect_quiet "$db_target"
	expect_empty "$db_target"
	expect_status 0 idrestore -d "$db_target" stream.sql
	expect_equal_dbs "$db_source" "$db_target"
}

test_what_kill_9_leaves_is_named_by_the_next_run() {
	local left
	big_stream
	dbname made
	newdb target
	newdb second
	start_in_copy --create -d "$db_made"
	kill -KILL "$pid"
	ends_with 137
	eventually 20 no_tool_sessions
	left=$(scratch_databases)
	expect_match '^idkit_scratch_[0-9a-f]{8}_' "$left"
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_database WHERE datname = '$db_made'")" 0
	# Both modes say it; what another one is working on is not named.
	start_in_copy --create -d "${prefix}_busy"
	busy=$(scratch_databases | grep -vxF "$left")
	expect_match '^idkit_scratch_' "$busy"
	expect_status 0 idrestore -d "$db_target" stream.sql
	expect_match "note: database \"$left\" was left by an idrestore that was killed; remove it with: DROP DATABASE $left\$" "$err"
	expect_no_match "$busy" "$err"
	expect_status 0 idrestore --create -d "$db_made" stream.sql
	expect_match "note: database \"$left\" was left" "$err"
	expect_no_match "$busy" "$err"
	: >go
	ends_with 0
	expect_equal_dbs "$db_source" "${prefix}_busy"
	expect_equal "$(scratch_databases)" "$left"
	dropdb "$left"
	expect_status 0 idrestore -d "$db_second" stream.sql
	expect_no_match 'was left' "$err"
}

backend_of_idrestore() {
	sql postgres "SELECT pid FROM pg_stat_activity WHERE application_name = 'idrestore' AND query ~ '^(COPY|CREATE INDEX)'"
}

test_a_terminated_backend() {
	big_stream
	newdb target
	dbname made
	start_in_copy -d "$db_target"
	sql postgres "SELECT pg_terminate_backend($(backend_of_idrestore))" >/dev/null
	: >go
	ends_with 4
	expect_match 'terminating connection|connection' messages
	expect_quiet "$db_target"
	expect_empty "$db_target"
	start_in_copy --create -d "$db_made"
	sql postgres "SELECT pg_terminate_backend($(backend_of_idrestore))" >/dev/null
	: >go
	ends_with 4
	expect_quiet "$db_made"
	expect_no_database "$db_made"
	start_in_index --create -d "$db_made"
	sql postgres "SELECT pg_terminate_backend($(backend_of_idrestore))" >/dev/null
	ends_with 4
	expect_quiet "$db_made"
	expect_no_database "$db_made"
	start_in_index -d "$db_target"
	sql postgres "SELECT pg_cancel_backend($(backend_of_idrestore))" >/dev/null
	ends_with 4
	expect_match 'SQLSTATE 57014' messages
	expect_empty "$db_target"
}

# The server ends all its backends and starts again.
test_a_backend_killed_with_kill_9() {
	big_stream
	newdb target
	dbname made
	start_in_copy -d "$db_target"
	kill -KILL "$(backend_of_idrestore)"
	eventually 30 sql postgres 'SELECT 1'
	: >go
	ends_with 4
	expect_quiet "$db_target"
	expect_empty "$db_target"
	start_in_copy --create -d "$db_made"
	kill -KILL "$(backend_of_idrestore)"
	: >go
	ends_with 4
	eventually 30 sql postgres 'SELECT 1'
	expect_quiet "$db_made"
	expect_no_database "$db_made"
	start_in_index --create -d "$db_made"
	kill -KILL "$(backend_of_idrestore)"
	ends_with 4
	eventually 30 sql postgres 'SELECT 1'
	expect_quiet "$db_made"
	expect_no_database "$db_made"
}

waits_for_its_name() {
	is_in '%' '^ALTER DATABASE "?idkit_scratch'
}

# The server loses what it has not written to disk yet, while the restored database waits for its name.
crash_before_the_name() {
	local status=0 name=$1
	shift
	rm -f go pipe
	mkfifo pipe
	slowly stream.sql "$middle" >pipe 2>/dev/null &
	feeder=$!
	start idrestore "$@" -d "$name" pipe 2>messages
	eventually 20 is_there
	psql -XAtq "dbname=$(scratch_databases) application_name=sitter" -c 'SELECT pg_sleep(100)' >/dev/null 2>&1 &
	sitter=$!
	eventually 20 is_sitting
	: >go
	eventually 20 waits_for_its_name
	kill -KILL "$(sql postgres "SELECT pid FROM pg_stat_activity WHERE application_name = 'sitter'")"
	wait "$pid" || status=$?
	wait "$sitter" "$feeder" || true
	feeder=
	eventually 30 sql postgres 'SELECT 1'
	case $status in
	0)
		# Not with the source: the crash moved its sequence on.
		expect_status 0 idverify stream.sql "db:$name"
		definitions "$db_source" >definitions.want
		definitions "$name" >definitions.got
		expect_same definitions.want definitions.got
		;;
	4) expect_no_database "$name" ;;
	*) fail "status $status: $(cat messages)" ;;
	esac
}

is_there() {
	[ -n "$(scratch_databases)" ]
}

is_sitting() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sitter' AND query LIKE '%pg_sleep%'")" = 1 ]
}

test_a_server_that_crashes_before_the_rename() {
	local jobs
	big_stream
	dbname made
	sql postgres "ALTER SYSTEM SET wal_writer_delay = '10s'"
	sql postgres "ALTER SYSTEM SET wal_writer_flush_after = '2GB'"
	sql postgres 'SELECT pg_reload_conf()' >/dev/null
	for jobs in 1 4; do
		crash_before_the_name "$db_made" --create -j "$jobs"
		sql postgres "DROP DATABASE IF EXISTS \"$db_made\""
	done
	sql postgres 'ALTER SYSTEM RESET wal_writer_delay'
	sql postgres 'ALTER SYSTEM RESET wal_writer_flush_after'
	sql postgres 'SELECT pg_reload_conf()' >/dev/null
}

# idverify waits for a lock that somebody holds.
test_idverify_ended_by_signals() {
	local name number status
	small source
	newdb copy
	iddump "$db_source" | idrestore -d "$db_copy"
	psql -XAtq -d "$db_copy" -c 'BEGIN; LOCK TABLE person; SELECT pg_sleep(100)' >/dev/null 2>&1 &
	holder=$!
	eventually 10 holds_lock
	for name in INT:130 TERM:143 HUP:129 KILL:137; do
		number=${name#*:}
		start idverify -o report "$db_source" "$db_copy" >messages 2>&1
		eventually 10 waits_for_lock
		kill "-${name%:*}" "$pid"
		status=0
		wait "$pid" || status=$?
		[ "$status" -eq "$number" ] || fail "status $status, not $number: $(cat messages)"
		[ ! -e report ] || fail 'a report was written'
		[ "$name" = KILL:137 ] || eventually 5 no_tool_sessions
	done
	sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'idverify' OR query ~ 'LOCK TABLE person'
		AND pid <> pg_backend_pid()" >/dev/null
	wait "$holder" || true
	eventually 10 no_tool_sessions
}

holds_lock() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^BEGIN; LOCK TABLE' AND wait_event = 'PgSleep'")" = 1 ]
}

waits_for_lock() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'idverify' AND wait_event_type = 'Lock'")" = 1 ]
}

test_idverify_and_a_terminated_backend() {
	local status=0
	small source
	newdb copy
	iddump "$db_source" | idrestore -d "$db_copy"
	psql -XAtq -d "$db_copy" -c 'BEGIN; LOCK TABLE person; SELECT pg_sleep(100)' >/dev/null 2>&1 &
	holder=$!
	eventually 10 holds_lock
	start idverify "$db_source" "$db_copy" >messages 2>&1
	eventually 10 waits_for_lock
	sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'idverify' AND wait_event_type = 'Lock'" >/dev/null
	wait "$pid" || status=$?
	expect_equal "$status" 4
	expect_no_match '^equal' messages
	sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^BEGIN; LOCK TABLE'" >/dev/null
	wait "$holder" || true
}
