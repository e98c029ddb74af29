# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.locked
SCANNER := $(VENV)/.scanner
DEMO_HOME := var/demo
DURATION ?= 300
SEED ?= $(shell date +%s)
NODES ?= 1
PEERS := .venv-peers
# A module of tests stays on one worker; tests/conftest.py says which modules stay together, and what comes first.
PARALLEL := --maxprocesses 4 --no-loadscope-reorder --numprocesses
# Tests start programs by the hundred: what these import is compiled once.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test unit spec check check-types check-rest fix bench faults up down lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(STAMP): requirements.lock pyproject.toml
	@if command -v uv >/dev/null; then uv venv --quiet --allow-existing --python '>=3.11' $(VENV); \
	else $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --require-hashes --no-deps \
	  -r <(awk '/^uv==/{keep=1} /^[a-z]/ && !/^uv==/{keep=0} keep' requirements.lock); fi
	@uv=$$(command -v uv || echo $(BIN)/uv); \
	$$uv pip sync --python $(BIN)/python --compile-bytecode --require-hashes requirements.lock && \
	$$uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The compiled part of streams/fast: where it cannot be built, all works without it, slower.
$(SCANNER): $(STAMP) $(shell find streams/fast/scanner -name '*.rs' -o -name crates.lock -o -name '*.toml' -o -name build)
	@if ! command -v cargo >/dev/null; then echo "No Rust compiler here: the intake does without its scanner, slower."; \
	elif ! { mkdir -p build && PATH="$(CURDIR)/$(BIN):$$PATH" streams/fast/scanner/build build/scanner >build/scanner.log 2>&1; }; then \
	  cat build/scanner.log; echo "The scanner was not built: the intake does without it, slower."; \
	else uv=$$(command -v uv || echo $(BIN)/uv); \
	  $$uv pip install --python $(BIN)/python --quiet --no-deps --reinstall build/scanner/*.whl; fi
	@touch $@

demo: $(SCANNER) ## From an empty machine to a validated release; leaves the stack up
	$(BIN)/b12 demo --home $(DEMO_HOME)

test: $(SCANNER) ## The whole suite, on a real broker
	$(BIN)/python -m pytest $(PARALLEL) 4 # of which most wait for processes

unit: $(SCANNER) ## The quick part: single rooms, no broker
	$(BIN)/python -m pytest $(PARALLEL) auto tests/unit

spec: $(SCANNER) ## What the rules, the mappings and the models say, over small cohorts
	$(BIN)/python -m pytest $(PARALLEL) auto tests/spec tests/models

check: $(STAMP) ## Format, lint, types, import directions, generated files; edits nothing
	@$(MAKE) --no-print-directory --jobs 2 check-types check-rest

check-types:
	$(BIN)/mypy

check-rest:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	@if cargo fmt --version >/dev/null 2>&1; then cargo fmt --check --manifest-path streams/fast/scanner/Cargo.toml; fi
	$(BIN)/python -m b12.generated --check

fix: $(STAMP) ## Format, mend what lint can mend, write the generated files again
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	@if cargo fmt --version >/dev/null 2>&1; then cargo fmt --manifest-path streams/fast/scanner/Cargo.toml; fi
	$(BIN)/python -m b12.generated

# Quix Streams pins other versions than we do, so it gets an environment of its own.
$(PEERS)/.locked: bench/peers.lock $(STAMP)
	@uv=$$(command -v uv || echo $(BIN)/uv); \
	$$uv venv --quiet --allow-existing --python $(BIN)/python $(PEERS) && \
	$$uv pip sync --python $(PEERS)/bin/python --require-hashes bench/peers.lock
	@touch $@

bench: $(SCANNER) $(PEERS)/.locked ## Measure the intake beside its peers; ONLY=, EVENTS= and RUNS= choose
	$(BIN)/python -m bench $(addprefix --only ,$(ONLY)) $(addprefix --events ,$(EVENTS)) $(addprefix --runs ,$(RUNS))

faults: $(SCANNER) ## Kill, stop and fill what can be for DURATION seconds by SEED, then count what is lost or doubled
	$(BIN)/python -m tests.faults --seconds $(DURATION) --seed $(SEED) --nodes $(NODES)

up: $(SCANNER) ## Start broker, workers and Dagster under ./var
	$(BIN)/b12 up

down: $(STAMP) ## Stop them
	$(BIN)/b12 down

lock: ## Resolve the dependencies anew into requirements.lock
	uv pip compile pyproject.toml --all-extras --group dev --universal --generate-hashes --no-emit-index-url --python-version 3.11 --output-file requirements.lock --quiet --upgrade
	uv pip compile bench/peers.in --universal --generate-hashes --no-emit-index-url --python-version 3.11 --output-file bench/peers.lock --quiet --upgrade

clean: ## Remove the environment and all local state
	rm -rf $(VENV) $(PEERS) var build dist
