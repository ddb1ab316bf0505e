# `make ship` and `make test` work on a machine that has only been booted; everything else is a part of them.
VENV := .venv
DRYDOCK := $(VENV)/bin/drydock
PYTHON := $(VENV)/bin/python

.PHONY: help setup setup-dev ship test check start stop status kind clean bench soak

help: ## Show the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what is missing to ship: Debian packages, .venv, Python packages.
	@tools/setup drydock

setup-dev: ## Install what is missing to test and develop.
	@tools/setup dev

ship: setup ## Check, test, build, scan, publish, deploy and verify every service on this machine.
	@$(DRYDOCK) start --quiet
	@$(DRYDOCK) call ship --env=local

test: setup-dev ## Run everything: static checks, unit tests, conformance, end to end.
	@$(MAKE) --no-print-directory check
	@$(PYTHON) -m pytest -n 3

check: setup-dev ## Run the static checks on our own code.
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/black --check --quiet .
	@$(VENV)/bin/isort --check-only --quiet .
	@$(VENV)/bin/flake8
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

start: setup ## Start the local registry, cluster and engine.
	@$(DRYDOCK) start

stop: ## Stop them; what was deployed comes back at the next start.
	@[ ! -x $(DRYDOCK) ] || $(DRYDOCK) stop

status: ## Show what runs and where.
	@$(DRYDOCK) status

kind: ## For people who have Docker and kind: make a cluster and a registry, write .env.
	@tools/kind

bench: setup-dev ## Measure; writes docs/benchmarks.md.
	@$(PYTHON) -m tools.bench

soak: setup-dev ## Long runs: repeated ships, kills and loads.
	@$(PYTHON) -m pytest tests/soak -m soak

clean: stop ## Remove the virtual environment, caches, and all of Drydock's state.
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage reports
	@rm -rf "$${DRYDOCK_STATE_DIR:-/var/lib/drydock}" "$${DRYDOCK_CONFIG_DIR:-$${XDG_CONFIG_HOME:-$$HOME/.config}/drydock}"
	@[ ! -f .env ] || sed -i '/^# --- written by drydock start/,/^# --- end of drydock start/d' .env
	@[ -s .env ] || rm -f .env
