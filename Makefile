# The same commands for people and CI. Each installs what it needs.
PYTHON ?= python3
CHROMIUM ?= yes
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt

.PHONY: help chromium setup demo article test prove lint format dist bench bench-quick digits-model clean
help:
	@echo "make demo          set up, read a sheet of digits, train, test on other people's pens: a few minutes"
	@echo "make article       set up TensorFlow, run the article step by step, and compare its figures with yours"
	@echo "make test          set up, run the tests in random order"
	@echo "make prove         run the slow proofs, which make test leaves out"
	@echo "make setup         create .venv with imagewise (editable) and all development tools"
	@echo "make lint          check the code with ruff and mypy"
	@echo "make format        format the code with ruff"
	@echo "make dist          build the wheel and the source archive into dist/"
	@echo "make digits-model  retrain the built-in digit model, write docs/model-card.md (needs IMAGEWISE_DATA)"
	@echo "make bench         measure imagewise and its peers, write docs/benchmarks.md (takes hours; needs MNIST)"
	@echo "make bench-quick   a shorter version of make bench (at most ten minutes)"
	@echo "make clean         remove .venv, caches and build output"
	@echo "With another Python: make demo PYTHON=python3.12"

setup: .venv/.everything

.venv/.made:
	@sh scripts/preflight.sh "$(PYTHON)" 200 "make $(MAKECMDGOALS)"
	$(PYTHON) -m venv .venv
	@touch $@

# Installs the tested versions (constraints.txt); runs again when pyproject.toml or constraints.txt changes.
.venv/.base: pyproject.toml constraints.txt | .venv/.made
	@sh scripts/preflight.sh "$(PYTHON)" 1500 "make $(MAKECMDGOALS)"
	@echo "Installing PyTorch and about 50 packages into .venv. The download is about 0.3 GB."
	@[ "$$(uname)" != Linux ] || command -v nvidia-smi >/dev/null || [ -n "$$PIP_EXTRA_INDEX_URL" ] || { \
	  echo "On Linux, PyPI's PyTorch brings CUDA: about 3 GB. Without a GPU, stop this (Ctrl-C) and type for the small one:"; \
	  echo "    PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make $(MAKECMDGOALS)"; }
	$(PIP) --editable '.[train,serve]'
	@touch $@

.venv/.article: pyproject.toml constraints.txt | .venv/.made
	@sh scripts/preflight.sh "$(PYTHON)" 2500 "make $(MAKECMDGOALS)"
	@echo "Installing TensorFlow and about 60 packages into .venv. The download is about 0.4 GB."
	$(PIP) --editable '.[tensorflow]'
	@touch $@

.venv/.everything: .venv/.base
	@sh scripts/preflight.sh "$(PYTHON)" 2500 "make $(MAKECMDGOALS)"
	@echo "Installing TensorFlow and the development tools into .venv. The download is about 0.5 GB."
	$(PIP) --quiet --editable '.[train,tensorflow,tables,serve,audit,robustness,dev]'
	@touch $@

demo: .venv/.base
	$(BIN)/python examples/demo.py

article: .venv/.article
	$(BIN)/python examples/article.py

# Browser tests need Debian's Chromium. If it is not there they are skipped, and the last line of the tests counts them.
chromium:
ifeq ($(CHROMIUM),yes)
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && { \
	  echo "Installing Chromium with apt-get for the browser tests (about 100 MB). To do without: make test CHROMIUM=no"; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >&2; } || \
	  echo "Chromium is not installed, so the browser tests will be skipped. On Debian: sudo apt-get install chromium"
endif

# Hundreds of processes are started, so that bytecode is kept even where the environment forbids it.
test: .venv/.everything chromium
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist worksteal

# pytest ends with 5 if it finds no test.
prove: .venv/.everything
	@$(BIN)/python -m pytest -m prove -n 1 || { [ $$? = 5 ] && echo "There are no slow proofs yet."; }

lint: .venv/.everything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/.everything
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/.dist: pyproject.toml constraints.txt | .venv/.made
	$(PIP) --quiet build
	@touch $@

dist: .venv/.dist
	rm -rf dist build
	$(BIN)/python -m build
	@ls -l dist

# The peers also need JAX. docs/benchmarks.md says how to run a part of the benchmarks.
.venv/.bench: .venv/.everything
	$(PIP) --quiet --editable '.[bench]'
	@touch $@

bench: .venv/.bench
	$(BIN)/python -m benchmarks.bench

bench-quick: .venv/.bench
	$(BIN)/python -m benchmarks.bench --quick

digits-model: .venv/.everything
	$(BIN)/python -m benchmarks.handwriting.font_packages
	$(BIN)/python -m benchmarks.digits_model

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
