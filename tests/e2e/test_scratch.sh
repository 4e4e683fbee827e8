# The database under construction: what happens between its last row and its name.

# Starts "idrestore --create" of a stream whose last byte is held back in a pipe; sets $scratch.
begin_restore() {
	newdb source
	dbname copy
	sql "$db_source" "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000)"
	iddump -o stream.sql "$db_source"
	mkfifo pipe
	idrestore --create -d "$db_copy" pipe 2>restore.err &
	restore=$!
	exec 7>pipe
	head -c -1 stream.sql >&7
	eventually 10 find_scratch
	scratch=$(find_scratch)
}

find_scratch() {
	sql postgres "SELECT datname FROM pg_database WHERE datname LIKE 'idkit\_scratch\_%'" | grep .
}

# Lets the stream end; sets $status.
end_restore() {
	tail -c 1 stream.sql >&7
	exec 7>&-
	status=0
	wait "$restore" || status=$?
}

test_session_in_the_new_database_is_waited_for() {
	begin_restore
	psql -X -q -d "$scratch" -c 'SELECT pg_sleep(9)' >/dev/null 7>&- &
	eventually 10 sql_is "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(9)'
		AND datname = '$scratch'" 1
	end_restore
	expect_equal "$status" 0
	expect_match 'waits for its name: somebody is connected to "idkit_scratch_' restore.err
	expect_match 'process [0-9]+: role "postgres"' restore.err
	expect_equal "$(sql "$db_copy" 'SELECT count(*) FROM t')" 1000
}

sql_is() {
	[ "$(sql postgres "$1")" = "$2" ]
}

test_idle_connection_that_broke_is_made_anew() {
	begin_restore
	sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name = 'idrestore' AND datname = 'postgres'" >/dev/null
	end_restore
	expect_equal "$status" 0
	expect_equal "$(sql "$db_copy" 'SELECT count(*) FROM t')" 1000
	if find_scratch; then
		fail 'a scratch database is left'
	fi
}

test_name_taken_meanwhile_leaves_nothing() {
	begin_restore
	createdb "$db_copy"
	end_restore
	expect_equal "$status" 4
	expect_match 'could not be named' restore.err
	expect_equal "$(sql "$db_copy" "SELECT count(*) FROM pg_class WHERE relname = 't'")" 0
}

test_name_comes_from_a_service() {
	newdb source
	dbname copy
	printf '[there]\nhost=%s\nport=%s\nuser=postgres\ndbname=%s\n' "$PGHOST" "$PGPORT" "$db_copy" >service
	iddump "$db_source" | PGSERVICEFILE=$T/service idrestore --create -d service=there
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_database WHERE datname = '$db_copy'")" 1
}

# A schema may be called what pg_dump's comments are made of.
test_schema_name_that_imitates_a_comment_hides_nothing() {
	newdb source
	dbname copy
	sql "$db_source" <<-'SQL' >/dev/null
		CREATE SCHEMA "a; Type: SEQUENCE SET; Schema: b";
		CREATE FUNCTION "a; Type: SEQUENCE SET; Schema: b".f() RETURNS int LANGUAGE sql AS 'SELECT 1';
		CREATE SCHEMA "a; Type: INDEX; Schema: b";
		CREATE TABLE "a; Type: INDEX; Schema: b".t (a int PRIMARY KEY);
		INSERT INTO "a; Type: INDEX; Schema: b".t VALUES (1);
		CREATE SCHEMA "a; Type: TABLE; Schema: b";
		CREATE TABLE "a; Type: TABLE; Schema: b".t (a int REFERENCES "a; Type: INDEX; Schema: b".t);
		INSERT INTO "a; Type: TABLE; Schema: b".t VALUES (1);
		SELECT lo_create(1);
	SQL
	iddump "$db_source" | idrestore --create --verify -d "$db_copy"
	expect_equal "$(sql "$db_copy" 'SELECT "a; Type: SEQUENCE SET; Schema: b".f()')" 1
	expect_status 0 idverify "$db_source" "$db_copy"
	diff <(pg_dump "$db_source" | grep -v restrict) <(pg_dump "$db_copy" | grep -v restrict)
}

# A pg_restore that fails ends the run, though the writer of the pipe has hours to go.
test_writer_of_a_broken_archive_is_not_waited_for() {
	newdb source
	dbname copy
	pg_dump -Fc "$db_source" >dump
	head -c 600 dump >broken
	mkfifo pipe
	{
		cat broken
		head -c 2000000 /dev/zero
		sleep 100
	} >pipe 2>/dev/null &
	expect_status 3 timeout 20 idrestore --create -d "$db_copy" pipe
}
