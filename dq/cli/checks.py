"""`dq evaluate` without a ruleset: the checks of the project, and a summary over them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from dq.cli import WRONG, evaluate, files
from dq.cli.tables import Wanted
from dq.cli.terminal import wants_color
from dq.diagnostics import DqError
from dq.names import PRIMARY

if TYPE_CHECKING:
    from dq.options import Progress
    from dq.outcomes import Evaluation
    from dq.project.checks import Checked
    from dq.project.project import Check, Project

_OVERRIDES = (
    "engine",
    "samples",
    "redact",
    "composites",
    "filtered_rows",
    "fail_empty_scope",
    "fail_cold_start",
    "history",
    "context",
    "dataset",
    "allow_paths",
    "memory_limit",
    "threads",
    "time_limit",
    "key",
    "rows",
    "passed",
    "failed",
)
"""The options that come before the setting of the same name."""


@dataclass(frozen=True, slots=True)
class Report:
    """How results are shown, and the files that they go to."""

    places: tuple[tuple[Path, str], ...]
    form: str | None
    verbose: bool
    quiet: bool

    @property
    def on_stdout(self) -> str | None:
        """The format on standard output; None if a file has taken it."""
        return None if self.form in {kind for _, kind in self.places} else self.form or "text"


def run_checks(
    wanted: Wanted,
    names: Sequence[str],
    tags: Sequence[str],
    reading: dict[str, Any],
    report: Report,
    now: datetime | None,
) -> int:
    """Run the checks that are chosen, show each and all, and give the worst of their exit codes."""
    project = wanted.project()
    if project is None:
        raise click.UsageError(
            "no ruleset: name a .dqdl file, or give rules with --rule."
            " Without any, the checks of dq.toml are run, and there is none here or above; `dq init` writes one"
        )
    chosen = _chosen(project, names, tags)
    for name in chosen:
        if any(kind == "gx" for _, kind in _outputs(project, name)):
            raise DqError(
                f"check `{name}`: an output of a check is .txt, .json or .html",
                help="`dq evaluate` of its ruleset and table writes a .gx.json file",
            )
    given = _given(click.get_current_context())
    if len(chosen) > 1 and (shared := {"rows", "passed", "failed"} & given.keys()):
        raise click.UsageError(
            f"--{min(shared)} is one file, and {len(chosen)} checks are run: choose one with --check"
        )
    written: list[bool] = []
    with project:
        results = [_run(project, name, given, wanted, reading, report, now, written) for name in chosen]
    written += [_write(path, kind, results, project, report) for path, kind in report.places]
    if report.on_stdout == "text":
        if len(results) > 1:
            _print_summary(results)
    elif report.on_stdout is not None:
        click.echo(rendered(results, project, report.on_stdout, report), nl=False)
    worst = max(each.exit_code for each in results)
    return worst if all(written) else max(worst, WRONG)


def _chosen(project: Project, names: Sequence[str], tags: Sequence[str]) -> list[str]:
    source = project.document.source.name
    if not project.checks:
        raise DqError(f"{source} has no check", help="write [check.NAME] with a ruleset and a table; or name a ruleset")
    for name in names:
        if name not in project.checks:
            project.check(name)  # raises, with the nearest name
    by_tag = {name: _tags(declared.settings) for name, declared in project.checks.items()}
    if unknown := [tag for tag in tags if not any(tag in held for held in by_tag.values())]:
        known = sorted({tag for held in by_tag.values() for tag in held})
        raise DqError(f"no check has the tag `{unknown[0]}`", help=f"tags are {', '.join(known) or 'still to write'}")
    if not names and not tags:
        return list(project.checks)
    return [name for name, held in by_tag.items() if name in names or set(tags) & set(held)]


def _tags(settings: Mapping[str, Any]) -> list[str]:
    held = settings.get("tags", [])
    return [held] if isinstance(held, str) else held


def _given(context: click.Context) -> dict[str, Any]:
    """What stands on the command line itself, by the name of its setting."""
    given = {
        name: context.params[name]
        for name in _OVERRIDES
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    if "key" in given:
        given["key"] = [each.strip() for each in given["key"].split(",") if each.strip()]
    return given


def _run(
    project: Project,
    name: str,
    given: Mapping[str, Any],
    wanted: Wanted,
    reading: dict[str, Any],
    report: Report,
    now: datetime | None,
    written: list[bool],
) -> Checked:
    from dq.catalog.selection import EVERYTHING
    from dq.project import checks

    shown: list[Evaluation] = []
    with evaluate.progress_bar(report.quiet) as progress:

        def done(check: Check, evaluation: Evaluation) -> None:
            shown.append(evaluation)
            written.append(_write_rows(check, evaluation, progress))

        result = checks.run(
            project,
            name,
            overrides=given,
            selected=wanted.selections().get(PRIMARY, EVERYTHING),
            read=lambda tables: evaluate.read_options(reading, tables),
            now=now,
            progress=progress,
            done=done,
        )
    outputs = () if result.errors and not shown else _outputs(project, name)
    written += [_write(path, kind, [result], project, report) for path, kind in outputs]
    if report.on_stdout == "text":
        _print_check(result, report)
    for error in result.errors:
        files.tell(DqError(f"check `{name}`: {error.message}", error.diagnostics, help=error.help))
    return result


def _outputs(project: Project, name: str) -> list[tuple[Path, str]]:
    return evaluate.destinations(project.check(name).settings.get("output", ()), None)


def _write_rows(check: Check, evaluation: Evaluation, progress: Progress) -> bool:
    return evaluate.write_rows(
        evaluation, {name: check.settings.get(name) for name in ("rows", "passed", "failed")}, progress
    )


def rendered(results: Sequence[Checked], project: Project, form: str, report: Report) -> str:
    """The results of all checks in one document, ended by a line feed."""
    from dq.render import checks as render

    if form == "json":
        return render.to_json(results, project.document.source.name) + "\n"
    if form == "html":
        return render.to_html(results, project.document.source.name)
    return render.to_text(results, verbose=report.verbose, quiet=report.quiet)


def _write(path: Path, kind: str, results: Sequence[Checked], project: Project, report: Report) -> bool:
    return evaluate.write(path, rendered(results, project, kind, report))


def _print_check(result: Checked, report: Report) -> None:
    click.secho(f"check {result.name}", bold=True, color=wants_color(sys.stdout))
    for each in result.evaluations:
        evaluate.print_report(each, "text", verbose=report.verbose, quiet=report.quiet)
    click.echo("")
    sys.stdout.flush()


def _print_summary(results: Sequence[Checked]) -> None:
    from dq.render import checks as render
    from dq.render.text import STYLES

    color = wants_color(sys.stdout)
    for text, kind in render.summary(results, sys.stdout.encoding):
        style = STYLES[kind].split() if color else []
        click.secho(
            text, bold="bold" in style, fg=next((s for s in style if s not in ("bold", "dim")), None), color=color
        )
