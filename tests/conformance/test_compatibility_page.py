"""docs/compatibility.md lists every difference from the recorded answers, and no other."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from recorded import cases, differences
from recorded_rows import compared, reason, with_rows
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
    told, same, reasons = row_counts()
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
        "A rule that failed there because it could not be measured is ERROR here, and that is no difference.",
        "`Structure-30` is not compared: its ruleset has a blank `where`, which dialect `dq` refuses.",
        "A letter and number name the paragraph of our reference that decides: J is its list of disagreements.",
        "",
        "| case | rule | our verdict | why |",
        "|---|---|---|---|",
        *(f"| {each.case} | `{cell(each.rule)}` | {each.verdict} | {each.why} |" for each in found),
        "",
        "## Rows",
        "",
        f"{len(with_rows())} recorded runs with rows; {told:,} outcomes of a rule on a row, of which {same:,} are the same.",
        "The others differ for these reasons:",
        "",
        "| rule type | why | rules | rows |",
        "|---|---|---:|---:|",
        *(f"| {name} | {why} | {rules} | {rows} |" for (name, why), (rules, rows) in sorted(reasons.items())),
        "",
        "## Recorded runs by group",
        "",
        "| group | runs |",
        "|---|---:|",
        *(f"| {name} | {count} |" for name, count in groups.items()),
        "",
    ]
    return "\n".join(lines)


def row_counts() -> tuple[int, int, dict[tuple[str, str | None], tuple[int, int]]]:
    """Outcomes of rules on rows, how many of them agree, and by reason the rules and rows that do not."""
    told = same = 0
    reasons: dict[tuple[str, str | None], tuple[int, int]] = {}
    for case in with_rows():
        for each in compared(case):
            told += each.rows
            same += each.rows - len(each.different)
            if each.different:
                key = each.rule.split()[0], reason(each.rule, case["id"])
                rules, rows = reasons.get(key, (0, 0))
                reasons[key] = rules + 1, rows + len(each.different)
    return told, same, reasons


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("`", "'")


def test_the_page_lists_every_difference(request: object) -> None:
    if request.config.getoption("--update-golden"):  # type: ignore[attr-defined]
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()
