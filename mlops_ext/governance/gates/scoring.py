"""A dataset version as gates score it: features in the model's order, 0/1 labels, and blocks to resample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mlops_ext.errors import InvalidValue
from mlops_ext.governance.gates.options import number, text
from mlops_ext.models.promotion.gates import GateContext
from mlops_ext.models.types import ModelVersion
from mlops_ext.monitoring.drift.columns import Floats
from mlops_ext.monitoring.performance.labelled import labelled_rows
from mlops_ext.monitoring.performance.measure import Scored
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Rows", "rows_of", "score", "scored"]


@dataclass(frozen=True)
class Rows:
    """The rows of a dataset version that have a label.

    Attributes
    ----------
    block : ndarray of int64, shape (rows,)
        What is resampled whole: days of the column `at`, else 100 random groups.
    """

    ref: str
    frame: pd.DataFrame
    label: Floats
    block: npt.NDArray[np.int64]
    threshold: float


def rows_of(ws: Workspace, context: GateContext) -> Rows:
    """Load what the options `dataset`, `label`, `at` and `threshold` name.

    Raises
    ------
    InvalidValue
        A column is missing, or the label is not 0 and 1.
    """
    label, at = text(context.options, "label"), context.options.get("at") or ""
    found = labelled_rows(ws, text(context.options, "dataset"), label, at)
    if set(found.frame[label].unique()) != {0, 1}:
        raise InvalidValue(
            f"{label!r} of {found.ref} is not 0 and 1", hint="Name a column that holds both, and nothing else"
        )
    threshold = number(context.options, "threshold")
    values = found.truth.astype(np.float64)
    return Rows(found.ref, found.frame, values, found.block, 0.5 if threshold is None else threshold)


def score(ws: Workspace, version: ModelVersion, rows: Rows) -> Scored:
    """Let a version predict the rows.

    Raises
    ------
    InvalidValue
        It has no signature, or the dataset lacks one of its inputs.
    """
    from mlops_ext.models.edge import load_model

    names = [field.name for field in version.signature.inputs]
    if not names:
        raise InvalidValue(f"{version.ref} has no signature", hint="Register it with example=")
    missing = [name for name in names if name not in rows.frame]
    if missing:
        raise InvalidValue(f"{rows.ref} lacks {', '.join(missing)}, which {version.ref} takes", hint="Name another")
    model = load_model(version.ref, workspace=ws)
    return scored(model, rows.frame[names], rows)


def scored(model: Any, table: Any, rows: Rows) -> Scored:
    """Let an estimator predict a table that belongs to the rows."""
    if hasattr(model, "predict_proba"):
        probability = np.asarray(model.predict_proba(table), dtype=np.float64)[:, -1]
        return Scored(rows.block, rows.label, probability, probability >= rows.threshold)
    return Scored(rows.block, rows.label, None, np.asarray(model.predict(table), dtype=np.float64) == 1)
