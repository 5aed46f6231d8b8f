#!/bin/sh
# Runs a command with a MariaDB of its own:
#
#   scripts/mariadb.sh CMD [ARG...]
#
# The server lives in a temporary directory, on a socket there, and is removed afterwards; the command finds it in
# MASKLINE_TEST_MYSQL (a DSN without a database: tests make their own). The exit code is the command's. A MASKLINE_TEST_MYSQL that is set
# already is used as it is. As root, Debian's mariadb-server is installed where it is missing. Where no MariaDB can be had, one line says
# so and the command runs without.
set -u

if [ $# -eq 0 ]; then
	echo "usage: $0 CMD [ARG...]" >&2
	exit 2
fi
if [ -n "${MASKLINE_TEST_MYSQL:-}" ]; then
	exec "$@"
fi

without() {
	echo "scripts/mariadb.sh: the MySQL tests are skipped: $1" >&2
	shift
	exec "$@"
}

find_server() {
	for name in mariadbd mysqld; do
		for dir in /usr/sbin /usr/local/sbin /usr/libexec /usr/bin; do
			if [ -x "$dir/$name" ] && "$dir/$name" --version 2>/dev/null | grep -qi mariadb; then
				echo "$dir/$name"
				return 0
			fi
		done
	done
	return 1
}

if ! server=$(find_server); then
	if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
		echo "scripts/mariadb.sh: installing mariadb-server" >&2
		log=$(mktemp)
		# policy-rc.d would be the clean way to keep the service down; RUNLEVEL=1 does it without leaving a file behind.
		{ apt-get update && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends mariadb-server; } >"$log" 2>&1 || tail -n 3 "$log" >&2
		rm -f "$log"
	fi
	server=$(find_server) || without "there is no mariadbd (Debian: apt-get install mariadb-server)" "$@"
fi
install_db=$(command -v mariadb-install-db || command -v mysql_install_db) || without "there is no mariadb-install-db" "$@"

dir=$(mktemp -d "${TMPDIR:-/tmp}/maskline-mariadb.XXXXXX") || exit 1
pid=
child=
stop() {
	if [ -n "$pid" ]; then
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
		pid=
	fi
	rm -rf "$dir"
}
trap stop EXIT
trap '[ -n "$child" ] && kill "$child" 2>/dev/null; exit 130' INT
trap '[ -n "$child" ] && kill "$child" 2>/dev/null; exit 143' TERM HUP

user=$(id -un)
"$install_db" --no-defaults --auth-root-authentication-method=normal --skip-test-db --user="$user" --datadir="$dir/data" >"$dir/install.log" 2>&1 || {
	tail -n 3 "$dir/install.log" >&2
	stop
	trap - EXIT
	without "mariadb-install-db failed" "$@"
}

# Durable settings stay at their defaults, so that the tests and benchmarks see what an operator's server does.
"$server" --no-defaults --user="$user" --datadir="$dir/data" --socket="$dir/sock" --pid-file="$dir/pid" --log-error="$dir/error.log" \
	--skip-networking --skip-name-resolve --max-connections=500 --innodb-buffer-pool-size=1G \
	--innodb-log-file-size=64M >/dev/null 2>&1 &
pid=$!

tries=0
until mariadb --no-defaults --socket="$dir/sock" --user=root --execute='SELECT 1' >/dev/null 2>&1; do
	tries=$((tries + 1))
	if [ $tries -gt 150 ] || ! kill -0 "$pid" 2>/dev/null; then
		tail -n 5 "$dir/error.log" >&2
		stop
		trap - EXIT
		without "mariadbd did not start" "$@"
	fi
	sleep 0.2
done

MASKLINE_TEST_MYSQL="root@unix($dir/sock)/"
export MASKLINE_TEST_MYSQL
"$@" &
child=$!
wait "$child"
code=$?
exit $code
