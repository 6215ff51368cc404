# The interpreter that the virtual environment is made from: make PYTHON=python3.13 test
PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# $(call step,Text) prints a progress line.
step = printf '\n==> %s\n' '$(1)'

.PHONY: help
help: ## List the targets (the default)
	@echo 'Usage: make [PYTHON=python3.13] <target>'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: $(VENV)/.ready-run ## Install what running takes and start the gateway
	@$(call step,Starting the gateway)
	@exec $(BIN)/aihub serve

# As many processes as there are cores, within reason; one that runs out of tests takes over from another.
PARALLEL = --numprocesses auto --maxprocesses 4 --dist worksteal

.PHONY: test
test: $(VENV)/.ready-dev $(VENV)/.ready-node ## Run every check: format, lint, types, imports, tests
	@$(call step,Format: ruff format --check)
	@$(BIN)/ruff format --check .
	@$(call step,Lint: ruff check)
	@$(BIN)/ruff check .
	@$(call step,Types: mypy)
	@$(BIN)/mypy
	@$(call step,Imports: lint-imports)
	@$(BIN)/lint-imports --no-logo
	@$(call step,Tests of the rules: pytest tests/domain)
	@$(BIN)/python -m pytest $(PARALLEL) --cov=domain --cov-report= tests/domain
	@printf 'Percent of domain/ that its own tests run (the floor is in pyproject.toml): '
	@$(BIN)/coverage report --format=total
	@$(call step,Other tests: pytest)
	@$(BIN)/python -m pytest $(PARALLEL) --ignore=tests/domain

# The browser is Debian's, and Playwright drives it; neither is needed by `make test`, which skips these tests.
.PHONY: browser-test
browser-test: $(VENV)/.ready-dev ## Run the tests of the dashboard in a browser
	@$(call step,Browser: Chromium and Playwright)
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }
	@$(PIP) 'playwright>=1.50'
	@mkdir -p $(VENV)/axe && { [ -f $(VENV)/axe/axe.min.js ] || ! command -v npm >/dev/null || \
		(cd $(VENV)/axe && npm pack --silent axe-core@4 >/dev/null && tar xzf axe-core-4*.tgz --strip-components=1 package/axe.min.js); }
	@$(BIN)/python -m pytest tests/browser

.PHONY: screenshots
screenshots: $(VENV)/.ready-dev ## Maintainers: make the pictures of the documentation again (after browser-test)
	@$(BIN)/python -m tests.browser.screenshots docs/images

.PHONY: soak
soak: $(VENV)/.ready-dev ## Run the long-running tests
	@$(call step,Mutants: pytest -m soak tests/mutation)
	@$(BIN)/python -m pytest $(PARALLEL) -m soak tests/mutation
	@$(call step,Soak tests: pytest -m soak)
	@$(BIN)/python -m pytest -m soak --ignore tests/mutation

.PHONY: bench
bench: $(VENV)/.ready-dev ## Run the benchmarks
	@$(call step,Benchmarks)
	@$(BIN)/python -m bench

.PHONY: format
format: $(VENV)/.ready-dev ## Format the code and apply the safe fixes
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

# Pins stay where they are unless a range in pyproject.toml forbids them; make UPGRADE=1 lock moves them all.
COMPILE = $(VENV)-lock/bin/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header $(if $(UPGRADE),--upgrade) pyproject.toml --extra build

# What an image and a Lambda have: the drivers of databases, and what reads secrets in AWS.
CLOUD = --extra aws --extra postgres

.PHONY: lock
lock: ## Maintainers: pin the dependencies anew (UPGRADE=1: to their newest versions)
	@$(call step,Locking with uv $(UV_VERSION))
	@test -x $(VENV)-lock/bin/uv || $(PYTHON) -m venv $(VENV)-lock
	@$(VENV)-lock/bin/python -m pip install -qq --disable-pip-version-check uv==$(UV_VERSION)
	@$(COMPILE) -o requirements.lock
	@$(COMPILE) --extra dev --constraint requirements.lock -o requirements-dev.lock
	@$(COMPILE) $(CLOUD) --constraint requirements-dev.lock -o requirements-cloud.lock
	@rm -rf $(VENV)-lock
	@echo 'Wrote requirements.lock, requirements-dev.lock and requirements-cloud.lock.'

.PHONY: prices
prices: $(VENV)/.ready-dev ## Maintainers: append what genai-prices says anew to the shipped price book
	@$(BIN)/python -m adapters.price_book.build

# What `sam build` calls for template.yaml, which names the same Python and processor: on whatever machine it is called,
# these are the packages that Lambda runs.
LAMBDA_VERSION := 3.13
LAMBDA = --only-binary=:all: --implementation cp --python-version $(LAMBDA_VERSION) \
	--platform manylinux_2_28_aarch64 --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64
# What compiles them: bytecode is the same on every processor. The function cannot write any itself.
LAMBDA_PYTHON ?= python$(LAMBDA_VERSION)

.PHONY: build-Hub
build-Hub:
	@$(PYTHON) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-cloud.lock \
		$(LAMBDA) --target $(ARTIFACTS_DIR)
	@cp -R domain ports adapters entrypoints $(ARTIFACTS_DIR)
	@find $(ARTIFACTS_DIR) -name __pycache__ -type d -prune -exec rm -rf {} +
	@$(LAMBDA_PYTHON) -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(LAMBDA_VERSION)")' 2>/dev/null && \
		$(LAMBDA_PYTHON) -m compileall -q -j 0 --invalidation-mode unchecked-hash \
			-s $(ARTIFACTS_DIR) -p /var/task $(ARTIFACTS_DIR) || \
		echo 'Not compiled, for want of Python $(LAMBDA_VERSION) ($(LAMBDA_PYTHON)): each cold start takes seconds more.'

.PHONY: reference
reference: $(VENV)/.ready-dev ## Write the commands into docs/reference.md
	@$(BIN)/python -m entrypoints.cli.reference docs/reference.md

.PHONY: clean
clean: ## Remove the virtual environment, caches and build output
	@rm -rf $(VENV) $(VENV)-lock build dist *.egg-info .coverage
	@rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo 'Clean.'

# --- the virtual environment -----------------------------------------------------------------------------

# What .venv was made from: interpreter, version and place. A change of any of them makes it anew.
IDENTITY = import sys; print("%s %d.%d %s" % (sys.base_prefix, sys.version_info[0], sys.version_info[1], sys.argv[1]))
PIP = $(BIN)/python -m pip install -qq --disable-pip-version-check

# Runs every time, and touches its target only when it has made the environment anew.
$(VENV)/.created: FORCE
	@command -v "$(PYTHON)" >/dev/null || { \
		echo 'Cannot find the interpreter "$(PYTHON)". Name one: make PYTHON=python3.13 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'aihub needs Python 3.11 or newer; "$(PYTHON)" is' "$$($(PYTHON) --version 2>&1)." >&2; \
		echo 'Name another: make PYTHON=python3.13 ...' >&2; exit 1; }
	@identity="$$($(PYTHON) -c '$(IDENTITY)' "$$PWD")"; \
	if [ ! -x $(BIN)/python ] || [ "$$identity" != "$$(cat $@ 2>/dev/null)" ]; then \
		echo "==> Creating $(VENV) with $$($(PYTHON) --version)"; \
		rm -rf $(VENV) && $(PYTHON) -m venv $(VENV) && printf '%s\n' "$$identity" >$@; \
	fi

$(VENV)/.ready-run: $(VENV)/.created requirements.lock pyproject.toml
	@echo '==> Installing requirements.lock (the first time takes a minute)'
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

# The dev lock holds every pin of the runtime lock, so it makes the environment ready for running, too.
$(VENV)/.ready-dev: $(VENV)/.created requirements-dev.lock pyproject.toml
	@echo '==> Installing requirements-dev.lock (the first time takes a minute)'
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $(VENV)/.ready-run $@

# AIGNE Hub's published client, which a test holds against the gateway where there is Node to run it.
$(VENV)/.ready-node: $(VENV)/.created tests/aigne/package-lock.json
	@if command -v npm >/dev/null; then \
		echo "==> Installing AIGNE Hub's client for its test"; \
		mkdir -p $(VENV)/aigne && cp tests/aigne/package.json tests/aigne/package-lock.json $(VENV)/aigne && \
		npm ci --prefix $(VENV)/aigne --ignore-scripts --no-audit --no-fund --silent || \
			{ rm -rf $(VENV)/aigne/node_modules; echo 'npm could not install it: its test is skipped'; }; \
	fi
	@touch $@

.PHONY: FORCE
FORCE:
