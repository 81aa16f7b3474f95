PYTHON ?= python3
VENV ?= .venv
TEST_ARGS ?=

BIN := $(VENV)/bin
READY := $(VENV)/.requirements-installed
# What only loads the settings needs values for them, but connects to nothing.
STAND_INS := DATABASE_URL=postgresql://nobody@127.0.0.1:1/none REDIS_URL=redis://127.0.0.1:1/0 \
	SECRET_KEY=stands-in-for-the-key-of-a-real-deployment-0123456789 \
	JWT_SIGNING_KEYS=stands-in-for-a-signing-key-0123456789 ALLOWED_HOSTS=shelfwise.test

.DEFAULT_GOAL := help
.PHONY: help install demo dev test lint bench

help: ## Show this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r target text; do printf '  make %-8s %s\n' "$$target" "$$text"; done

install: $(READY) ## Make .venv with the pinned requirements

# The recipes are single commands, which make runs without a shell: signals reach them directly.
demo: $(READY) ## Serve the demo tenants on 127.0.0.1:$PORT (8000) until Ctrl-C
	@$(BIN)/python manage.py demo

dev: $(READY) ## The same with DEBUG on: autoreload, query counts, lazy loads refused
	@env DEBUG=1 $(BIN)/python manage.py demo

test: $(READY) ## Run the whole suite on all cores; TEST_ARGS="tests.catalog -k stock" narrows it
	@$(BIN)/python manage.py test --parallel auto $(TEST_ARGS)

lint: $(READY) ## Check style, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@env $(STAND_INS) $(BIN)/mypy

bench: $(READY) ## Measure ShelfWise beside other stacks
	@$(BIN)/python -m tests.performance

$(READY): requirements.txt requirements-embedded.txt requirements-dev.txt
	@command -v $(PYTHON) >/dev/null || { \
		echo "There is no $(PYTHON). Install Python 3.11 or newer, or name it: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is older than 3.11. Name a newer one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) has no venv module. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing the requirements into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
