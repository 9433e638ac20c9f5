"""The rule types, one module per family. Importing this package registers them all."""

from dq.rules import (
    completeness,
    files,
    history,
    references,
    shape,
    sql,
    statistics,
    uniqueness,
    unjudged,
    values,
)
from dq.rules.base import RULE_TYPES, SIGNATURES, Signature

__all__ = [
    "RULE_TYPES",
    "SIGNATURES",
    "Signature",
    "completeness",
    "files",
    "history",
    "references",
    "shape",
    "sql",
    "statistics",
    "uniqueness",
    "unjudged",
    "values",
]
