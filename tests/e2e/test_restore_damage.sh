# Streams that are cut or damaged anywhere: nothing of them is ever committed, and the status says so.

. "$E2E_DIR/restore.sh"

# Restores each stream that a function makes for the numbers FIRST, FIRST + STEP, … up to LAST into DB.
try_each() {
	local db=$1 make=$2 first=$3 step=$4 last=$5 i status
	for ((i = first; i <= last; i += step)); do
		status=0
		"$make" "$i" | idrestore -q -d "$db" 2>"messages.$db" || status=$?
		[ "$status" -eq 3 ] || { echo "$make $i: status $status: $(cat "messages.$db")" >>failures; }
		echo "$i" >>"tried.$db"
	done
}

# Two at a time, each into a database of its own, which stays empty.
none_is_restored() {
	local make=$1 step=$2 last=$3 pids=()
	: >failures
	newdb one
	newdb two
	try_each "$db_one" "$make" 0 $((2 * step)) "$last" &
	pids+=($!)
	try_each "$db_two" "$make" "$step" $((2 * step)) "$last" &
	pids+=($!)
	wait "${pids[0]}"
	wait "${pids[1]}"
	expect_equal "$(head -n 5 failures)" ''
	expect_equal "$(cat tried.* | wc -l)" $((last / step + 1))
	expect_empty "$db_one"
	expect_empty "$db_two"
	# The stream itself is a good one.
	expect_status 0 idrestore -q -d "$db_one" stream.sql
	rm tried.*
	drop_databases
}

cut_at() {
	head -c "$1" stream.sql
}

# The first lines only.
cut_behind_line() {
	head -n "$1" stream.sql
}

own_stream() {
	small source
	expect_status 0 iddump -o stream.sql "$db_source"
	bytes=$(stat -c %s stream.sql)
	lines=$(wc -l <stream.sql)
}

test_own_streams_cut_at_2000_places() {
	own_stream
	local step=$((bytes / 2000))
	none_is_restored cut_at "$((step > 0 ? step : 1))" $((bytes - 1))
}

test_own_streams_cut_behind_every_line() {
	own_stream
	none_is_restored cut_behind_line 1 $((lines - 1))
}

pg_dump_stream() {
	small source
	pg_dump "$db_source" >stream.sql
	bytes=$(stat -c %s stream.sql)
	lines=$(wc -l <stream.sql)
	# The first byte behind the words of the end mark; its newline may be missing.
	whole=$(($(grep -abo -e '-- PostgreSQL database dump complete' stream.sql | cut -d: -f1) + 36))
}

test_streams_of_pg_dump_cut_at_500_places() {
	pg_dump_stream
	local step=$((whole / 500))
	none_is_restored cut_at "$((step > 0 ? step : 1))" $((whole - 1))
}

test_streams_of_pg_dump_cut_behind_every_line() {
	pg_dump_stream
	none_is_restored cut_behind_line 1 "$(head -c $((whole - 1)) stream.sql | wc -l)"
}

test_streams_of_pg_dump_cut_behind_their_end_mark() {
	local size
	pg_dump_stream
	for ((size = whole; size < bytes; size++)); do
		# With \restrict, its other half is the last word.
		newdb copy
		head -c "$size" stream.sql >cut.sql
		expect_status 0 idrestore -q -d "$db_copy" cut.sql
		expect_equal_dbs "$db_source" "$db_copy"
		sql postgres "DROP DATABASE \"$db_copy\""
		size=$((size + 15))
	done
}

# One bit of byte number N of the rows is another.
flip() {
	local place=${places[$1]}
	head -c "$place" stream.sql
	printf "\\x$(printf %02x $(($(tail -c "+$((place + 1))" stream.sql | head -c 1 | od -An -tu1) ^ (1 << ($1 % 8)))))"
	tail -c "+$((place + 2))" stream.sql
}

# A bit more or less can break the text before the hash is known: then the server or the reader says
# so first, which is no less a refusal.
try_flips() {
	local db=$1 first=$2 last=$3 i status
	for ((i = first; i <= last; i += 2)); do
		status=0
		flip "$i" | idrestore -q -d "$db" 2>"messages.$db" || status=$?
		[ "$status" -eq 3 ] || [ "$status" -eq 4 ] || echo "flip $i: status $status: $(cat "messages.$db")" >>failures
		echo "$status" >>statuses
	done
}

test_own_streams_with_one_bit_flipped_in_their_rows() {
	local first
	own_stream
	# The rows of person and note, every fourth byte.
	mapfile -t places < <(grep -abE '^[0-9]+	' stream.sql | while IFS=: read -r offset row; do
		for ((i = 0; i <= ${#row}; i += 4)); do echo $((offset + i)); done
	done)
	[ "${#places[@]}" -ge 150 ] || fail "only ${#places[@]} places"
	: >failures
	newdb one
	newdb two
	try_flips "$db_one" 0 $((${#places[@]} - 1)) &
	first=$!
	try_flips "$db_two" 1 $((${#places[@]} - 1))
	wait "$first"
	expect_equal "$(head -n 5 failures)" ''
	expect_equal "$(wc -l <statuses)" "${#places[@]}"
	[ "$(grep -cx 3 statuses)" -ge $((${#places[@]} / 2)) ] || fail "few of the flips reach the hash: $(sort statuses | uniq -c)"
	expect_empty "$db_one"
	expect_empty "$db_two"
}

test_nothing_is_left_of_a_database_to_be_created() {
	local size
	own_stream
	dbname copy
	for size in 0 1 100 $((bytes / 3)) $((bytes / 2)) $((bytes - 200)) $((bytes - 2)) $((bytes - 1)); do
		expect_status 3 bash -c 'head -c "$1" stream.sql | idrestore --create -d "$2"' _ "$size" "$db_copy"
		expect_no_database "$db_copy"
	done
	places=($(grep -abo 'name 7' stream.sql | cut -d: -f1))
	flip 0 >flipped.sql
	expect_status 3 idrestore --create -d "$db_copy" flipped.sql
	expect_no_database "$db_copy"
	expect_status 0 idrestore --create -d "$db_copy" stream.sql
	expect_equal_dbs "$db_source" "$db_copy"
}

test_a_dump_program_that_fails_is_a_cut() {
	small source
	newdb copy
	expect_status 3 bash -c '{ iddump "$1" | head -n 60; kill -9 $BASHPID; } | idrestore -d "$2"' _ "$db_source" "$db_copy"
	expect_match 'truncated' "$err"
	expect_empty "$db_copy"
	expect_status 3 idrestore -d "$db_copy"
	expect_empty "$db_copy"
}

test_something_behind_the_end_is_damage() {
	own_stream
	newdb copy
	{ cat stream.sql && echo 'CREATE TABLE more ();'; } >longer.sql
	expect_status 3 idrestore -d "$db_copy" longer.sql
	cat stream.sql stream.sql >twice.sql
	expect_status 3 idrestore -d "$db_copy" twice.sql
	expect_empty "$db_copy"
}

test_allow_incomplete_is_for_the_streams_of_others() {
	own_stream
	newdb copy
	head -n -1 stream.sql >cut.sql
	expect_status 3 idrestore --allow-incomplete -d "$db_copy" cut.sql
	expect_empty "$db_copy"
	printf 'CREATE TABLE hand (a int);\nINSERT INTO hand VALUES (1);\n' >hand.sql
	expect_status 3 idrestore -d "$db_copy" hand.sql
	expect_match 'allow-incomplete' "$err"
	expect_empty "$db_copy"
	expect_status 0 idrestore --allow-incomplete -d "$db_copy" hand.sql
	expect_equal "$(sql "$db_copy" 'TABLE hand')" 1
}

test_compressed_files_that_are_cut_or_damaged() {
	local file size
	own_stream
	newdb copy
	zstd -q stream.sql -o stream.zst
	gzip -c stream.sql >stream.gz
	pg_dump -Fc "$db_source" >stream.custom
	for file in stream.zst stream.gz stream.custom; do
		size=$(stat -c %s "$file")
		for size in $((size - 1)) $((size / 2)) 30; do
			head -c "$size" "$file" >cut
			expect_status 3 idrestore -d "$db_copy" cut
			expect_status 3 bash -c 'cat cut | idrestore -d "$1"' _ "$db_copy"
		done
	done
	expect_empty "$db_copy"
}
