#!/usr/bin/env bash
#
# demo.sh - idkit's main job on a throw-away server, next to the recipe that it replaces.
#
# Every number on the screen is measured while it runs; what does not behave as told ends it with
# exit status 1.  Needs the programs built: "make demo" does that first.
#
# Environment:
#     VARIANT      which build to show (release)
#     CLUSTER_…    see tests/cluster.sh
set -u -o pipefail

ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
PATH=$ROOT/build/${VARIANT:-release}/bin:$PATH
export PSQLRC=/dev/null LC_ALL=C.UTF-8
export recipe='(DROP\ SCHEMA\ public|CREATE\ SCHEMA\ public|COMMENT\ ON\ SCHEMA\ public|DROP\ EXTENSION\ plpgsql|CREATE\ EXTENSION\ IF\ NOT\ EXISTS\ plpgsql|COMMENT\ ON\ EXTENSION\ plpgsql)'

bold='' red='' green='' faint='' plain=''
if [ -t 1 ]; then
	bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' faint=$'\e[2m' plain=$'\e[0m'
fi

# shellcheck source=tests/cluster.sh
. "$ROOT/tests/cluster.sh"
trap cluster_stop EXIT
# A program that ends by itself on Ctrl-C, as psql does, would let bash go on.
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

die() {
	printf '\n%sdemo: this is not what should happen: %s%s\n' "$red" "$*" "$plain" >&2
	exit 1
}

step() {
	printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

say() {
	printf '   %s\n' "$@"
}

seconds_since() {
	local now=${EPOCHREALTIME/./}
	printf '%d.%d s' $(((now - $1) / 1000000)) $(((now - $1) / 100000 % 10))
}

# run COMMAND: shows it, runs it, shows what it says and how it ended.  Sets status, leaves its
# output in the file "said".
run() {
	local began=${EPOCHREALTIME/./} colour=$green
	printf '   %s$ %s%s\n' "$bold" "${1//$'\n'/$'\n'     }" "$plain"
	bash -o pipefail -c "$1" >said 2>&1
	status=$?
	[ "$status" -lt 128 ] || exit "$status"
	fold -s -w 75 said | sed 's/^/     /; s/ *$//'
	[ "$status" -eq 0 ] || colour=$red
	printf '     %sexit status %d, %s%s\n' "$colour" "$status" "$(seconds_since "$began")" "$plain"
}

# As run, and the exit status must be this one.
run_to() {
	run "$2"
	[ "$status" -eq "$1" ] || die "exit status $status, not $1"
}

must_say() {
	grep -qE -e "$1" said || die "the output lacks: $1"
}

# How many rows the copy lacks.
lost_rows() {
	idverify identity "$1" | awk '/: A has / { n += $5 - $9 } END { print n + 0 }'
}

# The only value of a query, or the first line of the server's complaint.
ask() {
	psql -XAtq -d "$1" -c "$2" 2>&1 | head -n 1
}

# compare LABEL QUERY: what two databases answer; they must not agree.
compare() {
	local good bad
	good=$(ask identity_new "$2")
	bad=$(ask identity_recipe "$2")
	printf '     %-44s %-8s %s%.20s%s\n' "$1" "$good" "$red" "$bad" "$plain"
	[ "$good" != "$bad" ] || die "both databases answer \"$good\" to: $2"
}

# ---- the steps -----------------------------------------------------------------------------------

a_database() {
	step '1. An identity service on a throw-away server'
	createdb -T template0 -E UTF8 identity || die 'no database'
	psql -q -d identity -f "$ROOT/demo/identity.sql" || die 'the database does not load'
	say "$(ask identity \
		"SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) || ', ' ||
		        count(*) FILTER (WHERE relkind = 'r') || ' tables, ' ||
		        pg_size_pretty(pg_database_size(current_database())) || ':'
		   FROM pg_class WHERE oid >= 16384")" \
		'names in many scripts, partitions, functions, large objects, an extension.' \
		'Some rows and functions mention DROP SCHEMA public. They matter below.'
}

the_main_job() {
	step '2. Dump, filter, restore, verify: nothing on disk, all or nothing'
	run_to 0 'iddump -d identity | idfilter -v "$recipe" \
| idrestore --create -d identity_new'
	run_to 0 'idverify identity identity_new'
	must_say '^equal: '
}

one_byte() {
	step '3. One byte of the copy changes'
	run_to 0 "psql -q -d identity_new -c \"UPDATE identity.credential
SET secret = set_byte(secret, 0, get_byte(secret, 0) # 1) WHERE id = 4711\""
	run_to 1 'idverify identity identity_new'
	must_say '^table identity.credential: 30000 rows in both, but not the same'
	must_say '^DIFFERENT: 1 of '
}

a_cut_stream() {
	local half left
	step '4. A backup that was cut short (a full disk, a lost connection)'
	run_to 0 'iddump -d identity -o identity.sql'
	half=$(($(stat -c %s identity.sql) / 2))
	run_to 3 "head -c $half identity.sql | idrestore --create -d identity_cut"
	left=$(ask postgres "SELECT count(*) FROM pg_database WHERE datname ~ 'cut'")
	[ "$left" = 0 ] || die "$left databases are left"
	say "Databases that it left behind: $left."
}

the_recipe() {
	local first errors noise lost
	step '5. The same data through the recipe of many runbooks'
	createdb -T template0 -E UTF8 identity_recipe || die 'no database'
	run_to 0 'pg_dump --clean --no-owner --no-acl identity \
| grep -v -E "$recipe" > backup.sql'
	run_to 0 'psql -q -d identity_recipe -f backup.sql > psql.log 2>&1'
	# Whatever fails before the first CREATE is a DROP of what a new database does not have.
	first=$(grep -anm1 '^CREATE' backup.sql)
	errors=$(grep -c 'ERROR:' psql.log)
	noise=$(awk -F: -v first="${first%%:*}" '/ERROR:/ && $3 < first { n++ } END { print n + 0 }' psql.log)
	[ "$errors" -gt "$noise" ] || die "psql reported no error of its own: $errors, $noise"
	say "psql ends with status 0, and psql.log has $errors errors. $noise of them are the usual" \
		"ones of --clean. The other $((errors - noise)) drown among these. What they and grep cost:"
	run_to 1 'idverify identity identity_recipe'
	lost=$(lost_rows identity_recipe)
	must_say '^table identity.app_user: A has 30000 rows, B has 29999$'
	[ "$lost" -gt 0 ] || die 'no rows are lost'
	printf '     %-44s %-8s %s\n' '' idkit recipe
	printf '     %-44s %-8s %s%s%s\n' 'rows lost without a word' "$(lost_rows identity_new)" \
		"$red" "$lost" "$plain"
	compare 'foreign keys' "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"
	compare "is_dangerous('DROP SCHEMA public')" \
		"SELECT identity.is_dangerous('DROP SCHEMA public CASCADE')"
	compare "audit_statement('eve', 'SELECT 1')" "SELECT identity.audit_statement('eve', 'SELECT 1')"
}

main() {
	local began=${EPOCHREALTIME/./}
	printf '%sidkit: a database moved safely, and how it is lost otherwise%s\n' "$bold" "$plain"
	printf '%sStarting a PostgreSQL of its own; yours are not touched.%s\n' "$faint" "$plain"
	cluster_start || exit 1
	mkdir "$CLUSTER_DIR/demo" && cd "$CLUSTER_DIR/demo" || exit 1
	echo
	say '$recipe, for grep -v -E and for idfilter -v alike, is:' \
		'  (DROP\ SCHEMA\ public|CREATE\ SCHEMA\ public|COMMENT\ ON\ SCHEMA\ public|' \
		'  DROP\ EXTENSION\ plpgsql|CREATE\ EXTENSION\ IF\ NOT\ EXISTS\ plpgsql|' \
		'  COMMENT\ ON\ EXTENSION\ plpgsql)'
	a_database
	the_main_job
	one_byte
	a_cut_stream
	the_recipe
	cd / && cluster_stop
	printf '\n%sAll as it should be.%s Measured just now, in %s. The server is gone.\n' \
		"$green" "$plain" "$(seconds_since "$began")"
}

main
