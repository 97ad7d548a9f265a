# One virtual environment, made from the hashed requirements whenever they change.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CHECKOV := .venv-checkov/.installed
CONTRACT := tests/standin/node_modules/.installed
GH := build/gh/.installed

# Dozens of short processes: each source is compiled once, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install tools demo test test-fast test-long test-templates test-scenarios check lint types gates format synth layers test-layers coverage updates faults bench mutants reference sbom lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(STAMP) ## make the virtual environment with everything in requirements.txt

$(STAMP): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "Node 20 or newer is needed."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

# GitHub's OpenAPI description, to which the stand-in's answers are held, and octokit, a client of it.
$(CONTRACT): tests/standin/package-lock.json
	npm ci --prefix tests/standin --silent --no-audit --no-fund --ignore-scripts
	@touch $@

# Another client of the stand-in: Debian's, pinned. Where apt has none, it says so, and the tests with it are skipped.
$(GH): tests/standin/gh.lock | $(STAMP)
	@mkdir -p $(dir $@)
	$(BIN)/python -m tests.standin.gh
	@if test -x build/gh/gh; then touch $@; fi

demo: $(STAMP) ## the whole story on this machine, no account needed
	@$(BIN)/python -m local demo

# checkov's own requirements do not agree with ours.
$(CHECKOV): tests/synth/checkov.txt
	$(PYTHON) -m venv .venv-checkov
	.venv-checkov/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/synth/checkov.txt
	@touch $@

tools: $(STAMP) $(CHECKOV) $(CONTRACT) $(GH) ## install what check and test use

# Five at once on two cores: much of an end-to-end test is waiting.
test: $(STAMP) $(CONTRACT) $(GH) ## all tests but those of the layers and the long ones
	$(BIN)/pytest -n 5 --dist loadscope --no-loadscope-reorder -m "not layers and not gates and not long"

test-fast: $(STAMP) ## the unit tests, in less than a minute: after an edit
	$(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder tests/unit

# Those that run the code in processes of their own; what MiniStack runs is not measured.
coverage: $(STAMP) ## lines and branches that the tests reach, by room; fails below tests/coverage_floors.toml
	@rm -rf build/coverage && mkdir -p build/coverage
	$(BIN)/coverage run -m pytest -n 2 --dist loadscope --no-loadscope-reorder -m "not gates and not long" \
	  -k "not ministack" tests/unit tests/synth tests/integration/test_*.py tests/operations \
	  tests/security/test_launches.py tests/security/test_approvals.py tests/security/test_adoption.py
	@$(BIN)/coverage combine --quiet
	@$(BIN)/python -m tests.coverage_floors

test-long: $(STAMP) ## what takes minutes of waiting: a lost run, StudioStack's removal, failed launches by event
	$(BIN)/pytest -m long --ignore tests/templates

test-templates: $(STAMP) ## what the templates' READMEs promise, in environments of their own locks (757 MB each at first)
	$(BIN)/pytest -m long tests/templates

test-scenarios: $(STAMP) ## every story of tests/integration on MiniStack: real stacks, the deployed functions
	$(BIN)/pytest --on ministack tests/integration

check: lint types gates ## lint, format, types; the gates: cdk-nag, cfn-lint, checkov, zizmor, actionlint

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/zizmor --offline --no-progress --quiet templates
	$(BIN)/actionlint -shellcheck= -pyflakes= templates/*/*/.github/workflows/*.yml

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

updates: $(STAMP) ## each setting switched, three versions: what CloudFormation would replace, refuse or delete (in make test)
	$(BIN)/pytest tests/updates

faults: $(STAMP) ## every request of a launch, an update and a delete, with every fault, as a table
	$(BIN)/python -m tests.faults

bench: $(STAMP) ## what operations cost beside a naive update, and cold starts: tables, and build/bench.json
	$(BIN)/python -m tests.bench

mutants: $(STAMP) ## small mistakes in the code that no test notices: a seeded sample (ALL=1: all, for hours; SEED=2)
	$(BIN)/python -m tests.mutants --seed $(or $(SEED),1) $(if $(ALL),--all)

reference: $(STAMP) ## write docs/reference.md from the code
	$(BIN)/python -m docs.reference

sbom: $(STAMP) ## build/sbom.json: CycloneDX, of what runs in Lambda
	$(BIN)/python layers/sbom

lock: $(STAMP) ## compile requirements.in to the hashed requirements.txt
	$(BIN)/python -m pip install --quiet uv
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate -o requirements.txt requirements.in
	$(BIN)/python layers/python/lock
	echo checkov | UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate -o tests/synth/checkov.txt -

clean: ## remove what can be made again
	rm -rf $(VENV) .venv-checkov build cdk.out .local tests/standin/node_modules .mypy_cache .ruff_cache .pytest_cache
