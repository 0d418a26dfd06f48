# A thin face: the work is in tools/*.py, which run without make as well (python tools/test.py).
# Whatever a target needs is set up in .venvs/ the first time.

PYTHON ?= python3

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: python ## a real BentoML Service and the clients calling it; the first time in about a minute
	$(PYTHON) tools/demo.py

test: python ## the whole suite, against a wheel of the sources and real BentoML servers; says what it sets up first
	$(PYTHON) tools/test.py

compat: python ## the clients against BentoML 1.2, 1.3 and the newest 1.4 too
	$(PYTHON) tools/compat.py

bench: python ## the clients beside their peers, and memory; takes a while
	$(PYTHON) tools/bench.py

frameworks: python ## endpoints in LangChain, FastMCP, Typer and FastAPI
	$(PYTHON) tools/frameworks.py

engines: python ## batches on Ray, Spark, joblib and Dask
	$(PYTHON) tools/engines.py

fuzz: python ## whatever reads a server's answers, a minute each, on Linux
	$(PYTHON) tools/fuzzing.py

mutants: python ## what the core's own tests would not notice, ten minutes of it
	$(PYTHON) tools/mutants.py

check: python ## the static checks: format, lint, types
	$(PYTHON) tools/check.py

docs: python ## the documentation, into build/docs
	$(PYTHON) tools/docs.py

build: python ## sdist and wheel into dist/
	$(PYTHON) tools/build.py

pins: python ## pin the development requirements anew
	$(PYTHON) tools/pins.py

clean: ## remove everything that the other targets made
	rm -rf .venvs .fuzz build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=...")'

.DEFAULT_GOAL := help
.PHONY: help demo test compat bench frameworks engines fuzz mutants check docs build pins clean python
