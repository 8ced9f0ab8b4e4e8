# Everything a person does with this tree. Each target makes the environment it needs; that is quick when
# nothing changed. Without make: `python3 tools/setup.py`, then `.venv/bin/altid --help`.

PYTHON ?= python3
BIN := .venv/bin
MAKEFLAGS += --no-print-directory
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate --quiet

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-browser check faults bench lock runtime

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 16
	@echo '  Arguments: make demo ARGS="--exit", make test ARGS="-k socket"'

setup: ## make .venv with the locked packages (developing and running)
	@command -v "$(PYTHON)" >/dev/null || { echo 'altid: Python 3.11 or newer is needed: install it (Debian: apt install python3).' >&2; exit 1; }
	@"$(PYTHON)" tools/setup.py

runtime:
	@command -v "$(PYTHON)" >/dev/null || { echo 'altid: Python 3.11 or newer is needed: install it (Debian: apt install python3).' >&2; exit 1; }
	@"$(PYTHON)" tools/setup.py --runtime

demo: runtime ## two sites with synthetic patients, to look at in the browser
	@$(BIN)/altid demo $(ARGS)

check: setup ## style, types and the direction of imports
	@status=0; \
	$(BIN)/ruff check --no-cache . || status=1; \
	$(BIN)/ruff format --check . || status=1; \
	$(BIN)/mypy || status=1; \
	$(BIN)/lint-imports || status=1; \
	exit $$status

test: setup ## check, then all tests; fails if either does
	@status=0; $(MAKE) check || status=1; $(BIN)/pytest -n 2 --dist loadfile $(ARGS) || status=$$?; exit $$status

test-browser: setup ## only the tests in a browser, in both languages; pictures in build/screens
	@command -v chromium chromium-browser google-chrome >/dev/null || echo 'altid: there is no Chromium here: the tests that need it are SKIPPED. Install it (Debian: apt install chromium).' >&2; \
	$(BIN)/pytest -m '' $$(grep -rl 'playwright' tests --include='test_*.py') $(ARGS)

faults: setup ## a two-site region on the real parts: sites killed under load, and back
	@$(BIN)/pytest -m long $(ARGS)

bench: setup ## measure; see docs for what the figures mean
	@$(BIN)/python -m benchmarks $(ARGS)

lock: ## choose the newest packages that fit pyproject.toml and write the locks (needs uv)
	@$(LOCK) --upgrade -o requirements/runtime.lock
	@$(LOCK) --upgrade --group dev --constraints requirements/runtime.lock -o requirements/dev.lock
