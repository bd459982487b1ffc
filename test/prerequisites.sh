#!/bin/sh
# Makes sure of what the tests need beside Go: gcc (the race detector and PKCS #11 are linked through cgo), SoftHSM 2 (keys in
# a module) and the programs of a PostgreSQL server (the tests start one of their own; see store/sqldb/sqldbtest). As root on
# Debian it installs what is missing; elsewhere it says what to do, and fails.
set -u

have_gcc() {
	command -v "${CC:-gcc}" >/dev/null && echo 'int main(void){return 0;}' | "${CC:-gcc}" -x c - -o /dev/null 2>/dev/null
}

have_postgres() {
	[ -n "${COUNTERSIGN_TEST_POSTGRES:-}" ] && return 0
	for dir in "$(dirname "$(command -v postgres || echo /nowhere/postgres)")" /usr/lib/postgresql/*/bin; do
		[ -x "$dir/postgres" ] && [ -x "$dir/initdb" ] && return 0
	done
	return 1
}

have_softhsm() { # credentials/pkcs11/softhsm finds the module
	command -v softhsm2-util >/dev/null
}

install() { # package
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
	echo "installing $*"
	export DEBIAN_FRONTEND=noninteractive
	{ apt-get install -y -qq --no-install-recommends "$@" || { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; }; } >/dev/null 2>&1
}

have_gcc || install gcc libc6-dev
have_gcc || { echo 'the race detector needs gcc: install gcc and libc6-dev (Debian), or run: go test ./...' >&2; exit 1; }
have_softhsm || install softhsm2
have_softhsm || { echo 'the tests of keys in a hardware security module need SoftHSM 2: install softhsm2' >&2; exit 1; }
have_postgres || install postgresql
have_postgres || { echo 'the tests need PostgreSQL 13 or later: put its bin folder on PATH, or set COUNTERSIGN_TEST_POSTGRES to a DSN whose user may create schemas' >&2; exit 1; }
