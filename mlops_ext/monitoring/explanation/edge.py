"""Explanations from a notebook: of rows, of logged predictions, and of what an environment serves."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlops_ext.errors import InvalidValue, MlopsError
from mlops_ext.models import service as models
from mlops_ext.models.loading import load_model
from mlops_ext.models.promotion.edge import why as why_deployed
from mlops_ext.models.promotion.types import Deployment, ListDeployments, ShowPromotion
from mlops_ext.models.types import ModelVersion, ShowVersion
from mlops_ext.monitoring.explanation.logged import LoggedRow, find_prediction, logged_features
from mlops_ext.monitoring.explanation.types import Contribution, Explanation, Served, WhyPrediction
from mlops_ext.monitoring.hiding import HIDDEN, hidden_features
from mlops_ext.monitoring.service import text_of
from mlops_ext.operations import every
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BACKGROUND_ROWS", "PREDICTION", "explain", "why"]

BACKGROUND_ROWS = 100
PREDICTION = "prediction:"
_EXACT = 1e-6


def explain(
    ref: str | ModelVersion,
    row: Any,
    *,
    background: pd.DataFrame | None = None,
    method: Literal["auto", "tree", "linear", "permutation"] = "auto",
    trust: Collection[str] = (),
    workspace: Workspace | None = None,
) -> Explanation:
    """Tell why a version answers as it does for a row: Shapley values that sum to the answer.

    Parameters
    ----------
    ref : str or ModelVersion
        The version. It is loaded here, in your process.
    row : mapping, pandas.Series, pandas.DataFrame of one row, or str
        The features by name; or `prediction:ID` of a logged prediction.
    background : pandas.DataFrame, optional
        What the row is compared with; 100 rows drawn from the version's logged features when left out.
    method : {"auto", "tree", "linear", "permutation"}
        `auto` takes the exact way where there is one, and says in `.reason` which it took and why.
    trust : collection of str
        As for `load_model`.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    Explanation
        Shows itself; `.contributions`, `.answer`, `.base`, `.df`, `.sentence()`. Values of columns that a dataset of
        the version hides are not shown.

    Raises
    ------
    InvalidValue
        The row lacks a feature; there is no background; or contributions and base miss the answer.

    References
    ----------
    Lundberg, Lee, "A unified approach to interpreting model predictions", NeurIPS (2017).

    Examples
    --------
    >>> mlops.explain("delay@production", X.iloc[0]).sentence()  # doctest: +SKIP
    """
    from mlops_ext.monitoring.explanation.models import explain_rows

    ws = workspace or Workspace.find()
    version = ws.call(models.version, ShowVersion(model=text_of(ref)))
    name = ""
    if isinstance(row, str):
        name = row if row.startswith(PREDICTION) else f"{PREDICTION}{row}"
        row = find_prediction(ws, name.removeprefix(PREDICTION), version.ref).features
    names = [field.name for field in version.signature.inputs] or None
    rows = _frame_of(row, names)
    around = _ordered(logged_features(ws, version.ref) if background is None else background, list(rows.columns))
    around = around.sample(min(len(around), BACKGROUND_ROWS), random_state=0).reset_index(drop=True)
    found = explain_rows(load_model(version, trust=trust, workspace=ws), rows, around, method)
    error = float(found.shapley.error[0])
    if not error <= _EXACT * (1 + abs(float(found.shapley.answers[0]))):
        raise InvalidValue(
            f"base and contributions miss the answer by {error:g}", hint="Take method='permutation', which adds up"
        )
    values = found.shapley.contributions[0]
    hidden = hidden_features(ws, version.ref)
    told = [
        Contribution(
            feature=str(column),
            value=HIDDEN if column in hidden else _text(rows.iloc[0, place]),
            contribution=float(values[place]),
        )
        for place, column in enumerate(rows.columns)
    ]
    return Explanation(
        model=version.ref,
        row=name,
        output=found.output,
        answer=float(found.shapley.answers[0]),
        base=found.shapley.base,
        contributions=tuple(sorted(told, key=lambda each: -abs(each.contribution))),
        method=found.shapley.method,
        reason=found.reason,
        background=_digest(around),
        background_rows=len(around),
        additivity_error=error,
    )


def why(ref: Any, *, trust: Collection[str] = (), workspace: Workspace | None = None) -> Any:
    """Tell why an environment serves what it serves, or why a logged prediction came out as it did.

    Parameters
    ----------
    ref : str, Deployment or Promotion
        `delay@production`; or `prediction:ID`, as logged with log_predictions.
    trust : collection of str
        As for `load_model`.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    Why or WhyPrediction
        Of a prediction: its reasons, the version, run, notebook, commit and data behind it, and who let it serve.

    Examples
    --------
    >>> mlops.why("delay@production").approvals  # doctest: +SKIP
    >>> mlops.why("prediction:UA1545-2013-02-01").reasons  # doctest: +SKIP
    """
    if not (isinstance(ref, str) and ref.startswith(PREDICTION)):
        return why_deployed(ref, workspace=workspace)
    ws = workspace or Workspace.find()
    found = find_prediction(ws, ref.removeprefix(PREDICTION))
    version = ws.call(models.version, ShowVersion(model=found.model))
    reasons, explanation = _reasons(ws, found, trust)
    return WhyPrediction(
        prediction=ref,
        model=found.model,
        at=found.at,
        decision=found.decision,
        probability=found.probability,
        label=found.label,
        window=found.window,
        reasons=reasons,
        contributions=explanation.contributions if explanation else (),
        explanation=explanation,
        served=_served(ws, version, found),
        registered_by=version.created_by,
        registered_at=version.created_at,
        run=version.run,
        notebook=version.notebook or "",
        commit=version.git.commit if version.git else "",
        data=version.inputs,
    )


def _reasons(ws: Workspace, found: LoggedRow, trust: Collection[str]) -> tuple[str, Explanation | None]:
    """Explain a logged prediction, or say why that cannot be: what stands behind it is told all the same."""
    if not found.features:
        return "its features were not logged", None
    try:
        explanation = explain(found.model, f"{PREDICTION}{found.id}", trust=trust, workspace=ws)
    except MlopsError as error:
        return f"not explained: {error}", None
    return explanation.sentence(), explanation


def _served(ws: Workspace, version: ModelVersion, found: LoggedRow) -> tuple[Served, ...]:
    """Give the environments that served the version when its answer was logged."""
    entries = list(every(ws, models.deployments, ListDeployments(model=version.name)))
    entries.sort(key=lambda each: each.created_at)
    served = []
    for place, entry in enumerate(entries):
        later = (each.created_at for each in entries[place + 1 :] if each.environment == entry.environment)
        until = next(later, None)
        answered = entry.created_at <= found.logged_at and (until is None or found.logged_at < until)
        if entry.version == version.version and answered:
            served.append(_record(ws, entry, until))
    return tuple(served)


def _record(ws: Workspace, entry: Deployment, until: datetime | None) -> Served:
    asked = ws.call(models.show_promotion, ShowPromotion(promotion=entry.promotion)) if entry.promotion else None
    approvals = asked.approvals if asked else ()
    return Served(
        environment=entry.environment,
        since=entry.created_at,
        until=until,
        by=entry.created_by,
        approvers=tuple(each.by for each in approvals if each.decision == "approved"),
        comment=entry.comment,
    )


def _frame_of(row: Any, names: list[str] | None) -> pd.DataFrame:
    import pandas as pd

    if isinstance(row, pd.DataFrame):
        frame = row
    elif isinstance(row, pd.Series):
        frame = row.to_frame().T.infer_objects()
    elif isinstance(row, Mapping):
        frame = pd.DataFrame([dict(row)])
    else:
        raise InvalidValue(
            f"a row is a {type(row).__name__}", hint="Give a mapping of names to values, or a frame of one row"
        )
    if len(frame) != 1:
        raise InvalidValue(f"{len(frame)} rows are given", hint="Explain one at a time")
    return _ordered(frame, names or list(frame.columns)).reset_index(drop=True)


def _ordered(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    missing = [name for name in names if name not in frame]
    if missing:
        raise InvalidValue(f"there is no {', '.join(map(repr, missing))}", hint=f"The model takes {', '.join(names)}")
    return frame[names]


def _digest(frame: pd.DataFrame) -> str:
    import pandas as pd

    rows = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    return hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
