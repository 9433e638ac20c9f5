"""What every JSON report of the suite must obey."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from dq.render.json import schema


@cache
def _validator() -> Draft202012Validator:
    published = schema()
    Draft202012Validator.check_schema(published)
    return Draft202012Validator(published)


def assert_valid_report(report: dict[str, Any]) -> None:
    """The report obeys the published schema, is strict JSON, and its counts agree with its outcomes."""
    problems = [f"{error.json_path}: {error.message}" for error in _validator().iter_errors(report)]
    assert not problems, "\n".join(problems)
    json.dumps(report, allow_nan=False)
    verdicts = [outcome["verdict"] for outcome in report["outcomes"]]
    assert report["counts"] == {
        "rules": len(verdicts),
        "passed": verdicts.count("PASSED"),
        "failed": verdicts.count("FAILED"),
        "error": verdicts.count("ERROR"),
    }
    assert report["passed"] == (report["counts"]["passed"] == len(verdicts))
