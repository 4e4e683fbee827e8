#!/usr/bin/env bash
#
# coverage.sh BUILD - after the tests ran in a build with --coverage: one line per source file of
# lib/ and tools/ (share of its lines that ran, number of lines), then the total.
set -eu -o pipefail

build=$1
find "$build/lib" "$build/tools" -name '*.gcno' -print0 2>/dev/null |
	xargs -0 -r gcov --no-output --relative-only 2> >(grep -v 'assuming not executed' >&2) |
	awk -F "'" '
		/^File / { file = $2; next }
		/^Lines executed:/ && file ~ /^(lib|tools)\/.*\.c$/ {
			split($0, part, /[:% ]+/)     # Lines executed:85.71% of 14
			lines[file] = part[5]
			ran[file] = part[3] * part[5] / 100
			file = ""
		}
		END {
			for (file in lines) {
				printf "%6.1f %%  %5d  %s\n", 100 * ran[file] / lines[file], lines[file], file | "sort -k4"
				all += lines[file]
				all_ran += ran[file]
			}
			close("sort -k4")
			printf "%6.1f %%  %5d  total\n", all ? 100 * all_ran / all : 0, all
		}'
