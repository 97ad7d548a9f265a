# One virtual environment, made from the hashed requirements whenever they change. uv installs it in seconds; its own pin and
# hashes are in requirements.txt, too. Where it cannot (a platform without it, an index that only pip can reach), pip does.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CHECKOV := .venv-checkov/.installed
CONTRACT := tests/standin/node_modules/.installed
GH := build/gh/.installed
DIAGRAMS := docs/site/node_modules/.installed
TEMPLATES := build/templates/.installed

# Dozens of short processes: each source is compiled once, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

# Install a file of hashed requirements into a virtual environment. uv knows nothing of pip's index.
define install
index="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null)}}"; \
if test -n "$$index"; then export UV_DEFAULT_INDEX="$$index"; fi; \
if $(BIN)/uv pip install --quiet --python $(1)/bin/python --require-hashes -r $(2); then :; \
else echo "uv could not install them; pip does, which takes some minutes."; \
  $(1)/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r $(2); fi
endef

.DEFAULT_GOAL := help
.PHONY: help install tools demo test test-fast test-rest test-long test-fleet test-templates test-scenarios check lint types gates format synth layers test-layers coverage updates faults bench scale mutants reference docs sbom lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(STAMP) ## make the virtual environment with everything in requirements.txt

$(STAMP): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "Node 20 or newer is needed."; exit 1; }
	@echo "Installing $$(grep -c == requirements.txt) pinned packages into $(VENV): once, about 20 seconds."
	@$(PYTHON) -m venv $(VENV)
	@sed -n '/^uv==/,/[^\]$$/p' requirements.txt > $(VENV)/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt || echo "uv cannot be installed here."
	@$(call install,$(VENV),requirements.txt)
	@touch $@

# GitHub's OpenAPI description, to which the stand-in's answers are held, and octokit, a client of it.
$(CONTRACT): tests/standin/package-lock.json
	@echo "Installing GitHub's API description and octokit into tests/standin/node_modules: once, some seconds."
	@npm ci --prefix tests/standin --silent --no-audit --no-fund --ignore-scripts
	@touch $@

# What draws the documentation's diagrams in the browser.
$(DIAGRAMS): docs/site/package-lock.json
	@npm ci --prefix docs/site --silent --no-audit --no-fund --ignore-scripts
	@touch $@

# Another client of the stand-in: Debian's, pinned. Where apt has none, it says so, and the tests with it are skipped.
$(GH): tests/standin/gh.lock | $(STAMP)
	@mkdir -p $(dir $@)
	$(BIN)/python -m tests.standin.gh
	@if test -x build/gh/gh; then touch $@; fi

# An environment for each lock of the templates, made as their users make it.
$(TEMPLATES): $(wildcard templates/*/*/requirements-dev.txt) | $(STAMP)
	@echo "Installing the templates' packages into build/templates: once, about 20 seconds (860 MB, SageMaker's SDK)."
	@mkdir -p $(dir $@)
	@$(BIN)/python -m tests.templates.environments
	@touch $@

demo: $(STAMP) ## the whole story on this machine, no account needed
	@$(BIN)/python -m local demo

# checkov's own requirements do not agree with ours.
$(CHECKOV): tests/synth/checkov.txt | $(STAMP)
	@echo "Installing checkov into .venv-checkov: once, some seconds."
	@$(PYTHON) -m venv .venv-checkov
	@$(call install,.venv-checkov,tests/synth/checkov.txt)
	@touch $@

tools: $(STAMP) $(CHECKOV) $(CONTRACT) $(GH) $(TEMPLATES) $(DIAGRAMS) ## install what check and test use

SIDE_BY_SIDE := --dist loadscope --no-loadscope-reorder

# Five at once on two cores: an end-to-end test waits half of its time.
test: $(STAMP) $(CONTRACT) $(GH) $(DIAGRAMS) ## before a change is proposed: all tests but the long ones, and those of the stand-ins and the layers
	$(BIN)/pytest -n 5 $(SIDE_BY_SIDE) -m "not layers and not gates and not long and not standins and not fleet"

# What a change must pass runs every test once: these, and those that coverage runs.
test-rest: $(STAMP) $(CONTRACT) $(GH) $(DIAGRAMS) $(TEMPLATES) ## what make coverage does not run: end to end and on MiniStack, the long ones too
	$(BIN)/pytest -n 5 $(SIDE_BY_SIDE) -m "not layers and not gates and not fleet" --part rest

test-fast: $(STAMP) ## the unit tests but for the slow ones and those with a server, in less than a minute: after an edit
	$(BIN)/pytest -n 2 $(SIDE_BY_SIDE) -m "not slow and not served" tests/unit

# Those that run the code in processes of their own; what MiniStack runs is not measured.
coverage: $(STAMP) ## lines and branches that the tests reach, by room; fails below tests/coverage_floors.toml
	@rm -rf build/coverage && mkdir -p build/coverage
	$(BIN)/coverage run -m pytest -n 3 $(SIDE_BY_SIDE) -m "not layers and not gates and not fleet" --part measured
	@$(BIN)/coverage combine --quiet
	@$(BIN)/python -m tests.coverage_floors

test-long: $(STAMP) ## what takes minutes and changes seldom: the stand-ins, Studio's doors, several accounts, roles enforced, settings switched, the demo
	$(BIN)/pytest -n 3 $(SIDE_BY_SIDE) -m "(long or standins) and not fleet" --ignore tests/templates

test-fleet: $(STAMP) ## a rollout of thirty projects, with all that stops it: ten minutes alone on two processors
	$(BIN)/pytest -m fleet tests/integration

test-templates: $(STAMP) $(TEMPLATES) ## what the templates' READMEs promise, in environments of their own locks
	$(BIN)/pytest -m long tests/templates

test-scenarios: $(STAMP) ## every story of tests/integration on MiniStack: real stacks, the deployed functions
	$(BIN)/pytest --on ministack tests/integration

check: lint types gates docs ## lint, format, types; the gates: cdk-nag, cfn-lint, checkov, zizmor, actionlint

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/zizmor --offline --no-progress --quiet templates .github
	$(BIN)/actionlint -shellcheck= -pyflakes= templates/*/*/.github/workflows/*.yml .github/workflows/*.yml

types: $(STAMP)
	$(BIN)/mypy

gates: $(STAMP) $(CHECKOV)
	$(BIN)/pytest -m gates tests/synth

format: $(STAMP) ## rewrite what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

synth: $(STAMP) ## write all stacks to cdk.out, without an account, Docker or the layers' content
	CDK_CONTEXT_JSON='{"aws:cdk:bundling-stacks": []}' $(BIN)/python portfolio_app.py

layers: $(STAMP) ## build the Lambda layers (x86_64 and arm64) into build/layers
	for arch in x86_64 arm64; do for layer in git python; do \
	  $(BIN)/python layers/$$layer/build --arch $$arch --output build/layers/$$layer-$$arch || exit 1; done; done

test-layers: $(STAMP) ## the layers: built twice, run in an empty root (needs apt, unshare, Python 3.13)
	$(BIN)/pytest -m layers tests/layers

updates: $(STAMP) ## each setting switched, three versions: what CloudFormation would replace, refuse or delete (in make test-long)
	$(BIN)/pytest tests/updates

faults: $(STAMP) ## every request of a launch, an update and a delete, with every fault, as a table
	$(BIN)/python -m tests.faults

bench: $(STAMP) ## what operations cost beside a naive update, and cold starts: tables, and build/bench.json
	$(BIN)/python -m tests.bench

scale: $(STAMP) ## how long a version takes to reach 100, 1,000, 10,000 projects, simulated: docs/scale.md and its plot
	$(BIN)/python -m tests.scale

mutants: $(STAMP) ## small mistakes in the code that no test notices: a seeded sample (ALL=1: all, for hours; SEED=2)
	$(BIN)/python -m tests.mutants --seed $(or $(SEED),1) $(if $(ALL),--all)

reference: $(STAMP) ## write docs/reference/, the index of decisions and settings.schema.json from the code
	$(BIN)/python -m docs.reference

docs: $(STAMP) $(DIAGRAMS) ## the documentation as a site: build/site/index.html; any broken link fails
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "build/site/index.html is written."

sbom: $(STAMP) ## build/sbom.json: CycloneDX, of what runs in Lambda
	$(BIN)/python layers/sbom

lock: $(STAMP) ## compile requirements.in to the hashed requirements.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate -o requirements.txt requirements.in
	$(BIN)/python layers/python/lock
	echo checkov | UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate -o tests/synth/checkov.txt -

clean: ## remove what can be made again
	rm -rf $(VENV) .venv-checkov build cdk.out .local tests/standin/node_modules docs/site/node_modules .mypy_cache .ruff_cache .pytest_cache
