# idrestore --create: a database of its own, with the right name, encoding and settings.

. "$E2E_DIR/restore.sh"

# Name, encoding, collation, character type, provider, locale.
properties() {
	sql postgres "SELECT pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider, daticulocale
		FROM pg_database WHERE datname = '$1'"
}

test_a_name_that_is_taken() {
	small source
	newdb taken
	iddump "$db_source" >stream.sql
	expect_status 4 idrestore --create -d "$db_taken" stream.sql
	expect_match "database \"$db_taken\" exists already: nothing was restored" "$err"
	expect_empty "$db_taken"
	expect_equal "$(scratch_databases)" ''
}

test_names_of_every_kind() {
	local name long wide
	small source
	iddump "$db_source" >stream.sql
	long=$(printf '%s_%063d' "$prefix" 0 | head -c 63)
	wide=${prefix}_$(printf 'ü%.0s' $(seq $(((62 - ${#prefix}) / 2)))) # 62 or 63 bytes
	for name in "$long" "${prefix}_With \"Quotes\" and 'more'; --" "${prefix}_UPPER Case" "${prefix}_größe_数据库" \
		"$wide" "${prefix}_a/b\\c%20"; do
		expect_status 0 idrestore --create -d "$name" stream.sql
		expect_equal_dbs "$db_source" "$name"
		expect_equal "$(scratch_databases)" ''
	done
	expect_status 2 idrestore --create -d "${long}x" stream.sql
	expect_match 'longer than 63 bytes' "$err"
}

test_uris_and_conninfo_strings() {
	small source
	iddump "$db_source" >stream.sql
	expect_status 0 idrestore --create -d "postgresql:///${prefix}_by_uri?host=$PGHOST&port=$PGPORT&user=postgres" stream.sql
	expect_equal_dbs "$db_source" "${prefix}_by_uri"
	expect_status 0 env -u PGHOST -u PGPORT idrestore --create -d "host=$PGHOST port=$PGPORT dbname='${prefix}_by conninfo'" stream.sql
	expect_equal_dbs "$db_source" "${prefix}_by conninfo"
	expect_status 0 idverify "postgresql:///$db_source" "dbname='${prefix}_by conninfo' host=$PGHOST"
	newdb empty
	expect_status 0 idrestore -h "$PGHOST" -p "$PGPORT" -U postgres -d "dbname=$db_empty" stream.sql
	expect_equal_dbs "$db_source" "$db_empty"
	expect_status 4 idrestore --create -d "host=/nowhere dbname=x" stream.sql
	expect_match 'nowhere' "$err"
}

# pg_dump -C restored under another name in the same cluster.
test_settings_of_the_database_come_along() {
	local dump
	small source
	newrole user
	newrole owner
	sql postgres "ALTER DATABASE \"$db_source\" SET work_mem = '7MB'; ALTER DATABASE \"$db_source\" SET search_path = 'a b', public;
		ALTER ROLE \"$role_user\" IN DATABASE \"$db_source\" SET statement_timeout = '9s';
		COMMENT ON DATABASE \"$db_source\" IS 'it''s; mine'; REVOKE CONNECT ON DATABASE \"$db_source\" FROM PUBLIC;
		GRANT CREATE ON DATABASE \"$db_source\" TO \"$role_user\"; ALTER DATABASE \"$db_source\" CONNECTION LIMIT 17;
		ALTER DATABASE \"$db_source\" OWNER TO \"$role_owner\""
	pg_dump -C "$db_source" >pg_dump.sql
	pg_dump --clean -C "$db_source" >pg_dump.clean
	iddump -C "$db_source" >iddump.sql
	database_of "$db_source" >before
	for dump in pg_dump.sql iddump.sql pg_dump.clean; do
		# The original is not touched, nor what has its name now.
		sql postgres "ALTER DATABASE \"$db_source\" SET work_mem = '8MB'; COMMENT ON DATABASE \"$db_source\" IS 'changed since'"
		expect_status 0 idrestore --create -d "${prefix}_$dump" "$dump"
		expect_equal "$(sql postgres "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '$db_source'")" 'changed since'
		expect_equal "$(sql "$db_source" 'SHOW work_mem')" 8MB
		sql postgres "ALTER DATABASE \"$db_source\" SET work_mem = '7MB'; COMMENT ON DATABASE \"$db_source\" IS 'it''s; mine'"
		database_of "${prefix}_$dump" >after
		expect_same before after
		expect_equal_dbs "$db_source" "${prefix}_$dump"
	done
	# Into a database that is there: only a note.
	newdb there
	expect_status 0 idrestore -d "$db_there" pg_dump.sql
	expect_match 'left out: ALTER DATABASE.*--create applies it' "$err"
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = '$db_there'")" 0
	expect_status 0 idrestore --create -O -x --no-comments -d "${prefix}_bare" pg_dump.sql
	expect_equal "$(sql postgres "SELECT pg_get_userbyid(datdba), datacl, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '${prefix}_bare'")" 'postgres||'
	sql postgres "REVOKE ALL ON DATABASE \"$db_source\" FROM \"$role_user\""
	drop_databases
}

database_of() {
	sql postgres "SELECT pg_get_userbyid(datdba), (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(datacl) a), datconnlimit, shobj_description(d.oid, 'pg_database'), pg_encoding_to_char(encoding), datcollate,
		(SELECT string_agg(setrole::regrole::text || setconfig::text, '; ' ORDER BY setrole) FROM pg_db_role_setting s WHERE s.setdatabase = d.oid)
		FROM pg_database d WHERE datname = '$1'"
}

copies_locale() {
	local make=$1
	"$make" "$db_source" >stream.sql
	dbname copy
	expect_status 0 idrestore --create -d "$db_copy" stream.sql
	expect_equal "$(properties "$db_copy")" "$(properties "$db_source")"
	expect_equal_dbs "$db_source" "$db_copy"
	sql postgres "DROP DATABASE \"$db_copy\""
}

test_encoding_and_locale_are_the_sources() {
	dbname source
	sql postgres "CREATE DATABASE \"$db_source\" TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'"
	PGCLIENTENCODING=UTF8 sql "$db_source" "CREATE TABLE t (v text); INSERT INTO t VALUES ('größe')"
	copies_locale iddump
	copies_locale 'pg_dump_c'
	drop_databases
	# Bytes that are no UTF-8.
	sql postgres "CREATE DATABASE \"$db_source\" TEMPLATE template0 ENCODING SQL_ASCII LOCALE 'C'"
	printf '\\encoding SQL_ASCII\nCREATE TABLE t (v text);\nINSERT INTO t VALUES (E'"'\\\\xff\\\\xfe\\\\x80 gr\\\\xf6\\\\xdfe'"');\n' | sql "$db_source"
	expect_equal "$(sql "$db_source" 'SELECT octet_length(v) FROM t')" 9
	copies_locale iddump
	copies_locale 'pg_dump_c'
	drop_databases
	sql postgres "CREATE DATABASE \"$db_source\" TEMPLATE template0 ENCODING UTF8 LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LOCALE 'C.UTF-8'"
	sql "$db_source" "CREATE TABLE t (v text PRIMARY KEY); INSERT INTO t VALUES ('größe'), ('Grosse')"
	copies_locale iddump
	copies_locale 'pg_dump_c'
}

pg_dump_c() {
	pg_dump -C "$1"
}

# Somebody makes a database of that name while we work.
test_a_name_that_is_taken_meanwhile() {
	small source
	iddump "$db_source" >stream.sql
	dbname copy
	slowly stream.sql 3000 | { start idrestore --create -d "$db_copy"; wait "$pid"; } 2>messages &
	restore=$!
	eventually 10 has_scratch
	sql postgres "CREATE DATABASE \"$db_copy\""
	: >go
	status=0
	wait "$restore" || status=$?
	expect_equal "$status" 4
	expect_match "could not be named \"$db_copy\"" messages
	expect_empty "$db_copy"
	expect_equal "$(scratch_databases)" ''
}

has_scratch() {
	[ -n "$(scratch_databases)" ]
}

test_a_setting_of_the_copy_may_not_stop_the_restore() {
	small source
	sql postgres "ALTER DATABASE \"$db_source\" SET default_transaction_read_only = on"
	pg_dump -C "$db_source" >stream.sql
	dbname copy
	expect_status 0 idrestore --create -d "$db_copy" stream.sql
	expect_equal_dbs "$db_source" "$db_copy"
}

test_verify_reads_back() {
	small source
	dbname copy
	iddump "$db_source" >stream.sql
	pg_dump "$db_source" >foreign.sql
	expect_status 0 idrestore --create --verify -d "$db_copy" stream.sql
	sql postgres "DROP DATABASE \"$db_copy\""
	# A trigger that comes along with the dump, and changes rows: seen only by reading back.
	sed 's/^COPY public\.person /CREATE FUNCTION public.spoil() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.name := lower(NEW.name) || 1; RETURN NEW; END$$;\nCREATE TRIGGER spoil BEFORE INSERT ON public.person FOR EACH ROW EXECUTE FUNCTION public.spoil();\n&/' \
		foreign.sql >spoiling.sql
	expect_status 0 idrestore --create -d "$db_copy" spoiling.sql
	expect_different "$db_source" "$db_copy"
	sql postgres "DROP DATABASE \"$db_copy\""
	expect_status 4 idrestore --create --verify -d "$db_copy" spoiling.sql
	expect_match 'does not hold what was restored.*public\.person' "$err"
	expect_no_database "$db_copy"
	newdb copy
	expect_status 4 idrestore --verify -d "$db_copy" spoiling.sql
	expect_empty "$db_copy"
}
