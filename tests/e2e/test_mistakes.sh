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
