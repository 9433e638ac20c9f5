"""docs/compatibility.md lists every difference from the recorded answers, and no other."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from recorded import cases, differences
from test_parse import cases as parse_cases

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"

HEAD = """# Compatibility with Glue

What this page compares with are recorded answers of Amazon's open implementation (the published DQDL parser, and Deequ
on Spark). Where they and the developer guide differ, the guide decides; each difference has its reason here. The page
is checked by `tests/conformance/test_compatibility_page.py`, and written by it with `--update-golden`.
"""


def page() -> str:
    recorded = [case for case in cases() if "expected" in case]
    rules = sum(len(case["expected"]) for case in recorded)
    found = list(differences().values())
    groups = Counter(case["id"].rsplit("-", 1)[0] for case in recorded)
    lines = [
        HEAD,
        "## Parsing",
        "",
        f"{len(parse_cases())} recorded documents; all agree in dialect `glue`: the same verdict and the same canonical text.",
        "",
        "## Evaluation",
        "",
        f"{len(recorded)} recorded runs with {rules:,} rule results; {len(found)} results differ on purpose.",
        "Rules over several datasets are not measured by this version: they are ERROR outcomes and are not compared.",
        "`Structure-30` is not compared: its ruleset has a blank `where`, which dialect `dq` refuses.",
        "A letter and number name the paragraph of our reference that decides: J is its list of disagreements.",
        "",
        "| case | rule | our verdict | why |",
        "|---|---|---|---|",
        *(f"| {each.case} | `{cell(each.rule)}` | {each.verdict} | {each.why} |" for each in found),
        "",
        "## Recorded runs by group",
        "",
        "| group | runs |",
        "|---|---:|",
        *(f"| {name} | {count} |" for name, count in groups.items()),
        "",
    ]
    return "\n".join(lines)


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("`", "'")


def test_the_page_lists_every_difference(request: object) -> None:
    if request.config.getoption("--update-golden"):  # type: ignore[attr-defined]
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()
