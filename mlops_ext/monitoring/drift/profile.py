"""A reference kept ready: its columns sorted, cut and counted once, with their types fixed.

The file is Arrow's IPC format, one row of lists, so that opening it maps the values into memory and copies nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.drift.columns import Categories, Kind, Numbers, categories_of, kind_of, numbers_of
from mlops_ext.monitoring.drift.merge import Cuts
from mlops_ext.monitoring.drift.sketched import Sketched
from mlops_ext.monitoring.sources import LONG, Columns, columns_of
from mlops_ext.monitoring.types import REFERENCE_SUFFIX

__all__ = ["Stored", "missing_only", "read_profile", "sources_of", "write_profile"]

_FORMAT = 1
_KEY = b"mlops_ext.profile"
_CUTS = ("points", "upto", "below", "sums")


@dataclass(frozen=True)
class Stored:
    """A column of a profile.

    Attributes
    ----------
    kind, source : str
        How it is treated, and what it was by its type.
    type : str
        The type that it had.
    column : Numbers, Categories or Sketched
        Its values; of times and nested values only how many are missing. A sketch can only be the current side.
    """

    kind: Kind
    source: Kind
    type: str
    column: Numbers | Categories | Sketched

    def __len__(self) -> int:
        return self.column.rows


def write_profile(
    frame: Any,
    path: str | Path,
    *,
    categorical: Iterable[str] = (),
    numeric: Iterable[str] = (),
    sources: Sequence[str] = (),
) -> Path:
    """Sort, cut and count every column of a reference, and keep that as a file ending in `.reference`.

    Parameters
    ----------
    frame : frame or path
        The reference.
    path : str or Path
        Where to; the file is whole or not there.
    categorical, numeric : iterable of str
        Columns to treat so whatever their type, from now on.
    sources : sequence of str
        Full references of what it was made of.
    """
    target = Path(path)
    if target.suffix != REFERENCE_SUFFIX:
        raise InvalidValue(f"a profile's name is {target.name!r}", hint=f"End it in {REFERENCE_SUFFIX}")
    treated: dict[str, Kind] = {**dict.fromkeys(categorical, "categorical"), **dict.fromkeys(numeric, "numeric")}
    columns = columns_of(frame, "reference")
    arrays: dict[str, pa.Array] = {}
    about = []
    for place, name in enumerate(columns):
        stored = _prepared(columns, name, treated.get(name))
        arrays |= {f"{place}.{part}": _list(values) for part, values in _parts(stored.column).items()}
        about.append(
            {"name": name, "kind": stored.kind, "source": stored.source, "type": stored.type, **_facts(stored)}
        )
    table = pa.table(arrays)
    meta = json.dumps({"format": _FORMAT, "rows": columns.rows, "columns": about, "sources": list(sources)})
    draft = target.with_name(f".{target.name}.part")
    try:
        with (
            pa.OSFile(str(draft), "wb") as sink,
            pa.ipc.new_file(sink, table.schema.with_metadata({_KEY: meta})) as out,
        ):
            out.write_table(table)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def read_profile(path: Path) -> Columns:
    """Open a profile; its values stay in the file until they are touched.

    Raises
    ------
    InvalidValue
        It is no profile, or of a later format.
    """
    batch, about = _opened(path)
    readers: dict[str, Callable[[], Any]] = {
        facts["name"]: partial(_read, batch, at, facts) for at, facts in enumerate(about["columns"])
    }
    return Columns(readers, about["rows"])


def sources_of(path: Path) -> tuple[str, ...]:
    """Give the full references of what a profile was made of."""
    return tuple(_opened(path)[1].get("sources", ()))


def _opened(path: Path) -> tuple[pa.RecordBatch, dict[str, Any]]:
    try:
        batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
    except pa.ArrowException as error:
        raise InvalidValue(f"{str(path)!r} is no stored reference: {error}", hint="Write it anew") from error
    about = json.loads((batch.schema.metadata or {}).get(_KEY, b"{}"))
    if about.get("format") != _FORMAT:
        raise InvalidValue(f"{str(path)!r} has format {about.get('format')}, not {_FORMAT}", hint="Write it anew")
    return batch, about


def _prepared(columns: Columns, name: str, treated: Kind | None) -> Stored:
    """Take a column as it is stored; what is too long for memory, or too much together with the others, as a file."""
    from mlops_ext.monitoring.drift import external

    batches = columns.long(name)
    if batches is not None:
        return external.stored_of(batches, name, treated)
    stored = _stored(columns[name], name, treated)
    if isinstance(stored.column, Numbers) and columns.rows * len(columns) > LONG:
        filed = replace(stored.column, values=external.filed(stored.column.values))
        return replace(stored, column=filed)
    return stored


def _stored(column: Any, name: str, treated: Kind | None) -> Stored:
    source = kind_of(column)
    kind = treated or ("numeric" if source == "empty" else source)
    shown = str(column.dtype if isinstance(column, np.ndarray) else column.type)
    if kind == "numeric":
        empty = not isinstance(column, np.ndarray) and source == "empty"
        return Stored(kind, source, shown, numbers_of(np.full(len(column), np.nan) if empty else column, name))
    if kind == "categorical":
        return Stored(kind, source, shown, categories_of(column))
    return Stored(kind, source, shown, missing_only(len(column), column.null_count))


def missing_only(rows: int, missing: int) -> Categories:
    """Tell of a column only how many rows it has and how many are missing."""
    return Categories(pa.array([""], pa.large_string()), np.array([rows - missing]), missing)


def _parts(column: Numbers | Categories | Sketched) -> Mapping[str, Any]:
    if isinstance(column, Categories):
        return {"labels": column.labels, "counts": column.counts}
    if isinstance(column, Sketched):
        raise InvalidValue("a sketch is no reference", hint="Store the rows themselves")
    cuts = {part: getattr(column.cuts, part) for part in _CUTS} if column.present else {}
    return {"values": column.values, **cuts}


def _facts(stored: Stored) -> dict[str, Any]:
    column = stored.column
    facts: dict[str, Any] = {"missing": column.missing, "infinite": column.infinite}
    if isinstance(column, Numbers) and column.present:
        facts |= {"moments": column.moments, "centre": column.cuts.centre.item()}
    return facts


def _list(values: Any) -> pa.LargeListArray:
    array = pa.array(values)
    return pa.LargeListArray.from_arrays(pa.array([0, len(array)], pa.int64()), array)


def _read(batch: pa.RecordBatch, place: int, facts: Mapping[str, Any]) -> Stored:
    def part(name: str) -> Any:
        return batch.column(f"{place}.{name}").values

    missing = facts["missing"], facts["infinite"]
    column: Numbers | Categories
    if f"{place}.labels" in batch.schema.names:
        column = Categories(part("labels"), part("counts").to_numpy(), *missing)
    else:
        column = Numbers(part("values").to_numpy(), *missing)
        if column.present:
            points, upto, below, sums = (part(name).to_numpy() for name in _CUTS)
            known = {"cuts": Cuts(points, upto, below, points.dtype.type(facts["centre"]), sums)}
            column.__dict__.update(known, moments=tuple(facts["moments"]))
    return Stored(facts["kind"], facts["source"], facts["type"], column)
