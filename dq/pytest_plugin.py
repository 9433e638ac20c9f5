"""A plugin of pytest: rulesets as tests, and a fixture that gates tables.

pytest imports this in every run where dq is installed, so it imports nothing of dq until a ruleset or the fixture is
used.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dq.outcomes import Evaluation
    from dq.pytest_items import RulesetFile

SUFFIX = ".dqdl"


def pytest_addoption(parser: pytest.Parser) -> None:
    """What says which rulesets are tests, and of which tables."""
    data = "A table that rulesets are for: a file, folder or glob, or a name of dq.toml; `primary` without an alias."
    group = parser.getgroup("dq", "data quality rules")
    group.addoption("--dq-data", action="append", default=[], metavar="[ALIAS=]TABLE", help=f"{data} May be repeated.")
    parser.addini("dq_data", f"{data} One a line.", type="linelist", default=[])
    parser.addini(
        "dq_rulesets",
        "Globs of the .dqdl files that are tests wherever pytest looks; one that is named to pytest always is.",
        type="args",
        default=[],
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> RulesetFile | None:
    """A ruleset that is named to pytest, or that `dq_rulesets` means."""
    if file_path.suffix != SUFFIX or not (parent.session.isinitpath(file_path) or _is_meant(file_path, parent.config)):
        return None
    from dq.pytest_items import RulesetFile

    return RulesetFile.from_parent(parent, path=file_path)


def _is_meant(path: Path, config: pytest.Config) -> bool:
    root = config.rootpath
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    return any(fnmatch(name, pattern) for pattern in config.getini("dq_rulesets"))


@pytest.fixture
def dq_gate(request: pytest.FixtureRequest) -> Callable[..., Evaluation]:
    """`dq.gate` for tests: a table that does not pass fails the test, in its words and without a traceback.

    The path of a ruleset is meant from the folder of the test, where it is one there.
    """
    folder = request.path.parent

    def gate(ruleset: Any, *data: Any, **options: Any) -> Evaluation:
        import dq

        if isinstance(ruleset, (str, Path)) and str(ruleset).endswith(SUFFIX) and (folder / ruleset).is_file():
            ruleset = folder / ruleset
        try:
            return dq.gate(ruleset, *data, **options)
        except dq.QualityError as error:
            told = str(error)
        pytest.fail(told, pytrace=False)

    return gate
