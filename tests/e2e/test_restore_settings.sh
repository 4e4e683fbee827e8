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
