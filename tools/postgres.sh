#!/usr/bin/env bash
# Start or stop a private PostgreSQL 15 for tests and benchmarks: own folder, own port, loopback only.
# `start` prints a line for eval that sets HUQING_TEST_POSTGRES.
set -euo pipefail
folder=${HUQING_TEST_PG_FOLDER:-/tmp/huqing-postgres-$(id -u)}
port=${HUQING_TEST_PG_PORT:-54329}
bin=/usr/lib/postgresql/15/bin
[ -d "$bin" ] || bin=$(dirname "$(command -v postgres)")
as_owner() { if [ "$(id -u)" = 0 ]; then su postgres -s /bin/bash -c "$*"; else bash -c "$*"; fi; }

case ${1:-} in
start)
  if [ ! -f "$folder/data/PG_VERSION" ]; then
    mkdir -p "$folder"
    [ "$(id -u)" = 0 ] && chown postgres "$folder"
    as_owner "$bin/initdb -D $folder/data -U huqing -E UTF8 --locale=C.UTF-8 -A trust" >/dev/null
  fi
  if ! as_owner "$bin/pg_isready -q -h 127.0.0.1 -p $port"; then
    as_owner "$bin/pg_ctl -D $folder/data -w -l $folder/log -o '-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=512MB -c max_wal_size=4GB -c maintenance_work_mem=256MB -c max_connections=200' start" >/dev/null
  fi
  as_owner "$bin/psql -h 127.0.0.1 -p $port -U huqing -d postgres -tAc \"select 1 from pg_database where datname='huqing'\"" | grep -q 1 ||
    as_owner "$bin/createdb -h 127.0.0.1 -p $port -U huqing huqing"
  echo "export HUQING_TEST_POSTGRES=postgresql://huqing@127.0.0.1:$port/huqing"
  ;;
stop)
  as_owner "$bin/pg_ctl -D $folder/data -m fast stop" >/dev/null 2>&1 || true
  ;;
*)
  echo "用法：tools/postgres.sh start|stop" >&2
  exit 2
  ;;
esac
