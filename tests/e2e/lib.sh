#!/usr/bin/env bash
#
# lib.sh - what the end-to-end tests are written with.  tests/run-e2e.sh runs them.
#
# A file tests/e2e/test_WHAT.sh defines functions test_XXX; each one at the start of a line is a
# test.  It runs in a bash of its own, under `set -eEu -o pipefail`, in the new empty folder $T, with
# the programs of the build first in PATH, HOME elsewhere, stdin from /dev/null, and PGHOST, PGPORT,
# PGUSER leading to a private server (superuser postgres).  What it prints is shown when it fails.
#
#     test_dump_is_readable() {
#         newdb source fixture.sql            # database $db_source, loaded from tests/e2e/fixture.sql
#         newdb copy
#         expect_status 0 iddump "$db_source"
#         expect_match '^COPY public\.t ' "$out"
#         sql "$db_copy" <"$out"
#         expect_equal "$(sql "$db_copy" 'SELECT count(*) FROM t')" 3
#     }
#
# After a test nothing of ours may be left: no database "idkit…", no prepared transaction, no file
# *.idkit-tmp* in $T, no session whose application_name begins with "id".  Databases and roles made
# through this library (names that begin with $prefix) are dropped.
#
#     fail MSG                   ends the test as failed, naming the caller's line
#     skip REASON                ends it as skipped
#     allow_leftovers            this test means to leave something behind
#     expect_status N COMMAND…   runs it: stdout in the file $out, stderr in the file $err; fails when
#                                its exit status is not N.  A pipeline: expect_status 0 bash -c '…'
#     expect_equal GOT WANT      two texts
#     expect_same FILE FILE      two files, byte by byte
#     expect_match REGEX WHERE   grep -E; WHERE is a file or else a text
#     expect_no_match REGEX WHERE
#     newdb NAME [SQL-FILE]      creates a database and sets $db_NAME; the file may be .zst, and lies
#                                in $T or tests/e2e
#     dbname NAME                sets $db_NAME, for a database that the test makes by other means
#     newrole NAME [OPTIONS]     creates a role (CREATE ROLE … OPTIONS) and sets $role_NAME
#     sql DB [SQL]               psql, unaligned, rows only; without SQL from stdin
#     file=$(corpus NAME)        the path of a file of real data (IDKIT_CORPUS), or skips the test
#     start COMMAND…             in the background, with signals as in a terminal; sets $pid
#     eventually SECONDS COMMAND…   repeats it until it succeeds, fails when it never does
#
# fail and skip work inside $(…) and functions too: they leave a mark that the runner looks for.

E2E_LIB=$(realpath "${BASH_SOURCE[0]}")
E2E_DIR=${E2E_LIB%/*}
ROOT=$(realpath "$E2E_DIR/../..")

out=$E2E_STATE/out
err=$E2E_STATE/err
prefix=$E2E_PREFIX

# "test_dump.sh:12", the line outside this file that led here.
e2e_caller() {
	local i
	for ((i = 1; i < ${#BASH_SOURCE[@]} - 1; i++)); do
		[ "${BASH_SOURCE[i]}" = "$E2E_LIB" ] || break
	done
	printf '%s:%s' "${BASH_SOURCE[i]##*/}" "${BASH_LINENO[i - 1]}"
}

e2e_show() {
	local title=$1 file=$2
	[ -s "$file" ] || return 0
	printf -- '--- %s\n' "$title"
	head -c 4000 "$file" | head -n 40
}

fail() {
	: >"$E2E_STATE/failed"
	printf '%s: %s\n' "$(e2e_caller)" "$*" >&2
	exit 1
}

skip() {
	printf '%s\n' "$*" >"$E2E_STATE/skipped"
	exit 77
}

allow_leftovers() {
	: >"$E2E_STATE/leftovers-allowed"
}

expect_status() {
	local want=$1 got=0
	shift
	"$@" >"$out" 2>"$err" || got=$?
	[ "$got" -ne "$want" ] || return 0
	e2e_show stdout "$out" >&2
	e2e_show stderr "$err" >&2
	fail "exit status $got, not $want: $*"
}

expect_equal() {
	[ "$1" != "$2" ] || return 0
	diff --label want --label got -u <(printf '%s\n' "$2") <(printf '%s\n' "$1") >&2 || true
	fail 'not equal'
}

expect_same() {
	cmp -s -- "$1" "$2" && return 0
	diff -au -- "$1" "$2" 2>&1 | head -n 40 >&2 || true
	fail "files differ: $1 $2"
}

e2e_matches() {
	if [ -f "$2" ]; then
		grep -qaE -e "$1" -- "$2"
	else
		grep -qaE -e "$1" <<<"$2"
	fi
}

e2e_show_where() {
	if [ -f "$1" ]; then
		e2e_show "$1" "$1"
	else
		printf -- '--- text\n%s\n' "$1"
	fi
}

expect_match() {
	e2e_matches "$1" "$2" && return 0
	e2e_show_where "$2" >&2
	fail "no match for: $1"
}

expect_no_match() {
	e2e_matches "$1" "$2" || return 0
	e2e_show_where "$2" >&2
	fail "unexpected match for: $1"
}

sql() {
	psql -XAtq -v ON_ERROR_STOP=1 -d "$1" ${2+-c "$2"}
}

dbname() {
	declare -g "db_$1=${prefix}_$1"
}

newdb() {
	local file=${2-}
	dbname "$1"
	sql postgres "CREATE DATABASE \"${prefix}_$1\" OWNER postgres"
	[ -n "$file" ] || return 0
	[ -e "$file" ] || file=$E2E_DIR/$file
	case $file in
	*.zst) zstd -dcq -- "$file" | sql "${prefix}_$1" >/dev/null ;;
	*) sql "${prefix}_$1" <"$file" >/dev/null ;;
	esac
}

newrole() {
	local name=$1
	shift
	declare -g "role_$name=${prefix}_$name"
	sql postgres "CREATE ROLE \"${prefix}_$name\" $*"
}

corpus() {
	local file=${IDKIT_CORPUS:-$ROOT/../shared/corpus}/$1
	[ -r "$file" ] || skip "no corpus file $1"
	printf '%s\n' "$file"
}

start() {
	# bash starts background commands with SIGINT ignored; a terminal doesn't.
	env --default-signal=INT,QUIT "$@" &
	pid=$!
}

eventually() {
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$until" ] || fail "still fails: $*"
		sleep 0.1
	done
}

# Started by run-e2e.sh as `bash lib.sh FILE FUNCTION`.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	set -eEu -o pipefail
	trap 'printf "%s:%s: exit status %s: %s\n" "${BASH_SOURCE[0]##*/}" "$LINENO" "$?" "$BASH_COMMAND" >&2' ERR
	# shellcheck source=/dev/null
	. "$1"
	"$2"
	exit 0
fi
