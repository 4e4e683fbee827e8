# Which statements of a script idrestore runs, runs under another name, leaves out, or refuses.

. "$E2E_DIR/restore.sh"

# Restores hand-written SQL from stdin.
script() {
	cat >script.sql
	expect_status "$@" --allow-incomplete script.sql
}

# Settings that hold in one database only, by role.
role_settings() {
	sql postgres "SELECT coalesce(setrole::regrole::text, '-'), setconfig FROM pg_db_role_setting s
		JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = '${1//\'/\'\'}' ORDER BY setrole"
}

test_role_settings_go_to_the_copy() {
	local dump
	small source
	newrole user
	newdb there
	sql postgres "ALTER ROLE \"$role_user\" IN DATABASE \"$db_source\" SET statement_timeout = '9s';
		ALTER ROLE ALL IN DATABASE \"$db_source\" SET work_mem = '7MB'"
	role_settings "$db_source" >settings
	pg_dump -C "$db_source" >pg_dump.sql
	iddump -C "$db_source" >iddump.sql
	iddump -C -o iddump.idar "$db_source"
	expect_match 'ALTER ROLE .* IN DATABASE' pg_dump.sql
	expect_match 'ALTER ROLE .* IN DATABASE' iddump.sql
	sql postgres "ALTER ROLE \"$role_user\" IN DATABASE \"$db_source\" SET statement_timeout = '8s';
		ALTER ROLE ALL IN DATABASE \"$db_source\" SET work_mem = '8MB'"
	role_settings "$db_source" >changed
	for dump in pg_dump.sql iddump.sql iddump.idar; do
		expect_status 0 idrestore --create -d "${prefix}_$dump" "$dump"
		role_settings "${prefix}_$dump" >copied
		expect_same copied settings
		role_settings "$db_source" >now
		expect_same now changed
		expect_status 0 idrestore --clean -d "$db_there" "$dump"
		expect_match "left out: ALTER ROLE .* IN DATABASE.*: it is about the database itself.*--create applies it" "$err"
		expect_equal "$(role_settings "$db_there")" ''
		role_settings "$db_source" >now
		expect_same now changed
	done
}

test_statements_about_other_databases_are_left_out() {
	newdb target
	newdb bystander
	newrole user
	script 0 idrestore -d "$db_target" <<-END
		ALTER ROLE "$role_user" IN DATABASE "$db_bystander" SET work_mem = '9MB';
		ALTER USER "$role_user" IN DATABASE "$db_bystander" RESET ALL;
		ALTER DATABASE "$db_bystander" CONNECTION LIMIT 0;
		UPDATE pg_database SET datconnlimit = 0 WHERE datname = '$db_bystander';
		UPDATE pg_catalog.pg_database SET datconnlimit = 0 WHERE datname LIKE '$prefix%';
		CREATE TABLE t ();
	END
	expect_match "note: script\.sql:1: left out: ALTER ROLE .*: it is about another database" "$err"
	expect_match "note: script\.sql:3: left out: ALTER DATABASE .*: it is about another database" "$err"
	expect_match "note: script\.sql:5: left out: UPDATE pg_catalog\.pg_database .*: it writes into the server's catalog of databases" "$err"
	expect_equal "$(sql postgres "SELECT datname FROM pg_database WHERE datconnlimit = 0")" ''
	expect_equal "$(role_settings "$db_bystander")" ''
}

# pg_dump --clean takes the template's mark away before it drops it.
test_a_template_stays_one() {
	local is_template
	small source
	newdb there
	dbname copy
	sql postgres "ALTER DATABASE \"$db_source\" IS_TEMPLATE true"
	pg_dump -C --clean "$db_source" >stream.sql
	expect_match '^UPDATE pg_catalog.pg_database SET datistemplate = false' stream.sql
	expect_status 0 idrestore --create -d "$db_copy" stream.sql
	expect_match "left out: UPDATE pg_catalog\.pg_database .*: it writes into the server's catalog of databases" "$err"
	is_template=$(sql postgres "SELECT datname FROM pg_database WHERE datistemplate AND datname LIKE '$prefix%' ORDER BY 1")
	expect_status 0 idrestore -d "$db_there" stream.sql
	expect_match 'left out: UPDATE pg_catalog\.pg_database ' "$err"
	expect_equal_dbs "$db_source" "$db_copy"
	expect_equal_dbs "$db_source" "$db_there"
	sql postgres "ALTER DATABASE \"$db_source\" IS_TEMPLATE false; ALTER DATABASE \"$db_copy\" IS_TEMPLATE false"
	expect_equal "$is_template" "$db_copy"$'\n'"$db_source"
}

conninfo() {
	printf "dbname='%s'" "$(sed "s/[\\\\']/\\\\&/g" <<<"$1")"
}

# pg_dump names them in a conninfo string.
test_databases_with_odd_names() {
	local name copy
	newdb there
	newdb bystander
	for name in "${prefix}_my-db" "${prefix}_it's \"odd\" \\ = x"; do
		sql postgres "CREATE DATABASE \"${name//\"/\"\"}\""
		sql "$(conninfo "$name")" "CREATE TABLE t (a int); INSERT INTO t VALUES (1);
			ALTER ROLE postgres IN DATABASE \"${name//\"/\"\"}\" SET work_mem = '7MB'"
		pg_dump -C -d "$(conninfo "$name")" >stream.sql
		expect_match '^\\connect -reuse-previous=on "dbname=' stream.sql
		copy="$name copy"
		expect_status 0 idrestore --create -d "$(conninfo "$copy")" stream.sql
		expect_equal "$(role_settings "$copy")" 'postgres|{work_mem=7MB}'
		expect_status 0 idrestore --clean -d "$db_there" stream.sql
		expect_equal "$(sql "$db_there" 'TABLE t')" 1
		{ cat stream.sql; printf '\\connect -reuse-previous=on "dbname='\''%s'\''"\nCREATE TABLE stray ();\n' "$db_bystander"; } >two.sql
		expect_status 3 idrestore --clean --allow-incomplete -d "$db_there" two.sql
		expect_match 'more than one database.*nothing was restored' "$err"
		expect_empty "$db_bystander"
	done
}

test_a_connect_that_leads_elsewhere_is_refused() {
	local line
	newdb target
	newrole bob
	for line in "- $role_bob" "$db_target $role_bob" "\"dbname=$db_target user=$role_bob\"" "-reuse-previous=on \"user=$role_bob\""; do
		script 3 idrestore -d "$db_target" <<-END
			CREATE TABLE a ();
			\\connect $line
			CREATE TABLE b ();
		END
		expect_match '^idrestore: error: script\.sql:2: \\connect as another role .*SET SESSION AUTHORIZATION.*; nothing was restored$' "$err"
		expect_empty "$db_target"
	done
	for line in "postgresql:///$db_target" "service=other" ':name' '`hostname`' "$db_target - otherhost"; do
		script 3 idrestore -d "$db_target" <<<"\\connect $line"
		expect_match '^idrestore: error: script\.sql:1: which database \\connect leads to can.t be told: .*; nothing was restored$' "$err"
	done
	script 0 idrestore -d "$db_target" <<-END
		\\connect
		\\connect - -
		\\connect "$db_target" -
		CREATE TABLE a ();
	END
	expect_equal "$(sql "$db_target" "SELECT count(*) FROM pg_class WHERE relname = 'a'")" 1
}

test_large_objects_that_are_not_there() {
	newdb target
	script 0 idrestore -d "$db_target" <<-'END'
		SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE oid = '123';
		SELECT pg_catalog.lo_unlink('124');
		DROP TABLE public.t;
		SELECT pg_catalog.lo_create('123');
		CREATE TABLE public.t ();
	END
	expect_equal "$(sql "$db_target" "SELECT oid FROM pg_largeobject_metadata")" 123
	# As pg_dump writes it, for a database that holds nothing yet.
	small source
	pg_dump --clean --if-exists "$db_source" >stream.sql
	expect_match 'lo_unlink\(oid\) FROM' stream.sql
	newdb empty
	expect_status 0 idrestore -d "$db_empty" stream.sql
	expect_equal_dbs "$db_source" "$db_empty"
}

# A call that fails is passed over only when it would take away what isn't there.
test_a_users_function_is_no_large_object() {
	newdb target
	script 4 idrestore -d "$db_target" <<-'END'
		SELECT lo_fix('lo_unlink');
		CREATE TABLE t ();
	END
	expect_match 'script\.sql:1: statement 1 failed: function lo_fix' "$err"
	expect_empty "$db_target"
	script 4 idrestore -d "$db_target" <<<"SELECT lo_put(5, 0, 'lo_unlink');"
	expect_match 'script\.sql:1: statement 1 failed: large object 5 does not exist' "$err"
}

test_copy_to_and_from_elsewhere() {
	newdb target
	script 3 idrestore -d "$db_target" <<-'END'
		CREATE TABLE t (a int);
		COPY t TO STDOUT;
	END
	expect_match '^idrestore: error: script\.sql:2: COPY … TO STDOUT has rows that would go nowhere: take it out of the script; nothing was restored$' "$err"
	expect_empty "$db_target"
	script 3 idrestore -d "$db_target" <<<'COPY (SELECT 1) TO STDOUT WITH (FORMAT csv);'
	script 0 idrestore -d "$db_target" <<-'END'
		CREATE TABLE t (a int);
		COPY t FROM PROGRAM 'echo 1';
		COPY t TO PROGRAM 'cat >/dev/null';
	END
	expect_equal "$(sql "$db_target" 'TABLE t')" 1
}

test_settings_that_can_not_be_told() {
	local statement
	newdb target
	sql postgres "ALTER DATABASE \"$db_target\" SET standard_conforming_strings = off"
	for statement in 'RESET standard_conforming_strings' 'SET standard_conforming_strings TO DEFAULT' \
		'SET SESSION standard_conforming_strings = DEFAULT' "SELECT set_config('standard_conforming_strings', NULL, false)" \
		"SELECT pg_catalog.set_config('standard_conforming_strings', 'o' || 'ff', false)"; do
		script 3 idrestore -d "$db_target" <<-END
			SET standard_conforming_strings = on;
			$statement;
			SELECT '\\'; CREATE TABLE t ();
		END
		expect_match '^idrestore: error: script\.sql:2: what standard_conforming_strings becomes can.t be told .*let it say on or off; nothing was restored$' "$err"
		expect_empty "$db_target"
	done
	for statement in 'RESET ALL' 'DISCARD ALL'; do
		script 3 idrestore -d "$db_target" <<<"$statement;"
		expect_match "^idrestore: error: script\\.sql:1: $statement takes back the settings .*; nothing was restored\$" "$err"
	done
	script 0 idrestore -d "$db_target" <<-'END'
		SET standard_conforming_strings = on;
		SET search_path = public;
		RESET search_path;
		SET standard_conforming_strings = off;
		CREATE TABLE public.t AS SELECT 'a\'b' AS a;
	END
	expect_equal "$(sql "$db_target" 'TABLE public.t')" "a'b"
}
