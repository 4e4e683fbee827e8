# What idrestore refuses and how it says so: the operator reads it at night.

. "$E2E_DIR/restore.sh"

# Restores hand-written SQL from stdin.
script() {
	cat >script.sql
	expect_status "$@" --allow-incomplete script.sql
}

test_a_target_must_be_empty() {
	local object
	small source
	iddump "$db_source" >stream.sql
	for object in 'table:CREATE TABLE here (a int)' 'function:CREATE FUNCTION here() RETURNS int LANGUAGE sql AS $$SELECT 1$$' \
		'type:CREATE TYPE here AS ENUM ()' 'extension:CREATE EXTENSION hstore' 'schema:CREATE SCHEMA here' \
		'large object:SELECT lo_create(4711)' 'view:CREATE VIEW here AS SELECT 1' 'sequence:CREATE SEQUENCE here' \
		'event trigger:CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN END$$; CREATE EVENT TRIGGER here ON sql_drop EXECUTE FUNCTION e()' \
		'access method:CREATE ACCESS METHOD here TYPE TABLE HANDLER heap_tableam_handler' 'collation:CREATE COLLATION here (locale = $$C$$)' 'text search configuration:CREATE TEXT SEARCH CONFIGURATION here (COPY = simple)'; do
		newdb target
		sql "$db_target" "${object#*:}" >/dev/null
		definitions "$db_target" >before
		expect_status 4 idrestore -d "$db_target" stream.sql
		expect_match "^idrestore: error: database \"$db_target\" is not empty: nothing was restored" "$err"
		expect_match "^  ${object%%:*} .*(here|4711|hstore)" "$err"
		expect_match '^HINT:  .*--create.*--clean' "$err"
		definitions "$db_target" >after
		expect_same before after
		sql postgres "DROP DATABASE \"$db_target\""
	done
	newdb target
	sql "$db_target" "COMMENT ON SCHEMA public IS 'mine'; ALTER SCHEMA public OWNER TO postgres"
	expect_status 0 idrestore -d "$db_target" stream.sql
	expect_equal_dbs "$db_source" "$db_target"
}

test_many_objects_are_counted() {
	newdb target
	sql "$db_target" <<<"SELECT format('CREATE TABLE t%s ()', i) FROM generate_series(10, 40) i \\gexec"
	script 4 idrestore -d "$db_target" <<<'CREATE TABLE a ();'
	expect_match '^  table public\.t10$' "$err"
	expect_match '^  … and 21 more$' "$err"
}

test_a_failing_statement_is_shown() {
	newdb target
	script 4 idrestore -d "$db_target" <<-'END'
		CREATE TABLE t (a int);
		-- a comment
		INSERT INTO t
		SELECT 1,
		       nonsense
		  FROM t;
	END
	expect_match '^idrestore: error: script\.sql:5: statement 2 failed: column "nonsense" does not exist \(SQLSTATE 42703\)$' "$err"
	expect_match '^STATEMENT:  INSERT INTO t$' "$err"
	expect_match '^Nothing was restored\.$' "$err"
	expect_empty "$db_target"
	# Characters, not bytes.
	script 4 idrestore -d "$db_target" <<-'END'
		SELECT 'ääääääääääääääääääääääääääää
		öööööööööööööööööööööööööööö',
		nonsense;
	END
	expect_match '^idrestore: error: script\.sql:3: statement 1 failed' "$err"
	# Detail and hint.
	script 4 idrestore -d "$db_target" <<-'END'
		CREATE TABLE a (id int PRIMARY KEY);
		CREATE TABLE b (id int REFERENCES a);
		DROP TABLE a;
	END
	expect_match 'script\.sql:3: statement 3 failed: cannot drop table a .*\(SQLSTATE 2BP01\)$' "$err"
	expect_match '^DETAIL:  constraint b_id_fkey' "$err"
	expect_match '^HINT:  Use DROP \.\.\. CASCADE' "$err"
	# Context.
	script 4 idrestore -d "$db_target" <<-'END'
		DO $$
		BEGIN
			PERFORM 1 / 0;
		END $$;
	END
	expect_match 'script\.sql:1: statement 1 failed: division by zero \(SQLSTATE 22012\)$' "$err"
	expect_match '^CONTEXT:  SQL statement "SELECT 1 / 0"$' "$err"
	expect_match '^PL/pgSQL function inline_code_block line 3 at PERFORM$' "$err"
	# A long one is cut behind 200 characters.
	script 4 idrestore -d "$db_target" <<<"SELECT nonsense, '$(printf 'ü%.0s' {1..300})';"
	expect_match "^STATEMENT:  SELECT nonsense, 'ü{182} …$" "$err"
	expect_empty "$db_target"
}

test_a_refused_row_is_named() {
	newdb target
	script 4 idrestore -d "$db_target" <<-'END'
		CREATE TABLE t (a int, b text);
		COPY t (a, b) FROM stdin;
		1	one
		2	two
		three	3
		4	four
		\.
	END
	expect_match '^idrestore: error: script\.sql:5: this row was refused by table t: invalid input syntax for type integer: "three" \(SQLSTATE 22P02\)$' "$err"
	expect_match '^CONTEXT:  COPY t, line 3, column a: "three"$' "$err"
	expect_empty "$db_target"
	# The name of a table may look like a place.
	script 4 idrestore -d "$db_target" <<-'END'
		CREATE TABLE "t, line 7" (a int);
		COPY "t, line 7" (a) FROM stdin;
		1
		x
		\.
	END
	expect_match 'script\.sql:4: this row' "$err"
	# More or fewer fields.
	script 4 idrestore -d "$db_target" <<-'END'
		CREATE TABLE t (a int, b int);
		COPY t (a, b) FROM stdin;
		1	2
		3
		\.
	END
	expect_match 'script\.sql:4: this row was refused by table t: missing data for column "b"' "$err"
}

# Rows that come in pieces.
test_a_refused_row_far_down_is_named() {
	local line
	newdb target
	{
		echo 'CREATE TABLE big (a int, b text);'
		echo 'CREATE TABLE t (a int CHECK (a < 150000), b text);'
		echo 'COPY big (a, b) FROM stdin;'
		awk 'BEGIN { for (i = 1; i <= 100000; i++) print i "\tbig row with a few bytes more" }'
		printf '%s\n' '\.' 'COPY t (a, b) FROM stdin;'
		awk 'BEGIN { for (i = 1; i <= 200000; i++) print i "\tsome row with a few bytes more" }'
		printf '%s\n' '\.'
	} >rows.sql
	line=$(grep -n '^150000	some' rows.sql | cut -d: -f1)
	expect_status 4 idrestore --allow-incomplete -d "$db_target" rows.sql
	expect_match "rows\\.sql:$line: this row was refused by table t: new row .* violates check constraint \"t_a_check\"" "$err"
	expect_match '^DETAIL:  Failing row contains \(150000, some row' "$err"
	expect_empty "$db_target"
}

# Our own streams have blocks of many chunks.
test_a_refused_row_of_our_own_stream_is_named() {
	local line
	newdb source
	sql "$db_source" "CREATE TABLE first AS SELECT i AS a, repeat('x', 50) AS b FROM generate_series(1, 300000) i;
		CREATE TABLE second (a int, b text); INSERT INTO second SELECT i, repeat('y', 60) FROM generate_series(1, 400000) i"
	iddump "$db_source" >stream.sql
	newdb target
	sql "$db_target" 'CREATE TABLE second (a int UNIQUE, b text)' # only to show which one is refused
	sed 's/^CREATE TABLE public\.second (/&\n    CHECK (a <> 333333),/' stream.sql >changed.sql
	# A changed statement is noticed at the end only; the row is refused before.
	line=$(grep -an '^333333	y' changed.sql | cut -d: -f1)
	newdb other
	expect_status 4 idrestore -d "$db_other" changed.sql
	expect_match "changed\\.sql:$line: this row was refused by table public\\.second" "$err"
	expect_empty "$db_other"
}

test_a_violation_at_the_end_rolls_all_back() {
	newdb target
	script 4 idrestore -d "$db_target" <<-'END'
		CREATE TABLE a (id int);
		CREATE TABLE b (id int);
		INSERT INTO a VALUES (1);
		INSERT INTO b VALUES (1), (2);
		SELECT lo_create(5);
		ALTER TABLE a ADD PRIMARY KEY (id);
		ALTER TABLE ONLY b
		    ADD CONSTRAINT b_fkey FOREIGN KEY (id) REFERENCES a(id);
	END
	expect_match 'script\.sql:[78]: statement 7 failed: insert or update on table "b" violates foreign key constraint "b_fkey" \(SQLSTATE 23503\)' "$err"
	expect_match '^DETAIL:  Key \(id\)=\(2\) is not present' "$err"
	expect_empty "$db_target"
}

test_a_deferred_constraint_fails_at_the_commit() {
	newdb target
	dbname made
	cat >deferred.sql <<-'END'
		CREATE TABLE a (id int PRIMARY KEY);
		CREATE TABLE b (id int REFERENCES a DEFERRABLE INITIALLY DEFERRED);
		INSERT INTO b VALUES (9);
	END
	expect_status 4 idrestore --allow-incomplete -d "$db_target" deferred.sql
	expect_match 'at the commit.*deferred' "$err"
	expect_match 'violates foreign key constraint "b_id_fkey"' "$err"
	expect_empty "$db_target"
	expect_status 4 idrestore --allow-incomplete --create -d "$db_made" deferred.sql
	expect_no_database "$db_made"
}

test_meta_commands_are_never_run() {
	local command
	newdb target
	for command in '\! touch executed' '\copy t from program '"'touch executed'" '\i script2.sql' '\o | touch executed' \
		'\gexec' '\set x `touch executed`' '\if true' '\g | touch executed' '\lo_import /etc/passwd' '\cd /'; do
		printf 'CREATE TABLE t (v text);\nSELECT 1;\n%s\n' "$command" >meta.sql
		expect_status 3 idrestore --allow-incomplete -d "$db_target" meta.sql
		expect_match 'meta\.sql:3: ' "$err"
		[ ! -e executed ] || fail "$command was run"
		expect_empty "$db_target"
	done
	printf 'SELECT 1 \\! touch executed\n;\n' >meta.sql
	expect_status 3 idrestore --allow-incomplete -d "$db_target" meta.sql
	[ ! -e executed ] || fail 'was run'
}

test_transactions_of_the_script() {
	newdb target
	script 3 idrestore -d "$db_target" <<-'END'
		CREATE TABLE t (a int);
		BEGIN;
		INSERT INTO t VALUES (1);
		ROLLBACK;
	END
	expect_match 'script\.sql:4: .*rolls back' "$err"
	expect_empty "$db_target"
	script 3 idrestore -d "$db_target" <<-'END'
		CREATE TABLE t (a int);
		PREPARE TRANSACTION 'x';
	END
	expect_empty "$db_target"
	script 4 idrestore -d "$db_target" <<-'END'
		BEGIN;
		CREATE TABLE t (a int);
		COMMIT;
		SELECT nonsense;
	END
	expect_empty "$db_target"
	script 0 idrestore -d "$db_target" <<-'END'
		BEGIN;
		CREATE TABLE t (a int);
		COMMIT;
		START TRANSACTION;
		INSERT INTO t VALUES (1);
		END;
	END
	expect_equal "$(grep -c 'left out: BEGIN' "$err")" 1
	expect_match 'note: script\.sql:1: left out: BEGIN;: all of the script is one transaction' "$err"
	expect_equal "$(sql "$db_target" 'TABLE t')" 1
}

test_a_second_database_is_refused() {
	small source
	newdb target
	newdb bystander
	{ pg_dump -C "$db_source"; printf '\\connect %s\nCREATE TABLE stray ();\n' "$db_bystander"; } >two.sql
	expect_status 3 idrestore --allow-incomplete -d "$db_target" two.sql
	expect_match 'more than one database' "$err"
	expect_empty "$db_target"
	expect_empty "$db_bystander"
	printf 'DROP DATABASE "%s";\nDROP DATABASE "%s";\n' "$db_source" "$db_bystander" >drops.sql
	expect_status 3 idrestore --allow-incomplete -d "$db_target" drops.sql
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_database WHERE datname IN ('$db_source', '$db_bystander')")" 2
	# Its roles are there already; before that, nothing of it is run.
	expect_status 4 bash -c 'pg_dumpall --globals-only | idrestore -d "$1"' _ "$db_target"
	expect_empty "$db_target"
}

test_settings_that_the_server_does_not_know() {
	newdb target
	script 0 idrestore -d "$db_target" <<-'END'
		SET transaction_timeout = 0;
		SET default_table_access_method = heap;
		CREATE TABLE t ();
	END
	if [ "$(sql postgres 'SHOW server_version_num')" -lt 170000 ]; then
		expect_match 'note: script\.sql:1: left out: setting "transaction_timeout" is unknown before PostgreSQL 17' "$err"
	fi
	newdb target2
	script 4 idrestore -d "$db_target2" <<<$'CREATE TABLE t ();\nSET statement_timeuot = 0;'
	expect_match 'script\.sql:2: statement 2 failed: unrecognized configuration parameter "statement_timeuot"' "$err"
	expect_empty "$db_target2"
}

test_utf_16_is_recognised() {
	newdb target
	pg_dump "$db_target" | iconv -f UTF-8 -t UTF-16 >utf16.sql
	expect_status 3 idrestore -d "$db_target" utf16.sql
	expect_match 'UTF-16.*pg_dump -f' "$err"
}

test_a_missing_role_is_named_with_a_way_out() {
	small source
	newdb target
	newrole owner
	sql "$db_source" "ALTER TABLE person OWNER TO \"$role_owner\"; GRANT SELECT ON note TO \"$role_owner\""
	iddump "$db_source" >stream.sql
	pg_dump "$db_source" >foreign.sql
	sql "$db_source" "REASSIGN OWNED BY \"$role_owner\" TO postgres; DROP OWNED BY \"$role_owner\""
	sql postgres "DROP ROLE \"$role_owner\""
	# What others wrote does not say beforehand what it needs.
	expect_status 4 idrestore -d "$db_target" foreign.sql
	expect_match "failed: role \"$role_owner\" does not exist \(SQLSTATE 42704\)" "$err"
	expect_match '^HINT:  Create the role first, or restore with --no-owner and --no-acl' "$err"
	expect_empty "$db_target"
	expect_status 4 idrestore --no-owner -d "$db_target" foreign.sql
	expect_match 'STATEMENT:  GRANT' "$err"
	expect_status 4 idrestore --no-owner -d "$db_target" stream.sql
	expect_match "the server lacks roles that it names: $role_owner; nothing was restored" "$err"
	expect_match '^HINT:  Create them, or leave out what names them with --no-owner and --no-acl' "$err"
	expect_status 0 idrestore --no-owner --no-acl -d "$db_target" stream.sql
	expect_equal_dbs "$db_source" "$db_target"
}

test_rights_and_roles() {
	small source
	newrole owner
	newrole limited LOGIN
	sql "$db_source" "ALTER TABLE person OWNER TO \"$role_owner\"; GRANT SELECT ON note TO \"$role_owner\"; COMMENT ON TABLE note IS 'c'"
	iddump "$db_source" >stream.sql
	newdb plain
	expect_status 0 idrestore -O -x --no-comments -d "$db_plain" stream.sql
	expect_equal "$(sql "$db_plain" "SELECT relname, pg_get_userbyid(relowner), relacl, obj_description(oid) FROM pg_class WHERE relname IN ('person', 'note') ORDER BY 1")" \
		$'note|postgres||\nperson|postgres||'
	# All is the role's.
	newdb roles
	sql "$db_roles" "GRANT CREATE ON DATABASE \"$db_roles\" TO \"$role_owner\"; GRANT ALL ON SCHEMA public TO \"$role_owner\""
	expect_status 0 idrestore -O -x --role "$role_owner" -d "$db_roles" stream.sql
	expect_equal "$(sql "$db_roles" "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relname IN ('person', 'note', 'note_id_seq', 'note_body')")" "$role_owner"
	newdb copy
	expect_status 0 idrestore -d "$db_copy" stream.sql
	expect_copy "$db_source" "$db_copy"
	# Without rights nothing happens.
	newdb shut
	expect_status 4 idrestore -U "$role_limited" -d "$db_shut" stream.sql
	expect_match 'permission denied.*SQLSTATE 42501' "$err"
	expect_match '^HINT:  idfilter' "$err"
	expect_empty "$db_shut"
	expect_status 4 idrestore -U "$role_limited" --create -d "${prefix}_made" stream.sql
	expect_match 'permission denied to create database' "$err"
	expect_no_database "${prefix}_made"
	expect_status 4 idrestore --role "${prefix}_nobody" -d "$db_shut" stream.sql
	expect_match "role \"${prefix}_nobody\" does not exist" "$err"
}

test_usage() {
	expect_status 2 idrestore
	expect_match 'name it with -d' "$err"
	expect_status 2 idrestore --create --clean -d x
	expect_status 2 idrestore -d x a b
	expect_status 2 idrestore --no-such-option
	expect_status 5 idrestore -d postgres no-such-file
	expect_status 4 idrestore -d "${prefix}_none" "$E2E_DIR/lib.sh"
	expect_status 2 idrestore --create -d 'postgresql://[broken' "$E2E_DIR/lib.sh"
}

test_clean_replaces_all_or_nothing() {
	small source
	load target objects.sql 2>/dev/null
	contents "$db_target" >before
	definitions "$db_target" >before.definitions
	iddump "$db_source" >stream.sql
	# What fails late in the stream leaves the old content as it was.
	head -n -20 stream.sql >cut.sql
	expect_status 3 idrestore --clean -d "$db_target" cut.sql
	{ pg_dump "$db_source" && echo 'SELECT nonsense;'; } >late.sql
	expect_status 4 idrestore --clean --allow-incomplete -d "$db_target" late.sql
	contents "$db_target" >after
	expect_same before after
	definitions "$db_target" >after
	expect_same before.definitions after
	expect_status 0 idrestore --clean -d "$db_target" stream.sql
	expect_match 'note: [0-9]+ objects of database .* are to be replaced' "$err"
	expect_equal_dbs "$db_source" "$db_target"
	expect_equal "$(sql "$db_target" "SELECT count(*) FROM pg_namespace WHERE oid >= 16384")" 0
	expect_equal "$(sql "$db_target" "SELECT extname FROM pg_extension")" plpgsql
	# Rights on what is not dropped, schema public and pg_catalog, stay.
	definitions "$db_target" | grep -a '^CREATE' >created
	definitions "$db_source" | grep -a '^CREATE' >created.want
	expect_same created created.want
	# And again, upon itself; and into an empty one.
	newdb itself
	expect_status 0 idrestore -d "$db_itself" stream.sql
	expect_status 0 idrestore --clean -d "$db_itself" stream.sql
	expect_copy "$db_source" "$db_itself"
	newdb empty
	expect_status 0 idrestore --clean -d "$db_empty" stream.sql
	expect_copy "$db_source" "$db_empty"
}

test_clean_dumps_over_what_is_there() {
	small source
	pg_dump --clean --if-exists "$db_source" >clean.sql
	pg_dump --clean "$db_source" >strict.sql
	expect_status 4 idrestore -d "$db_source" clean.sql
	newdb empty
	expect_status 0 idrestore -d "$db_empty" strict.sql
	expect_match 'DROP statements at the script.s beginning found nothing to drop' "$err"
	expect_equal_dbs "$db_source" "$db_empty"
	newdb again
	iddump --clean "$db_source" >own.sql
	expect_status 0 idrestore -d "$db_again" own.sql
	expect_equal_dbs "$db_source" "$db_again"
	# A DROP later on is no beginning.
	newdb late
	script 4 idrestore -d "$db_late" <<<$'CREATE TABLE a ();\nDROP TABLE b;'
	expect_empty "$db_late"
}

test_lists() {
	small source
	iddump "$db_source" >own.sql
	pg_dump "$db_source" >plain.sql
	pg_dump -Fc -f custom.dump "$db_source"
	for file in own.sql plain.sql custom.dump; do
		expect_status 0 idrestore -l "$file"
		cp "$out" by_restore
		expect_match 'TABLE .*person' by_restore
		expect_match 'FUNCTION .*f' by_restore
		expect_status 0 idfilter -l "$file"
		expect_same "$out" by_restore
	done
	head -c 3000 own.sql >cut.sql
	expect_status 3 idrestore -l cut.sql
	expect_status 3 idfilter -l cut.sql
}

test_dumps_with_large_objects_of_pg_dump() {
	newdb source
	newdb copy
	sql "$db_source" "SELECT lo_from_bytea(i, decode(repeat('00ff', i * 100), 'hex')) FROM generate_series(20, 40) i" >/dev/null
	pg_dump "$db_source" >plain.sql
	expect_match '^BEGIN;$' plain.sql
	expect_status 0 idrestore -d "$db_copy" plain.sql
	expect_match 'left out: BEGIN' "$err"
	expect_copy "$db_source" "$db_copy"
	expect_equal_dbs "$db_source" "$db_copy"
	newdb cut
	head -n -8 plain.sql >cut.sql
	expect_status 3 idrestore -d "$db_cut" cut.sql
	expect_empty "$db_cut"
}
