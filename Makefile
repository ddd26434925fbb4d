PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=

.PHONY: help install demo test check lint types contracts unit lock clean up bench

help:            ## what can be made here
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t14

install: $(STAMP) ## everything the project needs, into .venv

$(STAMP): requirements.lock pyproject.toml
	@$(PY) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Perpetua needs Python 3.11 or newer; set PY=python3.12, say")'
	@test -x $(BIN)/python || $(PY) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

lock:            ## pin what pyproject.toml asks for, with hashes, for every platform
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --python-version 3.11 \
	  --group dev pyproject.toml -o requirements.lock

demo: install    ## a believable company, served; prints address and sign-ins
	@$(BIN)/perpetua demo $(ARGS)

up: install      ## web, worker and database in one
	@$(BIN)/perpetua up $(ARGS)

test: install lint types contracts unit ## all checks and tests

lint: install
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: install
	@$(BIN)/pyright

contracts: install
	@$(BIN)/lint-imports --no-cache

unit: install
	@$(BIN)/python -m pytest $(ARGS)

bench: install   ## the promises in bench/, each as a ratio
	@$(BIN)/python -m bench $(ARGS)

clean:
	rm -rf $(VENV) .stamps
