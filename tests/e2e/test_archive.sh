# Archives: what tar, sha256sum and psql make of them, what idfilter passes on, and what becomes of
# them when the disk is full or the reader goes away.

. "$E2E_DIR/dump.sh"

rows_pattern='COPY objects\.plain '

make_archive() {
	load source objects.sql
	expect_status 0 iddump -o k.idar "$db_source"
}

# The SHA-256 of the members of rows.
members_of_rows() {
	tar xOf "$1" manifest.json | grep '"table":' | grep '^{"name"' |
		sed 's/.*"sha256":"\([0-9a-f]*\)".*/\1/' | sort
}

test_tar_and_sha256sum_check_it() {
	make_archive
	mkdir x
	tar -C x -xf k.idar
	(cd x && sha256sum --quiet -c SHA256SUMS && sha256sum --quiet -c END) || fail 'sums'
	# All of it is covered, and nothing else is there.
	expect_equal "$(cd x && find . -type f | sort)" \
		"$(sed -e 's/^.\{64\}  /.\//' x/SHA256SUMS | cat - <(printf './END\n./SHA256SUMS\n') | sort)"
	expect_equal "$(tar tvf k.idar | awk '{ print $1, $2 }' | sort -u)" '-rw------- 0/0'
	expect_equal "$(stat -c %a k.idar)" 600
	zstd -tq x/*/*.zst
}

test_psql_restores_it() {
	make_archive
	newdb copy
	tar xOf k.idar --wildcards '*.sql.zst' | zstd -dcq |
		psql -Xq -1 -v ON_ERROR_STOP=1 -d "$db_copy" >/dev/null
	expect_status 0 idverify "$db_source" "$db_copy"
	expect_copy "$db_source" "$db_copy"
}

test_every_way_in_and_out_is_the_same() {
	make_archive
	expect_status 0 idverify k.idar
	expect_status 0 idverify "$db_source" k.idar
	expect_status 0 idfilter -F plain -o file.sql k.idar
	idfilter -F plain <k.idar >pipe.sql
	cat k.idar | idfilter -F plain >cat.sql
	expect_same file.sql pipe.sql
	expect_same file.sql cat.sql
	# Plain to archive and back again: only the roles are not in a script.
	expect_status 0 idfilter -o again.idar file.sql
	expect_equal "$(members_of_rows again.idar)" "$(members_of_rows k.idar)"
	expect_status 0 idfilter -o again.sql again.idar
	expect_same again.sql file.sql
	# Around it, as around anything.
	zstd -qc k.idar | idfilter -F plain | cmp - file.sql
	gzip -c k.idar >k.idar.gz
	expect_status 0 idverify k.idar.gz
	dd if=k.idar bs=1 count=4000 2>/dev/null >front
	{ cat front; tail -c +4001 k.idar; } | expect_status 0 idverify -
}

test_format_follows_the_input() {
	make_archive
	idfilter k.idar >same
	expect_same same k.idar
	idfilter -F plain k.idar >plain
	expect_equal "$(head -c 17 plain)" '-- idkit-header: '
	expect_status 0 idfilter -o k.sql k.idar
	expect_equal "$(head -c 17 k.sql)" '-- idkit-header: '
	expect_status 0 idfilter k.sql
	expect_same "$out" k.sql
}

test_restore_from_file_and_pipe() {
	make_archive
	newdb file
	newdb pipe
	expect_status 0 idrestore -d "$db_file" k.idar
	expect_copy "$db_source" "$db_file"
	cat k.idar | idrestore -q -d "$db_pipe"
	expect_copy "$db_source" "$db_pipe"
}

test_untouched_members_pass_as_they_are() {
	make_archive
	# Another level would give other bytes, if anything were compressed again.
	expect_status 0 idfilter -Z 1 --stats -v "$rows_pattern" -o less.idar k.idar
	expect_match '^idfilter: stripped: 1 statements, 200 rows$' "$err"
	expect_match '^idfilter: note: stripped COPY objects\.plain with its 200 rows$' "$err"
	comm -13 <(members_of_rows k.idar) <(members_of_rows less.idar) >new
	comm -23 <(members_of_rows k.idar) <(members_of_rows less.idar) >gone
	expect_equal "$(cat new)" ''
	expect_equal "$(wc -l <gone)" 1
	[ "$(members_of_rows less.idar | wc -l)" -gt 20 ] || fail 'hardly any members are left'
	expect_status 0 idverify less.idar
	expect_status 1 idverify "$db_source" less.idar
	expect_match 'objects\.plain' "$out"
	# From a pipe the same, byte for byte.
	cat k.idar | idfilter -q -Z 1 -v "$rows_pattern" >piped.idar
	expect_same piped.idar less.idar
	# What is dropped is read and checked all the same.
	cp k.idar bad.idar
	local at
	at=$(tar xOf k.idar manifest.json | grep '"table":"plain"' | sed 's/.*"offset":\([0-9]*\),.*/\1/')
	printf '\377' | dd of=bad.idar bs=1 seek=$((at + 100)) conv=notrunc 2>/dev/null
	expect_status 3 idfilter -v "$rows_pattern" -o no.idar bad.idar
	expect_match 'bad\.idar: member 2-data/[0-9]*\.sql\.zst.* is damaged' "$err"
	[ ! -e no.idar ] || fail 'a file is there'
}

# Without lines and numbers, the roles, which a script does not have, and how it ends.
objects_of() {
	sed -E -e '/ globals /d' -e 's/^([0-9]+; [0-9]+|; [0-9]+ statements,) //' -e 's/^([0-9]+ rows); ends with .*/\1/' "$1"
}

test_table_of_contents() {
	make_archive
	expect_status 0 idfilter --list k.idar
	sed 1,2d "$out" >file
	cat k.idar | idfilter --list | sed 1,2d >pipe
	expect_same file pipe
	expect_match ' data TABLE DATA objects plain [a-z_]+ \(200 rows, [0-9]+ bytes\)$' file
	expect_status 0 idrestore --list k.idar
	sed 1,2d "$out" >restore
	expect_same restore file
	# The same objects as the script has; lines are counted in each member.
	idfilter -F plain k.idar | idfilter --list | sed 1,2d >plain
	expect_equal "$(objects_of file)" "$(objects_of plain)"
}

# From a file the rows are not read, but for the COPY line of each table: not even damage is seen.
test_list_does_not_read_rows() {
	local member
	newdb source
	sql "$db_source" "CREATE TABLE noise AS SELECT md5(i::text) AS a FROM generate_series(1, 100000) i"
	expect_status 0 iddump -o k.idar "$db_source"
	member=$(tar xOf k.idar manifest.json | sed -n '/"table":"noise"/s/.*"offset":\([0-9]*\),"bytes":\([0-9]*\),.*/\1 \2/p')
	printf '\377' | dd of=k.idar bs=1 seek=$((${member% *} + ${member#* } - 1000)) conv=notrunc 2>/dev/null
	expect_status 0 idfilter --list k.idar
	expect_match 'TABLE DATA public noise postgres \(100000 rows, 3300000 bytes\)$' "$out"
	expect_status 3 idverify k.idar
	expect_match 'k\.idar: member 2-data/000002\.sql\.zst is damaged' "$err"
	cat k.idar | { expect_status 3 idverify -; }
	expect_match 'standard input: member 2-data/000002\.sql\.zst' "$err"
}

test_options_of_archives() {
	load source objects.sql
	expect_status 0 iddump -F archive -Z -5 --chunk-size 1k -o small "$db_source"
	expect_status 0 iddump -F archive -Z 9 --long -o large "$db_source"
	expect_status 0 idverify small
	expect_status 0 idverify "$db_source" large
	[ "$(tar tf small | wc -l)" -gt "$(tar tf large | wc -l)" ] || fail 'the size of chunks has no effect'
	[ "$(stat -c %s small)" -gt "$(stat -c %s large)" ] || fail 'the level has no effect'
	newdb copy
	tar xOf small --wildcards '*.sql.zst' | zstd -dcq |
		psql -Xq -1 -v ON_ERROR_STOP=1 -d "$db_copy" >/dev/null
	expect_copy "$db_source" "$db_copy"
	expect_status 0 idfilter -F plain -o small.sql small
	expect_status 0 idverify "$db_source" small.sql
	for wrong in '-F tar' '-F archive -Z 20' '-F archive -Z -8' '-F archive -Z x' \
		'-F archive --chunk-size 1023' '-F archive --chunk-size 33M' '-F archive --chunk-size -1' \
		'-F archive --chunk-size 99999999999999999999' '-F plain -Z 3' '-F plain --long'; do
		# shellcheck disable=SC2086
		expect_status 2 idfilter $wrong -o no.idar small
		# shellcheck disable=SC2086
		expect_status 2 iddump $wrong -o no.idar "$db_source"
	done
	[ ! -e no.idar ] || fail 'a file is there'
}

test_a_script_of_pg_dump_becomes_no_archive() {
	load source types.sql
	pg_dump "$db_source" >dump.sql
	expect_status 2 idfilter -o no.idar dump.sql
	expect_match 'only streams of iddump become archives' "$err"
	[ ! -e no.idar ] || fail 'a file is there'
}

test_no_archive_to_a_terminal() {
	make_archive
	command -v script >/dev/null || skip 'no program script'
	expect_status 2 script -qec "idfilter -F archive k.idar" /dev/null
	expect_match 'an archive is binary' "$out"
}

test_a_cut_or_damaged_archive_is_refused() {
	local size
	make_archive
	size=$(stat -c %s k.idar)
	newdb copy
	for cut in 512 5000 $((size / 2)) $((size - 3000)) $((size - 1024)) $((size - 512)) $((size - 1)); do
		head -c "$cut" k.idar >cut.idar
		expect_status 3 idverify cut.idar
		expect_match 'truncated' "$err"
		cat cut.idar | { expect_status 3 idrestore -d "$db_copy"; }
		expect_match 'truncated' "$err"
		expect_status 3 idrestore -d "$db_copy" cut.idar
		expect_status 3 idfilter -o no.idar cut.idar
	done
	[ ! -e no.idar ] || fail 'a file is there'
	expect_equal "$(sql "$db_copy" "SELECT count(*) FROM pg_class WHERE relnamespace <> 'pg_catalog'::regnamespace AND relkind = 'r' AND relnamespace::regnamespace::text !~ '^(pg_|information)'")" 0
}

# A small file system that fills up.
test_full_disk() {
	make_archive
	mkdir disk
	mount -t tmpfs -o size=64k tmpfs disk 2>/dev/null || skip 'no tmpfs can be mounted'
	local status=0
	(
		expect_status 5 idfilter -F archive -o disk/full.idar k.idar
		expect_match 'No space left on device' "$err"
		expect_status 5 iddump -o disk/full.idar "$db_source"
		expect_match 'No space left on device' "$err"
		expect_equal "$(ls -A disk)" ''
	) || status=$?
	umount disk
	[ "$status" = 0 ] || exit "$status"
}

# broken CALL AFTER COMMAND…: with a disk that fails so for files named *k.idar*.
broken() {
	LD_PRELOAD=$T/broken_disk.so BROKEN_NAME=k.idar BROKEN_CALL=$1 BROKEN_AFTER=$2 "${@:3}"
}

# EIO is what a disk says that dies: status 5, and no file under the name that was asked for.
test_a_disk_that_breaks() {
	local jobs call
	[ "${VARIANT:-release}" = release ] || skip 'sanitizers must be loaded first'
	cc -shared -fPIC -O2 -o broken_disk.so -D_GNU_SOURCE "$E2E_DIR/broken_disk.c" -ldl
	load source objects.sql
	dbname copy
	iddump -o whole.sql "$db_source"
	for jobs in 1 2 8; do
		for call in 'write 0' 'write 40000' 'fsync 0'; do
			# shellcheck disable=SC2086
			expect_status 5 broken $call iddump -j "$jobs" -o k.idar "$db_source"
			expect_match '^iddump: error: .*cannot .*k\.idar.*: Input/output error' "$err"
			# shellcheck disable=SC2086
			expect_status 5 broken $call idfilter -j "$jobs" -o k.idar whole.sql
			expect_match '^idfilter: error: cannot .*k\.idar.*: Input/output error' "$err"
			expect_equal "$(ls -A | grep idar || true)" ''
		done
	done
	iddump -o k.idar "$db_source"
	for jobs in 1 2 8; do
		for call in 'read 0' 'read 60000' 'read 150000'; do
			# shellcheck disable=SC2086
			expect_status 5 broken $call idrestore --create -j "$jobs" -d "$db_copy" k.idar
			expect_match 'k\.idar.*: Input/output error' "$err"
			expect_equal "$(sql postgres "SELECT count(*) FROM pg_database WHERE datname = '$db_copy'")" 0
			# shellcheck disable=SC2086
			expect_status 5 broken $call idverify -j "$jobs" k.idar "$db_source"
		done
	done
}

test_reader_that_goes_away() {
	local status
	make_archive
	# More than a pipe holds.
	sql "$db_source" "CREATE TABLE noise AS SELECT md5(i::text) AS a FROM generate_series(1, 200000) i"
	expect_status 0 iddump -o k.idar "$db_source"
	set +e
	idfilter -F archive k.idar 2>"$err" | head -c 1000 >/dev/null
	status=${PIPESTATUS[0]}
	set -e
	expect_equal "$status" 5
	expect_match 'Broken pipe|gone away' "$err"
	set +e
	iddump -F archive "$db_source" 2>"$err" | head -c 1000 >/dev/null
	status=${PIPESTATUS[0]}
	set -e
	expect_equal "$status" 5
}

test_real_databases() {
	local file name
	file=$(corpus .)
	for file in "$file"/*.sql.zst; do
		[ -r "$file" ] || skip 'no corpus'
		name=$(basename "$file" .sql.zst | tr -c 'a-z0-9\n' _)
		newdb "$name" "$file" 2>/dev/null || continue
		name=db_$name
		expect_status 0 iddump -o c.idar "${!name}"
		expect_status 0 idverify "${!name}" c.idar
		expect_status 0 idfilter -F plain -o c.sql c.idar
		expect_status 0 idfilter -o again.idar c.sql
		expect_equal "$(members_of_rows again.idar)" "$(members_of_rows c.idar)"
		rm -f c.idar c.sql again.idar
	done
}
