# Perpetua: build, checks, and the two commands to begin with (`make demo`, `make test`).

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
WORKERS ?= 2
# What a start loads: imported once at install, so that its bytecode is there even where the surroundings forbid writing it.
STARTED := perpetua.app.web, perpetua.app.worker, perpetua.app.cli.demo, perpetua.app.demo.load, granian.server, alembic.command
ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PY ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(ENOUGH)' 2>/dev/null && echo $$p && break; done)

.PHONY: help install demo up test check lint types contracts unit bench wheel audit hooks lock clean
.DEFAULT_GOAL := help

help:            ## what can be made here
	@grep -hE '^[a-z-]+: .*##|^[a-z-]+: +##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t14

install: $(STAMP) ## everything the project needs, into .venv

# uv installs what the lock names in seconds; it comes from the lock itself, checked by hash. Where uv can't reach its
# index (a mirror that only pip is told of), pip installs the same files.
$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PY)" || { echo "Perpetua needs Python 3.11 or newer; where it has another name: make PY=/path/to/python"; exit 1; }
	@$(PY) -c '$(ENOUGH)' || { echo "$(PY) is older than Python 3.11, which Perpetua needs"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { echo "Installing into $(VENV) …"; $(PY) -m venv --clear $(VENV); } || { \
	  echo "Python can't make a virtual environment here. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@awk '/^uv==/ {on = 1} on {print} on && !/\\$$/ {exit}' requirements.lock > $(VENV)/uv.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	@$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes requirements.lock \
	  || { echo "uv could not; trying with pip …"; $(BIN)/python -m pip install -q --require-hashes -r requirements.lock; }
	@$(BIN)/uv pip install -q --python $(BIN)/python --offline --no-deps --no-build-isolation -e .
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -c "import $(STARTED)"
	@touch $@

demo: install    ## a believable company, served; prints address and sign-ins
	@$(BIN)/perpetua demo $(ARGS)

up: install      ## web, worker and database in one
	@$(BIN)/perpetua up $(ARGS)

test: check unit ## all checks and tests

check: lint types contracts ## what can be told without running anything

lint: install    ## ruff: rules and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: install   ## pyright, strict on src
	@$(BIN)/pyright

contracts: install ## who may import whom
	@$(BIN)/lint-imports --no-cache --no-logo

unit: install    ## the tests; ARGS="tests/items -x" for some
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope $(ARGS)

bench: install   ## the promises in bench/, each as a ratio
	@$(BIN)/python -m bench $(ARGS)

wheel: install   ## a wheel in dist/
	@$(BIN)/python -m hatchling build -t wheel

audit: install   ## known holes in what we stand on
	@$(BIN)/pip-audit --require-hashes --disable-pip -r requirements.lock

hooks: install   ## checks before each commit
	@$(BIN)/pre-commit install

lock:            ## pin what pyproject.toml asks for, with hashes, for every platform
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --python-version 3.11 \
	  --group dev pyproject.toml -o requirements.lock

clean:           ## remove what was built and installed
	rm -rf $(VENV) dist build
