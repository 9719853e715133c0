#!/usr/bin/env bash
# psql, psycopg 3 and PostgreSQL's JDBC driver ask a served store. Installs what is missing: psql, a
# Python environment, a JDK, the JDBC driver. Ends with `N passed, N failed`, and fails if any did.
#
# THRONG_BIN       the binary to serve with; built from this tree when absent
# THRONG_JDBC_JAR  the JDBC driver; found, or installed, when absent
# THRONG_CI_CACHE  where the Python environment and a downloaded driver are kept
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${THRONG_CI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/throng-ci}
mkdir -p "$cache"
work=$(mktemp -d)
server=

finish() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT

die() { printf 'tests/clients: %s\n' "$*" >&2; exit 1; }

# --- prerequisites

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

updated=
apt_install() { # apt_install PACKAGE...
  command -v apt-get >/dev/null || return 1
  printf 'installing %s\n' "$*"
  if DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq "$@" >"$work/apt.log" 2>&1; then
    return 0
  fi
  if [ -z "$updated" ]; then
    updated=yes
    as_root apt-get update -qq >>"$work/apt.log" 2>&1 || true
    if DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq "$@" >>"$work/apt.log" 2>&1
    then return 0; fi
  fi
  tail -n 5 "$work/apt.log" >&2
  return 1
}

command -v psql >/dev/null || apt_install postgresql-client || die "psql is missing"
command -v python3 >/dev/null || apt_install python3 python3-venv || die "python3 is missing"
command -v javac >/dev/null || apt_install default-jdk-headless || die "a JDK is missing"

venv=$cache/psycopg-venv
if ! "$venv/bin/python" -c 'import psycopg; assert psycopg.__version__.startswith("3.")' 2>/dev/null
then
  rm -rf "$venv"
  python3 -m venv "$venv" || { apt_install python3-venv && python3 -m venv "$venv"; } ||
    die "no Python environment can be made"
  "$venv/bin/pip" install --quiet --disable-pip-version-check 'psycopg[binary]>=3.1,<4' ||
    die "psycopg cannot be installed"
fi

find_jar() {
  local jar
  for jar in "${THRONG_JDBC_JAR:-}" "$cache"/postgresql-*.jar /usr/share/java/postgresql.jar; do
    if [ -f "$jar" ]; then printf '%s' "$jar"; return 0; fi
  done
  return 1
}
jar=$(find_jar) || {
  apt_install libpostgresql-jdbc-java || {
    command -v mvn >/dev/null || apt_install maven || die "neither the JDBC driver nor Maven"
    mvn -q -B dependency:copy -Dartifact=org.postgresql:postgresql:42.7.7 \
      -DoutputDirectory="$cache" || die "the JDBC driver cannot be downloaded"
  }
  jar=$(find_jar) || die "the JDBC driver was not found"
}

# --- a store, served

bin=${THRONG_BIN:-}
if [ -z "$bin" ]; then
  (cd "$root" && cargo build --quiet --package throng-server --bin throng)
  bin=${CARGO_TARGET_DIR:-$root/target}/debug/throng
fi
data=$work/store
"$bin" --data "$data" create >"$work/create.log" || die "no store: $(cat "$work/create.log")"

serve() {
  "$bin" --data "$data" serve --listen 127.0.0.1:0 >"$work/serve.out" 2>"$work/serve.err" &
  server=$!
  local tries=0
  until grep -q 'psql -h' "$work/serve.out"; do
    kill -0 "$server" 2>/dev/null || die "the server ended: $(cat "$work/serve.err")"
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || die "the server does not say where it listens"
    sleep 0.1
  done
  PGPORT=$(sed -n 's/.*psql -h 127.0.0.1 -p \([0-9]*\).*/\1/p' "$work/serve.out")
}

results=$work/results
: >"$results"
report() { # report STATUS NAME
  printf '%s %s\n' "$1" "$2" | tee -a "$results"
}

serve
export PGPORT PGHOST=127.0.0.1 PGUSER=throng PGDATABASE=throng PGCLIENTENCODING=UTF8
export PGCONNECT_TIMEOUT=10 LC_ALL=C.UTF-8 PSQLRC=/dev/null
psql -qAt -v ON_ERROR_STOP=1 -c "\\copy events (consumer, brand, behaviour, time, amount) \
from '$here/events.csv' with (format csv, header)" || die "the events were not taken"

# --- the clients: each prints `ok NAME` or `FAILED NAME` for each of its checks

client() { # client NAME COMMAND...
  local name=$1 code=0
  shift
  timeout 300 "$@" >"$work/$name.out" 2>"$work/$name.err" || code=$?
  sed -n "s/^\(ok\|FAILED\) \(.*\)$/\1 $name: \2/p" "$work/$name.out" | tee -a "$results"
  if [ "$code" != 0 ] || ! grep -q '^ok ' "$work/$name.out"; then
    printf -- '--- %s ended with %s\n' "$name" "$code"
    cat "$work/$name.out" "$work/$name.err"
    grep -q '^FAILED ' "$work/$name.out" || report FAILED "$name: ended with $code"
  fi
}

client psql bash "$here/psql.sh"
client psycopg "$venv/bin/python" "$here/psycopg_client.py"
client jdbc java -cp "$jar" "$here/Jdbc.java"

# --- the end of the server

if "$bin" --data "$work/other" serve --listen 0.0.0.0:0 >"$work/open.out" 2>&1; then
  report FAILED "serve: refuses other addresses than loopback"
elif grep -q 'until there is authentication' "$work/open.out"; then
  report ok "serve: refuses other addresses than loopback"
else
  cat "$work/open.out"
  report FAILED "serve: refuses other addresses than loopback"
fi

before=$(psql -qAt -c 'COUNT BY estee.stage')
kill "$server"
code=0
wait "$server" || code=$?
server=
if [ "$code" = 0 ]; then report ok "serve: ends on SIGTERM"
else cat "$work/serve.err"; report FAILED "serve: ends on SIGTERM, with $code"; fi
serve
after=$(psql -qAt -c 'COUNT BY estee.stage')
if [ -n "$before" ] && [ "$before" = "$after" ]; then report ok "serve: answers the same again"
else report FAILED "serve: answers the same again"; fi
kill "$server"
wait "$server" || report FAILED "serve: ends a second time"
server=

passed=$(grep -c '^ok ' "$results" || true)
failed=$(grep -c '^FAILED ' "$results" || true)
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
