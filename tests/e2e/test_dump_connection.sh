# How iddump reaches the database, and that a password goes nowhere else.

. "$E2E_DIR/dump.sh"

password="pa'ss \\w@rd%1"

# $role_login, which needs its password on 127.0.0.1 and owns a table of $db_source.
login() {
	newdb source
	newrole login LOGIN "PASSWORD '${password//\'/\'\'}' IN ROLE pw_users"
	sql "$db_source" "CREATE TABLE t (a int); INSERT INTO t VALUES (7); ALTER TABLE t OWNER TO \"$role_login\""
}

# Drops what would keep the role from being dropped before its database.
logout() {
	sql "$db_source" 'DROP TABLE t'
}

# Children's arguments and the names of their environment.
record_children() {
	wrap "printf '%s\\n' \"\$@\" >>$T/arguments; env | cut -d= -f1 >>$T/names; for p in \$PPID/../[0-9]*; do :; done
		for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <\$f 2>/dev/null; done >>$T/processes; echo >>$T/processes"
}

test_every_way_to_give_a_password() {
	local encoded='pa%27ss%20%5Cw%40rd%251'
	login
	record_children
	PGPASSWORD=$password expect_status 0 iddump --pg-dump ./pg_dump -w -h 127.0.0.1 -U "$role_login" "$db_source"
	expect_match '^7$' "$out"
	expect_no_match "pa'ss|rd%1" "$out"
	expect_no_match "pa'ss|rd%1" processes
	expect_match '^PGPASSWORD$' names

	printf '127.0.0.1:%s:*:%s:%s\n' "$PGPORT" "$role_login" "${password//\\/\\\\}" >pass
	chmod 600 pass
	PGPASSFILE=$T/pass expect_status 0 iddump --pg-dump ./pg_dump -w -h 127.0.0.1 -U "$role_login" "$db_source"
	expect_match '^7$' "$out"
	expect_no_match "pa'ss|rd%1" processes

	expect_status 0 iddump --pg-dump ./pg_dump -w \
		"host=127.0.0.1 user=$role_login dbname=$db_source password='pa\\'ss \\\\w@rd%1'"
	expect_match '^7$' "$out"
	expect_no_match "pa'ss|rd%1" "$out"

	expect_status 0 iddump --pg-dump ./pg_dump -w -d "postgresql://$role_login:$encoded@127.0.0.1:$PGPORT/$db_source"
	expect_match '^7$' "$out"
	expect_no_match "pa'ss|rd%1|$encoded" "$out"

	cat >service <<-END
		[ours]
		host=127.0.0.1
		user=$role_login
		dbname=$db_source
		password=$password
	END
	PGSERVICEFILE=$T/service expect_status 0 iddump --pg-dump ./pg_dump -w 'service=ours'
	expect_match '^7$' "$out"
	expect_no_match "pa'ss|rd%1" "$out"
	expect_match '^--dbname$' arguments
	expect_no_match "pa'ss|rd%1|$encoded" arguments
	expect_match "host='127.0.0.1'" arguments
	logout
}

test_a_password_asked_for_on_the_terminal() {
	command -v script >/dev/null || skip 'no program "script" to make a terminal'
	login
	record_children
	{ sleep 1; printf '%s\n' "$password"; } | script -qec "iddump --pg-dump ./pg_dump -W -h 127.0.0.1 -U $role_login -o dump.sql $db_source" /dev/null >terminal
	expect_match 'Password' terminal
	expect_match '^7$' dump.sql
	expect_no_match "pa'ss|rd%1" dump.sql
	expect_no_match "pa'ss|rd%1" arguments
	logout
}

test_what_cannot_connect() {
	login
	SECONDS=0
	expect_status 4 iddump -w -h 127.0.0.1 -U "$role_login" "$db_source"
	expect_match 'no password supplied' "$err"
	PGPASSWORD=wrong expect_status 4 iddump -h 127.0.0.1 -U "$role_login" "$db_source"
	expect_match "password authentication failed for user \"$role_login\"" "$err"
	expect_no_match wrong "$err"
	expect_status 4 iddump no_such_database
	expect_match 'database "no_such_database" does not exist' "$err"
	expect_status 4 iddump -U no_such_user postgres
	expect_match 'role "no_such_user" does not exist' "$err"
	expect_status 4 iddump -h "$T" postgres
	expect_match 'No such file or directory' "$err"
	expect_status 4 iddump -h 127.0.0.1 -p 1 postgres
	expect_status 4 iddump -p none postgres
	# What is not understood may be a part of a password.
	expect_status 2 iddump 'dbname=postgres no_such_option=1'
	expect_match 'connection string is not understood: invalid connection option "…"$' "$err"
	[ "$SECONDS" -le 5 ] || fail 'took too long'
	expect_equal "$(wc -c <"$out")" 0
	logout
}

test_the_database_may_be_named_by_option_argument_or_environment() {
	newdb source
	newdb other
	sql "$db_source" 'CREATE TABLE mine (a int)'
	expect_status 0 iddump "$db_source"
	expect_match 'CREATE TABLE public.mine' "$out"
	expect_status 0 iddump -d "$db_source"
	expect_match 'CREATE TABLE public.mine' "$out"
	PGDATABASE=$db_source expect_status 0 iddump
	expect_match 'CREATE TABLE public.mine' "$out"
	# The children must not take another one from the environment.
	PGDATABASE=$db_other PGHOST=/nowhere PGUSER=nobody expect_status 0 iddump -h "$CLUSTER_DIR" -U postgres -d "$db_source"
	expect_match 'CREATE TABLE public.mine' "$out"
}

test_a_database_with_a_hostile_name() {
	local name="e2e_x ' \" \\ = ; -- \$(touch pwned)"
	sql postgres "CREATE DATABASE \"${name//\"/\"\"}\""
	PGDATABASE=$name expect_status 0 sql '' 'CREATE TABLE t (a int)'
	PGDATABASE=$name expect_status 0 iddump
	expect_match 'CREATE TABLE public.t' "$out"
	[ ! -e pwned ] || fail 'a name was run as a command'
	sql postgres "DROP DATABASE \"${name//\"/\"\"}\""
}
