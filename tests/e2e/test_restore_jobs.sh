# idrestore -j: several connections, and the same result as one.

. "$E2E_DIR/restore.sh"

# Each kind of stream of the database, in the files of $streams.
streams='pg_dump.sql iddump.sql k.idar'
make_streams() {
	pg_dump "$1" >pg_dump.sql
	iddump "$1" >iddump.sql
	iddump -o k.idar "$1"
}

# copies DB JOBS FILE WAY: restored with jobs, from the file or a pipe, it is DB again.
copies() {
	dbname copy
	if [ "$4" = file ]; then
		expect_status 0 idrestore --create -j "$2" -d "$db_copy" "$3"
	else
		# shellcheck disable=SC2016
		expect_status 0 bash -c 'cat "$1" | idrestore --create -j "$2" -d "$3"' - "$3" "$2" "$db_copy"
	fi
	expect_equal_dbs "$1" "$db_copy"
	definitions "$1" >definitions.want
	definitions "$db_copy" >definitions.got
	expect_same definitions.want definitions.got
	sql postgres "DROP DATABASE \"$db_copy\""
}

each_way() {
	local jobs file way
	for jobs in ${2:-1 2 8}; do
		for file in $streams; do
			for way in file pipe; do
				copies "$1" "$jobs" "$file" "$way"
			done
		done
	done
}

# as_serial FILE [STATUS [JOBS]]: with 1 and 8 jobs, from file and pipe, the same database, or (STATUS 4) the
# same refusal.
as_serial() {
	local way status=0 got
	dbname serial
	dbname copy
	idrestore --create -d "$db_serial" "$1" >/dev/null 2>serial.err || status=$?
	[ "$status" -eq "${2-0}" ] || fail "status $status: $(cat serial.err)"
	for way in file pipe; do
		got=0
		if [ "$way" = file ]; then
			idrestore --create -j "${3-8}" -d "$db_copy" "$1" >/dev/null 2>jobs.err || got=$?
		else
			# shellcheck disable=SC2016
			bash -c 'cat "$1" | idrestore --create -j "$3" -d "$2"' - "$1" "$db_copy" "${3-8}" >/dev/null 2>jobs.err || got=$?
		fi
		[ "$got" -eq "$status" ] || fail "status $got, not $status ($way): $(cat jobs.err) $(cat serial.err)"
		if [ "$status" -eq 0 ]; then
			same_database "$db_serial" "$db_copy"
			sql postgres "DROP DATABASE \"$db_copy\""
		else
			expect_no_database "$db_copy"
			expect_equal "$(sed 's/^[^ ]*: error: [^:]*:/:/' jobs.err)" "$(sed 's/^[^ ]*: error: [^:]*:/:/' serial.err)"
		fi
	done
	[ "$status" -ne 0 ] || sql postgres "DROP DATABASE \"$db_serial\""
}

same_database() {
	expect_equal_dbs "$1" "$2"
	definitions "$1" >definitions.want
	definitions "$2" >definitions.got
	expect_same definitions.want definitions.got
	contents "$1" >contents.want
	contents "$2" >contents.got
	expect_same contents.want contents.got
}

script() {
	{ cat && echo '-- PostgreSQL database dump complete'; } >"$1"
}

test_small_in_each_way() {
	small source
	make_streams "$db_source"
	each_way "$db_source"
}

test_objects_of_every_kind() {
	load source objects.sql
	make_streams "$db_source"
	each_way "$db_source" 8
}

test_values_of_every_type() {
	load source types.sql
	make_streams "$db_source"
	each_way "$db_source" 2
}

# Blocks larger than a piece of work, and one table that is larger than all others.
test_large_tables_are_cut() {
	newdb source
	sql "$db_source" "CREATE TABLE large (id int PRIMARY KEY, v text, w text UNIQUE);
		INSERT INTO large SELECT i, md5(i::text) || repeat('x', i % 200), 'w' || i FROM generate_series(1, 120000) i;
		CREATE INDEX large_v ON large (v); CREATE INDEX large_vw ON large (v, w);
		CREATE TABLE wide (v text); INSERT INTO wide SELECT repeat('wide ' || i, 3000000) FROM generate_series(1, 2) i;
		CREATE TABLE middle (id int PRIMARY KEY, v text); INSERT INTO middle SELECT i, md5(i::text) FROM generate_series(1, 50000) i;
		CREATE TABLE none (a int)"
	make_streams "$db_source"
	each_way "$db_source" 2
	# Rows that are loaded whole are frozen.
	idrestore --create -j 2 -d "${prefix}_frozen" k.idar
	sql "${prefix}_frozen" 'VACUUM middle'
	expect_equal "$(sql "${prefix}_frozen" "SELECT relallvisible = relpages FROM pg_class WHERE relname = 'middle'")" t
}

# IDKIT_MANY_TIMES=50 is the long form.
many_times=${IDKIT_MANY_TIMES:-3}

test_516_tables_and_897_foreign_keys() {
	local i
	newdb source fixtures/many_tables.sql
	expect_equal "$(sql "$db_source" "SELECT (SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'many'::regnamespace),
		(SELECT count(*) FROM pg_constraint WHERE contype = 'f')")" '516|897'
	make_streams "$db_source"
	for ((i = 0; i < many_times; i++)); do
		copies "$db_source" 8 k.idar file
	done
	copies "$db_source" 8 pg_dump.sql pipe
	expect_no_match 'deadlock' "$CLUSTER_DIR/log"
}

# ---- scripts that nobody's dump writes ----

test_tables_made_after_rows() {
	script late.sql <<-'END'
		CREATE TABLE a (id int, v text);
		COPY a (id, v) FROM stdin;
		1	x
		2	y
		\.
		CREATE TABLE b AS SELECT id + 10 AS id FROM a;
		ALTER TABLE a ADD COLUMN w int DEFAULT 7;
		COPY a (id, v, w) FROM stdin;
		3	z	9
		\.
		CREATE INDEX a_id ON a (id);
		INSERT INTO b SELECT sum(w) FROM a;
		CREATE TABLE c (id int PRIMARY KEY REFERENCES c);
		COPY c (id) FROM stdin;
		5
		\.
		COPY b (id) FROM stdin;
		99
		\.
		UPDATE b SET id = id + (SELECT count(*) FROM b);
		DELETE FROM a WHERE id = 2;
	END
	as_serial late.sql
}

test_rows_whose_order_counts() {
	script order.sql <<-'END'
		CREATE SEQUENCE s;
		CREATE TABLE a (id int DEFAULT nextval('s'), v text);
		CREATE TABLE b (id int DEFAULT nextval('s'), v text);
		CREATE TABLE c (v text, n bigint);
		CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := (SELECT count(*) FROM public.c); RETURN NEW; END';
		CREATE TRIGGER counted BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION counted();
		CREATE FUNCTION rows_of_a() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM public.a';
		CREATE TABLE d (v int CHECK (v <= public.rows_of_a()));
		COPY a (v) FROM stdin;
		x
		y
		\.
		COPY b (v) FROM stdin;
		x
		y
		\.
		COPY a (v) FROM stdin;
		z
		\.
		COPY d (v) FROM stdin;
		3
		\.
		COPY c (v) FROM stdin;
		one
		two
		\.
		COPY a (id, v) FROM stdin;
		77	given
		\.
		SELECT pg_catalog.setval('s', (SELECT max(id) FROM a) + 5);
		COPY b (v) FROM stdin;
		last
		\.
	END
	as_serial order.sql
}

test_settings_between_statements() {
	script settings.sql <<-'END'
		CREATE SCHEMA one;
		CREATE SCHEMA two;
		SET search_path = one;
		CREATE TABLE t (at timestamp, b bytea);
		SET DateStyle = 'ISO, DMY';
		COPY t (at, b) FROM stdin;
		01/02/2003	\\x00ff
		\.
		SET search_path = two, one;
		CREATE TABLE t (at timestamp, v text);
		SET DateStyle = 'ISO, MDY';
		COPY t (at, v) FROM stdin;
		01/02/2003	x
		\.
		CREATE INDEX i ON t (at);
		SET search_path TO one;
		CREATE INDEX i ON t (at) WHERE at > '03/04/2005';
		RESET search_path;
		SET check_function_bodies = off;
		SELECT pg_catalog.set_config('search_path', 'two', false);
		CREATE INDEX j ON t (v);
		ALTER TABLE t ADD CONSTRAINT c UNIQUE (v);
		SET SESSION AUTHORIZATION DEFAULT;
	END
	as_serial settings.sql
}

test_what_needs_one_transaction() {
	script savepoint.sql <<-'END'
		CREATE TABLE a (id int);
		COPY a (id) FROM stdin;
		1
		\.
		SAVEPOINT s;
		CREATE TABLE b (id int);
		COPY b (id) FROM stdin;
		1
		\.
		ROLLBACK TO SAVEPOINT s;
		COPY a (id) FROM stdin;
		2
		\.
		RELEASE s;
	END
	as_serial savepoint.sql
	script deferred.sql <<-'END'
		CREATE TABLE a (id int PRIMARY KEY, b int);
		CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);
		CREATE TABLE c (id int);
		ALTER TABLE a ADD CONSTRAINT ab FOREIGN KEY (b) REFERENCES b DEFERRABLE INITIALLY DEFERRED;
		COPY a (id, b) FROM stdin;
		1	7
		\.
		COPY c (id) FROM stdin;
		1
		\.
		COPY b (id, a) FROM stdin;
		7	1
		\.
		CREATE INDEX c_id ON c (id);
	END
	as_serial deferred.sql
	script temporary.sql <<-'END'
		CREATE TEMP TABLE a (id int) ON COMMIT DROP;
		CREATE TABLE b (id int);
		COPY a (id) FROM stdin;
		1
		\.
		COPY b (id) FROM stdin;
		2
		\.
		INSERT INTO b SELECT id FROM a;
		CREATE INDEX b_id ON b (id);
	END
	as_serial temporary.sql
	script local.sql <<-'END'
		CREATE TABLE a (at date);
		SET LOCAL DateStyle = 'ISO, DMY';
		COPY a (at) FROM stdin;
		01/02/2003
		\.
		CREATE INDEX a_at ON a (at);
	END
	as_serial local.sql
	script cursor.sql <<-'END'
		CREATE TABLE a (id int);
		INSERT INTO a VALUES (1), (2);
		DECLARE c CURSOR FOR SELECT id FROM a;
		CREATE TABLE b (id int);
		COPY b (id) FROM stdin;
		1
		\.
		MOVE 1 IN c;
		CLOSE c;
	END
	as_serial cursor.sql
}

test_rows_in_other_forms() {
	script forms.sql <<-'END'
		CREATE TABLE a (id int, v text);
		CREATE TABLE b (id int, v text);
		COPY a (id, v) FROM stdin WITH (FORMAT csv);
		1,"two
		lines"
		\.
		COPY b FROM stdin WITH (FORMAT text, FREEZE);
		1	x
		\.
		COPY b FROM stdin;
		2	y
		\.
		CREATE VIEW w AS SELECT * FROM a;
		CREATE FUNCTION into_a() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.a VALUES (NEW.id, NEW.v); RETURN NEW; END';
		CREATE TRIGGER w INSTEAD OF INSERT ON w FOR EACH ROW EXECUTE FUNCTION into_a();
		COPY w (id, v) FROM stdin;
		9	by the view
		\.
	END
	sed -i 's/, FREEZE//' forms.sql
	dbname serial
	dbname copy
	expect_status 0 idrestore --create -d "$db_serial" forms.sql
	expect_status 0 idrestore --create -j 4 -d "$db_copy" forms.sql
	contents "$db_serial" >contents.want
	contents "$db_copy" >contents.got
	expect_same contents.want contents.got
	drop_databases
	printf 'CREATE TABLE a (id int, v text);\r\nCOPY a (id, v) FROM stdin;\r\n1\tx\r\n2\ty\r\n\\.\r\n' | script crlf.sql
	as_serial crlf.sql
}

# Each kind that one must wait for another for.
test_what_hangs_on_indexes() {
	newdb source
	sql "$db_source" >/dev/null <<-'END'
		CREATE TABLE a (id int NOT NULL, other int NOT NULL, v text, during int4range);
		INSERT INTO a SELECT i, i, 'v' || i || repeat('x', 250), int4range(i, i + 1) FROM generate_series(1, 20000) i;
		ALTER TABLE a ADD CONSTRAINT a_pkey PRIMARY KEY (id);
		ALTER TABLE a ADD CONSTRAINT a_other UNIQUE (other) DEFERRABLE INITIALLY DEFERRED;
		ALTER TABLE a ADD CONSTRAINT a_during EXCLUDE USING gist (during WITH &&);
		CREATE UNIQUE INDEX a_replica ON a (other, id);
		CREATE UNIQUE INDEX a_replica2 ON a (id, other);
		ALTER TABLE a REPLICA IDENTITY USING INDEX a_replica;
		CREATE INDEX a_lower ON a (lower(v), v) INCLUDE (id) WITH (fillfactor = 50);
		ALTER INDEX a_lower ALTER COLUMN 1 SET STATISTICS 500;
		ALTER TABLE a CLUSTER ON a_pkey;
		COMMENT ON CONSTRAINT a_pkey ON a IS 'the key; of a';
		COMMENT ON INDEX a_pkey IS 'its index';
		COMMENT ON INDEX a_lower IS 'lower';
		CREATE TABLE b (a int REFERENCES a, b int, UNIQUE NULLS NOT DISTINCT (b) INCLUDE (a));
		COMMENT ON CONSTRAINT b_a_fkey ON b IS 'to a';
		CREATE VIEW grouped AS SELECT id, v, count(*) FROM a GROUP BY id;
		CREATE MATERIALIZED VIEW m AS SELECT id % 10 AS r, count(*) AS n FROM a GROUP BY 1;
		CREATE UNIQUE INDEX m_r ON m (r);
		COMMENT ON MATERIALIZED VIEW m IS 'm';
		CREATE STATISTICS a_stat ON id, other FROM a;
		CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();
		ALTER TABLE b ENABLE ROW LEVEL SECURITY;
		CREATE POLICY p ON b USING (a > 0);
		CREATE TABLE p (id int, k int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
		CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
		CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
		CREATE INDEX p_id ON p (id);
		INSERT INTO p SELECT i, 1 + i % 2 FROM generate_series(1, 1000) i;
		CREATE TABLE q (id int, k int, FOREIGN KEY (k, id) REFERENCES p);
		CREATE TABLE parent (id int);
		CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
	END
	make_streams "$db_source"
	each_way "$db_source" 2
}

test_by_hand_written_keys() {
	script keys.sql <<-'END'
		CREATE TABLE parent (id int, v text);
		CREATE TABLE child (w int) INHERITS (parent);
		CREATE TABLE p (id int, k int) PARTITION BY LIST (k);
		CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
		CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
		COPY parent (id, v) FROM stdin;
		1	x
		\.
		COPY child (id, v, w) FROM stdin;
		2	x	1
		\.
		COPY p (id, k) FROM stdin;
		1	1
		2	2
		\.
		CREATE INDEX ON p (id);
		CREATE INDEX p1_id_idx1 ON p1 (id, k);
		CREATE INDEX p_named ON p (k, id);
		CREATE INDEX ON parent (v);
		CREATE INDEX parent_v_idx1 ON parent (v, id);
		ALTER TABLE p ADD CONSTRAINT p_key PRIMARY KEY (id, k);
		ALTER TABLE parent ADD PRIMARY KEY (id);
		ALTER TABLE child ADD CONSTRAINT child_u UNIQUE (id), ADD COLUMN x int;
		CREATE UNIQUE INDEX using_it ON child (w);
		ALTER TABLE child ADD CONSTRAINT child_w UNIQUE USING INDEX using_it;
		ALTER TABLE child ADD CONSTRAINT self FOREIGN KEY (w) REFERENCES parent (id);
		CREATE TABLE r (id int, k int);
		ALTER TABLE r ADD CONSTRAINT rp FOREIGN KEY (id, k) REFERENCES p;
		ALTER TABLE p ADD CONSTRAINT pr FOREIGN KEY (id) REFERENCES parent;
	END
	sed -i '/pr FOREIGN KEY/d' keys.sql
	as_serial keys.sql
}

# ---- failures ----

# Rows for tables a, b, c, then what follows; 1 2 … are row numbers.
bad_stream() {
	local refuse=$1
	{
		echo 'CREATE TABLE a (id int, v text); CREATE TABLE b (id int, a int); CREATE TABLE c (v text);'
		echo 'COPY a (id, v) FROM stdin;'
		seq 30000 | sed 's/$/\tv&/'
		printf '\\.\nCOPY b (id, a) FROM stdin;\n'
		seq 30000 | sed 's/.*/&\t&/; '"$refuse"
		printf '\\.\nCOPY c (v) FROM stdin;\n'
		seq 30000
		printf '\\.\n'
		echo 'ALTER TABLE ONLY a ADD CONSTRAINT a_pkey PRIMARY KEY (id);'
		echo 'CREATE INDEX a_v ON a (v);'
		echo 'ALTER TABLE ONLY b ADD CONSTRAINT b_pkey PRIMARY KEY (id);'
		echo 'CREATE INDEX b_id ON b (id, a);'
		echo 'ALTER TABLE ONLY b ADD CONSTRAINT ba FOREIGN KEY (a) REFERENCES a (id);'
	} | script "$2"
}

test_bad_rows_are_named_as_without_jobs() {
	bad_stream '20000s/.*/20000\t99999999999/' range.sql
	as_serial range.sql 4
	expect_match 'range\.sql:50004: this row was refused by table b: value "99999999999" is out of range' serial.err
	bad_stream '20000s/.*/19999\t20000/' twice.sql
	as_serial twice.sql 4
	expect_match 'twice\.sql:90010: statement 9 failed: could not create unique index "b_pkey"' serial.err
	bad_stream '20000s/.*/20000\t30001/' orphan.sql
	as_serial orphan.sql 4
	expect_match 'orphan\.sql:90012: statement 11 failed: insert or update on table "b" violates foreign key constraint "ba"' serial.err
	bad_stream '20000s/.*/20000/' short.sql
	as_serial short.sql 4
	expect_match 'short\.sql:50004: this row was refused by table b: missing data for column "a"' serial.err
}

# Large tables whose foreign keys all refer to one: added unchecked, then checked side by side, and valid in
# the end.
test_foreign_keys_are_checked_side_by_side() {
	local began
	newdb source
	sql "$db_source" "CREATE TABLE parent (id int PRIMARY KEY, of int REFERENCES parent, v text);
		INSERT INTO parent SELECT i, 1, repeat('p', 100) FROM generate_series(1, 60000) i;
		CREATE TABLE a (id int PRIMARY KEY, parent int NOT NULL, v text); CREATE TABLE b (LIKE a); CREATE TABLE c (LIKE a);
		INSERT INTO a SELECT i, i, repeat('a', 100) FROM generate_series(1, 60000) i;
		INSERT INTO b TABLE a; INSERT INTO c TABLE a;
		ALTER TABLE a ADD CONSTRAINT of_a FOREIGN KEY (parent) REFERENCES parent ON DELETE CASCADE DEFERRABLE;
		ALTER TABLE a ADD CONSTRAINT second_of_a FOREIGN KEY (id) REFERENCES parent (id) MATCH FULL;
		ALTER TABLE b ADD CONSTRAINT of_b FOREIGN KEY (parent) REFERENCES parent;
		ALTER TABLE c ADD CONSTRAINT of_c FOREIGN KEY (parent) REFERENCES parent NOT VALID"
	pg_dump "$db_source" >keys.sql
	as_serial keys.sql
	began=$(wc -c <"$CLUSTER_DIR/log")
	dbname copy
	PGOPTIONS='-c log_statement=all' expect_status 0 idrestore --create -j 4 -d "$db_copy" keys.sql
	tail -c "+$((began + 1))" "$CLUSTER_DIR/log" >log
	expect_equal "$(grep -ac 'ALTER TABLE public\.[ab] VALIDATE CONSTRAINT' log)" 3
	expect_equal "$(sql "$db_copy" "SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE contype = 'f' AND NOT convalidated")" of_c
	sql postgres "DROP DATABASE \"$db_copy\""
	# What does not fit is said as of the statement itself.
	awk '/^COPY public.b / { b = 1 } b && /^500\t/ { sub(/\t500\t/, "\t70000\t"); b = 0 } { print }' keys.sql >orphan.sql
	cmp -s keys.sql orphan.sql && fail 'no orphan was made'
	as_serial orphan.sql 4
	expect_match 'orphan\.sql:[0-9]+: statement [0-9]+ failed: insert or update on table "b" violates foreign key constraint "of_b"' serial.err
}

test_bad_rows_of_an_archive_name_the_member() {
	newdb source
	sql "$db_source" "CREATE FUNCTION fits(i int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
		CREATE TABLE a (id int, v text, CHECK (fits(id))); INSERT INTO a SELECT i, 'v' FROM generate_series(1, 200000) i;
		CREATE TABLE b (id int); INSERT INTO b SELECT generate_series(1, 200000);
		CREATE OR REPLACE FUNCTION fits(i int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT i <> 150000'"
	iddump -o bad.idar "$db_source"
	dbname copy
	for way in 'idrestore --create -j 2 -d "$1" bad.idar' 'cat bad.idar | idrestore --create -j 2 -d "$1"' \
		'idrestore --create -d "$1" bad.idar' 'cat bad.idar | idrestore --create -d "$1"'; do
		expect_status 4 bash -c "$way" - "$db_copy"
		expect_match 'member 2-data/[0-9]+\.sql\.zst:150006: this row was refused by table public\.a: new row for relation "a" violates check constraint "a_id_check"' "$err"
		expect_match '^ *Nothing was restored\.$' "$err"
		expect_no_database "$db_copy"
	done
}

# The others stop at once; the database goes away.
test_a_failure_ends_all_at_once() {
	local before
	{
		echo "CREATE TABLE a (id int); CREATE TABLE b (id int); CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN 1; END';"
		printf 'COPY a (id) FROM stdin;\n1\n\\.\nCOPY b (id) FROM stdin;\n1\n1\n\\.\n'
		echo 'CREATE INDEX a_slow ON a (public.slow(id));'
		echo 'CREATE UNIQUE INDEX b_id ON b (id);'
	} | script slow.sql
	dbname copy
	before=$SECONDS
	expect_status 4 idrestore --create -j 2 -d "$db_copy" slow.sql
	expect_match 'statement 7 failed: could not create unique index "b_id"' "$err"
	[ $((SECONDS - before)) -le 5 ] || fail "ended after $((SECONDS - before)) seconds"
	expect_no_database "$db_copy"
}

# The main session's, too; what it does to the workers is not what is reported.
test_a_failure_of_the_main_session_ends_all_at_once() {
	local before
	{
		echo "CREATE FUNCTION slow(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN true; END';"
		printf 'CREATE TABLE a (id int CHECK (public.slow(id)));\nCOPY a (id) FROM stdin;\n1\n\\.\n'
		echo "SELECT pg_catalog.setval('no_such', 7, true);"
	} | script main.sql
	dbname copy
	before=$SECONDS
	# shellcheck disable=SC2016
	expect_status 4 bash -c 'cat main.sql | idrestore --create -j 2 -d "$1"' - "$db_copy"
	expect_match 'error: .*:6: statement 4 failed: relation "no_such" does not exist' "$err"
	[ $((SECONDS - before)) -le 5 ] || fail "ended after $((SECONDS - before)) seconds"
	expect_no_database "$db_copy"
}

# A pipe that says nothing more must not keep the failure waiting.
test_a_failure_ends_the_reading_of_a_pipe() {
	local before
	dbname copy
	mkfifo pipe
	# More than what a reader looks at to tell formats apart.
	{ seq 1000 | sed 's/^/-- /'
	  printf 'CREATE TABLE a (id int);\nCOPY a (id) FROM stdin;\n1\nx\n\\.\nCREATE TABLE b (id int);\n'
	  until [ -e go ]; do sleep 0.05; done; } >pipe 2>/dev/null &
	before=$SECONDS
	expect_status 4 idrestore --create -j 2 -d "$db_copy" pipe
	: >go
	wait
	expect_match 'pipe:1004: this row was refused by table a: invalid input syntax' "$err"
	[ $((SECONDS - before)) -le 5 ] || fail "ended after $((SECONDS - before)) seconds"
	expect_no_database "$db_copy"
}

test_a_truncated_pipe_leaves_nothing() {
	local at bytes
	newdb source
	sql "$db_source" "CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a SELECT i, md5(i::text) FROM generate_series(1, 400000) i"
	make_streams "$db_source"
	dbname copy
	for file in $streams; do
		bytes=$(wc -c <"$file")
		for at in 50 90 99; do
			# shellcheck disable=SC2016
			expect_status 3 bash -c 'head -c "$1" "$2" | idrestore --create -j 2 -d "$3"' - $((bytes / 100 * at)) "$file" "$db_copy"
			expect_no_database "$db_copy"
		done
	done
}

# A restore that is in the middle of its rows, its input a pipe that stops there.
start_in_rows() {
	small source
	sql "$db_source" "CREATE TABLE rows (a int, v text); INSERT INTO rows SELECT i, md5(i::text) FROM generate_series(1, 600000) i"
	iddump "$db_source" >stream.sql
	dbname copy
	mkfifo pipe
	slowly stream.sql "$(grep -abo '^550000	' stream.sql | head -n 1 | cut -d: -f1)" >pipe 2>/dev/null &
	feeder=$!
	start idrestore --create -j 2 -d "$db_copy" pipe 2>messages
	eventually 20 is_in '%' '^COPY public.rows'
}

ends_with() {
	local status=0
	wait "$pid" || status=$?
	: >go
	wait "$feeder" || true
	[ "$status" -eq "$1" ] || fail "status $status, not $1: $(cat messages)"
}

no_tool_sessions() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'id%'")" = 0 ]
}

test_ctrl_c() {
	start_in_rows
	kill -INT "$pid"
	ends_with 130
	eventually 10 no_tool_sessions
	expect_no_database "$db_copy"
}

test_a_terminated_worker() {
	{
		echo "CREATE TABLE a (id int); CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN 1; END';"
		printf 'COPY a (id) FROM stdin;\n1\n\\.\n'
		echo 'CREATE INDEX a_slow ON a (public.slow(id));'
		echo 'CREATE INDEX a_id ON a (id);'
	} | script slow.sql
	dbname copy
	start idrestore --create -j 2 -d "$db_copy" slow.sql 2>messages
	eventually 20 is_in '%' '^CREATE INDEX a_slow'
	sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX a_slow%'" >/dev/null
	feeder=$pid
	ends_with 4
	expect_match 'slow\.sql:5: the connection failed at statement 4: FATAL:  terminating connection due to administrator command' messages
	expect_match 'Nothing was restored\.' messages
	expect_no_database "$db_copy"
}

test_a_server_that_crashes() {
	start_in_rows
	sql postgres "SELECT pid FROM pg_stat_activity WHERE application_name = 'idrestore' AND query LIKE 'COPY%' LIMIT 1" >backend
	[ -s backend ] || sql postgres "SELECT max(pid) FROM pg_stat_activity WHERE application_name = 'idrestore'" >backend
	kill -9 "$(cat backend)"
	: >go
	ends_with 4
	eventually 30 sql postgres 'SELECT 1'
	expect_no_database "$db_copy"
}

# ---- options ----

test_usage() {
	small source
	iddump "$db_source" >stream.sql
	newdb target
	expect_status 2 idrestore -j 2 -d "$db_target" stream.sql
	expect_match 'one transaction has one connection; several jobs need a database of their own \(--create, --swap, --replace\), or --in-place' "$err"
	expect_empty "$db_target"
	expect_status 2 idrestore --create -j 99 -d "$db_target" stream.sql
	expect_match 'at most 32 jobs' "$err"
	expect_status 2 idrestore --set work_mem -d "$db_target" stream.sql
	expect_match 'NAME=VALUE is expected' "$err"
	expect_status 2 idrestore --set DateStyle=German -d "$db_target" stream.sql
	expect_match 'the restore relies on this setting' "$err"
	expect_status 4 idrestore --set no_such_thing=1 -d "$db_target" stream.sql
	expect_match 'no_such_thing=1": unrecognized configuration parameter' "$err"
	expect_empty "$db_target"
	expect_status 0 idrestore -j 1 -d "$db_target" stream.sql
	expect_equal_dbs "$db_source" "$db_target"
}

test_settings_are_said_and_the_users_win() {
	script show.sql <<-'END'
		CREATE TABLE s (name text, setting text);
		SET default_tablespace = '';
		SET work_mem = '5MB';
		INSERT INTO s SELECT name, setting FROM pg_settings WHERE name IN ('maintenance_work_mem', 'synchronous_commit', 'work_mem', 'max_parallel_maintenance_workers');
	END
	dbname copy
	expect_status 0 idrestore -v --create -j 8 -d "$db_copy" show.sql
	expect_match 'setting maintenance_work_mem = [0-9]+kB' "$err"
	expect_match 'setting max_parallel_maintenance_workers = [0-9]' "$err"
	expect_equal "$(sql "$db_copy" "SELECT setting FROM s WHERE name IN ('synchronous_commit', 'work_mem') ORDER BY name")" $'off\n5120'
	sql postgres "DROP DATABASE \"$db_copy\""
	expect_status 0 env PGOPTIONS='-c maintenance_work_mem=7MB -c synchronous_commit=local' \
		idrestore --create -j 8 --set work_mem=9MB -d "$db_copy" show.sql
	expect_equal "$(sql "$db_copy" "SELECT setting FROM s WHERE name <> 'max_parallel_maintenance_workers' ORDER BY name")" $'7168\nlocal\n9216'
}

# Without jobs, too, rows of tables that the transaction made are frozen.
test_one_connection_freezes_rows() {
	newdb source
	sql "$db_source" "CREATE TABLE a (id int); INSERT INTO a SELECT generate_series(1, 20000)"
	pg_dump "$db_source" >pg_dump.sql
	newdb copy
	expect_status 0 idrestore -d "$db_copy" pg_dump.sql
	sql "$db_copy" 'CREATE EXTENSION pg_visibility'
	expect_equal "$(sql "$db_copy" "SELECT bool_and(all_visible AND all_frozen) FROM pg_visibility_map('a')")" t
	expect_equal_dbs "$db_source" "$db_copy" 2>/dev/null || sql "$db_copy" 'DROP EXTENSION pg_visibility'
	expect_equal_dbs "$db_source" "$db_copy"
}

test_in_place() {
	small source
	make_streams "$db_source"
	for file in $streams; do
		newdb copy
		expect_status 0 idrestore --in-place -j 4 -d "$db_copy" "$file"
		expect_equal_dbs "$db_source" "$db_copy"
		# Again over what is there.
		expect_status 4 idrestore --in-place -j 4 -d "$db_copy" "$file"
		expect_status 0 idrestore --in-place --clean -j 4 -d "$db_copy" "$file"
		expect_equal_dbs "$db_source" "$db_copy"
		sql postgres "DROP DATABASE \"$db_copy\""
	done
	bad_stream '20000s/.*/20000\t99999999999/' range.sql
	newdb copy
	expect_status 4 idrestore --in-place -j 2 -d "$db_copy" range.sql
	expect_match 'range\.sql:50004: this row was refused by table b' "$err"
	expect_match 'The restore was in place: the target holds a part of the stream; --clean empties it' "$err"
	expect_status 0 idrestore --in-place --clean -j 2 -d "$db_copy" pg_dump.sql
	expect_equal_dbs "$db_source" "$db_copy"
}

test_verified_with_jobs() {
	small source
	make_streams "$db_source"
	for file in $streams; do
		expect_status 0 idrestore --create --verify -j 4 -d "${prefix}_$file" "$file"
		expect_equal_dbs "$db_source" "${prefix}_$file"
	done
}

# What a function sets, workers can't know.
test_settings_that_functions_make() {
	script functions.sql <<-'END'
		CREATE TABLE a (at date, v text);
		CREATE FUNCTION german() RETURNS text LANGUAGE sql AS $$SELECT pg_catalog.set_config('datestyle', 'ISO, DMY', false)$$;
		COPY a (at) FROM stdin;
		01/02/2003
		\.
		SELECT german();
		COPY a (at) FROM stdin;
		01/02/2003
		\.
		CREATE INDEX a_at ON a (at) WHERE at > '04/03/2005';
	END
	as_serial functions.sql
	script role.sql <<-END
		CREATE TABLE a (v text DEFAULT current_user, n int);
		GRANT ALL ON a TO PUBLIC;
		DO \$\$BEGIN SET ROLE pg_monitor; END\$\$;
		COPY a (n) FROM stdin;
		1
		\\.
		RESET ROLE;
		CREATE INDEX a_v ON a (v);
	END
	as_serial role.sql
}

test_scripts_that_forget_prepared_statements() {
	script deallocate.sql <<-'END'
		CREATE TABLE a (id int);
		CREATE TABLE b (id int);
		PREPARE p AS INSERT INTO b VALUES (7);
		COPY a (id) FROM stdin;
		1
		\.
		EXECUTE p;
		DEALLOCATE ALL;
		COPY b (id) FROM stdin;
		2
		\.
		CREATE INDEX a_id ON a (id);
		CREATE INDEX b_id ON b (id);
	END
	as_serial deallocate.sql
}

# ---- rows through a partitioned table ----

rows_of() {
	echo "COPY $1 (id, v) FROM stdin;"
	awk -v from="$2" -v to="$3" 'BEGIN { for (i = from; i <= to; i++) printf "%d\tsome text of row %d\n", i, i }'
	echo '\.'
}

# They lie in partitions that have rows of their own, too.
test_rows_through_a_partitioned_table() {
	{
		echo 'CREATE TABLE p (id int NOT NULL, v text) PARTITION BY RANGE (id);'
		echo 'CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000000);'
		echo 'CREATE TABLE other (id int, v text);'
		rows_of p 1 100000
		rows_of p1 100001 120000
		rows_of other 1 130000
		echo 'CREATE INDEX p1_v ON p1 (v);'
	} | script root.sql
	# Two workers are at p and other: the partition's rows are next.
	as_serial root.sql 0 2
}

# A key of the partition must wait for the rows that will be routed there at last.
test_keys_of_partitions() {
	{
		echo 'CREATE TABLE p (id int NOT NULL, v text) PARTITION BY RANGE (id);'
		echo 'CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (200001) TO (300000);'
		echo 'CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (0) TO (200001);'
		echo 'CREATE TABLE r (id int);'
		rows_of p 1 200002
		printf 'COPY r (id) FROM stdin;\n200002\n\\.\n'
		echo 'ALTER TABLE ONLY p1 ADD CONSTRAINT p1_key PRIMARY KEY (id);'
		echo 'ALTER TABLE ONLY r ADD CONSTRAINT r_p1 FOREIGN KEY (id) REFERENCES p1 (id);'
	} | script keys.sql
	as_serial keys.sql
}

# The key that workers have made meanwhile makes the order of the rows count.
test_rows_behind_a_foreign_key() {
	{
		echo 'CREATE TABLE a (id int); CREATE TABLE b (id int);'
		printf 'COPY b (id) FROM stdin;\n1\n\\.\nCOPY a (id) FROM stdin;\n1\n\\.\n'
		echo 'ALTER TABLE ONLY b ADD CONSTRAINT b_key PRIMARY KEY (id);'
		echo 'ALTER TABLE ONLY a ADD CONSTRAINT a_b FOREIGN KEY (id) REFERENCES b (id);'
		echo 'COPY b (id) FROM stdin;'
		seq 2 100000
		printf '\\.\nCOPY a (id) FROM stdin;\n100000\n\\.\n'
	} | script behind.sql
	as_serial behind.sql
	as_serial behind.sql 0 2
}

# Others may have brought rows meanwhile.
test_in_place_truncates_nothing() {
	newdb copy
	{
		echo 'CREATE TABLE a (id int, v text);'
		rows_of a 1 40000
	} | script a.sql
	expect_status 0 idrestore --in-place -j 2 -d "$db_copy" a.sql
	expect_equal "$(sql "$db_copy" "SELECT relfilenode = oid, (SELECT count(*) FROM a) FROM pg_class WHERE relname = 'a'")" 't|40000'
}

# checked TYPES TYPE VALUE: rows of b, whose check looks at a, come as late as without jobs, though there are
# more, and a's row takes its time.
checked() {
	local i
	{
		echo "CREATE FUNCTION slow(i int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_catalog.pg_sleep(0.5); RETURN true; END';"
		echo 'CREATE TABLE a (id int CHECK (public.slow(id)));'
		echo "CREATE FUNCTION fits(i int) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM public.a WHERE id >= i)';"
		echo "$1"
		echo "CREATE TABLE b (v $2);"
		printf 'COPY a (id) FROM stdin;\n20000\n\\.\nCOPY b (v) FROM stdin;\n'
		for i in {1..50}; do printf '%s\n' "$3"; done
		printf '\\.\n'
	} | script checked.sql
	as_serial checked.sql 0 2
}

test_checks_inside_types() {
	checked 'CREATE DOMAIN one AS int CHECK (fits(VALUE));' one 7
	checked 'CREATE DOMAIN one AS int CHECK (fits(VALUE)); CREATE DOMAIN two AS one CHECK (VALUE > 0);' two 7
	checked 'CREATE DOMAIN one AS int CHECK (fits(VALUE));' 'one[]' '{7,8}'
	checked 'CREATE DOMAIN one AS int CHECK (fits(VALUE)); CREATE TYPE pair AS (x text, y one);' pair '(x,7)'
	checked 'CREATE DOMAIN one AS int CHECK (fits(VALUE)); CREATE TYPE pair AS (x text, y one[]);
		CREATE DOMAIN pairs AS pair[];' pairs '{"(x,\\"{7}\\")"}'
	checked 'CREATE DOMAIN one AS int CHECK (fits(VALUE)); CREATE TYPE span AS RANGE (subtype = one);' span '[7,8)'
	checked 'CREATE DOMAIN one AS int CHECK (fits(VALUE)); CREATE TYPE span AS RANGE (subtype = one, multirange_type_name = spans);' spans '{[7,8)}'
}

test_checks_by_operators() {
	checked "CREATE FUNCTION meets(i int, j int) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT public.fits(i + j)';
		CREATE OPERATOR <+> (FUNCTION = meets, LEFTARG = int, RIGHTARG = int);" 'int CHECK (v OPERATOR(public.<+>) 0)' 7
}

# refused NAME SQL REGEX: an archive of what SQL makes is refused, with and without jobs, from file and pipe.
refused() {
	local jobs
	newdb "$1"
	sql "${prefix}_$1" "$2"
	iddump -o "$1.idar" "${prefix}_$1"
	dbname copy
	for jobs in 1 2; do
		expect_status 4 idrestore --create --no-owner -U "$role_app" -j "$jobs" -d "$db_copy" "$1.idar"
		expect_match "^idrestore: error: $1\\.idar: member $3" "$err"
		# shellcheck disable=SC2016
		expect_status 4 bash -c 'cat "$1" | idrestore --create --no-owner -U "$4" -j "$2" -d "$3"' - "$1.idar" "$jobs" \
			"$db_copy" "$role_app"
		expect_match "^idrestore: error: .*: member $3" "$err"
		expect_no_database "$db_copy"
	done
}

# Also without jobs, and for statements: lines are counted in the member.
test_failures_in_an_archive_name_the_member() {
	newrole app LOGIN CREATEDB
	refused row "CREATE FUNCTION fits(i int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
		CREATE TABLE a (id int CHECK (fits(id))); INSERT INTO a VALUES (1), (2);
		CREATE OR REPLACE FUNCTION fits(i int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT i = 1'" \
		'2-data/000002\.sql\.zst:[0-9]+: this row was refused by table public\.a: new row for relation "a" violates check'
	refused language "CREATE FUNCTION plus(int, int) RETURNS int LANGUAGE internal AS 'int4pl'" \
		'1-pre-data/000001\.sql\.zst:[0-9]+: statement [0-9]+ failed: permission denied for language internal'
	refused key "CREATE FUNCTION key(i int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT i';
		CREATE TABLE a (id int); INSERT INTO a VALUES (1), (2); CREATE UNIQUE INDEX a_key ON a (key(id));
		CREATE OR REPLACE FUNCTION key(i int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'" \
		'3-post-data/000003\.sql\.zst:[0-9]+: statement [0-9]+ failed: could not create unique index "a_key"'
}
