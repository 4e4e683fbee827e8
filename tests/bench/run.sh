#!/usr/bin/env bash
#
# run.sh - the figures of "make bench": ratios of one run, never absolute times.
#
# On a generated database of about 1 GB (SCALE=0.1 for a short one) each of our commands runs in turn
# with what a user would otherwise run, ROUNDS times; the ratio of a round is ours to theirs, and the
# tables show the median of the rounds.  CPU is that of the client programs.  The tables are also left
# in build/bench.md.  PARTS="streams jobs swap" says which are run.

set -eu -o pipefail
cd "$(dirname "$0")/../.."

SCALE=${SCALE:-1}
ROUNDS=${ROUNDS:-3}
PARTS=${PARTS:-streams jobs swap}
bin=$PWD/build/release/bin
work=$(mktemp -d)
measure=$work/measure

. tests/cluster.sh
. tests/bench/lib.sh
trap 'cluster_stop; rm -rf "$work"' EXIT

pg_bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
cc -O2 -o "$measure" tests/bench/measure.c
CLUSTER_CONF='max_wal_size = 8GB' cluster_start
say "a database of scale $SCALE is generated …"
createdb -T template0 bench
psql -X -q -v ON_ERROR_STOP=1 -v scale="$SCALE" -f tests/bench/generate.sql bench >/dev/null
"$pg_bin/pg_dump" bench >"$work/dump.sql"
megabytes=$(du -m --apparent-size "$work/dump.sql" | cut -f1)
tables=$(psql -X -A -t -d bench -c "SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema')")

mkdir -p build
: >build/bench.md
for part in $PARTS; do
	. "tests/bench/$part.sh"
done
