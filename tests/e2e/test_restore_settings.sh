# idrestore -j: what a script sets, openly or not, holds for what follows as with one connection.

. "$E2E_DIR/restore.sh"

script() {
	{ cat && echo '-- PostgreSQL database dump complete'; } >"$1"
}

restore_as=$PGUSER

# restored NAME JOBS WAY FILE: database NAME, made with jobs, from the file or a pipe, by $restore_as.
restored() {
	dbname "$1"
	local db=db_$1
	if [ "$3" = file ]; then
		expect_status 0 env PGUSER="$restore_as" idrestore --create -j "$2" -d "${!db}" "$4"
	else
		# shellcheck disable=SC2016
		expect_status 0 env PGUSER="$restore_as" bash -c 'cat "$1" | idrestore --create -j "$2" -d "$3"' - \
			"$4" "$2" "${!db}"
	fi
}

# as_serial FILE [QUERY WANT]: -j 2, from file and pipe, gives what -j 1 does; and that is WANT.
as_serial() {
	local way
	restored serial 1 file "$1"
	if [ $# -gt 1 ]; then
		expect_equal "$(sql "$db_serial" "$2")" "$3"
	fi
	contents "$db_serial" >contents.want
	definitions "$db_serial" >definitions.want
	for way in file pipe; do
		restored copy 2 "$way" "$1"
		contents "$db_copy" >contents.got
		expect_same contents.want contents.got
		definitions "$db_copy" >definitions.got
		expect_same definitions.want definitions.got
		sql postgres "DROP DATABASE \"$db_copy\""
	done
	sql postgres "DROP DATABASE \"$db_serial\""
}

days="SELECT string_agg(to_char(at, 'YYYY-MM-DD'), ' ' ORDER BY id) FROM t"

# DateStyle: what one SET does not name, it leaves as it was.
test_a_setting_of_two_parts() {
	script parts.sql <<-'END'
		CREATE TABLE t (id int, at date);
		SET datestyle = 'German, DMY';
		SET datestyle = 'ISO';
		COPY t (id, at) FROM stdin;
		1	01/02/2020
		\.
		CREATE INDEX late ON t (at) WHERE at > '03/04/2005';
		SET datestyle = 'MDY';
		COPY t (id, at) FROM stdin;
		2	01/02/2020
		\.
		CREATE INDEX later ON t (at) WHERE at > '03/04/2005';
	END
	as_serial parts.sql "$days" '2020-02-01 2020-01-02'
}

# Values that are read and given back: lists of quoted names, words with quotes, zones, units, the default.
test_values_of_settings() {
	script values.sql <<-'END'
		CREATE SCHEMA "o'ne";
		CREATE SCHEMA "t, wo";
		CREATE TABLE "o'ne".t (id int, at timestamptz);
		CREATE TABLE "t, wo".u (id int, at interval);
		SET search_path = "t, wo", "o'ne", public;
		SET TIME ZONE INTERVAL '+02:30' HOUR TO MINUTE;
		SET app.title = 'it''s \ mine';
		SET statement_timeout = '90min';
		SET seed = 0.5;
		COPY t (id, at) FROM stdin;
		1	2020-01-02 03:04:05
		\.
		SET timezone TO 'America/New_York';
		SET intervalstyle TO sql_standard;
		COPY t (id, at) FROM stdin;
		2	2020-01-02 03:04:05
		\.
		COPY u (id, at) FROM stdin;
		1	-1 2:03:04
		\.
		SET timezone TO DEFAULT;
		RESET app.title;
		RESET intervalstyle;
		COPY u (id, at) FROM stdin;
		2	-1 2:03:04
		\.
		SET search_path = "o'ne";
		CREATE INDEX i ON t (at) WHERE at > '2020-02-02 00:00';
	END
	as_serial values.sql
}

# hidden NAME: the script on stdin, in which one statement sets DMY out of sight; rows are behind it.
hidden() {
	{
		cat <<-'END'
			CREATE TABLE t (id int, at date);
			CREATE TABLE log (v text);
			CREATE SEQUENCE s;
			CREATE FUNCTION dmy() RETURNS text LANGUAGE sql AS $$SELECT set_config('datestyle', 'ISO, DMY', false)$$;
			CREATE FUNCTION nine() RETURNS bigint LANGUAGE plpgsql AS $$BEGIN PERFORM public.dmy(); RETURN 9; END$$;
			CREATE FUNCTION by_trigger() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM public.dmy(); RETURN NEW; END$$;
			COPY t (id, at) FROM stdin;
			1	01/02/2020
			\.
		END
		cat
		cat <<-'END'
			COPY t (id, at) FROM stdin;
			2	01/02/2020
			\.
			CREATE INDEX late ON t (at) WHERE at > '03/04/2005';
			SET datestyle = 'ISO';
			COPY t (id, at) FROM stdin;
			3	01/02/2020
			\.
		END
	} | script "$1.sql"
	as_serial "$1.sql" "$days" '2020-01-02 2020-02-01 2020-02-01'
}

test_settings_out_of_sight() {
	hidden insert <<<"INSERT INTO log SELECT set_config('datestyle', 'ISO, DMY', false);"
	hidden select <<<"SELECT dmy();"
	hidden create_as <<<"CREATE TABLE made AS SELECT dmy() AS v;"
	hidden setval <<<"SELECT setval('s', nine());"
	hidden local <<<"INSERT INTO log SELECT set_config('datestyle', 'ISO, DMY', true);"
	hidden delete <<<"INSERT INTO log VALUES ('x'); DELETE FROM log WHERE dmy() <> '';"
	hidden trigger <<-'END'
		CREATE TRIGGER by_trigger BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION by_trigger();
		COPY log (v) FROM stdin;
		x
		\.
	END
}

# A SET between what sets and the rows does not hide it, also when that was put off.
test_settings_out_of_sight_before_others() {
	hidden insert_set <<-'END'
		INSERT INTO log SELECT dmy();
		SET check_function_bodies = off;
	END
	hidden create_set <<-'END'
		CREATE INDEX t_id ON t (id);
		CREATE TABLE made AS SELECT dmy() AS v;
		SET datestyle = 'ISO';
	END
}

# What a role's settings would forbid stays away, also when a session begins anew.
test_other_users_in_a_role_that_may_only_read() {
	newrole ro SUPERUSER LOGIN
	newrole one
	newrole two
	sql postgres "ALTER ROLE \"$role_ro\" SET default_transaction_read_only = on"
	script users.sql <<-END
		CREATE TABLE t (id int, at date);
		GRANT ALL ON t TO "$role_one", "$role_two";
		SET SESSION AUTHORIZATION "$role_one";
		COPY t (id, at) FROM stdin;
		1	2020-01-02
		\\.
		SET SESSION AUTHORIZATION "$role_two";
		COPY t (id, at) FROM stdin;
		2	2020-01-02
		\\.
		RESET SESSION AUTHORIZATION;
		COPY t (id, at) FROM stdin;
		3	2020-01-02
		\\.
		CREATE INDEX t_id ON t (id);
		SET SESSION AUTHORIZATION DEFAULT;
		CREATE TABLE u (id int);
	END
	restore_as=$role_ro
	as_serial users.sql
}

# What only a superuser may set, in front of a role that is not one.
test_settings_in_front_of_a_role() {
	newrole one
	script roles.sql <<-END
		CREATE TABLE t (id int, at date);
		GRANT ALL ON t TO "$role_one";
		SET ROLE "$role_one";
		COPY t (id, at) FROM stdin;
		1	2020-01-02
		\\.
		RESET ROLE;
		SET session_replication_role = replica;
		SET ROLE "$role_one";
		COPY t (id, at) FROM stdin;
		2	2020-01-02
		\\.
		RESET ROLE;
		SET session_replication_role = origin;
		CREATE INDEX t_id ON t (id);
	END
	as_serial roles.sql
}

# The setting relies on a statement that waits for rows.
test_settings_behind_what_was_put_off() {
	newrole app NOLOGIN
	script behind.sql <<-END
		CREATE TABLE t (id int, at date);
		COPY t (id, at) FROM stdin;
		1	2020-01-02
		\\.
		CREATE ROLE "${prefix}_made";
		GRANT ALL ON SCHEMA public TO "${prefix}_made";
		SET ROLE "${prefix}_made";
		CREATE TABLE u (id int);
		RESET ROLE;
		DROP TABLE u;
		REVOKE ALL ON SCHEMA public FROM "${prefix}_made";
		DROP ROLE "${prefix}_made";
	END
	as_serial behind.sql
	script refused.sql <<-'END'
		CREATE TABLE t (id int);
		COPY t (id) FROM stdin;
		1
		\.
		CREATE INDEX t_id ON t (id);
		SET datestyle = 'nonsense';
	END
	dbname copy
	expect_status 4 idrestore --create -j 2 -d "$db_copy" refused.sql
	expect_match 'refused\.sql:6: statement 4 failed: invalid value for parameter "DateStyle": "nonsense"' "$err"
	expect_no_database "$db_copy"
}

# verified FILE: by one connection and by several, from file and pipe.
verified() {
	local jobs
	dbname copy
	for jobs in 1 2; do
		expect_status 0 idrestore --create --verify -j "$jobs" -d "$db_copy" "$1"
		sql postgres "DROP DATABASE \"$db_copy\""
		# shellcheck disable=SC2016
		expect_status 0 bash -c 'cat "$1" | idrestore --create --verify -j "$2" -d "$3"' - "$1" "$jobs" "$db_copy"
		sql postgres "DROP DATABASE \"$db_copy\""
	done
}

# As pg_dump wrote before 10.3: names are what the search path leads to.
test_verified_by_names_without_schemas() {
	script names.sql <<-'END'
		CREATE SCHEMA "o'ne";
		SET search_path = public, pg_catalog;
		CREATE TABLE t (id int, v text);
		CREATE TABLE "T" (id int PRIMARY KEY REFERENCES "T", v text);
		CREATE SEQUENCE s;
		COPY t (id, v) FROM stdin;
		1	x
		\.
		COPY "T" (id, v) FROM stdin;
		1	x
		\.
		SELECT pg_catalog.setval('s', 7, true);
		SELECT lo_create(5);
		SELECT lo_put(5, 0, '\x00ff');
		SET search_path = "o'ne", pg_catalog;
		CREATE TABLE t (w text, n int);
		CREATE SEQUENCE s;
		COPY t (w, n) FROM stdin;
		y	2
		\.
		COPY public.t (id, v) FROM stdin;
		2	y
		\.
		SELECT pg_catalog.setval('s', 8, false);
		CREATE INDEX t_w ON t (w);
	END
	verified names.sql
	{ sed '/complete$/d' names.sql && echo 'DELETE FROM t;'; } | script spoilt.sql
	dbname copy
	for jobs in 1 2; do
		expect_status 4 idrestore --create --verify -j "$jobs" -d "$db_copy" spoilt.sql
		expect_match "does not hold what was restored: table o'ne\\.t: 1 rows expected, 0 received" "$err"
	done
	{ sed '/complete$/d' names.sql && echo "INSERT INTO public.t VALUES (nextval('s'), 'z'); DELETE FROM public.t WHERE v = 'z';"; } | script moved.sql
	expect_status 3 idrestore --create --verify -d "$db_copy" moved.sql
	expect_match 'INSERT can.t be compared' "$err"
	{ sed '/complete$/d' names.sql && echo "CREATE TABLE n AS SELECT nextval('s') AS n;"; } | script moved.sql
	expect_status 4 idrestore --create --verify -d "$db_copy" moved.sql
	expect_match "sequence o'ne\\.s: value 8 expected, 8 found" "$err"
}

# Settings that nobody but the script's own functions knows.
test_custom_settings_in_checks() {
	script custom.sql <<-'END'
		CREATE FUNCTION tenant() RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT current_setting('app.tenant', true)$$;
		CREATE TABLE t (id text CHECK (id = current_setting('app.tenant')), n int CHECK (public.tenant() IS NOT NULL));
		SET app.tenant = 'it''s one';
		COPY t (id, n) FROM stdin;
		it's one	1
		\.
		SELECT pg_catalog.set_config('app.tenant', 'two', false);
		COPY t (id, n) FROM stdin;
		two	2
		\.
		CREATE INDEX t_tenant ON t ((id || public.tenant()));
		RESET app.tenant;
		SET app.tenant TO three;
		COPY t (id, n) FROM stdin;
		three	3
		\.
		ALTER TABLE t DROP CONSTRAINT t_id_check;
	END
	as_serial custom.sql "SELECT string_agg(id, ' ' ORDER BY n) FROM t" "it's one two three"
}

# custom NAME [READ]: as above, the setting on stdin is out of sight; READ is how the check reads it.
custom() {
	local read=${2:-"current_setting('app.tenant', true)"}
	{
		cat <<-END
			CREATE FUNCTION set_tenant(v text) RETURNS text LANGUAGE sql AS \$\$SELECT set_config('app.tenant', v, false)\$\$;
			CREATE TABLE t (id text CHECK (id = $read));
			CREATE TABLE log (v text);
			SET app.tenant = 'one';
			COPY t (id) FROM stdin;
			one
			\\.
		END
		cat
		cat <<-'END'
			COPY t (id) FROM stdin;
			two
			\.
			CREATE INDEX t_id ON t (id) WHERE id <> 'two';
			SET check_function_bodies = off;
			COPY t (id) FROM stdin;
			two
			\.
		END
	} | script "$1.sql"
	sed '/^SET app/d; /^COPY/{n;/one/d}' "$1.sql" >"$1-first.sql"
	as_serial "$1.sql" "SELECT string_agg(id, ' ' ORDER BY id) FROM t" 'one two two'
	as_serial "$1-first.sql" "SELECT string_agg(id, ' ' ORDER BY id) FROM t" 'two two'
}

test_custom_settings_out_of_sight() {
	custom select <<<"SELECT set_tenant('two');"
	custom do_set <<<"DO \$\$BEGIN SET app.tenant = 'two'; END\$\$;"
	custom insert <<<"INSERT INTO log SELECT set_config('app.' || 'tenant', 'two', false);"
	custom local <<<"SELECT set_config('app.tenant', lower('TWO'), true) FROM t;"
	custom computed "current_setting('app.' || 'tenant', true)" <<<"SELECT set_tenant('two');"
	custom cast "pg_catalog.Current_Setting( 'app.tenant'::text, true)" <<<"SELECT set_tenant('two');"
}

# pg_dump --create connects again behind the database's settings.
test_custom_settings_of_the_database() {
	newdb source
	sql "$db_source" "ALTER DATABASE \"$db_source\" SET app.tenant = 'it''s one'; ALTER DATABASE \"$db_source\" SET datestyle = 'German'"
	sql "$db_source" "CREATE TABLE t (id text CHECK (id = current_setting('app.tenant')), at date);
		INSERT INTO t VALUES ('it''s one', '2020-01-02')"
	pg_dump --create "$db_source" >source.sql
	expect_match "SET \"?app\.tenant\"? TO 'it''s one'" source.sql
	as_serial source.sql "SELECT id, to_char(at, 'YYYY-MM-DD') FROM t" "it's one|2020-01-02"
}
