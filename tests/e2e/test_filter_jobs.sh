# idfilter -j: the same bytes as with one job, and the memory that was promised.

. "$E2E_DIR/dump.sh"
. "$E2E_DIR/memory.sh"

# Each way through idfilter, from file and pipe: with 2 and 8 jobs as with one.
expect_every_way_the_same() {
	local input=$1 jobs to
	local -a size
	shift
	for to in plain archive; do
		size=()
		[ "$to" = plain ] || size=(--chunk-size 4k)
		idfilter -q -F "$to" "${size[@]}" "$@" "$input" >one
		for jobs in 2 8; do
			expect_status 0 idfilter -q -j "$jobs" -F "$to" "${size[@]}" "$@" "$input"
			expect_same one "$out"
			# shellcheck disable=SC2002
			cat "$input" | idfilter -q -j "$jobs" -F "$to" "${size[@]}" "$@" >piped
			expect_same one piped
		done
	done
}

test_the_same_bytes() {
	load source objects.sql
	iddump --chunk-size 4k -o k.idar "$db_source"
	iddump -o k.sql "$db_source"
	expect_every_way_the_same k.idar
	expect_every_way_the_same k.idar -v 'COPY objects\.plain '
	expect_every_way_the_same k.sql
	expect_status 0 idfilter -j 0 -F plain -o all.sql k.idar
	expect_status 0 idverify all.sql k.idar
}

test_real_databases() {
	local file
	file=$(corpus keycloak-26.4.sql.zst)
	newdb source
	idrestore -q --no-owner --no-acl -d "$db_source" "$file"
	iddump --chunk-size 16k -j 2 -o k.idar "$db_source"
	expect_every_way_the_same k.idar
	expect_every_way_the_same k.idar -v 'user_entity|realm'
}

test_damage() {
	local jobs at
	load source objects.sql
	iddump --chunk-size 4k -o k.idar "$db_source"
	at=$(tar xOf k.idar manifest.json | grep '"table":"plain"' | tail -n 1 |
		sed 's/.*"offset":\([0-9]*\),.*/\1/')
	printf '\377' | dd of=k.idar bs=1 seek=$((at + 60)) conv=notrunc 2>/dev/null
	for jobs in 1 2 8; do
		expect_status 3 idfilter -j "$jobs" -F plain -o bad.sql k.idar
		expect_match 'k\.idar: member 2-data/[0-9]*\.sql\.zst' "$err"
		expect_status 3 bash -c 'cat k.idar | idfilter -j "$1" -F plain -o bad.sql' _ "$jobs"
		expect_match 'member 2-data/[0-9]*\.sql\.zst' "$err"
		[ ! -e bad.sql ] || fail 'a file is there'
	done
}

test_interrupt_and_a_reader_that_goes_away() {
	load_three_tables source
	iddump -j 2 -o k.idar "$db_source"
	# shellcheck disable=SC2016
	expect_status 0 bash -c 'idfilter -j 4 -F plain k.idar | head -c 100000 >/dev/null; echo "${PIPESTATUS[*]}"'
	expect_equal "$(cat "$out")" '5 0'
	expect_match 'standard output: the reader has gone away' "$err"
	# It stands between a writer that says nothing more and a reader that does not read.
	mkfifo in out
	sleep 60 <out &
	local reader=$!
	start idfilter -j 4 -F plain k.idar >out
	sleep 0.5
	kill -INT "$pid"
	wait "$pid" && fail 'status 0' || expect_equal $? 130
	kill "$reader"
	wait "$reader" || true
}

test_how_many() {
	expect_status 2 idfilter -j 33 /dev/null
	expect_match '^idfilter: error: -j 33: at most 32 jobs' "$err"
}

test_memory() {
	local jobs
	only_release
	load_three_tables source
	iddump -o k.sql "$db_source"
	iddump -j 2 -o k.idar "$db_source"
	for jobs in 1 2 8; do
		measured "plain-archive-$jobs" idfilter -j "$jobs" -F archive k.sql >/dev/null
		measured "archive-plain-$jobs" idfilter -j "$jobs" -F plain k.idar >/dev/null
		# shellcheck disable=SC2002
		cat k.idar | measured "pipe-$jobs" idfilter -j "$jobs" -F plain >/dev/null
		expect_small "$jobs" "plain-archive-$jobs" "archive-plain-$jobs" "pipe-$jobs"
	done
}
