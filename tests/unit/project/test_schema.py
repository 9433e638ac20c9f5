"""The JSON Schema of dq.toml is what the table of settings says, and agrees with what is read."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from dq.project.reading import check
from dq.project.schema import schema

FILE = Path(__file__).parents[3] / "reports" / "project.schema.json"


def test_the_published_schema_is_what_the_settings_say(request: pytest.FixtureRequest) -> None:
    text = json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    if request.config.getoption("--update-golden"):
        FILE.write_text(text, encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == text
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize(
    "text",
    [
        '[catalog.lake]\nkind = "files"\npath = "data"\n',
        '[catalog.lake]\nkind = "iceberg"\n"any.thing" = "goes"\n',
        '[catalog.lake]\nkind = "files"\n',
        '[catalog.lake]\nkind = "filez"\npath = "x"\n',
        '[catalog.lake]\npath = "x"\n',
        '[table.x]\npath = ["a", "b"]\nskip = 2\nhive = false\n',
        '[table.x]\npath = "a"\nskip = -2\n',
        '[table.x]\npath = "a"\nformat = "xml"\n',
        '[table.x]\npath = "a"\nformat = "${FORMAT}"\n',
        '[check.x]\nruleset = "a.dqdl"\nfail_on = "never"\ntags = "daily"\ntime_limit = 0.5\n',
        '[check.x]\nfail_on = "never"\n',
        "[checks.x]\n",
        "[defaults]\nsamples = 0\n",
        '[defaults]\nruleset = "x"\n',
    ],
)
def test_an_editor_refuses_what_dq_refuses(text: str) -> None:
    assert Draft202012Validator(schema()).is_valid(tomllib.loads(text)) == (check(text) == [])
