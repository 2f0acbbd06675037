"""Asking a version for predictions, and logging them with the features that may be kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_ext.errors import InvalidValue, did_you_mean, refuse_text
from mlops_ext.monitoring.service import text_of
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from mlops_ext.models.types import ModelVersion

__all__ = ["predict"]


@dataclass(frozen=True)
class _Said:
    """What a model said; `classes` are the columns of `probability`."""

    prediction: Any
    probability: Any = None
    classes: tuple[Any, ...] = ()

    @property
    def two(self) -> bool:
        """Whether it tells 0 from 1."""
        return len(self.classes) == 2 and tuple(self.classes) == (0, 1)

    @property
    def task(self) -> str:
        """What is logged: two classes, several, or numbers."""
        return "binary" if self.two else "multiclass" if self.classes else "regression"


def predict(  # noqa: PLR0913  the notebook gives all of them by name
    ref: str | ModelVersion,
    data: Any,
    *,
    log: bool = False,
    ids: Any = None,
    at: Any = None,
    window: str = "",
    columns: Sequence[str] | None = None,
    sample: float = 1.0,
    trust: Collection[str] = (),
    workspace: Workspace | None = None,
) -> pd.DataFrame:
    """Ask a version for predictions; with `log` they are kept, so that they can be judged when labels come.

    Parameters
    ----------
    ref : str or ModelVersion
        The model version, such as `delay@production`.
    data : frame or str
        pandas, Polars, Arrow, a mapping of columns, or a dataset reference; it holds the columns that the model takes,
        and perhaps others.
    log : bool
        Keep predictions and features.
    ids : str or array_like, optional
        What labels are joined by: a column of `data`, or one value a row; made when left out.
    at : str, time or array_like of times, optional
        When: a column of `data`, or times; now when left out.
    window, columns, sample
        As for `log_predictions`; by default what the model takes is kept of the features.
    trust : collection of str
        As for `load_model`; it loads the model anew, so for single rows in a hot path load it once.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    pandas.DataFrame
        One row an id: `prediction`, and `probability` of 1, or `probability:CLASS` of each class.

    Raises
    ------
    InvalidValue
        A column is missing or has another type than the model takes.

    Examples
    --------
    >>> mlops.predict("delay@production", flights, log=True, ids="flight_id", columns=["dest"])  # doctest: +SKIP
    """
    from mlops_ext.models.service import version as show_version
    from mlops_ext.models.types import ShowVersion
    from mlops_ext.monitoring.performance.edge import log_predictions
    from mlops_ext.records import now

    ws = workspace or Workspace.find()
    version = ws.call(show_version, ShowVersion(model=text_of(ref)))
    frame = _frame(data, ws)
    taken = [field.name for field in version.signature.inputs if field.name in frame]
    said = _answers(ws, version, frame[taken] if taken else frame, trust)
    names = _ids(frame, ids)
    if log:
        kept = _known(frame, columns) if columns is not None else taken or list(frame.columns)
        log_predictions(
            version.ref,
            frame[kept],
            said.prediction,
            names,
            at=_times(frame, at, now()),
            probability=said.probability[:, 1] if said.two and said.probability is not None else said.probability,
            classes=said.classes or None,
            task=said.task,
            window=window,
            sample=sample,
            workspace=ws,
        )
    return _shown(said, names)


def _answers(ws: Workspace, version: ModelVersion, table: pd.DataFrame, trust: Collection[str]) -> _Said:
    import numpy as np

    from mlops_ext.models.loading import load_model

    model = load_model(version.ref, trust=trust, enforce=bool(version.signature.inputs), workspace=ws)
    prediction = np.asarray(model.predict(table) if hasattr(model, "predict") else model(table))
    if prediction.ndim == 2 and prediction.shape[1] == 1:
        prediction = prediction[:, 0]
    if prediction.ndim != 1:
        raise InvalidValue(f"{version.ref} gives {prediction.shape[1:]} values a row", hint="Log one target at a time")
    classes = tuple(np.asarray(getattr(model, "classes_", ())).tolist())
    if not hasattr(model, "predict_proba"):
        return _Said(prediction, None, classes)
    return _Said(prediction, np.asarray(model.predict_proba(table), dtype=np.float64), classes)


def _frame(data: Any, ws: Workspace) -> pd.DataFrame:
    import pandas as pd

    from mlops_ext.datasets.edge import load

    if isinstance(data, str) or hasattr(data, "digest"):
        found: pd.DataFrame = load(text_of(data), as_="pandas", workspace=ws)
        return found
    if isinstance(data, pd.DataFrame):
        return data
    return data.to_pandas() if hasattr(data, "to_pandas") else pd.DataFrame(data)


def _known(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    refuse_text("columns", names)
    for name in names:
        if name not in frame:
            raise InvalidValue(f"no column {name!r} in the data", hint=did_you_mean(name, map(str, frame.columns)))
    return list(names)


def _ids(frame: pd.DataFrame, ids: Any) -> Any:
    from mlops_ext.records import new_id

    if ids is None:
        made = new_id()
        return [f"{made}-{row}" for row in range(len(frame))]
    return frame[_known(frame, [ids])[0]].to_numpy() if isinstance(ids, str) else ids


def _times(frame: pd.DataFrame, at: Any, moment: Any) -> Any:
    if at is None:
        return moment
    return frame[at] if isinstance(at, str) and at in frame else at


def _shown(said: _Said, names: Any) -> pd.DataFrame:
    import pandas as pd

    columns = {"prediction": said.prediction}
    if said.probability is not None and said.two:
        columns["probability"] = said.probability[:, 1]
    elif said.probability is not None:
        columns |= {f"probability:{each}": said.probability[:, place] for place, each in enumerate(said.classes)}
    return pd.DataFrame(columns, index=pd.Index(names, name="id"))
