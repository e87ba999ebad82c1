# make demo   makes a virtual environment, installs the base package and runs the main job on the package's own data
# make test   makes a virtual environment, installs everything and runs all checks and tests
# make check  runs only ruff and mypy
# make docs   builds the site of the documentation into build/docs, without network once Sphinx is installed
# make benchmarks DATA=FOLDER   measures again what takes minutes, and makes the page of it: benchmarks/README.md
# make dist   builds the sdist and the wheel into dist/, checks both, and tries the wheel in an empty environment
#
# This file needs GNU make 3.81 or newer. For systems without make, such as Windows, CONTRIBUTING.md has the commands.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= demo

BASE_SIZE := 0.6
DOCS_SIZE := 0.7
DEV_SIZE := 9
RELEASE_SIZE := 0.7

# This line is printed at the end, because pip's own message about a full disk is hidden among many other lines.
ROOM = $(BIN)/python -c 'import shutil; print("Installing failed. It needs about $(1) GB of disk;", \
  round(shutil.disk_usage(".").free / 1e9, 1), "GB are free here.")'

# Tests run in a process for each core, at most four: each process takes about 1.5 GB of memory. A process that has no
# tests left takes some of another's.
SIDE_BY_SIDE := -n logical --maxprocesses 4 --dist worksteal

.PHONY: demo test check format docs check-docs benchmarks dist clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed-base
	@echo "== The demo: carve, render, index and query 100 characters; half a minute to two minutes"
	$(BIN)/sinonom demo "$(OUT)"

test: check
	@echo "== The tests, about four thousand; 5 to 10 minutes on two cores"
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

check: $(VENV)/.installed-dev
	@echo "== Format, style and types; up to a minute, the first time two"
	$(BIN)/ruff format --check sinonom_cli tests tools benchmarks docs
	$(BIN)/ruff check sinonom_cli tests tools benchmarks docs
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix sinonom_cli tests tools benchmarks docs
	$(BIN)/ruff format sinonom_cli tests tools benchmarks docs

docs: $(VENV)/.installed-docs
	@echo "== The site; a quarter of a minute. Every warning is an error"
	$(BIN)/python -m sphinx -b html -n -W --keep-going -q docs build/docs
	@echo "build/docs/index.html"

check-docs: $(VENV)/.installed-dev docs
	@echo "== Commands, links, pictures and words of the documentation; the pages' commands run, one to two minutes"
	$(BIN)/python -m pytest tests/docs

benchmarks: $(VENV)/.installed-dev
	@echo "== The benchmarks: ten to thirty minutes; the test data are in DATA (benchmarks/run_all.py says which)"
	$(BIN)/python benchmarks/run_all.py $(if $(DATA),--data "$(DATA)")

dist: $(VENV)/.installed-release
	@echo "== Build, check and try the sdist and the wheel: 0.6 GB of disk meanwhile, three to ten minutes"
	$(BIN)/python tools/dist.py dist

clean:
	rm -rf demo build dist .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "sinonom needs Python 3.11 or newer: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments: apt install python3-venv, or make PYTHON=/path/to/python3"; exit 1; }
	@echo "== Making a virtual environment in $(VENV); this takes some seconds"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-base: $(VENV)/bin/python pyproject.toml
	@echo "== Installing the base package: $(BASE_SIZE) GB of disk, one to five minutes; pip is silent meanwhile"
	@echo $(BIN)/python -m pip install --quiet --editable .
	@$(BIN)/python -m pip install --quiet --editable . || { $(call ROOM,$(BASE_SIZE)); exit 1; }
	touch $@

$(VENV)/.installed-docs: $(VENV)/bin/python pyproject.toml
	@echo "== Installing Sphinx and the base package: $(DOCS_SIZE) GB of disk, one to five minutes; pip is silent meanwhile"
	@echo $(BIN)/python -m pip install --quiet --editable '".[docs]"'
	@$(BIN)/python -m pip install --quiet --editable ".[docs]" || { $(call ROOM,$(DOCS_SIZE)); exit 1; }
	touch $@ $(VENV)/.installed-base

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml
	@echo "== Installing everything for the tests: $(DEV_SIZE) GB of disk, 5 to 20 minutes; pip is silent meanwhile"
	@echo $(BIN)/python -m pip install --quiet --editable ".[dev]"
	@$(BIN)/python -m pip install --quiet --editable ".[dev]" || { $(call ROOM,$(DEV_SIZE)); exit 1; }
	touch $@ $(VENV)/.installed-base $(VENV)/.installed-docs

$(VENV)/.installed-release: $(VENV)/bin/python pyproject.toml
	@echo "== Installing what builds and checks a release: $(RELEASE_SIZE) GB of disk, two to six minutes; pip is silent meanwhile"
	@echo $(BIN)/python -m pip install --quiet --editable ".[release]"
	@$(BIN)/python -m pip install --quiet --editable ".[release]" || { $(call ROOM,$(RELEASE_SIZE)); exit 1; }
	touch $@ $(VENV)/.installed-base
