"""Every setting of dq.toml: one table, from which reading, the JSON Schema and docs/project.md follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from dq.catalog.kinds import KINDS, Kind
from dq.engines.opening import DEFAULT, ENGINES

Type: TypeAlias = Literal["text", "path", "paths", "number", "whole", "flag", "texts", "instant", "table"]
"""`texts` and `paths` are a list or a single text, `table` has texts by name, `instant` is a TOML time or a text."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a section.

    A `path` is meant from the folder of dq.toml. A `secret` is never shown, and should come from the environment.
    `default` is what happens without it, in words.
    """

    name: str
    about: str
    type: Type = "text"
    required: bool = False
    secret: bool = False
    choices: tuple[str, ...] = ()
    default: str = ""


SELECTION = (
    Setting("partition", "Which partitions, such as `dt=2026-11-01`, `dt=latest`; all filters must hold.", "texts"),
    Setting("snapshot", "The snapshot, version, tag or branch that is meant."),
    Setting("as_of", "The instant whose version is meant.", "instant"),
)

READING = (
    Setting("format", "The format of the files.", choices=("parquet", "csv", "json", "arrow"), default="found"),
    Setting("types", "The SQL types of columns of CSV and JSON files, by column.", "table"),
    Setting("hive", "Whether folders named `key=value` are columns.", "flag", default="those below a folder or glob"),
    Setting("delimiter", "CSV: what separates the fields.", default="found"),
    Setting("quote", "CSV: what quotes a field; empty for nothing.", default="found"),
    Setting("escape", "CSV: what stands before a quote inside of a quoted field.", default="found"),
    Setting("header", "CSV: whether the first line names the columns.", "flag", default="found"),
    Setting("skip", "CSV: how many lines stand before the table.", "whole", default="found"),
    Setting("null", "CSV: the unquoted texts that mean NULL, besides nothing at all.", "texts"),
    Setting("encoding", "CSV: utf-8, utf-16 or latin-1.", default="found"),
    Setting("date_format", "CSV: how dates are written, such as `%d/%m/%Y`.", default="found"),
    Setting("timestamp_format", "CSV: how timestamps are written.", default="found"),
    Setting("all_text", "CSV: read every column as text.", "flag", default="false"),
)
"""How files are read."""

TABLE = (
    Setting("path", "Where its files are: a file, folder, glob or URL, or several.", "paths"),
    Setting("from", "The table of a catalog that it is, instead of a path."),
    *SELECTION,
    *READING,
)

JUDGING = (
    Setting("engine", "What measures.", choices=tuple(ENGINES), default=DEFAULT),
    Setting(
        "fail_on",
        "Which outcomes make the exit code differ from 0: `failed` rules and errors, an `error` alone, or `never` any;"
        " a table that cannot be opened, or a mistake in the ruleset or in dq.toml, always does.",
        choices=("failed", "error", "never"),
        default="failed",
    ),
    Setting("samples", "How many failing rows of each rule the reports hold.", "whole", default="5"),
    Setting("redact", "Show the shape of values, not the values.", "flag", default="false"),
    Setting("composites", "How composite rules are judged.", choices=("column", "row"), default="column"),
    Setting("filtered_rows", "What rows outside of a where are.", choices=("passed", "skipped"), default="passed"),
    Setting("fail_empty_scope", "Fail rules whose where clause keeps no row.", "flag", default="false"),
    Setting("fail_cold_start", "Fail rules that find too little history.", "flag", default="false"),
    Setting("history", "The file that keeps what earlier runs measured.", "path", default="no history"),
    Setting("context", "The name of the evaluation, which keeps its history apart.", default="default_context"),
    Setting("allow_paths", "Folders and URL prefixes below which a ruleset may name files.", "paths"),
    Setting("memory_limit", "How much memory the engine may use, such as `2GB`."),
    Setting("threads", "How many threads it may use.", "whole"),
    Setting("time_limit", "How many seconds one scan may take.", "number"),
)

CHECK = (
    Setting(
        "ruleset",
        "The ruleset, or a suite of Great Expectations (`.json`): a file, or a glob for several.",
        "path",
        required=True,
    ),
    Setting("table", "The table under test, by name.", default="what the ruleset says"),
    Setting("references", "The tables that rules refer to: alias and name.", "table"),
    *SELECTION,
    Setting("tags", "Words by which `dq evaluate --tag` chooses checks.", "texts"),
    Setting("key", "The columns that tell rows apart; samples show them first.", "texts"),
    Setting("dataset", "What the history calls the table.", default="its name"),
    Setting("output", "Reports that are written too: .txt, .json or .html.", "paths"),
    Setting("rows", "A .parquet or .csv file of every row with the rules that it passes and fails.", "path"),
    Setting("passed", "A file of the rows that fail no rule.", "path"),
    Setting("failed", "A file of the rows that fail a rule.", "path"),
    *JUDGING,
)

KIND = Setting("kind", "What kind of catalog it is.", required=True, choices=tuple(KINDS))

SECTIONS: dict[str, tuple[Setting, ...]] = {"catalog": (KIND,), "table": TABLE, "check": CHECK, "defaults": JUDGING}
"""The sections of dq.toml. A catalog has the settings of its kind beside `kind`."""

ABOUT = {
    "catalog": "A place that holds tables by name.",
    "table": "A table under a name of its own: files, or a part of a table of a catalog.",
    "check": "A ruleset and the table that it judges: what `dq evaluate` runs.",
    "defaults": "What holds for every check that does not say otherwise.",
}


def of_kind(kind: Kind) -> tuple[Setting, ...]:
    """The settings of a catalog of a kind, `kind` first."""
    return (KIND, *(Setting(each.name, each.about, each.type, each.required, each.secret) for each in kind.settings))
