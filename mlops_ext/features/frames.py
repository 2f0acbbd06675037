"""The frames of a join: the columns it needs as Arrow, and the features added to the frame's own kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mlops_ext.datasets.edge import load
from mlops_ext.errors import InvalidValue
from mlops_ext.features.asof import View, join_as_of

if TYPE_CHECKING:
    from mlops_ext.features.types import FeatureView
    from mlops_ext.workspace import Workspace

__all__ = ["column_names", "read", "to_arrow", "with_columns"]

_NANOSECONDS = 10**9


def column_names(frame: Any) -> list[str]:
    """Give the names of a frame's columns."""
    if isinstance(frame, pa.Table):
        return list(frame.column_names)
    if not hasattr(frame, "columns"):
        raise InvalidValue(
            f"a {type(frame).__name__} is no frame", hint="Give a pandas or Polars DataFrame, or an Arrow table"
        )
    return list(frame.columns)


def to_arrow(frame: Any, names: list[str]) -> pa.Table:
    """Take some columns of a frame as Arrow."""
    if isinstance(frame, pa.Table):
        return frame.select(names)
    if _is_pandas(frame):
        from mlops_ext.datasets.frames.pandas_arrays import encode

        return pa.table({name: encode(frame[name], f"column {name!r}")[0] for name in names})
    return frame.select(names).to_arrow()


def read(ws: Workspace, view: FeatureView, entities: pa.Table, *, at: str, offset: int) -> pa.Table:
    """Load what a view needs and join it."""
    roles = [*view.entity, view.time, *([view.created] if view.created else []), *view.features]
    rows = load(view.dataset, as_="arrow", columns=list(dict.fromkeys(roles)), workspace=ws)
    ttl = None if view.ttl_seconds is None else round(view.ttl_seconds * _NANOSECONDS)
    meaning = View(rows, view.entity, view.time, view.features, view.created, ttl)
    return join_as_of(entities, meaning, at=at, offset=offset)


def with_columns(frame: Any, added: dict[str, pa.ChunkedArray]) -> Any:
    """Add columns to a frame of its own kind; the given frame is left as it is."""
    if isinstance(frame, pa.Table):
        for name, values in added.items():
            frame = frame.append_column(name, values)
        return frame
    if _is_pandas(frame):
        import pandas as pd

        from mlops_ext.datasets.frames.convert import plain_view

        features = plain_view(pa.table(added))
        features.index = frame.index
        made = pd.concat([frame, features], axis=1)
        made.attrs = dict(frame.attrs)
        return made
    import polars as pl

    columns: Any = pl.from_arrow(pa.table(added))
    return frame.with_columns(columns.get_columns())


def _is_pandas(frame: Any) -> bool:
    return any(base.__module__.startswith("pandas.") for base in type(frame).__mro__)
