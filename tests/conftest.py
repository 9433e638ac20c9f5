"""What all tests share."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from examples import MADE, SIZE
from hypothesis import settings
from report_schema import assert_valid_report

from dq.outcomes import Evaluation
from dq.render import json as json_reports

# Speed is measured in benchmarks/, never in a test. The gate is the same on every run; `make nightly` explores.
settings.register_profile("gate", deadline=None, derandomize=True)
settings.register_profile("small", deadline=None, derandomize=True)
settings.register_profile("nightly", deadline=None, max_examples=1000)
settings.load_profile(SIZE)

collect_ignore = ["adapters"]
"""They need their hosts: `make test-adapters`."""

GOLDEN = Path(__file__).parent / "golden"

Golden = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files instead of comparing")


EVERY = {"all": 1, "share": 16, "few": 80}
"""Of the cases on Spark and on Ray, one in so many is run; `DQ_ENGINES` says which: `make test-engines` takes all."""

SHARED = frozenset({"test_cases.py", "test_evaluation.py", "test_rows.py", "test_spark_sql.py"})
"""The files of these cases."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What runs on Spark, and on Ray, stays in one process each, which starts one of them."""
    left_out: set[pytest.Item] = set()
    for engine in ("spark", "ray"):
        of_engine = [each for each in items if _runs_on(engine, each)]
        for each in of_engine:
            each.add_marker(engine)
            each.add_marker(pytest.mark.xdist_group(engine))
        for name in SHARED:
            cases = [each for each in of_engine if each.path.name == name]
            left_out |= set(cases) - set(cases[:: EVERY[os.environ.get("DQ_ENGINES", "share")]])
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [each for each in items if each not in left_out]


def _runs_on(engine: str, item: pytest.Item) -> bool:
    parameters = getattr(item, "callspec", None)
    return item.path.name.startswith(f"test_{engine}.") or (
        item.get_closest_marker(engine) is not None
        or (parameters is not None and parameters.params.get("engine") == engine)
    )


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """What a generated test evaluated goes with its report, since it may have run in another process."""
    item.user_properties.extend((f"made {what}", MADE[what]) for what in MADE)
    MADE.clear()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much the generated tests evaluated."""
    made: Counter[str] = Counter()
    for report in terminalreporter.stats.get("", []):
        made.update({name[5:]: number for name, number in report.user_properties if name.startswith("made ")})
    if made:
        counted = ", ".join(f"{number:,} {what}" for what, number in sorted(made.items()) if ": " not in what)
        terminalreporter.write_line(f"generated and evaluated: {counted}")
    if SIZE == "nightly" and made["rules"]:
        from differential.census import told

        for line in told(made):
            terminalreporter.write_line(line)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with a file below tests/golden, byte for byte; the flag writes the file."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        assert path.exists(), f"no golden file {name}: run pytest --update-golden and read the diff"
        assert text == path.read_bytes().decode()

    return compare


@pytest.fixture(autouse=True, scope="session")
def every_json_report_is_valid() -> Iterator[None]:
    """Every report that a test makes in this process is held against the published schema."""
    original = json_reports.report

    def checked(evaluation: Evaluation) -> dict[str, Any]:
        report = original(evaluation)
        assert_valid_report(report)
        return report

    json_reports.report = checked
    yield
    json_reports.report = original
