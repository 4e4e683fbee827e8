#!/usr/bin/env bash
#
# run-checks.sh VARIANT - runs the unit tests and the end-to-end tests of a finished build.  The last
# line is the sum of both; exit status 0 when nothing failed.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

variant=$1
log=build/$variant/checks.log
passed=0 failed=0 skipped=0

# count PASSED FAILED SKIPPED STATUS WHAT: a run that ended badly without a failed test is one.
count() {
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + $3))
	if [ "$4" -ne 0 ] && [ "$2" -eq 0 ]; then
		printf 'FAIL %s: ended with exit status %d\n' "$5" "$4"
		failed=$((failed + 1))
	fi
}

# number REGEX: the number in front of or behind the words in the log's last line with counts.
number() {
	local line found
	line=$(grep -E '^[0-9]+%: Checks: |^[0-9]+ passed, ' "$log" | tail -n 1)
	found=$(grep -oE "$1" <<<"$line" | grep -oE '[0-9]+')
	printf '%d' "${found:-0}"
}

"build/$variant/unit/run" 2>&1 | tee -i "$log"
status=${PIPESTATUS[0]}
bad=$(($(number 'Failures: [0-9]+') + $(number 'Errors: [0-9]+')))
count $(($(number 'Checks: [0-9]+') - bad)) "$bad" 0 "$status" 'unit tests'

VARIANT=$variant tests/run-e2e.sh 2>&1 | tee -i "$log"
status=${PIPESTATUS[0]}
count "$(number '[0-9]+ passed')" "$(number '[0-9]+ failed')" "$(number '[0-9]+ skipped')" \
	"$status" 'end-to-end tests'
rm -f "$log"

# Interrupted: not the moment for a sum.
[ "$status" -lt 128 ] || exit "$status"
if [ "$skipped" -gt 0 ]; then
	printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
else
	printf '%d passed, %d failed\n' "$passed" "$failed"
fi
[ "$failed" -eq 0 ]
