# make demo   a virtual environment, the base package, the main job on what ships with it
# make test   a virtual environment, everything, all checks and tests
# make check  ruff and mypy alone

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= demo

# What pip says of a full disk stands below a hundred lines of other things.
ROOM = $(BIN)/python -c 'import shutil; print("Installing failed. It takes some $(1) GB of disk;", \
  round(shutil.disk_usage(".").free / 1e9, 1), "GB are free here.")'

.PHONY: demo test check format clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed-base
	$(BIN)/sinonom demo $(OUT)

test: check
	$(BIN)/python -m pytest

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check sinonom_cli tests benchmarks
	$(BIN)/ruff check sinonom_cli tests benchmarks
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix sinonom_cli tests benchmarks
	$(BIN)/ruff format sinonom_cli tests benchmarks

clean:
	rm -rf demo build dist .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "sinonom needs Python 3.11 or newer: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-base: $(VENV)/bin/python pyproject.toml
	@echo $(BIN)/python -m pip install --quiet --editable .
	@$(BIN)/python -m pip install --quiet --editable . || { $(call ROOM,2); exit 1; }
	touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml
	@echo $(BIN)/python -m pip install --quiet --editable ".[dev]"
	@$(BIN)/python -m pip install --quiet --editable ".[dev]" || { $(call ROOM,9); exit 1; }
	touch $@ $(VENV)/.installed-base
