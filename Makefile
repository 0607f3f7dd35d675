# Everything that is done with this checkout. Wanted: Python 3.11 or newer with venv, and make; the rest is fetched.
# `PYTHON=python3.12 make up` takes another Python.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url

.DEFAULT_GOAL := help
.PHONY: help up down test check format types imports units bench compose-test lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(READY) ## RabbitMQ, the web tier and WORKERS=4 workers, until Ctrl-C
	@exec $(BIN)/fairway up

down: $(READY) ## stop what `make up` left behind (PURGE=1: remove its data too)
	@$(BIN)/fairway down $(if $(PURGE),--purge)

test: $(READY) ## all tests, against a real RabbitMQ
	$(BIN)/pytest

check: $(READY) ## format, lint, types, imports, and the tests that need no broker
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target format types imports units

format: $(READY)
	$(BIN)/ruff format --check
	$(BIN)/ruff check

types: $(READY)
	$(BIN)/mypy
	$(BIN)/pyright

imports: $(READY)
	$(BIN)/lint-imports

units: $(READY)
	$(BIN)/pytest --quiet tests/unit tests/architecture tests/typing

bench: $(READY) ## messages a second and CPU a job, next to the floor
	$(BIN)/python -m benchmarks

compose-test: $(READY) ## what deploy/docker-compose.yml promises, asked of the real thing (needs Docker)
	$(BIN)/pytest tests/e2e/compose/checks.py

lock: ## the lock files anew from pyproject.toml
	$(PYTHON) -m venv .cache/lock
	.cache/lock/bin/pip install --quiet --disable-pip-version-check uv
	.cache/lock/bin/$(COMPILE) --all-extras --group dev --upgrade pyproject.toml --output-file requirements.lock
	.cache/lock/bin/$(COMPILE) --extra web --extra fast --extra samples --constraint requirements.lock pyproject.toml --output-file deploy/requirements.lock
	echo 'hatchling>=1.27' | .cache/lock/bin/$(COMPILE) --constraint requirements.lock - --output-file deploy/build.lock

clean: ## remove the virtual environment and all caches; data of `make up` stays
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Exactly the versions and hashes of the lock file; the last step adds the command `fairway`.
$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Fairway needs Python 3.11 or newer: PYTHON=python3.12 make ..." >&2; exit 1; }
	@echo "making $(VENV) from requirements.lock (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)
