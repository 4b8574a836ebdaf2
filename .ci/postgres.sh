#!/usr/bin/env bash
# Makes sure that a PostgreSQL server's programs are installed; starts nothing, since each test
# starts a server of its own. Safe to repeat and to race; takes no time where they are there.
set -euo pipefail

say() { printf 'postgres: %s\n' "$*" >&2; }

programs() {
  local found=
  for bin in /usr/lib/postgresql/*/bin; do
    if [ -x "$bin/initdb" ] && [ -x "$bin/pg_ctl" ] && [ -x "$bin/postgres" ]; then found="$bin"; fi
  done
  [ -n "$found" ] && echo "$found"
}

if bin="$(programs)"; then
  say "$("$bin/postgres" --version) is there"
  exit 0
fi

if [ "$(id -u)" -ne 0 ]; then
  say "no server is installed, and only root can install one. Install postgresql, or run this script as root."
  exit 1
fi

mkdir -p /run/lock
exec 9>/run/lock/waybill-postgres
flock 9

if ! programs >/dev/null; then
  say "installing postgresql"
  export DEBIAN_FRONTEND=noninteractive
  # Without the cluster that the package would make and start.
  mkdir -p /etc/postgresql-common/createcluster.d
  echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/waybill.conf
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends postgresql >/dev/null
fi

bin="$(programs)" || { say "postgresql was installed, and its programs are not under /usr/lib/postgresql."; exit 1; }
say "$("$bin/postgres" --version) is installed"
