"""The slices of a holdout on which a candidate does worst."""

from __future__ import annotations

from typing import Any

from mlops_ext.errors import InvalidValue
from mlops_ext.models.types import ModelVersion
from mlops_ext.workspace import Workspace

__all__ = ["worst_on"]

_GROUPS = 100


def worst_on(
    ws: Workspace, candidate: ModelVersion, holdout: str, target: str, *, most: int = 5
) -> tuple[str, list[Any]]:
    """Find the slices, single features and pairs, whose loss is surely above that of all other rows.

    Parameters
    ----------
    holdout : str
        A dataset version.
    target : str
        Its column of truth.

    Returns
    -------
    tuple
        The loss of a row in words, and the slices as `find_worst` gives them.

    Raises
    ------
    InvalidValue
        The holdout lacks the target or a feature.
    """
    import numpy as np

    from mlops_ext.datasets.edge import load
    from mlops_ext.datasets.used import unnoticed
    from mlops_ext.models.loading import load_model
    from mlops_ext.monitoring.groups.slicing import slice_columns
    from mlops_ext.monitoring.groups.worst import find_worst

    with unnoticed():
        frame = load(holdout, as_="pandas", workspace=ws)
        model = load_model(candidate, workspace=ws)
    names = [field.name for field in candidate.signature.inputs] or [name for name in frame if name != target]
    lacking = [name for name in (*names, target) if name not in frame]
    if lacking:
        raise InvalidValue(f"{holdout} lacks {', '.join(lacking)}", hint="Name another dataset or column")
    frame = frame[frame[target].notna()]
    truth, said = frame[target].to_numpy(), np.asarray(model.predict(frame[names]))
    if getattr(model, "classes_", None) is not None:
        what, loss = "share of wrong answers", (said != truth).astype(np.float64)
    else:
        what, loss = "squared error", (said.astype(np.float64).reshape(len(truth)) - truth.astype(np.float64)) ** 2
    block = np.random.default_rng(0).permutation(len(frame)).astype(np.int64) % _GROUPS
    found, _ = find_worst(slice_columns([frame], names), loss, block, most=most, alpha=0.05)
    return what, found
