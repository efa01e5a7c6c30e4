# Everything a newcomer types. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
# Superset pins older libraries than the pipeline: it has an environment of its own, which never mixes with this one.
BI_VENV := .venv-bi
PY := $(VENV)/bin/python
REVLOG := $(VENV)/bin/revlog
PYTHON ?= python3
ROLE ?= bi_reader
PERIOD ?=
DATE ?=
DATA ?= ../shared/data/online_retail
# A worker a core, each with a PostgreSQL of its own; the tests of a file build on each other.
TOGETHER := --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

$(VENV)/.ready: requirements.lock requirements-bootstrap.lock pyproject.toml
	@echo "Setting up the Python environment in $(VENV) ..." >&2
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Python 3.11, 3.12 or 3.13 is needed, this is {v[0]}.{v[1]}; name another one: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock
	@$(VENV)/bin/uv pip sync --quiet --compile-bytecode --python $(VENV)/bin/python --require-hashes requirements.lock requirements-bootstrap.lock
	@$(VENV)/bin/uv pip install --quiet --offline --no-deps --no-build-isolation --python $(VENV)/bin/python --editable .
	@touch $@

$(BI_VENV)/.ready: requirements-bi.lock $(VENV)/.ready
	@echo "Setting up Superset's environment in $(BI_VENV): about 830 MB ..."
	@rm -rf $(BI_VENV) && $(VENV)/bin/python -m venv $(BI_VENV)
	@$(VENV)/bin/uv pip sync --quiet --compile-bytecode --python $(BI_VENV)/bin/python --require-hashes requirements-bi.lock
	@touch $@

.PHONY: help setup run status test test-quick bi bi-stop up down dsn psql backup restore upgrade close periods workbook bench docs night retailer preview draft lint lock erase clean clean-warehouse

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(VENV)/.ready ## Make the Python environment from the lock file

run: $(VENV)/.ready ## Simulated company, nightly DAGs through Airflow, KPIs on the terminal
	@$(REVLOG) local run

status: $(VENV)/.ready ## Which night stands, what runs, what failed and its remedy, what waits to be loaded
	@$(REVLOG) status

up: $(VENV)/.ready ## Airflow with scheduler and UI on loopback, nightly schedules on
	@$(REVLOG) local up

bi: $(VENV)/.ready $(BI_VENV)/.ready ## Superset on loopback with the dashboards, and who may log in
	@$(REVLOG) bi up

bi-stop: $(VENV)/.ready ## Stop Superset
	@$(REVLOG) bi down

down: $(VENV)/.ready ## Stop Airflow, Superset and the embedded PostgreSQL
	@$(REVLOG) local down

dsn: $(VENV)/.ready ## Print one libpq URI: make dsn ROLE=bi_reader
	@$(REVLOG) warehouse dsn $(ROLE)

psql: override export CMD := $(value CMD)
psql: $(VENV)/.ready ## psql as a role: make psql ROLE=bi_reader, with CMD="select ..." or a statement piped in
	@$(REVLOG) warehouse psql "$(ROLE)"

backup: $(VENV)/.ready ## All that can't be made again: make backup TO=/srv/backups/2026-02-04 (SECRETS=no: without key)
	@$(REVLOG) warehouse backup --to "$(or $(TO),$(error name a new folder: make backup TO=/srv/backups/2026-02-04))" $(if $(filter no,$(SECRETS)),--no-secrets)

restore: $(VENV)/.ready ## A backup as the warehouse: make restore FROM=/srv/backups/2026-02-04
	@$(REVLOG) warehouse restore --from "$(or $(FROM),$(error name the backup: make restore FROM=/srv/backups/2026-02-04))" $(if $(REPLACE),--replace "$(REPLACE)")

upgrade: $(VENV)/.ready ## Bring the warehouse to the version of this code; make a backup first
	@$(REVLOG) warehouse migrate

close: $(VENV)/.ready ## Close a fiscal period: make close PERIOD=2026-01 APPROVER="A. Name" NOTE="why"
	@$(REVLOG) period close "$(PERIOD)" --approver "$(APPROVER)" --note "$(NOTE)"

periods: $(VENV)/.ready ## Which fiscal periods are closed, by whom and when
	@$(REVLOG) period status

night: $(VENV)/.ready ## One night without Airflow, or a range as one: make night DATE=2026-02-01 [TO=2026-03-31 KEEP=months]
	@$(REVLOG) night "$(DATE)" $(if $(TO),--to "$(TO)") $(if $(KEEP),--keep "$(KEEP)")

retailer: $(VENV)/.ready ## A real retailer's daily files: make retailer DATA=folder
	@$(REVLOG) local retailer $(DATA)

preview: $(VENV)/.ready ## What a file would bring, without the warehouse: make preview FILE=name FEED=erp_sales_lines
	@$(REVLOG) ingestion preview "$(FILE)" $(if $(FEED),--feed $(FEED)) $(if $(COMPANY),--company $(COMPANY))

draft: $(VENV)/.ready ## A layout drafted from a file: make draft FILE=name FEED=erp_sales_lines
	@$(REVLOG) ingestion draft "$(FILE)" --feed "$(FEED)"

test: $(VENV)/.ready ## Run every test
	@$(MAKE) --no-print-directory $(BI_VENV)/.ready || echo "Superset can't be installed here: its tests are skipped"
	@$(PY) -m pytest $(TOGETHER)

test-quick: $(VENV)/.ready ## Run the tests, but those of whole nights and of Airflow
	@$(PY) -m pytest $(TOGETHER) -m "not long and not e2e"

lint: $(VENV)/.ready ## ruff, mypy, import-linter, sqlfluff, yamllint
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/yamllint -s .
	@$(PY) -m sqlfluff lint --processes 0 dbt_project/models expectations/checks

bench: $(VENV)/.ready ## Ratios against rivals, side by side in one run
	@$(PY) -m benchmarks

docs: $(VENV)/.ready ## Data dictionary and dbt docs with lineage as pages, and where they are
	@$(REVLOG) ingestion dictionary
	@$(REVLOG) catalog

workbook: $(VENV)/.ready ## A fiscal period's reconciliation as XLSX: make workbook PERIOD=2026-01
	@$(REVLOG) workbook "$(PERIOD)"

lock: ## Resolve the dependencies anew into requirements.lock and requirements-bi.lock
	@$(VENV)/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet --upgrade -o requirements.lock
	@$(VENV)/bin/uv pip compile bi/requirements.in --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet --upgrade -o requirements-bi.lock

erase: $(VENV)/.ready ## Erase a customer for good: make erase CUSTOMER=17850 REASON="asked by letter"
	@$(REVLOG) ingestion erase "$(CUSTOMER)" --reason "$(REASON)"

clean-warehouse: $(VENV)/.ready ## Remove the warehouse: database, key, landing zone; says what must be confirmed
	@$(REVLOG) local clean-warehouse --confirm "$(CONFIRM)"

clean: ## Stop everything and remove the environment, caches and pages; the warehouse and its key stay
	@if [ -x $(REVLOG) ]; then $(REVLOG) local down || true; fi
	@rm -rf $(VENV) $(BI_VENV) var/reports var/pages dbt_project/target dbt_project/logs .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
