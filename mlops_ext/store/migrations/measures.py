"""Schema 2: a version's metrics, parameters and tags move from the JSON of its details into rows of their own."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

__all__ = ["move_measures"]

_BATCH = 500
_MAX_KEY = 250
_VERSIONS = sa.table("model_versions", *(sa.column(name) for name in ("model_id", "version", "details")))
_TABLES = {
    "metrics": sa.table("model_metrics", *(sa.column(name) for name in ("model_id", "version", "key", "value"))),
    "parameters": sa.table("model_parameters", *(sa.column(name) for name in ("model_id", "version", "name", "value"))),
    "tags": sa.table("model_tags", *(sa.column(name) for name in ("model_id", "version", "key", "value"))),
}


def move_measures(connection: sa.Connection) -> None:
    """Move them, some hundred versions at a time."""
    after: tuple[str, int] = ("", 0)
    columns = _VERSIONS.c
    while True:
        beyond = sa.or_(columns.model_id > after[0], sa.and_(columns.model_id == after[0], columns.version > after[1]))
        page = sa.select(_VERSIONS).where(beyond).order_by(columns.model_id, columns.version).limit(_BATCH)
        rows = connection.execute(page).all()
        if not rows:
            return
        for row in rows:
            _move(connection, row)
        after = (rows[-1].model_id, rows[-1].version)


def _move(connection: sa.Connection, row: sa.Row[Any]) -> None:
    details: dict[str, Any] = json.loads(row.details)
    for kind, table in _TABLES.items():
        pairs = _storable(details.pop(kind, {}))
        named = "name" if kind == "parameters" else "key"
        made = [
            {"model_id": row.model_id, "version": row.version, named: key, "value": value}
            for key, value in (_numbers(pairs) if kind == "metrics" else pairs).items()
        ]
        if made:
            connection.execute(sa.insert(table), made)
    text = json.dumps(details, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    key = (_VERSIONS.c.model_id == row.model_id) & (_VERSIONS.c.version == row.version)
    connection.execute(sa.update(_VERSIONS).where(key).values(details=text))


def _storable(pairs: Mapping[str, Any]) -> dict[str, Any]:
    """Give pairs as rows can hold them: JSON took a NUL and keys of any length."""
    return {_without_nul(key)[:_MAX_KEY]: _without_nul(value) for key, value in reversed(pairs.items())}


def _without_nul(value: Any) -> Any:
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


def _numbers(pairs: Mapping[str, Any]) -> dict[str, float | None]:
    """Read numbers as JSON has them, NaN and infinity as texts; NaN is stored as NULL."""
    numbers = {key: float(value) for key, value in pairs.items()}
    return {key: None if math.isnan(number) else number for key, number in numbers.items()}
