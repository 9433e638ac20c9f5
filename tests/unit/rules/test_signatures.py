"""How every rule type may be written, as its declaration tells it: `golden/signatures.txt`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from dq.rules import SIGNATURES, Signature


def test_signatures(golden: Callable[[str, str], None]) -> None:
    golden("signatures.txt", "".join(f"{line}\n" for each in SIGNATURES.values() for line in told(each)))


def told(signature: Signature) -> Iterator[str]:
    words = "any number" if signature.most is None else signature.most
    yield f"{signature.name}: {signature.summary}"
    yield f"    parameters: {signature.least} to {words}"
    for slot in signature.slots:
        yield f"        {slot.name}: {slot.kind.value}, {slot.least} to {'any number' if slot.most is None else slot.most}"
    if signature.kinds:
        required = "required" if signature.condition_required else "optional"
        but = "" if signature.unconditional_with is None else f", none with {signature.unconditional_with} parameters"
        yield f"    condition: {', '.join(sorted(kind.value for kind in signature.kinds))}; {required}{but}"
    flags = {
        "where": signature.where,
        "threshold": signature.threshold,
        "a threshold that Glue refuses": not signature.portable_threshold,
        "no rule": not signature.rule,
        "analyzer": signature.analyzer,
        "no part of Glue": not signature.published,
        "no part in composites by row": signature.row_excluded,
        "reads files": signature.reads_files,
    }
    yield f"    takes: {', '.join(name for name, there in flags.items() if there) or 'nothing else'}"
    yield from (f"    tag {name}: {value.value}" for name, value in signature.tags.items())


@pytest.mark.parametrize(
    ("name", "taken", "refused"),
    [
        ("RowCount", (0,), (1,)),
        ("Completeness", (1,), (0, 2)),
        ("Uniqueness", (1, 2, 9), (0,)),
        ("DuplicateRowCount", (0, 1, 9), ()),
        ("DatasetMatch", (2, 3), (1, 4)),
        ("ColumnCorrelation", (2,), (1, 3)),
        ("FileMatch", (0, 1, 2), (3,)),
    ],
)
def test_how_many_parameters_fit(name: str, taken: tuple[int, ...], refused: tuple[int, ...]) -> None:
    signature = SIGNATURES[name]
    assert [count for count in (*taken, *refused) if signature.takes(count)] == list(taken)


def test_what_takes_no_condition_requires_none() -> None:
    assert not [each.name for each in SIGNATURES.values() if each.condition_required and not each.kinds]


def test_two_paths_are_compared_without_a_condition() -> None:
    signature = SIGNATURES["FileMatch"]
    assert signature.kinds_for(0) == signature.kinds_for(1) == signature.kinds
    assert signature.kinds
    assert not signature.kinds_for(2)
