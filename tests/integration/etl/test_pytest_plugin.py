"""Rulesets as tests of pytest, and what the plugin costs those who do not use it."""

from __future__ import annotations

import pytest

import dq
import dq.cli.tables
import dq.project.checks
import dq.pytest_items

pytest_plugins = "pytester"

# pytester forgets what is first imported inside of it, and native modules cannot be imported twice.
dq.evaluate('Rules = [ IsComplete "id", IsUnique "id" ]', {"id": [1]})

ORDERS = "id,email\n1,a@x.io\n2,\n"
RULES = """Rules = [
    RowCount = 2,
    IsComplete "email",
    IsComplete "phone"
]
"""
OUTCOMES = {"passed": 1, "failed": 1, "errors": 1}


@pytest.fixture
def place(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.path.joinpath("rules").mkdir()
    pytester.path.joinpath("rules/orders.dqdl").write_text(RULES)
    pytester.path.joinpath("orders.csv").write_text(ORDERS)
    return pytester


def run(place: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return place.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", *arguments)


def test_each_rule_is_a_test_with_its_reason(place: pytest.Pytester) -> None:
    result = run(place, "rules/orders.dqdl", "--dq-data", "orders.csv", "-v")
    result.assert_outcomes(**OUTCOMES)
    result.stdout.fnmatch_lines(
        [
            "rules/orders.dqdl::RowCount = 2 PASSED*",
            'rules/orders.dqdl::IsComplete "email" FAILED*',
            'rules/orders.dqdl::IsComplete "phone" ERROR*',
            '*ERROR at setup of IsComplete "phone"*',
            "column `phone` does not exist*",
            "orders.dqdl:4",
            "completeness of `email` is 0.5, expected = 1.0 (1 of 2 rows without a value)",
            "orders.dqdl:3",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*dq/pytest_items.py*")


def test_the_data_is_read_once(place: pytest.Pytester) -> None:
    place.makeconftest(
        """
        import dq.evaluation, dq.pytest_items
        made = []
        def evaluate(*arguments, **options):
            made.append(1)
            return dq.evaluation.evaluate(*arguments, **options)
        dq.pytest_items.evaluate = evaluate
        def pytest_terminal_summary(terminalreporter):
            dq.pytest_items.evaluate = dq.evaluation.evaluate
            terminalreporter.write_line(f"evaluations: {len(made)}")
        """
    )
    result = run(place, "rules/orders.dqdl", "--dq-data", "orders.csv")
    result.stdout.fnmatch_lines(["evaluations: 1"])


def test_one_rule_can_be_run(place: pytest.Pytester) -> None:
    run(place, "rules/orders.dqdl::RowCount = 2", "--dq-data", "orders.csv").assert_outcomes(passed=1)
    run(place, "rules/orders.dqdl", "-k", "email", "--dq-data", "orders.csv").assert_outcomes(failed=1, deselected=2)


def test_rulesets_that_nobody_means_are_left_alone(place: pytest.Pytester) -> None:
    place.path.joinpath("rules/broken.dqdl").write_text("Rules = [ Complete ]")
    place.makepyfile("def test_it(): pass")
    run(place).assert_outcomes(passed=1)
    run(place, "rules").assert_outcomes()


def test_the_ini_file_says_which_rulesets_and_tables(place: pytest.Pytester) -> None:
    place.makeini("[pytest]\ndq_rulesets = rules/ord*.dqdl\ndq_data =\n    orders.csv\n")
    place.path.joinpath("rules/broken.dqdl").write_text("Rules = [ Complete ]")
    run(place).assert_outcomes(**OUTCOMES)


def test_paths_of_the_ini_file_are_meant_from_its_folder(
    place: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.makeini("[pytest]\ndq_rulesets = rules/ord*.dqdl\ndq_data =\n    orders.csv\n")
    monkeypatch.chdir(place.path / "rules")
    run(place).assert_outcomes(**OUTCOMES)


def test_references_have_aliases(place: pytest.Pytester) -> None:
    place.path.joinpath("rules/orders.dqdl").write_text('Rules = [ ReferentialIntegrity "id" "known.id" = 1.0 ]')
    place.path.joinpath("known.csv").write_text("id\n1\n2\n3\n")
    run(place, "rules/orders.dqdl", "--dq-data", "orders.csv", "--dq-data", "known=known.csv").assert_outcomes(passed=1)


PROJECT = """
[table.orders]
path = "orders.csv"

[check.daily]
ruleset = "rules/orders.dqdl"
table = "orders"
"""


def test_a_check_of_the_project_says_the_table(place: pytest.Pytester) -> None:
    place.path.joinpath("dq.toml").write_text(PROJECT)
    run(place, "rules/orders.dqdl").assert_outcomes(**OUTCOMES)


def test_a_name_of_the_project_is_data(place: pytest.Pytester) -> None:
    place.path.joinpath("dq.toml").write_text('[table.bought]\npath = "orders.csv"\n')
    run(place, "rules/orders.dqdl", "--dq-data", "bought").assert_outcomes(**OUTCOMES)


def test_the_settings_of_a_check_hold(place: pytest.Pytester) -> None:
    place.path.joinpath("rules/orders.dqdl").write_text('Rules = [ IsComplete "email" where "id > 9" ]')
    place.path.joinpath("dq.toml").write_text(PROJECT)
    run(place, "rules/orders.dqdl").assert_outcomes(passed=1)
    place.path.joinpath("dq.toml").write_text(PROJECT + "fail_empty_scope = true\n")
    run(place, "rules/orders.dqdl").assert_outcomes(failed=1)


@pytest.mark.parametrize(
    ("fail_on", "outcomes"),
    [("error", {"passed": 1, "xfailed": 1, "errors": 1}), ("never", {"passed": 1, "xfailed": 2})],
)
def test_what_a_check_does_not_count_is_an_expected_failure(
    place: pytest.Pytester, fail_on: str, outcomes: dict[str, int]
) -> None:
    place.path.joinpath("dq.toml").write_text(f'{PROJECT}fail_on = "{fail_on}"\n')
    run(place, "rules/orders.dqdl").assert_outcomes(**outcomes)


def test_each_check_that_judges_by_the_ruleset_has_its_tests(place: pytest.Pytester) -> None:
    more = '\n[table.whole]\npath = "whole.csv"\n[check.weekly]\nruleset = "rules/*.dqdl"\ntable = "whole"\n'
    place.path.joinpath("whole.csv").write_text("id,email,phone\n1,a,1\n2,b,2\n")
    place.path.joinpath("dq.toml").write_text(PROJECT + more)
    result = run(place, "rules/orders.dqdl", "-v")
    result.assert_outcomes(passed=4, failed=1, errors=1)
    result.stdout.fnmatch_lines(['*::IsComplete "phone" (weekly) PASSED*'])


def test_a_front_comment_says_the_table(place: pytest.Pytester) -> None:
    place.path.joinpath("dq.toml").write_text('[table.orders]\npath = "orders.csv"\n')
    place.path.joinpath("rules/orders.dqdl").write_text(f"# dq: table = orders\n{RULES}")
    run(place, "rules/orders.dqdl").assert_outcomes(**OUTCOMES)


def test_analyzers_are_tests_too(place: pytest.Pytester) -> None:
    place.path.joinpath("rules/orders.dqdl").write_text('Analyzers = [ Completeness "email", Completeness "phone" ]')
    run(place, "rules/orders.dqdl", "--dq-data", "orders.csv").assert_outcomes(passed=1, errors=1)


MISTAKES = {
    "no data": ((), {"errors": 3}, "*no data*"),
    "no such file": (("--dq-data", "nowhere.csv"), {"errors": 3}, "*nowhere.csv*"),
}


@pytest.mark.parametrize(("arguments", "outcomes", "line"), MISTAKES.values(), ids=MISTAKES)
def test_rules_without_their_data_are_errors(
    place: pytest.Pytester, arguments: tuple[str, ...], outcomes: dict[str, int], line: str
) -> None:
    result = run(place, "rules/orders.dqdl", *arguments)
    result.assert_outcomes(**outcomes)
    result.stdout.fnmatch_lines([line])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*During handling*")


def test_a_wrong_ruleset_is_an_error_of_collection(place: pytest.Pytester) -> None:
    place.path.joinpath("rules/orders.dqdl").write_text("Rules = [ Complete ]")
    result = run(place, "rules/orders.dqdl", "--dq-data", "orders.csv")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*orders.dqdl:1:11: error*unknown rule type `Complete`*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_wrong_project_is_an_error_of_collection(place: pytest.Pytester) -> None:
    place.path.joinpath("dq.toml").write_text("[check.x]\nruleset = 3\n")
    run(place, "rules/orders.dqdl").assert_outcomes(errors=1)


def test_the_fixture_gates_a_table(place: pytest.Pytester) -> None:
    place.path.joinpath("rules/test_orders.py").write_text(
        "def test_good(dq_gate):\n"
        "    assert dq_gate('orders.dqdl', {'id': [1, 2], 'email': [1, 2], 'phone': [1, 2]}).passed\n"
        "def test_bad(dq_gate):\n"
        "    dq_gate('Rules = [ RowCount > 9 ]', {'id': [1, 2]})\n"
        "def test_allowed(dq_gate):\n"
        "    dq_gate('Rules = [ RowCount > 9 ]', {'id': [1, 2]}, fail_on='error')\n"
    )
    result = run(place, "rules/test_orders.py")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["0 of 1 rule passed, 1 failed", "  FAILED RowCount > 9: RowCount is 2, *"])
    result.stdout.no_fnmatch_line("*gating.py*")
    result.stdout.no_fnmatch_line("*During handling*")


def test_a_run_that_does_not_use_it_imports_nothing(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("broken.dqdl").write_text("Rules = [ Complete ]")
    pytester.makepyfile(
        """
        import sys
        def test_it():
            ours = {name for name in sys.modules if name.partition(".")[0] == "dq"}
            assert ours <= {"dq", "dq.pytest_plugin"}, ours
            late = {"duckdb", "lark", "sqlglot", "pyarrow", "jinja2", "rich", "click", "pandas"}
            assert not late & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:hypothesispytest", "-p", "no:xdist", "-W", "error")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["plugins: *dq-rules*"])


@pytest.mark.parametrize("option", ["--dq-data", "dq_rulesets", "dq_data", "dq_gate"])
def test_help_tells_of_it(pytester: pytest.Pytester, option: str) -> None:
    result = (
        pytester.runpytest_inprocess("--help") if option != "dq_gate" else pytester.runpytest_inprocess("--fixtures")
    )
    result.stdout.fnmatch_lines([f"*{option}*"])
