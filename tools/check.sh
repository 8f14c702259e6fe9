#!/usr/bin/env bash
# Everything that can be checked without running the product; `make fix` repairs what a tool can repair.
set -uo pipefail
cd "$(dirname "$0")/.."
BIN=${BIN:-.venv/bin}
failed=()
step() { local name=$1; shift; if out=$("$@" 2>&1); then echo "✓ $name"; else echo "✗ $name"; echo "$out"; failed+=("$name"); fi; }
export HUQING_DATA=${TMPDIR:-/tmp}/huqing-check DJANGO_SETTINGS_MODULE=huqing.site.settings
mkdir -p "$HUQING_DATA"
step "ruff check" "$BIN/ruff" check src tests bench tools
step "ruff format" "$BIN/ruff" format --check src tests bench tools
step "mypy (strict)" "$BIN/mypy"
step "import contracts" "$BIN/lint-imports"
step "django checks" "$BIN/django-admin" check
step "migrations complete" "$BIN/django-admin" makemigrations --check --dry-run
step "conventions" "$BIN/python" -m pytest -q -p no:cacheprovider tests/test_conventions.py
step "built assets" "$BIN/python" tools/check_assets.py
step "generated docs" "$BIN/python" tools/generate_docs.py --check
if [ ${#failed[@]} -gt 0 ]; then echo "未通过：${failed[*]}"; exit 1; fi
