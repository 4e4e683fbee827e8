# lib.sh - how the parts of "make bench" measure; sourced by run.sh.

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

# timed COMMAND: "wall cpu peak" of one run; fails when the command does.  PREPARE_COMMAND, when there
# is such a function, runs before, unmeasured.
timed() {
	local start end
	if declare -F "prepare_$1" >/dev/null; then
		"prepare_$1" >/dev/null
	fi
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

# table TITLE: begins a table.
table() {
	printf '\n| %s (%s MB, %s cores, median of %s) | wall | times faster | CPU | ours takes | peak memory |\n|---|---|---|---|---|---|\n' \
		"$1" "$megabytes" "$(nproc)" "$ROUNDS" | tee -a build/bench.md
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
		'BEGIN { printf "| %s | %.2f | %.2f | %.2f | %.1f s | %.0f MiB |\n", name, wall, 1 / wall, cpu, seconds, peak }' |
		tee -a build/bench.md
}
