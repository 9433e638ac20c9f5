"""docs/compatibility.md lists every difference from the recorded answers, and no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from own_cases import case_files, tables_of
from recorded import ENGINES as RECORDED_ON
from recorded import cases, differences
from recorded_rows import Compared, compared, reason, with_rows
from test_cases import ENGINES, expected_metrics
from test_parse import cases as parse_cases

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"

HEAD = """# Compatibility with Glue

What a rule means is told twice. Our own cases (`tests/conformance/cases/`, a file for each rule type) say it from the
reference, never from what an engine answers: the verdict, the metrics, and what the rule says of each row, under the
paragraph that decides. Recorded answers of Amazon's open implementation (the published DQDL parser, and Deequ on Spark)
are the second source. Where they and the developer guide differ, the guide decides; each difference has its reason
here. The page is checked by `tests/conformance/test_compatibility_page.py`, and written by it with `--update-golden`.
"""


def page() -> str:
    recorded = [case for case in cases() if "expected" in case]
    rules = sum(len(case["expected"]) for case in recorded)
    found = list(differences().values())
    told, same, reasons = row_counts()
    groups = Counter(case["id"].rsplit("-", 1)[0] for case in recorded)
    lines = [
        HEAD,
        *by_rule_type(),
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
    for case, each in rows_compared():
        told += each.rows
        same += each.rows - len(each.different)
        if each.different:
            key = each.rule.split()[0], reason(each.rule, case)
            rules, rows = reasons.get(key, (0, 0))
            reasons[key] = rules + 1, rows + len(each.different)
    return told, same, reasons


@cache
def rows_compared() -> list[tuple[str, Compared]]:
    return [(case["id"], each) for case in with_rows() for each in compared(case)]


# -- the table of rule types ---------------------------------------------------------------------------


COUNTED = """How many verdicts are compared on each engine, our own and recorded ones, and of them how many numbers and
outcomes of a rule on a row. `make test-engines` compares all of them, `make test` those on DuckDB and one in sixteen of
those on Spark and on Ray. A difference from a recorded answer is listed below with its reason, and is the same on every engine; one
from our own cases is a known gap, which its case names. Any other fails `test_cases.py`, `test_evaluation.py` or
`test_rows.py` in `tests/conformance/`, so that there are **0 unexplained differences**."""


def by_rule_type() -> Iterator[str]:
    """How much is compared of each rule type on each engine, and how much of it differs."""
    yield "## Every rule type on every engine"
    yield ""
    yield COUNTED
    yield ""
    columns = ("our numbers", "our rows", "known gaps", "recorded verdicts", "differ on purpose", "recorded rows")
    heads = ("rule type", *(f"verdicts on {each}" for each in ENGINES), *columns, "differ on purpose")
    yield f"| {' | '.join(heads)} |"
    yield f"|---{'|---:' * (len(heads) - 1)}|"
    totals: Counter[int] = Counter()
    for name in sorted(case_files()):
        counts = (*verdicts(name), *own_counts(name), *recorded_counts(name))
        totals.update(dict(enumerate(counts)))
        yield f"| {name} | {' | '.join(f'{each:,}' for each in counts)} |"
    yield f"| all | {' | '.join(f'{totals[at]:,}' for at in range(len(heads) - 1))} |"
    yield ""


def verdicts(name: str) -> Iterator[int]:
    """How many verdicts on rules of a type are compared on each engine."""
    own = sum(len(group.cases) for group in case_files()[name].groups)
    recorded, *_ = recorded_counts(name)
    for engine in ENGINES:
        yield own + recorded * (engine in RECORDED_ON)


def own_counts(name: str) -> tuple[int, ...]:
    """Numbers, row outcomes and known gaps of our own cases."""
    file = case_files()[name]
    cases = [(group, case) for group in file.groups for case in group.cases]
    numbers = sum(len(expected_metrics(group, case)) for group, case in cases if case.verdict != "REFUSED")
    rows = sum(len(tables_of(file, group)["primary"].rows) for group, case in cases if case.judged and group.data)
    return numbers, rows, sum(bool(case.xfail) for _, case in cases)


def recorded_counts(name: str) -> tuple[int, ...]:
    """Verdicts and row outcomes that are recorded, each with how many differ on purpose."""
    rules = [each["rule"] for case in cases() for each in case.get("expected", ())]
    rows = [each for _, each in rows_compared() if subject(each.rule) == name]
    return (
        sum(subject(rule) == name for rule in rules),
        sum(subject(each.rule) == name for each in differences().values()),
        sum(each.rows for each in rows),
        sum(len(each.different) for each in rows),
    )


def subject(rule: str) -> str:
    """The file of our own cases that a recorded rule belongs to."""
    return "Composites" if rule.startswith("(") else rule.split()[0]


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("`", "'")


def test_the_page_lists_every_difference(request: object) -> None:
    if request.config.getoption("--update-golden"):  # type: ignore[attr-defined]
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_recorded_rule_stands_in_the_table() -> None:
    recorded = {subject(each["rule"]) for case in cases() for each in case.get("expected", ())}
    assert recorded <= set(case_files())
