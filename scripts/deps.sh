#!/usr/bin/env bash
#
# deps.sh [lint|bench] - installs what building and testing idkit needs on Debian 12.
#
# Does nothing, and says nothing, when all of it is there.  Needs root or sudo otherwise.  PostgreSQL
# is wanted for throw-away servers only: its packages make and start no server of their own here.
set -eu -o pipefail

packages=(gcc make pkg-config libc6-dev libpq-dev libpcre2-dev libzstd-dev zlib1g-dev libxxhash-dev
	libssl-dev libjansson-dev libarchive-dev check libpg-query-dev zstd postgresql-15 postgresql-client-15)
lint_packages=(clang clang-tidy cppcheck libclang-rt-14-dev)
bench_packages=(pgcopydb)

cluster_conf=/etc/postgresql-common/createcluster.d/idkit.conf
policy=/usr/sbin/policy-rc.d
policy_mark='# idkit deps.sh'

say() {
	printf 'deps: %s\n' "$*" >&2
}

die() {
	say "$@"
	exit 1
}

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# put FILE MODE: writes stdin there.
put() {
	as_root mkdir -p "$(dirname "$1")"
	as_root tee "$1" >/dev/null
	as_root chmod "$2" "$1"
}

# postgresql-15's installation makes a cluster "main" on port 5432 and starts it, unless these two
# files say no.  They go away again at the end, whatever happens.
hold_back_server() {
	trap release_server EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	put "$cluster_conf" 644 <<<'create_main_cluster = false'
	[ -e "$policy" ] || put "$policy" 755 <<-END
		#!/bin/sh
		$policy_mark
		case \$1 in postgresql*) exit 101 ;; esac
		exit 0
	END
}

release_server() {
	as_root rm -f "$cluster_conf"
	as_root rmdir --ignore-fail-on-non-empty "${cluster_conf%/*}" 2>/dev/null || true
	if grep -qsxF "$policy_mark" "$policy"; then
		as_root rm -f "$policy"
	fi
}

# Mirrors and networks fail now and then: three times.
apt() {
	local try
	for try in 1 2 3; do
		if as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -q -y \
			-o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@" </dev/null; then
			return 0
		fi
		say "apt-get $1 failed (try $try of 3)"
		[ "$try" -eq 3 ] || sleep $((try * 5))
	done
	return 1
}

case ${1-} in
'') ;;
lint) packages+=("${lint_packages[@]}") ;;
bench) packages+=("${bench_packages[@]}") ;;
*) die "usage: deps.sh [lint|bench]" ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	say "this is not Debian: install the equivalents of these yourself: ${packages[*]}"
	exit 0
fi

missing=()
for package in "${packages[@]}"; do
	is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
	die "missing: ${missing[*]}. Neither root nor sudo here: as root, run" \
		"\"apt-get install ${missing[*]}\""
fi

say "installing ${missing[*]}"
is_installed postgresql-15 || hold_back_server
apt update >&2 || die "apt-get update failed three times: is the network there?"
apt install --no-install-recommends "${missing[@]}" >&2 ||
	die "installation failed three times: ${missing[*]} (see apt-get's messages above)"
say "done"
