# What a developer and CI run. `make run` and `make test` set everything up by themselves.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Hubs are started by the hundred: compiled once, and not each time, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
# Twice quiet: errors only. Once still warns of every mirror that is configured and not there.
PIP := $(PY) -m pip install --quiet --quiet --disable-pip-version-check --no-input

# Everything that is pinned is pinned by hash. The build tools come first and alone, because
# pip would otherwise fetch unpinned ones for every source package.
HASHED := $(PIP) --require-hashes --no-build-isolation

.PHONY: help
help:  ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

.PHONY: setup
setup: $(READY)  ## everything into .venv, so that .venv/bin/gashub works

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "$(PYTHON) is older than 3.11: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@.ci/need '$(PYTHON) -m ensurepip --version' python3-venv
	$(PYTHON) -m venv $(VENV)

$(READY): $(PY) requirements/build.txt requirements/dev.txt pyproject.toml
	$(HASHED) -r requirements/build.txt
	$(HASHED) -r requirements/dev.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# Other people's programs, whose pins clash with ours and with each other's: a folder for each,
# which a test puts on the path of a process of its own.
STRANGERS := sparkplug thingsboard modbus tryton
.PHONY: strangers
strangers: $(STRANGERS:%=build/strangers/%/.ready)  ## other people's programs, for the tests
build/strangers/%/.ready: requirements/stranger-%.txt $(READY)
	rm -rf $(@D)
	$(HASHED) --target $(@D) -r $<
	@touch $@

.PHONY: run
run: setup  ## the demo: six orders with simulated instruments, about two minutes
	$(VENV)/bin/gashub demo

.PHONY: demo-instruments
demo-instruments: setup  ## one instrument of every driver at once, live, about forty seconds
	$(VENV)/bin/gashub demo --instruments

.PHONY: demo-jobs
demo-jobs: setup  ## whole jobs of the regulations, from order to evidence, about three minutes
	$(VENV)/bin/gashub demo --jobs

.PHONY: test
test: setup strangers  ## every test; mosquitto, strace and the like are installed first if possible
	@.ci/need 'command -v mosquitto' mosquitto || echo "going on with the embedded broker" >&2
	@.ci/need 'command -v systemd-analyze' systemd || echo "the unit's tests will fail" >&2
	@.ci/need 'command -v strace' strace || echo "the tests by traced calls will fail" >&2
	@.ci/need 'command -v pdftotext' poppler-utils || echo "the tests of papers will fail" >&2
	@.ci/need 'command -v soffice' libreoffice-calc || echo "the tests of registers will fail" >&2
	@.ci/need 'command -v sshd' openssh-server || echo "the tests of filings will fail" >&2
	@.ci/need 'test -n "$$(find /usr/share/fonts -name wqy-microhei.ttc)"' fonts-wqy-microhei || echo "the tests of papers will fail" >&2
	@.ci/need 'ls /usr/lib/postgresql/*/bin/initdb' postgresql || echo "the tests of Tryton on PostgreSQL will fail" >&2
	@.ci/need 'command -v javac' default-jdk-headless || echo "a test of the kit will fail" >&2
	@.ci/need 'command -v mcs && command -v mono' mono-mcs mono-runtime libmono-system-core4.0-cil || echo "a test of the kit will fail" >&2
# Most tests wait, so four at a time take a third of the time. The folder's name is short because
# sockets stand in it; it is kept when a test fails. Files go out in the order of tests/conftest.py.
	@folder=$$(mktemp -d); \
	    $(PY) -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder \
	        --durations 12 --basetemp "$$folder" && rm -rf "$$folder"

.PHONY: lint
lint: setup  ## format, lint, types, import contracts
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy --strict hub plugins
	$(VENV)/bin/lint-imports

.PHONY: bench
bench: setup  ## speed and memory, as ratios against bare clients; JSON under bench/out/
	$(PY) bench/prove.py --only speed

.PHONY: prove
prove: setup  ## every long figure at full count: kill loops, power loss, fuzz, mutation
	$(PY) bench/prove.py

.PHONY: pins
# One file serves every Python from 3.11 on and every platform: pins carry markers. What is
# pinned already stays as it is, unless one says `make pins UPGRADE=1`.
PIN = $< pip compile --quiet $(if $(UPGRADE),--upgrade) --universal --python-version 3.11 \
    --generate-hashes --no-header --no-annotate --no-emit-index-url
pins: build/uv/bin/uv  ## write requirements/*.txt again, from pyproject.toml
	$(PIN) requirements/build.in -o requirements/build.txt
	$(PIN) pyproject.toml -o requirements/runtime.txt
	$(PIN) pyproject.toml --extra sparkplug -c requirements/runtime.txt \
	    -o requirements/sparkplug.txt
	$(PIN) pyproject.toml --extra pdf -c requirements/runtime.txt -o requirements/pdf.txt
	$(PIN) pyproject.toml --extra api -c requirements/runtime.txt -o requirements/api.txt
	$(PIN) pyproject.toml --extra filing -c requirements/runtime.txt -o requirements/filing.txt
	$(PIN) pyproject.toml --extra demo --extra sparkplug --extra pdf --extra api --extra filing \
	    --extra dev -c requirements/sparkplug.txt -c requirements/pdf.txt \
	    -c requirements/api.txt -c requirements/filing.txt -o requirements/dev.txt
	for name in $(STRANGERS); do \
	    $(PIN) requirements/stranger-$$name.in -o requirements/stranger-$$name.txt; done

build/uv/bin/uv:
	$(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip install --quiet --quiet uv

.PHONY: clean
clean:  ## forget everything that can be made again (not .venv)
	rm -rf build dist mutants bench/out demo-out .mypy_cache .ruff_cache .pytest_cache
