#!/usr/bin/env bash
#
# cluster.sh - a private PostgreSQL server that goes away with the script that started it.
#
# As a library:
#
#     . tests/cluster.sh
#     trap cluster_stop EXIT          # also runs on Ctrl-C, TERM and HUP
#     cluster_start [DIR]             # PGHOST, PGPORT, PGUSER now lead to it; see $CLUSTER_DIR/log
#
# A watchdog stops and removes it when the script dies without running its trap (kill -9).
#
# As a command:
#
#     eval "$(tests/cluster.sh start [DIR])"
#     tests/cluster.sh stop "$CLUSTER_DIR"
#
# Here the server stays until it is stopped, or until the process CLUSTER_OWNER ends.
#
# Environment:
#     CLUSTER_BINDIR   folder of initdb, pg_ctl and postgres (10 to 18; default: Debian's 15)
#     CLUSTER_CONF     more lines for postgresql.conf
#     CLUSTER_OWNER    process whose end is the server's end (library: default is the caller)
#
# The server listens on a free port of 127.0.0.1 and on a socket in its own folder, a new one under
# TMPDIR, and does not care for durability.  Everyone is trusted, except that members of the role
# pw_users need their password (scram-sha-256) on 127.0.0.1.  Started as root it runs as the user
# postgres, or nobody.  No other server is touched; every other PG* variable is unset.
#
# The extension idkit_probe (e2e/fixtures/extension) can be created where the server is Debian's,
# which looks for extensions below the setting extension_destdir first; else the variable
# CLUSTER_WITHOUT_EXTENSION is 1.

CLUSTER_SCRIPT=$(realpath "${BASH_SOURCE[0]}")
# Socket paths end at 107 bytes; "/.s.PGSQL.12345.lock" takes 20.
CLUSTER_DIR_LENGTH=87

cluster_say() {
	printf 'cluster: %s\n' "$*" >&2
}

cluster_bindir() {
	local dir
	for dir in "${CLUSTER_BINDIR-}" /usr/lib/postgresql/15/bin "$(pg_config --bindir 2>/dev/null)"; do
		if [ -n "$dir" ] && [ -x "$dir/initdb" ]; then
			printf '%s\n' "$dir"
			return 0
		fi
		if [ -n "${CLUSTER_BINDIR-}" ]; then
			cluster_say "no initdb in CLUSTER_BINDIR=$CLUSTER_BINDIR"
			return 1
		fi
	done
	cluster_say 'no PostgreSQL server found: run "make deps"'
	return 1
}

# The user that the server runs as: PostgreSQL refuses to be root.
cluster_user() {
	if [ "$(id -u)" -ne 0 ]; then
		id -un
	elif id -u postgres >/dev/null 2>&1; then
		echo postgres
	else
		echo nobody
	fi
}

# Runs a command as that user.
cluster_as() {
	local user
	user=$(cluster_user)
	if [ "$(id -u)" -ne 0 ]; then
		"$@"
	elif command -v setpriv >/dev/null; then
		setpriv --reuid="$(id -u "$user")" --regid="$(id -g "$user")" --init-groups -- "$@"
	elif command -v runuser >/dev/null; then
		runuser -u "$user" -- "$@"
	else
		su -s /bin/sh "$user" -c 'exec "$0" "$@"' -- "$@"
	fi
}

# Runs a server program: in the cluster's folder, out of reach of the terminal's signals, and without
# the caller's files, because the server would hold the other end of a pipe open for its whole life.
cluster_run() (
	local fd
	cd "$CLUSTER_DIR" || exit 1
	for fd in /proc/"$BASHPID"/fd/*; do
		fd=${fd##*/}
		if [ "$fd" -gt 2 ] && [ "$fd" -ne 255 ]; then
			eval "exec $fd>&-"
		fi
	done
	umask 077
	cluster_as setsid --wait "$@" </dev/null >>"$CLUSTER_DIR/setup.log" 2>&1
)

# Sets CLUSTER_DIR to a new folder that the server's user can enter and whose name is short enough.
cluster_make_dir() {
	local base
	if [ -n "${1-}" ]; then
		mkdir -p "$1" || return 1
		CLUSTER_DIR=$(realpath "$1")
		if [ -n "$(ls -A "$CLUSTER_DIR")" ] || [ ${#CLUSTER_DIR} -gt "$CLUSTER_DIR_LENGTH" ]; then
			cluster_say "$CLUSTER_DIR: not empty, or its name is longer than $CLUSTER_DIR_LENGTH bytes"
			CLUSTER_DIR=
			return 1
		fi
	else
		base=$(realpath "${TMPDIR:-/tmp}")
		if [ ${#base} -gt $((CLUSTER_DIR_LENGTH - 20)) ] || ! (cd / && cluster_as test -x "$base"); then
			base=/tmp
		fi
		CLUSTER_DIR=$(mktemp -d "$base/idkit-pg.XXXXXX") || return 1
	fi
	: >"$CLUSTER_DIR/idkit-cluster"
	: >"$CLUSTER_DIR/setup.log"
	chmod 700 "$CLUSTER_DIR"
	[ "$(id -u)" -ne 0 ] || chown -R "$(cluster_user):" "$CLUSTER_DIR"
	if ! (cd / && cluster_as test -w "$CLUSTER_DIR"); then
		cluster_say "the user $(cluster_user) cannot enter $CLUSTER_DIR"
		return 1
	fi
}

# Debian's servers prepend extension_destdir to the folder that pg_config calls SHAREDIR.
cluster_offer_extension() {
	local bindir=$1 share folder
	CLUSTER_WITHOUT_EXTENSION=1
	share=$("$bindir/pg_config" --sharedir 2>/dev/null || pg_config --sharedir 2>/dev/null)
	case $bindir in
	/usr/lib/postgresql/*) ;;
	*) return 0 ;;
	esac
	if [ -z "$share" ] || ! grep -qs '^#extension_destdir' "$share/postgresql.conf.sample"; then
		return 0
	fi
	folder=$CLUSTER_DIR/destdir$share/extension
	mkdir -p "$folder"
	cp "${CLUSTER_SCRIPT%/*}"/e2e/fixtures/extension/idkit_probe* "$folder/" || return 0
	[ "$(id -u)" -ne 0 ] || chown -R "$(cluster_user):" "$CLUSTER_DIR/destdir"
	printf "extension_destdir = '%s'\n" "$CLUSTER_DIR/destdir" >>"$CLUSTER_DIR/data/postgresql.conf"
	CLUSTER_WITHOUT_EXTENSION=
}

cluster_configure() {
	cat >>"$CLUSTER_DIR/data/postgresql.conf" <<-END

		listen_addresses = '127.0.0.1'
		unix_socket_directories = '$CLUSTER_DIR'
		max_connections = 60
		max_prepared_transactions = 5
		wal_level = logical
		shared_buffers = 256MB
		fsync = off
		full_page_writes = off
		synchronous_commit = off
		autovacuum = off
		password_encryption = 'scram-sha-256'
		logging_collector = off
		log_line_prefix = '%m [%p] %d %a: '
	END
	if [ "$(cat "$CLUSTER_DIR/data/PG_VERSION")" -ge 11 ]; then
		echo 'jit = off' >>"$CLUSTER_DIR/data/postgresql.conf"
	fi
	cluster_offer_extension "$1"
	printf '%s\n' "${CLUSTER_CONF-}" >>"$CLUSTER_DIR/data/postgresql.conf"
	cat >"$CLUSTER_DIR/data/pg_hba.conf" <<-END
		local all all trust
		local replication all trust
		host all +pw_users 127.0.0.1/32 scram-sha-256
		host all all 127.0.0.1/32 trust
	END
}

# Finds a free port by trying: nothing else is free of races.  Below 32768, where Linux starts to
# take ports for outgoing connections.
cluster_listen() {
	local bindir=$1 try
	for try in {1..20}; do
		PGPORT=$((15000 + (RANDOM + BASHPID * 7) % 17000))
		if cluster_run "$bindir/pg_ctl" -D "$CLUSTER_DIR/data" -l "$CLUSTER_DIR/log" \
			-o "-p $PGPORT" -w -t 60 start; then
			return 0
		fi
		grep -qs 'could not bind\|could not create any TCP' "$CLUSTER_DIR/log" || return 1
		cluster_as rm -f "$CLUSTER_DIR/log"
	done
	return 1
}

# Prints what went wrong; the folder is removed by cluster_stop.
cluster_failed() {
	cluster_say "$1"
	tail -n 30 "$CLUSTER_DIR/setup.log" "$CLUSTER_DIR/log" >&2 2>/dev/null
	cluster_stop
	return 1
}

cluster_start() {
	local bindir owner=${CLUSTER_OWNER-$BASHPID}

	bindir=$(cluster_bindir) || return 1
	# shellcheck disable=SC2086
	unset ${!PG@}
	cluster_make_dir "${1-}" || { cluster_stop; return 1; }
	if [ -n "$owner" ]; then
		setsid "$BASH" "$CLUSTER_SCRIPT" watch "$owner" "$CLUSTER_DIR" </dev/null >/dev/null 2>&1 &
		CLUSTER_WATCHDOG=$!
		disown "$CLUSTER_WATCHDOG"
	fi
	if ! cluster_run "$bindir/initdb" -D "$CLUSTER_DIR/data" -A trust -N --locale=C.UTF-8 -E UTF8 \
		-U postgres; then
		cluster_failed "initdb failed ($bindir)"
		return 1
	fi
	cluster_configure "$bindir"
	if ! cluster_listen "$bindir"; then
		cluster_failed "the server did not start ($bindir)"
		return 1
	fi
	export CLUSTER_DIR PGPORT PGHOST=$CLUSTER_DIR PGUSER=postgres CLUSTER_WITHOUT_EXTENSION
	if ! psql -XAtq -d postgres -c 'CREATE ROLE pw_users NOLOGIN' >>"$CLUSTER_DIR/setup.log" 2>&1; then
		cluster_failed "psql cannot use the new server"
		return 1
	fi
}

# Stops the server in DIR (default: what cluster_start has started) and removes DIR.  May be called
# at any time, and again.
cluster_stop() {
	local dir=${1-${CLUSTER_DIR-}} pid try

	if [ -n "$dir" ] && [ -e "$dir/idkit-cluster" ]; then
		# An initdb or a server that is just starting may still be adding files.
		for try in {1..20}; do
			pid=$(head -n 1 "$dir/data/postmaster.pid" 2>/dev/null)
			[ -z "$pid" ] || cluster_end_server "$dir" "$pid"
			rm -rf "$dir" 2>/dev/null && break
			sleep 0.2
		done
	fi
	if [ -z "${1-}" ]; then
		[ -z "${CLUSTER_WATCHDOG-}" ] || kill "$CLUSTER_WATCHDOG" 2>/dev/null
		CLUSTER_DIR=
		CLUSTER_WATCHDOG=
	fi
	return 0
}

# What pg_ctl stop -m immediate does, without needing the server's programs or its user.
cluster_end_server() {
	local dir=$1 pid=$2 try
	cluster_is_server "$dir" "$pid" || return 0
	kill -QUIT "$pid" 2>/dev/null
	for try in {1..200}; do
		cluster_is_server "$dir" "$pid" || return 0
		sleep 0.05
	done
	kill -KILL "$pid" 2>/dev/null
	sleep 0.5
}

# Is PID the server whose data is in DIR?  (A process that waits to be reaped has no arguments.)
cluster_is_server() {
	local arguments=()
	mapfile -d '' -t arguments 2>/dev/null <"/proc/$2/cmdline" || return 1
	[[ " ${arguments[*]} " == *" $1/data "* ]]
}

# A process's start time, so that a recycled process id is not taken for it; nothing when it has
# ended, reaped or not.
cluster_started_at() {
	local line
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
	# shellcheck disable=SC2086 # after "pid (name) ": state is field 3, the start time field 22
	set -- ${line##*) }
	[ "$1" = Z ] || printf '%s\n' "${20}"
}

cluster_watch() {
	local owner=$1 dir=$2 started try
	cd / || return 1
	started=$(cluster_started_at "$owner")
	while [ -n "$started" ] && [ "$(cluster_started_at "$owner")" = "$started" ]; do
		[ -e "$dir" ] || return 0
		sleep 0.5
	done
	# The owner may have died in the middle of initdb or of the server's start.
	for try in {1..20}; do
		[ -e "$dir" ] || return 0
		cluster_stop "$dir"
		sleep 0.5
	done
}

cluster_main() {
	case ${1-} in
	start)
		trap 'cluster_stop; exit 1' INT TERM HUP
		CLUSTER_OWNER=${CLUSTER_OWNER-}
		cluster_start "${2-}" || return 1
		printf 'unset ${!PG@}; export CLUSTER_DIR=%q PGHOST=%q PGPORT=%q PGUSER=%q %s=%q\n' \
			"$CLUSTER_DIR" "$PGHOST" "$PGPORT" "$PGUSER" \
			CLUSTER_WITHOUT_EXTENSION "$CLUSTER_WITHOUT_EXTENSION"
		;;
	stop)
		if [ ! -e "${2-}/idkit-cluster" ]; then
			cluster_say "${2-}: not a folder that cluster.sh has made"
			return 2
		fi
		cluster_stop "$(realpath "$2")"
		;;
	watch)
		cluster_watch "$2" "$3"
		;;
	*)
		cluster_say 'usage: cluster.sh start [DIR] | stop DIR'
		return 2
		;;
	esac
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	set -u
	cluster_main "$@"
fi
