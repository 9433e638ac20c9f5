"""How much of the meaning the tests hold: small faults are put into `dq/`, and each must fail a test.

    python benchmarks/mutants.py                       # every module, a sample of its mutants
    python benchmarks/mutants.py dq/conditions.py --sample 0   # all mutants of one module
    python benchmarks/mutants.py --again               # only what survived before

Much of the meaning stands in tables, class variables and decorators, which mutmut leaves alone, and a fresh process
for each mutant, as cosmic-ray has it, imports the database a thousand times. Here one process imports what is heavy,
and each mutant is a fork that imports `dq` anew, with one module compiled from a changed tree. No file is touched, and
all is read from a copy of the checkout, so that one can write the missing test meanwhile: a test file in the making
would notice every mutant.

Before that, a fork of a process that has all tests at hand changes the code of the function alone: most mutants are
noticed there, in a tenth of the time. What is not, such as what acts at import, is met by the slower fork.

A first pass records which tests call which function; a mutant meets the tests of its function, the most specific
first, and what survives them meets more of them. What survives and cannot be told apart from the original stands in
`mutants.tsv` with the reason.
"""

from __future__ import annotations

import argparse
import ast
import atexit
import csv
import functools
import gc
import hashlib
import importlib.abc
import importlib.machinery
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).parents[1]
COPY_OF = "DQ_MUTANTS_OF"
"""The variable that names, in the process that works in the copy, the checkout it is a copy of."""
CACHE = Path(os.environ.get(COPY_OF, ROOT)) / ".mutants"
EQUIVALENT = Path(__file__).with_suffix(".tsv")
MODULES = (
    "dq/conditions.py",
    "dq/planning.py",
    "dq/weighing.py",
    "dq/measuring.py",
    "dq/judging.py",
    "dq/metrics.py",
    "dq/evaluation.py",
    "dq/dynamics.py",
    "dq/recall.py",
    "dq/equality.py",
    "dq/rows/labels.py",
    "dq/rows/composites.py",
    "dq/rows/source.py",
    "dq/rules/base.py",
    "dq/rules/completeness.py",
    "dq/rules/uniqueness.py",
    "dq/rules/values.py",
    "dq/rules/statistics.py",
    "dq/rules/shape.py",
    "dq/rules/sql.py",
    "dq/rules/references.py",
    "dq/rules/files.py",
    "dq/rules/history.py",
    "dq/rules/unjudged.py",
)
TESTS = (
    "tests/unit/rules/test_*.py",
    "tests/unit/rows/test_*.py",
    "tests/unit/files/test_*.py",
    "tests/unit/test_*.py",
    "tests/unit/language/test_dialects.py",
    "tests/unit/cli/test_cli_rules.py",
    "tests/conformance/test_cases.py",
    "tests/conformance/test_evaluation.py",
    "tests/conformance/test_rows.py",
    "tests/conformance/test_examples.py",
    "tests/conformance/test_column_data_type_shares.py",
    "tests/properties/test_states.py",
    "tests/properties/test_partials.py",
    "tests/properties/test_reference_laws.py",
    "tests/properties/test_dynamic_laws.py",
    "tests/properties/test_file_filters.py",
    "tests/integration/files/test_local_files.py",
    "tests/integration/files/test_remote_files.py",
    "tests/integration/test_history_runs.py",
    "tests/integration/test_row_outcomes.py",
    "tests/integration/test_evaluate_python.py",
    "tests/documentation/test_rules_page.py",
    "tests/documentation/test_history_page.py",
)
"""The quick tests that should notice a change of meaning."""

BEST = 12
"""The tests that noticed the most mutants of a module come first."""

CORE = ("tests/unit/rules/test_signatures.py", "tests/unit/rules/test_judging.py")
"""What is met first: every declaration, and every judgement."""

ABOUT: dict[str, tuple[str, ...]] = {
    "dq/measuring.py": ("tests/unit/test_evaluating.py",),
    "dq/judging.py": ("tests/unit/test_evaluating.py", "tests/unit/test_dynamics.py"),
    "dq/evaluation.py": (
        "tests/unit/test_evaluating.py",
        "tests/integration/test_evaluate_python.py",
        "tests/integration/test_row_outcomes.py",
    ),
    "dq/metrics.py": ("tests/unit/test_metrics.py", "tests/unit/test_measured.py", "tests/properties/test_states.py"),
    "dq/dynamics.py": ("tests/unit/test_dynamics.py",),
    "dq/recall.py": (
        "tests/unit/test_recall.py",
        "tests/unit/test_dynamics.py",
        "tests/unit/test_analyzers.py",
        "tests/unit/rules/test_detect_anomalies.py",
        "tests/integration/test_history_runs.py",
    ),
    "dq/rows/labels.py": ("tests/unit/rows/", "tests/integration/test_row_outcomes.py"),
    "dq/rows/source.py": ("tests/integration/test_row_outcomes.py",),
    "dq/equality.py": ("tests/unit/test_equality.py", "tests/unit/rules/test_references.py"),
    "dq/rules/base.py": ("tests/unit/rules/",),
    "dq/rules/uniqueness.py": ("tests/unit/rows/",),
    "dq/rules/values.py": ("tests/unit/rules/test_values.py", "tests/unit/rows/"),
    "dq/rules/references.py": ("tests/unit/rules/test_references.py",),
    "dq/rules/files.py": ("tests/integration/files/test_local_files.py",),
    "dq/rules/history.py": ("tests/unit/rules/test_detect_anomalies.py",),
}
"""The tests about a module, which its mutants meet all; of others, those of the file that calls the function most."""

AT_LEAST, TIMES, AT_MOST = 8, 10, 1.0
"""A test that takes more than so many seconds, and so many times what it usually takes, is stopped; tests about a
module that take more than `AT_MOST` are met last."""

QUICK, EVERY, FEW, MANY = 0.2, 250, 16, 20
"""A mutant meets up to `EVERY` test that takes less than `QUICK` seconds, then a `FEW` others, then up to `MANY`."""

PYTEST = [
    "-q",
    "-x",
    "--tb",
    "no" if "DQ_MUTANTS_LOG" not in os.environ else "short",
    "--assert=plain",  # else pytest imports `dq` itself, of which it has a plugin, and nobody meets the changed module
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "--no-header",
    "--rootdir",
    str(ROOT),
]

# -- mutants -------------------------------------------------------------------------------------------

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
    ast.Break: ast.Continue, ast.Continue: ast.Break,
}  # fmt: skip
VARIADIC = ("conjunction", "disjunction", "count_where")


@dataclass(frozen=True)
class Mutant:
    """One change of one node: `apply` makes it in the tree, `undo` takes it back."""

    module: str
    line: int
    text: str
    change: str
    function: str
    owner: str
    apply: Callable[[], None]
    undo: Callable[[], None]

    @property
    def key(self) -> str:
        return "\t".join((self.module, self.function or self.owner, self.text, self.change))


def alternatives(node: Any) -> Iterator[ast.AST]:
    """What could stand in a node's place."""
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str(value)):
            yield ast.Constant(f"XX{value}")
        case ast.Compare(left, ops, comparators):
            for at, each in enumerate(ops):
                yield ast.Compare(left, [*ops[:at], SWAPS[type(each)](), *ops[at + 1 :]], comparators)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(SWAPS[type(op)](), values)
            yield from (ast.BoolOp(op, less) if len(less) > 1 else less[0] for less in shorter(values))
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand
        case ast.BinOp(left, op, right) if type(op) in SWAPS:
            yield ast.BinOp(left, SWAPS[type(op)](), right)
        case ast.AugAssign(target, op, value):
            yield ast.Pass()
            yield ast.AugAssign(target, SWAPS[type(op)](), value)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.If(test, body, orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.comprehension(target, iterable, ifs) if ifs:
            yield ast.comprehension(target, iterable, [], node.is_async)
        case ast.Return(value) if value and not (isinstance(value, ast.Constant) and value.value is None):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(ast.Call()) | ast.Raise():
            yield ast.Pass()
        case ast.Break() | ast.Continue():
            yield SWAPS[type(node)]()
        case ast.Tuple(elts) | ast.List(elts) | ast.Set(elts) if len(elts) > 1 and isinstance(
            getattr(node, "ctx", ast.Load()), ast.Load
        ):
            yield from (replaced(node, elts=less) for less in shorter(elts))
        case ast.Dict(keys, values) if len(keys) > 1:
            for at in range(len(keys)):
                yield ast.Dict(keys[:at] + keys[at + 1 :], values[:at] + values[at + 1 :])
        case ast.Call(func, args, keywords):
            yield from (
                ast.Call(func, args, [each for each in keywords if each is not left_out])
                for left_out in keywords
                if left_out.arg != "strict"
            )
            if isinstance(func, ast.Name) and func.id in VARIADIC:
                yield from (ast.Call(func, less, keywords) for less in shorter(args))


def shorter(items: Sequence[Any]) -> Iterator[list[Any]]:
    return ([*items[:at], *items[at + 1 :]] for at in range(len(items)))


def replaced(node: ast.AST, **fields: Any) -> ast.AST:
    return type(node)(**{**{name: getattr(node, name, None) for name in node._fields}, **fields})


def untouched(node: ast.AST) -> bool:
    """What no behaviour hangs on: types, imports, assertions for the type checker, abstract methods."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Assert() | ast.arg():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Expr(ast.Constant()):
            return True
        case ast.Subscript(value=ast.Name(id="Callable" | "tuple")):
            return True
        case ast.AnnAssign(annotation=ast.Name(id="TypeAlias"), value=value) if "Annotated" not in ast.dump(
            value or node
        ):
            return True
        case ast.FunctionDef(body=[*_, ast.Raise(exc=ast.Name(id="NotImplementedError"))]) if len(node.body) <= 2:
            return True
        case ast.Call(func=ast.Name(id="dataclass" | "TypeVar" | "field" | "cast")) | ast.keyword(arg="strict"):
            return True
    return False


def mutants(module: str) -> tuple[ast.Module, list[Mutant]]:
    """The tree of a module and its mutants, in order."""
    source = (ROOT / module).read_text()
    tree, lines = ast.parse(source), source.splitlines()
    found: list[Mutant] = []

    def visit(parent: ast.AST, function: str, owner: str) -> None:
        for name, value in ast.iter_fields(parent):
            if name in ("annotation", "returns", "ctx", "format_spec", "type_comment"):
                continue
            for at, node in enumerate(value if isinstance(value, list) else [value]):
                if not isinstance(node, ast.AST) or untouched(node):
                    continue
                inner, inside = function, owner
                if isinstance(node, ast.FunctionDef | ast.Lambda):
                    outer = f"{function}.<locals>." if function else f"{owner}." if owner else ""
                    inner = outer + getattr(node, "name", "<lambda>")
                elif isinstance(node, ast.ClassDef):
                    inside = node.name
                index = at if isinstance(value, list) else None
                found.extend(mutant(parent, name, index, node, other, inner, inside) for other in alternatives(node))
                visit(node, inner, inside)

    def mutant(parent: ast.AST, name: str, at: int | None, node: Any, other: ast.AST, *place: str) -> Mutant:
        ast.copy_location(other, node if hasattr(node, "lineno") else parent)
        ast.fix_missing_locations(other)

        def put(what: ast.AST) -> None:
            if at is None:
                setattr(parent, name, what)
            else:
                getattr(parent, name)[at] = what

        line = getattr(node, "lineno", getattr(parent, "lineno", 0))
        change = difference(shown(node), shown(other))
        return Mutant(module, line, lines[line - 1].strip(), change, *place, lambda: put(other), lambda: put(node))

    visit(tree, "", "")
    return tree, list({(each.line, each.change): each for each in found}.values())


def shown(node: ast.AST) -> str:
    text = ast.unparse(node).strip()
    return text.partition("\n")[0] if isinstance(node, ast.If) else " ".join(text.split())


def difference(old: str, new: str, beside: int = 12) -> str:
    """Both texts, without most of what they share."""
    if len(old) + len(new) < 100:
        return f"{old} → {new}"
    start = shared(old, new)
    end = shared(old[start:][::-1], new[start:][::-1])
    start, end = max(start - beside, 0), max(end - beside, 0)
    return " → ".join(f"…{text[start : len(text) - end]}…" for text in (old, new))


def shared(left: str, right: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a code object."""

    def __init__(self, module: str, code: CodeType) -> None:
        self.name, self.path, self.code = dotted(module), str(ROOT / module), code

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(name, self, origin=self.path) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = self.path
        exec(self.code, vars(module))


# -- runs of tests -------------------------------------------------------------------------------------


Calls = dict[str, tuple[float, list[str]]]
"""The seconds that each test takes, and the functions it calls, as `module:qualified name`."""

Seconds = Mapping[str, float]
"""The seconds that each test takes."""


class Coverage:
    """Which functions of the modules each test calls, and how long it takes."""

    def __init__(self) -> None:
        self.files = {str(ROOT / module): module for module in MODULES}
        self.calls: Calls = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        seen: set[CodeType] = set()

        def look(frame: FrameType, event: str, _: object) -> None:
            if event == "call":
                seen.add(frame.f_code)

        started = time.perf_counter()
        sys.setprofile(look)
        try:
            return (yield)
        finally:
            sys.setprofile(None)
            ours = ((self.files.get(code.co_filename), code) for code in seen)
            called = sorted({f"{file}:{code.co_qualname}" for file, code in ours if file})
            self.calls[item.nodeid] = (time.perf_counter() - started, called)


class Only:
    """Runs the given tests alone, in the given order, and ends the process when one takes too long."""

    def __init__(self, tests: Sequence[str], seconds: Seconds) -> None:
        self.rank = {test: at for at, test in enumerate(tests)}
        self.seconds = seconds

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        signal.setitimer(signal.ITIMER_REAL, AT_LEAST + TIMES * self.seconds[item.nodeid])
        try:
            return (yield)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((each for each in items if each.nodeid in self.rank), key=lambda each: self.rank[each.nodeid])


def forked(work: Callable[[str], int]) -> int:
    """A child process that works in silence in a folder of its own, and exits with what the work returns."""
    folder = tempfile.mkdtemp(prefix="dq-mutant-")
    child = os.fork()
    if child:
        FOLDERS[child] = folder
        return child
    code = 70
    try:
        said = os.open(os.environ.get("DQ_MUTANTS_LOG", os.devnull), os.O_RDWR | os.O_CREAT | os.O_APPEND)
        for stream in (0, 1, 2):
            os.dup2(said, stream)
        code = work(folder)
    except Exception:  # noqa: BLE001 - whatever it was, the parent hears of it by the exit code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


FOLDERS: dict[int, str] = {}
KILLERS: dict[int, str] = {}
"""The test that failed in a child."""


def ended(child: int) -> int | None:
    """The exit code of a child, or None while it runs."""
    done, status = os.waitpid(child, os.WNOHANG)
    if not done:
        return None
    folder = FOLDERS.pop(child)
    if (killer := Path(folder, "killer")).exists():
        KILLERS[child] = killer.read_text()
    shutil.rmtree(folder, ignore_errors=True)
    return os.waitstatus_to_exitcode(status)


def run_tests(tests: Sequence[str], folder: str, *plugins: object) -> int:
    return int(pytest.main([*PYTEST, "--basetemp", f"{folder}/tmp", *tests], plugins=list(plugins)))


def meet(module: str, code: CodeType, tests: Sequence[str], seconds: Seconds) -> int:
    """A child that imports everything anew and tries the tests on a changed module."""

    def work(folder: str) -> int:
        sys.meta_path.insert(0, Changed(module, code))
        files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
        return run_tests(files, folder, Only(tests, seconds), EndAtFailure(folder))

    return forked(work)


class AtHand:
    """With all tests collected, does some work in place of running them."""

    def __init__(self, work: Callable[[pytest.Session], None]) -> None:
        self.work = work

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.work(session)
        return True


def meet_at_hand(
    session: pytest.Session, apply: Callable[[CodeType], bool], code: CodeType, tests: Sequence[str], seconds: Seconds
) -> int:
    """A child that changes the functions of an imported module and tries the tests."""

    def work(folder: str) -> int:
        if not apply(code):
            return UNCHANGED
        session.config._tmp_path_factory._given_basetemp = Path(folder) / "tmp"  # type: ignore[attr-defined]
        session.config._tmp_path_factory._basetemp = None  # type: ignore[attr-defined]
        Only(tests, seconds).pytest_collection_modifyitems(session.items)
        session.config.pluginmanager.register(Only(tests, seconds))
        session.config.pluginmanager.register(EndAtFailure(folder))
        for item, following in zip(session.items, [*session.items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return 0

    return forked(work)


class EndAtFailure:
    """Ends the process with the first failure, and leaves behind which test it was."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            Path(self.folder, "killer").write_text(report.nodeid)
            os._exit(1)


def functions_of(path: str) -> list[FunctionType]:
    """The functions of an imported module."""
    everything = (each for each in gc.get_objects() if isinstance(each, FunctionType))
    found = [each for each in everything if each.__code__.co_filename == path]
    assert found, f"nothing of {path} is imported"
    return found


def change(functions: Sequence[FunctionType], old: CodeType, new: CodeType) -> bool:
    """Gives functions the code they have in the changed module; whether any differs."""
    before, after = by_place(old), by_place(new)
    changed = False
    for each in functions:
        place = (each.__code__.co_qualname, each.__code__.co_firstlineno)
        other = after.get(place)
        if other and other != before[place] and other.co_freevars == each.__code__.co_freevars:
            each.__code__, changed = other, True
    return changed


def by_place(code: CodeType) -> dict[tuple[str, int], CodeType]:
    """The code of each function of a module."""
    found = {(code.co_qualname, code.co_firstlineno): code}
    for each in code.co_consts:
        if isinstance(each, CodeType):
            found |= by_place(each)
    return found


def recorded(tests: Sequence[str], jobs: int) -> Calls:
    """The functions that each test calls; those of a test file are recorded again when the file has changed."""
    versions = {test: hashlib.sha256((ROOT / test).read_bytes()).hexdigest() for test in tests}
    known = {path.stem: json.loads(path.read_text()) for path in CACHE.glob("calls/*.json")}
    stale = [test for test, version in versions.items() if known.get(dotted(test), {}).get("version") != version]

    def record(test: str) -> Callable[[str], int]:
        def work(folder: str) -> int:
            coverage = Coverage()
            failed = run_tests([test], folder, coverage)
            if not failed:
                record = {"version": versions[test], "calls": coverage.calls}
                (CACHE / f"calls/{dotted(test)}.json").write_text(json.dumps(record))
            return failed

        return work

    (CACHE / "calls").mkdir(parents=True, exist_ok=True)
    if stale:
        print(f"recording what the tests of {len(stale)} files call", flush=True)
        for at in range(0, len(stale), jobs):
            running = {test: forked(record(test)) for test in stale[at : at + jobs]}
            failed = [test for test, child in running.items() if ended_at_last(child)]
            if failed:
                sys.exit(f"the tests must pass before mutants can tell anything: {', '.join(failed)}")
    found = [json.loads((CACHE / f"calls/{dotted(test)}.json").read_text())["calls"] for test in versions]
    return {test: called for each in found for test, called in each.items()}


def files_of(patterns: Iterable[str]) -> list[str]:
    return sorted({str(path.relative_to(ROOT)) for pattern in patterns for path in ROOT.glob(pattern)})


def dotted(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


def ended_at_last(child: int) -> int:
    while (code := ended(child)) is None:
        time.sleep(0.01)
    return code


# -- choice of tests -----------------------------------------------------------------------------------


class Chooser:
    """The tests that should notice a mutant, in the lots in which it meets them."""

    def __init__(self, calls: Calls, effort: float = 1.0) -> None:
        self.every, self.few, self.many = (int(most * effort) for most in (EVERY, FEW, MANY))
        self.seconds = {test: seconds for test, (seconds, _) in calls.items()}
        self.kind = {test: (test.partition("::")[0], *called) for test, (_, called) in calls.items()}
        self.weight = {test: len(called) for test, (_, called) in calls.items()}
        self.callers: dict[str, list[str]] = defaultdict(list)
        self.users: dict[str, dict[str, None]] = defaultdict(dict)
        for test, (_, called) in calls.items():
            for function in called:
                self.callers[function].append(test)
                self.users[function.partition(":")[0]][test] = None

    def __call__(self, mutant: Mutant) -> list[list[str]]:
        found = self.callers.get(f"{mutant.module}:{mutant.function}") or self._at_import(mutant.module)
        word = mutant.owner.strip("_")
        quick = self._of_each_kind(test for test in found if self.seconds[test] < QUICK)[: self.every]
        left = [test for test in found if test not in set(quick)]
        named = [test for test in left if word and word in test]
        some = [*spread(self._specific(named), self.few // 2), *spread(self._specific(left), self.few // 2)]
        rest = [test for test in left if test not in set(some)]
        random.Random(0).shuffle(rest)
        core = [test for test in found if test.startswith(CORE)]
        quick = [test for test in quick if test not in core]
        about = ABOUT.get(mutant.module) or busiest(quick)
        at_home = [test for test in found if test.startswith(about) and self.seconds[test] < AT_MOST]
        at_home.sort(key=self.seconds.__getitem__)
        elsewhere = [test for test in quick if test not in set(at_home)]
        return [lot for lot in (core, at_home, elsewhere, list(dict.fromkeys(some)), rest[: self.many]) if lot]

    def _at_import(self, module: str) -> list[str]:
        """Those that call any function of the module, and those of the declarations, which importing it makes."""
        return list({**self.users[module], **{test: None for test in self.seconds if test.startswith(CORE)}})

    def _of_each_kind(self, tests: Iterable[str]) -> list[str]:
        """The quickest test of each kind, then the next of each: of a kind are those of a file that call the same."""
        seen: Counter[tuple[str, ...]] = Counter()
        rank: dict[str, int] = {}
        for test in sorted(tests, key=self.seconds.__getitem__):
            rank[test] = seen[self.kind[test]]
            seen[self.kind[test]] += 1
        return sorted(rank, key=rank.__getitem__)

    def _specific(self, tests: list[str]) -> list[str]:
        return sorted(tests, key=self.weight.__getitem__)


def busiest(tests: Sequence[str]) -> tuple[str, ...]:
    """The file that most of the tests are in."""
    files = Counter(test.partition("::")[0] for test in tests).most_common(1)
    return tuple(f"{file}::" for file, _ in files)


def first_killers(
    lots: Sequence[list[str]], function: str, kills: Mapping[tuple[str, str], int], *, at_once: bool
) -> list[list[str]]:
    """The tests with those first that failed with other mutants, of the same function most of all."""
    tests = list(dict.fromkeys(test for lot in lots for test in lot))
    known = {test: (kills.get((function, test), 0), kills.get(("", test), 0)) for test in tests}
    killers = sorted((test for test in tests if any(known[test])), key=known.__getitem__, reverse=True)
    if at_once and tests:
        return [list(dict.fromkeys([*killers, *tests]))]
    return [each for each in (killers[:BEST], *lots) if each]


def spread(tests: list[str], most: int) -> list[str]:
    """The first half as they come, the other half from all over the rest."""
    first, rest = tests[: most // 2], tests[most // 2 :]
    step = max(1, len(rest) // (most - most // 2))
    return [*first, *rest[::step][: most - most // 2]]


# -- the whole -----------------------------------------------------------------------------------------

Meet = Callable[[CodeType, Sequence[str], Seconds], int]
Keep = Callable[[Mutant, str], None]
Kills = Counter[tuple[str, str]]
"""How many mutants of a function, or of any (``), a test has noticed."""


UNCHANGED = 6
"""The exit code of a child in which the mutant changes no function."""

FATES = {0: "survived", 5: "survived", UNCHANGED: "unchanged", -signal.SIGALRM: "timed out"}


class Journal:
    """The fates of the mutants of a module as they become known, for the run after one that was stopped."""

    def __init__(self, module: str) -> None:
        self.path = CACHE / f"journal/{dotted(module)}.tsv"
        self.path.parent.mkdir(exist_ok=True)

    def write(self, mutant: Mutant, fate: str) -> None:
        with self.path.open("a") as file:
            file.write(f"{mutant.key}\t{fate}\n")

    def read(self) -> dict[str, str]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return {key: fate for key, _, fate in (line.rpartition("\t") for line in lines)}

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)


def judged(
    chosen: Sequence[Mutant],
    tree: ast.Module,
    choose: Chooser,
    jobs: int,
    meet: Meet,
    kills: Kills,
    keep: Keep,
    *,
    at_once: bool,
) -> dict[str, str]:
    """What became of each mutant: killed, survived, timed out. `at_once`: all tests meet it in one process."""
    fates: dict[str, str] = {}

    def end(mutant: Mutant, fate: str) -> None:
        fates[mutant.key] = fate
        keep(mutant, fate)

    waiting: list[tuple[Mutant, list[list[str]] | None]] = [(each, None) for each in reversed(chosen)]
    running: dict[int, tuple[Mutant, list[list[str]]]] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            each, lots = waiting.pop()
            lots = lots or first_killers(choose(each), each.function, kills, at_once=at_once)
            if not lots:
                end(each, "survived")
                continue
            each.apply()
            try:
                code = compile(tree, str(ROOT / each.module), "exec")
            except (SyntaxError, ValueError):
                end(each, "killed")
                continue
            finally:
                each.undo()
            running[meet(code, lots[0], choose.seconds)] = (each, lots[1:])
        time.sleep(0.01)
        for child, (each, more) in list(running.items()):
            exit_code = ended(child)
            if exit_code is None:
                continue
            del running[child]
            if child in KILLERS:
                kills.update(((each.function, killer := KILLERS.pop(child)), ("", killer)))
            if exit_code in (0, 5) and more:
                waiting.append((each, more))
            else:
                end(each, FATES.get(exit_code, "killed"))
    return fates


def judged_at_hand(
    chosen: Sequence[Mutant], tree: ast.Module, choose: Chooser, jobs: int, kills: Kills, keep: Keep
) -> dict[str, str]:
    """What became of the mutants that can be judged where nothing is imported anew.

    Left out are what survived in functions that run at import too, and what no function shows.
    """
    inside = [each for each in chosen if each.function]
    files = sorted({test.partition("::")[0] for each in inside for lot in choose(each) for test in lot})
    if not inside:
        return {}
    path = str(ROOT / inside[0].module)
    at_import: set[str] = set()

    def look(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename == path:
            at_import.add(frame.f_code.co_qualname)

    def meet_all(session: pytest.Session) -> None:
        sys.setprofile(None)
        importlib.import_module(dotted(inside[0].module))  # `dq` imports late what few need
        apply = functools.partial(change, functions_of(path), compile(tree, path, "exec"))
        gc.collect()
        gc.freeze()
        meet = functools.partial(meet_at_hand, session, apply)

        def final(mutant: Mutant, fate: str) -> bool:
            again = mutant.function.partition(".<locals>")[0] in at_import
            return fate == "killed" or (fate != "unchanged" and not again)

        def keep_final(mutant: Mutant, fate: str) -> None:
            if final(mutant, fate):
                keep(mutant, fate)

        fates = judged(inside, tree, choose, jobs, meet, kills, keep_final, at_once=True)
        fates = {each.key: fates[each.key] for each in inside if final(each, fates[each.key])}
        (CACHE / "at_hand.json").write_text(json.dumps({"fates": fates, "kills": [*kills.items()]}))

    def work(folder: str) -> int:
        sys.setprofile(look)
        return run_tests(files, folder, AtHand(meet_all))

    code = ended_at_last(forked(work))
    if code:
        sys.exit(f"the tests cannot be collected: exit code {code}")
    found: dict[str, Any] = json.loads((CACHE / "at_hand.json").read_text())
    kills.update({tuple(key): number for key, number in found["kills"]})
    return dict(found["fates"])


def canary(choose: Chooser, module: str) -> None:
    """The changed module is the one that tests see: a change of nothing passes, a broken one fails."""
    tree, _ = mutants(module)
    nothing = Mutant(module, 0, "", "", "", "", lambda: None, lambda: None)
    lots = choose(nothing)
    if not lots:
        sys.exit(f"no test calls {module}")
    tests = lots[0]
    same, broken = compile(tree, "same", "exec"), compile("raise ImportError('canary')", "broken", "exec")
    codes = [ended_at_last(meet(nothing.module, code, tests, choose.seconds)) for code in (same, broken)]
    if codes[0] or codes[1] in (0, 5, 70):
        sys.exit(f"the tests do not see the changed module: exit codes {codes}")


def start_in_a_copy() -> NoReturn:
    """The same command, from a copy of the files that git knows or would add."""
    copy = Path(tempfile.mkdtemp(prefix="dq-mutants-"))
    listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    os.environ[COPY_OF] = str(ROOT)
    os.execv(sys.executable, [sys.executable, str(copy / Path(__file__).relative_to(ROOT)), *sys.argv[1:]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", default=MODULES)
    parser.add_argument("--sample", type=int, default=150, help="mutants of a module, at random; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--effort", type=float, default=1, help="a share of the tests that a mutant may meet")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="patterns of other test files, for a quick look")
    parser.add_argument("--again", action="store_true", help="only what survived before")
    parser.add_argument("--resume", action="store_true", help="leave out what a run that was stopped has found out")
    options = parser.parse_args()

    CACHE.mkdir(exist_ok=True)
    if COPY_OF not in os.environ:
        start_in_a_copy()
    atexit.register(shutil.rmtree, ROOT, ignore_errors=True)
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    for heavy in (
        "duckdb",
        "sqlglot.optimizer",
        "pyarrow.parquet",
        "hypothesis",
        "lark",
        "jinja2",
        "pandas",
        "polars",
        "jsonschema",
        "rich.console",
        "click",
    ):
        __import__(heavy)
    assert not any(name.partition(".")[0] == "dq" for name in sys.modules), "dq must be imported anew by each mutant"

    gc.collect()
    gc.freeze()  # a fork shares what the collector does not touch
    choose = Chooser(recorded(files_of(options.tests), options.jobs), options.effort)
    canary(choose, options.modules[0])
    store = CACHE / "fates.json"
    fates: dict[str, str] = json.loads(store.read_text()) if store.exists() else {}
    with EQUIVALENT.open(newline="") as lines:
        reasons = {"\t".join(row[:4]): row[4] for row in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)}
    for module in options.modules:
        tree, every = mutants(module)
        random.Random(options.seed).shuffle(every)
        chosen = sorted(every[: options.sample or None], key=lambda each: each.line)
        if options.again:
            chosen = [each for each in chosen if fates.get(each.key, "killed") != "killed"]
        started = time.monotonic()
        tried = [each for each in chosen if each.key not in reasons]
        journal = Journal(module)
        if not options.resume:
            journal.clear()
        new = {key: fate for key, fate in journal.read().items() if key in {each.key for each in tried}}
        left = [each for each in tried if each.key not in new]
        new |= judged_at_hand(left, tree, choose, options.jobs, kills := Kills(), journal.write)
        left = [each for each in left if each.key not in new]
        anew = functools.partial(meet, module)
        new |= judged(left, tree, choose, options.jobs, anew, kills, journal.write, at_once=False)
        fates.update(new)
        for each in tried:
            if new[each.key] != "killed":
                print(f"  {new[each.key]}: {module}:{each.line}: {each.function}: {each.change}", flush=True)
        store.write_text(json.dumps(fates, indent=0, ensure_ascii=False))
        journal.clear()
        count = Counter(dict.fromkeys(("killed", "survived", "timed out"), 0))
        count.update(new.values())
        print(
            f"{module}: {len(chosen)} of {len(every)} mutants, "
            + ", ".join(f"{n} {fate}" for fate, n in count.items())
            + f", {sum(each.key in reasons for each in chosen)} equivalent, {time.monotonic() - started:.0f} s",
            flush=True,
        )
    gc.unfreeze()


if __name__ == "__main__":
    main()
