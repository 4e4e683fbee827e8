# All that plain streams hold, for archives: with 1, 2 and 8 jobs, from a file and from a pipe.
#
#     what holds                                     where, for archives
#     real databases go round, equal, the same dump  test_real_databases_go_round; test_dump_jobs.sh
#     psql restores it                               test_real_databases_go_round; test_archive.sh
#     idfilter without rules changes nothing         test_real_databases_go_round
#     the recipe strips statements, never a row      test_the_recipe_keeps_all_rows
#     cut or damaged: nothing committed, status 3    test_cut_or_damaged_archives_leave_nothing; each bit and
#                                                    block in tests/unit/stream/test_archive_damage.c
#     ended by signals: nothing left, or named       test_ended_by_signals, test_killed; test_dump_jobs.sh
#     no rights, row-level security: refused         test_what_may_not_be_read_is_an_error
#     values, objects, large objects, and settings   test_types_…, test_objects_in_hostile_environments
#     that mean ill
#     the copy is one moment                         test_the_copy_is_one_moment
#     idverify: equal, different, damaged            test_idverify_says_so; test_verify_jobs.sh
#     a target that is not empty, or taken           test_a_second_restore_is_refused
#     a failing statement or row is named            test_a_failure_names_the_member_and_its_line; test_restore_jobs.sh
#     owners, rights, roles can be left out          test_owners_and_rights_can_be_left_out
#     lists, disk full, a reader that goes away      test_archive.sh
#     memory                                         test_large_rows_take_turns; test_dump_jobs.sh,
#                                                    test_verify_jobs.sh, test_memory.sh

. "$E2E_DIR/restore.sh"

# matrix COMMAND…: for each number of jobs and each way, set in $jobs and $way.
matrix() {
	for jobs in 1 2 8; do
		for way in file pipe; do
			"$@"
		done
	done
}

other_way() {
	[ "$1" = file ] && echo pipe || echo file
}

# zigzag WAY COMMAND…: half of it, beginning that way, for what takes long.
zigzag() {
	way=$1
	shift
	for jobs in 1 2 8; do
		"$@"
		way=$(other_way "$way")
	done
}

# gets FILE COMMAND…: the command gets the archive the present way, where @ stands.
gets() {
	local file=$1 source=$1
	shift
	if [ "$way" = file ]; then
		"${@/#@/$file}"
	else
		cat "$source" | "${@/#@/-}"
	fi
}

# dumps FILE [ARGUMENT…]: iddump's archive, the present way.
dumps() {
	local file=$1
	shift
	if [ "$way" = file ]; then
		iddump -F archive -j "$jobs" -o "$file" "$@"
	else
		iddump -F archive -j "$jobs" "$@" | cat >"$file"
	fi
}

# restores FILE [ARGUMENT…]: into the new database $db_copy.
restores() {
	local file=$1
	shift
	gets "$file" idrestore --create -j "$jobs" -d "$db_copy" "$@" @
}

drop_copy() {
	sql postgres "DROP DATABASE IF EXISTS \"$db_copy\""
}

# ---- real databases ----

# A plain dump without what differs from run to run; rows come in any order.
dump_of() {
	iddump -o dump.sql "$1"
	normal dump.sql | grep -av '^-- idkit-trailer' | sort
	rm dump.sql
}

goes_round() {
	expect_status 0 dumps k.idar "$db_source"
	expect_equal "$(cat "$err")" ''
	expect_status 0 gets k.idar idfilter @
	expect_same "$out" k.idar
	expect_status 0 restores k.idar
	expect_equal "$(cat "$err")" ''
	expect_equal_dbs "$db_source" "$db_copy"
	if [ "$jobs" = 8 ]; then
		dump_of "$db_copy" >dump.got
		expect_same dump.want dump.got
	fi
	drop_copy
}

every_way() {
	dbname copy
	dump_of "$db_source" >dump.want
	# Every other database takes the other ways.
	first_way=$(other_way "${first_way-pipe}")
	zigzag "$first_way" goes_round
	tar xOf k.idar --wildcards '*.sql.zst' | zstd -dcq >k.sql
	restore k.sql copy
	expect_equal_dbs "$db_source" "$db_copy"
}

test_real_databases_go_round() {
	each_corpus every_way
}

survives_the_recipe() {
	expect_status 0 dumps k.idar "$db_source"
	expect_status 0 gets k.idar idfilter -v "$recipe" -v 'CREATE INDEX idx_json_clusterobjects_state' -o less.idar @
	expect_status 0 restores less.idar
	expect_equal_dbs "$db_source" "$db_copy"
	expect_equal "$(sql "$db_copy" "SELECT count(*) FROM openidm.managedobjects WHERE objectid = 'weird-2'")" 1
	expect_equal "$(indexes_of "$db_copy")" "$(indexes_of "$db_source" | grep -vx idx_json_clusterobjects_state)"
	drop_copy
}

indexes_of() {
	sql "$1" "SELECT relname FROM pg_class WHERE relkind = 'i' AND relnamespace = 'openidm'::regnamespace ORDER BY 1"
}

test_the_recipe_keeps_all_rows() {
	load_corpus openidm
	dbname copy
	matrix survives_the_recipe
}

# ---- values and objects, where settings mean ill ----

in_hostile_environment() {
	expect_status 0 in_environment "$(declare -f dumps)" "dumps k.idar $db_source"
	expect_status 0 in_environment "$(declare -f gets restores)" 'restores k.idar --verify'
	expect_equal_dbs "$db_source" "$db_copy"
	contents "$db_copy" >contents.got
	expect_same contents.want contents.got
	definitions "$db_copy" >definitions.got
	expect_same definitions.want definitions.got
	drop_copy
}

in_environment() {
	env "${hostile[@]}" bash -o pipefail -c "$1; jobs=$jobs way=$way db_copy=$db_copy; $2"
}

hostile_database() {
	load source "$1"
	make_hostile "DATABASE \"$db_source\""
	contents "$db_source" >contents.want
	definitions "$db_source" >definitions.want
	dbname copy
}

test_types_in_hostile_environments() {
	hostile_database types.sql
	zigzag file in_hostile_environment
}

# Large objects are among them.
test_objects_in_hostile_environments() {
	hostile_database objects.sql
	zigzag pipe in_hostile_environment
}

# ---- one moment ----

# The three tables of each transaction agree, and the sequences are not behind.
is_one_moment() {
	local rows
	expect_status 0 dumps k.idar "$db_source"
	expect_status 0 gets k.idar idverify -j "$jobs" --format=json @
	rows=$(jq -c '[.tables[] | select(.name == "a" or .name == "b") | .contents.rows] | unique' "$out")
	expect_match '^\[[0-9]+\]$' "$rows"
	expect_status 0 restores k.idar
	expect_equal "$(sql "$db_copy" 'SELECT n FROM c')" "${rows//[][]/}"
	expect_equal "$(sql "$db_copy" "SELECT last_value >= (SELECT max(n) FROM a) FROM a_n_seq")" t
	drop_copy
}

test_the_copy_is_one_moment() {
	newdb source
	dbname copy
	sql "$db_source" 'CREATE TABLE a (n serial); CREATE TABLE b (n serial); CREATE TABLE c (n int); INSERT INTO c VALUES (0)'
	start bash -c "while true; do echo 'BEGIN; INSERT INTO a DEFAULT VALUES; UPDATE c SET n = n + 1; INSERT INTO b DEFAULT VALUES; COMMIT;'; done |
		psql -Xq -d $db_source"
	writes() { [ "$(sql "$db_source" 'SELECT n > 100 FROM c')" = t ]; }
	eventually 10 writes
	matrix is_one_moment
	kill "$pid"
}

# ---- what is refused ----

may_not_be_read() {
	expect_status 4 dumps shut.idar -U "$role_reader" "$db_source"
	expect_match "$refusal" "$err"
	# To a pipe something was written perhaps; it passes for nothing.
	[ "$way" = pipe ] || [ ! -e shut.idar ] || fail 'there is an archive'
	[ "$way" = file ] || expect_status 3 idverify shut.idar
	rm -f shut.idar
}

test_what_may_not_be_read_is_an_error() {
	local refusal='row-level security may hide rows of 1 table .* public\.hidden$'
	newdb source
	newrole reader LOGIN
	sql "$db_source" "CREATE TABLE hidden (a int); CREATE TABLE seen (a int); CREATE POLICY p ON hidden USING (true);
		ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; GRANT SELECT ON hidden, seen TO \"$role_reader\""
	matrix may_not_be_read
	sql "$db_source" "ALTER TABLE hidden DISABLE ROW LEVEL SECURITY; REVOKE SELECT ON seen FROM \"$role_reader\""
	refusal='may not read 1 table of .*: public\.seen$'
	matrix may_not_be_read
	sql "$db_source" "REVOKE ALL ON hidden FROM \"$role_reader\""
}

leaves_nothing() {
	expect_status 3 restores broken.idar
	expect_match 'member|k\.idar|broken\.idar|standard input' "$err"
	expect_no_database "$db_copy"
}

test_cut_or_damaged_archives_leave_nothing() {
	local size at
	small source
	dbname copy
	iddump -o k.idar "$db_source"
	size=$(stat -c %s k.idar)
	for at in 3 40 70 99; do
		head -c $((size * at / 100)) k.idar >broken.idar
		matrix leaves_nothing
	done
	# A byte of a frame of rows, of statements, and of the manifest.
	for at in 2-data/000003 3-post-data manifest; do
		cp k.idar broken.idar
		printf 'damage' | dd of=broken.idar bs=1 seek=$(($(grep -abo "$at" k.idar | head -n 1 | cut -d: -f1) + 560)) conv=notrunc status=none
		matrix leaves_nothing
	done
	matrix restored
}

restored() {
	expect_status 0 restores k.idar
	expect_equal_dbs "$db_source" "$db_copy"
	drop_copy
}

is_refused_again() {
	expect_status 0 restores k.idar
	expect_status 4 restores k.idar
	expect_match "database \"$db_copy\" exists already" "$err"
	expect_equal_dbs "$db_source" "$db_copy"
	# One that is there has one connection; it must be empty.
	if [ "$jobs" = 1 ]; then
		expect_status 4 gets k.idar idrestore -d "$db_copy" @
		expect_match "database \"$db_copy\" is not empty" "$err"
		expect_match 'person' "$err"
		expect_status 0 gets k.idar idrestore --clean -d "$db_copy" @
	else
		expect_status 2 gets k.idar idrestore -j "$jobs" -d "$db_copy" @
	fi
	expect_equal_dbs "$db_source" "$db_copy"
	expect_equal "$(scratch_databases)" ''
	drop_copy
}

test_a_second_restore_is_refused() {
	small source
	dbname copy
	iddump -o k.idar "$db_source"
	matrix is_refused_again
}

names_the_statement() {
	expect_status 4 restores less.idar
	expect_match "member 1-pre-data/000001\.sql\.zst:$line: statement [0-9]+ failed: type \"public\.mood\" does not exist \(SQLSTATE 42704\)" "$err"
	expect_match '^STATEMENT:  CREATE TABLE public\.person \($' "$err"
	expect_no_database "$db_copy"
	expect_status 4 restores row.idar
	expect_match "member 2-data/000002\.sql\.zst:$row: this row was refused by table public\.checked: .* \(SQLSTATE 23514\)" "$err"
	expect_no_database "$db_copy"
}

# Lines are counted in the member.
test_a_failure_names_the_member_and_its_line() {
	local line row
	small source
	newdb other
	dbname copy
	iddump -o k.idar "$db_source"
	idfilter -q -v 'CREATE TYPE' -v 'ALTER TYPE' -o less.idar k.idar
	line=$(tar xOf less.idar 1-pre-data/000001.sql.zst | zstd -dcq | grep -n 'mood public\.mood' | cut -d: -f1)
	sql "$db_other" "CREATE FUNCTION fits(i int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
		CREATE TABLE checked (id int CHECK (fits(id))); INSERT INTO checked SELECT generate_series(1, 200);
		CREATE OR REPLACE FUNCTION fits(i int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT i <> 150'"
	iddump -o row.idar "$db_other"
	row=$(tar xOf row.idar 2-data/000002.sql.zst | zstd -dcq | grep -n '^150$' | cut -d: -f1)
	matrix names_the_statement
}

without_owners() {
	expect_status 0 restores k.idar --no-owner --no-acl --no-comments
	expect_equal "$(sql "$db_copy" "SELECT pg_get_userbyid(relowner), relacl, obj_description(oid) FROM pg_class WHERE relname = 'person'")" 'postgres||'
	expect_equal_dbs "$db_source" "$db_copy"
	drop_copy
	expect_status 0 restores k.idar --role "$role_owner"
	expect_equal "$(sql "$db_copy" "SELECT pg_get_userbyid(relowner), obj_description(oid) FROM pg_class WHERE relname = 'person'")" "$role_owner|people"
	expect_match "$role_reader=r" "$(sql "$db_copy" "SELECT relacl FROM pg_class WHERE relname = 'person'")"
	drop_copy
}

test_owners_and_rights_can_be_left_out() {
	small source
	newrole owner SUPERUSER
	newrole reader
	dbname copy
	sql "$db_source" "ALTER TABLE person OWNER TO \"$role_owner\"; GRANT SELECT ON person TO \"$role_reader\";
		COMMENT ON TABLE person IS 'people'"
	iddump -o k.idar "$db_source"
	matrix without_owners
	sql "$db_source" "REASSIGN OWNED BY \"$role_owner\" TO postgres; DROP OWNED BY \"$role_reader\""
}

# ---- idverify ----

says_so() {
	expect_status 0 gets k.idar idverify -j "$jobs" @
	expect_status 0 gets k.idar idverify -j "$jobs" @ "$db_source"
	expect_match '^equal: 4 tables, 42 rows, 1 sequence$' "$out"
	expect_status 1 gets k.idar idverify -j "$jobs" "db:$db_other" @
	expect_match '^table public\.note: 20 rows in both, but not the same ones$' "$out"
	expect_match '^DIFFERENT: 1 ' "$out"
	expect_status 3 gets cut.idar idverify -j "$jobs" @ "$db_source"
	expect_match 'truncated' "$err"
	expect_equal "$(cat "$out")" ''
}

test_idverify_says_so() {
	small source
	small other
	sql "$db_other" "UPDATE note SET body = 'other' WHERE id = 7"
	iddump -o k.idar "$db_source"
	head -c -1024 k.idar >cut.idar
	matrix says_so
}

# ---- ended ----

big_archive() {
	small source
	sql "$db_source" "CREATE TABLE rows AS SELECT i AS a, md5(i::text) AS v FROM generate_series(1, 300000) i"
	iddump --chunk-size 64k -o k.idar "$db_source"
}

# Somebody holds what the restore wants: it stands still among its statements.
start_restore() {
	rm -f go
	if [ "$way" = file ]; then
		start idrestore --create -j "$jobs" -d "$db_copy" k.idar 2>messages
	else
		rm -f pipe
		mkfifo pipe
		slowly k.idar $(($(stat -c %s k.idar) / 2)) >pipe 2>/dev/null &
		feeder=$!
		start idrestore --create -j "$jobs" -d "$db_copy" pipe 2>messages
	fi
	eventually 20 is_in 'idkit%' "$1"
}

is_quiet() {
	[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'id%'")" = 0 ]
}

is_ended() {
	start_restore .
	kill -INT "$pid"
	ends_with 130
	eventually 10 is_quiet
	expect_no_database "$db_copy"
}

test_ended_by_signals() {
	big_archive
	dbname copy
	matrix is_ended
}

is_killed() {
	local left
	start_restore .
	kill -KILL "$pid"
	ends_with 137
	eventually 20 is_quiet
	left=$(scratch_databases)
	expect_match '^idkit' "$left"
	expect_equal "$(sql postgres "SELECT count(*) FROM pg_database WHERE datname = '$db_copy'")" 0
	expect_status 0 restores k.idar
	expect_match "$left" "$err"
	expect_equal_dbs "$db_source" "$db_copy"
	drop_copy
	sql postgres "DROP DATABASE \"$left\""
}

test_killed() {
	big_archive
	dbname copy
	jobs=2
	for way in file pipe; do
		is_killed
	done
}

# ---- memory ----

# Rows far beyond a chunk's size, each a small frame: one at a time, whatever the number of jobs.
test_large_rows_take_turns() {
	local i kib
	[ "${VARIANT:-release}" = release ] || skip 'sanitizers need memory of their own'
	cc -O2 -o measure "$ROOT/tests/bench/measure.c"
	newdb source
	dbname copy
	for i in 1 2 3 4 5 6; do
		sql "$db_source" "CREATE TABLE t$i AS SELECT repeat('$i', 36000000) AS v"
	done
	iddump -o k.idar "$db_source"
	for way in file pipe; do
		jobs=8
		expect_status 0 gets k.idar ./measure verify idverify -j 8 @
		expect_status 0 gets k.idar ./measure restore idrestore --create -j 8 -d "$db_copy" @
		expect_status 0 gets k.idar ./measure filter idfilter -j 8 -F plain -o k.sql @
		expect_status 0 gets k.sql ./measure pack idfilter -j 8 -o again.idar @
		expect_status 0 idverify again.idar k.idar
		for i in verify restore filter pack; do
			kib=$(awk '{ print $4 }' $i)
			printf '%s, %s: %s KiB\n' "$i" "$way" "$kib"
			[ "$kib" -lt 131072 ] || fail "$i from a $way took $kib KiB"
			rm $i
		done
		drop_copy
	done
}
