# Two commands: `make run` and `make test`.  `make help` tells the rest.
#
# Needed: Python 3.11 or newer with venv, make, and the package index.  Everything else
# is installed into .venv/, from the lock files, once: the second time is instant.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
# make test K='expression' X=1 is pytest's -k and -x.
K ?=
X ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
PYTEST_ARGS := $(if $(K),-k '$(K)') $(if $(X),-x) $(ARGS)
RUN := $(VENV)/.installed-run
TEST := $(VENV)/.installed-test

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help run test check fix properties fuzz soak clients bench docs lock clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

run: $(RUN) ## install and serve on http://127.0.0.1:8095 (options: ARGS='--port 9000')
	@exec $(BIN)/lingma-proxy serve --simulate-without-login $(ARGS)

test: check ## install what the tests need, and run everything a change must pass
	$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

check: $(TEST) ## style and types
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy

fix: $(TEST) ## repair the style
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

properties: $(TEST) ## the properties, with a hundred thousand examples each (EXAMPLES=…)
	EXAMPLES=$(or $(EXAMPLES),100000) $(BIN)/python -m pytest --timeout 0 tests/properties $(PYTEST_ARGS)

fuzz: $(TEST) ## spoiled outputs of models for the parser of tool calls (SECONDS=600)
	PYTHONPATH=tests $(BIN)/python -m tools.fuzz $(or $(SECONDS),600)

soak: $(TEST) ## the server under load and faults, which may leave nothing behind (MINUTES=3)
	@PYTHONPATH=tests $(BIN)/python -m soak.run $(or $(MINUTES),3) $(ARGS)

clients: $(TEST) ## real clients and agents with the simulator (large downloads; ARGS='claude-code')
	PYTHONPATH=tests $(BIN)/python -m clients.run $(ARGS)
	$(if $(ARGS),,LARGE=1 $(BIN)/python -m pytest tests/e2e/test_real_agents.py)

bench: $(TEST) ## measure against a relay of bytes; writes bench/results.md
	$(BIN)/python bench/run.py $(ARGS)

docs: $(RUN) ## write docs/settings.md anew from the table of settings
	$(BIN)/lingma-proxy settings --markdown > docs/settings.md

lock: $(TEST) ## newest versions of everything into the lock files
	$(PIP) install uv
	.ci/lock $(BIN)/uv

clean: ## remove what was installed and built
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests bench -name __pycache__ -prune -exec rm -rf {} +

$(RUN): requirements.lock pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "Installing what Lingma Proxy needs into $(VENV)/ (once) …"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --editable .
	@touch $@

$(TEST): requirements-test.lock $(RUN)
	@echo "Installing what the tests need into $(VENV)/ (once) …"
	@$(PIP) install --require-hashes -r requirements-test.lock
	@touch $@

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo \
	  "Lingma Proxy needs Python 3.11 or newer, and \`$(PYTHON)\` is not." \
	  "Say which to use: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo \
	  "\`$(PYTHON)\` cannot make virtual environments." \
	  "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
