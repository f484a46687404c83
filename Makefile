# What people, the README and CI share. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The interpreter that .venv is made from: any of Python 3.11 to 3.13.
PYTHON ?= python3
# More words for pytest, such as PYTEST_ARGS='tests/rules -x'.
PYTEST_ARGS ?=
# Processes that run the tests; 0 runs them in pytest's own process, as a debugger wants.
PYTEST_WORKERS ?= auto

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
NEEDS := pyproject.toml constraints.txt

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.dev-installed ## Install everything into .venv; done at once when nothing changed

.PHONY: demo
demo: $(VENV)/.installed ## Generate a month of Mixpanel events and take them all the way to the report
	@$(BIN)/mixflows demo

.PHONY: test
test: $(VENV)/.dev-installed ## Run the tests, but those that the two targets below run
	@$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadgroup -rfEs --durations 25 -m 'not bigquery and not operation' $(PYTEST_ARGS)

.PHONY: test-long
test-long: $(VENV)/.dev-installed ## Run the tests and the BigQuery tests with twenty times as many random examples; hours
	@HYPOTHESIS_PROFILE=long $(MAKE) test test-bigquery PYTEST_ARGS='--timeout 7200 $(PYTEST_ARGS)'

.PHONY: test-operation
test-operation: $(VENV)/.dev-installed ## Run the tests that wait for a Prefect server, a worker and a browser
	@$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --maxprocesses 2 --dist loadgroup -rfEs --durations 10 -m operation $(PYTEST_ARGS)

.PHONY: test-bigquery
test-bigquery: $(VENV)/.dev-installed ## Run the BigQuery tests alone, on an API server that they start here
	@$(BIN)/python -m harness.bigquery.server
	@$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --maxprocesses 4 --dist loadgroup -rfEs --durations 25 -m bigquery $(PYTEST_ARGS)

# The project that test-cloud works in, the location of the datasets that it makes and deletes there, and a bucket in that location.
PROJECT ?=
LOCATION ?= US
BUCKET ?=

.PHONY: test-cloud
test-cloud: $(VENV)/.dev-installed ## Run the BigQuery tests on a project of yours, which costs money: PROJECT=…
	@test -n '$(PROJECT)' || { echo 'Name a project: make test-cloud PROJECT=my-project' >&2; exit 1; }
	@TEST_BIGQUERY_PROJECT='$(PROJECT)' TEST_BIGQUERY_LOCATION='$(LOCATION)' TEST_BIGQUERY_BUCKET='$(BUCKET)' \
	    $(BIN)/python -m pytest -rfEs -m bigquery $(PYTEST_ARGS)

.PHONY: check check-lint check-format check-types check-pins
check: check-lint check-format check-types check-pins ## Lint, format, types and pins, without changing a file

check-lint: $(VENV)/.dev-installed
	@$(BIN)/ruff check .

check-format: $(VENV)/.dev-installed
	@$(BIN)/ruff format --check .

check-types: $(VENV)/.dev-installed
	@$(BIN)/pyright

check-pins: $(VENV)/.dev-installed
	@$(PIP) check

.PHONY: format
format: $(VENV)/.dev-installed ## Repair what ruff can repair
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: docs
docs: $(VENV)/.dev-installed ## Write the generated parts of README.md and docs/; runs the demo
	@$(BIN)/python -m docs.generate

.PHONY: pictures
pictures: $(VENV)/.dev-installed ## Take the pictures of README.md anew; needs chromium
	@$(BIN)/python -m docs.screenshots

.PHONY: bench
bench: $(VENV)/.dev-installed ## Run the benchmarks; FULL=1 for the long ones, which take hours
	@$(BIN)/python -m benchmarks $(if $(FULL),--full)

.PHONY: constraints
constraints: $(VENV)/.created ## Write constraints.txt anew from pyproject.toml; UPGRADE=1 takes newer versions
	@test -x $(BIN)/uv || $(PIP) install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --all-extras --no-emit-index-url --no-header \
	    $(if $(UPGRADE),--upgrade) --output-file constraints.txt pyproject.toml
	@{ echo '# Exact versions of everything that is installed, for Python 3.11 to 3.13 on every platform.'; \
	   echo '# Made from pyproject.toml by `make constraints`; do not edit by hand.'; \
	   cat constraints.txt; } > constraints.txt.new
	@mv constraints.txt.new constraints.txt

.PHONY: clean
clean: ## Remove .venv, the API server and whatever the tools and the demo left; never a warehouse of yours
	@rm -rf $(VENV) .venv-bigquery-server .venv-dbt build dist mixflows-demo .hypothesis .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# The last step of a recipe leaves a stamp, so that an interrupted one is done again.
$(VENV)/.created:
	@command -v $(PYTHON) > /dev/null || { echo "There is no $(PYTHON) here. Name a Python 3.11 to 3.13: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	    { echo "Python 3.11 to 3.13 is needed, and $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make setup PYTHON=python3.12" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: $(NEEDS) | $(VENV)/.created
	@echo 'Installing what mixflows needs (a minute or two the first time, seconds after)'
	@$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev-installed: $(NEEDS) | $(VENV)/.created
	@echo 'Installing what mixflows and its tests need (a minute or two the first time, seconds after)'
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $(VENV)/.installed $@
