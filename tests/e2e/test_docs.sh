# What README, manual pages, --help and the demo say is so.
#
# Blocks of README fenced as "```sh run", and the .EX blocks of the manual pages' EXAMPLES, are run as
# bash scripts under "set -e -o pipefail": each in a folder with keycloak.sql, backup.sql,
# backup.sql.zst, on a server with the databases keycloak, old, and empty, which is.

tools='iddump idfilter idrestore idverify'

make_databases() {
	sql postgres <<-'END' 2>/dev/null
		SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database
		 WHERE datname IN ('keycloak', 'keycloak_new', 'keycloak_test', 'old', 'empty') OR datname LIKE 'idkit\_old\_%' \gexec
	END
	[ "${1-}" != none ] || return 0
	sql postgres 'CREATE DATABASE keycloak'
	sql postgres 'CREATE DATABASE empty'
	sql keycloak <<-'END' >/dev/null
		CREATE SCHEMA auth_x;
		CREATE TABLE realm (id integer PRIMARY KEY, name text);
		INSERT INTO realm SELECT i, 'realm DROP SCHEMA public ' || i FROM generate_series(1, 100) i;
		CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		CREATE TRIGGER t BEFORE INSERT ON realm FOR EACH ROW EXECUTE FUNCTION f();
		CREATE SEQUENCE ticket;
		SELECT lo_from_bytea(1234, 'abc');
	END
	sql postgres 'CREATE DATABASE old TEMPLATE keycloak'
	iddump -o keycloak.sql keycloak
	pg_dump -f backup.sql old
	zstd -qf backup.sql
}

# run_blocks NAME FILE: the scripts in FILE, each of which a byte 1 ends.
run_blocks() {
	local name=$1 block count=0
	while IFS= read -r -d $'\x01' block; do
		mkdir "$T/block$count"
		cd "$T/block$count"
		make_databases
		bash -e -o pipefail -c "$block" >../said 2>&1 </dev/null ||
			fail "$name: exit status $?: $block"$'\n'"$(tail -n 20 ../said)"
		count=$((count + 1))
	done <"$2"
	cd "$T"
	make_databases none
	[ "$count" -gt 0 ] || fail "$name has no examples"
}

test_readme_commands() {
	awk '/^```sh run$/ { on = 1; next } /^```/ && on { on = 0; printf "\001"; next } on' \
		"$ROOT/README.md" >blocks
	run_blocks README.md "$T/blocks"
}

# What roff makes of an example's characters.
unroff() {
	sed -e 's/\\-/-/g' -e "s/\\\\(aq/'/g" -e 's/\\(ha/^/g' -e 's/\\&//g' -e 's/\\\[rs\]/\\/g'
}

test_manual_examples() {
	local page
	for page in "$ROOT"/man/*.[1-8]; do
		awk '/^\.SH / { examples = /EXAMPLES/ } !examples { next }
		     /^\.EX/ { on = 1; next } /^\.EE/ { on = 0; printf "\001"; next } on' "$page" |
			unroff >blocks
		run_blocks "${page##*/}" "$T/blocks"
		rm -rf "$T"/block*
	done
}

# "-o --output FILE", a line for each option, sorted.
options_of_tool() {
	"$1" --help=options | awk -F '\t' '{ print $1, $2, $3 }' | sed 's/^ *//; s/ *$//' | sort
}

options_of_page() {
	sed -n '/^\.SH OPTIONS/,/^\.SH [^O]/p' "$1" | grep -A 1 '^\.TP' | grep '^\.BR\{0,1\} ' |
		unroff | tr -d '",][' | sed -e 's/\\fI/ /g; s/\\fR//g; s/^\.BR* //; s/=/ /; s/  */ /g; s/ *$//' | sort
}

test_every_option_has_its_place_in_the_manual() {
	local tool
	for tool in $tools; do
		options_of_tool "$tool" >"$tool.tool"
		options_of_page "$ROOT/man/$tool.1" >"$tool.page"
		[ "$(wc -l <"$tool.tool")" -gt 5 ] || fail "$tool has no options"
		expect_same "$tool.page" "$tool.tool"
	done
}

test_help_and_version() {
	local tool version
	version=$(sed -n 's/^VERSION := //p' "$ROOT/Makefile")
	for tool in $tools; do
		expect_status 0 "$tool" --version
		expect_equal "$(cat "$out")" "$tool $version"
		expect_status 0 "$tool" --help
		expect_match "^Usage: $tool " "$out"
		expect_equal "$(LC_ALL=C.UTF-8 awk 'length($0) > 80' "$out")" ''
		expect_match "idkit $version\"" "$(head -n 1 "$ROOT/man/$tool.1")"
	done
}

test_manual_pages_render_without_warnings() {
	local page
	for page in "$ROOT"/man/*.[1-8]; do
		LC_ALL=C.UTF-8 MANWIDTH=78 man --warnings -l "$page" >page 2>warnings </dev/null ||
			skip 'no man program'
		grep -q '^NAME' page || skip 'man renders nothing here'
		expect_equal "$(cat warnings)" ''
	done
}

# Links and test files that the texts name are there.
test_what_the_texts_refer_to_exists() {
	local name
	cd "$ROOT"
	grep -ohE '\]\([^)h][^)]*\)' README.md ARCHITECTURE.md | tr -d ']()' >"$T/names"
	grep -ohE '(tests|lib|tools|man)/[a-zA-Z0-9_/]+\.(sh|c|h)' README.md ARCHITECTURE.md >>"$T/names"
	[ -s "$T/names" ] || fail 'no names found'
	while read -r name; do
		[ -e "$name" ] || fail "there is no $name"
	done <"$T/names"
}

test_the_demo() {
	local name
	expect_status 0 "$ROOT/demo/demo.sh"
	expect_match '^ +equal: 18 tables, [0-9]+ rows, 7 sequences$' "$out"
	expect_match '^ +table identity\.credential: 30000 rows in both, but not the same ones$' "$out"
	expect_match 'it is truncated$' "$out"
	expect_match 'psql\.log has [0-9]+ errors' "$out"
	expect_match '^All as it should be\.' "$out"
	expect_no_match $'\e' "$out"
	expect_equal "$(LC_ALL=C.UTF-8 awk 'length($0) > 80' "$out")" ''
	expect_equal "$(cat "$err")" ''
	# README tells what the demo has measured.
	for name in 'psql\.log has 93 errors\. 89 of them' 'rows lost without a word +0 +10$' \
		'foreign keys +11 +8$' 'is_dangerous.* t +f$' 'audit_statement.* allowed +ERROR:'; do
		expect_match "$name" "$out"
	done
}

# Ctrl-C is sent to all that runs in the terminal.
test_an_interrupted_demo_leaves_nothing() {
	local status=0
	mkdir tmp
	chmod 755 .
	chmod 1777 tmp
	TMPDIR=$T/tmp start setsid "$ROOT/demo/demo.sh" >demo.log 2>&1
	eventually 60 grep -q '^2\. ' demo.log
	sleep 0.5
	kill -INT -- "-$pid"
	wait "$pid" || status=$?
	expect_equal "$status" 130
	expect_equal "$(ls -A tmp)" ''
	expect_no_match '^All as it should be' demo.log
}
