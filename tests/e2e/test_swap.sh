# idrestore --swap, --replace, --swap-back, --keep-old: one database takes the place of another.
#
# The old database here is "old": marker 1, and a and b with 100 and 1000 rows; the stream new.sql has
# marker 2 and twice as many.  SWAPS: how many swaps under load (5).

. "$E2E_DIR/restore.sh"

fill() {
	sql "$1" "CREATE TABLE marker (v int); INSERT INTO marker VALUES ($2);
		CREATE TABLE a AS SELECT generate_series(1, 100 * $2) i; CREATE TABLE b AS SELECT generate_series(1, 1000 * $2) i"
}

old_and_new() {
	newdb old
	newdb new
	fill "$db_old" 1
	fill "$db_new" 2
	iddump -o new.sql "$db_new"
	iddump -o old.sql "$db_old"
}

marker() {
	sql "$1" 'SELECT v FROM marker'
}

expect_marker() {
	expect_equal "$(marker "$1")" "$2"
}

set_aside() {
	sql postgres "SELECT datname FROM pg_database WHERE datname LIKE 'idkit\_old\_%' ORDER BY 1"
}

# What tests leave on purpose.
drop_set_aside() {
	sql postgres <<-'END'
		SELECT format('ALTER DATABASE %I IS_TEMPLATE false', datname) FROM pg_database WHERE datname LIKE 'idkit\_old\_%' AND datistemplate \gexec
		SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database WHERE datname LIKE 'idkit\_old\_%' \gexec
	END
}

# All that belongs to a database, and not to what is in it.
properties() {
	sql postgres "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datlocprovider, datcollate, datctype, daticulocale, datistemplate, datallowconn, datconnlimit, spcname,
		(SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(datacl) x), shobj_description(d.oid, 'pg_database')
		FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace WHERE datname = '${1//\'/\'\'}'"
	sql postgres "SELECT setrole::regrole, setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase
		WHERE datname = '${1//\'/\'\'}' ORDER BY setrole::regrole::text"
}

# A session that stays in the database; sets $session.
sit_in() {
	psql -XAtq "dbname='$1' application_name=sitter ${2-}" -c 'SELECT pg_sleep(100)' >/dev/null 2>&1 7>&- &
	session=$!
	eventually 10 is_in_it "$1"
}

is_in_it() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = '$1' AND query LIKE '%pg_sleep%'")" = 1 ]
}

# ---- what a swap does ----------------------------------------------------------------------------

test_there_and_back_and_there_again() {
	local aside
	old_and_new
	expect_status 0 idrestore -v --swap -d "$db_old" new.sql
	expect_match 'renamed in [0-9.]+ ms, at attempt [0-9]+$' "$err"
	aside=$(set_aside)
	expect_match "^idkit_old_[0-9]{8}T[0-9]{6}Z_$db_old\$" "$aside"
	expect_match "note: database \"$db_old\" is the restored one; the one before is kept as \"$aside\"\$" "$err"
	expect_match "back to it: idrestore --swap-back -d $db_old\$" "$err"
	expect_marker "$db_old" 2
	expect_marker "$aside" 1
	expect_equal_dbs "$db_old" "$db_new"
	expect_match "^idkit set aside 20[0-9-]{8}T[0-9:.]{15}Z \"$db_old\"\$" \
		"$(sql postgres "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '$aside'")"
	expect_status 0 idrestore --swap-back --list -d "$db_old"
	expect_match "^20[0-9-]{8}T[0-9:.]{15}Z	$aside\$" "$out"
	expect_equal "$(wc -l <"$out")" 1
	expect_status 0 idrestore --swap-back -d "$db_old"
	expect_match "note: database \"$db_old\" is the one again that was set aside 20" "$err"
	expect_marker "$db_old" 1
	expect_marker "$(set_aside)" 2
	expect_equal "$(sql postgres "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '$db_old'")" ''
	expect_status 0 idrestore --swap-back -q -d "$db_old"
	expect_equal "$(cat "$err")" ''
	expect_marker "$db_old" 2
	expect_marker "$(set_aside)" 1
	drop_set_aside
}

# A set of all that a database may have, of hostile values.
decorate() {
	newrole owner
	newrole granter
	newrole user
	sql postgres <<-END
		ALTER DATABASE "$1" OWNER TO "$role_owner";
		ALTER DATABASE "$1" SET search_path = "\$user", public, "a, ""b""";
		ALTER DATABASE "$1" SET work_mem = '7MB';
		ALTER DATABASE "$1" SET DateStyle = 'German, DMY';
		ALTER DATABASE "$1" SET application_name = E'it''s "quoted" \\\\ back';
		ALTER DATABASE "$1" SET my.own = '';
		ALTER DATABASE "$1" SET temp_tablespaces = '';
		ALTER DATABASE "$1" SET log_min_duration_statement = 77;
		ALTER DATABASE "$1" SET default_transaction_read_only = on;
		ALTER ROLE "$role_user" IN DATABASE "$1" SET search_path = '';
		ALTER ROLE "$role_user" IN DATABASE "$1" SET statement_timeout = '9s';
		REVOKE ALL ON DATABASE "$1" FROM PUBLIC;
		GRANT CONNECT ON DATABASE "$1" TO "$role_granter" WITH GRANT OPTION;
		SET ROLE "$role_granter";
		GRANT CONNECT ON DATABASE "$1" TO "$role_user";
		RESET ROLE;
		GRANT TEMPORARY ON DATABASE "$1" TO PUBLIC;
		COMMENT ON DATABASE "$1" IS E'it''s \\\\ "mine"\\nsecond line';
		ALTER DATABASE "$1" CONNECTION LIMIT 17 IS_TEMPLATE true;
	END
}

undecorate() {
	sql postgres "ALTER DATABASE \"$1\" IS_TEMPLATE false"
	sql postgres "DROP DATABASE \"$1\" WITH (FORCE)"
}

test_what_belongs_to_the_database_stays() {
	old_and_new
	decorate "$db_old"
	properties "$db_old" >before
	expect_match 'log_min_duration_statement=77' before
	expect_status 0 idrestore --swap -d "$db_old" new.sql
	properties "$db_old" >after
	expect_same before after
	expect_marker "$db_old" 2
	# The old one keeps them too, but for the comment, which is back when it is.
	expect_match "^idkit set aside 20.* \"$db_old\"\$" "$(properties "$(set_aside)" | head -n 1 | sed 's/.*|//')"
	expect_status 0 idrestore --swap-back -d "$db_old"
	expect_marker "$db_old" 1
	properties "$db_old" >after
	expect_same before after
	expect_status 0 idrestore --replace -d "$db_old" new.sql
	properties "$db_old" >after
	expect_same before after
	drop_set_aside
	undecorate "$db_old"
}

# pg_dump -C and iddump -C say what the database was like where they come from: its present properties
# count.
test_what_the_stream_says_about_the_database_is_left_out() {
	local dump
	old_and_new
	newrole other
	sql postgres "ALTER DATABASE \"$db_new\" SET work_mem = '99MB'; COMMENT ON DATABASE \"$db_new\" IS 'theirs';
		ALTER DATABASE \"$db_new\" OWNER TO \"$role_other\"; GRANT CREATE ON DATABASE \"$db_new\" TO PUBLIC"
	iddump -C -o own.sql "$db_new"
	pg_dump -C -f foreign.sql "$db_new"
	properties "$db_old" >before
	for dump in own.sql foreign.sql; do
		expect_status 0 idrestore --swap -d "$db_old" "$dump"
		expect_match 'left out: ALTER DATABASE .*: it is about the database itself, which keeps what it has' "$err"
		properties "$db_old" >after
		expect_same before after
		expect_status 0 idrestore --swap-back -d "$db_old"
	done
	drop_set_aside
}

test_encoding_and_locale_stay() {
	old_and_new
	dbname latin
	sql postgres "CREATE DATABASE \"$db_latin\" TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'"
	sql "$db_new" "CREATE TABLE text (v text); INSERT INTO text VALUES ('größe')"
	iddump -o new.sql "$db_new"
	properties "$db_latin" >before
	expect_status 0 idrestore --swap -d "$db_latin" new.sql
	expect_match "note: the database's encoding stays \"LATIN1\"; where the dump comes from it was \"UTF8\"" "$err"
	properties "$db_latin" >after
	expect_same before after
	expect_equal "$(PGCLIENTENCODING=UTF8 sql "$db_latin" 'SELECT v, octet_length(v) FROM text')" 'größe|5'
	# What can't be said there is an error, and nothing has changed.
	sql "$db_new" "INSERT INTO text VALUES ('数')"
	iddump -o new.sql "$db_new"
	expect_status 4 idrestore --swap -d "$db_latin" new.sql
	expect_equal "$(sql "$db_latin" 'SELECT count(*) FROM text')" 1
	drop_set_aside
	dbname icu
	sql postgres "CREATE DATABASE \"$db_icu\" TEMPLATE template0 ENCODING UTF8 LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LOCALE 'C.UTF-8'"
	properties "$db_icu" >before
	expect_status 0 idrestore --replace -d "$db_icu" new.sql
	expect_match 'locale_provider stays "i"' "$err"
	properties "$db_icu" >after
	expect_same before after
	expect_equal "$(scratch_databases)" ''
}

test_tablespaces() {
	old_and_new
	PGOPTIONS='-c allow_in_place_tablespaces=on' sql postgres "CREATE TABLESPACE ${prefix}_space LOCATION ''"
	sql postgres "ALTER DATABASE \"$db_old\" SET TABLESPACE ${prefix}_space"
	properties "$db_old" >before
	expect_match "_space" before
	expect_status 0 idrestore --replace -d "$db_old" new.sql
	properties "$db_old" >after
	expect_same before after
	sql postgres "DROP DATABASE \"$db_old\""
	sql postgres "DROP TABLESPACE ${prefix}_space"
}

test_names_of_every_kind() {
	local name long wide
	old_and_new
	long=$(printf '%s_%063d' "$prefix" 0 | head -c 63)
	wide=${prefix}_$(printf 'ü%.0s' $(seq $(((62 - ${#prefix}) / 2))))
	for name in "$long" "${prefix}_With \"Quotes\" and 'more'; --" "${prefix}_UPPER Case" "${prefix}_größe_数据库" \
		"$wide" "${prefix}_a\\b c=d"; do
		createdb "$name" 2>/dev/null || sql postgres "CREATE DATABASE \"${name//\"/\"\"}\""
		fill "dbname='$(sed "s/[\\\\']/\\\\&/g" <<<"$name")'" 1
		conninfo="dbname='$(sed "s/[\\\\']/\\\\&/g" <<<"$name")'"
		expect_status 0 idrestore --swap -d "$conninfo" new.sql
		expect_marker "$conninfo" 2
		# The command that the note names, run by a shell.
		sed -n 's/^ *back to it: //p' "$err" >back.sh
		expect_status 0 bash back.sh
		expect_marker "$conninfo" 1
		[ "$(set_aside | wc -l)" = 1 ] || fail "not one set aside: $(set_aside)"
		expect_equal "$(set_aside | iconv -f UTF-8 -t UTF-8 | wc -c)" "$(set_aside | wc -c)"
		expect_status 0 idrestore --replace -d "$conninfo" new.sql
		drop_set_aside
		expect_equal "$(scratch_databases)" ''
	done
	expect_status 2 idrestore --swap -d "${long}x" new.sql
	expect_match 'longer than 63 bytes' "$err"
}

test_replace_drops_the_old_one() {
	old_and_new
	expect_status 0 idrestore --replace -d "$db_old" new.sql
	expect_match "note: database \"$db_old\" is the restored one; the one before was dropped" "$err"
	expect_marker "$db_old" 2
	expect_equal "$(set_aside)" ''
	# One that is a template, and is another's.
	sql postgres "ALTER DATABASE \"$db_old\" IS_TEMPLATE true"
	expect_status 0 idrestore --replace -d "$db_old" old.sql
	expect_marker "$db_old" 1
	expect_equal "$(scratch_databases)" ''
	sql postgres "ALTER DATABASE \"$db_old\" IS_TEMPLATE false"
}

# The maintenance database can't be renamed from inside.
test_the_database_postgres_itself() {
	old_and_new
	expect_status 0 idrestore --swap -d postgres new.sql
	expect_marker postgres 2
	expect_status 0 idrestore --swap-back --force --keep-old 0 -d postgres
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_class WHERE relname = 'marker'")" 0
	expect_equal "$(sql postgres "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'postgres'")" \
		'default administrative connection database'
	expect_equal "$(scratch_databases)" ''
	expect_status 4 idrestore --swap -d template1 new.sql
	expect_match "the server's own" "$err"
	expect_status 4 idrestore --swap -d template0 new.sql
	expect_match "the server's own" "$err"
}

# ---- refusals ------------------------------------------------------------------------------------

test_a_database_that_is_not_there() {
	old_and_new
	expect_status 4 idrestore --swap -d "${prefix}_none" new.sql
	expect_match "there is no database \"${prefix}_none\" to swap with: nothing was restored" "$err"
	expect_match 'HINT: .*--create' "$err"
	expect_status 4 idrestore --swap-back -d "${prefix}_none"
	expect_match "no database was set aside as \"${prefix}_none\": there is nothing to go back to" "$err"
	expect_status 4 idrestore --swap-back -d "$db_old"
	expect_match "nothing to go back to" "$err"
	expect_status 0 idrestore --swap-back --list -d "$db_old"
	expect_equal "$(cat "$out")" ''
	expect_equal "$(scratch_databases)" ''
}

test_options_that_contradict() {
	local options
	for options in '--create --swap' '--swap --replace' '--swap --in-place' '--create --swap-back' '--swap --clean' \
		'--force' '--create --force' '--keep-old 3' '--create --keep-old 3' '--swap --keep-old -1' \
		'--swap --keep-old 99999999' '--swap --keep-old x' '--swap-back --verify' '--swap-back new.sql' '--swap-back --role x'; do
		# shellcheck disable=SC2086
		expect_status 2 idrestore -d nowhere $options
	done
	expect_status 2 idrestore --swap-back
	expect_match 'which database' "$err"
	expect_status 2 idrestore --swap-back --list
}

test_sessions_without_force() {
	old_and_new
	sit_in "$db_old"
	SECONDS=0
	expect_status 4 idrestore --swap -d "$db_old" new.sql
	[ "$SECONDS" -ge 4 ] || fail 'sessions were not waited for'
	expect_match "database \"$db_old\" is in use; nothing was done" "$err"
	expect_match 'process [0-9]+: role "postgres", application "sitter", active$' "$err"
	expect_match 'HINT: .*--force' "$err"
	expect_marker "$db_old" 1
	expect_equal "$(scratch_databases)" ''
	# With force it is ended.
	expect_status 0 idrestore --swap --force -d "$db_old" new.sql
	wait "$session" && fail 'the session has not ended'
	expect_marker "$db_old" 2
	sit_in "$db_old"
	expect_status 4 idrestore --swap-back -d "$db_old"
	expect_match 'could not be swapped back: database .* is in use' "$err"
	expect_status 0 idrestore --swap-back --force -d "$db_old"
	expect_marker "$db_old" 1
	# Also those in the other one.
	sit_in "$(set_aside)"
	expect_status 4 idrestore --swap-back -d "$db_old"
	expect_match 'application "sitter"' "$err"
	expect_status 0 idrestore --swap-back --force -d "$db_old"
	expect_marker "$db_old" 2
	wait
	drop_set_aside
}

# A session that goes in time is no obstacle.
test_a_session_that_goes_by_itself() {
	old_and_new
	psql -XAtq -d "$db_old" -c 'SELECT pg_sleep(1.5)' >/dev/null &
	eventually 10 is_in_it "$db_old"
	expect_status 0 idrestore --swap -d "$db_old" new.sql
	wait "$!"
	expect_marker "$db_old" 2
	drop_set_aside
}

# The database is filtered into its own place: the dump's session is in it when the restore begins.
test_a_pipe_from_the_database_to_itself() {
	old_and_new
	sql "$db_old" 'ALTER TABLE b ADD COLUMN wide text; UPDATE b SET wide = repeat(md5(i::text), 200)'
	expect_status 0 bash -o pipefail -c 'iddump -d "$1" | idfilter -v "EXTENSION plpgsql" | { sleep 1; cat; } | idrestore --swap --verify -d "$1"' _ "$db_old"
	expect_marker "$db_old" 1
	expect_equal_dbs "$db_old" "$(set_aside)"
	drop_set_aside
}

# Starts "idrestore … " of new.sql, whose last byte is held back.  Sets $pid.
begin_swap() {
	mkfifo pipe
	start idrestore "$@" -d "$db_old" pipe 2>messages
	exec 7>pipe
	head -c -1 new.sql >&7
	eventually 20 has_scratch
}

# Nothing but the last byte is missing: idrestore waits for it.
all_is_read() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'idrestore' AND datname LIKE 'idkit\_scratch%'
		AND state = 'idle in transaction' AND query ~ 'COPY public.marker'")" = 1 ]
}

has_ended() {
	! kill -0 "$1"
}

has_scratch() {
	[ -n "$(sql postgres "SELECT datname FROM pg_database WHERE datname LIKE 'idkit\_scratch%'")" ]
}

# Lets the stream end.  Sets $status.
end_swap() {
	[ "${1-}" = cut ] || tail -c 1 new.sql >&7
	exec 7>&-
	status=0
	wait "$pid" || status=$?
	rm pipe
}

# Somebody came while it was restored: nothing of the work is lost.
test_sessions_that_come_while_it_restores() {
	local aside
	old_and_new
	decorate "$db_old"
	properties "$db_old" >before
	begin_swap --swap
	sit_in "$db_old"
	end_swap
	expect_equal "$status" 4
	expect_match "could not be named \"$db_old\": database \"$db_old\" is in use" messages
	expect_match 'process [0-9]+: role "postgres", application "sitter"' messages
	expect_match "HINT:  The restored database is complete, and kept as \"idkit_old_.*: idrestore --swap-back --force -d $db_old\$" messages
	expect_marker "$db_old" 1
	aside=$(scratch_databases)
	expect_match '^idkit_old_' "$aside"
	expect_match "\"$aside\"" messages
	expect_marker "$aside" 2
	properties "$db_old" >after
	expect_same before after
	sed -n 's/.*: \(idrestore --swap-back --force .*\)/\1/p' messages >finish.sh
	expect_status 0 bash finish.sh
	expect_marker "$db_old" 2
	properties "$db_old" >after
	expect_same before after
	expect_status 0 idrestore --swap-back -d "$db_old"
	expect_marker "$db_old" 1
	wait
	drop_set_aside
	undecorate "$db_old"
}

# Monitoring that visits all databases: in the one under construction it is waited for, or ended.
test_a_session_in_the_new_database() {
	local scratch
	old_and_new
	begin_swap --swap --force
	scratch=$(sql postgres "SELECT datname FROM pg_database WHERE datname LIKE 'idkit\_scratch%'")
	sit_in "$scratch"
	end_swap
	expect_equal "$status" 0
	wait
	expect_status 0 idrestore --swap-back -d "$db_old"
	begin_swap --swap
	scratch=$(sql postgres "SELECT datname FROM pg_database WHERE datname LIKE 'idkit\_scratch%'")
	psql -XAtq "dbname=$scratch application_name=visitor" -c 'SELECT pg_sleep(8)' >/dev/null 7>&- &
	eventually 10 is_in_it "$scratch"
	end_swap
	expect_equal "$status" 0
	expect_match 'waits for its name: somebody is connected' messages
	expect_match 'application "visitor"' messages
	expect_marker "$db_old" 2
	wait
	drop_set_aside
}

# Whatever the name that the new database has for a moment might be taken for.
test_no_name_is_to_be_foreseen() {
	local helper
	old_and_new
	begin_swap --swap
	eventually 10 all_is_read
	helper=$(sql postgres "SELECT pid FROM pg_stat_activity WHERE application_name = 'idrestore' AND datname = 'postgres'")
	sql postgres "CREATE DATABASE idkit_swap_${helper}_$(oid_of "$(scratch_databases)")"
	end_swap
	expect_equal "$status" 0
	expect_marker "$db_old" 2
	sql postgres "DROP DATABASE $(scratch_databases | grep idkit_swap)"
	drop_set_aside
}

# They belong to a database by its OID.
test_replication_goes_with_the_old_database() {
	old_and_new
	sql "$db_old" "SELECT pg_create_logical_replication_slot('$prefix', 'pgoutput')" >/dev/null
	expect_status 0 idrestore --swap -d "$db_old" new.sql
	expect_match "warning: database \"$db_old\" has 0 subscriptions and 1 logical replication slots: they stay with it under its new name, and the one that takes its place has none\$" "$err"
	expect_equal "$(sql postgres "SELECT database FROM pg_replication_slots")" "$(set_aside)"
	# They come back with it.
	expect_status 0 idrestore --swap-back -d "$db_old"
	expect_no_match warning "$err"
	expect_status 0 idrestore --swap-back --keep-old 0 -d "$db_old"
	expect_match "warning: database \"$db_old\" has 0 subscriptions and 1 logical replication slots: they are dropped with it\$" "$err"
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_replication_slots")" 0
	expect_marker "$db_old" 2
	# The server drops no database with a subscription, which is said before the work.
	sql "$db_old" "CREATE SUBSCRIPTION ${prefix} CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false)" 2>/dev/null
	sql postgres "SELECT max(oid) FROM pg_database" >before
	for options in --replace '--swap --keep-old 0'; do
		# shellcheck disable=SC2086
		expect_status 4 idrestore $options --force -d "$db_old" old.sql
		expect_match "database \"$db_old\" has 1 subscriptions \(the first: \"$prefix\"\), and the server drops no database that has some; nothing was done\$" "$err"
		expect_match '^HINT:  There: DROP SUBSCRIPTION; or keep the old database\.$' "$err"
	done
	sql postgres "SELECT max(oid) FROM pg_database" >after
	expect_same before after
	expect_marker "$db_old" 2
	expect_status 0 idrestore --swap -d "$db_old" old.sql
	expect_match 'has 1 subscriptions and 0 logical replication slots: they stay with it' "$err"
	expect_marker "$db_old" 1
	sql "$(set_aside)" "ALTER SUBSCRIPTION $prefix SET (slot_name = NONE); DROP SUBSCRIPTION $prefix"
	drop_set_aside
}

# A worker of the server's own is no session: the rename ends it.
test_autovacuum() {
	old_and_new
	sql "$db_old" "ALTER TABLE b SET (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0,
		autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)"
	sql "$db_old" 'INSERT INTO b SELECT generate_series(1, 50000); UPDATE b SET i = i'
	sql postgres "ALTER SYSTEM SET autovacuum = on"
	sql postgres "ALTER SYSTEM SET autovacuum_naptime = '1s'"
	sql postgres 'SELECT pg_reload_conf()' >/dev/null
	eventually 60 is_vacuumed
	worker=$(sql postgres "SELECT pid FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND datname = '$db_old'")
	expect_status 0 idrestore --swap -d "$db_old" new.sql
	expect_match "\[$worker\] .*FATAL:  terminating autovacuum process due to administrator command" "$(tail -n 500 "$CLUSTER_DIR/log")"
	sql postgres 'ALTER SYSTEM RESET ALL'
	sql postgres 'SELECT pg_reload_conf()' >/dev/null
	expect_marker "$db_old" 2
	drop_set_aside
}

is_vacuumed() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND datname = '$db_old'")" = 1 ]
}

test_prepared_transactions() {
	old_and_new
	# Prepared while it is restored.
	begin_swap --swap
	eventually 10 all_is_read
	sql "$db_old" "BEGIN; INSERT INTO marker VALUES (3); PREPARE TRANSACTION 'late'"
	end_swap
	expect_equal "$status" 4
	expect_match "could not be named \"$db_old\": database \"$db_old\" has 1 prepared transactions \(the first: \"late\" of role \"postgres\"\), and can't be renamed before they have ended\$" messages
	expect_match "^HINT:  The restored database is complete, and kept as \"$(set_aside)\"" messages
	sql "$db_old" "ROLLBACK PREPARED 'late'"
	expect_marker "$db_old" 1
	drop_set_aside
	sql "$db_old" "BEGIN; INSERT INTO marker VALUES (3); PREPARE TRANSACTION 'half'"
	expect_status 4 idrestore --swap --force -d "$db_old" new.sql
	expect_match '1 prepared transactions \(the first: "half" of role "postgres"\)' "$err"
	sql "$db_old" "ROLLBACK PREPARED 'half'"
	expect_marker "$db_old" 1
	expect_equal "$(scratch_databases)" ''
}

# ---- roles ---------------------------------------------------------------------------------------

test_an_owner_with_createdb_is_enough() {
	newrole owner LOGIN CREATEDB
	newrole stranger LOGIN CREATEDB
	newrole poor LOGIN
	dbname old
	sql postgres "CREATE DATABASE \"$db_old\" OWNER \"$role_owner\""
	PGUSER=$role_owner fill "$db_old" 1
	newdb new
	fill "$db_new" 2
	iddump --no-owner -o new.sql "$db_new"
	PGUSER=$role_owner sql "$db_old" "ALTER DATABASE \"$db_old\" SET work_mem = '5MB'; COMMENT ON DATABASE \"$db_old\" IS 'kept'"
	properties "$db_old" >before
	PGUSER=$role_owner expect_status 0 idrestore --swap -d "$db_old" new.sql
	properties "$db_old" >after
	expect_same before after
	PGUSER=$role_owner expect_status 0 idrestore --swap-back -d "$db_old"
	PGUSER=$role_owner sit_in "$db_old"
	PGUSER=$role_owner expect_status 0 idrestore --swap-back --force -d "$db_old"
	expect_marker "$db_old" 2
	wait
	# A superuser's session is not for it to end, and that is said before the work.
	sit_in "$db_old"
	PGUSER=$role_owner expect_status 4 idrestore --swap --force -d "$db_old" new.sql
	expect_match 'this role may not end a session that is in the way \(process [0-9]+: role "postgres"' "$err"
	kill "$session"
	wait
	sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sitter'" >/dev/null
	PGUSER=$role_stranger expect_status 4 idrestore --swap -d "$db_old" new.sql
	expect_match "belongs to role \"$role_owner\", of which role \"$role_stranger\" is no member" "$err"
	PGUSER=$role_stranger expect_status 4 idrestore --swap-back -d "$db_old"
	expect_match 'is no member' "$err"
	sql postgres "GRANT \"$role_owner\" TO \"$role_poor\""
	PGUSER=$role_poor expect_status 4 idrestore --swap-back -d "$db_old"
	expect_match 'that takes CREATEDB' "$err"
	# What only a superuser may set is found out before the rows.
	sql postgres "ALTER DATABASE \"$db_old\" SET log_min_duration_statement = 5"
	PGUSER=$role_owner expect_status 4 idrestore --swap -d "$db_old" new.sql
	expect_match "can't have all that belongs to database .*log_min_duration_statement" "$err"
	expect_match 'permission denied' "$err"
	expect_marker "$db_old" 2
	drop_set_aside
	expect_equal "$(scratch_databases)" ''
}

# A database that somebody else made, with a name and a mark that look right.
test_forged_marks() {
	local aside
	newrole stranger LOGIN CREATEDB
	old_and_new
	expect_status 0 idrestore --swap -d "$db_old" new.sql
	aside=idkit_old_29991231T000000Z_$db_old
	PGUSER=$role_stranger sql postgres "CREATE DATABASE \"$aside\""
	PGUSER=$role_stranger sql postgres "COMMENT ON DATABASE \"$aside\" IS 'idkit set aside 2999-12-31T00:00:00.000000Z \"$db_old\"'"
	expect_status 0 idrestore --swap-back --list -d "$db_old"
	expect_no_match 2999 "$out"
	expect_status 0 idrestore --swap-back -d "$db_old"
	expect_marker "$db_old" 1
	sql postgres "DROP DATABASE \"$(set_aside | grep -v 2999)\""
	expect_status 4 idrestore --swap-back -d "$db_old"
	expect_match "belongs to role \"$role_stranger\"" "$err"
	expect_match 'ALTER DATABASE … OWNER TO' "$err"
	drop_set_aside
}

# ---- what was set aside --------------------------------------------------------------------------

# make_aside STAMP TIME NAME: a database as an earlier swap left it.
make_aside() {
	sql postgres "CREATE DATABASE \"idkit_old_$1_$3\""
	sql postgres "COMMENT ON DATABASE \"idkit_old_$1_$3\" IS 'idkit set aside $2 \"$3\"'"
}

days_ago() {
	date -u -d "$1 days ago" +%Y-%m-%dT%H:%M:%S.000000Z
}

test_keep_old() {
	local name
	old_and_new
	make_aside 20200101T000000Z 2020-01-01T00:00:00.000000Z "$db_old"
	make_aside 20200102T000000Z "$(days_ago 8)" "$db_old"
	make_aside 20200103T000000Z "$(days_ago 6)" "$db_old"
	make_aside 20200104T000000Z 2020-01-01T00:00:00.000000Z "${prefix}_other"
	# Look-alikes: without a mark, without the name, with a mark that is none.
	sql postgres "CREATE DATABASE \"idkit_old_20200105T000000Z_$db_old\""
	sql postgres 'CREATE DATABASE idkit_old_x'
	sql postgres "COMMENT ON DATABASE idkit_old_x IS 'idkit set aside 2020-01-01T00:00:00.000000Z \"$db_old\"'"
	sql postgres "CREATE DATABASE \"idkit_old_20200106T000000Z_$db_old\""
	sql postgres "COMMENT ON DATABASE \"idkit_old_20200106T000000Z_$db_old\" IS 'idkit set aside 2020-01-01 \"$db_old\"'"
	sql postgres "CREATE DATABASE \"${prefix}_marked\""
	sql postgres "COMMENT ON DATABASE \"${prefix}_marked\" IS 'idkit set aside 2020-01-01T00:00:00.000000Z \"$db_old\"'"
	expect_status 0 idrestore --swap --keep-old 7 -d "$db_old" new.sql
	for name in "20200101T000000Z_$db_old" "20200102T000000Z_$db_old"; do
		expect_match "note: database \"idkit_old_$name\", set aside 20.*, was dropped" "$err"
		expect_no_match "$name" "$(set_aside)"
	done
	for name in "20200103T000000Z_$db_old" "20200104T000000Z_${prefix}_other" "20200105T000000Z_$db_old" x "20200106T000000Z_$db_old"; do
		expect_match "^idkit_old_$name\$" "$(set_aside)"
	done
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_database WHERE datname = '${prefix}_marked'")" 1
	# 0: also the one of this very swap.
	expect_status 0 idrestore --swap --keep-old 0 -d "$db_old" old.sql
	expect_marker "$db_old" 1
	expect_equal "$(set_aside)" "$(printf 'idkit_old_%s\n' "20200104T000000Z_${prefix}_other" "20200105T000000Z_$db_old" "20200106T000000Z_$db_old" x)"
	drop_set_aside
}

# A swap with two databases, $first and $second, that are old enough to go: it has listed them and waits
# to drop the first one, whose comment somebody holds.
hold_drops() {
	old_and_new
	first=idkit_old_20200102T000000Z_$db_old
	second=idkit_old_20200101T000000Z_$db_old
	make_aside 20200101T000000Z 2020-01-01T00:00:00.000000Z "$db_old"
	make_aside 20200102T000000Z 2020-01-02T00:00:00.000000Z "$db_old"
	mkfifo held
	sql postgres <held >/dev/null &
	exec 9>held
	printf 'BEGIN; COMMENT ON DATABASE "%s" IS NULL;\n' "$first" >&9
	start idrestore --swap --keep-old 7 -d "$db_old" new.sql 2>messages 9>&-
	eventually 20 is_in postgres 'DROP DATABASE'
}

# Not all can be dropped then.
let_drops_go() {
	local status=0
	printf 'ROLLBACK;\n' >&9
	exec 9>&-
	wait "$pid" || status=$?
	expect_equal "$status" 4
}

# Between the list and the DROP the names have changed hands.
test_what_is_dropped_is_what_was_marked() {
	local first second
	hold_drops
	sql postgres "ALTER DATABASE \"$second\" RENAME TO ${prefix}_mine"
	sql postgres "CREATE DATABASE \"$second\""
	let_drops_go
	expect_match "database \"$first\", set aside 2020-01-02T00:00:00.000000Z, was dropped" messages
	expect_match "warning: database \"$second\", set aside 2020-01-01T00:00:00.000000Z, could not be dropped: it was renamed to \"${prefix}_mine\" meanwhile, and is kept\$" messages
	expect_match 'the swap is done, but: not all databases that were set aside could be dropped' messages
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_database WHERE datname IN ('$first', '$second', '${prefix}_mine')")" 2
	expect_marker "$db_old" 2
	wait
	drop_set_aside
}

# The same, but idkit's mark is gone.
test_what_is_dropped_is_marked_still() {
	local first second
	hold_drops
	sql postgres "COMMENT ON DATABASE \"$second\" IS 'to be kept for good'"
	let_drops_go
	expect_match "\"$second\", set aside 2020-01-01T00:00:00.000000Z, could not be dropped: it has lost idkit's mark meanwhile, and is kept\$" messages
	expect_match "^$second\$" "$(set_aside)"
	wait
	drop_set_aside
}

# What an interrupted DROP DATABASE has left can't be gone back to, but dropped.
test_what_is_half_dropped() {
	local aside
	old_and_new
	expect_status 0 idrestore --swap -d "$db_old" new.sql
	aside=$(set_aside)
	sql postgres "UPDATE pg_database SET datconnlimit = -2 WHERE datname = '$aside'"
	expect_status 4 idrestore --swap-back -d "$db_old"
	expect_match "there is nothing to go back to: a DROP DATABASE \"$aside\" was interrupted, and the server lets nobody use what is left\$" "$err"
	expect_status 0 idrestore --swap-back --list -d "$db_old"
	expect_equal "$(cat "$out")" ''
	expect_marker "$db_old" 2
	expect_status 0 idrestore --swap --keep-old 0 -d "$db_old" old.sql
	expect_equal "$(set_aside)" ''
	expect_marker "$db_old" 1
}

test_swap_back_takes_the_newest() {
	old_and_new
	expect_status 0 idrestore --swap -d "$db_old" new.sql
	sql "$db_old" 'UPDATE marker SET v = 3'
	expect_status 0 idrestore --swap -d "$db_old" new.sql
	sql "$db_old" 'UPDATE marker SET v = 4'
	expect_equal "$(set_aside | wc -l)" 2
	expect_status 0 idrestore --swap-back -d "$db_old"
	expect_marker "$db_old" 3
	expect_status 0 idrestore --swap-back -d "$db_old"
	expect_marker "$db_old" 4
	# The name is missing: somebody has dropped the database.
	sql postgres "DROP DATABASE \"$db_old\""
	expect_status 0 idrestore --swap-back -d "$db_old"
	expect_marker "$db_old" 3
	expect_equal "$(set_aside | wc -l)" 1
	drop_set_aside
}

# ---- failures ------------------------------------------------------------------------------------

test_a_damaged_stream_changes_nothing() {
	old_and_new
	properties "$db_old" >before
	begin_swap --swap
	end_swap cut
	expect_equal "$status" 3
	sed 's/^2$/3/' new.sql >damaged.sql
	expect_status 3 idrestore --replace --force -d "$db_old" damaged.sql
	{ pg_dump "$db_new" | sed 's/^-- PostgreSQL database dump complete/SELECT nonsense;\n&/'; } >bad.sql
	expect_status 4 idrestore --swap -d "$db_old" bad.sql
	expect_marker "$db_old" 1
	properties "$db_old" >after
	expect_same before after
	expect_equal "$(scratch_databases)" ''
}

test_ended_by_signals() {
	old_and_new
	for signal in INT:130 TERM:143; do
		begin_swap --swap
		kill "-${signal%:*}" "$pid"
		end_swap cut
		expect_equal "$status" "${signal#*:}"
		expect_marker "$db_old" 1
		expect_equal "$(scratch_databases)" ''
	done
	begin_swap --swap
	kill -KILL "$pid"
	end_swap cut
	expect_equal "$status" 137
	expect_marker "$db_old" 1
	eventually 10 nobody_restores
	expect_status 0 idrestore --swap -d "$db_old" new.sql
	expect_match 'was left by an idrestore that was killed' "$err"
	sql postgres "DROP DATABASE \"$(scratch_databases | grep scratch)\""
	drop_set_aside
}

# In the middle of a transaction on the connection that is to drop the scratch database.
test_ended_by_signals_in_a_transaction() {
	local locker scratch
	old_and_new
	# While it is found out what the new database can be given.
	psql -XAtq -d postgres -c 'BEGIN; LOCK pg_shdescription; SELECT pg_sleep(100)' >/dev/null 2>&1 &
	locker=$!
	eventually 10 is_locked
	start idrestore --swap -d "$db_old" new.sql 2>messages
	eventually 20 is_in postgres shobj_description
	kill -INT "$pid"
	eventually 10 is_not_in postgres shobj_description
	sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^BEGIN; LOCK'" >/dev/null
	wait "$locker" || true
	expect_interrupted
	# While it is renamed, and somebody is there.
	begin_swap --swap
	eventually 10 all_is_read
	scratch=$(scratch_databases)
	sit_in "$scratch"
	tail -c 1 new.sql >&7
	exec 7>&-
	eventually 10 is_in postgres "ALTER DATABASE $scratch RENAME"
	kill -INT "$pid"
	expect_interrupted
	rm pipe
	wait
}

is_locked() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^BEGIN; LOCK' AND wait_event = 'PgSleep'")" = 1 ]
}

is_not_in() {
	! is_in "$@"
}

expect_interrupted() {
	status=0
	wait "$pid" || status=$?
	expect_equal "$status" 130
	expect_match 'interrupted by SIGINT$' messages
	expect_no_match 'could not be dropped' messages
	expect_equal "$(scratch_databases)" ''
	expect_marker "$db_old" 1
}

# What is to drop the scratch database needs a new connection, though a signal has come.
test_ended_by_a_signal_without_a_connection() {
	old_and_new
	begin_swap --swap
	eventually 10 all_is_read
	sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name = 'idrestore' AND datname = 'postgres'" >/dev/null
	kill -INT "$pid"
	expect_interrupted
	exec 7>&-
}

nobody_restores() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'idrestore'")" = 0 ]
}

test_connections_that_break_while_idle() {
	old_and_new
	begin_swap --swap
	sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name = 'idrestore' AND datname = 'postgres'" >/dev/null
	end_swap
	expect_equal "$status" 0
	expect_marker "$db_old" 2
	drop_set_aside
}

# Whatever the moment: the name is there, and it is the old database or the new one.
test_kill_9_at_any_moment() {
	local i before
	old_and_new
	expect_status 0 idrestore --swap -d "$db_old" new.sql
	for i in {1..25}; do
		timeout -s KILL "0.0$((RANDOM % 4))$((RANDOM % 10))" idrestore --swap-back -q -d "$db_old" || true
		expect_match '^[12]$' "$(marker "$db_old")"
		eventually 10 nobody_restores
		expect_equal "$(set_aside | wc -l)" 1
		expect_equal "$(scratch_databases)" "$(set_aside)"
		before=$(marker "$db_old")
		expect_status 0 idrestore --swap-back -q -d "$db_old"
		expect_equal "$(marker "$db_old")" $((3 - before))
	done
	drop_set_aside
}

# Its sessions are ended again and again: done and said so, or not done and said so.
test_connections_that_break_at_any_moment() {
	local i before status killer
	old_and_new
	expect_status 0 idrestore --swap -d "$db_old" new.sql
	while [ ! -e stop ]; do
		sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'idrestore'"
		sleep "0.0$((RANDOM % 3))"
	done >/dev/null 2>&1 &
	killer=$!
	for i in {1..25}; do
		before=$(marker "$db_old")
		status=0
		idrestore --swap-back -q -d "$db_old" 2>"messages$i" || status=$?
		case $status in
		0) expect_marker "$db_old" $((3 - before)) ;;
		4) expect_marker "$db_old" "$before" ;;
		*) fail "status $status: $(cat "messages$i")" ;;
		esac
		expect_equal "$(scratch_databases | wc -l)" 1
	done
	: >stop
	wait "$killer"
	drop_set_aside
}

# ---- connections lost in the COMMIT --------------------------------------------------------------

# Everything in the folder proxy goes through swap_proxy.c, in MODE.  Sets $proxy.
begin_proxy() {
	[ -e lossy ] || "${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -O1 -o lossy "$E2E_DIR/swap_proxy.c"
	mkdir -p proxy
	mkfifo proxy/end
	./lossy "proxy/.s.PGSQL.$PGPORT" "$PGHOST/.s.PGSQL.$PGPORT" "$1" <proxy/end &
	proxy=$!
	exec 8>proxy/end
	eventually 10 test -S "proxy/.s.PGSQL.$PGPORT"
}

end_proxy() {
	exec 8>&-
	wait "$proxy"
	rm -r proxy
}

oid_of() {
	sql postgres "SELECT oid FROM pg_database WHERE datname = '$1'"
}

test_a_commit_whose_answer_is_lost() {
	old_and_new
	# It took place.
	begin_proxy answer
	PGHOST=$T/proxy expect_status 0 idrestore -v --swap -d "$db_old" new.sql
	expect_match "note: database \"$db_old\" is the restored one; the one before is kept as \"$(set_aside)\"\$" "$err"
	expect_marker "$db_old" 2
	expect_marker "$(set_aside)" 1
	end_proxy
	begin_proxy answer
	PGHOST=$T/proxy expect_status 0 idrestore --swap-back -d "$db_old"
	expect_marker "$db_old" 1
	end_proxy
	# It did not: again, and then it does.
	begin_proxy request
	PGHOST=$T/proxy expect_status 0 idrestore -v --swap-back -d "$db_old"
	expect_match 'renamed in [0-9.]+ ms, at attempt 2$' "$err"
	expect_marker "$db_old" 2
	end_proxy
	# A new database.
	dbname made
	begin_proxy answer
	PGHOST=$T/proxy expect_status 0 idrestore --create -d "$db_made" new.sql
	expect_marker "$db_made" 2
	end_proxy
	drop_set_aside
}

# begin_waiting_commit: a swap-back whose COMMIT waits for a standby in the server, and whose connection
# is lost.  Sets $pid.
begin_waiting_commit() {
	begin_proxy sent
	sql postgres "ALTER SYSTEM SET synchronous_standby_names = 'nobody'"
	sql postgres 'SELECT pg_reload_conf()' >/dev/null
	PGHOST=$T/proxy PGOPTIONS='-c synchronous_commit=on' start idrestore --swap-back -d "$db_old" 2>messages 8>&-
	eventually 10 commit_waits
	eventually 10 is_asking
}

let_commit() {
	sql postgres 'ALTER SYSTEM RESET synchronous_standby_names'
	sql postgres 'SELECT pg_reload_conf()' >/dev/null
}

end_waiting_commit() {
	status=0
	wait "$pid" || status=$?
}

# The server goes on with it for a while: what it says then counts.
test_a_commit_that_goes_on_without_us() {
	local oid aside
	old_and_new
	expect_status 0 idrestore --swap -d "$db_old" new.sql
	begin_waiting_commit
	let_commit
	end_waiting_commit
	expect_equal "$status" 0
	expect_match "note: database \"$db_old\" is the one again that was set aside 20" messages
	expect_marker "$db_old" 1
	expect_equal "$(set_aside | wc -l)" 1
	end_proxy
	# It takes too long.
	aside=$(set_aside)
	oid=$(oid_of "$aside")
	begin_waiting_commit
	end_waiting_commit
	let_commit
	expect_equal "$status" 4
	expect_match "error: it is not known whether database \"$db_old\" was swapped back: " messages
	expect_match "^DETAIL:  Afterwards: the server's process [0-9]+, whose connection was lost, has not ended yet\$" messages
	expect_match "^HINT: .* SELECT datname FROM pg_catalog.pg_database WHERE oid = $oid; says \"$db_old\" when it did, and \"$aside\" when nothing has changed\.\$" messages
	expect_marker "$db_old" 2
	expect_equal "$(oid_of "$db_old")" "$oid"
	end_proxy
	drop_set_aside
}

commit_waits() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'idrestore' AND query = 'COMMIT' AND wait_event = 'SyncRep'")" = 1 ]
}

is_asking() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'idrestore' AND query ~ 'pg_stat_activity WHERE pid'")" = 1 ]
}

# Nobody can be asked: the error says how to, by OID, and nothing is dropped.
test_a_commit_of_unknown_outcome() {
	local scratch oid
	old_and_new
	begin_proxy gone
	PGHOST=$T/proxy begin_swap --swap 8>&-
	scratch=$(scratch_databases)
	oid=$(oid_of "$scratch")
	tail -c 1 new.sql >&7
	exec 7>&-
	eventually 20 proxy_is_gone
	kill -INT "$pid"
	status=0
	wait "$pid" || status=$?
	expect_equal "$status" 130
	expect_match "it is not known whether the restored database is named \"$db_old\" now: interrupted by SIGINT\$" messages
	expect_match "^HINT: .* SELECT datname FROM pg_catalog.pg_database WHERE oid = $oid; says \"$db_old\" when it did, and \"$scratch\" when nothing has changed\.  The restored database is complete, and kept in both cases\.\$" messages
	expect_no_match 'ALTER DATABASE|swap-back' messages
	expect_equal "$(oid_of "$db_old")" "$oid"
	expect_marker "$db_old" 2
	expect_marker "$(set_aside)" 1
	rm pipe
	end_proxy
	drop_set_aside
}

proxy_is_gone() {
	! PGHOST=$T/proxy sql postgres 'SELECT 1'
}

# It could not be swapped, and the connection is lost when it is set aside to be swapped later.
test_a_postponed_swap_whose_answer_is_lost() {
	local mode aside
	old_and_new
	for mode in answer request gone; do
		begin_proxy "$mode"
		PGHOST=$T/proxy begin_swap --swap 8>&-
		aside=$(scratch_databases)
		sit_in "$db_old" 8>&-
		tail -c 1 new.sql >&7
		exec 7>&-
		if [ "$mode" = gone ]; then
			eventually 20 proxy_is_gone
			kill -INT "$pid"
		fi
		status=0
		wait "$pid" || status=$?
		rm pipe
		expect_equal "$status" 4
		expect_match "could not be named \"$db_old\": database \"$db_old\" is in use" messages
		if [ "$mode" = request ]; then
			expect_match "^HINT:  It is complete, and kept as \"$aside\"; when nobody is connected to it and the old one is renamed: ALTER DATABASE $aside RENAME TO $db_old;\$" messages
			expect_equal "$(set_aside)" ''
			sql postgres "DROP DATABASE \"$aside\""
		else
			expect_match "^HINT:  The restored database is complete, and kept as \"$(set_aside)\"; .*: idrestore --swap-back --force -d $db_old\$" messages
			drop_set_aside
		fi
		[ "$mode" != gone ] ||
			expect_match "should it still be called \"$aside\", rename it to \"$db_old\"" messages
		kill "$session"
		wait "$session" || true
		sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sitter'" >/dev/null
		expect_marker "$db_old" 1
		end_proxy
	done
}

# The postmaster restarts all when a backend is killed.
test_a_server_that_restarts() {
	old_and_new
	begin_swap --swap
	eventually 10 all_is_read
	worker=$(sql postgres "SELECT pid FROM pg_stat_activity WHERE application_name = 'idrestore' AND datname LIKE 'idkit\_scratch%'")
	kill -KILL "$(sql postgres "SELECT pid FROM pg_stat_activity WHERE application_name = 'idrestore' AND datname = 'postgres'")"
	eventually 10 has_ended "$worker"
	end_swap
	expect_equal "$status" 4
	eventually 30 sql postgres 'SELECT 1'
	expect_marker "$db_old" 1
	expect_equal "$(scratch_databases)" ''
	# While nothing but the swap is left to do.
	expect_status 0 idrestore --swap -d "$db_old" new.sql
	sit_in "$db_old"
	start idrestore --swap-back -d "$db_old" 2>messages
	sleep 0.5
	kill -KILL "$(sql postgres "SELECT pid FROM pg_stat_activity WHERE application_name = 'sitter'")"
	status=0
	wait "$pid" || status=$?
	eventually 30 sql postgres 'SELECT 1'
	case $status in
	0) expect_marker "$db_old" 1 ;;
	4) expect_marker "$db_old" 2 ;;
	*) fail "status $status" ;;
	esac
	wait
	drop_set_aside
}

# ---- under load ----------------------------------------------------------------------------------

# swaps_under_load N OPTION…
swaps_under_load() {
	local count=$1 i clients=()
	shift
	# shellcheck disable=SC2046
	"${CC:-cc}" -O1 -o client "$E2E_DIR/swap_client.c" $(pkg-config --cflags --libs libpq)
	for i in 1 2 3 4; do
		./client "$db_old" "$T/stop" >"client$i" 2>/dev/null &
		clients+=($!)
	done
	sleep 0.3
	: >log
	for ((i = 0; i < count; i++)); do
		if ((i % 10 == 0)); then
			idrestore -v --swap --keep-old 0 "$@" -d "$db_old" $((i % 20 == 0 ? 1 : 2)).sql 2>>log || fail "$(tail -n 3 log)"
			idrestore -v --swap "$@" -d "$db_old" $((i % 20 == 0 ? 2 : 1)).sql 2>>log || fail "$(tail -n 3 log)"
		fi
		idrestore -v --swap-back "$@" -d "$db_old" 2>>log || fail "$(tail -n 3 log)"
	done
	: >stop
	for i in "${clients[@]}"; do
		wait "$i" || fail "a client saw what it should not: $(cat client?)"
	done
	cat client?
	sed -n 's/.*renamed in \([0-9.]*\) ms/\1/p' log | sort -g |
		awk -v what="$*" '{ v[NR] = $1 } END { printf "%d swaps %s: renamed in %s ms (median), %s ms (most)\n", NR, what, v[int((NR + 1) / 2)], v[NR] }'
}

# Each client is refused at most once a swap, and sees the one database or the other.
expect_good_clients() {
	local swaps
	swaps=$(grep -c 'renamed in' log)
	[ "$(cat client? | wc -l)" = 4 ] || fail 'a client has said nothing'
	awk -v swaps="$swaps" '$1 != "ok" || $2 < 5 || $4 > swaps || $8 != 0 { bad = 1 } END { exit bad }' client? ||
		fail "$(cat client?)"
}

test_clients_that_connect_all_the_while() {
	old_and_new
	cp old.sql 1.sql
	cp new.sql 2.sql
	swaps_under_load "${SWAPS:-5}" --force
	expect_good_clients
	rm stop
	# Those that go by themselves are waited for; nobody is ended.
	swaps_under_load "${SWAPS:-5}"
	expect_good_clients
	expect_equal "$(awk '{ n += $6 } END { print n }' client?)" 0
	drop_set_aside
}
