# iddump -j: several connections, one moment, and the same dump as of one.

. "$E2E_DIR/restore.sh"
. "$E2E_DIR/memory.sh"

# Tables that are large enough to be cut by pages: 48 MiB of heap each, most of it free space.
cut_table() {
	sql "$db_source" "CREATE TABLE $1 (a int PRIMARY KEY, v text) WITH (fillfactor = 10);
		INSERT INTO $1 SELECT i, md5(i::text) FROM generate_series(1, ${2-60000}) i"
}

# Rows whose text is long and whose pages are few: a dump of them takes a while.
slow_tables() {
	local i
	newdb source
	sql "$db_source" "CREATE TABLE s0 AS SELECT i, repeat('x', 100000) AS v FROM generate_series(1, 4000) i"
	for i in 1 2 3; do
		sql "$db_source" "CREATE TABLE s$i AS TABLE s0"
	done
}

# N sessions of iddump are sending rows.
copying() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'iddump' AND query LIKE 'COPY%'")" -ge "$1" ]
}

# Starts iddump with a pipe as output, descriptor 7, and reads its first bytes to the file head: then it
# is among its rows, and stands still.
start_blocked() {
	mkfifo pipe
	# shellcheck disable=SC2016
	start bash -c 'iddump -v "$@" >pipe 2>err; echo $? >status' _ "$@"
	exec 7<pipe
	head -c 1000 <&7 >head
	eventually 10 copying "$jobs"
	sleep 0.3
}

read_rest() {
	cat head - <&7 >dump.sql
	exec 7<&-
	wait "$pid"
}

expect_end() {
	local want=$1 got=0
	wait "$pid" || got=$?
	expect_equal "$got" "$want"
}

# same_with_jobs: each number of jobs, each format, the same contents as the database.
same_with_jobs() {
	local jobs file
	for jobs in 1 2 8; do
		for file in "dump$jobs.sql" "dump$jobs.idar"; do
			expect_status 0 iddump -j "$jobs" -o "$file" "$db_source"
			expect_status 0 idverify "$file" "$db_source"
			expect_status 0 idverify "$file" dump1.sql
		done
	done
}

test_objects_with_jobs() {
	load source objects.sql
	same_with_jobs
	restore dump8.sql copy
	expect_copy "$db_source" "$db_copy"
	dbname other
	expect_status 0 idrestore --create -d "$db_other" dump8.idar
	expect_copy "$db_source" "$db_other"
}

test_types_with_jobs() {
	load source types.sql
	same_with_jobs
	restore dump2.sql copy
	expect_copy "$db_source" "$db_copy"
}

real_database() {
	same_with_jobs
	restore dump8.sql copy
	expect_copy "$db_source" "$db_copy"
}

test_real_databases_with_jobs() {
	each_corpus real_database
}

# Chunks of all tables and large objects, one among the other: each says what it belongs to.
test_chunks_interleave() {
	newdb source
	sql "$db_source" "CREATE TABLE t AS SELECT i, repeat(md5(i::text), 30) AS v FROM generate_series(1, 40000) i;
		CREATE TABLE u AS TABLE t; CREATE TABLE w AS TABLE t;
		SELECT lo_from_bytea(77, convert_to(repeat('large', 200000), 'UTF8')), lo_create(78)" >/dev/null
	expect_status 0 iddump -j 3 -o dump.sql "$db_source"
	expect_status 0 idverify dump.sql "$db_source"
	expect_equal "$(grep -c '^-- Data for Name: ' dump.sql)" "$(grep -c '^COPY' dump.sql)"
	grep '^COPY' dump.sql | uniq >order
	[ "$(wc -l <order)" -gt 3 ] || fail "nothing interleaves: $(cat order)"
	restore dump.sql copy
	expect_copy "$db_source" "$db_copy"
	idfilter -v 'COPY public\.u ' dump.sql >filtered.sql
	expect_no_match '^COPY public.u ' filtered.sql
	expect_equal "$(grep -c '^SELECT pg_catalog.lo_put' filtered.sql)" 4
	expect_status 1 idverify filtered.sql "$db_source"
	expect_match '^table public\.u: ' "$out"
	expect_match '^DIFFERENT: 1 ' "$out"
	expect_status 0 iddump -j 3 --chunk-size 64k -o dump.idar "$db_source"
	expect_status 0 idverify -j 3 dump.idar dump.sql
	[ "$(tar tf dump.idar | grep -c '^2-data/')" -ge 1000 ] || fail 'the chunks are too large'
}

# What the server was asked for, by its log.
ranges_of() {
	grep -a "COPY (SELECT .* FROM ONLY public.$1 WHERE" "$CLUSTER_DIR/log"
}

test_large_tables_are_cut_by_pages() {
	newdb source
	cut_table part_of_cut
	# Rows elsewhere than they were, pages without a row, long values.
	sql "$db_source" "DELETE FROM part_of_cut WHERE a % 3 = 0 OR a BETWEEN 20000 AND 30000;
		UPDATE part_of_cut SET v = v || 'x' WHERE a % 5 = 0;
		UPDATE part_of_cut SET v = (SELECT string_agg(md5((a * i)::text), '') FROM generate_series(1, 200) i) WHERE a % 500 = 0;
		CREATE TABLE child_of_cut () INHERITS (part_of_cut); INSERT INTO child_of_cut VALUES (-1, 'child')"
	PGOPTIONS='-c log_statement=all' same_with_jobs
	[ "$(ranges_of part_of_cut | wc -l)" -ge 3 ] || fail 'no ranges'
	expect_equal "$(ranges_of part_of_cut | sed 's/.* WHERE//' | grep -c "^ ctid >= '([0-9]*,0)'::pg_catalog.tid) TO")" \
		"$(ranges_of part_of_cut | sed 's/.* WHERE//' | grep -c "^ ctid < '([0-9]*,0)'::pg_catalog.tid) TO")"
	expect_no_match child_of_cut "$(ranges_of child_of_cut)"
	restore dump8.sql copy
	expect_copy "$db_source" "$db_copy"
}

test_ranges_without_rows() {
	newdb source
	cut_table all_dead
	sql "$db_source" 'DELETE FROM all_dead; CREATE TABLE never_used (a int)'
	expect_status 0 iddump -j 4 -o dump.sql "$db_source"
	expect_equal "$(grep -c '^COPY public.all_dead' dump.sql)" 1
	expect_equal "$(grep -c '^COPY public.never_used' dump.sql)" 1
	expect_status 0 idverify -v dump.sql
	expect_match 'all_dead.* 0 rows' "$out"
	expect_status 0 idverify dump.sql "$db_source"
}

# The server must go straight to the pages: else each range reads the whole table.
test_ranges_are_read_as_such() {
	local plan
	newdb source
	cut_table t
	plan=$(sql "$db_source" "EXPLAIN (COSTS off) SELECT a, v FROM ONLY t WHERE ctid >= '(2000,0)'::tid AND ctid < '(4000,0)'::tid")
	expect_match 'Tid Range Scan' "$plan"
}

# Rows come, go and move all the while; under the same snapshot the dumps are the same.
test_a_table_that_changes_meanwhile() {
	local snapshot i
	newdb source
	cut_table t
	mkfifo hold
	exec 8<>hold
	# shellcheck disable=SC2016
	start bash -c 'psql -XAtq -d "$1" -o snapshot <hold' _ "$db_source"
	local holder=$pid
	printf 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_export_snapshot(); SELECT 1 \\g done\n' >&8
	eventually 5 test -s done
	snapshot=$(cat snapshot)
	start bash -c "while true; do echo 'DELETE FROM t WHERE a IN (SELECT (random() * 60000)::int FROM generate_series(1, 500));
		UPDATE t SET v = v || a WHERE a % 97 = (random() * 96)::int;
		INSERT INTO t SELECT i, i FROM generate_series((random() * 60000)::int, 90000, 101) i ON CONFLICT DO NOTHING; VACUUM t;'; done |
		psql -Xq -d $db_source"
	expect_status 0 iddump --snapshot "$snapshot" -j 1 -o one.sql "$db_source"
	for i in 1 2 3; do
		expect_status 0 iddump --snapshot "$snapshot" -j 4 -o "many.sql" "$db_source"
		expect_status 0 idverify one.sql many.sql
		expect_match ' 60000 rows' "$out"
	done
	kill "$pid"
	printf '\\q\n' >&8
	wait "$holder"
	exec 8>&-
	expect_status 1 idverify one.sql "$db_source"
}

test_the_copy_is_one_moment() {
	local copied i
	newdb source
	sql "$db_source" 'CREATE TABLE a (n serial, v text); CREATE TABLE b (n serial, v text); CREATE TABLE c (n int); INSERT INTO c VALUES (0)'
	start bash -c "while true; do echo 'BEGIN; INSERT INTO a DEFAULT VALUES; UPDATE c SET n = n + 1; INSERT INTO b DEFAULT VALUES; COMMIT;'; done |
		psql -Xq -d $db_source"
	writes() { [ "$(sql "$db_source" 'SELECT n > 100 FROM c')" = t ]; }
	eventually 10 writes
	for i in '' --serializable-deferrable; do
		wrap 'sleep 0.5'
		# shellcheck disable=SC2086
		expect_status 0 iddump -j 4 $i --pg-dump ./pg_dump -o dump.sql "$db_source"
		restore dump.sql copy
		copied=$(sql "$db_copy" 'SELECT count(*) FROM a')
		expect_equal "$(sql "$db_copy" 'SELECT (SELECT count(*) FROM b), n FROM c')" "$copied|$copied"
		expect_equal "$(sql "$db_source" "SELECT n > $copied FROM c")" t
		sql postgres "DROP DATABASE \"$db_copy\""
	done
	kill "$pid"
}

# Somebody waits for tables that no job has begun: his lock would stand before the jobs.  The first job is
# busy with a large object until the others come to these tables.
test_a_lock_that_is_waited_for() {
	local jobs=2
	newdb source
	sql "$db_source" "CREATE TABLE s0 AS SELECT i, rpad(i::text, 1000, 'x') AS v FROM generate_series(1, 20000) i; CREATE TABLE s1 AS TABLE s0;
		CREATE TABLE small (a int); INSERT INTO small VALUES (1), (2); CREATE TABLE tiny (a int);
		SELECT lo_from_bytea(77, convert_to(repeat('0123456789', 6000000), 'UTF8'))" >/dev/null
	start_blocked -j 3 "$db_source"
	PGAPPNAME=alter psql -XAtq -d "$db_source" -c 'ALTER TABLE small ADD COLUMN b int' &
	local alter=$!
	PGAPPNAME=truncate psql -XAtq -d "$db_source" -c 'TRUNCATE s0, s1' &
	local truncate=$!
	eventually 10 is_waiting "$db_source" 2
	read_rest
	expect_equal "$(cat status)" 0
	wait "$alter" "$truncate"
	expect_match '^iddump: table public.small: another session waits to lock it; the first job reads it$' err
	expect_no_match 'table public.tiny: another session' err
	expect_status 0 idverify -v dump.sql
	expect_match 'public.small: 2 rows' "$out"
	expect_match 'public.s0: 20000 rows' "$out"
	expect_match 'public.s1: 20000 rows' "$out"
	expect_equal "$(sql "$db_source" 'SELECT count(b), count(*), (SELECT count(*) FROM s0) FROM small')" '0|2|0'
}

# A range's query opens the table's indexes: held to the end, these locks would stop a REINDEX, and it
# the first range of a job that comes later, and nobody would see that it is for ever.  That job is still
# with another table, which is larger than a range.
test_reindex_meanwhile() {
	local jobs=3
	newdb source
	cut_table t 160000
	sql "$db_source" "UPDATE t SET v = repeat(v, 20)"
	cut_table other
	sql "$db_source" "DELETE FROM other; INSERT INTO other SELECT i, repeat('x', 100000) FROM generate_series(1, 300) i"
	start_blocked -j 3 "$db_source"
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'iddump' AND query LIKE 'COPY (SELECT a, v FROM ONLY public.t WHERE%'")" 2
	psql -XAtq -d "$db_source" -c 'REINDEX INDEX t_pkey' &
	local reindex=$!
	eventually 10 is_waiting "$db_source" 1
	SECONDS=0
	timeout 30 cat head - <&7 >dump.sql || fail 'it stands still'
	exec 7<&-
	wait "$pid"
	wait "$reindex"
	expect_equal "$(cat status)" 0
	expect_status 0 idverify dump.sql "$db_source"
}

test_sessions_that_are_hostile() {
	load source types.sql
	expect_status 0 iddump -o clean.sql "$db_source"
	sql postgres "ALTER ROLE postgres IN DATABASE \"$db_source\" SET extra_float_digits = -15"
	sql postgres "ALTER ROLE postgres IN DATABASE \"$db_source\" SET enable_tidscan = off"
	sql postgres "ALTER ROLE postgres IN DATABASE \"$db_source\" SET default_transaction_isolation = serializable"
	PGOPTIONS='-c DateStyle=SQL,DMY -c TimeZone=Asia/Kolkata -c bytea_output=escape -c client_encoding=LATIN1 -c statement_timeout=1000' \
		expect_status 0 iddump -j 4 -o hostile.sql "$db_source"
	sql postgres "ALTER ROLE postgres IN DATABASE \"$db_source\" RESET ALL"
	expect_status 0 idverify clean.sql hostile.sql
}

# A table that is not dumped may stay locked, also below one that is.
test_locks_are_for_what_is_dumped() {
	local jobs
	newdb source
	sql "$db_source" "CREATE SCHEMA other; CREATE TABLE a (n int); CREATE TABLE t (n int); CREATE TABLE other.child () INHERITS (t);
		INSERT INTO t VALUES (1); INSERT INTO other.child VALUES (2)"
	start psql -XAtq -d "$db_source" -c 'BEGIN' -c 'LOCK TABLE other.child' -c 'SELECT pg_sleep(60)'
	locks() { [ "$(sql "$db_source" "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'other.child'::regclass")" = 1 ]; }
	eventually 5 locks
	for jobs in 1 2; do
		expect_status 0 timeout 10 iddump -a -j "$jobs" -n public -o dump.sql "$db_source"
		expect_equal "$(grep -A1 '^COPY public.t ' dump.sql)" $'COPY public.t (n) FROM stdin;\n1'
	done
	kill "$pid"
}

# Of several hosts, the jobs use the one that the first connection has reached.
test_the_host_that_was_reached() {
	newdb source
	sql "$db_source" 'CREATE TABLE t (a int); CREATE TABLE u (a int)'
	PGTARGETSESSIONATTRS=read-write expect_status 0 iddump -j 3 -o dump.sql "host=/nowhere,$PGHOST port=1,$PGPORT dbname=$db_source"
	expect_status 0 idverify -j 3 "host=/nowhere,$PGHOST port=1,$PGPORT dbname=$db_source" dump.sql
	newrole secret "LOGIN IN ROLE pw_users, pg_read_all_data PASSWORD 'geheim'"
	PGPASSWORD=geheim expect_status 0 iddump -j 3 -h 127.0.0.1 -U "$role_secret" -o dump.sql "$db_source"
	expect_status 0 idverify dump.sql "$db_source"
}

test_another_encoding_with_jobs() {
	newdb source
	sql "$db_source" "CREATE TABLE t AS SELECT 'Zoë' AS v; CREATE TABLE u AS TABLE t; CREATE TABLE w AS TABLE t"
	expect_status 0 iddump -E LATIN1 -j 3 -o dump.sql "$db_source"
	expect_equal "$(LC_ALL=C grep -c $'^Zo\xeb$' dump.sql)" 3
}

test_selections_with_jobs() {
	newdb source
	sql "$db_source" 'CREATE SCHEMA s; CREATE TABLE s.a (a int); CREATE TABLE s.b (a int); CREATE TABLE t (a int); INSERT INTO s.a VALUES (1)'
	expect_status 0 iddump -j 4 -n s "$db_source"
	expect_equal "$(grep '^COPY' "$out" | sort)" $'COPY s.a (a) FROM stdin;\nCOPY s.b (a) FROM stdin;'
	expect_status 0 iddump -j 4 -t t "$db_source"
	expect_equal "$(grep '^COPY' "$out")" 'COPY public.t (a) FROM stdin;'
	expect_status 0 iddump -j 4 -s "$db_source"
	expect_no_match '^COPY' "$out"
	newdb empty
	expect_status 0 iddump -j 4 -o empty.sql "$db_empty"
	expect_status 0 idverify empty.sql "$db_empty"
}

# Keys exist where data alone is loaded: the order is the point.
test_data_only_is_one_job() {
	newdb source
	sql "$db_source" 'CREATE TABLE z (a int PRIMARY KEY); CREATE TABLE b (a int REFERENCES z); CREATE TABLE a (a int REFERENCES z);
		INSERT INTO z VALUES (1); INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)'
	expect_status 0 iddump -j 4 -a "$db_source"
	expect_match '^iddump: note: one job: --data-only writes tables in the order of their keys$' "$err"
	expect_equal "$(grep '^COPY' "$out" | head -n 1)" 'COPY public.z (a) FROM stdin;'
	cp "$out" data.sql
	expect_status 0 iddump -s -o schema.sql "$db_source"
	restore schema.sql copy
	restore_into "$db_copy" data.sql
	expect_copy "$db_source" "$db_copy"
	expect_status 0 iddump -a "$db_source"
	expect_equal "$(cat "$err")" ''
}

test_how_many_jobs() {
	newdb source
	expect_status 2 iddump -j 33 -o dump.sql "$db_source"
	expect_match '^iddump: error: -j 33: at most 32 jobs' "$err"
	expect_status 2 iddump -j -1 -o dump.sql "$db_source"
	expect_status 2 iddump -j some -o dump.sql "$db_source"
	expect_equal "$(ls -A)" ''
	expect_status 0 iddump -j 0 -o dump.sql "$db_source"
	expect_status 0 iddump -j 32 -o dump.sql "$db_source"
}

# No more connections than tables.
test_connections_that_are_refused() {
	local i
	newrole few LOGIN CONNECTION LIMIT 3
	newdb source
	sql "$db_source" "GRANT pg_read_all_data TO \"$role_few\""
	sql "$db_source" 'CREATE TABLE t (a int)'
	# The leader's, its pg_dump, and one more.
	expect_status 0 iddump -j 8 -U "$role_few" -o dump.sql "$db_source"
	for i in 1 2 3; do
		sql "$db_source" "CREATE TABLE t$i (a int)"
	done
	expect_status 4 iddump -j 8 -U "$role_few" -o refused.sql "$db_source"
	expect_match "^iddump: error: the connection of job [34]: .*too many connections for role \"$role_few\"" "$err"
	expect_equal "$(ls -A)" dump.sql
	eventually 3 no_sessions
}

# worker WHICH: the backend of the leader (first) or of the job that came last.
end_backend() {
	sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'iddump' AND query LIKE 'COPY%'
		ORDER BY backend_start $1 LIMIT 1" >/dev/null
}

test_a_job_is_terminated() {
	local which file
	slow_tables
	for which in ASC DESC; do
		for file in dump.sql dump.idar; do
			start iddump -j 3 -o "$file" "$db_source" 2>err
			eventually 10 copying 3
			end_backend "$which"
			SECONDS=0
			expect_end 4
			[ "$SECONDS" -le 2 ] || fail "took $SECONDS s"
			expect_match '^iddump: error: table public.s[0-3]: (terminating connection|server closed the connection)' err
			expect_equal "$(ls -A)" err
			eventually 3 no_sessions
		done
	done
}

test_a_job_fails_before_it_reads() {
	local jobs=3
	slow_tables
	start_blocked -j 3 "$db_source"
	end_backend DESC
	read_rest
	expect_equal "$(cat status)" 4
	expect_match '^iddump: error: .*(terminating connection|server closed the connection)' err
	expect_no_match '^-- idkit-trailer' dump.sql
}

# The server ends all sessions when one of them is killed.
test_the_server_crashes() {
	slow_tables
	start iddump -j 3 -o dump.sql "$db_source" 2>err
	eventually 10 copying 3
	kill -KILL "$(sql postgres "SELECT pid FROM pg_stat_activity WHERE application_name = 'iddump' AND query LIKE 'COPY%' LIMIT 1")"
	SECONDS=0
	expect_end 4
	[ "$SECONDS" -le 3 ] || fail "took $SECONDS s"
	expect_match '^iddump: error: table public.s[0-3]: (server closed the connection|terminating connection|SSL|WARNING)' err
	expect_equal "$(ls -A)" err
	eventually 30 sql postgres 'SELECT 1'
	expect_status 0 iddump -j 3 -o dump.idar "$db_source"
}

test_interrupted_with_jobs() {
	local signal status file
	slow_tables
	while read -r signal status file; do
		start iddump -j 8 -o "$file" "$db_source" 2>err
		eventually 10 copying 3
		kill "-$signal" "$pid"
		SECONDS=0
		expect_end "$status"
		[ "$SECONDS" -le 2 ] || fail "took $SECONDS s"
		eventually 3 no_sessions
		expect_equal "$(ls -A)" err
	done <<-'END'
		INT 130 dump.sql
		TERM 143 dump.idar
		HUP 129 dump.idar
	END
}

# All jobs stand behind a reader that does not read.
test_interrupted_while_the_pipe_is_full() {
	local jobs=3
	slow_tables
	mkfifo pipe
	# shellcheck disable=SC2016
	start bash -c 'exec iddump -j 3 "$1" >pipe 2>err' _ "$db_source"
	exec 7<pipe
	head -c 1000 <&7 >head
	eventually 10 copying 3
	sleep 0.5
	kill -INT "$pid"
	SECONDS=0
	expect_end 130
	[ "$SECONDS" -le 2 ] || fail "took $SECONDS s"
	exec 7<&-
	eventually 3 no_sessions
}

test_the_disk_is_full() {
	slow_tables
	expect_status 5 iddump -j 3 -o /dev/full "$db_source"
	expect_match '/dev/full: No space left on device' "$err"
	# shellcheck disable=SC2016
	expect_status 0 bash -c 'iddump -j 3 "$1" | head -c 100000 >/dev/null; echo "${PIPESTATUS[*]}"' _ "$db_source"
	expect_equal "$(cat "$out")" '5 0'
	expect_match 'standard output: the reader has gone away' "$err"
	eventually 3 no_sessions
}

test_memory() {
	local jobs file
	only_release
	load_three_tables source
	for jobs in 2 8; do
		for file in dump.sql dump.idar; do
			measured "$jobs-$file" iddump -j "$jobs" -o "$file" "$db_source"
			expect_small "$jobs" "$jobs-$file"
		done
	done
}
