# The same commands for people and CI. Each sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help chromium setup demo test lint format bench bench-quick digits-model clean
help:
	@echo "make demo    set up, train on the default data, score, recognise a few pictures"
	@echo "make test    set up, run the tests"
	@echo "make setup   .venv with imagewise, editable, and everything for development"
	@echo "make lint    ruff and mypy"
	@echo "make format  let ruff put the code in order"
	@echo "make digits-model  train the recogniser that ships anew, write docs/model-card.md (needs IMAGEWISE_DATA)"
	@echo "make bench   measure imagewise beside its peers, write docs/benchmarks.md (hours; needs MNIST)"
	@echo "make bench-quick  the same in at most ten minutes"

setup: .venv/.everything

# Installed by the versions that were tested (constraints.txt). Made anew when either file changes.
.venv/.base: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[train]'
	touch $@

.venv/.everything: .venv/.base
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[train,tensorflow,tables,serve,dev]'
	touch $@

demo: .venv/.base
	$(BIN)/python examples/demo.py

# The page's tests run in Debian's Chromium; where it cannot be installed they are skipped.
chromium:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq \
	  && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 || true

test: .venv/.everything chromium
	$(BIN)/python -m pytest -n 2

lint: .venv/.everything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/.everything
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The peers need JAX too. Pieces of it: see docs/benchmarks.md.
.venv/.bench: .venv/.everything
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	touch $@

bench: .venv/.bench
	$(BIN)/python -m benchmarks.bench

bench-quick: .venv/.bench
	$(BIN)/python -m benchmarks.bench --quick

digits-model: .venv/.everything
	$(BIN)/python benchmarks/digits_model.py

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
