"""Logged predictions found again: one by its id, and the features that a version was given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring.performance.batches import batches
from mlops_ext.monitoring.types import ListBatches, LoggedBatch
from mlops_ext.operations import every
from mlops_ext.refs import Ref
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LoggedRow", "find_prediction", "logged_features"]

_MOST_ROWS = 20_000


@dataclass(frozen=True)
class LoggedRow:
    """One logged prediction with what the model was given."""

    id: str
    model: str
    window: str
    at: datetime
    logged_at: datetime
    decision: float
    probability: float | None
    label: float | None
    features: dict[str, Any]


def find_prediction(ws: Workspace, wanted: str, model: str = "") -> LoggedRow:
    """Find a logged prediction by its id; of several the newest by time.

    Parameters
    ----------
    ws : Workspace
        Where.
    wanted : str
        The id that it was logged with.
    model : str
        Reference of the version that made it; any when left out.

    Raises
    ------
    NotFound
        No version logged that id.
    """
    found = [
        (row["at"], batch, row)
        for batch in every(ws, batches, ListBatches(model=model, kind="predictions", limit=1000))
        for row in _rows_of(ws, batch, wanted)
    ]
    if not found:
        raise NotFound(f"no prediction {wanted!r} is logged", hint="Its id is what log_predictions was given as ids")
    at, batch, row = max(found, key=lambda each: each[0])
    from mlops_ext.monitoring.performance.predictions import FEATURE

    features = {name.removeprefix(FEATURE): value for name, value in row.items() if name.startswith(FEATURE)}
    return LoggedRow(
        id=wanted,
        model=batch.model,
        window=batch.window,
        at=at,
        logged_at=batch.logged_at,
        decision=float(row["prediction"]),
        probability=None if row.get("probability") is None else float(row["probability"]),
        label=_label(ws, batch, wanted),
        features=features,
    )


def logged_features(ws: Workspace, model: str) -> pd.DataFrame:
    """Give features that a version was given, of its first logged batches.

    Raises
    ------
    InvalidValue
        None are logged.
    """
    import pandas as pd

    from mlops_ext.monitoring.performance.predictions import FEATURE, read_batch

    parts: list[pd.DataFrame] = []
    for batch in every(ws, batches, ListBatches(model=model, kind="predictions", limit=1000)):
        frame = read_batch(ws.blob_path(batch.batch), None)
        kept = frame[[name for name in frame.columns if name.startswith(FEATURE)]]
        if len(kept.columns):
            parts.append(kept.rename(columns=lambda name: name.removeprefix(FEATURE)))
        if sum(map(len, parts)) >= _MOST_ROWS:
            break
    if not parts:
        raise InvalidValue(
            f"{model} has no logged features to compare with",
            hint="Give background=, a frame of typical rows, or log predictions with their features",
        )
    return pd.concat(parts, ignore_index=True)


def _rows_of(ws: Workspace, batch: LoggedBatch, wanted: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    path = ws.blob_path(batch.batch)
    if not pq.read_table(path, columns=["id"], filters=[("id", "==", wanted)]).num_rows:
        return []
    rows: list[dict[str, Any]] = pq.read_table(path, filters=[("id", "==", wanted)]).to_pylist()
    return rows


def _label(ws: Workspace, batch: LoggedBatch, wanted: str) -> float | None:
    """Give the newest label of an id, whichever version of the model it was logged for."""
    name = Ref.parse(batch.model).name
    known = [
        row
        for labels in every(ws, batches, ListBatches(model=name, kind="labels", window=batch.window, limit=1000))
        for row in _rows_of(ws, labels, wanted)
    ]
    return float(max(known, key=lambda row: row["at"])["label"]) if known else None
