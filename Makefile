# Everything there is to do with this repository; `make` alone lists it.

PYTHON ?= python3
VENV := .venv/bin
SERVICES := users catalog theaters reservations ticketing
# A worker for each core; which tests share one is said in conftest.py.
PARALLEL := --numprocesses=auto --maxprocesses=4 --dist=loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help install run test lint format lock migrate revision snapshots secrets bench fuzz clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## Make the virtual environment; does nothing when requirements.lock has not changed
	@$(PYTHON) infra/local/bootstrap.py

run: install ## Everything on this machine at http://127.0.0.1:8080 (MARQUEE_PORT=9090 for another port); Ctrl-C stops it
	@exec setpriv --pdeathsig=TERM -- $(VENV)/python -m infra.local

test: install ## All tests on real PostgreSQL and RabbitMQ; TESTS="services/users -k login" for some
	@$(VENV)/python -m infra.local.prerequisites
	@$(VENV)/python -m pytest $(or $(TESTS),$(PARALLEL))

lint: install ## Style, types, boundaries, dependencies
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(VENV)/mypy
	$(VENV)/lint-imports
	$(VENV)/python -m infra.local.dependencies $(SERVICES)

format: install ## Rewrite the code in the one style
	$(VENV)/ruff check --fix
	$(VENV)/ruff format

lock: install ## Write requirements.lock anew from the pyproject.toml files
	$(VENV)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade \
		--quiet --output-file requirements.lock --group pyproject.toml:dev \
		services/shared/pyproject.toml $(SERVICES:%=services/%/pyproject.toml)

migrate: install ## Bring the tables of MARQUEE_DATABASE_URL up to date (MARQUEE_<SERVICE>_DATABASE_URL for each)
	@$(VENV)/python -m services migrate

revision: install ## Write a migration from changed models: make revision SERVICE=catalog MESSAGE="add captions"
	@$(VENV)/python -m infra.local.revision $(SERVICE) "$(MESSAGE)"

snapshots: install ## Write the OpenAPI documents and event schemas that tests compare with
	@$(VENV)/python -m tests.snapshots

secrets: install ## Print fresh secrets for production, as environment variables
	@$(VENV)/python -m infra.local.secrets

bench: install ## How fast it is, each figure next to its bound or promise; ONLY="films reports" for some
	@$(VENV)/python -m tests.bench

fuzz: install ## Ask everything of all five APIs, good and bad, for some minutes; SEED=7 for other questions, ONLY="users admin" for some
	@$(VENV)/python -m infra.local.prerequisites
	@$(VENV)/python -m tests.fuzz

clean: ## Remove what was made: environment, builds, caches. Data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache gateway/web/node_modules gateway/web/dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
