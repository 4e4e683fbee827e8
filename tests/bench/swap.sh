# swap.sh - how long a swap keeps clients waiting; sourced by run.sh.
#
# Swaps there and back between the large database and a small one, quiet and under clients that connect in
# a loop: milliseconds from the first rename to the commit, and what the clients saw.

SWAPS=${SWAPS:-50}
CLIENTS=${CLIENTS:-4}

fill_swap() {
	psql -X -q -v ON_ERROR_STOP=1 -d "$1" -c "CREATE TABLE marker (v int); INSERT INTO marker VALUES ($2);
		CREATE TABLE a AS SELECT generate_series(1, 100 * $2) i; CREATE TABLE b AS SELECT generate_series(1, 1000 * $2) i"
}

make_swap() {
	createdb -T bench bench_swap
	fill_swap bench_swap 1
	createdb bench_small
	fill_swap bench_small 2
	"$bin/iddump" bench_small | "$bin/idrestore" -q --swap -d bench_swap
}

# swap_row NAME OPTION…: the row of the table; the clients' sums are "refused" and "ended".
swap_row() {
	local name=$1 i
	shift
	: >"$work/swap.log"
	for ((i = 0; i < SWAPS; i++)); do
		"$bin/idrestore" -v --swap-back "$@" -d bench_swap 2>>"$work/swap.log" || {
			cat "$work/swap.log" >&2
			return 1
		}
	done
	sed -n 's/.*renamed in \([0-9.]*\) ms/\1/p' "$work/swap.log" | sort -g |
		awk -v name="$name" '{ v[NR] = $1 } END {
			printf "| %s | %d | %.1f ms | %.1f ms |", name, NR, v[int((NR + 1) / 2)], v[NR] }' |
		tee -a build/bench.md
}

# under_clients NAME OPTION…: a row, with clients.
under_clients() {
	local i clients=()
	rm -f "$work/stop"
	for ((i = 0; i < CLIENTS; i++)); do
		"$work/swap_client" bench_swap "$work/stop" >"$work/client.$i" 2>/dev/null &
		clients+=($!)
	done
	sleep 1
	swap_row "$@"
	: >"$work/stop"
	wait "${clients[@]}"
	awk -v swaps="$SWAPS" '{ ok += $2; refused += $4; ended += $6 } END {
		printf " %.2f | %.2f |\n", refused / swaps / NR, ended / swaps / NR }' "$work"/client.* |
		tee -a build/bench.md
}

# shellcheck disable=SC2046
cc -O2 -o "$work/swap_client" tests/e2e/swap_client.c $(pkg-config --cflags --libs libpq)
make_swap
cat >>build/bench.md <<'TABLE'

| `--swap-back` from the first rename to the commit | swaps | median | most | refused connections, a client and swap | ended ones |
|---|---|---|---|---|---|
TABLE
tail -n 3 build/bench.md
swap_row 'nobody connected'
echo ' 0 | 0 |' | tee -a build/bench.md
under_clients "$CLIENTS clients that connect, ask three times, leave"
under_clients "$CLIENTS such clients, \`--force\`" --force
dropdb bench_swap
dropdb bench_small
psql -X -A -t -q -d postgres <<'END'
SELECT format('DROP DATABASE %I', datname) FROM pg_database WHERE datname LIKE 'idkit\_old\_%' \gexec
END
