"""The transforms that jobs around `EvaluateDataQuality` use most; of the others, an error that says so."""

from __future__ import annotations

from typing import Any

from dq.diagnostics import DqError

__all__ = ["ApplyMapping", "DropFields", "RenameField", "SelectFields", "SelectFromCollection"]


class SelectFromCollection:
    """One frame of a collection."""

    @staticmethod
    def apply(dfc: Any, key: str, transformation_ctx: str = "") -> Any:
        """The frame of a key.

        Raises:
            DqError: there is none.
        """
        if key not in dfc:
            raise DqError(f"the collection has no `{key}`", help=f"it has {', '.join(dfc)}")
        return dfc[key]


class SelectFields:
    """Some columns of a frame."""

    @staticmethod
    def apply(frame: Any, paths: list[str], *arguments: Any, **more: Any) -> Any:
        """The frame with these columns."""
        return frame.select_fields(paths)


class DropFields:
    """A frame without some columns."""

    @staticmethod
    def apply(frame: Any, paths: list[str], *arguments: Any, **more: Any) -> Any:
        """The frame without these columns."""
        return frame.drop_fields(paths)


class RenameField:
    """A frame with a column of another name."""

    @staticmethod
    def apply(frame: Any, old_name: str, new_name: str, *arguments: Any, **more: Any) -> Any:
        """The frame with the new name."""
        return frame.rename_field(old_name, new_name)


class ApplyMapping:
    """A frame with columns renamed and cast."""

    @staticmethod
    def apply(frame: Any, mappings: list[tuple[str, ...]], *arguments: Any, **more: Any) -> Any:
        """The frame with the mapped columns alone."""
        return frame.apply_mapping(mappings)


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    raise DqError(
        f"`awsglue.transforms.{name}` is not part of dq: it has {', '.join(__all__)}",
        help="use Spark's own functions on frame.toDF(), or install Glue's library, which dq stands aside for",
    )
