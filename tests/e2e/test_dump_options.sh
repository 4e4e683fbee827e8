# What iddump's options select, leave out and add.

. "$E2E_DIR/dump.sh"

# The tables whose rows are in the stream, without the schema public.
dumped() {
	sed -n 's/^COPY \(public\.\)\{0,1\}\(.*\) (.*) FROM stdin;$/\2/p' "$out" | sort | tr '\n' ' '
}

test_patterns_of_tables() {
	newdb source
	sql "$db_source" 'CREATE SCHEMA s; CREATE SCHEMA "S.x"; CREATE TABLE t1 (a serial); CREATE TABLE t2 (a int);
		CREATE TABLE "T1" (a int); CREATE TABLE "a.b" (a int); CREATE TABLE s.t1 (a int); CREATE TABLE "S.x"."t$" (a int);
		CREATE TABLE t11 (a int); CREATE SEQUENCE alone'
	local pattern want
	while read -r pattern want; do
		expect_status 0 iddump -t "$pattern" "$db_source"
		expect_equal "$(dumped)" "$want "
		expect_equal "$(grep -c '^CREATE TABLE' "$out")" "$(wc -w <<<"$want")"
	done <<-'END'
		t1 t1
		T1 t1
		"T1" "T1"
		t? t1 t2
		t* t1 t11 t2
		public.t1 t1
		s.t1 s.t1
		S."t1" s.t1
		"S.x".* "S.x"."t$"
		"S.x"."t$" "S.x"."t$"
		"a.b" "a.b"
		t[12] t1 t2
		t(1|2) t1 t2
	END
	expect_status 0 iddump -t '*.t1' "$db_source"
	expect_equal "$(dumped)" 's.t1 t1 '
	expect_status 0 iddump -t t1 -t s.t1 "$db_source"
	expect_equal "$(dumped)" 's.t1 t1 '
	expect_status 0 iddump -t '*' -T 't1*' -T '"T1"' "$db_source"
	expect_equal "$(dumped)" '"a.b" t2 '
	expect_no_match 'pg_class|information_schema' "$out"
	expect_status 0 iddump -T 't1*' "$db_source"
	expect_equal "$(dumped)" '"S.x"."t$" "T1" "a.b" s.t1 t2 '
	expect_status 0 iddump -t alone "$db_source"
	expect_match "setval\('public\.alone'" "$out"
	expect_equal "$(dumped)" ''
}

test_owned_sequences_come_along() {
	newdb source
	sql "$db_source" "CREATE TABLE t1 (a serial, b int GENERATED ALWAYS AS IDENTITY); CREATE TABLE t2 (a serial);
		INSERT INTO t1 DEFAULT VALUES; INSERT INTO t2 DEFAULT VALUES"
	expect_status 0 iddump -o dump.sql -t t1 "$db_source"
	expect_no_match t2 dump.sql
	restore dump.sql copy
	sql "$db_copy" 'INSERT INTO t1 DEFAULT VALUES'
	expect_equal "$(sql "$db_copy" 'SELECT * FROM t1 ORDER BY a')" $'1|1\n2|2'
}

test_patterns_of_schemas() {
	newdb source
	sql "$db_source" 'CREATE SCHEMA one; CREATE SCHEMA "One"; CREATE TABLE one.t (a int); CREATE TABLE "One".t (a int); CREATE TABLE t (a int)'
	expect_status 0 iddump -n ONE "$db_source"
	expect_equal "$(dumped)" 'one.t '
	expect_status 0 iddump -n '"One"' "$db_source"
	expect_equal "$(dumped)" '"One".t '
	expect_status 0 iddump -n '*' "$db_source"
	expect_equal "$(dumped)" '"One".t one.t t '
	expect_no_match 'pg_catalog\.pg_|CREATE SCHEMA (pg_|information)' "$out"
	expect_status 0 iddump -n 'o*' -n public -N public "$db_source"
	expect_equal "$(dumped)" 'one.t '
	expect_status 0 iddump -N 'o*' "$db_source"
	expect_equal "$(dumped)" '"One".t t '
	expect_no_match '^CREATE SCHEMA one' "$out"
}

test_patterns_that_match_nothing() {
	newdb source
	sql "$db_source" 'CREATE TABLE t (a int); CREATE SCHEMA s'
	expect_status 2 iddump -t t -t 'missing*' "$db_source"
	expect_equal "$(cat "$err")" "iddump: error: no table in database \"$db_source\" matches \"missing*\""
	expect_no_result
	expect_status 2 iddump -n s -n "it's" "$db_source"
	expect_match "no schema in database .* matches \"it's\"" "$err"
	expect_status 2 iddump -t s.t "$db_source"
	expect_status 2 iddump -n information_schema "$db_source"
	expect_status 0 iddump -T nothing -N nothing "$db_source"
	expect_status 2 iddump -t a.b.c.d "$db_source"
	expect_status 2 iddump -t '"open' "$db_source"
}

test_schema_only() {
	load source objects.sql
	expect_status 0 iddump --schema-only -o schema.sql "$db_source"
	expect_no_match '^COPY [^(]*\(.*\) FROM stdin;$' <(grep -v '^COPY objects.plain (id) FROM stdin;' schema.sql || true)
	expect_match '"rows":0,' schema.sql
	restore schema.sql copy
	definitions "$db_source" >want
	definitions "$db_copy" >got
	expect_same want got
	expect_equal "$(sql "$db_copy" 'SELECT count(*) FROM objects.plain')" 0
}

# Referenced tables first, since the foreign keys are there already.
test_data_only_in_the_order_of_foreign_keys() {
	newdb source
	sql "$db_source" "CREATE TABLE z_first (id int PRIMARY KEY); CREATE TABLE m_second (id int PRIMARY KEY, r int REFERENCES z_first);
		CREATE TABLE a_third (r int REFERENCES m_second, s serial); INSERT INTO z_first VALUES (1); INSERT INTO m_second VALUES (2, 1);
		INSERT INTO a_third VALUES (2); SELECT lo_from_bytea(5, 'abc')" >/dev/null
	expect_status 0 iddump --schema-only -o schema.sql "$db_source"
	expect_status 0 iddump --data-only -o data.sql "$db_source"
	expect_no_match '^(CREATE|ALTER|DROP) ' data.sql
	restore schema.sql copy
	sql "$db_copy" 'SELECT lo_unlink(oid) FROM pg_largeobject_metadata' >/dev/null
	restore_into "$db_copy" data.sql
	expect_copy "$db_source" "$db_copy"
}

test_clean_replaces_a_full_copy() {
	local options
	newdb source
	sql "$db_source" "CREATE SCHEMA s; CREATE TYPE s.e AS ENUM ('a'); CREATE TABLE a (id int PRIMARY KEY, e s.e);
		CREATE TABLE b (id int PRIMARY KEY REFERENCES a, other serial); ALTER TABLE a ADD CONSTRAINT circle FOREIGN KEY (id) REFERENCES b DEFERRABLE INITIALLY DEFERRED;
		CREATE VIEW v AS SELECT id, count(*) FROM a GROUP BY id; CREATE MATERIALIZED VIEW m AS SELECT * FROM v;
		CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();
		CREATE TABLE p (k int PRIMARY KEY) PARTITION BY LIST (k); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
		BEGIN; INSERT INTO a VALUES (1, 'a'); INSERT INTO b VALUES (1); COMMIT; INSERT INTO p VALUES (1); REFRESH MATERIALIZED VIEW m;
		SELECT lo_from_bytea(77, 'abc')" >/dev/null
	expect_status 0 iddump -o dump.sql "$db_source"
	expect_status 0 iddump --clean -o clean.sql "$db_source"
	expect_match '^ALTER TABLE ONLY public\.b DROP CONSTRAINT' clean.sql
	restore dump.sql copy
	sql "$db_copy" "DELETE FROM p; INSERT INTO p VALUES (1)"
	restore_into "$db_copy" clean.sql
	expect_copy "$db_source" "$db_copy"
	expect_status 0 iddump --clean --if-exists -o clean_if.sql "$db_source"
	expect_no_match '^DROP (TABLE|VIEW|FUNCTION|TYPE|SCHEMA) [^I]' clean_if.sql
	restore_into "$db_copy" clean_if.sql
	expect_copy "$db_source" "$db_copy"
	restore clean_if.sql empty
	expect_copy "$db_source" "$db_empty"
	expect_status 0 idfilter clean.sql
	expect_same "$out" clean.sql
}

test_clean_of_every_kind_of_object() {
	load source objects.sql
	expect_status 0 iddump -o dump.sql "$db_source"
	expect_status 0 iddump --clean --if-exists -o clean.sql "$db_source"
	restore dump.sql copy
	restore_into "$db_copy" clean.sql
	expect_copy "$db_source" "$db_copy"
}

test_create_makes_the_database() {
	local before
	load source objects.sql
	expect_status 0 iddump --create -o dump.sql "$db_source"
	expect_match '^CREATE DATABASE' dump.sql
	contents "$db_source" >contents.want
	"${pinned[@]}" pg_dump -sC "$db_source" | grep -av '^.\(un\)\?restrict' >definitions.want
	expect_status 1 grep -c 'Asia/Kolkata' <(sql postgres 'SELECT 1')
	sql postgres "DROP DATABASE \"$db_source\""
	expect_status 0 psql -Xq -v ON_ERROR_STOP=1 -d postgres -f dump.sql
	contents "$db_source" >contents.got
	expect_same contents.want contents.got
	"${pinned[@]}" pg_dump -sC "$db_source" | grep -av '^.\(un\)\?restrict' >definitions.got
	expect_same definitions.want definitions.got
	expect_match "TimeZone.*Asia/Kolkata" definitions.got
	# Again, over what is there.
	expect_status 0 iddump --create --clean --if-exists -o again.sql "$db_source"
	expect_status 0 psql -Xq -v ON_ERROR_STOP=1 -d postgres -f again.sql
	contents "$db_source" >contents.got
	expect_same contents.want contents.got
}

test_owners_rights_and_comments_can_be_left_out() {
	newdb source
	newrole owner
	sql "$db_source" "CREATE TABLE t (a int); ALTER TABLE t OWNER TO \"$role_owner\"; GRANT SELECT ON t TO public;
		COMMENT ON TABLE t IS 'said'; SELECT lo_from_bytea(7, 'x'); ALTER LARGE OBJECT 7 OWNER TO \"$role_owner\";
		GRANT SELECT ON LARGE OBJECT 7 TO public; COMMENT ON LARGE OBJECT 7 IS 'said'" >/dev/null
	expect_status 0 iddump "$db_source"
	expect_equal "$(grep -c 'OWNER TO' "$out") $(grep -c '^GRANT' "$out") $(grep -c '^COMMENT' "$out")" '2 2 2'
	expect_status 0 iddump --no-owner "$db_source"
	expect_equal "$(grep -c 'OWNER TO' "$out") $(grep -c '^GRANT' "$out") $(grep -c '^COMMENT' "$out")" '0 2 2'
	expect_status 0 iddump --no-acl "$db_source"
	expect_equal "$(grep -c 'OWNER TO' "$out") $(grep -c '^GRANT' "$out") $(grep -c '^COMMENT' "$out")" '2 0 2'
	expect_status 0 iddump --no-comments "$db_source"
	expect_equal "$(grep -c 'OWNER TO' "$out") $(grep -c '^GRANT' "$out") $(grep -c '^COMMENT' "$out")" '2 2 0'
	expect_status 0 iddump -Ox --no-comments -o dump.sql "$db_source"
	sql "$db_source" "DROP TABLE t; SELECT lo_unlink(7); DROP ROLE \"$role_owner\"" >/dev/null
	restore dump.sql copy
	expect_equal "$(sql "$db_copy" 'SELECT lo_get(7), (SELECT count(*) FROM t)')" '\x78|0'
}

test_mistakes_are_usage_errors() {
	local arguments
	while read -r -a arguments; do
		expect_status 2 iddump "${arguments[@]}"
		expect_equal "$(wc -c <"$out")" 0
		expect_match '^iddump: error: ' "$err"
	done <<-'END'
		--no-such-option
		-Q
		--schemaonly
		-o
		--schema-only=yes
		-w -W postgres
		postgres template1
		-d postgres template1 template0
		--schema-only --data-only postgres
		--if-exists postgres
		--data-only --clean postgres
		--data-only --create postgres
		--snapshot x --serializable-deferrable postgres
		--no- postgres
	END
	expect_status 2 iddump -w -W postgres
	expect_equal "$(cat "$err")" 'iddump: error: -w and -W exclude each other'
	expect_status 2 iddump --no-such-option
	expect_match 'no-such-option.*try "iddump --help"' "$err"
	expect_status 2 iddump one two
	expect_match 'one argument too many: "two"' "$err"
}

test_lock_wait_timeout() {
	local began
	newdb source
	sql "$db_source" 'CREATE TABLE t (a int)'
	start psql -XAtq -d "$db_source" -c 'BEGIN' -c 'LOCK TABLE t' -c 'SELECT pg_sleep(60)'
	is_locked() { [ "$(sql "$db_source" "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 't'::regclass AND granted")" = 1 ]; }
	eventually 5 is_locked
	began=$SECONDS
	expect_status 4 iddump --lock-wait-timeout 300ms "$db_source"
	[ $((SECONDS - began)) -le 3 ] || fail 'took too long'
	expect_no_result
	expect_match 'lock timeout' "$err"
	expect_match '^HINT:  A table is locked for longer than --lock-wait-timeout 300ms allows' "$err"
	expect_status 4 iddump --lock-wait-timeout 1fortnight "$db_source"
	expect_match 'lock_timeout' "$err"
	kill "$pid"
}

test_serializable_deferrable() {
	newdb source
	sql "$db_source" 'CREATE TABLE t (a int)'
	wrap "psql -XAtqc \"SELECT 'isolation: ' || mode FROM pg_locks WHERE mode = 'SIReadLock'\" postgres >>$T/modes; echo ran >>$T/modes"
	expect_status 0 iddump --serializable-deferrable --pg-dump "$T/pg_dump" "$db_source"
	expect_match '^-- idkit-trailer' "$out"
	# It waits for a session whose end decides whether the moment is without anomalies.
	start psql -XAtq -d "$db_source" -c 'BEGIN ISOLATION LEVEL SERIALIZABLE' -c 'INSERT INTO t VALUES (1)' -c 'SELECT pg_sleep(2)' -c COMMIT
	writes() { [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = '$db_source' AND query LIKE '%pg_sleep(2)%'")" = 1 ]; }
	eventually 5 writes
	SECONDS=0
	expect_status 0 iddump --serializable-deferrable "$db_source"
	[ "$SECONDS" -ge 1 ] || fail 'did not wait'
	wait "$pid"
}

test_a_snapshot_of_another_session() {
	local id
	newdb source
	sql "$db_source" 'CREATE TABLE t (a int); INSERT INTO t VALUES (1)'
	mkfifo commands
	start psql -XAtq -d "$db_source" -f commands -o id
	exec 7>commands
	echo 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_export_snapshot();' >&7
	eventually 5 test -s id
	id=$(cat id)
	sql "$db_source" 'INSERT INTO t VALUES (2)'
	expect_status 0 iddump --snapshot "$id" "$db_source"
	expect_equal "$(sed -n '/^COPY/,/^\\\./p' "$out" | sed '1d;$d')" 1
	exec 7>&-
	wait "$pid"
	expect_status 4 iddump --snapshot "$id" "$db_source"
	expect_no_result
	expect_match "snapshot \"$id\"" "$err"
	expect_status 4 iddump --snapshot "it's" "$db_source"
	expect_match "snapshot \"it's\": .*invalid snapshot identifier" "$err"
}

test_the_pg_dump_program() {
	newdb source
	sql "$db_source" 'CREATE TABLE t (a int)'
	expect_status 5 iddump --pg-dump "$T/nowhere/pg_dump" "$db_source"
	expect_match 'nowhere/pg_dump: No such file' "$err"
	touch plain_file
	expect_status 5 iddump --pg-dump "$T/plain_file" "$db_source"
	expect_match 'plain_file: Permission denied' "$err"
	printf '#!/bin/sh\necho "pg_dump (PostgreSQL) 9.6.1"\n' >old
	printf '#!/bin/sh\necho hello\n' >odd
	printf '#!/bin/sh\n[ "$1" = --version ] && { echo "pg_dump (PostgreSQL) 99.1"; exit; }\necho "SELECT 1;"; echo reason >&2; exit 3\n' >broken
	chmod +x old odd broken
	expect_status 5 iddump --pg-dump ./old "$db_source"
	expect_match '\./old has version 9, but the server has version 15: pg_dump must not be older' "$err"
	expect_status 5 iddump --pg-dump ./odd "$db_source"
	expect_no_result
	expect_status 4 iddump --pg-dump ./broken "$db_source"
	expect_match 'broken failed with exit status 3:' "$err"
	expect_match '^reason$' "$err"
	expect_no_result
	# A pg_dump that says 0 but stopped before its end.
	printf '#!/bin/sh\n[ "$1" = --version ] && { echo "pg_dump (PostgreSQL) 99.1"; exit; }\necho "SELECT 1;"\n' >broken
	expect_status 3 iddump --pg-dump ./broken "$db_source"
	expect_no_result
}

# WIN1252 leaves bytes undefined that a database may hold all the same: no UTF-8 says them.
test_encoding_of_the_stream() {
	dbname latin
	dbname copy
	createdb -T template0 -E WIN1252 --locale=C "$db_latin"
	printf "SET client_encoding = 'WIN1252';\nCREATE TABLE t (a text);\nINSERT INTO t VALUES (E'\\\\x81'), ('caf\xe9');\n" |
		psql -X -q -v ON_ERROR_STOP=1 "$db_latin"
	expect_status 4 iddump "$db_latin"
	expect_match 'UTF8' "$err"
	expect_status 0 iddump -E WIN1252 -o stream.sql "$db_latin"
	expect_match "^SET client_encoding = 'WIN1252';" stream.sql
	idrestore --create --verify -d "$db_copy" stream.sql
	expect_equal "$(sql "$db_copy" "SELECT string_agg(encode(convert_to(a, 'WIN1252'), 'hex'), ' ' ORDER BY 1) FROM t WHERE a LIKE 'caf%'")" 636166e9
	expect_equal "$(sql "$db_copy" 'SELECT count(*) FROM t')" 2
	expect_status 0 idverify stream.sql "$db_copy"
	expect_match '^equal: 1 table, 2 rows' "$out"
	expect_status 4 iddump -E nonsense "$db_latin"
	expect_match 'encoding "nonsense": invalid value for parameter "client_encoding"' "$err"
}
