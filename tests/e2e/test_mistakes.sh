# What goes wrong at 3 a.m.: variables that are not set, descriptors that are closed, limits.

. "$E2E_DIR/restore.sh"

test_variable_that_is_not_set() {
	small source
	iddump -o stream.sql "$db_source"
	expect_status 2 idfilter -v '' stream.sql
	expect_match 'the regular expression "" matches every statement' "$err"
	expect_status 2 idfilter -v '|DROP' stream.sql
	expect_status 0 idfilter -v '^$' stream.sql
	expect_status 0 idfilter -v '^\s*$' stream.sql
	for tool in "idrestore -d" "idrestore --clean -d" "idrestore --create -d" "iddump -d"; do
		expect_status 2 $tool '' </dev/null
		expect_match 'name is empty' "$err"
	done
	expect_status 2 idverify '' "$db_source"
	expect_match 'name is empty' "$err"
}

test_empty_name_restores_nothing() {
	small source
	iddump -o stream.sql "$db_source"
	expect_status 2 idrestore --clean -d '' stream.sql
	expect_status 2 idrestore --create -d '' stream.sql
}

test_closed_descriptors() {
	small source
	newdb target
	expect_status 5 bash -c 'exec timeout 20 idfilter <&-'
	expect_match 'cannot read standard input: Bad file descriptor' "$err"
	expect_status 5 bash -c "exec timeout 20 idrestore -d $db_target <&-"
	expect_status 5 bash -c "exec timeout 20 iddump -d $db_source >&-"
	expect_match 'cannot write standard output: Bad file descriptor' "$err"
	expect_status 0 bash -c "exec timeout 20 iddump -d $db_source 2>&- <&-"
}

test_file_size_limit() {
	big=$T/big
	small source
	sql "$db_source" "CREATE TABLE big AS SELECT repeat('x', 1000) AS v FROM generate_series(1, 1000)"
	expect_status 5 bash -c "ulimit -f 100; exec iddump -o '$big' $db_source"
	expect_match "$big: File too large" "$err"
	[ ! -e "$big" ] || fail 'a file is there'
}

test_quit_cleans_up() {
	small source
	dbname made
	iddump -o stream.sql "$db_source"
	mkfifo pipe
	{
		head -c 2000 stream.sql
		sleep 20
	} >pipe &
	start idrestore --create -d "$db_made" pipe
	eventually 10 scratch_is_there
	kill -QUIT "$pid"
	status=0
	wait "$pid" || status=$?
	expect_equal "$status" 131
	expect_equal "$(scratch_databases)" ''
}

scratch_is_there() {
	[ -n "$(scratch_databases)" ]
}

# An output without a name is no usage of the last minute.
test_output_that_is_not_named() {
	small source
	for tool in "iddump -d $db_source" "idfilter /dev/null" "idverify $db_source $db_source"; do
		expect_status 2 $tool -o ''
		expect_match "the output's name is empty: is a variable not set" "$err"
	done
}

# Of two answers to one question none is passed over.
test_named_twice() {
	small source
	newdb target
	iddump -o k.idar "$db_source"
	expect_status 2 iddump -d "$db_source" k.idar
	expect_match 'one argument too many: "k\.idar"' "$err"
	expect_status 2 idfilter -f k.idar other.sql
	expect_status 2 idrestore -d "$db_target" -f k.idar other.sql
	expect_match 'one argument too many: "other\.sql"' "$err"
}

# What the failure means for the target is said, whatever has failed.
test_the_outcome_is_said() {
	load source objects.sql
	newdb target
	dbname new
	iddump -o k.idar "$db_source"
	local at
	at=$(tar xOf k.idar manifest.json | grep '"table":"plain"' | sed 's/.*"offset":\([0-9]*\),.*/\1/')
	cp k.idar bad.idar
	printf '\377' | dd of=bad.idar bs=1 seek=$((at + 60)) conv=notrunc 2>/dev/null
	expect_status 3 idrestore -d "$db_target" bad.idar
	expect_match '^ *Nothing was restored\.$' "$err"
	expect_status 3 idrestore --create -j 2 -d "$db_new" bad.idar
	expect_match '^ *Nothing was restored\.$' "$err"
	expect_equal "$(grep -c 'othing was restored' "$err")" 1
	expect_status 3 idrestore --in-place -j 2 -d "$db_target" bad.idar
	expect_match 'member 2-data/[0-9]*\.sql\.zst' "$err"
	expect_match 'The restore was in place: the target holds a part of the stream; --clean empties it' "$err"
	expect_no_match 'othing was restored' "$err"
	expect_status 0 idrestore --in-place --clean -j 2 -d "$db_target" k.idar
	expect_copy "$db_source" "$db_target"
}

# The list of an archive says nothing of rows that it has not read.
test_a_list_vouches_for_no_rows() {
	small source
	iddump -o k.idar "$db_source"
	expect_status 0 idfilter -l k.idar
	expect_match 'ends with idkit.s manifest and sums, which fit \(idverify checks the rows\)$' "$out"
	mkdir x
	tar -C x -xf k.idar
	(cd x && tar --format=gnu -cf ../again.idar $(tar tf ../k.idar) && tar --format=ustar -cf ../right.idar $(tar tf ../k.idar))
	expect_status 3 idverify again.idar
	expect_match 'becomes one again with tar --format=ustar' "$err"
	expect_status 0 idverify right.idar k.idar
}
