"""The point-in-time join: for each row, the newest feature row that was known at its moment.

Rules, the same whatever the engine:

- A row of the view counts when its event time is at or before the moment, at most `ttl` older (both
  ends included), and, if the view says when rows became known, known by then (no time: always known).
- Of those the newest event wins; of equal events the one known last (no time loses to any time); of
  full ties the one whose features are greatest in order, null before values and NaN after them.
- What the winner holds is taken as it is: null stays null, NaN stays NaN.
- Null keys and null moments match nothing. Every row gives one row, in its order.
- Moments are instants: zones and units play no part, naive times are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.datasets.content.arrow_types import is_binary, is_string
from mlops_ext.errors import InvalidValue, MissingExtra

__all__ = ["View", "join_as_of"]

_INT64 = np.iinfo(np.int64)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass(frozen=True)
class View:
    """The columns of a feature table and what they mean.

    Attributes
    ----------
    rows : pyarrow.Table
        The feature rows, in any order.
    entity : tuple of str
        The key columns.
    time : str
        Column of the event time.
    features : tuple of str
        Columns to add.
    created : str
        Column of the time when a row became known; empty when there is none.
    ttl : int, optional
        How old a row may be, nanoseconds; None for any age.
    """

    rows: pa.Table
    entity: tuple[str, ...]
    time: str
    features: tuple[str, ...]
    created: str = ""
    ttl: int | None = None


def join_as_of(entities: pa.Table, view: View, *, at: str, offset: int = 0) -> pa.Table:
    """Find for each entity row the features as they were known at its moment.

    Parameters
    ----------
    entities : pyarrow.Table
        With the view's key columns and the column `at`.
    view : View
        The feature rows.
    at : str
        Column of the moments.
    offset : int
        Added to each moment, nanoseconds; minus an hour looks at what was known an hour before.

    Returns
    -------
    pyarrow.Table
        The feature columns, one row for each row of `entities`, in its order.

    Raises
    ------
    InvalidValue
        A key is a floating-point number or of another kind on the other side, or a time is no time.
    """
    moments = _Moments.of(entities[at], f"column {at!r}", offset)
    events = _Moments.of(view.rows[view.time], f"column {view.time!r} of the view")
    known = _Moments.of(view.rows[view.created], f"column {view.created!r} of the view") if view.created else None
    keys = [_key_pair(entities[name], view.rows[name], name) for name in view.entity]
    asked = {f"k{i}": pair[0] for i, pair in enumerate(keys)}
    offered = {f"k{i}": pair[1] for i, pair in enumerate(keys)}
    left = pa.table({**asked, "t": moments.values, "i": np.arange(entities.num_rows)})
    right = pa.table(
        {
            **offered,
            "t": events.values,
            "c": known.values if known else pa.nulls(view.rows.num_rows, pa.int64()),
            "p": np.arange(view.rows.num_rows),
        }
    )
    places = _Search(left, right, view, len(keys), (moments, events, known)).winners()
    return view.rows.select(list(view.features)).take(places)


@dataclass(frozen=True)
class _Moments:
    """Instants as whole numbers in one unit; `scale` nanoseconds each, `shift` nanoseconds added."""

    values: pa.ChunkedArray
    scale: int
    shift: int

    @classmethod
    def of(cls, values: pa.ChunkedArray, what: str, shift: int = 0) -> _Moments:
        if pa.types.is_date(values.type):
            values = values.cast(pa.timestamp("ms" if values.type == pa.date64() else "s"))
        if not pa.types.is_timestamp(values.type):
            raise InvalidValue(f"{what} is {values.type}, not a time", hint="Convert it, such as with pd.to_datetime")
        return cls(values.cast(pa.int64()), 10**9 // _PER_SECOND[values.type.unit], shift)

    def range(self) -> tuple[int, int] | None:
        """Give the earliest and the latest instant, nanoseconds."""
        ends = pc.min_max(self.values)
        if not ends["min"].is_valid:
            return None
        return ends["min"].as_py() * self.scale + self.shift, ends["max"].as_py() * self.scale + self.shift

    def sql(self, column: str, number: str) -> str:
        """Write the instant of a column, nanoseconds."""
        return f"(CAST({column} AS {number}) * {self.scale} + ({self.shift}))"


class _Search:
    """One join in DuckDB over keys and times only; it finds positions, so values never pass through SQL."""

    def __init__(
        self,
        left: pa.Table,
        right: pa.Table,
        view: View,
        keys: int,
        times: tuple[_Moments, _Moments, _Moments | None],
    ) -> None:
        self.left, self.right, self.view = left, right, view
        self.keys = [f"k{i}" for i in range(keys)]
        self.moments, self.events, self.known = times

    def winners(self) -> pa.Array:
        asked = self.moments.range()
        if asked is None or self.right.num_rows == 0:
            return pa.nulls(self.left.num_rows, pa.int64())
        db = _connect()
        try:
            db.register("asked_rows", self.left)
            db.register("offered_rows", self.right)
            self._near(db, asked)
            db.execute(self._states(tied=self._rank_ties(db)))
            return self._match(db)
        finally:
            db.close()

    @property
    def _number(self) -> str:
        """Nanoseconds fit 64 bits from 1677 to 2262; beyond, DuckDB counts in 128."""
        times = [self.moments, self.events, *([self.known] if self.known else [])]
        ends = [end for each in times for end in each.range() or ()]
        return "BIGINT" if all(_INT64.min < end < _INT64.max for end in ends) else "HUGEINT"

    def _near(self, db: Any, asked: tuple[int, int]) -> None:
        """Keep the rows of the view that any question can reach."""
        number = self._number
        keys = ", ".join(self.keys)
        present = " AND ".join(f"{key} IS NOT NULL" for key in self.keys)
        t, c = self.events.sql("t", number), self.known.sql("c", number) if self.known else f"CAST(NULL AS {number})"
        reach = [f"t <= {asked[1]}"]
        if self.view.ttl is not None:
            reach.append(f"t >= {asked[0] - self.view.ttl}")
        if self.known:
            reach.append(f"(c IS NULL OR c <= {asked[1]})")
        db.execute(
            f"CREATE TEMP TABLE near AS SELECT * FROM (SELECT {keys}, {t} AS t, {c} AS c, p FROM offered_rows) "  # noqa: S608
            f"SEMI JOIN (SELECT DISTINCT {keys} FROM asked_rows WHERE t IS NOT NULL AND {present}) USING ({keys}) "
            f"WHERE {' AND '.join(reach)}"
        )

    def _rank_ties(self, db: Any) -> bool:
        """Order rows that are equal in key, event and creation by what they hold, never by where they stand."""
        keys = ", ".join(self.keys)
        groups = f"SELECT {keys}, t, c FROM near GROUP BY ALL HAVING count(*) > 1"  # noqa: S608
        equal = " AND ".join(f"near.{key} = g.{key}" for key in self.keys)
        tied = db.sql(
            f"SELECT p FROM near JOIN ({groups}) g ON {equal} AND near.t = g.t AND near.c IS NOT DISTINCT FROM g.c"  # noqa: S608
        ).to_arrow_table()["p"]
        if not len(tied):
            db.execute("CREATE TEMP VIEW ranked AS SELECT *, 0 AS r FROM near")
            return False
        ranks = _content_ranks(db, self.view.rows.select(list(dict.fromkeys(self.view.features))), tied)
        db.register("ranks", pa.table({"p": tied, "r": ranks}))
        db.execute(
            "CREATE TEMP TABLE ranked AS SELECT near.*, coalesce(ranks.r, 0) AS r FROM near LEFT JOIN ranks USING (p)"
        )
        return True

    def _states(self, *, tied: bool) -> str:
        """Say from which moment on which row is the best known one of its key."""
        keys = ", ".join(self.keys)
        if not self.known and not tied:
            return f"CREATE TEMP VIEW states AS SELECT {keys}, t AS since, t, p FROM near"  # noqa: S608
        if not self.known:
            return (
                f"CREATE TEMP TABLE states AS SELECT {keys}, t AS since, t, arg_max(p, r) AS p "  # noqa: S608
                f"FROM ranked GROUP BY {keys}, t"
            )
        equal = " AND ".join(f"best.{key} = won.{key}" for key in self.keys)
        listed = ", ".join(f"best.{key}" for key in self.keys)
        return (
            f"CREATE TEMP TABLE states AS WITH placed AS (SELECT *, greatest(t, coalesce(c, t)) AS since, "  # noqa: S608
            f"row_number() OVER (PARTITION BY {keys} ORDER BY t, c NULLS FIRST, r) AS n FROM ranked), "
            f"best AS (SELECT {keys}, since, max(n) OVER (PARTITION BY {keys} ORDER BY since) AS n FROM placed) "
            f"SELECT DISTINCT {listed}, best.since, won.t, won.p FROM best "
            f"JOIN placed won ON {equal} AND best.n = won.n"
        )

    def _match(self, db: Any) -> pa.Array:
        number = self._number
        asked = ", ".join(self.keys)
        equal = " AND ".join(f"e.{key} = s.{key}" for key in self.keys)
        fresh = "s.p"
        if self.view.ttl is not None:
            fresh = f"CASE WHEN CAST(e.t AS HUGEINT) - s.t <= {self.view.ttl} THEN s.p END"
        found = db.sql(
            f"SELECT e.i, {fresh} AS p FROM "  # noqa: S608
            f"(SELECT {asked}, {self.moments.sql('t', number)} AS t, i FROM asked_rows) e "
            f"ASOF LEFT JOIN states s ON {equal} AND e.t >= s.since"
        ).to_arrow_table()
        places = np.full(self.left.num_rows, -1, dtype=np.int64)
        places[found["i"].to_numpy()] = pc.fill_null(found["p"], -1).to_numpy()
        return pa.array(places, mask=places < 0)


def _content_ranks(db: Any, rows: pa.Table, tied: pa.ChunkedArray) -> pa.Array:
    held = rows.take(tied)
    named = {f"f{i}": _sortable(values) for i, values in enumerate(held.columns)}
    db.register("tied_rows", pa.table({**named, "i": np.arange(len(tied))}))
    # the text tells -0.0 from 0.0, which compare equal
    order = ", ".join([*(f"{n} NULLS FIRST" for n in named), *(f"CAST({n} AS VARCHAR) NULLS FIRST" for n in named)])
    query = f"SELECT i, row_number() OVER (ORDER BY {order}) AS r FROM tied_rows ORDER BY i"  # noqa: S608
    return db.sql(query).to_arrow_table()["r"].combine_chunks()


def _sortable(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(values.type):
        return values.cast(values.type.value_type)
    return values.cast(pa.float32()) if pa.types.is_float16(values.type) else values


def _key_pair(asked: pa.ChunkedArray, offered: pa.ChunkedArray, name: str) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Bring both sides of a key to one type, or refuse."""
    left, right = _plain_key(asked, name, "the frame"), _plain_key(offered, name, "the view")
    if _family(left.type) != _family(right.type) and not (pa.types.is_null(left.type) or pa.types.is_null(right.type)):
        raise InvalidValue(
            f"the entity column {name!r} is {left.type} in the frame and {right.type} in the view",
            hint="Convert one of them, so that equal keys are equal values",
        )
    if pa.types.is_null(left.type):
        left = left.cast(right.type)
    if pa.types.is_null(right.type):
        right = right.cast(left.type)
    return left, right


def _plain_key(values: pa.ChunkedArray, name: str, where: str) -> pa.ChunkedArray:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_floating(values.type):
        raise InvalidValue(
            f"the entity column {name!r} of {where} is {values.type}; a join on floating-point numbers is not exact",
            hint="Convert it to whole numbers or text, such as with .astype('Int64')",
        )
    if not _family(values.type):
        raise InvalidValue(
            f"the entity column {name!r} of {where} is {values.type}", hint="Use whole numbers, text or dates as keys"
        )
    if is_string(values.type):
        return values.cast(pa.large_string())
    return values.cast(pa.large_binary()) if is_binary(values.type) else values


def _family(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "whole numbers"
    if is_string(kind):
        return "text"
    if is_binary(kind):
        return "bytes"
    return str(kind) if pa.types.is_boolean(kind) or pa.types.is_date(kind) or pa.types.is_null(kind) else ""


def _connect() -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtra.of("duckdb", "data") from error
    db = duckdb.connect(":memory:", config={"preserve_insertion_order": False})
    # It knows no sizes of Arrow tables, takes them for small and then, up to 1.5, joins in loops for minutes.
    return db.execute("SET asof_loop_join_threshold = 0")
