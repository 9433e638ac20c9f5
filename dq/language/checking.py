"""Raw rules to the syntax tree: names are looked up, conditions get their kind, and everything is checked.

What fits nowhere is reported and left out; what is valid but means something else than it seems is reported
and kept. The dialect of Glue takes and refuses what the published parser does (REFERENCE A).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeVar

from dq.diagnostics import Note, Severity
from dq.language.complaints import keyword_in_another_case, malformed_number, meant_word
from dq.language.findings import Findings, counted, nearest, shortened
from dq.language.lexer import Token
from dq.language.parser import (
    Quantity,
    RawAnalyzer,
    RawComposite,
    RawCondition,
    RawDocument,
    RawExpression,
    RawLabelled,
    RawLabels,
    RawOperand,
    RawPair,
    RawParameter,
    RawRule,
    RawTag,
    RawVariable,
    RawWhere,
    Shifted,
    Word,
    decoded,
)
from dq.rules.base import Parameters, Signature, TagValue
from dq.spans import Span
from dq.syntax import (
    Analyzer,
    Arithmetic,
    Call,
    Composite,
    Condition,
    Date,
    Duration,
    Group,
    Keyword,
    Kind,
    Label,
    Node,
    Now,
    Null,
    Number,
    Operator,
    Pair,
    Parameter,
    Rule,
    RuleExpression,
    Ruleset,
    Size,
    Tag,
    Text,
    Time,
    Variable,
    VariableDeclaration,
    Where,
)

MOST_RULES = 2_000
MOST_CHARACTERS = 65_536
MOST_LABELS = 10
LONGEST_KEY = 128
LONGEST_VALUE = 256

DOCUMENTED_ANALYZERS = frozenset(
    [
        "RowCount",
        "ColumnCount",
        "Completeness",
        "Uniqueness",
        "UniqueValueRatio",
        "DistinctValuesCount",
        "Entropy",
        "Mean",
        "Sum",
        "StandardDeviation",
        "ColumnCorrelation",
        "ColumnLength",
        "ColumnValues",
        "CustomSql",
        "AllStatistics",
        "Distribution",
    ]
)
"""The types that the guide lists as analyzers or as usable for anomaly detection (REFERENCE E.1)."""

KEYS: dict[str, dict[str, bool]] = {
    "Metadata": {"Version": False},
    "DataSources": {"Primary": False, "AdditionalDataSources": True},
}
"""The keys of each dictionary and whether they need a list."""

_ORDERED = frozenset({Operator.GT, Operator.GE, Operator.LT, Operator.LE, Operator.BETWEEN, Operator.NOT_BETWEEN})
_RANGES = frozenset({Operator.BETWEEN, Operator.NOT_BETWEEN})
_TEXT_OPERATORS = frozenset(Operator) - _ORDERED
_NUMERIC: tuple[type[Any], ...] = (Number, Call, Arithmetic, Group)
_TEXTUAL = (Text, Null, Variable)
_TEMPORAL = (Date, Time, Now)

_KIND_WORDS = {
    Kind.NUMBER: "a number",
    Kind.TEXT: "a text",
    Kind.DATE: "a date",
    Kind.DURATION: "a duration",
    Kind.SIZE: "a size",
}

LISTS = frozenset({"avg", "median", "max", "min", "sum", "std"})
"""The functions that make one number of a list."""

FUNCTIONS: dict[str, tuple[int, int]] = {"last": (0, 1), "index": (2, 2), "abs": (1, 1)} | dict.fromkeys(LISTS, (1, 1))
"""The fewest and the most arguments of each function of the history (REFERENCE D.1)."""

_UNQUOTED = r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?|[0-9]{1,9} (?:days|hours|minutes|[KMGT]?B)"
"""Texts that need no quotes."""

_LABEL_HELP = f"give 1 to {MOST_LABELS} labels with different keys"

T = TypeVar("T")


class Checker:
    """Turns what one document says into its syntax tree; what is wrong goes to the findings."""

    def __init__(self, findings: Findings, signatures: dict[str, Signature]) -> None:
        self.findings = findings
        self.signatures = signatures
        self.variables: dict[str, VariableDeclaration] = {}
        self.defaults: tuple[Label, ...] = ()
        self.unreadable: set[str] = set()
        self._folded = {name.casefold() for name in signatures}

    # -- the document ----------------------------------------------------------------------------------

    def ruleset(self, raw: RawDocument) -> Ruleset:
        """The document; what is refused is missing from it."""
        metadata = self._pairs("Metadata", raw.metadata)
        sources = self._pairs("DataSources", raw.sources)
        self._declare(raw.variables)
        if raw.default_labels:
            self.defaults = self._labels(raw.default_labels)
            if len(self.defaults) > MOST_LABELS:
                self._too_many_labels(raw.default_labels, len(self.defaults))
        rules = [rule for each in raw.rules if (rule := self._expression(each))]
        analyzers = [analyzer for each in raw.analyzers if (analyzer := self._analyzer(each))]
        self._limits(len(raw.rules), rules)
        return Ruleset(
            tuple(rules),
            tuple(analyzers),
            metadata,
            sources,
            tuple(self.variables.values()),
            self.defaults,
            self.findings.source,
            self.findings.dialect,
        )

    def _limits(self, count: int, rules: Sequence[RuleExpression]) -> None:
        if self.findings.is_glue:
            return
        length = len(self.findings.source.text)
        if count > MOST_RULES:
            message = f"{count:,} rules"
            help = "split the ruleset before you deploy it to Glue"
            span = rules[MOST_RULES].span if len(rules) > MOST_RULES else Span(0, 0)
            self.findings.not_in_glue("DQ310", span, message, f"{help}: a ruleset there has up to {MOST_RULES:,} rules")
        if length > MOST_CHARACTERS:
            message = f"{length:,} characters"
            help = f"split the ruleset before you deploy it to Glue: it takes up to {MOST_CHARACTERS:,} characters"
            self.findings.not_in_glue("DQ310", Span(MOST_CHARACTERS, length), message, help)

    # -- dictionaries ----------------------------------------------------------------------------------

    def _pairs(self, section: str, raw: Sequence[RawPair]) -> tuple[Pair, ...]:
        """The entries of a dictionary; of equal keys the last stays, at the place of the first."""
        pairs: dict[str, Pair] = {}
        for each in raw:
            key = self._string(each.key)
            wants_list = KEYS[section].get(key)
            if wants_list is None:
                meant = nearest(key, KEYS[section])
                known = " and ".join(f"`{name}`" for name in KEYS[section])
                known = f"its keys are {known}" if len(KEYS[section]) > 1 else f"its only key is {known}"
                help = f"did you mean `{meant}`?" if meant else known
                message = f"unknown key `{shortened(key)}` in `{section}`"
                self.findings.report("DQ130", each.key.span, message, f"`{section}` does not know this key", help)
                continue
            if wants_list and not each.is_list:
                message, help = f"`{key}` without a list", f'write `"{key}": [ … ]`, also for one name'
                self.findings.report("DQ131", each.values[0].span, message, "a list is needed here", help)
                continue
            if each.is_list and not wants_list:
                self._list_as_text(key, each)
            if key in pairs:
                label, help = "the last of equal keys wins", "remove one of them"
                note = Note(pairs[key].span, "given here before")
                message = f"`{key}` is given twice"
                self.findings.report("DQ208", each.key.span, message, label, help, notes=[note])
            values = tuple(self._string(value) for value in each.values)
            is_list = each.is_list
            if self.findings.is_glue:
                values, is_list = _glue_values(values, is_list, wants_list)
            elif wants_list:
                values = tuple(value.replace(" ", "") for value in values)
            pairs[key] = Pair(key, values, is_list, span=each.span)
        return tuple(pairs.values())

    def _list_as_text(self, key: str, raw: RawPair) -> None:
        """Report a list where one text is known; Glue takes the list itself for the text."""
        message, label = f"`{key}` with a list", "one text is needed here: Glue takes the whole list for a text"
        severity = Severity.ERROR if key == "Primary" and not self.findings.is_glue else Severity.WARNING
        self.findings.report("DQ131", raw.span, message, label, "write one text without brackets", severity=severity)

    def _string(self, token: Token) -> str:
        """What stands between the quotes of a text, of a date where a text is needed too."""
        if token.kind != "STRING":
            self._date_as_text(token.span, token.text)
        raw = token.text[1:-1]
        return _closed(raw) if raw.endswith("\\") and not self.findings.is_glue else raw

    def _date_as_text(self, span: Span, written: str) -> None:
        message = f"{written} where a text is needed"
        self.findings.not_in_glue("DQ305", span, message, "Glue reads it as a date and refuses it: write another text")

    # -- variables -------------------------------------------------------------------------------------

    def _declare(self, raw: Iterable[RawVariable]) -> None:
        for each in raw:
            declared = self._declaration(each)
            if declared is None:
                self.unreadable.add(each.name.text)
                continue
            earlier = self.variables.get(declared.name)
            if earlier:
                message, label = f"variable `{declared.name}` is declared twice", "this name is taken"
                note = Note(earlier.span, "declared here first")
                help = "choose another name"
                self.findings.report("DQ120", each.name.span, message, label, help, notes=[note])
            else:
                self.variables[declared.name] = declared

    def _declaration(self, raw: RawVariable) -> VariableDeclaration | None:
        name = raw.name.text
        if name[0] in "._":
            message, label = f"variable name `{shortened(name)}`", f"a name cannot start with `{name[0]}`"
            self.findings.report("DQ121", raw.name.span, message, label, f"write `{name.lstrip('._') or 'name'}`")
        if name.casefold() in ("metadata", "datasources", "defaultlabels", "rules", "analyzers"):
            message, label = f"`{name}` is a variable", "sections begin with a capital letter: this is none"
            help = "rename the variable, or write the section as `Rules = [ … ]`"
            self.findings.report("DQ209", raw.name.span, message, label, help)
        values: list[Text | Null] = []
        for value in raw.values:
            if isinstance(value, (Date, Time)):
                value = self._text_of(value)
            if isinstance(value, Text):
                if re.search(r"\$[A-Za-z_]", value.raw):
                    message, label = f"variable `{name}` refers to a variable", "variables cannot be nested"
                    self.findings.report("DQ122", value.span, message, label, "write the text out")
                values.append(value)
            elif isinstance(value, Null):
                word = value.keyword.value
                message, label = f"keyword `{word}` in a variable", f'this is the text `"{word}"` where it is used'
                help = f"write `{word}` in the rule, or put it in quotes here"
                self.findings.report("DQ207", value.span, message, label, help)
                values.append(value)
            else:
                message, label = f"variable `{name}` refers to a variable", "variables cannot be nested"
                self.findings.report("DQ122", value.span, message, label, "write the text out")
        return VariableDeclaration(name, tuple(values), raw.is_list, span=raw.span) if values else None

    def _variable(self, name: str, span: Span) -> VariableDeclaration | None:
        declared = self.variables.get(name)
        if declared is None and name not in self.unreadable:
            meant = nearest(name, self.variables)
            help = f"did you mean `${meant}`?" if meant else f'declare it above the rules: `{name} = "…"`'
            message = f"undeclared variable `{shortened(name)}`"
            self.findings.report("DQ123", span, message, "no variable has this name", help)
        return declared

    # -- rules -----------------------------------------------------------------------------------------

    def _expression(self, raw: RawExpression) -> RuleExpression | None:
        """A rule or a composite of rules, from the inside out; None if a part is refused."""
        if type(raw) is RawRule:
            return self._rule(raw)
        results: list[RuleExpression | None] = []
        pending: list[tuple[RawExpression, bool]] = [(raw, False)]
        while pending:
            node, is_ready = pending.pop()
            if isinstance(node, RawRule):
                results.append(self._rule(node))
            elif not is_ready:
                pending.append((node, True))
                inner = node.operands if isinstance(node, RawComposite) else [_without_labels(node)]
                pending.extend((each, False) for each in reversed(inner))
            elif isinstance(node, RawComposite):
                count = len(node.operands)
                operands = results[-count:]
                del results[-count:]
                results.append(self._composite(node, operands))
            else:
                results.append(self._labelled(node, results.pop()))
        return results[0]

    def _composite(self, raw: RawComposite, operands: Sequence[RuleExpression | None]) -> Composite | None:
        labels = self._labels(raw.labels) if raw.labels else ()
        last = raw.operands[-1]
        behind = last.labels if isinstance(last, (RawLabelled, RawComposite)) else None
        if behind:
            message, label = "labels behind the last part", "these labels belong to the last part alone"
            help = f"put parentheses around the whole: `((A) {raw.operator} (B)) labels=[…]`"
            self.findings.report("DQ206", behind.span, message, label, help)
        kept = tuple(each for each in operands if each is not None)
        if len(kept) < len(operands):
            return None
        return Composite(raw.operator, kept, labels, shows_labels=not self.findings.is_glue, span=raw.span)

    def _labelled(self, raw: RawLabelled, rule: RuleExpression | None) -> RuleExpression | None:
        """A rule with labels behind its parentheses, which may be several: they are its own."""
        if not isinstance(rule, Rule):
            return rule
        lists: list[RawLabels] = []
        inner: RawExpression = raw
        while isinstance(inner, RawLabelled):
            lists.append(inner.labels)
            inner = inner.inner
        labels = list(rule.labels)
        taken = {label.key for label in labels}
        for label in (label for each in reversed(lists) for label in self._labels(each)):
            if label.key in taken:
                self._label_problem(
                    label.span, f"label key `{shortened(label.key)}` is given twice", "this key is taken"
                )
            taken.add(label.key)
            labels.append(label)
        return replace(rule, labels=tuple(labels), span=raw.span)

    def _signature(self, name: Token, section: str) -> Signature | None:
        """The signature of a type that may stand in a section."""
        signature = self.signatures.get(name.text)
        if signature is None and name.text.casefold() == "customsql" and not self.findings.is_glue:
            message = f"`{name.text}` is spelled `CustomSql`"
            self.findings.report("DQ212", name.span, message, "Glue refuses this spelling", "write `CustomSql`")
            signature = self.signatures["CustomSql"]
        if signature and self.findings.is_glue and not signature.published:
            message, label = f"unknown rule type `{name.text}`", "Glue does not know this rule type"
            self.findings.report("DQ102", name.span, message, label, "remove the rule, or check it in the dialect `dq`")
            return None
        if signature is None:
            meant = nearest(name.text, self.signatures)
            keyword = keyword_in_another_case(name.text)
            if keyword and not meant:
                message, label = f"`{name.text}` is no rule type", f"keywords are written like this: `{keyword}`"
                self.findings.report("DQ012", name.span, message, label, f"write `{keyword}`")
                return None
            help = f"did you mean `{meant}`?" if meant else "`dq rules` lists the rule types"
            message = f"unknown rule type `{shortened(name.text)}`"
            self.findings.report("DQ102", name.span, message, "no rule type has this name", help)
            return None
        if not (signature.rule if section == "rules" else signature.analyzer):
            here, there = ("rule", "Analyzers") if section == "rules" else ("analyzer", "Rules")
            message = f"`{signature.name}` is no {here}"
            label = "this is an analyzer only" if section == "rules" else "this judges, and measures no statistic"
            self.findings.report("DQ101", name.span, message, label, f"move it to `{there}`, or remove it")
            return None
        if not signature.published:
            message = f"`{signature.name}` is unknown to Glue"
            self.findings.not_in_glue("DQ301", name.span, message, "use it outside of Glue only")
        return signature

    def _rule(self, raw: RawRule) -> Rule | None:
        signature = self._signature(raw.name, "rules")
        if self.findings.unreadable and self.findings.is_damaged(raw.span):
            return None
        fits = signature is None or self._count(raw.name, raw.parameters, signature)
        parameters = self._parameters(raw.parameters, warns=fits)
        labels: tuple[Label, ...] = ()
        where: Where | None = None
        tags: list[Tag] = []
        if raw.clauses:
            where, labels, tags = self._clauses(raw, signature)
        if signature is None or parameters is None or not fits:
            return None
        condition = self._rule_condition(raw, signature)
        zone_problem = any(tag.name == "timeZone" for tag in tags)
        if zone_problem:
            self._zones(condition, tags)
        if signature.name == "CustomSql" and condition and any(tag.name == "threshold" for tag in tags):
            message = "`CustomSql` with a condition and a threshold"
            label = "a condition judges the number that the query gives, a threshold the share of its rows"
            self.findings.reject_in_dq("DQ116", raw.span, message, label, "remove one of them")
        if signature.slots and signature.slots[0].kind is Parameters.REGEX and parameters:
            self._regex(parameters[0].value, parameters[0].span)
        return Rule(
            signature.name,
            parameters,
            condition,
            where,
            tuple(tags),
            labels,
            span=raw.span,
            name_span=raw.name.span,
        )

    def _analyzer(self, raw: RawAnalyzer) -> Analyzer | None:
        signature = self._signature(raw.name, "analyzers")
        fits = signature is None or self._count(raw.name, raw.parameters, signature)
        parameters = self._parameters(raw.parameters, is_analyzer=True, warns=fits)
        if signature is None or parameters is None or not fits:
            return None
        if signature.rule and not signature.kinds_for(len(raw.parameters)):
            message, label = f"`{signature.name}` is no analyzer", "with these parameters it measures no statistic"
            self.findings.report("DQ101", raw.name.span, message, label, "move it to `Rules`, or remove it")
            return None
        if signature.published and signature.name not in DOCUMENTED_ANALYZERS:
            message, label = f"`{signature.name}` as an analyzer", "Glue takes it, its guide does not list it"
            self.findings.report("DQ210", raw.name.span, message, label, "use it as a rule, or expect no statistics")
        tags: list[Tag] = []
        for each in raw.tags:
            if self.findings.is_glue or not signature.tags:
                message, label = f"tag `{shortened(each.name.text)}` in an analyzer", "this analyzer takes no tags"
                self.findings.report("DQ112", each.span, message, label, "remove the tag")
                continue
            if signature.published:
                help = "remove it before you deploy to Glue"
                self.findings.not_in_glue("DQ307", each.span, "tag in an analyzer", help)
            tag = self._tag(each, signature, {})
            if tag:
                tags.append(tag)
        return Analyzer(signature.name, parameters, tuple(tags), span=raw.span, name_span=raw.name.span)

    # -- parameters ------------------------------------------------------------------------------------

    def _parameters(
        self, raw: Sequence[RawParameter], *, is_analyzer: bool = False, warns: bool = True
    ) -> tuple[Parameter, ...] | None:
        """The parameters; None if a variable among them is none."""
        parameters = [self._parameter(each, is_analyzer, warns) for each in raw]
        kept = tuple(each for each in parameters if each is not None)
        return kept if len(kept) == len(parameters) else None

    def _parameter(self, raw: RawParameter, is_analyzer: bool, warns: bool) -> Parameter | None:
        connector = raw.connector.text if raw.connector else ""
        text = raw.word.text
        if raw.dollar:
            return self._variable_parameter(raw, connector, is_analyzer)
        if raw.word.kind == "IDENT":
            folded = text.casefold()
            if warns and (folded in self._folded or keyword_in_another_case(text)):
                self._looks_like_keyword(raw, text)
            return Parameter(text, text, False, False, connector, span=raw.word.span)
        inner = self._string(raw.word)
        return Parameter(inner, decoded(inner), True, False, connector, span=raw.word.span)

    def _looks_like_keyword(self, raw: RawParameter, text: str) -> None:
        keyword = keyword_in_another_case(text)
        kind = "keyword" if keyword else "rule type"
        label = f"this is read as a parameter, not as a {kind}"
        if keyword:
            help = f'write `{keyword}` if you mean the keyword, or `"{text}"` if you mean a name'
        elif raw.connector:
            help = f'put the rules in parentheses to join them, or write `"{text}"` if you mean a name'
        else:
            help = f'add a comma in front of a rule, or write `"{text}"` if you mean a name'
        self.findings.report("DQ205", raw.word.span, f"parameter `{text}` looks like a {kind}", label, help)

    def _variable_parameter(self, raw: RawParameter, connector: str, is_analyzer: bool) -> Parameter | None:
        name = raw.word.text
        if is_analyzer and self.findings.is_glue:
            if name not in self.variables:
                message, label = f"undeclared variable `{shortened(name)}`", "Glue does not look at it"
                self.findings.report("DQ211", raw.span, message, label, "declare it, or write the text out")
            return Parameter(name, name, False, True, connector, span=raw.span)
        declared = self._variable(name, raw.span)
        if declared is None:
            return None
        if declared.is_list:
            message, label = f"variable `{name}` is a list", "one text is needed here"
            notes = [Note(declared.span, "declared here")]
            help = "declare a variable with one text"
            self.findings.report("DQ124", raw.span, message, label, help, notes=notes)
            return None
        return Parameter(name, _meaning(declared.values[0]).value, False, True, connector, span=raw.span)

    def _count(self, name: Token, parameters: Sequence[RawParameter], signature: Signature) -> bool:
        given = len(parameters)
        if signature.takes(given):
            return True
        least, most = signature.least, signature.most
        if most is None:
            wanted = f"at least {counted(least, 'parameter')}"
        elif least == most:
            wanted = counted(least, "parameter") if least else "no parameter"
        else:
            wanted = f"{least} to {counted(most, 'parameter')}"
        if most is not None and given > most:
            span = Span(parameters[most].span.start, parameters[-1].span.end)
            label = "this is too much" if given - most == 1 else "these are too many"
        else:
            span = Span(name.start, parameters[-1].span.end if parameters else name.end)
            label = "a parameter is missing"
        message = f"`{signature.name}` takes {wanted}, not {given}"
        slots = " ".join(f"<{slot.name}>" for slot in signature.slots)
        help = f"write `{signature.name}{' ' + slots if slots else ''}`"
        extra = [each for each in parameters if each.word.kind == "IDENT"]
        other = next((each for each in extra if each.word.text in self.signatures), None)
        if other:
            help = "put each rule in parentheses to join them: `(A) and (B)`"
            if other.connector is None:
                help = f"add a comma in front of `{other.word.text}`"
        elif any(keyword_in_another_case(each.word.text) for each in extra):
            word = next(filter(None, (keyword_in_another_case(each.word.text) for each in extra)))
            help = f"did you mean the keyword `{word}`? Keywords are case-sensitive"
        elif any(one.word.end == two.word.start for one, two in pairwise(parameters)):
            help = 'a double quote inside of a text is written `\\"`'
        elif signature.kinds and (meant := next(filter(None, (meant_word(each.word.text) for each in extra)), None)):
            help = f"did you mean `{meant}`?"
        elif name.text.casefold() not in self._folded:
            help = "`dq rules` lists the rule types"
        self.findings.report("DQ103", span, message, label, help)
        return False

    # -- conditions ------------------------------------------------------------------------------------

    def _rule_condition(self, raw: RawRule, signature: Signature) -> Condition | None:
        """The condition of a rule, of a kind that its type takes."""
        kinds = signature.kinds_for(len(raw.parameters))
        if raw.condition is None:
            if kinds and signature.condition_required:
                wanted = " or ".join(_KIND_WORDS[kind] for kind in Kind if kind in kinds)
                end = raw.parameters[-1].span.end if raw.parameters else raw.name.end
                message = f"`{signature.name}` without a condition"
                help = f"add a condition on {wanted}, such as `{_EXAMPLES[min(kinds, key=list(Kind).index)]}`"
                self.findings.report("DQ104", Span(raw.name.start, end), message, "a condition is missing here", help)
            return None
        if not kinds:
            message, label = f"`{signature.name}` takes no condition", "this rule is true or false by itself"
            self.findings.report("DQ105", raw.condition.span, message, label, "remove the condition")
            return None
        condition = self._condition(raw.condition, kinds)
        if condition is None:
            return None
        if condition.kind not in kinds:
            wanted = " or ".join(_KIND_WORDS[kind] for kind in Kind if kind in kinds)
            message = f"`{signature.name}` compares {wanted}"
            label = f"this is {_KIND_WORDS[condition.kind]}"
            help = f"write {wanted}, such as `{_EXAMPLES[min(kinds, key=list(Kind).index)]}`"
            self.findings.report("DQ106", condition.span, message, label, help)
            return None
        if condition.operator in (Operator.MATCHES, Operator.NOT_MATCHES) and isinstance(condition.operands[0], Text):
            self._regex(condition.operands[0].value, condition.operands[0].span)
        return condition

    def _condition(self, raw: RawCondition, wanted: frozenset[Kind]) -> Condition | None:
        """A condition with its kind; the kinds are tried in the order of the published grammar."""
        if raw.bracketed and raw.operator is Operator.EQ:
            message, label = "a list behind `=`", "`=` compares with one value"
            self.findings.report("DQ107", raw.span, message, label, "write `in [ … ]`")
            return None
        kind = self._kind(raw, wanted)
        if kind is None:
            return None
        operands = [self._operand(each, kind, raw) for each in raw.operands]
        if any(each is None for each in operands):
            return None
        condition = Condition(kind, raw.operator, tuple(operands), raw.bracketed, span=raw.span)
        if raw.operator in _ORDERED:
            self._order(condition)
        return condition

    def _kind(self, raw: RawCondition, wanted: frozenset[Kind]) -> Kind | None:
        """What a condition compares; None, and a diagnostic, if its operands do not fit each other."""
        operands = raw.operands
        first = type(operands[0])
        if first is Number and (len(operands) == 1 or all(type(each) is Number for each in operands)):
            return self._whole_kind(raw, wanted)
        for each in operands:
            if isinstance(each, Word):
                self._word(each)
                return None
        if all(_is_number(each) for each in operands):
            return self._whole_kind(raw, wanted) if self._numbers(operands) else None
        if raw.operator in _TEXT_OPERATORS and all(isinstance(each, _TEXTUAL) for each in operands):
            return Kind.TEXT
        if all(isinstance(each, (*_TEMPORAL, Shifted)) or _is_null(each) for each in operands):
            return self._date_kind(raw, wanted)
        if all(isinstance(each, Quantity) for each in operands):
            are_sizes = {each.unit.endswith("B") for each in operands}
            if len(are_sizes) == 1:
                return Kind.SIZE if are_sizes.pop() else Kind.DURATION
        is_text_only = wanted == {Kind.TEXT} and raw.operator in _TEXT_OPERATORS
        if is_text_only and all(isinstance(each, (*_TEXTUAL, Date, Time)) for each in operands):
            return Kind.TEXT
        self._mixed(raw)
        return None

    def _whole_kind(self, raw: RawCondition, wanted: frozenset[Kind]) -> Kind | None:
        """The kind of numbers: of sizes where a size is wanted, since a bare number counts bytes."""
        if wanted != {Kind.SIZE}:
            return Kind.NUMBER
        for each in raw.operands:
            if not (isinstance(each, Number) and each.text.isdigit()):
                message, label = "a size is a whole number", "this is none"
                self.findings.report("DQ106", each.span, message, label, "write a size such as `10 MB`")
                return None
        return Kind.SIZE

    def _date_kind(self, raw: RawCondition, wanted: frozenset[Kind]) -> Kind | None:
        """The kind of quoted dates: they are texts where only a text is wanted."""
        if raw.operator in (Operator.MATCHES, Operator.NOT_MATCHES):
            return Kind.TEXT
        dates = all(isinstance(each, (Date, Time)) or _is_null(each) for each in raw.operands)
        if wanted == {Kind.TEXT} and dates and raw.operator in _TEXT_OPERATORS and not self.findings.is_glue:
            return Kind.TEXT
        return Kind.DATE

    def _word(self, word: Word) -> None:
        number = malformed_number(word.text, word.span)
        if number:
            number.report(self.findings)
            return
        keyword = keyword_in_another_case(word.text)
        if keyword:
            message, label = f"`{word.text}` is not a keyword", f"keywords are case-sensitive: not `{keyword}`"
            self.findings.report("DQ012", word.span, message, label, f"write `{keyword}`")
            return
        message, label = f"`{shortened(word.text)}` is no value", "a bare word cannot be compared with"
        help = "write `now()`" if word.text.casefold() == "now" else f'put it in quotes: `"{shortened(word.text)}"`'
        self.findings.report("DQ107", word.span, message, label, help)

    def _mixed(self, raw: RawCondition) -> None:
        """Why the operands of a condition do not fit the operator or each other."""
        first = raw.operands[0]
        culprit = next((each for each in raw.operands if _is_misshapen(each)), None)
        if culprit is not None:
            written = self.findings.source.text[culprit.span.start : culprit.span.end]
            message, label = f"`{shortened(written)}` cannot be calculated", "only numbers can be"
            help = "calculate with numbers only; write `(now() - 3 days)` for a date"
            if re.search(r"now\s*\(\s*\)", written) and "now()" not in written:
                help = "write `now()` without blanks"
            self.findings.report("DQ107", culprit.span, message, label, help)
            return
        if all(isinstance(each, (Text, Null, Variable)) for each in raw.operands):
            word = raw.operator.value
            variable = any(isinstance(each, Variable) for each in raw.operands)
            message = f"`{word}` with {'a variable' if variable else 'a text'}"
            label = "a variable stands for texts, and texts have no order" if variable else "texts have no order"
            help = 'write a number without quotes, or a date as `"2024-01-31"`'
            if isinstance(first, Text) and re.fullmatch(_UNQUOTED, first.value):
                help = f"write `{first.value}` without quotes"
            self.findings.report("DQ107", raw.span, message, label, help)
            return
        if raw.operator in (Operator.MATCHES, Operator.NOT_MATCHES):
            message, label = "`matches` without a quoted text", "a regular expression is needed here"
            self.findings.report("DQ107", first.span, message, label, "put the regular expression in quotes")
            return
        other = next((each for each in raw.operands if _family(each) != _family(first)), first)
        message = f"{_family(first)} and {_family(other)} in one condition"
        label = "all values of a condition are of one kind"
        self.findings.report("DQ107", other.span, message, label, "write values of one kind, or two rules")

    def _operand(self, raw: RawOperand, kind: Kind, condition: RawCondition) -> Any:
        """The node of an operand; None, and a diagnostic, if it is refused."""
        if type(raw) is Number:
            return (
                Size(int(raw.text), "B", span=raw.span)
                if kind is Kind.SIZE and self._in_range(raw)
                else (raw if kind is Kind.NUMBER else None)
            )
        return _OPERANDS[type(raw)](self, raw, kind, condition)

    def _same(self, raw: T, kind: Kind, condition: RawCondition) -> T:
        return raw

    def _text(self, raw: Text, kind: Kind, condition: RawCondition) -> Text:
        r"""A text. Glue drops every backslash from the members of a list, and shows them so (REFERENCE A.5)."""
        if not self.findings.is_glue:
            return replace(raw, raw=_closed(raw.raw)) if raw.raw.endswith("\\") else raw
        if not (condition.bracketed and "\\" in raw.raw):
            return raw
        shown = re.sub(r"\\(.)", r"\1", raw.raw, flags=re.DOTALL)
        return replace(raw, shown=shown)

    def _date(self, raw: Date | Time, kind: Kind, condition: RawCondition) -> Date | Time | Text | None:
        if kind is Kind.TEXT:
            return self._text_of(raw)
        problem = _date_problem(raw.text) if isinstance(raw, Date) else _time_problem(raw.text)
        if problem and isinstance(raw, Date):
            help = 'write a day of the calendar as `"2024-01-31"`'
            self.findings.reject_in_dq("DQ114", raw.span, f'`"{raw.text}"` is no date', problem, help)
        elif problem:
            help = 'write a time as `"9:30 AM"` or `"21:30"`'
            self.findings.report("DQ114", raw.span, f'`"{raw.text}"` is no time', problem, help)
            return None
        return raw

    def _text_of(self, raw: Date | Time) -> Text:
        self._date_as_text(raw.span, f'"{raw.text}"')
        return Text(raw.text, raw.text, span=raw.span)

    def _shifted(self, raw: Shifted, kind: Kind, condition: RawCondition) -> Now | None:
        if raw.offset.unit.endswith("B"):
            message, label = "a size in a date", "a date moves by days, hours or minutes"
            self.findings.report("DQ107", raw.offset.span, message, label, "write `(now() - 3 days)`")
            return None
        offset = self._quantity(raw.offset, Kind.DURATION, condition)
        return Now("now()", raw.sign, offset, span=raw.span) if isinstance(offset, Duration) else None

    def _quantity(self, raw: Quantity, kind: Kind, condition: RawCondition) -> Duration | Size | None:
        if not self._in_range(raw):
            return None
        if raw.unit.endswith("B"):
            return Size(int(raw.amount), raw.unit, span=raw.span)
        return Duration(int(raw.amount), raw.unit, span=raw.span)

    def _in_range(self, raw: Number | Quantity) -> bool:
        """Whether a whole number fits: 64 bits here, 32 bits in Glue."""
        digits = (raw.text if isinstance(raw, Number) else raw.amount).lstrip("0")
        most = 2**31 - 1 if self.findings.is_glue else 2**63 - 1
        if len(digits) > 19 or int(digits or "0") > most:
            message, label = f"`{shortened(digits)}` is too large", f"at most {most:,} is possible"
            self.findings.report("DQ118", raw.span, message, label, "write a smaller number, or a larger unit")
            return False
        if not self.findings.is_glue and int(digits or "0") > 2**31 - 1:
            self.findings.not_in_glue("DQ310", raw.span, f"`{digits}` has more than 32 bits", "write a larger unit")
        return True

    def _operand_variable(self, raw: Variable, kind: Kind, condition: RawCondition) -> Variable | None:
        is_membership = condition.operator in (Operator.IN, Operator.NOT_IN)
        if condition.operator in (Operator.MATCHES, Operator.NOT_MATCHES):
            message, label = "a variable as a regular expression", "`matches` takes a quoted text only"
            self.findings.report("DQ107", raw.span, message, label, "write the regular expression out")
            return None
        if condition.bracketed or not is_membership:
            where = "in a list" if condition.bracketed else f"behind `{condition.operator.value}`"
            message = f"variable `{shortened(raw.name)}` {where}"
            self.findings.not_in_glue(
                "DQ304", raw.span, message, f"write `in ${shortened(raw.name)}`, or the text itself"
            )
        declared = self._variable(raw.name, raw.span)
        if declared is None:
            return None
        if declared.is_list and (condition.bracketed or not is_membership):
            message, label = f"variable `{raw.name}` is a list", "one text is needed here"
            notes = [Note(declared.span, "declared here")]
            self.findings.report("DQ124", raw.span, message, label, f"write `in ${raw.name}`", notes=notes)
            return None
        values = tuple(_meaning(each) for each in declared.values)
        return Variable(raw.name, values, declared.is_list, span=raw.span)

    # -- numbers ---------------------------------------------------------------------------------------

    def _numbers(self, operands: Iterable[Node]) -> bool:
        """Check calculations and functions; whether all of them are made of numbers."""
        pending: list[tuple[Node, bool]] = [(each, False) for each in operands]
        fits = True
        while pending:
            node, wants_list = pending.pop()
            if isinstance(node, Arithmetic):
                self._arithmetic(node)
                pending.extend((each, False) for each in node.operands)
            elif isinstance(node, Group):
                pending.append((node.inner, wants_list))
            elif isinstance(node, Call):
                self._call(node, wants_list)
                is_aggregate = node.name in LISTS or node.name not in FUNCTIONS
                pending.extend(
                    (each, is_aggregate or (node.name == "index" and at == 0)) for at, each in enumerate(node.arguments)
                )
            elif isinstance(node, Word):
                self._word(node)
                fits = False
            elif not (isinstance(node, Number) or _is_null(node)):
                written = self.findings.source.text[_span(node).start : _span(node).end]
                message, label = f"`{shortened(written)}` in a calculation", "only numbers can be calculated"
                self.findings.report("DQ107", _span(node), message, label, "write a number")
                fits = False
        return fits

    def _arithmetic(self, node: Arithmetic) -> None:
        if any(isinstance(each, Null) for each in node.operands):
            message, label = "NULL in a calculation", "the result is no number"
            self.findings.report("DQ117", node.span, message, label, "write a number")
        if _is_unquoted_date(node, self.findings.source.text):
            written = self.findings.source.text[node.span.start : node.span.end]
            first, *rest = (int(each.text) for each in node.operands if isinstance(each, Number))
            message, label = f"`{written}` is a calculation", f"this is the number {first - sum(rest)}"
            self.findings.report("DQ204", node.span, message, label, f'put the date in quotes: `"{written}"`')
            return
        weak = [sign in "+-" for sign in node.operators]
        if any(before and not after for before, after in pairwise(weak)):
            message, label = "calculation without precedence", "calculated from left to right: `2 + 3 * 4` is 20"
            self.findings.report("DQ203", node.span, message, label, "add parentheses")

    def _call(self, call: Call, wants_list: bool) -> None:
        if self.findings.is_glue:
            if call.name not in FUNCTIONS:
                message, label = f"unknown function `{shortened(call.name)}`", "Glue notices it when it evaluates"
                self.findings.reject_in_dq("DQ140", call.span, message, label, self._function_help(call.name))
            return
        known = FUNCTIONS.get(call.name)
        if known is None:
            message, label = f"unknown function `{shortened(call.name)}`", "no function has this name"
            self.findings.report("DQ140", call.span, message, label, self._function_help(call.name))
            return
        least, most = known
        given = len(call.arguments)
        if not least <= given <= most:
            wanted = f"{least} or {most}" if least != most else str(least)
            message = f"`{call.name}` takes {wanted} arguments, not {given}"
            help = f"write `{_SAMPLES.get(call.name, f'{call.name}(last(10))')}`"
            self.findings.report("DQ141", call.span, message, "wrong number of arguments", help)
            return
        self._arguments(call, wants_list)

    def _arguments(self, call: Call, wants_list: bool) -> None:
        if call.name == "last" and call.arguments:
            amount = call.arguments[0]
            if isinstance(amount, Number) and not (amount.text.isdigit() and amount.text.strip("0")):
                message, label = "`last` takes a whole number above 0", "this is none"
                self.findings.report("DQ141", amount.span, message, label, "write `last(10)`")
            elif isinstance(amount, Word | Quantity | Shifted | Now):
                pass  # what no calculation takes is told of each
            elif not wants_list and not (isinstance(amount, Number) and amount.text.lstrip("0") == "1"):
                message, label = f"`{shortened(str(call))}` is a list", "one number is needed here"
                self.findings.report("DQ141", call.span, message, label, f"write `avg({shortened(str(call))})`")
        elif call.name == "index" and isinstance(call.arguments[1], Number) and not call.arguments[1].text.isdigit():
            message, label = "the second argument of `index` is a whole number from 0", "this is none"
            self.findings.report("DQ141", call.arguments[1].span, message, label, "write `index(last(5),0)`")
        elif call.name in LISTS or call.name == "index":
            values = call.arguments[0]
            if not (isinstance(values, Call) and values.name == "last"):
                message, label = f"`{call.name}` takes a list", "this is one number"
                self.findings.report("DQ141", values.span, message, label, "write `last(10)`")

    def _function_help(self, name: str) -> str:
        meant = nearest(name, FUNCTIONS)
        if name.casefold() == "now":
            return "write `now()` in lower case and without blanks"
        if name.casefold() in ("today", "current_date", "current_timestamp", "getdate", "sysdate"):
            return "write `now()`"
        if name.casefold() in ("average", "mean"):
            meant = "avg"
        return f"did you mean `{meant}`?" if meant else f"the functions are {', '.join(FUNCTIONS)}"

    def _order(self, condition: Condition) -> None:
        """Check a condition that asks for an order."""
        for each in condition.operands:
            if _is_null(each):
                message, label = (
                    f"`{condition.operator.value}` with NULL",
                    "NULL is neither more nor less than anything",
                )
                help = "write `= NULL` or `!= NULL`, or a value"
                self.findings.report("DQ117", each.span, message, label, help)
                return
        if condition.operator in _RANGES:
            low, high = (_comparable(each) for each in condition.operands)
            if low is not None and high is not None and low[0] == high[0] and low[1] >= high[1]:
                holds = "never" if condition.operator is Operator.BETWEEN else "always"
                reversed_ = low[1] > high[1]
                message = f"`{condition.operator.value}` {'from high to low' if reversed_ else 'of equal ends'}"
                label = f"this {holds} holds"
                help = "exchange the ends" if reversed_ else "`between` leaves its ends out: write `=`"
                self.findings.report("DQ202", condition.span, message, label, help)

    # -- clauses ---------------------------------------------------------------------------------------

    def _clauses(self, raw: RawRule, signature: Signature | None) -> tuple[Where | None, tuple[Label, ...], list[Tag]]:
        """The where clause, the labels and the tags of a rule."""
        where: Where | None = None
        labels: tuple[Label, ...] = ()
        tags: dict[str, Tag] = {}
        rank = 0
        seen: set[int] = set()
        for clause in raw.clauses:
            mine = _RANKS[type(clause)]
            self._clause_order(clause, mine, rank, seen)
            rank = max(rank, mine)
            seen.add(mine)
            if isinstance(clause, RawWhere):
                where = self._where(clause, raw.name, signature)
            elif isinstance(clause, RawLabels):
                labels = self._labels(clause)
            else:
                tag = self._tag(clause, signature, tags)
                if tag:
                    tags[tag.name] = tag
        return where, labels, list(tags.values())

    def _clause_order(self, clause: RawWhere | RawLabels | RawTag, mine: int, rank: int, seen: set[int]) -> None:
        word = _CLAUSE_WORDS[mine]
        if mine in seen and mine != 2:
            message, label = f"a second `{word}`", f"a rule has one `{word}`"
            help = "join the conditions with SQL's `and`" if mine == 0 else "put all labels into one list"
            self.findings.report("DQ016", clause.span, message, label, help)
        elif mine < rank:
            message = f"`{word}` behind `{_CLAUSE_WORDS[rank]}`"
            if mine == 1:
                self.findings.not_in_glue("DQ306", clause.span, message, "write the labels in front of `with`")
                return
            label = "the order is: parameters, condition, where, labels, with"
            self.findings.report("DQ016", clause.span, message, label, f"move it in front of `{_CLAUSE_WORDS[rank]}`")

    def _where(self, raw: RawWhere, name: Token, signature: Signature | None) -> Where | None:
        text = self._string(raw.text)
        if signature and not signature.where:
            message, label = f"`{signature.name}` takes no `where`", "this rule has no rows to filter"
            help = "remove the filter"
            if signature.name == "CustomSql":
                label, help = "the statement has its own filter", "write the filter in the SQL"
            elif signature.name == "ColumnNamesMatchPattern":
                label = "a filter of rows has no meaning for the names of columns"
            self.findings.report("DQ108", raw.span, message, label, help)
        help = "write a condition in SQL, or remove `where`"
        if not text:
            self.findings.report("DQ109", raw.text.span, "empty `where`", "a condition is missing", help)
        elif not text.strip():
            self.findings.reject_in_dq("DQ109", raw.text.span, "blank `where`", "a condition is missing", help)
        return Where(text, decoded(text), span=raw.span)

    # -- tags ------------------------------------------------------------------------------------------

    def _tag(self, raw: RawTag, signature: Signature | None, earlier: dict[str, Tag]) -> Tag | None:
        name = raw.name.text
        if name.casefold() == "threshold":
            name = "threshold"
            if not _is_text_condition(raw.condition):
                return self._threshold(raw, signature, earlier)
            message, label = "threshold with a text", "a threshold is a number; in quotes it is ignored"
            self.findings.reject_in_dq("DQ111", raw.condition.span, message, label, "remove the quotes")
            if not self.findings.is_glue:
                return None
        if name in earlier:
            message, label = f"tag `{shortened(name)}` is given twice", "the last of equal tags wins"
            self.findings.reject_in_dq("DQ112", raw.span, message, label, "remove one of them")
        value = signature.tags.get(name) if signature else None
        if value is None and signature and name != "threshold":
            self._unknown_tag(raw, name, signature)
            if raw.condition.operator is not Operator.EQ:
                return None
        condition = self._tag_condition(raw, value)
        return Tag(name, condition, span=raw.span) if condition else None

    def _unknown_tag(self, raw: RawTag, name: str, signature: Signature) -> None:
        names = [*signature.tags, *(["threshold"] if signature.threshold else [])]
        meant = nearest(name, names)
        help = f"did you mean `{meant}`?" if meant else "remove the tag"
        if not meant and names:
            help = f"its tags are {', '.join(names)}"
        message = f"unknown tag `{shortened(name)}`"
        if raw.condition.operator is not Operator.EQ:  # not even ignored
            self.findings.report("DQ112", raw.span, message, "a tag takes one value behind `=`", help)
            return
        self.findings.report("DQ201", raw.name.span, message, f"`{signature.name}` ignores this tag", help)

    def _threshold(self, raw: RawTag, signature: Signature | None, earlier: dict[str, Tag]) -> Tag | None:
        condition = self._condition(raw.condition, frozenset({Kind.NUMBER}))
        if "threshold" in earlier:
            message, label = "a second threshold", "a rule has one threshold"
            self.findings.report("DQ111", raw.span, message, label, "use `between` for a range")
        if signature and not signature.threshold:
            message, label = f"`{signature.name}` takes no threshold", "its condition is the only one"
            self.findings.report("DQ110", raw.span, message, label, "remove the threshold")
        elif signature and not signature.portable_threshold:
            if self.findings.is_glue:
                message, label = f"`{signature.name}` takes no threshold", "Glue knows no threshold here"
                self.findings.report("DQ110", raw.span, message, label, "remove the threshold")
            else:
                message = f"threshold of `{signature.name}`"
                self.findings.not_in_glue("DQ308", raw.span, message, "remove it before you deploy to Glue")
        if condition is None:
            return None
        if condition.kind is not Kind.NUMBER:
            message, label = "threshold without a number", f"this is {_KIND_WORDS[condition.kind]}"
            self.findings.report("DQ111", condition.span, message, label, "write `with threshold > 0.9`")
            return None
        return Tag("threshold", condition, span=raw.span)

    def _tag_condition(self, raw: RawTag, value: TagValue | None) -> Condition | None:
        """The value of a tag; None, and a diagnostic, if it is none."""
        given = raw.condition
        name = shortened(raw.name.text)
        if value is TagValue.NAMES and not self.findings.is_glue:
            return self._tag_names(raw)
        if value is not None and not self.findings.is_glue and isinstance(given.operands[0], Word):
            word = given.operands[0]
            if value is TagValue.BOOLEAN and word.text in ("true", "false"):
                given = given._replace(operands=(Text(word.text, word.text, span=word.span),))
                self.findings.not_in_glue("DQ307", word.span, f"`{word.text}` without quotes", "put it in quotes")
        condition = self._condition(given, frozenset({Kind.TEXT, Kind.NUMBER}))
        if condition is None:
            return None
        if condition.kind is Kind.DATE and condition.operator is Operator.EQ:
            condition = self._condition(given, frozenset({Kind.TEXT})) or condition
        if condition.kind not in (Kind.TEXT, Kind.NUMBER):
            message, label = f"tag `{name}` with {_KIND_WORDS[condition.kind]}", "a tag takes a text or a number"
            self.findings.report("DQ112", condition.span, message, label, f'write `with {name} = "…"`')
            return None
        if condition.operator is not Operator.EQ:
            message, label = f"tag `{name}` with `{condition.operator.value}`", "a tag takes one value behind `=`"
            self.findings.report("DQ112", condition.span, message, label, f"write `with {name} = …`")
            return None
        problem = _tag_problem(condition, value)
        if problem:
            message = f"tag `{name}` with `{shortened(str(condition.operands[0]))}`"
            self.findings.reject_in_dq("DQ112", condition.span, message, "this value has no meaning here", problem)
        return condition

    def _tag_names(self, raw: RawTag) -> Condition | None:
        """The value of `filterOrder`: the names of the two filters, in order."""
        given = raw.condition
        known = ("recentFiles", "uriRegex")
        names = [each.value if isinstance(each, Text) else "" for each in given.operands]
        if (
            given.operator is not Operator.EQ
            or any(name not in known for name in names)
            or len(set(names)) < len(names)
        ):
            message, label = f"tag `{raw.name.text}` takes a list of tag names", "this is none"
            help = 'write `with filterOrder = ["uriRegex","recentFiles"]`'
            self.findings.report("DQ112", given.span, message, label, help)
            return None
        if given.bracketed:
            message = f"tag `{raw.name.text}` with a list"
            self.findings.not_in_glue("DQ307", given.span, message, "remove it before you deploy to Glue")
        return Condition(Kind.TEXT, Operator.EQ, given.operands, given.bracketed, span=given.span)

    def _zones(self, condition: Condition | None, tags: Sequence[Tag]) -> None:
        is_judged = condition is not None and condition.kind is Kind.DATE
        for tag in tags:
            value = tag.condition.operands[0]
            if tag.name != "timeZone" or not isinstance(value, Text) or _is_zone(value.value):
                continue
            if is_judged or not self.findings.is_glue:
                message, label = f"unknown time zone `{shortened(value.value)}`", "no time zone has this name"
                help = "write an IANA name such as `Europe/Berlin`"
                self.findings.report("DQ113", value.span, message, label, help)

    # -- labels ----------------------------------------------------------------------------------------

    def _labels(self, raw: RawLabels) -> tuple[Label, ...]:
        labels: list[Label] = []
        keys: set[str] = set()
        for each in raw.labels:
            key, value = self._string(each.key), self._string(each.value)
            span = Span(each.key.start, each.value.end)
            self._label(each.key, key, each.value, value)
            if key in keys:
                self._label_problem(each.key.span, f"label key `{shortened(key)}` is given twice", "this key is taken")
            keys.add(key)
            labels.append(Label(key, value, span=span))
        if not labels:
            self._label_problem(raw.span, "empty list of labels", "a label is missing")
        total = len(labels) + len(self.defaults)
        if total > MOST_LABELS and labels:
            self._too_many_labels(raw, total)
        return tuple(labels)

    def _label(self, key_token: Token, key: str, value_token: Token, value: str) -> None:
        if not key:
            self._label_problem(key_token.span, "label without a key", "this key is empty")
        if not value:
            message = "label without a value"
            self.findings.not_in_glue("DQ309", value_token.span, message, "write a value of 1 to 256 characters")
        for token, text, most, what in (
            (key_token, key, LONGEST_KEY, "key"),
            (value_token, value, LONGEST_VALUE, "value"),
        ):
            if len(text) > most:
                message, label = f"label {what} of {len(text)} characters", f"at most {most} characters are possible"
                self.findings.report("DQ115", token.span, message, label, "shorten it")

    def _too_many_labels(self, raw: RawLabels, total: int) -> None:
        own = "" if total == len(raw.labels) else ", those of `DefaultLabels` counted"
        self._label_problem(raw.span, f"{total} labels{own}", f"a rule has at most {MOST_LABELS}")

    def _label_problem(self, span: Span, message: str, label: str) -> None:
        self.findings.report("DQ115", span, message, label, _LABEL_HELP)

    # -- regular expressions ---------------------------------------------------------------------------

    def _regex(self, pattern: str, span: Span) -> None:
        problem = None if self.findings.is_glue else regex_problem(pattern)
        if problem:
            message = f"malformed regular expression `{shortened(pattern)}`"
            self.findings.report(
                "DQ119", span, message, problem, "correct it, or escape the character with a backslash"
            )


# -- tables --------------------------------------------------------------------------------------------

_OPERANDS: dict[type[Any], Callable[[Checker, Any, Kind, RawCondition], Any]] = {
    Call: Checker._same,
    Arithmetic: Checker._same,
    Group: Checker._same,
    Null: Checker._same,
    Text: Checker._text,
    Now: Checker._same,
    Date: Checker._date,
    Time: Checker._date,
    Shifted: Checker._shifted,
    Quantity: Checker._quantity,
    Variable: Checker._operand_variable,
}
_RANKS: dict[type[Any], int] = {RawWhere: 0, RawLabels: 1, RawTag: 2}
_CLAUSE_WORDS = ("where", "labels", "with")
_SAMPLES = {"last": "last(10)", "index": "index(last(10),0)", "abs": "abs(last())"}
_EXAMPLES = {
    Kind.NUMBER: "> 0.9",
    Kind.TEXT: 'in ["a", "b"]',
    Kind.DATE: '> "2024-01-31"',
    Kind.DURATION: "<= 24 hours",
    Kind.SIZE: "< 10 MB",
}


# -- small questions -----------------------------------------------------------------------------------


def _closed(raw: str) -> str:
    r"""A text between quotes that ends nowhere else: `C:\` at the end of a document is `C:\\` anywhere."""
    backslashes = len(raw) - len(raw.rstrip("\\"))
    return raw + "\\" if backslashes % 2 else raw


def _without_labels(raw: RawLabelled) -> RawRule:
    """The rule inside of parentheses with labels."""
    inner: RawRule | RawLabelled = raw
    while isinstance(inner, RawLabelled):
        inner = inner.inner
    return inner


def _is_null(node: object) -> bool:
    return isinstance(node, Null) and node.keyword is Keyword.NULL


def _is_number(node: object) -> bool:
    """Whether an operand is a number; what a calculation is made of is asked later."""
    return (isinstance(node, _NUMERIC) and not _is_misshapen(node)) or _is_null(node)


def _is_misshapen(node: object) -> bool:
    """Whether parentheses or signs are around something that is no number, such as `("a")`."""
    while isinstance(node, Group):
        node = node.inner
        if not isinstance(node, (*_NUMERIC, Null, Word)):
            return True
    return isinstance(node, Arithmetic) and any(
        isinstance(each, (Text, Date, Time, Now, Shifted, Quantity, Variable)) for each in node.operands
    )


def _is_text_condition(raw: RawCondition) -> bool:
    """Whether the published grammar takes the condition of a tag for one of texts."""
    first = raw.operands[0]
    is_text = isinstance(first, (Text, Variable)) or (isinstance(first, Null) and not _is_null(first))
    return is_text and raw.operator in _TEXT_OPERATORS


def _family(node: object) -> str:
    """The kind of an operand, in words."""
    if isinstance(node, (Text, Variable)):
        return "a text"
    if isinstance(node, (Date, Time, Now, Shifted)):
        return "a date"
    if isinstance(node, Quantity):
        return "a size" if node.unit.endswith("B") else "a duration"
    if isinstance(node, Null):
        return f"`{node.keyword.value}`"
    return "a number"


def _span(node: Any) -> Span:
    return node.span if isinstance(node.span, Span) else Span(0, 0)


def _meaning(value: Text | Null) -> Text:
    """What a value of a variable says where it is used: a keyword is a text there, as in Glue (A.6)."""
    return value if isinstance(value, Text) else Text(value.keyword.value, value.keyword.value, span=value.span)


def _glue_values(values: Sequence[str], is_list: bool, wants_list: bool) -> tuple[tuple[str, ...], bool]:
    """What the published parser makes of a value of a dictionary: it works on the text of the whole value."""
    written = ",".join(values).replace('"', "")
    if wants_list:
        names = re.sub(r"[\[\] ]", "", written).split(",")
        while len(names) > 1 and not names[-1]:
            names.pop()
        return tuple(names), True
    return (f"[{written}]" if is_list else written,), False


def _is_unquoted_date(node: Arithmetic, text: str) -> bool:
    written = text[node.span.start : node.span.end]
    return bool(re.fullmatch(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", written))


def _comparable(node: Any) -> tuple[str, Any] | None:
    """A literal as a value with an order among its kind; None for what is known later only."""
    if isinstance(node, Number):
        return "number", float(node.text)
    if isinstance(node, Date):
        return "date", node.text
    if isinstance(node, Duration):
        return "duration", node.amount * {"days": 1440, "hours": 60, "minutes": 1}[node.unit]
    if isinstance(node, Size):
        return "size", node.amount * 1024 ** ("B", "KB", "MB", "GB", "TB").index(node.unit)
    return None


def _date_problem(text: str) -> str | None:
    """Why a date of the right form is none."""
    from datetime import date

    try:
        date.fromisoformat(text)
    except ValueError:
        return "the calendar has no such day"
    return None


def _time_problem(text: str) -> str | None:
    """Why a time of the right form is none."""
    clock, _, half = text.partition(" ")
    hour, minute = (int(part) for part in clock.split(":"))
    first, last = (1, 12) if half else (0, 23)
    if not first <= hour <= last:
        return f"the hour is between {first} and {last}" + (f" with {half}" if half else "")
    return None if minute < 60 else "an hour has 60 minutes"


def _tag_problem(condition: Condition, value: TagValue | None) -> str | None:
    """What a tag of this kind takes instead; None if the value will do."""
    operand = condition.operands[0]
    text = operand.value if isinstance(operand, Text) else None
    if value is TagValue.NUMBER and not (isinstance(operand, Number) and operand.text.isdigit()):
        return None if text is not None and text.isdigit() else "write a whole number"
    if value is TagValue.BOOLEAN and (text is None or text.casefold() not in ("true", "false")):
        return 'write `"true"` or `"false"`'
    if value is TagValue.ALGORITHM and (text is None or text.upper() not in ("MD5", "SHA-1", "SHA-256")):
        return 'write `"MD5"`, `"SHA-1"` or `"SHA-256"`'
    if value in (TagValue.TEXT, TagValue.ZONE) and text is None:
        return "write a text in quotes"
    return None


@lru_cache(maxsize=256)
def _is_zone(name: str) -> bool:
    """Whether a time zone is known: an IANA name, or an offset from UTC."""
    if re.fullmatch(r"Z|(?:UTC|GMT|UT)?[+-][0-9]{1,2}(?::?[0-9]{2})?", name):
        return True
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        # A machine without time zone data cannot refuse anything.
        return not available_timezones()
    return True


_CERTAIN = ("missing )", "unbalanced parenthesis", "unterminated character set", "nothing to repeat", "min repeat")


@lru_cache(maxsize=1024)
def regex_problem(pattern: str) -> str | None:
    """Why a regular expression is none; None if it may be one to some engine.

    Engines differ in what they add, so only mistakes that none of them takes are told.
    """
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except re.error as error:
        return str(error) if str(error).startswith(_CERTAIN) else None
    except (RecursionError, OverflowError):
        return None
    return None
