# idverify -j: the same answer, by several threads and connections.

. "$E2E_DIR/restore.sh"
. "$E2E_DIR/memory.sh"

# What the database holds, in each form a side can have.
sides='one.sql many.sql one.idar many.idar'
sides_of() {
	iddump -o one.sql "$1"
	iddump -j 4 -o many.sql "$1"
	iddump -o one.idar "$1"
	iddump -j 4 --chunk-size 64k -o many.idar "$1"
}

# answer STATUS ARGUMENTS…: that, with 1, 2 and 8 jobs, and the same report.
answer() {
	local want=$1 jobs
	shift
	expect_status "$want" idverify -v --format=json -j 1 "$@"
	cp "$out" report
	for jobs in 2 8; do
		expect_status "$want" idverify -v --format=json -j "$jobs" "$@"
		expect_same report "$out"
	done
}

each_pair() {
	local want=$1 db=$2 side
	for side in $sides; do
		answer "$want" "$side" "$db"
		answer "$want" "$db" "$side"
	done
	answer 0 one.idar many.sql
	answer 0 many.idar
	answer 0 many.sql
}

test_objects_with_jobs() {
	load source objects.sql
	sides_of "$db_source"
	sql postgres "CREATE DATABASE \"${prefix}_copy\" TEMPLATE \"$db_source\""
	dbname copy
	each_pair 0 "$db_source"
	answer 0 "$db_source" "$db_copy"
}

test_types_with_jobs() {
	load source types.sql
	sides_of "$db_source"
	each_pair 0 "$db_source"
}

real_database() {
	iddump -j 4 --chunk-size 100k -o many.idar "$db_source"
	answer 0 many.idar "$db_source"
	answer 0 many.idar
}

test_real_databases_with_jobs() {
	each_corpus real_database
}

test_differences_with_jobs() {
	newdb source
	sql "$db_source" "CREATE TABLE t (a int, v text); INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, 20000) i;
		CREATE TABLE u AS TABLE t; CREATE TABLE w AS TABLE t"
	sides_of "$db_source"
	pg_dump -f foreign.sql "$db_source"
	sides+=' foreign.sql'
	each_pair 0 "$db_source"
	sql "$db_source" "UPDATE t SET v = v || 'x' WHERE a = 10000"
	each_pair 1 "$db_source"
	expect_status 1 idverify -j 4 many.idar "$db_source"
	expect_match '^table public\.t: 20000 rows in both, but not the same ones$' "$out"
	expect_match '^DIFFERENT: 1 ' "$out"
	sql "$db_source" "DELETE FROM u WHERE a = 1"
	expect_status 1 idverify -j 4 "$db_source" many.sql
	expect_match '^table public\.u: A has 19999 rows, B has 20000$' "$out"
	expect_match '^DIFFERENT: 2 ' "$out"
}

# Two streams with other orders of columns: the rows are put in order in each thread.
test_other_orders_of_columns() {
	newdb a
	newdb b
	sql "$db_a" "CREATE TABLE t (a int, b text, c int); INSERT INTO t SELECT i, md5(i::text), -i FROM generate_series(1, 20000) i"
	sql "$db_b" "CREATE TABLE t (c int, a int, b text); INSERT INTO t SELECT -i, i, md5(i::text) FROM generate_series(20000, 1, -1) i"
	iddump -j 2 --chunk-size 64k -o a.idar "$db_a"
	iddump -j 2 --chunk-size 64k -o b.idar "$db_b"
	answer 0 a.idar b.idar
	answer 0 "$db_a" b.idar
	answer 0 "$db_a" "$db_b"
	sql "$db_b" 'UPDATE t SET a = c, c = a WHERE a = 7'
	answer 1 "$db_a" "$db_b"
	answer 1 a.idar "$db_b"
}

test_archives_from_a_pipe() {
	load source objects.sql
	iddump -j 2 --chunk-size 64k -o k.idar "$db_source"
	expect_status 0 bash -c 'idverify -j 4 - <k.idar'
	# shellcheck disable=SC2016
	expect_status 0 bash -c 'cat k.idar | idverify -j 4 - "$1"' _ "$db_source"
	# shellcheck disable=SC2016
	expect_status 0 bash -c 'iddump -j 2 -F archive "$1" | idverify -j 4 - "$1"' _ "$db_source"
	expect_match '^equal: ' "$out"
}

# A byte of the rows' frames: that member is named, by whatever thread meets it.
test_damage_is_found() {
	local jobs at
	newdb source
	sql "$db_source" "CREATE TABLE t AS SELECT i, md5(i::text) AS v FROM generate_series(1, 50000) i"
	iddump -j 2 --chunk-size 64k -o k.idar "$db_source"
	for at in 30 50 70; do
		cp k.idar damaged.idar
		printf 'damage' | dd of=damaged.idar bs=1 seek=$(($(stat -c %s k.idar) * at / 100)) conv=notrunc status=none
		for jobs in 1 2 8; do
			expect_status 3 idverify -j "$jobs" damaged.idar
			expect_match '^idverify: error: damaged\.idar: .*2-data/[0-9]+\.sql\.zst' "$err"
			expect_status 3 idverify -j "$jobs" damaged.idar "$db_source"
			expect_equal "$(cat "$out")" ''
		done
	done
}

test_each_side_is_one_moment() {
	local i
	newdb source
	sql "$db_source" 'CREATE TABLE a (n serial); CREATE TABLE b (n serial); CREATE TABLE c (n int); INSERT INTO c VALUES (0)'
	start bash -c "while true; do echo 'BEGIN; INSERT INTO a DEFAULT VALUES; UPDATE c SET n = n + 1; INSERT INTO b DEFAULT VALUES; COMMIT;'; done |
		psql -Xq -d $db_source"
	writes() { [ "$(sql "$db_source" 'SELECT n > 100 FROM c')" = t ]; }
	eventually 10 writes
	for i in 1 2 3; do
		idverify -j 4 --format=json "$db_source" "$db_source" >report.json || [ $? -eq 1 ]
		expect_equal "$(jq '.tables[] | select(.name == "a") | .a.rows' report.json)" "$(jq '.tables[] | select(.name == "b") | .a.rows' report.json)"
		expect_equal "$(jq '.tables[] | select(.name == "a") | .b.rows' report.json)" "$(jq '.tables[] | select(.name == "b") | .b.rows' report.json)"
	done
	kill "$pid"
}

slow_databases() {
	local i
	newdb a
	sql "$db_a" "CREATE TABLE s0 AS SELECT i, repeat('x', 100000) AS v FROM generate_series(1, 4000) i"
	for i in 1 2 3; do
		sql "$db_a" "CREATE TABLE s$i AS TABLE s0"
	done
	sql postgres "CREATE DATABASE \"${prefix}_b\" TEMPLATE \"$db_a\""
	dbname b
}

reading() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'idverify' AND query LIKE 'COPY%'")" -ge "$1" ]
}

no_readers() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'idverify'")" = 0 ]
}

# When one side fails the other one, which has much to read, is ended, too.
test_one_side_fails() {
	local got db
	slow_databases
	for db in "$db_a" "$db_b"; do
		start idverify -j 2 "$db_a" "$db_b" >report 2>err
		eventually 10 reading 4
		sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'idverify' AND datname = '$db' LIMIT 1" >/dev/null
		SECONDS=0
		got=0
		wait "$pid" || got=$?
		expect_equal "$got" 4
		[ "$SECONDS" -le 2 ] || fail "took $SECONDS s"
		expect_match '^idverify: error: .*(terminating connection|server closed the connection)' err
		expect_equal "$(cat report)" ''
		eventually 3 no_readers
	done
}

test_interrupted() {
	local got=0
	slow_databases
	start idverify -j 4 "$db_a" "$db_b" >report 2>err
	eventually 10 reading 6
	kill -INT "$pid"
	SECONDS=0
	wait "$pid" || got=$?
	expect_equal "$got" 130
	[ "$SECONDS" -le 2 ] || fail "took $SECONDS s"
	eventually 3 no_readers
}

test_how_many_jobs() {
	newdb a
	expect_status 2 idverify -j 33 "$db_a" "$db_a"
	expect_match '^idverify: error: -j 33: at most 32 jobs' "$err"
	expect_status 0 idverify -j 0 "$db_a" "$db_a"
	expect_status 0 idverify -j 32 "$db_a" "$db_a"
}

test_memory() {
	local jobs side
	only_release
	load_three_tables source
	iddump -j 4 -o k.idar "$db_source"
	for jobs in 1 2 8; do
		for side in k.idar "$db_source"; do
			measured "verify-$jobs" idverify -j "$jobs" "$side" "$db_source" >/dev/null
			expect_small "$jobs" "verify-$jobs"
		done
	done
}
