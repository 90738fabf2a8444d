# Two commands set a newcomer up: make demo, make test. Everything else is here for those who stay.
PYTHON ?=
VENV := .venv
WORKERS ?= 2
BIN := $(VENV)/bin
READY := $(VENV)/.klineforge-ready
DAGSTER := $(VENV)/dagster
# Packages of the examples, each beside the environment as Dagster's are.
EXAMPLES := $(VENV)/mlflow $(VENV)/feast

# The project itself refuses telemetry (.telemetry); this covers commands that run outside it.
export DO_NOT_TRACK := 1

.DEFAULT_GOAL := help
.PHONY: help setup test chaos check delivery demo report powerbi app lineage dagster examples example-packages databricks-bundle bench docs format lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

setup: $(READY) ## Make .venv from the lock file and fetch the Delta jars, once

$(READY): requirements/dev.lock pyproject.toml scripts/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash scripts/setup.sh
	@touch $@

$(DAGSTER): requirements/dagster.lock scripts/packages_beside.sh | $(READY)
	@VENV="$(VENV)" bash scripts/packages_beside.sh dagster $<

$(EXAMPLES): $(VENV)/%: examples/%/requirements.lock scripts/packages_beside.sh | $(READY)
	@VENV="$(VENV)" bash scripts/packages_beside.sh $* $<

test: setup $(DAGSTER) ## Run all tests, in two processes (WORKERS=0: in one)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

chaos: setup ## Shake lakes with faults and kills until one breaks (ARGS="--seeds 500 --first 0"; --help)
	@PYTHONPATH=tests $(BIN)/python -m faults.chaos $(ARGS)

check: setup ## Check format, lint, types, import rules, generated documents and the lock file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m klineforge.reporting.data_dictionary --check
	$(BIN)/python -m klineforge.measures.document --check
	$(BIN)/python -m klineforge.reporting.feature_catalogue --check
	PYTHONPATH=tests $(BIN)/python -m faults.document --check
	$(BIN)/python scripts/lock.py --check

delivery: setup ## Check workflows, shell scripts and the Dockerfile (fetches linters; actionlint by go)
	@VENV=$(VENV) bash scripts/check_delivery.sh

demo: setup ## Turn the simulated demo exchange into a warehouse and check it; again later: the hours since
	@$(BIN)/kedro run --env demo $(ARGS)
	@$(BIN)/kedro run --env demo --pipeline quality $(ARGS)

app: setup ## Show the dashboard of the lake at http://127.0.0.1:8501 (ARGS="--env demo", --lake, --port)
	@$(BIN)/kedro klineforge app $(ARGS)

report: setup ## Write the five pages as HTML and PDF to <lake>/reports (ARGS="--env demo": of the demo's lake)
	@$(BIN)/kedro run --pipeline report $(ARGS)

powerbi: setup ## Write a Power BI project over the marts to build/powerbi (ARGS=--help)
	@$(BIN)/python -m klineforge.powerbi $(ARGS)

lineage: setup ## Build the picture of all pipelines and tables as a static site
	@$(BIN)/kedro klineforge lineage $(ARGS)

dagster: setup $(DAGSTER) ## Start Dagster's web page and its schedules on loopback (ARGS="--env demo"; --help)
	@PYTHONPATH=$(abspath $(DAGSTER)) $(BIN)/python -m klineforge.orchestration $(ARGS)

examples: setup $(EXAMPLES) ## Run the MLflow and the Feast example on a small lake (ARGS="--lake data/demo"; --help)
	@$(BIN)/python scripts/run_examples.py $(ARGS)

example-packages: setup $(EXAMPLES) ## Only install what the examples need, so that make test runs them, too

databricks-bundle: setup ## Write the Databricks asset bundles with their wheel to build/databricks (ARGS=--help)
	@$(BIN)/python scripts/databricks_bundle.py $(ARGS)

bench: setup ## Measure what docs/benchmarks.md says (ARGS=--quick: small; --help: parts and sizes)
	@$(BIN)/python -m benchmarks $(ARGS)

docs: setup ## Write what is generated in docs: data dictionary, metrics, features, faults
	@$(BIN)/python -m klineforge.reporting.data_dictionary
	@$(BIN)/python -m klineforge.measures.document
	@$(BIN)/python -m klineforge.reporting.feature_catalogue
	@PYTHONPATH=tests $(BIN)/python -m faults.document

format: setup ## Format the code and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: setup ## Write requirements/*.lock anew from pyproject.toml (ARGS=--upgrade: newest versions)
	@$(BIN)/python scripts/lock.py $(ARGS)

clean: ## Delete .venv and everything generated; the lakes below data/ stay
	rm -rf $(VENV) build dist site .viz .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis \
		spark-warehouse metastore_db derby.log src/*.egg-info
	find src tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
