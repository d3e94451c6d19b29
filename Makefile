# Everything starts here: `make demo` and `make test` set up what they need on their own.

# The first Python that is new enough; `make PYTHON=python3.12` names another.
ifndef PYTHON
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& command -v "$$name" && break; done)
endif

BIN := .venv/bin
PY := $(BIN)/python

.DEFAULT_GOAL := help
.PHONY: help bootstrap demo test check lint types contracts secrets locks printed docs format \
	lock graphiql bench proof-real proof-ingest proof-follow proof-live proof-alerts wheel smoke hooks clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile

bootstrap: ## Make .venv from the lock, unless it is current
	@test -n "$(PYTHON)" || { echo "Deskgraph needs Python 3.11 or later, and PATH has none." >&2; exit 1; }
	@"$(PYTHON)" scripts/bootstrap.py

demo: graphiql ## Start a server on a sample economy, or on DATA=path of real files
	@$(BIN)/deskgraph demo $(if $(DATA),--data "$(DATA)") $(ARGS)

# So many processes run tests side by side, each with engines of its own (2 GiB).
WORKERS ?= 2

test: graphiql ## Run all tests on both graph engines; ARGS="-k name" goes to pytest
	@$(PY) -m scripts.machine --install
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: lint types contracts secrets locks printed ## All checks that are not tests

lint: bootstrap ## Lint, and compare the format
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: bootstrap ## Check types strictly
	@$(BIN)/mypy

contracts: bootstrap ## Check which room imports which
	@$(BIN)/lint-imports

secrets: bootstrap ## Look for keys, logins, index addresses and machine paths
	@$(PY) -m scripts.secret_scan

locks: bootstrap ## Check that the locks follow from pyproject.toml
	@$(PY) -m scripts.lock --check

printed: bootstrap ## Check that the printed schema and documents are up to date
	@$(PY) -m scripts.printed --check

docs: bootstrap ## Print schema.graphql and the printed parts of documents anew
	@$(PY) -m scripts.printed

format: bootstrap ## Format, and mend what the linter can
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

lock: bootstrap ## Resolve the locks anew (needs uv; ARGS=--upgrade for the newest versions)
	@$(PY) -m scripts.lock $(ARGS)

graphiql: bootstrap ## Build GraphiQL into the package, unless it is current
	@$(PY) -m web.graphiql.build

proof-real: bootstrap ## Prove the load of real files (DATA=folder) on both engines; takes long
	@$(PY) -m bench real $(if $(DATA),--data "$(DATA)") $(ARGS)

proof-ingest: bootstrap ## Kill loads at random, on both engines, and compare with clean ones
	@$(PY) -m bench chaos $(ARGS)

proof-follow: bootstrap ## Follow ROUNDS=200 chains that change, on nodes that stop, by followers that are killed
	@DESKGRAPH_ROUNDS="$(or $(ROUNDS),200)" $(PY) -m pytest tests/ingest/jobs/test_following.py -k rough $(ARGS)

proof-live: bootstrap ## Kill subscribers and servers at random; nothing may be lost or doubled
	@$(PY) -m bench live_kills $(ARGS)

proof-alerts: bootstrap ## Judge a planted week while judges and bus are killed KILLS=50 times; every alert once
	@DESKGRAPH_KILLS="$(or $(KILLS),50)" $(PY) -m pytest tests/alerts -k killed $(ARGS)

bench: bootstrap ## Measure, and print ratios
	@$(PY) -m bench $(ARGS)

wheel: graphiql ## Build the wheel into dist/
	@rm -rf dist
	@$(PY) -m hatchling build --target wheel

smoke: wheel ## Install that wheel into an empty environment and run its demo
	@$(PY) -m scripts.fresh_wheel dist/*.whl

hooks: bootstrap ## Run the checks before each commit
	@$(BIN)/pre-commit install

clean: ## Remove what was built; the data in .deskgraph stays
	@rm -rf .venv dist build *.egg-info web/*/node_modules graph_api/server/static/graphiql
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
