"""Autolog: every fit of a scikit-learn estimator that user code calls is logged, and changes in no way."""

from __future__ import annotations

import functools
import inspect
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from mlops_ext.errors import Conflict, MissingExtra
from mlops_ext.tracking import active
from mlops_ext.tracking.scoring import best_candidates, search_results, training_metrics
from mlops_ext.tracking.types import MetricPoint
from mlops_ext.tracking.values import to_float, to_json
from mlops_ext.workspace import Workspace

__all__ = ["autolog"]

LONGEST = 1000
"""Characters of a parameter's JSON; what is longer is cut, and says so."""
TAG = "autolog"

# What fits on behalf of a caller: its inner fits, in whichever thread, are its own affair.
_LIBRARIES = frozenset({"imblearn", "joblib", "lightgbm", "sklearn", "xgboost"})
_inside: ContextVar[bool] = ContextVar("mlops_autolog_inside", default=False)
_ORIGINAL = "__mlops_original__"
_METHODS = ("fit", "fit_transform", "fit_predict")
# What prepares data trains nothing by itself, as in MLflow; inside a pipeline its parameters are the pipeline's.
_PREPARING = (
    "sklearn.compose.", "sklearn.feature_extraction.", "sklearn.feature_selection.", "sklearn.impute.",
    "sklearn.preprocessing.",
)  # fmt: skip


class _Switch:
    """Whether fits are logged, and where."""

    def __init__(self) -> None:
        self.on = False
        self.scores = True
        self.candidates = 5
        self.workspace: Workspace | None = None
        self.hooked = False


_switch = _Switch()


def autolog(
    *, disable: bool = False, scores: bool = True, candidates: int = 5, workspace: Workspace | None = None
) -> None:
    """Log the parameters, duration and training scores of every scikit-learn fit from here on.

    They go to the active run. A fit whose parameters contradict what that run holds gets a run of its
    own inside it. A search logs its best parameters and score, a table of its candidates, and the best
    of them as runs inside. What prepares data (scalers, encoders, imputers) is logged as part of a pipeline.
    Results and exceptions of `fit` stay what they were; trouble with logging is a warning.

    Parameters
    ----------
    disable : bool
        Stop.
    scores : bool
        Score the estimator on its training data, as `training_…`; for some estimators that takes long.
    candidates : int
        How many of a search's candidates, the best first, get a run each.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Raises
    ------
    MissingExtra
        scikit-learn is not installed.

    Examples
    --------
    >>> mlops.autolog()                             # doctest: +SKIP
    >>> LogisticRegression(C=0.1).fit(X, y)         # doctest: +SKIP
    >>> mlops.active_run().parameters["C"]          # doctest: +SKIP
    '0.1'
    """
    if not disable:
        _hook()
    _switch.on, _switch.scores, _switch.candidates, _switch.workspace = not disable, scores, candidates, workspace


def _hook() -> None:
    """Wrap the fits of all estimators that there are, and of those that will be."""
    try:
        from sklearn.base import BaseEstimator
    except ImportError as error:
        raise MissingExtra.of("scikit-learn", "models") from error
    for kind in _kinds(BaseEstimator):
        _wrap(kind)
    if _switch.hooked:
        return
    former = BaseEstimator.__dict__.get("__init_subclass__")

    def __init_subclass__(cls: type[Any], /, **options: Any) -> None:  # noqa: N807
        if former is not None:
            former.__func__(cls, **options)
        else:
            super(BaseEstimator, cls).__init_subclass__(**options)
        _wrap(cls)

    BaseEstimator.__init_subclass__ = classmethod(__init_subclass__)
    _switch.hooked = True


def _kinds(root: type[Any]) -> Iterator[type[Any]]:
    for kind in root.__subclasses__():
        yield kind
        yield from _kinds(kind)


def _wrap(kind: type[Any]) -> None:
    if kind.__module__.startswith(_PREPARING):
        return
    for name in _METHODS:
        method = kind.__dict__.get(name)
        if inspect.isfunction(method) and not hasattr(method, _ORIGINAL):
            setattr(kind, name, _logged(method))


def _logged(fit: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fit)
    def logged(self: Any, *arguments: Any, **options: Any) -> Any:
        # A class of the notebook is pickled with its methods, for workers too: nothing but `sys` may go with them.
        here = sys.modules.get("mlops_ext.tracking.autolog")
        return here.called(fit, self, arguments, options) if here else fit(self, *arguments, **options)

    setattr(logged, _ORIGINAL, fit)
    return logged


def called(fit: Callable[..., Any], estimator: Any, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """Fit, and log it when autolog is on and user code asked for it."""
    if not _switch.on or _inside.get() or _caller() in _LIBRARIES:
        return fit(estimator, *arguments, **options)
    return _fitted(fit, estimator, arguments, options)


def _caller() -> str:
    """Name the package that called fit."""
    return str(sys._getframe(3).f_globals.get("__name__", "")).partition(".")[0]


def _fitted(fit: Callable[..., Any], estimator: Any, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    token, began = _inside.set(True), time.perf_counter()
    try:
        result = fit(estimator, *arguments, **options)
        seconds = time.perf_counter() - began
        try:
            _log(estimator, inspect.signature(fit).bind(estimator, *arguments, **options).arguments, seconds)
        except Exception as trouble:  # noqa: BLE001 - whatever goes wrong here must not break a training
            warnings.warn(f"mlops: this fit was not logged: {type(trouble).__name__}: {trouble}", stacklevel=4)
        return result
    finally:
        _inside.reset(token)


def _log(estimator: Any, given: Mapping[str, Any], seconds: float) -> None:
    ws = _switch.workspace or Workspace.find()
    name = type(estimator).__name__
    found, tables = search_results(estimator)
    parameters = {key: _short(value) for key, value in {**estimator.get_params(deep=True), **found.parameters}.items()}
    metrics = {"fit_seconds": seconds, **found.metrics}
    if _switch.scores:
        metrics |= _scored(estimator, given)
    points = tuple(MetricPoint(key=key, value=to_float(key, value)) for key, value in metrics.items())
    entries = {"parameters": {"estimator": to_json(name), **parameters}, "metrics": points, "tags": {TAG: name}}
    run = active.ensure(ws)
    try:
        run.log(**entries)
    except Conflict:
        with active.start(ws, name=name) as inner:
            inner.log(**entries)
            _keep(ws, inner, tables)
            _log_candidates(ws, estimator)
        return
    _keep(ws, run, tables)
    _log_candidates(ws, estimator)


def _scored(estimator: Any, given: Mapping[str, Any]) -> dict[str, float]:
    """Score on the training data; what cannot be scored is logged without."""
    try:
        return training_metrics(estimator, given.get("X"), given.get("y"), given.get("sample_weight"))
    except Exception as trouble:  # noqa: BLE001 - a scorer may raise anything, and the rest is worth keeping
        warnings.warn(f"mlops: no training scores: {type(trouble).__name__}: {trouble}", stacklevel=6)
        return {}


def _log_candidates(ws: Workspace, estimator: Any) -> None:
    """Give the best candidates of a search a run each, inside that of the search."""
    for place, found in enumerate(best_candidates(estimator, _switch.candidates), 1):
        with active.start(ws, name=f"candidate {place}") as inner:
            parameters = {key: _short(value) for key, value in found.parameters.items()}
            points = tuple(MetricPoint(key=key, value=value) for key, value in found.metrics.items())
            inner.log(parameters=parameters, metrics=points, tags={TAG: "candidate"})


def _keep(ws: Workspace, run: active.ActiveRun, tables: Mapping[str, bytes]) -> None:
    from mlops_ext.tracking.types import Artifact

    artifacts = tuple(Artifact(path=path, digest=ws.put_blob(data), size=len(data)) for path, data in tables.items())
    if artifacts:
        run.log(artifacts=artifacts)


def _short(value: Any) -> str:
    text = to_json(value)
    return text if len(text) <= LONGEST else to_json(f"{text[:LONGEST]}… {len(text) - LONGEST} more characters")
