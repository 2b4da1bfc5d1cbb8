# Everything a person or a CI machine runs. Needs only Python 3.11 or newer and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint types contracts unit long update bench crash soak clean
.DEFAULT_GOAL := demo

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wanctl needs Python 3.11 or newer; say which: make PYTHON=python3.12")'
	@echo "Setting up $(VENV) (once)…"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

# The project in specs/, from nothing to a deployed model, against the embedded sandbox.
demo: $(STAMP)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

test: lint types contracts unit

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports --no-cache

unit: $(STAMP)
	$(BIN)/pytest -n auto --dist worksteal --durations=10 -m "not long"

# The tests that take tens of seconds each: samples of the crash matrix, ten runs at once, planted secrets. CI
# runs them after the others.
long: $(STAMP)
	$(BIN)/pytest -n auto --dist loadgroup --durations=10 -m long

# Rewrite the golden output of the scenarios; read the difference before committing it.
update: $(STAMP)
	$(BIN)/pytest tests/scenarios --update

# A run killed and disturbed at every call and every write, and run again: what became of it, as a table.
crash: $(STAMP)
	$(BIN)/python -m tests.crash.matrix --workers 2 --marks kept
	$(BIN)/python -m tests.crash.matrix --workers 2 --marks lost
	for store in s3 git; do $(BIN)/python -m tests.crash.matrix --workers 2 --store $$store \
		--scene replace --scene blue-green --alone || exit 1; done
	$(BIN)/python -m tests.crash.matrix --workers 2 --store git --every 40
	$(BIN)/python -m tests.crash.matrix --workers 2 --store s3 --every 10

# The tests at random, with many times as many examples as `make test` tries.
soak: $(STAMP)
	WANCTL_TEST_EXAMPLES=25 $(BIN)/pytest -n auto --dist worksteal --timeout 0 \
		$$(grep -rl 'examples(' --include='test_*.py' tests)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Ratios, not verdicts: short commands, plans that find nothing to do, the waiting of a run, a dataset read and
# packed. Writes docs/speed.md, its picture, and the line of this version in tests/bench/history.json.
bench: $(STAMP)
	$(BIN)/python tests/bench/table.py
	$(BIN)/python tests/bench/foreign.py
	$(BIN)/python tests/bench/fleet.py 100
	$(BIN)/python tests/bench/preparing.py 600
