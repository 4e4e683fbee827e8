#!/usr/bin/env bash
#
# run.sh - the figures of "make bench": ratios of one run, never absolute times.
#
# On a generated database of about 1 GB (SCALE=0.1 for a short one) each of our commands runs in turn
# with what a user would otherwise run, ROUNDS times; the ratio of a round is ours to theirs, and the
# table shows the median of the rounds.  CPU is that of the client programs.  The table is also left
# in build/bench.md.

set -eu -o pipefail
cd "$(dirname "$0")/../.."

SCALE=${SCALE:-1}
ROUNDS=${ROUNDS:-3}
bin=$PWD/build/release/bin
work=$(mktemp -d)
measure=$work/measure

. tests/cluster.sh
trap 'cluster_stop; rm -rf "$work"' EXIT

say() {
	printf '%s\n' "$*" >&2
}

# What is measured: name, ours, theirs.  A pipeline's parts are each run under "measure"; the wall
# time is the pipeline's, CPU the parts' sum.
m() {
	"$measure" "$work/parts" "$@"
}

now() {
	date +%s.%N
}

# timed COMMAND: "wall cpu peak" of one run; fails when the command does.
timed() {
	local start end
	rm -f "$work/parts"
	start=$(now)
	"$@" >/dev/null 2>"$work/err" || {
		say "failed: $*"
		cat "$work/err" >&2
		return 1
	}
	end=$(now)
	awk -v start="$start" -v end="$end" '
		{ cpu += $2 + $3; if ($4 > peak) peak = $4 }
		END { printf "%.3f %.3f %.1f\n", end - start, cpu, peak / 1024 }' "$work/parts"
}

median() {
	sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# compare NAME OURS THEIRS: runs both functions in turn, prints a row of the table.
compare() {
	local name=$1 ours=$2 theirs=$3 round a b
	timed "$ours" >/dev/null
	timed "$theirs" >/dev/null
	: >"$work/rounds"
	for ((round = 0; round < ROUNDS; round++)); do
		a=$(timed "$ours")
		b=$(timed "$theirs")
		printf '%s %s\n' "$a" "$b" >>"$work/rounds"
	done
	awk -v name="$name" -v wall="$(awk '{ print $1 / $4 }' "$work/rounds" | median)" \
		-v cpu="$(awk '{ print $2 / $5 }' "$work/rounds" | median)" \
		-v seconds="$(awk '{ print $1 }' "$work/rounds" | median)" \
		-v peak="$(awk '{ print $3 }' "$work/rounds" | median)" \
		'BEGIN { printf "| %s | %.2f | %.2f | %.1f s | %.0f MiB |\n", name, wall, cpu, seconds, peak }' |
		tee -a build/bench.md
}

ours_dump() { m "$bin/iddump" bench; }
theirs_dump() { m "$pg_bin/pg_dump" bench; }

ours_copy() {
	dropdb --if-exists bench_ours
	m "$bin/iddump" bench | m "$bin/idrestore" --create -d bench_ours
}
theirs_copy() {
	dropdb --if-exists bench_theirs
	createdb -T template0 bench_theirs
	m "$pg_bin/pg_dump" bench | m psql -X -q -1 -v ON_ERROR_STOP=1 -d bench_theirs
}

recipe='(DROP\ SCHEMA\ public|CREATE\ SCHEMA\ public|COMMENT\ ON\ SCHEMA\ public|DROP\ EXTENSION\ plpgsql|CREATE\ EXTENSION\ IF\ NOT\ EXISTS\ plpgsql|COMMENT\ ON\ EXTENSION\ plpgsql)'

ours_filter() { m "$bin/idfilter" -v "$recipe" "$work/dump.sql" | cat; }
theirs_filter() { LC_ALL=C m grep -v -E "$recipe" "$work/dump.sql" | cat; }
ours_filter_own() { m "$bin/idfilter" -v "$recipe" "$work/own.sql" | cat; }
theirs_filter_own() { LC_ALL=C m grep -v -E "$recipe" "$work/own.sql" | cat; }

ours_verify() { m "$bin/idverify" bench bench_ours; }
theirs_verify() {
	local table
	for table in $tables; do
		for database in bench bench_ours; do
			m psql -X -q -d "$database" -c "COPY $table TO STDOUT" &
		done
		wait
	done
}

pg_bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
cc -O2 -o "$measure" tests/bench/measure.c
cluster_start
say "a database of scale $SCALE is generated …"
createdb -T template0 bench
psql -X -q -v ON_ERROR_STOP=1 -v scale="$SCALE" -f tests/bench/generate.sql bench >/dev/null
"$pg_bin/pg_dump" bench >"$work/dump.sql"
"$bin/iddump" -o "$work/own.sql" bench
tables=$(psql -X -A -t -d bench -c "SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema')")

mkdir -p build
cat >build/bench.md <<TABLE
| ours against theirs ($(du -m --apparent-size "$work/dump.sql" | cut -f1) MB, $(nproc) cores, median of $ROUNDS) | wall | CPU | ours takes | peak memory |
|---|---|---|---|---|
TABLE
cat build/bench.md
compare 'iddump, pg_dump, both to nowhere' ours_dump theirs_dump
compare '`iddump \| idrestore --create`, `pg_dump \| psql -1`' ours_copy theirs_copy
compare '`idfilter -v`, `grep -v -E`, of a pg_dump file, to `cat`' ours_filter theirs_filter
compare 'the same of an iddump file' ours_filter_own theirs_filter_own
compare 'idverify of two databases, reading both with psql COPY' ours_verify theirs_verify
