#!/usr/bin/env bash
# The whole suite: on SQLite, then on a real PostgreSQL 15, browser tests included. Where the machine is Debian and we are root,
# what is missing is installed by package name; elsewhere it is named and the tests that need it are left out (never in CI).
set -euo pipefail
cd "$(dirname "$0")/.."
BIN=${BIN:-.venv/bin}
CI=${CI:-}
skipped=()

have_pg() { [ -x /usr/lib/postgresql/15/bin/postgres ] || command -v postgres >/dev/null 2>&1; }
have_browser() { command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1; }
have_java() { command -v java >/dev/null 2>&1; }
have_fonts() { command -v fc-list >/dev/null 2>&1 && [ -n "$(fc-list :lang=zh 2>/dev/null | head -1)" ]; }

wanted=()
have_pg || wanted+=(postgresql-15)
have_browser || wanted+=(chromium)
have_fonts || wanted+=(fontconfig fonts-noto-cjk)
have_java || wanted+=(openjdk-17-jre-headless)
if [ ${#wanted[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "安装测试所需的系统软件：${wanted[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
fi
have_pg || skipped+=("PostgreSQL 15（未安装：PostgreSQL 上的测试没有运行）")
have_browser || skipped+=("Chromium（未安装：浏览器测试没有运行）")
have_java || skipped+=("Java 17（未安装：Spark 上的规则测试没有运行）")
if [ -n "$CI" ] && [ ${#skipped[@]} -gt 0 ]; then
  printf '缺少：%s\n' "${skipped[@]}"
  exit 1
fi

leave_out=()
have_browser || leave_out+=(browser)
have_java || leave_out+=(spark)
marker=()
[ ${#leave_out[@]} -eq 0 ] || marker=(-m "not $(printf '%s' "${leave_out[0]}${leave_out[1]:+ and not ${leave_out[1]}}")")
workers=${HUQING_TEST_WORKERS:-$(nproc)}

postgres_url=""
if have_pg; then
  eval "$(tools/postgres.sh start)"
  trap 'tools/postgres.sh stop' EXIT
  postgres_url=$HUQING_TEST_POSTGRES
fi

echo "== SQLite =="
HUQING_DATABASE="" HUQING_TEST_POSTGRES="$postgres_url" "$BIN/python" -m pytest -q -n "$workers" --dist worksteal "${marker[@]}" "$@"
if [ -n "$postgres_url" ]; then
  echo "== PostgreSQL 15 =="
  # Plain-Python packages know no database, so they are not run twice.
  HUQING_DATABASE="$postgres_url" HUQING_TEST_POSTGRES="$postgres_url" "$BIN/python" -m pytest -q -n "$workers" --dist worksteal "${marker[@]}" \
    --ignore tests/standards --ignore tests/rules --ignore tests/policies --ignore tests/spec --ignore tests/matching \
    --ignore tests/papers --ignore tests/demo --ignore tests/packs "$@"
fi
if [ ${#skipped[@]} -gt 0 ]; then printf '没有运行：%s\n' "${skipped[@]}"; fi
