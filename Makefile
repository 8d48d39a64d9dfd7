# Every target sets up what it needs: a .venv beside this file, with the versions in constraints.txt.
#
#   make demo                           train on 5,000 real digits, then sample, judge, evaluate
#   make test [ARGS="-k words"]         all tests, and the examples in docstrings
#   make check                          format, lint, types, import layers, layout, words, links in the docs
#   make bench NAME=duel [DATA=folder]  one benchmark; the last line printed is one JSON object
#   make fuzz [FLAGS="--count 2000"]    hostile inputs and damaged runs: no traceback, no silent damage
#   make gpu-check                      every recipe on a GPU, five minutes; says so if there is none
#   make format                         put the layout of the code right
#   make clean                          remove the environment and all caches

PYTHON ?= python3
VENV   ?= .venv
NAME   ?=
DATA   ?= data
ARGS   ?=
FLAGS  ?=
WORKERS ?= 2

BIN := $(VENV)/bin
# With these, a step never waits for input and says no more than it must.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help demo test check bench fuzz gpu-check docs format format-check lint types layers layout words environment clean

help:
	@sed -n 's/^#   //p' Makefile

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "gannet needs Python 3.11 or later: make PYTHON=/path/to/python3.11 ..." >&2; exit 2; }
	@echo "making $(VENV)" >&2
	@$(PYTHON) -m venv $(VENV)

# A stamp per set of extras: installed again only when what is asked for has changed.
$(VENV)/.installed-%: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing gannet[$*] into $(VENV) (once; takes some minutes)" >&2
	@$(PIP) -c constraints.txt -e '.[$*]' >&2
	@touch $@

DEV := $(VENV)/.installed-dev
# Whoever has the developers' set has the demo's too, and need not wait for it again.
SMALL := $(VENV)/.installed-demo,features,parquet,report
DEMO := $(if $(wildcard $(DEV)),$(DEV),$(SMALL))

demo: $(DEMO)
	@$(BIN)/gannet demo $(FLAGS)

# One thread in each of two processes: on a busy machine two threads that wait for each other are
# slower than one, and sums come out in the same order everywhere.
test: $(DEV)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile $(ARGS)

bench: $(DEV)
	@test -n "$(NAME)" || { echo "Which one? make bench NAME=..., one of:" >&2; \
	  $(BIN)/python -m benchmarks >&2; exit 2; }
	@$(BIN)/python -m benchmarks $(NAME) --data "$(DATA)" $(FLAGS)

fuzz: $(DEV)
	@OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz/run.py $(FLAGS)

gpu-check: $(DEMO)
	@$(BIN)/python tools/gpu_check.py $(FLAGS)

check: environment format-check lint types layers layout words docs

format-check: $(DEV)
	@$(BIN)/ruff format --check .

lint: $(DEV)
	@$(BIN)/ruff check .

types: $(DEV)
	@$(BIN)/basedpyright --pythonpath $(BIN)/python

layers: $(DEV)
	@$(BIN)/lint-imports

layout: $(DEV)
	@$(BIN)/python tools/check_layout.py

environment: $(DEV)
	@$(BIN)/python tools/check_environment.py

words: $(DEV)
	@$(BIN)/python tools/check_words.py

docs: $(DEV)
	@$(BIN)/python tools/check_links.py

format: $(DEV)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:
	@rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache
