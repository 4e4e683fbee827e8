# Roles: an archive has those that its objects need, idrestore names the missing ones and creates them
# when it is asked to, and psql's recipe leaves alone those that are there.

# A database with roles of all uses.  Sets role_owner … as newrole() does.
make_roles() {
	newrole owner "LOGIN CONNECTION LIMIT 7 VALID UNTIL '2040-01-01' PASSWORD 'geheim'"
	newrole reader
	newrole policy
	newrole mapped
	newrole defaults
	newrole group
	newrole above CREATEDB
	newrole stranger
	newdb source
	sql "$db_source" <<-END
		GRANT "$role_group" TO "$role_owner" WITH ADMIN OPTION;
		GRANT "$role_above" TO "$role_group";
		GRANT pg_monitor TO "$role_owner";
		COMMENT ON ROLE "$role_owner" IS 'it''s \$idkit\$ the owner';
		ALTER ROLE "$role_owner" SET search_path TO a, "B";
		CREATE TABLE t (id serial PRIMARY KEY, v text);
		ALTER TABLE t OWNER TO "$role_owner";
		INSERT INTO t (v) SELECT 'row ' || i FROM generate_series(1, 100) i;
		CREATE TABLE u (id integer);
		GRANT SELECT ON u TO "$role_reader";
		CREATE POLICY p ON u TO "$role_policy" USING (true);
		ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO "$role_defaults";
		CREATE EXTENSION postgres_fdw;
		CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;
		CREATE USER MAPPING FOR "$role_mapped" SERVER far;
	END
}

drop_roles() {
	local role
	sql postgres "DROP DATABASE \"$db_source\""
	for role; do
		role=role_$role
		sql postgres "DROP ROLE \"${!role}\""
	done
}

roles_now() {
	sql postgres "SELECT rolname, rolsuper, rolcreatedb, rolcanlogin, rolconnlimit, rolvaliduntil,
		rolconfig, shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname ~ '^$prefix' ORDER BY 1"
	sql postgres "SELECT r.rolname, m.rolname, admin_option FROM pg_auth_members
		JOIN pg_roles r ON r.oid = roleid JOIN pg_roles m ON m.oid = member
		WHERE m.rolname ~ '^$prefix' ORDER BY 1, 2"
}

globals_of() {
	tar xOf "$1" globals.sql.zst | zstd -dcq
}

test_an_archive_has_the_roles_its_objects_need() {
	make_roles
	expect_status 0 iddump -o k.idar "$db_source"
	expect_equal "$(tar tf k.idar | sed -n 1,3p)" $'header.json\nglobals.sql.zst\n1-pre-data/000001.sql.zst'
	expect_equal "$(globals_of k.idar | grep -o 'CREATE ROLE [a-z0-9_]*' | sort)" \
		"$(printf 'CREATE ROLE %s\n' "$role_above" "$role_defaults" "$role_group" "$role_mapped" \
			"$role_owner" "$role_policy" postgres "$role_reader" | sort)"
	globals_of k.idar >globals.sql
	expect_no_match 'PASSWORD|NOSUPERUSER|GRANTED BY' globals.sql
	expect_no_match 'CREATE TABLE|statement_timeout' globals.sql
	expect_match "\"roles\":\{\"owner\":\[\"$role_owner\",\"postgres\"\],\"acl\":\[\"$role_defaults\",\"$role_reader\"\],\"other\":\[\"$role_mapped\",\"$role_policy\"\]\}" \
		"$(tar xOf k.idar header.json)"
	expect_status 0 iddump --role-passwords -F archive "$db_source"
	expect_match 'PASSWORD .SCRAM-SHA-256' "$(globals_of "$out")"
	expect_status 2 iddump --role-passwords "$db_source"
	# Sums and manifest cover it.
	mkdir unpacked
	tar xf k.idar -C unpacked
	(cd unpacked && sha256sum -c --quiet SHA256SUMS)
	expect_match ' globals\.sql\.zst$' unpacked/SHA256SUMS
}

test_plain_streams_have_names_only() {
	make_roles
	expect_status 0 iddump -o k.idar "$db_source"
	expect_status 0 iddump "$db_source"
	expect_no_match 'CREATE ROLE' "$out"
	expect_match "^-- idkit-header: .*\"roles\":\{\"owner\":\[\"$role_owner\"" "$out"
	expect_status 0 idfilter -F plain k.idar
	expect_no_match 'CREATE ROLE' "$out"
	expect_status 0 idfilter -F archive -v 'CREATE' k.idar
	expect_equal "$(globals_of "$out")" "$(globals_of k.idar)"
	expect_status 0 iddump --no-owner --no-acl "$db_source"
	expect_match "\"roles\":\{\"owner\":\[\],\"acl\":\[\],\"other\":\[\"$role_mapped\",\"$role_policy\"\]\}" "$(head -n 1 "$out")"
	# Rows name no role; what a part of the database names is not known.
	expect_status 0 iddump --data-only "$db_source"
	expect_no_match '"roles"' "$(head -n 1 "$out")"
	expect_status 0 iddump -t t -F archive "$db_source"
	expect_no_match 'globals' "$(tar tf "$out")"
}

test_missing_roles_are_named_before_anything_is_made() {
	local before
	make_roles
	expect_status 0 iddump -o k.idar "$db_source"
	expect_status 0 iddump -o k.sql "$db_source"
	drop_roles reader owner policy
	newdb empty
	dbname copy
	before=$(sql postgres 'SELECT max(oid) FROM pg_database')
	expect_status 4 idrestore --create -d "$db_copy" k.idar
	expect_equal "$(grep -c . "$err")" 2
	expect_match "k\.idar: the server lacks roles that it names: $role_owner, $role_policy, $role_reader; nothing was restored$" "$err"
	expect_match '^HINT: .*--roles.*--no-owner and --no-acl' "$err"
	expect_equal "$(sql postgres 'SELECT max(oid) FROM pg_database')" "$before"
	expect_status 4 idrestore -d "$db_empty" k.sql
	expect_match "k\.sql: the server lacks roles that it names: $role_owner, $role_policy, $role_reader;" "$err"
	expect_no_match '--roles' "$err"
	# What is left out needs no role.
	expect_status 4 idrestore --no-owner -d "$db_empty" k.sql
	expect_match "names: $role_policy, $role_reader;" "$err"
	expect_status 4 idrestore --no-owner --no-acl -d "$db_empty" <k.idar
	expect_match "names: $role_policy;" "$err"
	sql postgres "CREATE ROLE \"$role_policy\""
	expect_status 0 idrestore --no-owner --no-acl -d "$db_empty" <k.idar
	expect_equal "$(sql "$db_empty" 'SELECT count(*) FROM t')" 100
}

test_roles_are_created_when_asked_for() {
	local before
	make_roles
	before=$(roles_now)
	expect_status 0 iddump -o k.idar "$db_source"
	drop_roles owner reader policy mapped defaults group above
	dbname copy
	expect_status 0 idrestore --roles --create -d "$db_copy" k.idar
	expect_match "^idrestore: note: created roles: $role_above, $role_defaults, $role_group, $role_mapped, $role_owner, $role_policy, $role_reader; they stay" "$err"
	expect_equal "$(roles_now)" "$before"
	expect_equal "$(sql "$db_copy" "SELECT tableowner FROM pg_tables WHERE tablename = 't'")" "$role_owner"
	expect_status 0 idverify k.idar "$db_copy"
	# Nothing to create, and a pipe.
	sql postgres "DROP DATABASE \"$db_copy\""
	expect_status 0 idrestore --roles --create -d "$db_copy" <k.idar
	expect_equal "$(cat "$err")" ''
}

test_roles_that_are_there_are_left_alone() {
	make_roles
	expect_status 0 iddump -o k.idar "$db_source"
	drop_roles owner reader
	sql postgres "ALTER ROLE \"$role_above\" NOCREATEDB CONNECTION LIMIT 3"
	sql postgres "REVOKE \"$role_above\" FROM \"$role_group\""
	newdb copy
	tar xOf k.idar --wildcards '*.sql.zst' | zstd -dcq | psql -qX -v ON_ERROR_STOP=1 -1 -d "$db_copy" >said
	expect_equal "$(sql postgres "SELECT rolcreatedb, rolconnlimit FROM pg_roles WHERE rolname = '$role_above'")" 'f|3'
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_auth_members WHERE member = '\"$role_group\"'::regrole")" 0
	expect_equal "$(sql postgres "SELECT rolconnlimit FROM pg_roles WHERE rolname = '$role_owner'")" 7
	expect_equal "$(sql postgres "SELECT pg_has_role('$role_owner', '$role_group', 'member')")" t
	expect_status 0 idverify k.idar "$db_copy"
}

test_a_plain_stream_has_no_roles_to_create() {
	make_roles
	expect_status 0 iddump -o k.sql "$db_source"
	newdb copy
	expect_status 0 idrestore --roles -d "$db_copy" k.sql
	expect_match 'k\.sql holds no roles: --roles has nothing to do$' "$err"
}

test_who_may_not_create_roles_is_told() {
	make_roles
	newrole weak LOGIN CREATEDB
	expect_status 0 iddump -o k.idar "$db_source"
	drop_roles owner
	dbname copy
	expect_status 4 env PGUSER="$role_weak" idrestore --roles --create -d "$db_copy" k.idar
	expect_match "k\.idar: the server lacks roles that it names: $role_owner; nothing was restored\$" "$err"
	expect_match "^DETAIL:  Role \"$role_weak\" may not create roles: that takes CREATEROLE\.\$" "$err"
	expect_match '^HINT:  Create them, or leave out' "$err"
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_database WHERE datname = '$db_copy'")" 0
}

# Where all are there, it need not create any.
test_who_may_not_create_roles_need_not() {
	newrole weak LOGIN CREATEDB
	newdb source
	sql "$db_source" "CREATE SCHEMA s; CREATE TABLE s.t (id integer); ALTER SCHEMA s OWNER TO \"$role_weak\";
		ALTER TABLE s.t OWNER TO \"$role_weak\""
	expect_status 0 iddump -o k.idar "$db_source"
	dbname copy
	expect_status 0 env PGUSER="$role_weak" idrestore --roles --create -d "$db_copy" k.idar
	expect_match "note: role \"$role_weak\" may not create roles, and all that k\.idar names are there\$" "$err"
}

# The lines of the server's log that this test has made: those of sessions of idrestore.
server_log() {
	tail -c "+$((log_began + 1))" "$CLUSTER_DIR/log"
}

# A hash in the log is as good as one in the catalog, for who reads logs.
test_password_hashes_stay_out_of_the_log() {
	local hash
	make_roles
	newrole weak LOGIN CREATEDB
	hash=$(sql postgres "SELECT rolpassword FROM pg_authid WHERE rolname = '$role_owner'")
	expect_status 0 iddump --role-passwords -o k.idar "$db_source"
	drop_roles owner
	dbname copy
	log_began=$(wc -c <"$CLUSTER_DIR/log")
	export PGOPTIONS='-c log_statement=all -c log_min_duration_statement=0 -c debug_print_parse=on -c log_transaction_sample_rate=1'
	expect_status 0 idrestore --roles --create -d "$db_copy" k.idar
	unset PGOPTIONS
	expect_match "created roles: $role_owner;" "$err"
	expect_equal "$(sql postgres "SELECT rolpassword FROM pg_authid WHERE rolname = '$role_owner'")" "$hash"
	server_log >log
	expect_match ' idrestore: LOG:  execute <unnamed>: CREATE TABLE public\.t' log
	! grep -qaF "$hash" log || fail 'the hash is in the log'
	# When it fails: somebody else creates the role at the same time.
	sql postgres "DROP DATABASE \"$db_copy\""
	sql postgres "DROP ROLE \"$role_owner\""
	sql postgres "BEGIN; CREATE ROLE \"$role_owner\"; SELECT pg_sleep(3); COMMIT" >/dev/null &
	eventually 10 is_creating
	expect_status 4 idrestore --roles --create -d "$db_copy" k.idar
	expect_match "its roles can't be created: duplicate key value" "$err"
	wait
	server_log >log
	expect_match ' idrestore: ERROR:  duplicate key value' log
	! grep -qaF "$hash" log || fail 'the hash is in the log'
	# Who may not create roles sends nothing.
	sql postgres "DROP ROLE \"$role_owner\"; ALTER ROLE \"$role_weak\" SET log_statement = 'all'"
	expect_status 4 env PGUSER="$role_weak" idrestore --roles --create -d "$db_copy" k.idar
	server_log >log
	expect_match ' idrestore: LOG:  execute <unnamed>: SELECT rolsuper' log
	! grep -qaF "$hash" log || fail 'the hash is in the log'
	expect_no_match 'CREATE ROLE .*above' log
}

is_creating() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'CREATE ROLE.*pg_sleep' AND wait_event = 'PgSleep'")" = 1 ]
}

# Who has granted a membership is kept where the server lets that be said.
test_grantors() {
	make_roles
	newrole granter
	newrole maker LOGIN CREATEROLE CREATEDB
	sql postgres "GRANT \"$role_group\" TO \"$role_granter\" WITH ADMIN OPTION;
		GRANT \"$role_group\" TO \"$role_reader\" GRANTED BY \"$role_granter\""
	sql "$db_source" "GRANT SELECT ON u TO \"$role_granter\""
	expect_status 0 iddump -o k.idar "$db_source"
	newdb copy
	sql postgres "DROP OWNED BY \"$role_reader\""
	sql "$db_source" "DROP OWNED BY \"$role_reader\""
	sql postgres "DROP ROLE \"$role_reader\""
	sql postgres "ALTER DATABASE \"$db_copy\" OWNER TO \"$role_maker\""
	expect_status 4 env PGUSER="$role_maker" idrestore --roles -d "$db_copy" k.idar
	expect_match "^idrestore: note: created roles: $role_reader;" "$err"
	expect_equal "$(grantor_of "$role_reader")" "$role_maker"
	sql postgres "DROP ROLE \"$role_reader\""
	expect_status 0 idrestore --roles --clean -d "$db_copy" k.idar
	expect_equal "$(grantor_of "$role_reader")" "$role_granter"
}

grantor_of() {
	sql postgres "SELECT grantor::regrole FROM pg_auth_members WHERE member = '\"$1\"'::regrole"
}

# A role with CREATEROLE is enough: attributes that only a superuser may name are not.
test_createrole_is_enough() {
	make_roles
	newrole maker LOGIN CREATEROLE CREATEDB
	expect_status 0 iddump -o k.idar "$db_source"
	sql postgres "REVOKE pg_monitor FROM \"$role_owner\""
	drop_roles reader policy
	newdb copy
	sql postgres "ALTER DATABASE \"$db_copy\" OWNER TO \"$role_maker\""
	expect_status 4 env PGUSER="$role_maker" idrestore --roles -d "$db_copy" k.idar
	expect_match "^idrestore: note: created roles: $role_policy, $role_reader;" "$err"
}

# The records of dependencies say nothing of the superuser that initdb made.
test_the_first_superuser_is_named_when_it_owns_something() {
	newrole owner
	newdb source
	sql "$db_source" "CREATE SCHEMA s; CREATE TABLE s.t (id integer);
		ALTER SCHEMA s OWNER TO \"$role_owner\"; ALTER TABLE s.t OWNER TO \"$role_owner\";
		CREATE EXTENSION hstore"
	expect_match "\"owner\":\[\"$role_owner\"\]" "$(iddump -s "$db_source" | head -n 1)"
	sql "$db_source" 'CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS $$SELECT 1$$'
	expect_match "\"owner\":\[\"$role_owner\",\"postgres\"\]" "$(iddump -s "$db_source" | head -n 1)"
}

test_settings_in_the_database_need_their_roles_with_create() {
	newrole set
	newdb source
	sql postgres "ALTER ROLE \"$role_set\" IN DATABASE \"$db_source\" SET work_mem = '5MB'"
	expect_no_match "$role_set" "$(iddump "$db_source" | head -n 1)"
	expect_match "\"other\":\[\"$role_set\"\]" "$(iddump --create "$db_source" | head -n 1)"
}

test_an_ordinary_role_can_dump_roles_too() {
	newrole plain LOGIN
	newdb source
	sql postgres "ALTER DATABASE \"$db_source\" OWNER TO \"$role_plain\""
	PGUSER=$role_plain sql "$db_source" 'CREATE SCHEMA s; CREATE TABLE s.t (id integer)'
	expect_status 0 env PGUSER="$role_plain" iddump --create -F archive "$db_source"
	expect_equal "$(globals_of "$out" | grep -o 'CREATE ROLE [a-z0-9_]*')" "CREATE ROLE $role_plain"
	expect_status 4 env PGUSER="$role_plain" iddump --role-passwords -F archive "$db_source"
	expect_match "the roles' definitions: pg_dumpall failed.*" "$err"
	expect_match 'permission denied for table pg_authid' "$err"
}
