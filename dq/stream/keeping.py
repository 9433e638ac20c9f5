"""The states of a stream as bytes, so that it goes on after a restart where it stood.

An archive (ZIP) of `stream.json` and an Arrow file for each frequency table. States are written by the names of their
fields in `dq.metrics`; an archive of another version of this format is refused.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from dq import leftovers
from dq.diagnostics import DataError
from dq.files.places import FilesError
from dq.files.stores import put, system, told
from dq.metrics import CoMoments, Count, Deviations, Extremes, Frequencies, Moments, Ratio, Total
from dq.powers import Powers
from dq.sources.files import is_remote
from dq.stream.cumulative import Cumulative, Kept, Lost, Stateless, Verdicts

VERSION = 1

KINDS: Mapping[str, Any] = {
    kind.__name__: kind
    for kind in (CoMoments, Count, Deviations, Extremes, Lost, Moments, Powers, Ratio, Stateless, Total)
}
"""The states of constant size by their names."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a stream must remember.

    Attributes:
        ruleset: the canonical text of the rules; others cannot go on with these states.
        totals: what has come, by window; a stream without windows has the one called ``.
        seen: what the source of the stream must remember of it, ready for JSON.
    """

    ruleset: str
    totals: Mapping[str, Cumulative] = field(default_factory=dict)
    seen: Mapping[str, Any] = field(default_factory=dict)


def to_bytes(snapshot: Snapshot) -> bytes:
    """A snapshot as an archive."""
    tables: dict[int, tuple[str, Frequencies]] = {}

    def written(kept: Kept) -> list[Any]:
        state = kept.state
        if isinstance(state, Frequencies):
            name, _ = tables.setdefault(id(state), (f"{len(tables)}.arrow", state))
            return ["Frequencies", [name], dict(kept.types)]
        values = [_written(getattr(state, each.name)) for each in fields(state)]
        return [type(state).__name__, values, dict(kept.types)]

    totals = {
        window: {
            "batches": total.batches,
            "rows": total.rows,
            "verdicts": [[each.failed, each.errors, each.first] for each in total.verdicts],
            "kept": {place: written(each) for place, each in total.kept.items()},
        }
        for window, total in snapshot.totals.items()
    }
    document = {"version": VERSION, "ruleset": snapshot.ruleset, "totals": totals, "seen": dict(snapshot.seen)}
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("stream.json", json.dumps(document))
        for name, table in tables.values():
            archive.writestr(name, _arrow(table))
    return held.getvalue()


def from_bytes(data: bytes, name: str) -> Snapshot:
    """The snapshot that an archive holds; `name` is what messages call it.

    Raises:
        DataError: it is none, or one of another version.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            document = json.loads(archive.read("stream.json"))
            if document["version"] != VERSION:
                raise DataError(
                    f"`{name}` is of version {document['version']}, and this is {VERSION}", help="begin a new one"
                )
            tables = {each: _table(archive.read(each)) for each in archive.namelist() if each.endswith(".arrow")}
            totals = {
                window: Cumulative(
                    each["batches"],
                    each["rows"],
                    {place: _read(written, tables) for place, written in each["kept"].items()},
                    tuple(Verdicts(*written) for written in each["verdicts"]),
                )
                for window, each in document["totals"].items()
            }
            return Snapshot(document["ruleset"], totals, document["seen"])
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError) as error:
        raise DataError(f"`{name}` does not hold the state of a stream: {error}", help="begin a new one") from error


def load(place: str | Path) -> Snapshot | None:
    """The snapshot that a file of this machine or of a store holds; None if there is none.

    Raises:
        DataError: it cannot be read.
    """
    if is_remote(place):
        data = _fetched(str(place))
        return None if data is None else from_bytes(data, str(place))
    try:
        return from_bytes(Path(place).read_bytes(), str(place))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"`{place}` cannot be read: {error.strerror}") from error


def _fetched(url: str) -> bytes | None:
    where = system(url.partition("://")[0])
    try:
        with told(url):
            found = where.look(url)
            if found is None or found.is_folder:
                return None
            with where.stream(found) as file:
                return file.read()
    except FilesError as error:
        raise DataError(error.message, help=error.help) from None


def save(place: str | Path, snapshot: Snapshot) -> None:
    """Write a snapshot whole or not at all: after a crash the file is the old one or the new one.

    Raises:
        DataError: it cannot be written.
    """
    if is_remote(place):
        try:
            put(str(place), to_bytes(snapshot))
        except FilesError as error:
            raise DataError(error.message, help=error.help) from None
        return
    path = Path(place)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        leftovers.watch(draft)
        with draft.open("wb") as file:
            file.write(to_bytes(snapshot))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise DataError(f"`{path}` cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        leftovers.settle(draft)


def _read(written: list[Any], tables: Mapping[str, Frequencies]) -> Kept:
    kind, values, types = written
    return Kept(tables[values[0]] if kind == "Frequencies" else KINDS[kind](*map(_value, values)), types)


def _written(value: Any) -> Any:
    """A value as JSON has it; those that it has no form of stand in an object with the name of their type."""
    if isinstance(value, tuple):
        return {"tuple": [_written(each) for each in value]}
    if isinstance(value, Fraction | Decimal):
        return {type(value).__name__.lower(): str(value)}
    return value


def _value(written: Any) -> Any:
    if not isinstance(written, dict):
        return written
    ((kind, held),) = written.items()
    return tuple(map(_value, held)) if kind == "tuple" else {"fraction": Fraction, "decimal": Decimal}[kind](held)


def _arrow(frequencies: Frequencies) -> bytes:
    import pyarrow as pa

    held = io.BytesIO()
    with pa.ipc.new_file(held, frequencies.table.schema) as writer:
        writer.write_table(frequencies.table)
    return held.getvalue()


def _table(data: bytes) -> Frequencies:
    import pyarrow as pa

    return Frequencies(pa.ipc.open_file(data).read_all())
