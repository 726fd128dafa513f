# What a developer runs. Each target that needs the environment brings it up to date first; alone, `make` lists them.
HOST ?= 127.0.0.1
PORT ?= 8000
MODELS ?= $(or $(FOUNT_REPOSITORY__URL),models)
ARGS ?=
SEED ?= 1
N ?= 500000
RUNS ?= 10000000
EXAMPLES ?= 500

BIN := .venv/bin
CANDIDATES := $(BIN)/python python3 python3.14 python3.13 python3.12 python3.11 python
PYTHON ?= $(shell for python in $(CANDIDATES); do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$python; break; fi; done)
VERSION = $(shell sed -n "s/^__version__ = \"\(.*\)\"/\1/p" app/__init__.py)
REVISION = $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
SOURCES := app benchmarks tests .ci

.DEFAULT_GOAL := help
.PHONY: help run demo test test-fast hostile check fmt fmt-check lint types arch golden bench fuzz fuzz-http fuzz-parsers \
	fuzz-contract chaos soak docs docs-serve train-demo cov lock sbom image clean env env-dev env-docs env-fuzz env-release

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: env ## Serve the shipped models on http://127.0.0.1:8000 (PORT=, HOST=, MODELS=)
	@exec env FOUNT_REPOSITORY__URL='$(MODELS)' $(BIN)/fount serve --host $(HOST) --port $(PORT) $(ARGS)

demo: env ## Serve the shipped models on a free port, and open the page (ARGS=)
	@exec env FOUNT_REPOSITORY__URL='$(MODELS)' $(BIN)/fount demo $(ARGS)

test: env-dev ## Run all tests (ARGS= goes to pytest)
	@$(BIN)/python -m pytest -n 3 --dist loadgroup $(ARGS)

test-fast: env-dev ## Run the tests that start no process
	@$(BIN)/python -m pytest tests/unit tests/api tests/properties $(ARGS)

hostile: env-dev ## Treat a service badly, at full size and often; FOUNT_TEST_URL= and FOUNT_TEST_KEY= name one that runs
	@FOUNT_TEST_LONG=1 $(BIN)/python -m pytest tests/hostile $(ARGS)

check: fmt-check lint types arch docs test ## Run everything that must hold before a merge

fmt: env-dev ## Format the code and apply the safe fixes
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

fmt-check: env-dev
	@$(BIN)/ruff format --check $(SOURCES)

lint: env-dev ## Lint the code, look for what is unsafe, and spell-check the text
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/codespell
	@$(BIN)/bandit -q -c pyproject.toml -r app

types: env-dev ## Check the types
	@$(BIN)/mypy

arch: env-dev ## Check that imports run one way and the API process never reaches torch
	@$(BIN)/lint-imports --no-logo

golden: env-dev ## Write the golden files and generated pages anew; review the difference
	@$(BIN)/python -m tests.golden

bench: env-dev ## Measure the running service's throughput against a plain loop
	@$(BIN)/python benchmarks/serving $(ARGS)

fuzz: fuzz-http fuzz-parsers fuzz-contract ## Fuzz everything, for hours (N=, RUNS=, EXAMPLES=, SEED=)

fuzz-http: env-dev ## Send nearly valid requests to a service of tiny models (N=, SEED=)
	@$(BIN)/python -m tests.fuzz.web --requests $(N) --seed $(SEED)

fuzz-parsers: env-fuzz ## Give random bytes to all that reads bytes of strangers (RUNS=, SEED=, ARGS= names targets)
	@$(BIN)/python -m tests.fuzz.parsers --runs $(RUNS) --seed $(SEED) $(ARGS)

fuzz-contract: env-dev ## Ask for everything in the OpenAPI document (EXAMPLES= per operation, SEED=)
	@$(BIN)/python -m tests.contract $(EXAMPLES) $(SEED)

chaos: env-dev ## Break things under load and hold every figure against its bar (N= times each, ARGS=)
	@$(BIN)/python benchmarks/reliability chaos $(if $(N),--count $(N)) $(ARGS)

soak: env-dev ## Ask for everything for long, one request in ten hostile (MINUTES=, HOURS=, ARGS=)
	@$(BIN)/python benchmarks/reliability soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(HOURS),--hours $(HOURS)) $(ARGS)

train-demo: env ## Train the built-in digits and publish them as digits-gan
	@$(BIN)/fount train digits --name digits-gan --publish $(ARGS)

cov: env-dev ## Run all tests and show the lines that none of them reaches
	@$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered $(ARGS)

docs: env-docs ## Build the documentation site into site/; warnings and requests to others are errors
	@$(BIN)/python .ci/site.py

docs-serve: env-docs ## Build the documentation site and serve it on http://127.0.0.1:8002 (PORT=)
	@$(BIN)/python .ci/site.py serve $(if $(filter file,$(origin PORT)),8002,$(PORT))

lock: ## Move requirements.lock to the newest releases, torch keeps its pin; then the hashes (ARGS=--hashes: these only)
	@$(PYTHON) .ci/lock.py $(ARGS)

sbom: env-release ## Write sbom.cdx.json: all that is installed in .venv, as CycloneDX
	@$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o sbom.cdx.json $(BIN)/python

image: ## Build the container image
	@docker compose --profile '*' build --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION)

clean: ## Remove the environment and every cache; models and runs stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage dist site
	@find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

env: bootstrap = train
env-dev: bootstrap = train dev
env-docs: bootstrap = docs
env-fuzz: bootstrap = train dev fuzz
env-release: bootstrap = train release
env env-dev env-docs env-fuzz env-release:
	@test -n "$(PYTHON)" || { echo "error: Fount needs Python 3.11 or newer, and found none" >&2; \
	  echo "hint: install one, or name it: make $(firstword $(MAKECMDGOALS)) PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) .ci/bootstrap.py $(bootstrap)
