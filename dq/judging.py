"""Judge: what was measured to outcomes, with the failing rows, in the order of the ruleset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from dq import recall
from dq.diagnostics import DqError
from dq.engines.base import Engine, EngineError
from dq.history import MetricHistory
from dq.measuring import Facts, Prepared, leaves, place_of, sentence
from dq.metrics import Measured, Metric
from dq.names import PRIMARY
from dq.options import Options
from dq.outcomes import FailingRows, Outcome, Statistic, Verdict
from dq.planning import Scan
from dq.redaction import in_sentence, shape_of
from dq.rows import composites
from dq.rules.base import BoundRule, Judgement
from dq.syntax import Composite, Label, Rule, RuleExpression, Ruleset

if TYPE_CHECKING:
    from dq.tree import Tree


def judge(bound: BoundRule, facts: Facts, options: Options) -> Judgement:
    """The judgement on one rule: ERROR, with the reason, where something that it asks for could not be measured."""
    reasons = [facts.failed[metric] for metric in bound.metrics() if metric in facts.failed]
    if reasons:
        return Judgement(Verdict.ERROR, reasons[0])
    try:
        judgement = bound.judge(facts.found)
    except DqError as error:
        return Judgement(Verdict.ERROR, sentence(error))
    by = dict.fromkeys(facts.evidence[metric] for metric in bound.metrics() if metric in facts.evidence)
    judgement = replace(judgement, evidence=tuple(by))
    if judgement.vacuous and options.fail_empty_scope:
        return replace(judgement, verdict=Verdict.FAILED)
    return judgement


def remembered(
    ruleset: Ruleset,
    prepared: Prepared,
    judged: Mapping[Rule, Judgement],
    facts: Facts,
    history: MetricHistory | None,
    now: datetime,
    engine: Engine,
    options: Options,
) -> tuple[dict[Rule, Judgement], tuple[Statistic, ...], tuple[str, ...]]:
    """Judgements that rest on history, the statistics of the analyzers, and notes; what was measured is kept."""
    place = place_of(ruleset, engine, now, options)
    found, torn = recall.judge(
        prepared.bound, judged, facts.found, history, place, fail_cold_start=options.fail_cold_start
    )
    gathered = recall.statistics(ruleset, prepared.analyses, prepared.analyzer_problems, facts.found, facts.failed)
    gathered, more = recall.observed(gathered, history, place)
    notes = (*torn, *more, *recall.cold_starts(found), *recall.keep(history, place, found, gathered))
    return found, gathered, tuple(dict.fromkeys(notes))


def redacted(judged: Mapping[Rule, Judgement]) -> dict[Rule, Judgement]:
    """The judgements with the shape of the values that their reasons tell."""
    return {rule: replace(each, reason=in_sentence(each.reason)) for rule, each in judged.items()}


# -- failing rows --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Samples:
    """Where failing rows are fetched, how many, and the columns that tell them apart."""

    engine: Engine
    options: Options
    key: tuple[str, ...]

    def of(self, judgement: Judgement, condition: Callable[[], Tree | None]) -> tuple[FailingRows | None, str]:
        """The count of failing rows, some of them where the rule did not pass, and why they cannot be shown.

        None where rows have no part in the verdict; `condition` is asked for rows that are shown.
        """
        if judgement.failing is None:
            return None, ""
        rows = FailingRows(*judgement.failing)
        if not (rows.count and self.options.samples and judgement.verdict is Verdict.FAILED):
            return rows, ""
        met = condition()
        assert met is not None, "rows that are counted can be told from the others"
        self.options.progress("fetching failing rows", 0, 0)
        try:
            columns, sample = self.engine.sample(PRIMARY, met, self.options.samples)
        except EngineError as error:  # a row may hold what no query can read
            return rows, f"the failing rows cannot be shown: {sentence(error)}"
        if self.options.redact:
            sample = [tuple(map(shape_of, row)) for row in sample]
        return replace(rows, columns=columns, sample=tuple(sample), key=self.key), ""


def detected_key(judged: Mapping[Rule, Judgement]) -> tuple[str, ...]:
    """The columns that tell rows apart: those of an IsPrimaryKey rule that passed on all rows."""
    passed = (rule for rule, each in judged.items() if rule.name == "IsPrimaryKey" and each.verdict is Verdict.PASSED)
    return next((tuple(word.value for word in rule.parameters) for rule in passed if not rule.where), ())


def samples_of(
    prepared: Prepared, judged: Mapping[Rule, Judgement], facts: Mapping[Metric, Measured], shown: Samples
) -> tuple[dict[Rule, FailingRows], dict[Rule, Judgement]]:
    """Failing rows by rule: their count, and some of them for rules that did not pass.

    And the judgements, with a note, of rules whose rows cannot be shown.
    """
    samples: dict[Rule, FailingRows] = {}
    hidden: dict[Rule, Judgement] = {}
    for rule, judgement in judged.items():
        rows, note = shown.of(judgement, lambda rule=rule: prepared.bound[rule].example_rows(facts))  # type: ignore[misc]
        if rows:
            samples[rule] = rows
        if note:
            hidden[rule] = replace(judgement, notes=(*judgement.notes, note))
    return samples, hidden


# -- composites by row ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ByRow:
    """A composite judged row by row, or why it was not."""

    judgement: Judgement | None
    failing: FailingRows | None = None
    note: str = ""

    @property
    def measured(self) -> bool:
        """Whether it took a scan."""
        return self.judgement is not None


def composites_by_row(
    ruleset: Ruleset, judged: Mapping[Rule, Judgement], said: Mapping[Rule, Tree | None], shown: Samples
) -> dict[Composite, ByRow]:
    """The composites at the top of a ruleset, judged row by row where that is possible."""
    return {rule: _by_row(rule, judged, said, shown) for rule in ruleset.rules if isinstance(rule, Composite)}


def _by_row(
    composite: Composite, judged: Mapping[Rule, Judgement], said: Mapping[Rule, Tree | None], shown: Samples
) -> ByRow:
    parts = list(leaves([composite]))
    note = composites.refusal(composite, parts, said)
    if note:
        return ByRow(None, note=note)
    if all(judged[part].vacuous for part in parts):  # the composite passes or fails as they do
        (verdict,) = {judged[part].verdict for part in parts}
        reason = "no rows in scope: no part's where clause keeps one"
        return ByRow(Judgement(verdict, reason, "no rows", composites.EXPECTED))
    metric = composites.metric(composite, said)
    try:
        judgement = composites.judge(metric, shown.engine.measure(Scan(metric.grain, (metric,))))
        if changed := shown.engine.outdated().get(metric):
            return ByRow(Judgement(Verdict.ERROR, f"{changed}; evaluate it again"))
    except EngineError as error:
        return ByRow(Judgement(Verdict.ERROR, sentence(error)))
    rows, note = shown.of(judgement, lambda: composites.failing_rows(metric))
    return ByRow(judgement, rows, note)


# -- outcomes ------------------------------------------------------------------------------------------


def outcome_of(
    expression: RuleExpression,
    ruleset: Ruleset,
    judged: Mapping[Rule, Judgement],
    samples: Mapping[Rule, FailingRows],
    by_row: Mapping[Composite, ByRow],
) -> Outcome:
    """The outcome of a rule, or of a composite from those of its operands; a stack, since they nest without bound."""
    done: list[Outcome] = []
    pending: list[tuple[RuleExpression, bool]] = [(expression, False)]
    while pending:
        each, ready = pending.pop()
        if isinstance(each, Rule):
            done.append(_leaf(each, ruleset, judged[each], samples.get(each)))
        elif ready:
            parts = tuple(done[-len(each.operands) :])
            del done[-len(each.operands) :]
            done.append(_joined(each, ruleset, parts))
        else:
            pending.append((each, True))
            pending.extend((operand, False) for operand in reversed(each.operands))
    whole = _with_cold_notes(done[0])
    return _with_rows(whole, by_row[expression]) if isinstance(expression, Composite) and by_row else whole


def _with_rows(outcome: Outcome, by_row: ByRow) -> Outcome:
    """The outcome of a composite with what its rows say in place of what its parts say."""
    judgement = by_row.judgement
    if judgement is None:
        return replace(outcome, notes=(*outcome.notes, by_row.note))
    return replace(
        outcome,
        verdict=judgement.verdict,
        reason=judgement.reason,
        measured=judgement.measured,
        expected=judgement.expected,
        failing=by_row.failing,
        notes=(*outcome.notes, "judged row by row", *([by_row.note] if by_row.note else ())),
    )


def _with_cold_notes(outcome: Outcome) -> Outcome:
    """A composite with what its parts say that found too little history: it must not hide it."""
    notes: dict[str, None] = {}
    pending = list(outcome.parts)
    while pending:
        part = pending.pop()
        pending += part.parts
        if not all(each.enough for each in part.history):
            notes |= dict.fromkeys(part.notes)
    return replace(outcome, notes=(*outcome.notes, *notes)) if notes else outcome


def _leaf(rule: Rule, ruleset: Ruleset, judgement: Judgement, failing: FailingRows | None) -> Outcome:
    return Outcome(
        rule,
        judgement.verdict,
        judgement.reason,
        judgement.measured,
        judgement.expected,
        judgement.metrics,
        labels_of(rule.labels, ruleset),
        judgement.notes,
        failing,
        line=ruleset.source.position(rule.span.start)[0],
        evaluated=judgement.evaluated,
        history=judgement.history,
        evidence=judgement.evidence,
    )


def _joined(composite: Composite, ruleset: Ruleset, parts: Sequence[Outcome]) -> Outcome:
    """`and`: fails if a part fails, else errs if one errs. `or`: passes if a part passes, else errs if one errs.

    Source: REFERENCE C.4. A part that failed says why, and one that passed without a row to look at is remarked.
    """
    deciding = Verdict.FAILED if composite.operator == "and" else Verdict.PASSED
    verdicts = {part.verdict for part in parts}
    if deciding in verdicts:
        verdict = deciding
    elif Verdict.ERROR in verdicts:
        verdict = Verdict.ERROR
    else:
        verdict = Verdict.PASSED if deciding is Verdict.FAILED else Verdict.FAILED
    reasons = [part.reason for part in parts if not part.passed]
    remarks = [f"{part.rule}: {part.reason}" for part in parts if part.reason and part.passed]
    remarks += [note for part in parts if isinstance(part.rule, Composite) for note in part.notes]
    return Outcome(
        composite,
        verdict,
        "" if verdict is Verdict.PASSED else "\n".join(dict.fromkeys(reasons)),
        f"{sum(part.passed for part in parts)} of {len(parts)} parts passed",
        "all parts" if composite.operator == "and" else "any part",
        {name: value for part in parts for name, value in part.metrics.items()},
        labels_of(composite.labels, ruleset),
        tuple(dict.fromkeys(remarks)),
        parts=tuple(parts),
        evidence=tuple(dict.fromkeys(by for part in parts for by in part.evidence)),
        line=ruleset.source.position(composite.span.start)[0],
        evaluated=_evaluated(composite, parts),
    )


def _evaluated(composite: Composite, parts: Sequence[Outcome]) -> Composite | None:
    """The composite with what the functions of its parts came to; None when no part has any."""
    if all(part.evaluated is None for part in parts):
        return None
    return replace(composite, operands=tuple(part.evaluated or part.rule for part in parts))


def labels_of(own: Sequence[Label], ruleset: Ruleset) -> dict[str, str]:
    """The default labels with the rule's own on top (REFERENCE A.4)."""
    return {label.key: label.value for label in (*ruleset.default_labels, *own)}
