# What a pipe of 1 GB costs in memory: below 64 MiB in each tool.

. "$E2E_DIR/memory.sh"

# 1 GB of rows of a pg_dump script, never on disk.
large_script() {
	printf 'CREATE TABLE public.t (a text);\nCOPY public.t (a) FROM stdin;\n'
	yes "$(printf '%01000d' 0)" | head -n 1073741 || true
	printf '\\.\n--\n-- PostgreSQL database dump complete\n--\n'
}

test_streams_of_1_gb() {
	only_release
	large_script | measured idfilter idfilter -v 'DROP SCHEMA' | measured idverify idverify - >"$out"
	expect_match '1073741 rows' "$out"
	expect_small 1 idfilter idverify
}

test_database_of_1_gb() {
	only_release
	newdb large
	dbname copy
	sql "$db_large" "CREATE TABLE t (id bigint, a text);
		INSERT INTO t SELECT i, rpad(i::text, 1000, 'x') FROM generate_series(1, 1040000) i"
	measured iddump iddump "$db_large" | measured idfilter idfilter -v 'DROP SCHEMA' |
		measured idrestore idrestore --create -d "$db_copy"
	measured idverify idverify "$db_large" "$db_copy" >"$out"
	expect_match '^equal: 1 table, 1040000 rows' "$out"
	expect_small 1 iddump idfilter idrestore idverify
}

# ---- restores with jobs: 64 MiB and 32 MiB a job ----

# wide_rows COUNT: rows of 20 MiB, each more than what is sent at once.
wide_rows() {
	local i
	head -c 20971520 /dev/zero | tr '\0' x >"$T/wide"
	echo >>"$T/wide"
	printf 'CREATE TABLE public.t (a text);\nALTER TABLE public.t ALTER COLUMN a SET STORAGE EXTERNAL;\nCOPY public.t (a) FROM stdin;\n'
	for ((i = 0; i < $1; i++)); do cat "$T/wide"; done
	printf '\\.\n--\n-- PostgreSQL database dump complete\n--\n'
}

test_wide_rows_from_a_pipe_with_jobs() {
	local jobs
	only_release
	for jobs in 2 8; do
		dbname copy
		wide_rows 40 | measured idrestore idrestore --create -j "$jobs" -d "$db_copy"
		expect_equal "$(sql "$db_copy" 'SELECT count(*), sum(length(a)) FROM t')" '40|838860800'
		expect_small "$jobs" idrestore
		sql postgres "DROP DATABASE \"$db_copy\""
	done
}
