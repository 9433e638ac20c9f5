"""Great Expectations itself and dq say the same of the same tables, wherever a conversion is called exact."""

from __future__ import annotations

import json
import math
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from examples import MADE, examples

import dq
from dq import gx
from dq.gx.expectations import ROWS
from dq.gx.suites import Expectation

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:module 'sre_(constants|parse)' is deprecated:DeprecationWarning:great_expectations"
    ),
]

TEXTS = ["", "a", "b", "ab", "AB1", "AB22", "x y", "it's", 'q"', "2024-01-05", "12:30", "A.1", "é€", "a%b"]
NUMBERS = [-5, 0, 1, 2, 3, 4, 10, 2.5, -0.5, 0.1]
DAYS = ["2024-01-01", "2024-01-05", "2024-01-31", "2024-02-29"]
REGEXES = ["^A", "[0-9]+$", "^[a-z]*$", "a|b", "^(ab|x y)$", "B[0-9]{2}", r"\.", "^a|b$", "'", r"^\w+$", "(?i)ab", "%"]
COMPARED = "expectations compared with Great Expectations"
RULES_COMPARED = "rules compared with Great Expectations"


@pytest.fixture(scope="module")
def great() -> Iterator[Any]:
    """The library, which takes seconds to import: once, and without telemetry."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GX_ANALYTICS_ENABLED", "false")
        import great_expectations

        context = great_expectations.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        yield great_expectations, context


@pytest.fixture(scope="module")
def frames(great: Any) -> Any:
    """A batch definition of frames."""
    return great[1].data_sources.add_pandas("p").add_dataframe_asset("d").add_batch_definition_whole_dataframe("b")


def permitted(expectation: dict[str, Any]) -> dict[str, Any]:
    """The expectation with the kwargs that GX takes for its type: not all have a scope, or strict ends."""
    from great_expectations.expectations.registry import get_expectation_impl

    known = get_expectation_impl(expectation["type"]).__fields__
    kwargs = {name: value for name, value in expectation["kwargs"].items() if name in known}
    return {"type": expectation["type"], "kwargs": kwargs}


def validated(great: Any, batch: Any, expectations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What GX says of each expectation, in their order: results come back in another."""
    numbered = [{**each, "meta": {"number": number}} for number, each in enumerate(expectations)]
    found = batch.validate(great[0].ExpectationSuite(name="s", expectations=json.loads(json.dumps(numbered))))
    told = json.loads(json.dumps(found.to_json_dict(), default=float))["results"]
    return sorted(told, key=lambda each: each["expectation_config"]["meta"]["number"])


def raised(result: dict[str, Any]) -> bool:
    info = result["exception_info"]
    return bool(info.get("raised_exception", True))


# -- tables --------------------------------------------------------------------------------------------


def table(rng: random.Random) -> pd.DataFrame:
    """A small table with missing values, repeated ones, and now and then a column of nothing but NULLs."""
    size = rng.choice([1, 2, 3, 5, 8, 12])
    holes = rng.choice([0, 0.2, 0.5, 1.0] if rng.random() < 0.2 else [0, 0.2, 0.5])

    def column(values: list[Any]) -> list[Any]:
        return [None if rng.random() < holes else rng.choice(values) for _ in range(size)]

    return pd.DataFrame(
        {
            "i": [rng.choice([0, 1, 2, 3, 10]) for _ in range(size)],
            "u": rng.sample(range(100), size),
            "n": pd.array(column([0, 1, 2, 3, 4, 10]), dtype="float64"),
            "f": pd.array(column(NUMBERS), dtype="float64"),
            "m": pd.array(column(NUMBERS), dtype="float64"),
            "s": pd.array(column(TEXTS), dtype="str"),
            "t": pd.array(column(["a", "b", "ab"]), dtype="str"),
            "d": pd.to_datetime(pd.Series(column([*DAYS, "2024-01-05 10:30:00"]), dtype="object"), format="ISO8601"),
            "b": [rng.random() < 0.7 for _ in range(size)],
        }
    )


NUMERIC, TEXTUAL, ANY = ["i", "u", "n", "f"], ["s", "t"], ["i", "u", "n", "f", "s", "t", "d", "b"]


# -- expectations --------------------------------------------------------------------------------------


def bounds(rng: random.Random, values: list[Any]) -> dict[str, Any]:
    low, high = sorted((rng.choice(values), rng.choice(values)))
    found: dict[str, Any] = rng.choice([{"min_value": low}, {"max_value": high}, {"min_value": low, "max_value": high}])
    for end in ("strict_min", "strict_max"):
        if rng.random() < 0.3:
            found[end] = True
    return dict(found)


def share(rng: random.Random) -> dict[str, Any]:
    return rng.choice([{}, {}, {"mostly": rng.choice([0.0, 0.5, 0.75, 0.9, 1.0])}])


def scope(rng: random.Random) -> dict[str, Any]:
    def one() -> dict[str, Any]:
        name = rng.choice(["i", "n", "t"])
        if name == "n" and rng.random() < 0.5:
            return {"type": "nullity", "column": {"name": name}, "is_null": rng.random() < 0.5}
        operator = rng.choice(["==", "<", ">=", "IN"] if name != "t" else ["==", "IN"])
        values: list[Any] = ["a", "b"] if name == "t" else [1, 3]
        to = values if operator == "IN" else rng.choice(values)
        return {"type": "comparison", "column": {"name": name}, "operator": operator, "parameter": to}

    if rng.random() < 0.6:
        return {}
    if rng.random() < 0.5:
        return {"row_condition": one()}
    return {"row_condition": {"type": rng.choice(["and", "or"]), "conditions": [one(), one()]}}


def value_set(rng: random.Random, name: str) -> list[Any]:
    if name == "b":
        return rng.choice([[True], [False], [True, False]])
    pool: list[Any] = TEXTS if name == "s" else ["a", "b", "ab", "z"] if name == "t" else NUMBERS
    return rng.sample(pool, rng.randint(1, 4))


Maker = Callable[[random.Random], dict[str, Any]]


def on(names: list[str], *more: Callable[[random.Random], dict[str, Any]]) -> Maker:
    return lambda rng: {"column": rng.choice(names)} | {k: v for each in more for k, v in each(rng).items()}


def in_set(rng: random.Random) -> dict[str, Any]:
    name = rng.choice([*NUMERIC, *TEXTUAL, "b"])
    return {"column": name, "value_set": value_set(rng, name)}


def between(rng: random.Random) -> dict[str, Any]:
    name = rng.choice([*NUMERIC, "d"])
    days = ["2024-01-05T10:30:00", "2024-01-05T00:00:00", "2024-02-01T00:00:00"]
    return {"column": name, **bounds(rng, days if name == "d" else NUMBERS)}


def pair(rng: random.Random) -> dict[str, Any]:
    a, b = rng.choice([("n", "f"), ("i", "u"), ("s", "t"), ("f", "m")])
    skip = rng.choice(["both_values_are_missing", "either_value_is_missing", "neither"])
    return {"column_A": a, "column_B": b, "ignore_row_if": skip}


def several(rng: random.Random) -> dict[str, Any]:
    names = rng.choice([["n", "f"], ["i", "n", "f"], ["f", "m"], ["i", "u"]])
    return {
        "column_list": names,
        "ignore_row_if": rng.choice(["all_values_are_missing", "any_value_is_missing", "never"]),
    }


def lengths(rng: random.Random) -> dict[str, Any]:
    return bounds(rng, [0, 1, 2, 3, 4])


def number(values: list[Any]) -> Maker:
    return lambda rng: {"value": rng.choice(values)}


NAMES = ["i", "u", "n", "f", "m", "s", "t", "d", "b"]
MAKERS: dict[str, Maker] = {
    "expect_table_row_count_to_equal": number([1, 3, 5]),
    "expect_table_row_count_to_be_between": lambda rng: bounds(rng, [1, 2, 5, 8]) | scope(rng),
    "expect_table_column_count_to_equal": number([8, 9]),
    "expect_table_column_count_to_be_between": lambda rng: bounds(rng, [5, 9, 12]),
    "expect_table_columns_to_match_set": lambda rng: {
        "column_set": rng.choice([NAMES, NAMES[:4], [*NAMES, "x"]]),
        "exact_match": rng.choice([True, False]),
    },
    "expect_column_to_exist": on(["i", "x", "I"]),
    "expect_column_values_to_not_be_null": on(ANY, share, scope),
    "expect_column_values_to_be_null": on(ANY, share, scope),
    "expect_column_values_to_be_unique": on(ANY, share, scope),
    "expect_compound_columns_to_be_unique": lambda rng: several(rng) | share(rng) | scope(rng),
    "expect_column_values_to_be_between": lambda rng: between(rng) | share(rng) | scope(rng),
    "expect_column_values_to_be_in_set": lambda rng: in_set(rng) | share(rng) | scope(rng),
    "expect_column_values_to_not_be_in_set": lambda rng: in_set(rng) | share(rng) | scope(rng),
    "expect_column_values_to_match_regex": on(TEXTUAL, lambda rng: {"regex": rng.choice(REGEXES)}, share, scope),
    "expect_column_values_to_not_match_regex": on(TEXTUAL, lambda rng: {"regex": rng.choice(REGEXES)}, share, scope),
    "expect_column_values_to_match_regex_list": on(
        TEXTUAL, lambda rng: {"regex_list": rng.sample(REGEXES, 2), "match_on": rng.choice(["any", "all"])}, share
    ),
    "expect_column_values_to_not_match_regex_list": on(
        TEXTUAL, lambda rng: {"regex_list": rng.sample(REGEXES, 2)}, share, scope
    ),
    "expect_column_value_lengths_to_equal": on(TEXTUAL, number([0, 1, 2, 3]), share, scope),
    "expect_column_value_lengths_to_be_between": on(TEXTUAL, lengths, share, scope),
    "expect_column_proportion_of_non_null_values_to_be_between": on(
        ANY, lambda rng: bounds(rng, [0, 0.5, 0.8, 1]), scope
    ),
    "expect_column_proportion_of_unique_values_to_be_between": on(
        ANY, lambda rng: bounds(rng, [0, 0.5, 0.8, 1]), scope
    ),
    "expect_column_unique_value_count_to_be_between": on(ANY, lambda rng: bounds(rng, [0, 1, 2, 3, 5]), scope),
    "expect_column_min_to_be_between": on(NUMERIC, lambda rng: bounds(rng, NUMBERS), scope),
    "expect_column_max_to_be_between": on(NUMERIC, lambda rng: bounds(rng, NUMBERS), scope),
    "expect_column_mean_to_be_between": on(NUMERIC, lambda rng: bounds(rng, NUMBERS), scope),
    "expect_column_sum_to_be_between": on(["i", "u", "n"], lambda rng: bounds(rng, [0, 3, 10, 40]), scope),
    "expect_column_median_to_be_between": on(NUMERIC, lambda rng: bounds(rng, NUMBERS), scope),
    "expect_column_stdev_to_be_between": on(NUMERIC, lambda rng: bounds(rng, [0.5, 1, 3.3, 20]), scope),
    "expect_column_distinct_values_to_be_in_set": lambda rng: in_set(rng) | scope(rng),
    "expect_column_distinct_values_to_contain_set": lambda rng: in_set(rng) | scope(rng),
    "expect_column_distinct_values_to_equal_set": lambda rng: in_set(rng) | scope(rng),
    "expect_column_most_common_value_to_be_in_set": lambda rng: (
        in_set(rng) | scope(rng) | {"ties_okay": rng.choice([True, False])}
    ),
    "expect_column_pair_values_to_be_equal": lambda rng: pair(rng) | share(rng) | scope(rng),
    "expect_column_pair_values_a_to_be_greater_than_b": lambda rng: (
        pair(rng) | {"or_equal": rng.choice([True, False])} | share(rng) | scope(rng)
    ),
    "expect_column_pair_values_to_be_in_set": lambda rng: (
        {
            **pair(rng),
            "column_A": "n",
            "column_B": "f",
            "value_pairs_set": [[0, 1], [1, 1], [2, 2.5], [None, 1]],
        }
        | share(rng)
        | scope(rng)
    ),
    "expect_multicolumn_sum_to_equal": lambda rng: (
        several(rng) | {"sum_total": rng.choice([2, 5])} | share(rng) | scope(rng)
    ),
    "expect_multicolumn_values_to_be_equal": lambda rng: several(rng) | share(rng) | scope(rng),
    "expect_select_column_values_to_be_unique_within_record": lambda rng: several(rng) | share(rng) | scope(rng),
}
ON_SQL = {
    "expect_column_values_to_match_like_pattern",
    "expect_column_values_to_not_match_like_pattern",
    "expect_column_values_to_match_like_pattern_list",
    "expect_column_values_to_not_match_like_pattern_list",
    "unexpected_rows_expectation",
}
"""Types that GX does not run on pandas."""


def differences(judged: Any, found: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    """Where our result is not GX's."""
    if not judged.outcome.passed and unmeasured(judged.outcome):
        return []  # dq fails what it cannot measure, and GX may pass it, as docs/gx.md says
    if found["success"] != ours["success"]:
        return [f"success {found['success']}, ours {ours['success']}: {judged.outcome.reason}"]
    theirs, mine = found["result"], ours["result"]
    counts = ("element_count", "unexpected_count", "missing_count", "unexpected_percent", "unexpected_percent_total")
    wrong = [
        f"{key} {theirs[key]}, ours {mine[key]}"
        for key in counts
        if key in theirs and key in mine and not same(theirs[key], mine[key])
    ]
    if judged.made.counted is not None:
        wrong += [f"no {key}" for key in ("element_count", "unexpected_count") if mine.get(key) is None]
    seen = theirs.get("observed_value"), mine.get("observed_value")
    if judged.made.observed and seen[1] is not None and not same(*seen):
        wrong.append(f"observed {seen[0]}, ours {seen[1]}")
    return wrong


def unmeasured(outcome: Any) -> bool:
    """Whether there was nothing to measure for a rule, or for a part of it."""
    return outcome.measured in ("no rows", "no value") or any(map(unmeasured, outcome.parts))


def same(left: Any, right: Any) -> bool:
    if isinstance(left, int | float) and isinstance(right, int | float):
        return math.isclose(left, right, rel_tol=1e-12, abs_tol=1e-12)
    return bool(left == right)


def compare(great: Any, batch: Any, frame: Any, expectations: list[dict[str, Any]]) -> Counter[str]:
    """How many expectations of each type that are called exact were compared; the first difference fails."""
    theirs = validated(great, batch, expectations)
    suite = {"name": "s", "expectations": [{**e, "meta": {"number": n}} for n, e in enumerate(expectations)]}
    evaluation = gx.evaluate(suite, frame)
    results = sorted(
        gx.validation_result(evaluation)["results"], key=lambda each: each["expectation_config"]["meta"]["number"]
    )
    compared: Counter[str] = Counter()
    for judged, found, ours in zip(evaluation.judged, theirs, results, strict=True):
        if judged.made is None or judged.made.fidelity is not gx.Fidelity.EXACT or raised(found):
            continue
        assert judged.outcome.verdict is not dq.Verdict.ERROR, (judged.outcome.reason, judged.expectation)
        wrong = differences(judged, found, ours)
        assert not wrong, f"{wrong}\n{judged.expectation}\n{judged.made.rule}\n{frame.to_dict('list')}"
        compared[judged.expectation.type] += 1
    return compared


@pytest.mark.parametrize("seed", range(examples(6, small=2)))
def test_exact_conversions_agree_with_gx(seed: int, great: Any, frames: Any) -> None:
    rng = random.Random(seed)
    frame = table(rng)
    wanted = [permitted({"type": kind, "kwargs": make(rng)}) for kind, make in MAKERS.items() for _ in range(4)]
    compared = compare(great, frames.get_batch({"dataframe": frame}), frame, wanted)
    assert len(compared) > 30
    MADE[COMPARED] += compared.total()


NEAR: dict[str, Maker] = {
    "expect_column_value_z_scores_to_be_less_than": on(
        NUMERIC, lambda rng: {"threshold": rng.choice([0.73, 1.31]), "double_sided": rng.choice([True, False])}, share
    ),
    "expect_column_values_to_not_be_outliers": on(
        NUMERIC, lambda rng: {"method": rng.choice(["iqr", "std"]), "multiplier": rng.choice([0.37, 1.13])}, share
    ),
}
"""Types that are called approximate for their rounding alone, with bounds that no value meets exactly."""


@pytest.mark.parametrize("seed", range(examples(2, small=1)))
def test_what_only_rounding_tells_apart_agrees_elsewhere(seed: int, great: Any, frames: Any) -> None:
    rng = random.Random(seed)
    frame = table(rng)
    wanted = [permitted({"type": kind, "kwargs": make(rng)}) for kind, make in NEAR.items() for _ in range(20)]
    theirs = validated(great, frames.get_batch({"dataframe": frame}), wanted)
    ours = gx.evaluate({"name": "s", "expectations": wanted}, frame).outcomes
    for expectation, found, outcome in zip(wanted, theirs, ours, strict=True):
        assert raised(found) or found["success"] == outcome.passed, (expectation, found, outcome, frame)


# -- the other way -------------------------------------------------------------------------------------

OPERATORS = ["=", ">", ">=", "<", "<="]
WHERES = ["", "", ' where "i > 1"', " where \"t = 'a' or n is null\"", ' where "i <> 2 and i in (1, 3, 10)"']


def condition(rng: random.Random, values: list[Any]) -> str:
    low, high = sorted(rng.sample(values, 2))
    return rng.choice([f"{rng.choice(OPERATORS)} {rng.choice(values)}", f"between {low} and {high}"])


def least(rng: random.Random) -> str:
    return f"{rng.choice(['>', '>='])} {rng.choice([0, 0.5, 0.75])}"


def present(rng: random.Random, name: str) -> str:
    """A scope that leaves NULLs out, which makes a threshold exact."""
    return f' where "{name} is not null"' + rng.choice(["", f" with threshold {least(rng)}"])


def rule(rng: random.Random) -> str:
    """A rule that is called exact."""
    name, text = rng.choice(["i", "n", "f"]), rng.choice(["s", "t"])
    where = rng.choice(WHERES)
    numbers = ", ".join(map(str, rng.sample(NUMBERS, 3)))
    after = rng.choice([where, present(rng, name)])
    text_after = rng.choice([where, present(rng, text)])
    return rng.choice(
        [
            f"RowCount {condition(rng, [0, 1, 2.5, 5, 8])}{where}",
            f"ColumnCount {condition(rng, [7, 8.5, 9, 10])}",
            f'ColumnExists "{rng.choice(["i", "x"])}"',
            f'IsComplete "{name}"{where}',
            f'Completeness "{name}" {rng.choice([least(rng), condition(rng, [0, 0.5, 0.75, 1.0])])}{where}',
            f'IsUnique "{rng.choice([name, text])}"{where}',
            f'IsUnique "{name}" "{text}"',
            f'Uniqueness "{name}" {least(rng)}{where}',
            f'IsPrimaryKey "{name}"{where}',
            f'IsPrimaryKey "{name}" "{text}"{where}',
            f'DistinctValuesCount "{name}" {condition(rng, [0, 1, 2, 3])} where "{name} is not null"',
            f'Mean "{name}" {condition(rng, NUMBERS)}',
            f'Sum "{rng.choice(["i", "n"])}" {condition(rng, [0, 3, 10, 20])}',
            f'ColumnValues "{name}" {condition(rng, NUMBERS)}{after}',
            f'ColumnValues "{name}" {rng.choice(["in", "not in"])} [{numbers}]{after}',
            f'ColumnValues "{name}" {rng.choice(["in", "not in"])} [{numbers}, NULL]{where}',
            f'ColumnValues "{name}" {rng.choice(["=", "!="])} {rng.choice([1, "NULL"])}{where}',
            f'ColumnValues "{text}" {rng.choice(["in", "not in"])} ["a", "b", EMPTY]{text_after}',
            f'ColumnValues "{text}" {rng.choice(["matches", "not matches"])} "[ab]+"{text_after}',
            f'ColumnLength "{text}" {condition(rng, [0, 1, 2, 3])}{where}',
        ]
    )


@pytest.mark.parametrize("seed", range(examples(4, small=1)))
def test_exact_exports_agree_with_gx(seed: int, great: Any, frames: Any) -> None:
    rng = random.Random(seed)
    frame = table(rng)
    batch = frames.get_batch({"dataframe": frame})
    ruleset = dq.parse("Rules = [ {} ]".format(", ".join(rule(rng) for _ in range(60))))
    conversions, wanted = [], []
    for each in ruleset.rules:
        try:
            suite, report = gx.to_suite(dq.parse(f"Rules = [ {each} ]"))
        except dq.DqError:
            conversions.append([])
            continue
        assert report.is_exact, report
        conversions.append(suite["expectations"])
        wanted += suite["expectations"]
    results = iter(validated(great, batch, wanted))
    for outcome, expectations in zip(dq.evaluate(ruleset, frame).outcomes, conversions, strict=True):
        found = [next(results) for _ in expectations]
        if not found or unmeasured(outcome):
            continue
        assert outcome.verdict is not dq.Verdict.ERROR
        theirs = all(each["success"] for each in found)
        assert outcome.passed == theirs, (str(outcome.rule), outcome.reason, found, frame)
        MADE[RULES_COMPARED] += 1


# -- what GX does on SQL only --------------------------------------------------------------------------


def test_patterns_of_like_and_queries_agree_with_gx_on_sqlite(great: Any, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"id": range(7), "s": ["", "a", "ab", "a%b", "xab", None, "b.c"], "n": [1, 2, None, 4, 5, 6, 7]}
    )
    path = tmp_path / "t.db"
    with closing(sqlite3.connect(path)) as connection:
        frame.to_sql("t", connection, index=False)
    batch = (
        great[1]
        .data_sources.add_sqlite("q", connection_string=f"sqlite:///{path}")
        .add_table_asset("t", table_name="t")
        .add_batch_definition_whole_table("b")
        .get_batch()
    )
    likes = ["a%", "%b", "_", "a_b", "", "b.c", "%"]
    wanted = [
        {"type": f"expect_column_values_to_{word}_like_pattern", "kwargs": {"column": "s", "like_pattern": each}}
        for each in likes
        for word in ("match", "not_match")
    ]
    wanted += [
        {"type": "expect_column_values_to_match_like_pattern_list", "kwargs": {"column": "s", "like_pattern_list": two}}
        | ({"kwargs": {"column": "s", "like_pattern_list": two, "match_on": "all"}} if every else {})
        for two in (["a%", "%b"], ["x%", "_"])
        for every in (True, False)
    ]
    wanted += [
        {
            "type": "expect_column_values_to_not_match_like_pattern_list",
            "kwargs": {"column": "s", "like_pattern_list": two},
        }
        for two in (["a%", "%b"], ["z%", "y%"])
    ]
    wanted += [
        {
            "type": "unexpected_rows_expectation",
            "kwargs": {"unexpected_rows_query": f"SELECT * FROM {{batch}} WHERE {each}"},
        }
        for each in ("n > 5", "n > 50", "s LIKE 'a%' AND id < 3")
    ]
    compared = compare(great, batch, frame, wanted)
    assert compared.total() == len(wanted)
    MADE[COMPARED] += compared.total()


# -- results -------------------------------------------------------------------------------------------


def rendered(result: dict[str, Any]) -> str:
    """The page of Data Docs of a result, by GX's own schema and renderers."""
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResultSchema
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    loaded = ExpectationSuiteValidationResultSchema().load(json.loads(json.dumps(result)))
    return str(DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(loaded)))


def test_data_docs_show_our_results_of_a_suite_and_of_a_ruleset(great: Any) -> None:
    frame = table(random.Random(3))
    wanted = [{"type": kind, "kwargs": row.example} for kind, row in ROWS.items() if row.example]
    page = rendered(gx.validation_result(gx.evaluate({"name": "orders", "expectations": wanted}, frame)))
    assert "orders" in page
    assert "raised an exception" in page  # the columns of most examples are not there
    suite = {
        "name": "s",
        "expectations": [permitted({"type": k, "kwargs": m(random.Random(1))}) for k, m in MAKERS.items()],
    }
    assert "unexpected values found" in rendered(gx.validation_result(gx.evaluate(suite, frame)))
    assert gx.ExpectDqdlRulesetToPass  # whoever shows results of rulesets imports it
    page = rendered(gx.validation_result(dq.evaluate('Rules = [ IsComplete "s", RowCount = 1 ]', frame)))
    assert "IsComplete" in page


def test_results_stand_in_the_order_of_gx(great: Any, frames: Any) -> None:
    frame = table(random.Random(4))
    wanted = [permitted({"type": kind, "kwargs": make(random.Random(7))}) for kind, make in MAKERS.items()]
    wanted = [each for each in wanted if each["kwargs"].get("column") != "x"]
    random.Random(5).shuffle(wanted)
    theirs = frames.get_batch({"dataframe": frame}).validate(great[0].ExpectationSuite(name="s", expectations=wanted))
    ours = gx.validation_result(gx.evaluate({"name": "s", "expectations": wanted}, frame))["results"]
    failed = {each.expectation_config.type for each in theirs.results if raised(each.to_json_dict())}
    expected = [each.expectation_config.type for each in theirs.results if each.expectation_config.type not in failed]
    assert [k for each in ours if (k := each["expectation_config"]["type"]) not in failed] == expected


def test_a_ruleset_is_an_expectation_of_a_gx_project(great: Any, frames: Any) -> None:
    batch = frames.get_batch({"dataframe": pd.DataFrame({"id": [1, 2, 2]})})
    good, bad = (
        batch.validate(gx.ExpectDqdlRulesetToPass(ruleset=f"Rules = [ RowCount = 3, {each} ]"))
        for each in ('IsComplete "id"', 'IsUnique "id"')
    )
    assert (good.success, bad.success) == (True, False)
    assert bad.result["observed_value"] == "1 of 2 rules passed"
    assert [each["verdict"] for each in bad.result["details"]["outcomes"]] == ["PASSED", "FAILED"]
    with pytest.raises(dq.DqError, match="1 error"):
        gx.ExpectDqdlRulesetToPass(ruleset="Rules = [ RowCoun = 3 ]")


def test_a_suite_that_we_write_is_taken_by_gx_and_comes_back(great: Any) -> None:
    text = 'DefaultLabels = ["team"="sales"] Rules = [ IsComplete "id" labels=["severity"="warning"], Mean "n" > 2 ]'
    suite, report = gx.to_suite(dq.parse(text), name="orders")
    loaded = great[0].ExpectationSuite(**suite).to_json_dict()
    assert report.is_exact
    assert [each["severity"] for each in loaded["expectations"]] == ["warning", "critical"]
    back = gx.from_suite(loaded)
    assert back.report.is_exact
    assert [str(each).partition(" labels")[0] for each in back.ruleset.rules] == ['IsComplete "id"', 'Mean "n" > 2']


def test_every_type_that_is_called_exact_is_compared() -> None:
    from dq.gx.expectations import convert

    exact = {
        kind
        for kind, row in ROWS.items()
        if row.build and convert(Expectation(kind, row.example)).fidelity is gx.Fidelity.EXACT
    }
    assert exact <= set(MAKERS) | ON_SQL
