#!/usr/bin/env bash
#
# run-e2e.sh [NAME…] - runs the end-to-end tests against a private PostgreSQL server.
#
# NAME is a file or one of its tests: test_dump.sh, test_dump.sh:test_empty_table; none means all.
# One line per test, what a failed one printed, and a last line with the counts.  Exit status 0 when
# something ran and nothing failed, 2 for an unknown NAME, else 1.  See e2e/lib.sh for the tests.
#
# Environment:
#     VARIANT       which build to test (release)
#     JOBS          files at a time (1); each job has a server of its own
#     E2E_TIMEOUT   seconds that a test may take (300)
#     E2E_DIR       where the test files are (tests/e2e)
#     E2E_SERVER=1  use the server that PGHOST and PGPORT lead to, with JOBS=1 (the harness's own test)
#     KEEP=1        keep the tests' folders
#     CLUSTER_…     see cluster.sh
set -u

ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
MAIN=$$
E2E_DIR=$(realpath "${E2E_DIR-$ROOT/tests/e2e}")
E2E_TIMEOUT=${E2E_TIMEOUT-300}
JOBS=${JOBS-1}
[ -z "${E2E_SERVER-}" ] || JOBS=1

# shellcheck source=tests/cluster.sh
. "$ROOT/tests/cluster.sh"

tests_of() {
	sed -n 's/^\(test_[A-Za-z0-9_]*\) *().*/\1/p' "$1"
}

# Sets `files` and, for each of them, in `tests` its functions.
make_plan() {
	local name file functions
	files=()
	tests=()
	if [ $# -eq 0 ]; then
		for file in "$E2E_DIR"/test_*.sh; do
			[ -e "$file" ] || continue
			files+=("$file")
			tests+=("$(tests_of "$file")")
		done
		return 0
	fi
	for name; do
		file=$E2E_DIR/$(basename "${name%%:*}")
		functions=$([ -f "$file" ] && tests_of "$file")
		case $name in
		*:*) functions=$(grep -xF -e "${name#*:}" <<<"$functions") ;;
		esac
		if [ -z "$functions" ]; then
			printf 'run-e2e: no such test: %s\n' "$name" >&2
			return 1
		fi
		files+=("$file")
		tests+=("$functions")
	done
}

# ---- one test ------------------------------------------------------------------------------------

admin() {
	psql -XAtq -v ON_ERROR_STOP=1 -d postgres
}

# Lists what a tool has left behind.  Ended clients' sessions take a moment to go.
leftovers() {
	local folder=$1 deadline=$((SECONDS + 3)) sessions
	while true; do
		sessions=$(admin <<-'END'
			SELECT 'session "' || application_name || '" in ' || coalesce(datname, '?') || ': ' || query
			  FROM pg_stat_activity WHERE application_name LIKE 'id%' AND pid <> pg_backend_pid()
		END
		) || { echo 'the server does not answer'; return; }
		[ -n "$sessions" ] && [ "$SECONDS" -lt "$deadline" ] || break
		sleep 0.1
	done
	[ -z "$sessions" ] || printf '%s\n' "$sessions"
	admin <<-'END'
		SELECT 'database ' || datname FROM pg_database WHERE datname LIKE 'idkit%';
		SELECT 'prepared transaction ' || gid || ' in ' || database FROM pg_prepared_xacts;
	END
	find "$folder" -name '*.idkit-tmp*' -printf 'file %f\n'
}

# Removes what the test has made on the server, and what it has left behind.
clean_server() {
	local prefix=$1
	{
		admin <<-'END'
			SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			 WHERE application_name LIKE 'id%' AND pid <> pg_backend_pid();
			SELECT format('\connect %I', database) || chr(10) || format('ROLLBACK PREPARED %L;', gid)
			  FROM pg_prepared_xacts;
		END
	} | grep -v '^[tf]$' | admin
	admin <<-END
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE '$prefix\\_%' \\g /dev/null
		SELECT format('ALTER DATABASE %I IS_TEMPLATE false', datname) FROM pg_database
		 WHERE (datname LIKE '$prefix\\_%' OR datname LIKE 'idkit%') AND datistemplate \\gexec
		SELECT format('DROP DATABASE %I', datname) FROM pg_database
		 WHERE datname LIKE '$prefix\\_%' OR datname LIKE 'idkit%' \\gexec
		SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname LIKE '$prefix\\_%' \\gexec
	END
}

# Prints "ok", "skip" or "FAIL"; what is to be shown is in $folder/log.
judge() {
	local folder=$1 status=$2
	if [ -e "$folder/state/failed" ]; then
		echo FAIL
	elif [ -e "$folder/state/skipped" ]; then
		echo skip
	elif [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
		echo "timed out after $E2E_TIMEOUT s, or killed" >>"$folder/log"
		echo FAIL
	elif [ "$status" -ne 0 ]; then
		echo "ended with exit status $status" >>"$folder/log"
		echo FAIL
	elif [ -e "$folder/state/leftovers-allowed" ]; then
		echo ok
	else
		leftovers "$folder/t" | sed 's/^/left behind: /' >"$folder/left"
		cat "$folder/left" >>"$folder/log"
		if [ -s "$folder/left" ]; then echo FAIL; else echo ok; fi
	fi
}

# Sets `verdict`.
run_test() {
	local file=$1 function=$2 folder=$3 prefix=$4 status=0
	mkdir -p "$folder/t" "$folder/home" "$folder/state"
	(
		cd "$folder/t" || exit 1
		export T=$folder/t HOME=$folder/home E2E_STATE=$folder/state E2E_PREFIX=$prefix
		exec env --default-signal=INT,QUIT timeout --kill-after=10 "$E2E_TIMEOUT" \
			"$BASH" "$ROOT/tests/e2e/lib.sh" "$file" "$function"
	) </dev/null >"$folder/log" 2>&1 &
	current=$!
	wait "$current" || status=$?
	verdict=$(judge "$folder" "$status")
	end_current
	clean_server "$prefix" >>"$folder/log" 2>&1
}

# timeout leads a process group of its own: the test and what it has started.
end_current() {
	[ -n "${current-}" ] || return 0
	kill -KILL -- "-$current"
	wait "$current"
	current=
} 2>/dev/null

report() {
	local file=${1##*/} function=$2 folder=$3 began=$4 ms what
	ms=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
	what=${function#test_}
	file=${file#test_}
	what="${file%.sh}: ${what//_/ }"
	echo "$verdict" >>"$WORK/results"
	case $verdict in
	skip) printf 'skip %s: %s\n' "$what" "$(cat "$folder/state/skipped")" ;;
	ok) printf 'ok   %s (%d.%ds)\n' "$what" $((ms / 1000)) $((ms % 1000 / 100)) ;;
	*) printf 'FAIL %s (%d.%ds)\n%s\n' "$what" $((ms / 1000)) $((ms % 1000 / 100)) \
		"$(tail -n 100 "$folder/log" | sed 's/^/     | /')" ;;
	esac
}

# ---- one job: a server, and files until none is left ---------------------------------------------

end_job() {
	trap '' INT TERM HUP
	end_current
	[ -n "${E2E_SERVER-}" ] || cluster_stop
}

job() {
	local number=$1 count=0 i
	trap end_job EXIT
	trap 'exit 143' INT TERM HUP
	if [ -z "${E2E_SERVER-}" ] && ! CLUSTER_OWNER=$MAIN cluster_start; then
		echo FAIL >>"$WORK/results"
		echo 'FAIL no server to test with'
		return
	fi
	for i in "${!files[@]}"; do
		mkdir "$WORK/file.$i" 2>/dev/null || continue # another job's
		run_file "$number" "${files[i]}" "${tests[i]}"
	done
}

run_file() {
	local number=$1 file=$2 function folder prefix began
	for function in $3; do
		kill -0 "$MAIN" 2>/dev/null || exit 1
		count=$((count + 1))
		folder=$WORK/$number.$count
		prefix=e2e_${MAIN}_${number}_$count
		began=${EPOCHREALTIME/[.,]/}
		run_test "$file" "$function" "$folder" "$prefix"
		report "$file" "$function" "$folder" "$began"
		[ -n "${KEEP-}" ] || rm -rf "$folder"
	done
}

# ---- all -----------------------------------------------------------------------------------------

# Ends the jobs, which end their servers.
clean_up() {
	local job
	trap '' INT TERM HUP
	[ ${#jobs[@]} -eq 0 ] || kill "${jobs[@]}" 2>/dev/null
	# `wait` returns at once in a trap that interrupted another `wait`.
	for job in "${jobs[@]}"; do
		while kill -0 "$job" 2>/dev/null; do
			sleep 0.05
		done
	done
	if [ -n "${KEEP-}" ]; then
		printf 'kept: %s\n' "$WORK"
	else
		rm -rf "$WORK"
	fi
}

summary() {
	local passed failed skipped
	passed=$(grep -cx ok "$WORK/results")
	failed=$(grep -cx FAIL "$WORK/results")
	skipped=$(grep -cx skip "$WORK/results")
	if [ "$skipped" -gt 0 ]; then
		printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
	else
		printf '%d passed, %d failed\n' "$passed" "$failed"
	fi
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

make_plan "$@" || exit 2

jobs=()
WORK=$(mktemp -d "${TMPDIR:-/tmp}/idkit-e2e.XXXXXX") || exit 1
: >"$WORK/results"
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

export LC_ALL=C.UTF-8
export PATH=$ROOT/build/${VARIANT-release}/bin:/usr/lib/postgresql/15/bin:$PATH
for ((number = 1; number <= JOBS; number++)); do
	job "$number" &
	jobs+=($!)
done
wait "${jobs[@]}"
jobs=()
summary
