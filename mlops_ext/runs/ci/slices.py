"""The slices of a holdout on which a candidate does worst."""

from __future__ import annotations

from typing import Any

from mlops_ext.errors import InvalidValue
from mlops_ext.models.types import ModelVersion
from mlops_ext.workspace import Workspace

__all__ = ["worst_on"]


def worst_on(
    ws: Workspace, candidate: ModelVersion, holdout: str, target: str, at: str = "", *, most: int = 5
) -> tuple[str, list[Any]]:
    """Find the slices, single features and pairs, whose loss is surely above that of all other rows.

    Parameters
    ----------
    holdout : str
        A dataset version.
    target : str
        Its column of truth.
    at : str
        Its column of times, whose days are resampled whole.

    Returns
    -------
    tuple
        The loss of a row in words, and the slices as `find_worst` gives them.

    Raises
    ------
    InvalidValue
        The holdout lacks the target or a feature, or no row has a target.
    """
    import numpy as np

    from mlops_ext.models.loading import load_model
    from mlops_ext.monitoring.groups.slicing import slice_columns
    from mlops_ext.monitoring.groups.worst import find_worst
    from mlops_ext.monitoring.performance.labelled import labelled_rows

    rows = labelled_rows(ws, holdout, target, at)
    model = load_model(candidate, workspace=ws)
    names = [field.name for field in candidate.signature.inputs]
    names = names or [str(name) for name in rows.frame if name not in (target, at)]
    lacking = [name for name in names if name not in rows.frame]
    if lacking:
        raise InvalidValue(f"{holdout} lacks {', '.join(lacking)}", hint="Name another dataset")
    truth, said = rows.truth, np.asarray(model.predict(rows.frame[names]))
    if getattr(model, "classes_", None) is not None:
        what, loss = "share of wrong answers", (said != truth).astype(np.float64)
    else:
        what, loss = "squared error", (said.astype(np.float64).reshape(len(truth)) - truth.astype(np.float64)) ** 2
    found, _ = find_worst(slice_columns([rows.frame], names), loss, rows.block, most=most, alpha=0.05)
    return what, found
