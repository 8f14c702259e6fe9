# The product's commands. `make run` needs Python 3.11 and nothing else; the rest is installed from locked, hashed requirements.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
HOUSEHOLDS ?= 3000
ADDRESS ?= 127.0.0.1:8000

.PHONY: run spark test check fix bench lock assets clean

$(VENV)/.run: requirements/run.lock pyproject.toml
	@echo "准备运行环境（只有第一次需要几十秒）…"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.spark: $(VENV)/.run requirements/build.lock requirements/spark.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-build-isolation -r requirements/spark.lock
	@touch $@

$(VENV)/.dev: $(VENV)/.run $(VENV)/.spark requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

run: $(VENV)/.run
	@$(BIN)/huqing demo --households $(HOUSEHOLDS) --serve $(ADDRESS)

spark: $(VENV)/.spark

test: $(VENV)/.dev
	@BIN=$(BIN) tools/test.sh

check: $(VENV)/.dev
	@BIN=$(BIN) tools/check.sh

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix --quiet src tests bench tools || true
	$(BIN)/ruff format --quiet src tests bench tools
	$(BIN)/python tools/generate_docs.py

bench: $(VENV)/.dev
	@$(BIN)/python bench/run.py

lock:
	for name in run build spark dev; do \
	  uv pip compile requirements/$$name.in -o requirements/$$name.lock --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11; \
	done

assets: $(VENV)/.dev
	$(BIN)/python tools/check_assets.py --build

clean:
	rm -rf $(VENV) var build dist
