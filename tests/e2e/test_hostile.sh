#!/usr/bin/env bash
#
# Databases, roles and names that mean ill.

# shellcheck source=tests/e2e/restore.sh
. "$E2E_DIR/restore.sh"

# A database whose owner, no superuser, waits for one: its search path puts its own operators and
# functions before the system's.  They do what those do, and say so in the server's log.
make_trap() {
	newrole "owner$1" LOGIN
	newdb "$1"
	local db=${prefix}_$1 owner=${prefix}_owner$1
	sql postgres "ALTER DATABASE \"$db\" OWNER TO \"$owner\""
	psql -XAtq -U "$owner" -v ON_ERROR_STOP=1 -d "$db" >/dev/null <<-'END'
		SET search_path = pg_catalog;
		CREATE TABLE public.person (id int PRIMARY KEY, name text);
		INSERT INTO public.person VALUES (1, 'a'), (2, 'b');
		CREATE SEQUENCE public.numbers;
		SELECT format('CREATE FUNCTION public.%I(%s) RETURNS bool LANGUAGE plpgsql AS $$BEGIN
			RAISE LOG ''trapped in %% as %%'', current_database(), current_user;
			RETURN $1 OPERATOR(pg_catalog.%s) $2; END$$',
			'trap_' || o.oid, format_type(oprleft, NULL) || ', ' || format_type(oprright, NULL), oprname),
		       format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = public.%I)',
			oprname, format_type(oprleft, NULL), format_type(oprright, NULL), 'trap_' || o.oid)
		  FROM pg_operator o
		 WHERE oprname IN ('=', '<>', '~', '!~', '~~', '!~~', '<', '>', '>=', '<=') AND oprresult = 'bool'::regtype
		   AND oprleft IN ('text'::regtype, 'name'::regtype, 'oid'::regtype, '"char"'::regtype, 'int4'::regtype,
		                   'int2'::regtype, 'bool'::regtype, 'xid'::regtype, 'pg_lsn'::regtype)
		   AND oprnamespace = 'pg_catalog'::regnamespace
		 \gexec
		SELECT format('CREATE FUNCTION public.%I(%s) RETURNS %s LANGUAGE plpgsql AS $$BEGIN
			RAISE LOG ''trapped in %% as %%'', current_database(), current_user;
			RETURN pg_catalog.%I(%s); END$$', proname, oidvectortypes(proargtypes), prorettype::regtype, proname,
			(SELECT string_agg('$' || i, ', ') FROM generate_series(1, pronargs) i))
		  FROM pg_proc
		 WHERE pronamespace = 'pg_catalog'::regnamespace AND NOT proretset AND prokind = 'f' AND provariadic = 0
		   AND proname IN ('lower', 'upper', 'quote_ident', 'length', 'lo_get', 'lo_unlink', 'lo_create', 'set_config',
		                   'current_setting', 'pg_table_is_visible', 'pg_get_userbyid', 'nextval', 'setval', 'left')
		 \gexec
		CREATE FUNCTION public.counted(state bigint) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN
			RAISE LOG 'trapped in % as %', current_database(), current_user; RETURN state; END$$;
		CREATE AGGREGATE public.count(*) (SFUNC = public.counted, STYPE = bigint, INITCOND = '0');
	END
	sql postgres "ALTER DATABASE \"$db\" SET search_path = public, pg_catalog"
}

expect_not_trapped() {
	grep -a "trapped in ${prefix}_" "$CLUSTER_DIR/log" | head -n 3 >trapped || true
	grep -a -A3 "trapped in ${prefix}_" "$CLUSTER_DIR/log" | grep -a 'STATEMENT' | head -n 3 >>trapped || true
	expect_equal "$(cat trapped)" ''
}

test_the_trap_works() {
	make_trap evil
	sql "$db_evil" "SELECT 'a'::text = 'b'::text" >/dev/null
	expect_equal "$(grep -ac "LOG:  trapped in $db_evil as postgres" "$CLUSTER_DIR/log")" 1
}

test_dumps_run_nothing_of_the_database() {
	make_trap evil
	expect_status 0 iddump -o all.sql "$db_evil"
	expect_not_trapped
	# A name without a schema means what is visible in the database's own search path.
	expect_status 0 iddump -o some.sql -t person -T 'n*' -d "$db_evil"
	expect_match 'CREATE TABLE public.person' some.sql
	expect_status 0 iddump -o schema.sql -n public -N 'x*' -t '*.numbers' -s -d "$db_evil"
	expect_status 2 iddump -t nobody -d "$db_evil"
	expect_status 0 iddump -a -o rows.sql -d "$db_evil"
	expect_status 0 iddump --clean --create -o made.sql -d "$db_evil"
	expect_not_trapped
}

test_verifying_runs_nothing_of_the_database() {
	make_trap evil
	iddump -o all.sql "$db_evil"
	expect_status 0 idverify all.sql "$db_evil"
	expect_status 0 idverify "$db_evil" "$db_evil"
	expect_not_trapped
}

test_restores_run_nothing_of_the_database() {
	make_trap evil
	small source
	iddump -o own.sql "$db_source"
	pg_dump -f foreign.sql "$db_source"
	for file in own.sql foreign.sql; do
		expect_status 4 idrestore -d "$db_evil" "$file"
		expect_match 'is not empty' "$err"
		expect_not_trapped
	done
	for file in own.sql foreign.sql; do
		newdb "copy${file%.sql}"
		make_trap "cleaned${file%.sql}"
		expect_status 0 idrestore --clean --verify -d "${prefix}_cleaned${file%.sql}" "$file"
		expect_not_trapped
		sql postgres "ALTER DATABASE \"${prefix}_cleaned${file%.sql}\" RESET search_path"
		expect_equal_dbs "$db_source" "${prefix}_cleaned${file%.sql}"
	done
}

# What others wrote is given the database's own search path, once nothing is there that could use it.
test_scripts_of_others_get_the_search_path_of_the_database() {
	newdb target
	sql postgres "ALTER DATABASE \"$db_target\" SET search_path = here, public"
	expect_status 0 idrestore --allow-incomplete -d "$db_target" - <<-'END'
		CREATE SCHEMA here;
		CREATE TABLE t (a int);
		CREATE VIEW v AS SELECT * FROM t;
	END
	expect_equal "$(sql "$db_target" "SELECT 'here.t'::regclass")" t
}

test_timeouts_of_the_role_end_nothing() {
	small source
	newrole hasty LOGIN SUPERUSER
	sql postgres "ALTER ROLE \"$role_hasty\" SET statement_timeout = 1"
	for setting in idle_session_timeout=300 idle_in_transaction_session_timeout=300 lock_timeout=1; do
		sql postgres "ALTER ROLE \"$role_hasty\" SET $setting"
	done
	expect_status 0 iddump -U "$role_hasty" -o stream.sql "$db_source"
	expect_status 0 idverify -U "$role_hasty" stream.sql "$db_source"
	dbname made
	expect_status 0 bash -o pipefail -c '{ head -c 2000 "$1"; sleep 1; tail -c +2001 "$1"; } |
		idrestore -U "$2" --create -d "$3"' _ stream.sql "$role_hasty" "$db_made"
	expect_equal_dbs "$db_source" "$db_made"
	pg_dump -f foreign.sql "$db_source"
	newdb target
	expect_status 0 bash -o pipefail -c '{ head -c 2000 "$1"; sleep 1; tail -c +2001 "$1"; } |
		idrestore -U "$2" -d "$3"' _ foreign.sql "$role_hasty" "$db_target"
}

# The child that writes the definitions is told what the connection was told.
test_options_of_the_connection_reach_pg_dump() {
	newrole reader
	newrole login LOGIN IN ROLE "\"${prefix}_reader\"" NOINHERIT
	newdb source
	sql "$db_source" "CREATE SCHEMA s; CREATE TABLE s.t (a int); INSERT INTO s.t VALUES (1);
		GRANT USAGE ON SCHEMA s TO \"$role_reader\"; GRANT SELECT ON s.t TO \"$role_reader\""
	expect_status 4 iddump -d "dbname='$db_source' user='$role_login'"
	expect_status 0 iddump -d "dbname='$db_source' user='$role_login' options='-c role=$role_reader'"
	expect_match '^CREATE TABLE s\.t' "$out"
	PGOPTIONS="-c role=$role_reader" expect_status 0 iddump -U "$role_login" "$db_source"
}

escape=$'\e'

test_no_control_characters_reach_the_terminal() {
	local name=$'a\e[31m\r\nidrestore: error: \a\u009b'
	newdb target
	sql "$db_target" "CREATE TABLE \"$name\" ()"
	small source
	iddump -o stream.sql "$db_source"
	expect_status 4 idrestore -d "$db_target" stream.sql
	expect_no_match "[$escape"$'\r\a]' "$err"
	expect_match 'table public\."a\?\[31m\?$' "$err"
	newdb warned
	expect_status 4 idrestore --allow-incomplete -d "$db_warned" - <<-END
		DO \$\$BEGIN RAISE WARNING E'\\x1b[31mred\\nidrestore: error: no'; END\$\$;
		SELECT "$escape[31m";
	END
	expect_no_match "$escape" "$err"
	expect_match '^idrestore: note: the server warns: \?\[31mred$' "$err"
	expect_match '^  idrestore: error: no$' "$err"
}

test_left_databases_are_told_by_their_exact_names() {
	allow_leftovers
	small source
	iddump -o stream.sql "$db_source"
	local name='idkit_scratch_0123abcd_x"; touch y'
	sql postgres "CREATE DATABASE \"${name//\"/\"\"}\""
	sql postgres 'CREATE DATABASE "idkit_scratch_0123abc_short"'
	sql postgres 'CREATE DATABASE "idkit_scratch_; touch y"'
	newdb target
	expect_status 0 idrestore -d "$db_target" stream.sql
	expect_match 'remove it with: DROP DATABASE "idkit_scratch_0123abcd_x""; touch y"$' "$err"
	expect_equal "$(grep -c 'was left by' "$err")" 1
	sql postgres "DROP DATABASE \"${name//\"/\"\"}\""
	sql postgres 'DROP DATABASE "idkit_scratch_0123abc_short"'
	sql postgres 'DROP DATABASE "idkit_scratch_; touch y"'
}

test_passwords_are_never_shown() {
	local uri
	for uri in 'postgres://u:secret@h/db' 'host=h password=secret' 'postgresql://u:secret@[h/db' \
		'postgresql://u:sec%zzret@h/db' 'host=h password=my secret' 'postgresql://u:secret@h/db?x' \
		'postgresql://u:secret@h/db?secret=1' "host='h password=secret"; do
		expect_status 2 idverify "$uri"
		expect_no_match 'secret|sec%|zzret' "$err"
		expect_status 2 idverify a b "$uri"
		expect_no_match 'secret|sec%|zzret' "$err"
		expect_status 2 iddump a "$uri"
		expect_no_match 'secret|sec%|zzret' "$err"
	done
	for uri in 'postgresql://u:secret@[h/db' 'postgresql://u:sec%zzret@h/db' 'host=h password=my secret' \
		'postgresql://u:secret@h/db?x' 'postgresql://u:secret@h/db?secret=1' "host='h password=secret"; do
		expect_status 2 iddump -d "$uri"
		expect_match 'connection string' "$err"
		expect_no_match 'secret|sec%|zzret' "$err"
		expect_status 2 idverify "$uri" "$uri"
		expect_no_match 'secret|sec%|zzret' "$err"
		expect_status 2 idrestore --create -d "$uri" "$E2E_DIR/lib.sh"
		expect_match 'connection string' "$err"
		expect_no_match 'secret|sec%|zzret' "$err"
	done
	expect_status 2 idrestore --create -d 'dbname=x prot=1' "$E2E_DIR/lib.sh"
}

test_a_connection_that_dies_at_the_commit() {
	newdb target
	{
		echo 'CREATE TABLE t (a int); CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END$$;
			CREATE CONSTRAINT TRIGGER die AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW EXECUTE FUNCTION die();
			INSERT INTO t VALUES (1);'
	} >dying.sql
	expect_status 4 idrestore --allow-incomplete -d "$db_target" dying.sql
	expect_match 'not known whether' "$err"
	expect_match 'SELECT pg_catalog\.txid_status\([0-9]+\)' "$err"
	expect_equal "$(sql postgres "$(grep -ao 'SELECT pg_catalog\.txid_status([0-9]*)' "$err")")" aborted
	expect_empty "$db_target"
}
