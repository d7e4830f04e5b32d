# Needs Python 3.11 or newer, make and git; everything else is installed into a virtual environment.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test check format clean

demo: $(VENV)/installed  ## perform the guide on examples/secure-ingress
	@$(BIN)/lapstrake demo

test: $(VENV)/installed-dev  ## install and pass the tests
	@$(BIN)/python -m pytest

check: $(VENV)/installed-dev  ## format, lint, types, floors
	@PATH="$(abspath $(BIN)):$$PATH" scripts/check

format: $(VENV)/installed-dev  ## rewrite the sources in the house's format
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml $(VENV)/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/installed-dev: pyproject.toml $(VENV)/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@$(BIN)/python -m compileall -q src
	@touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
