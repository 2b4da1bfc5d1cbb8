# Everything a person or a CI machine runs. Needs only Python 3.11 or newer and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOCKED := -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes
OURS := -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation

.PHONY: demo test lint types contracts unit long kubernetes update bench crash weather soak fuzz lock sbom audit clean
.DEFAULT_GOAL := demo

$(STAMP): pyproject.toml requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wanctl needs Python 3.11 or newer; say which: make PYTHON=python3.12")'
	@echo "Setting up $(VENV) (once)…"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(LOCKED) --requirement requirements/dev.txt
	@$(BIN)/python $(OURS) --editable .
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
	$(BIN)/pytest -n auto --dist worksteal --durations=10 -m "not long and not weather and not kubernetes"

# The pages in Chromium, and the tests that take tens of seconds each: samples of the crash matrix, ten runs at
# once, planted secrets. CI runs them after the others.
long: $(STAMP)
	$(BIN)/pytest -n auto --dist worksteal --durations=10 -m "long and not kubernetes"

# What is shown on a real API server of Kubernetes, which is built once from Debian's source package.
kubernetes: $(STAMP) $(VENV)/.kubernetes
	tests/kubernetes/server.sh build
	$(BIN)/pytest -n auto --dist worksteal --durations=10 -m kubernetes

$(VENV)/.kubernetes: requirements/kubernetes.txt $(STAMP)
	@$(BIN)/python $(LOCKED) --requirement requirements/kubernetes.txt
	@touch $@

# Rewrite the golden output of the scenarios; read the difference before committing it.
update: $(STAMP)
	$(BIN)/pytest tests/scenarios --update

# A run killed and disturbed at every call and every write, and run again: what became of it, as a table.
crash: $(STAMP)
	$(BIN)/python -m tests.crash.matrix --workers 2 --marks kept
	$(BIN)/python -m tests.crash.matrix --workers 2 --marks lost
	for store in s3 git; do $(BIN)/python -m tests.crash.matrix --workers 2 --store $$store \
		--scene replace --scene blue-green --alone || exit 1; done
	test -n "$$(tests/kubernetes/server.sh missing)" || \
		$(BIN)/python -m tests.crash.matrix --workers 2 --store kube --scene replace --scene blue-green --alone
	$(BIN)/python -m tests.crash.matrix --workers 2 --store git --every 40
	$(BIN)/python -m tests.crash.matrix --workers 2 --store s3 --every 10

# Lives of projects on which weather falls, from one seed, until the time is over: SECONDS=600 [SEED=N].
weather: $(STAMP)
	$(BIN)/pytest -m weather tests/weather
	$(BIN)/python -m tests.weather --seconds $(or $(SECONDS),600) $(if $(SEED),--seed $(SEED))

# The tests at random, with many times as many examples as `make test` tries.
soak: $(STAMP)
	WANCTL_TEST_EXAMPLES=25 $(BIN)/pytest -n auto --dist worksteal --timeout 0 \
		$$(grep -rl 'examples(' --include='test_*.py' tests)

# Bytes of strangers at random, as many as there is time for, to all that reads them: SECONDS for the TARGETS together.
SECONDS := 60
fuzz: $(VENV)-fuzz/.installed
	$(VENV)-fuzz/bin/python -m tests.fuzz.run --seconds $(SECONDS) $(TARGETS)

# The fuzzer and nothing else; the rest is what .venv has. It has no wheel for every platform and Python.
$(VENV)-fuzz/.installed: $(STAMP) requirements/fuzz.txt
	@$(BIN)/python -m venv --clear $(VENV)-fuzz
	@$(VENV)-fuzz/bin/python $(LOCKED) --only-binary :all: --requirement requirements/fuzz.txt || { \
		echo "make fuzz needs atheris, which has wheels for Linux and Python 3.11 to 3.13: make PYTHON=python3.13 fuzz"; \
		exit 1; }
	@$(BIN)/python -c 'import sys, sysconfig; print("import site; site.addsitedir(" + repr(sysconfig.get_path("purelib")) + ")")' \
		>$$($(VENV)-fuzz/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/venv.pth
	@touch $@

# The versions in requirements/ anew, from pyproject.toml: what is locked stays where it still fits, and with
# UPGRADE=--upgrade the newest is taken. Needs uv. Read the difference before committing it.
COMPILED := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $(UPGRADE)
lock:
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv"; exit 1; }
	echo hatchling | $(COMPILED) --output-file requirements/build.txt -
	$(COMPILED) --output-file requirements/image.txt --extra object-stores pyproject.toml
	printf 'hatchling\neditables\n' | $(COMPILED) --output-file requirements/dev.txt --constraint requirements/image.txt \
		--group dev pyproject.toml -
	printf 'cyclonedx-bom\npip-audit\n' | $(COMPILED) --output-file requirements/supply.txt -
	printf 'helm-python-sdk\nkubectl-cli-bin\n' | $(COMPILED) --output-file requirements/kubernetes.txt -
	echo 'atheris<3.1' | $(COMPILED) --output-file requirements/fuzz.txt -  # 3.1 has no wheel for Python 3.11

# What the image holds, with licences, as CycloneDX and as a table: dist/sbom.cdx.json, dist/licences.md.
sbom: $(VENV)-supply/.installed $(VENV)-image/.installed
	@mkdir -p dist
	$(VENV)-supply/bin/cyclonedx-py environment --output-reproducible --output-format JSON --pyproject pyproject.toml \
		--output-file dist/sbom.cdx.json $(VENV)-image/bin/python
	$(PYTHON) requirements/licences.py dist/sbom.cdx.json >dist/licences.md

# Known weaknesses of all that is locked. Asks a service on the network; where none answers, it says so and fails.
audit: $(VENV)-supply/.installed
	$(PYTHON) requirements/audit.py $(VENV)-supply/bin/pip-audit requirements/image.txt requirements/dev.txt

$(VENV)-supply/.installed: requirements/supply.txt
	@$(PYTHON) -m venv $(VENV)-supply
	@$(VENV)-supply/bin/python $(LOCKED) --requirement requirements/supply.txt
	@touch $@

# As the Dockerfile makes it: the wheel by what build.txt locks, and it with what image.txt locks.
$(VENV)-image/.installed: pyproject.toml requirements/build.txt requirements/image.txt
	@$(PYTHON) -m venv --clear $(VENV)-image
	@$(VENV)-image/bin/python $(LOCKED) --requirement requirements/build.txt
	@rm -rf dist/wheel
	@$(VENV)-image/bin/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist/wheel .
	@$(PYTHON) -m venv --clear $(VENV)-image
	@$(VENV)-image/bin/python $(LOCKED) --requirement requirements/image.txt
	@$(VENV)-image/bin/python $(OURS) dist/wheel/*.whl
	@$(VENV)-image/bin/python -m pip uninstall --quiet --yes pip setuptools
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-supply $(VENV)-image .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Ratios, not verdicts: short commands, plans that find nothing to do, the waiting of a run, a dataset read and
# packed; then an account full of others' objects, an apply of 200 chains, the memory of a large dataset. Writes
# docs/speed.md, its picture, and the line of this version in tests/bench/history.json.
bench: $(STAMP)
	$(BIN)/python tests/bench/table.py
	$(BIN)/python tests/bench/foreign.py
	$(BIN)/python tests/bench/applying.py 200
	$(BIN)/python tests/bench/memory.py 1000
	$(BIN)/python tests/bench/fleet.py 100
	$(BIN)/python tests/bench/preparing.py 600
