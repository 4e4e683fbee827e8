# --progress: a line on the terminal, or JSON lines; nothing where nobody looks.

# A database that takes the tools a second or two.
make_source() {
	newdb source
	sql "$db_source" "CREATE TABLE t AS SELECT i AS id, repeat(md5(i::text), 8) AS text
		FROM generate_series(1, ${1-150000}) i; CREATE TABLE u (id integer); CREATE INDEX ON t (text)"
}

# What a terminal of 60 columns gets from a command.
on_terminal() {
	TERM=${TERM_HERE-xterm} script -qec "stty cols 60; $1" typescript >/dev/null </dev/null
}

check_json() {
	python3 - "$1" <<-'END'
		import json, sys
		lines = [json.loads(line) for line in open(sys.argv[1])]
		keys = ["state", "phase", "seconds", "bytes", "total_bytes", "rows", "tables", "total_tables",
		        "bytes_per_second", "seconds_left"]
		assert all(list(line) == keys for line in lines), lines
		assert all(line["state"] == "running" for line in lines[:-1]), lines
		for key in "seconds", "bytes", "rows", "tables":
		    values = [line[key] for line in lines]
		    assert values == sorted(values), (key, values)
		print(lines[-1]["state"], lines[-1]["rows"], len(lines) > 1)
	END
}

test_json_lines() {
	make_source
	expect_status 0 iddump --progress=json -o k.idar "$db_source"
	expect_equal "$(check_json "$err")" 'done 150000 True'
	expect_match '"phase":"rows"' "$err"
	dbname copy
	expect_status 0 idrestore --progress=json --create -d "$db_copy" k.idar
	expect_equal "$(check_json "$err")" 'done 150000 True'
	expect_match '"phase":"rows",.*"total_bytes":[1-9]' "$err"
	sql postgres "DROP DATABASE \"$db_copy\""
	expect_status 0 idrestore --progress=json --create -j 2 -d "$db_copy" k.idar
	expect_equal "$(check_json "$err")" 'done 150000 True'
	expect_match '"phase":"indexes"' "$err"
	expect_status 0 idverify --progress=json k.idar "$db_copy"
	expect_equal "$(check_json "$err" | cut -d ' ' -f 1,2)" 'done 150000'
	expect_status 0 idverify --progress=json k.idar
	expect_equal "$(check_json "$err" | cut -d ' ' -f 1,2)" 'done 150000'
	# The answer no is an answer.
	sql "$db_copy" 'DELETE FROM t WHERE id = 7'
	expect_status 1 idverify --progress=json k.idar "$db_copy"
	expect_match '^\{"state":"done"' "$(tail -n 1 "$err")"
}

test_a_failure_says_so() {
	make_source 10
	expect_status 4 iddump --progress=json "$prefix"_none
	expect_match '^\{"state":"failed","phase":null,' "$err"
	expect_match "^iddump: error: .*${prefix}_none" "$err"
	expect_status 2 iddump --progress=maybe "$db_source"
}

test_nothing_where_nobody_looks() {
	make_source
	expect_status 0 iddump -o k.idar "$db_source"
	expect_equal "$(cat "$err")" ''
	expect_status 0 iddump --progress=none -o k.idar "$db_source"
	expect_equal "$(cat "$err")" ''
}

# \r begins the line anew, and ESC [ K ends it.
test_a_bar_on_a_terminal() {
	make_source
	on_terminal "iddump -v -Z 15 -o k.idar '$db_source'"
	expect_match $'\r''iddump: rows .* MiB' typescript
	expect_no_match $'\r[^\r\n]{60,}' typescript
	# Gone at the end; lines of the log have a line of their own.
	expect_match $'\r\e\\[K' typescript
	expect_no_match 'tables.*iddump: definitions come' typescript
	tail -c +1 typescript | grep -a 'definitions come' | grep -avE $'(^|\r\e\\[K)iddump: definitions come' && fail 'garbled'
	on_terminal "iddump -q -o k.idar '$db_source'"
	expect_no_match 'rows' typescript
	TERM_HERE=dumb on_terminal "iddump -o k.idar '$db_source'"
	expect_no_match 'rows' typescript
}

# Two tools have one line: it is the last one's.
test_one_bar_for_a_pipeline() {
	make_source
	dbname copy
	on_terminal "iddump '$db_source' | idrestore --create -d '$db_copy'"
	expect_match $'\r''idrestore: rows' typescript
	expect_no_match $'\r''iddump' typescript
}
