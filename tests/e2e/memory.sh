# memory.sh - what the tests of the tools' memory share.
#
#     only_release               skips under sanitizers, which need memory of their own
#     measured NAME COMMAND…     runs it, in a pipeline too: wall, user, system, KiB, status in $T/NAME
#     expect_small JOBS NAME…    each took at most 64 MiB and, with more than one job, 32 MiB a job
#     load_three_tables NAME     newdb NAME with three tables of 200 MB each

only_release() {
	[ "${VARIANT:-release}" = release ] || skip 'sanitizers need memory of their own'
	cc -O2 -o "$T/measure" "$ROOT/tests/bench/measure.c"
}

measured() {
	local name=$1
	shift
	rm -f "$T/$name"
	"$T/measure" "$T/$name" "$@"
}

expect_small() {
	local name kib largest=65536
	[ "$1" -eq 1 ] || largest=$((65536 + 32768 * $1))
	shift
	for name in "$@"; do
		kib=$(awk '{ print $4 }' "$T/$name")
		[ "$kib" -lt "$largest" ] || fail "$name took $kib KiB"
		printf '%s: %s KiB\n' "$name" "$kib"
	done
}

load_three_tables() {
	local db
	newdb "$1"
	db=db_$1
	sql "${!db}" "CREATE TABLE t (id bigint, a text);
		INSERT INTO t SELECT i, rpad(i::text, 1000, 'x') FROM generate_series(1, 200000) i;
		CREATE TABLE u AS TABLE t; CREATE TABLE v AS TABLE t"
}
