"""DynamicFrames as Spark DataFrames with a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class DynamicFrame:
    """A Spark DataFrame that goes by a name; it has one schema, without choices."""

    def __init__(self, data: Any, glue_ctx: Any = None, name: str = "") -> None:
        self._data = data
        self.glue_ctx = glue_ctx
        self.name = name

    @classmethod
    def fromDF(cls, dataframe: Any, glue_ctx: Any, name: str) -> DynamicFrame:  # noqa: N802 - as it is called
        """A DataFrame as a DynamicFrame."""
        return cls(dataframe, glue_ctx, name)

    def toDF(self, options: Any = None) -> Any:  # noqa: N802
        """The DataFrame."""
        return self._data

    def count(self) -> int:
        """How many rows there are."""
        found: int = self._data.count()
        return found

    def schema(self) -> Any:
        """Spark's schema."""
        return self._data.schema

    def printSchema(self) -> None:  # noqa: N802
        """Print Spark's schema."""
        self._data.printSchema()

    def show(self, num_rows: int = 20) -> None:
        """Print some rows."""
        self._data.show(num_rows)

    def repartition(self, num_partitions: int, *arguments: Any) -> DynamicFrame:
        """The rows in so many parts."""
        return self._like(self._data.repartition(num_partitions))

    def select_fields(self, paths: list[str], *arguments: Any) -> DynamicFrame:
        """The rows with these columns."""
        return self._like(self._data.select(*paths))

    def drop_fields(self, paths: list[str], *arguments: Any) -> DynamicFrame:
        """The rows without these columns."""
        return self._like(self._data.drop(*paths))

    def rename_field(self, oldName: str, newName: str, *arguments: Any) -> DynamicFrame:  # noqa: N803
        """The rows with a column of another name."""
        return self._like(self._data.withColumnRenamed(oldName, newName))

    def apply_mapping(self, mappings: list[tuple[str, ...]], *arguments: Any) -> DynamicFrame:
        """The rows with columns renamed and cast: (source, target), or (source, its type, target, its type)."""
        from pyspark.sql import functions

        columns = []
        for each in mappings:
            source, target, kind = (each[0], each[2], each[3]) if len(each) == 4 else (each[0], each[1], None)
            held = functions.col(source)
            columns.append((held.cast(_TYPES.get(kind, kind)) if kind else held).alias(target))
        return self._like(self._data.select(*columns))

    def _like(self, data: Any) -> DynamicFrame:
        return type(self)(data, self.glue_ctx, self.name)


_TYPES = {"long": "bigint", "short": "smallint", "byte": "tinyint"}


class DynamicFrameCollection(Mapping[str, Any]):
    """Frames by their keys."""

    def __init__(self, dynamic_frames: Mapping[str, Any], glue_ctx: Any = None) -> None:
        self._frames = dict(dynamic_frames)
        self.glue_ctx = glue_ctx

    def __getitem__(self, key: str) -> Any:
        return self._frames[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)

    def select(self, key: str, *arguments: Any) -> Any:
        """The frame of a key."""
        return self._frames[key]
