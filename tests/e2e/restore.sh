# restore.sh - what the tests of idrestore and idverify share.  It includes dump.sh.
#
#     load_corpus NAME           newdb source, loaded by psql from the corpus file; the owner's role too
#     each_corpus COMMAND…       runs it once for each corpus file, with the name behind; databases that
#                                it made are dropped in between
#     small NAME                 newdb NAME with a little of much: rows, a function, a sequence, a large
#                                object, constraints, an index
#     expect_equal_dbs DB DB     idverify says so
#     expect_different DB DB     idverify says so
#     expect_empty DB            nothing of a user's is in it
#     expect_no_database NAME    there is none of that name, nor a scratch database
#     scratch_databases          the names of the scratch databases
#     is_in DB QUERY-REGEX       a session of idrestore, idverify or iddump is at that query
#     hostile                    an environment (an array for env) whose settings mean ill
#     make_hostile OBJECT        ALTER OBJECT ("DATABASE x", "ROLE y") SET …, likewise
#     slowly FILE BYTES          FILE on stdout, with a pause behind the first BYTES, until the file
#                                $T/go exists

# shellcheck source=tests/e2e/dump.sh
. "$E2E_DIR/dump.sh"

# Also under a database's own hostile settings.
pinned=("${pinned[@]/%-c quote_all_identifiers=off/-c quote_all_identifiers=off -c client_encoding=UTF8 -c standard_conforming_strings=on -c escape_string_warning=on}")

# The recipe that people use with grep -v: six statements that a role without rights may not run.
recipe='(DROP\ SCHEMA\ public|CREATE\ SCHEMA\ public|COMMENT\ ON\ SCHEMA\ public|DROP\ EXTENSION\ plpgsql|CREATE\ EXTENSION\ IF\ NOT\ EXISTS\ plpgsql|COMMENT\ ON\ EXTENSION\ plpgsql)'

corpus_names=(keycloak-14.0 keycloak-26.4 keystone-22 inmanta-202607130 inmanta-202605060-pg17-dump openidm)

# The owners that the files name; they stay for other tests.
make_corpus_roles() {
	sql postgres <<-'END'
		SELECT format('CREATE ROLE %I', r) FROM unnest(ARRAY['keycloak_user', 'keystone', 'openidm']) r
		 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) \gexec
	END
}

# What psql 15 or an older server does not know is left out of the loaded file.
load_corpus() {
	local file
	file=$(corpus "$1.sql.zst")
	make_corpus_roles
	newdb source
	zstd -dcq "$file" | grep -av -e '^\\restrict ' -e '^\\unrestrict ' -e '^SET transaction_timeout' >corpus.sql
	psql -XAtq -1 -v ON_ERROR_STOP=1 -d "$db_source" -f corpus.sql >load.log 2>&1 ||
		fail "cannot load $1: $(tail -n 3 load.log)"
}

drop_databases() {
	sql postgres <<-END
		SELECT format('DROP DATABASE %I', datname) FROM pg_database WHERE datname LIKE '$prefix\\_%' \\gexec
	END
}

each_corpus() {
	local name
	for name in "${corpus_names[@]}"; do
		load_corpus "$name"
		"$@" "$name"
		drop_databases
	done
}

small() {
	local db
	newdb "$1"
	db=db_$1
	sql "${!db}" >/dev/null <<-'END'
		CREATE TYPE mood AS ENUM ('ok', 'bad;');
		CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL, mood mood DEFAULT 'ok');
		CREATE TABLE note (id serial PRIMARY KEY, person int REFERENCES person, body text);
		CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$
		BEGIN
			RETURN 'a; b';
		END $$;
		INSERT INTO person SELECT i, 'name ' || i FROM generate_series(1, 20) i;
		INSERT INTO note (person, body) SELECT 1 + i % 20, E'line\n\\. ' || i FROM generate_series(1, 20) i;
		CREATE INDEX note_body ON note (body);
		SELECT lo_from_bytea(77, '\x00ff');
	END
}

expect_equal_dbs() {
	expect_status 0 idverify "db:$1" "db:$2"
	expect_match '^equal: ' "$out"
}

expect_different() {
	expect_status 1 idverify "db:$1" "db:$2"
	expect_match '^DIFFERENT: ' "$out"
}

user_objects='SELECT (SELECT count(*) FROM pg_class WHERE oid >= 16384 AND relnamespace <> 99)
	+ (SELECT count(*) FROM pg_proc WHERE oid >= 16384) + (SELECT count(*) FROM pg_type WHERE oid >= 16384)
	+ (SELECT count(*) FROM pg_namespace WHERE oid >= 16384) + (SELECT count(*) FROM pg_extension WHERE oid >= 16384)
	+ (SELECT count(*) FROM pg_largeobject_metadata) + (SELECT count(*) FROM pg_largeobject)'

expect_empty() {
	expect_equal "$(sql "$1" "$user_objects")" 0
}

scratch_databases() {
	sql postgres "SELECT datname FROM pg_database WHERE datname LIKE 'idkit%' ORDER BY 1"
}

expect_no_database() {
	expect_equal "$(sql postgres "SELECT datname FROM pg_database WHERE datname = '${1//\'/\'\'}'")" ''
	expect_equal "$(scratch_databases)" ''
}

is_in() {
	[ "$(sql postgres "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname LIKE '$1' AND query ~ '$2'
		AND application_name IN ('idrestore', 'idverify', 'iddump')")" = t ]
}

hostile=(PGDATESTYLE='SQL, DMY' PGTZ=Asia/Kathmandu PGCLIENTENCODING=LATIN1
	PGOPTIONS='-c IntervalStyle=sql_standard -c extra_float_digits=-10 -c bytea_output=escape -c search_path=pg_temp -c quote_all_identifiers=on -c standard_conforming_strings=off -c default_transaction_read_only=on -c default_transaction_isolation=serializable -c xmloption=document -c statement_timeout=600000 -c array_nulls=off')

# Settings of the database and of the role, on the source and (by template1) on the target.
make_hostile() {
	local setting
	for setting in "DateStyle = 'German, DMY'" "TimeZone = 'America/St_Johns'" "IntervalStyle = iso_8601" \
		"extra_float_digits = 0" "bytea_output = escape" "lc_monetary = 'C.UTF-8'" "search_path = types, objects" \
		"standard_conforming_strings = off" "backslash_quote = on" "statement_timeout = '10min'" "array_nulls = off" \
		"row_security = off" "default_transaction_read_only = on" "default_transaction_isolation = serializable" "client_encoding = 'LATIN1'" "escape_string_warning = on"; do
		sql postgres "ALTER $1 SET $setting"
	done
}

slowly() {
	head -c "$2" "$1"
	until [ -e "$T/go" ]; do sleep 0.05; done
	tail -c "+$(($2 + 1))" "$1"
}

# The restore that runs as $pid, fed by $feeder until "go" is there, ends with this status.
ends_with() {
	local want=$1 status=0
	wait "$pid" || status=$?
	: >go
	[ -z "${feeder-}" ] || wait "$feeder" || true
	feeder=
	[ "$status" -eq "$want" ] || fail "status $status, not $want: $(cat messages)"
}
