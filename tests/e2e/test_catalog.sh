#!/usr/bin/env bash
#
# What belongs to a database, and what does not.

# shellcheck source=tests/e2e/restore.sh
. "$E2E_DIR/restore.sh"

test_a_recreated_public_is_nothing() {
	small source
	iddump -o own.sql "$db_source"
	pg_dump -f foreign.sql "$db_source"
	for file in own.sql foreign.sql; do
		newdb target
		sql "$db_target" 'DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP EXTENSION plpgsql; CREATE EXTENSION plpgsql'
		expect_status 0 idrestore -d "$db_target" "$file"
		expect_equal_dbs "$db_source" "$db_target"
		# What is in it is replaced, it stays, with its comment.
		sql "$db_target" "COMMENT ON SCHEMA public IS 'kept'; CREATE TABLE other (); CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'"
		expect_status 4 idrestore -d "$db_target" "$file"
		expect_no_match 'schema public|plpgsql' "$err"
		expect_status 0 idrestore --clean -d "$db_target" "$file"
		expect_equal_dbs "$db_source" "$db_target"
		expect_equal "$(sql "$db_target" "SELECT obj_description('public'::regnamespace)")" kept
		sql postgres "DROP DATABASE \"$db_target\""
	done
}

test_default_privileges_are_something() {
	small source
	iddump -o stream.sql "$db_source"
	newrole reader
	newdb target
	local odd="${prefix}_Odd role"
	sql postgres "CREATE ROLE \"$odd\""
	sql "$db_target" "CREATE SCHEMA \"Odd one\";
		ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO \"$role_reader\" WITH GRANT OPTION;
		ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
		ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
		ALTER DEFAULT PRIVILEGES REVOKE ALL ON TYPES FROM PUBLIC, postgres;
		ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO \"$odd\";
		ALTER DEFAULT PRIVILEGES FOR ROLE \"$odd\" REVOKE ALL ON TABLES FROM \"$odd\";
		ALTER DEFAULT PRIVILEGES FOR ROLE \"$odd\" IN SCHEMA \"Odd one\", public GRANT UPDATE ON SEQUENCES TO PUBLIC, \"$role_reader\";
		ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO \"$role_reader\""
	expect_status 4 idrestore -d "$db_target" stream.sql
	expect_match 'default privileges for role postgres on tables' "$err"
	expect_status 0 idrestore --clean -d "$db_target" stream.sql
	expect_equal "$(sql "$db_target" 'SELECT count(*) FROM pg_default_acl')" 0
	expect_equal "$(sql "$db_target" "SELECT relacl FROM pg_class WHERE relname = 'person'")" ''
	expect_copy "$db_source" "$db_target"
	# A role that may not change them says so, and changes nothing.
	newrole limited LOGIN
	sql "$db_target" "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO \"$role_reader\""
	expect_status 4 idrestore -U "$role_limited" --clean -d "$db_target" stream.sql
	expect_match 'cannot clean database .*ALTER DEFAULT PRIVILEGES' "$err"
	expect_equal "$(sql "$db_target" 'SELECT count(*) FROM pg_default_acl')" 1
}

test_subscriptions_are_something() {
	small source
	iddump -o stream.sql "$db_source"
	newdb target
	newdb other
	sql "$db_target" "CREATE SUBSCRIPTION \"Sub s\" CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE)" 2>/dev/null
	expect_status 0 idrestore -d "$db_other" stream.sql
	expect_status 4 idrestore -d "$db_target" stream.sql
	expect_match 'subscription "Sub s"' "$err"
	expect_status 4 idrestore --clean -d "$db_target" stream.sql
	expect_match 'DROP SUBSCRIPTION "Sub s"' "$err"
	expect_empty "$db_target"
	sql "$db_target" 'DROP SUBSCRIPTION "Sub s"'
	expect_status 0 idrestore -d "$db_target" stream.sql
}

test_access_methods_and_transforms_are_something() {
	small source
	iddump -o stream.sql "$db_source"
	newdb target
	sql "$db_target" "CREATE ACCESS METHOD \"Am\" TYPE TABLE HANDLER heap_tableam_handler"
	sql "$db_target" "CREATE TABLE kept_elsewhere (a int) USING \"Am\""
	sql "$db_target" "CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal))"
	expect_status 4 idrestore -d "$db_target" stream.sql
	expect_match 'access method "Am"' "$err"
	expect_match 'transform' "$err"
	expect_status 0 idrestore --clean -d "$db_target" stream.sql
	expect_copy "$db_source" "$db_target"
}

test_many_sequences() {
	newdb source
	sql "$db_source" "SELECT format('CREATE SEQUENCE s%s; SELECT setval(''s%s'', %s, %L);', i, i, i * 3, i % 2 = 0)
		FROM generate_series(1, 2000) i" >make.sql
	psql -XAtq -1 -d "$db_source" -f make.sql >/dev/null
	expect_status 0 iddump -o stream.sql "$db_source"
	expect_equal "$(grep -c "pg_catalog.setval(" stream.sql)" 2000
	for i in 1 99 100 101 200 1999 2000; do
		expect_match "setval\('public\.s$i', $((i * 3)), $([ $((i % 2)) = 0 ] && echo true || echo false)\)" stream.sql
	done
	newdb copy
	expect_status 0 idrestore -d "$db_copy" stream.sql
	expect_equal "$(sql "$db_copy" 'SELECT count(*), sum(last_value) FROM pg_sequences')" '2000|3003000'
}

# The sequence of an unlogged table is unlogged, too (from PostgreSQL 15 on).
test_unlogged_sequences_are_left_out_with_their_tables() {
	newdb source
	sql "$db_source" "CREATE UNLOGGED TABLE u (id serial); CREATE TABLE l (id serial); INSERT INTO u DEFAULT VALUES;
		INSERT INTO l DEFAULT VALUES"
	expect_status 0 iddump --no-unlogged-table-data "$db_source"
	expect_match "setval\('public.l_id_seq'" "$out"
	expect_no_match "setval\('public.u_id_seq'" "$out"
	expect_match 'CREATE UNLOGGED TABLE public.u' "$out"
}


test_standbys() {
	local bin port=$((PGPORT + 1)) folder=$CLUSTER_DIR/standby as=()
	bin=$(pg_config --bindir)
	[ "$(id -u)" -ne 0 ] || as=(setpriv --reuid="$(stat -c %u "$CLUSTER_DIR/data")" --regid="$(stat -c %g "$CLUSTER_DIR/data")" --clear-groups --)
	newdb source
	sql "$db_source" "CREATE UNLOGGED TABLE u (id serial); CREATE TABLE l (id serial); INSERT INTO u DEFAULT VALUES;
		INSERT INTO l DEFAULT VALUES; SELECT lo_from_bytea(5, '\\x01')" >/dev/null
	(cd / && "${as[@]}" pg_basebackup -R -X stream -c fast -D "$folder" >"$T/basebackup.log" 2>&1) || fail "$(cat basebackup.log)"
	(cd / && "${as[@]}" "$bin/pg_ctl" -w -D "$folder" -l "$folder/log" -o "-p $port" start >"$T/start.log" 2>&1 </dev/null) ||
		fail "$(tail "$folder/log")"
	expect_status 4 iddump -p "$port" "$db_source"
	cp "$err" refused
	expect_status 0 iddump -p "$port" --no-unlogged-table-data -o stream.sql "$db_source"
	expect_status 0 iddump -p "$port" -s "$db_source"
	(cd / && "${as[@]}" "$bin/pg_ctl" -m immediate -D "$folder" stop >/dev/null 2>&1)
	rm -rf "$folder"
	expect_match 'is on a standby, where unlogged tables have no rows' refused
	newdb copy
	expect_status 0 idrestore -d "$db_copy" stream.sql
	expect_equal "$(sql "$db_copy" 'SELECT (SELECT count(*) FROM u), (SELECT count(*) FROM l), (SELECT last_value FROM l_id_seq)')" '0|1|1'
}

# A piece's length, and what stands around it.
test_large_objects_of_all_lengths() {
	newdb source
	sql "$db_source" "SELECT lo_from_bytea(100 + i, convert_to(repeat('x', n), 'UTF8'))
		FROM unnest(ARRAY[0, 1, 262143, 262144, 262145, 524288, 600000]) WITH ORDINALITY AS u(n, i)" >/dev/null
	# A hole.
	sql "$db_source" "SELECT lo_create(200); SELECT lo_put(200, 700000, '\\x01')" >/dev/null
	expect_status 0 iddump -o stream.sql "$db_source"
	newdb copy
	expect_status 0 idrestore -d "$db_copy" stream.sql
	expect_equal "$(contents "$db_copy")" "$(contents "$db_source")"
}
