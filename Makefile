# Every target makes its own virtual environment where there is none.

PYTHON ?= python3
VENV ?= .venv
# Test processes at a time; each computes on one thread.
JOBS ?= 2

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OLDEST := build/oldest

.DEFAULT_GOAL := help
.PHONY: help demo test coverage test-oldest lint format stubs docs clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: $(STAMP)-examples ## compare DeepOutlierDetector with scikit-learn's detectors, list what it flags
	$(BIN)/python examples/quickstart.py --figure build/quickstart.png

test: lint ## lint, then all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=$(JOBS)

coverage: $(STAMP)-tests ## all tests, and the lines that none of them runs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=$(JOBS) --cov

test-oldest: $(OLDEST)/.installed ## all tests with the oldest releases that setup.cfg admits
	OMP_NUM_THREADS=1 $(OLDEST)/bin/python -m pytest --numprocesses=$(JOBS)

lint: $(STAMP)-tests ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMP)-tests ## let ruff put right what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

stubs: $(STAMP)-tests ## write the stubs that editors and type checkers read
	$(BIN)/python -m sklearn_deepod.utils._stubs

docs: $(STAMP)-docs ## build docs/_build/html, warnings as errors
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

clean: ## remove what the other targets made, the environment as well
	rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* htmlcov
	rm -rf .pytest_cache .ruff_cache .hypothesis
	rm -rf docs/_build docs/auto_examples docs/generated
	rm -f docs/sg_execution_times.rst quickstart.png examples/*.png
	find sklearn_deepod tests examples docs -name __pycache__ -type d -exec rm -rf {} +

$(STAMP)-%: setup.cfg pyproject.toml constraints.txt | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		-c constraints.txt -e ".[$*]"
	touch $@

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)

$(OLDEST)/.installed: setup.cfg .ci/oldest.py
	$(PYTHON) -m venv $(OLDEST)
	$(PYTHON) .ci/oldest.py tests > $(OLDEST)/constraints.txt
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check \
		-c $(OLDEST)/constraints.txt -e ".[tests]"
	touch $@
