# make run   evaluate all networks on the mixture noise and make the page
# make test  the tests; make test-fast  those of them that take less than a minute together
# make lint  style and types
# make board  the board of submissions in reports/board, in site/board
# Each does its own set-up: a .venv with known-good versions (constraints.txt).

PYTHON ?= python3
OUT ?= runs/latest
JOBS ?= 2  # processes of make test
BIN = .venv/bin

.PHONY: run board test test-fast lint clean

run: .venv/ready
	$(BIN)/bench run --models all --noise mixture --out $(OUT)
	$(BIN)/bench report $(OUT) --out site

board: .venv/ready
	$(BIN)/bench board reports/board/submissions --rerun reports/board/reruns/dncnn --out site/board

test: .venv/ready-dev
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadfile

test-fast: .venv/ready-dev
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadfile -m "not slow and not browser and not dask"

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

.venv/ready-dev: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv build dist *.egg-info site
