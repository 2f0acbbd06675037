"""Drift from a notebook: frames, files and datasets compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring.service import text_of, told_by
from mlops_ext.monitoring.types import REFERENCE_SUFFIX
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.models.types import ModelVersion
    from mlops_ext.monitoring.drift.display import DriftReport
    from mlops_ext.monitoring.drift.references import Season

__all__ = ["drift", "frame_of", "store_reference", "usual_of"]


def drift(  # noqa: PLR0913  the notebook gives all of them by name
    reference: Any,
    current: Any,
    *,
    columns: Sequence[str] | None = None,
    categorical: Iterable[str] = (),
    numeric: Iterable[str] = (),
    target: str = "",
    prediction: str = "",
    slices: Sequence[str] = (),
    together: bool = False,
    text: Sequence[str] = (),
    statistics: Sequence[str] | None = None,
    importance: Mapping[str, float] | None = None,
    alpha: float = 0.05,
    bound: float = 0.1,
    season: Season = "",
    at: str = "",
    window: str = "",
    model: str | ModelVersion = "",
    save: bool = False,
    workspace: Workspace | None = None,
) -> DriftReport:
    """Compare a current window with a reference, column by column.

    A column has drifted when its change is significant (Benjamini-Hochberg over all columns at `alpha`) and of
    practical size (PSI with a bin for missing values of at least `bound`).

    Parameters
    ----------
    reference, current : frame, path, str or DatasetVersion
        pandas, Polars, Arrow, DuckDB, a mapping of columns; a CSV or Parquet file or a folder of them; or a dataset
        reference such as `flights@1`. A list of them as reference is several windows taken together.
    columns : sequence of str, optional
        Which; those on both sides when left out.
    categorical, numeric : iterable of str
        Columns to treat so whatever their type.
    target, prediction : str
        The label's and the prediction's column: compared whatever `columns` says, and named for what they are.
    slices : sequence of str
        Columns by whose labels all others are compared once more, label by label, under the same control of false
        alarms; at most 20 labels each.
    together : bool
        Also train a classifier to tell the sides apart by all columns together, which sees what no column shows alone:
        `report.together` has its area under the ROC curve on unseen rows, with interval and p-value, and the columns
        that tell most. Columns of vectors (embeddings) count by their components. It and the columns share `alpha`.
    text : sequence of str
        Columns whose words that classifier compares.
    statistics : sequence of str, optional
        Which; all when left out. What the verdict needs is always computed.
    importance : mapping of str to float, optional
        How much each column matters to the model; drifted columns are ranked by importance times size. What the
        version in `model` was registered with when left out.
    alpha : float
        Share of false alarms to allow among the columns called drifted.
    bound : float
        Least PSI that matters.
    season : {"", "month", "weekday"}
        Compare only with the reference's rows of the same months a year before, or of the same weekdays before.
    at : str
        Column that says when a row is of, for `season`.
    window : str
        Name of the current window, such as `2013-03`; the dataset's reference when left out.
    model : str or ModelVersion
        The model that this concerns.
    save : bool
        Keep it as a report.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    DriftReport
        Shows itself; `.drifted`, `.columns`, `.df`, `.show()`, `.to_dict()`, `.figure(column)`, `.save_html(path)`.

    Raises
    ------
    InvalidValue
        A side is no frame, file or dataset; a named column exists on no side; or no column can be compared.

    Examples
    --------
    >>> report = drift({"x": [1.0, 2.0, 3.0]}, {"x": [1.0, 2.0, 3.0]})
    >>> report.drifted
    False
    """
    from mlops_ext.monitoring.drift.compare import Treatment, compare_frames
    from mlops_ext.monitoring.drift.display import DriftReport
    from mlops_ext.monitoring.drift.hiding import check_slices, hidden_in, without_values

    several = list(reference) if isinstance(reference, list | tuple) else [reference]
    windows = [frame_of(side, workspace) for side in several]
    frame, current_name = frame_of(current, workspace)
    usual, after = usual_of([each for each, _ in windows], season, at, frame)
    names = [name for _, name in windows]
    reference_name = names[0] if len(names) == 1 else f"windows: {' + '.join(names)}"
    how = Treatment(columns, categorical, numeric, slices, statistics, target, prediction, importance or {})
    told = told_by(workspace or Workspace.find(), text_of(model)) if model and importance is None else {}
    how = replace(how, together=together or bool(text), text=text, told=told)
    hidden = hidden_in([*names, current_name], workspace)
    check_slices(slices, hidden)
    found = compare_frames(usual, after, how, alpha=alpha, bound=bound)
    report = DriftReport(
        comparison=without_values(found, hidden),
        reference=reference_name,
        references=_made_of(several, names),
        current=current_name,
        window=window or current_name.partition(":")[2] or "current",
        model=text_of(model),
    )
    return report.saved_in(workspace or Workspace.find()) if save else report


def _made_of(sides: Sequence[Any], names: Sequence[str]) -> tuple[str, ...]:
    """Give the dataset versions of a reference: of each window, or of what a stored one was made of."""
    from mlops_ext.monitoring.drift.profile import sources_of

    found: list[str] = []
    for side, name in zip(sides, names, strict=True):
        stored = name.startswith("file:") and name.endswith(REFERENCE_SUFFIX)
        found += sources_of(Path(side).expanduser()) if stored else [name] if name.startswith("dataset:") else []
    return tuple(dict.fromkeys(found))


def usual_of(windows: Sequence[Any], season: str, at: str, current: Any) -> tuple[Any, Any]:
    """Give the reference that windows make together, of a season only when one is named, and the current side."""
    from mlops_ext.monitoring.drift.references import joined, of_season
    from mlops_ext.monitoring.sources import columns_of

    if len(windows) == 1 and not season and not at:
        return windows[0], current
    if bool(season) != bool(at):
        raise InvalidValue(
            f"season is {season!r} and at is {at!r}", hint="Give both, such as season='month', at='time_hour'"
        )
    usual, after = joined([columns_of(each, "reference") for each in windows]), columns_of(current, "current window")
    return (of_season(usual, after, season, at) if season else usual), after


def frame_of(side: Any, workspace: Workspace | None) -> tuple[Any, str]:
    """Find what a text names, a file or a dataset, and give it with its full name; a frame stays what it is."""
    from mlops_ext.monitoring.sources import columns_in, looks_like_path

    text = side if isinstance(side, str) else getattr(side, "ref", None)
    if isinstance(side, Path) or (isinstance(text, str) and looks_like_path(text) and Path(text).expanduser().exists()):
        path = Path(side).expanduser()
        return columns_in(path), f"file:{path.name}"
    if not isinstance(text, str):
        return side, ""
    from mlops_ext.datasets.edge import load
    from mlops_ext.datasets.service import show
    from mlops_ext.datasets.types import ShowDataset

    ws = workspace or Workspace.find()
    try:
        pinned = ws.call(show, ShowDataset(dataset=text)).ref
    except (InvalidValue, NotFound) as error:
        path = Path(text).expanduser()
        if path.exists():
            return columns_in(path), f"file:{path.name}"
        if looks_like_path(text):
            raise NotFound(f"there is no file or folder {text!r}", hint="Check the path, or name a dataset") from error
        raise
    return load(pinned, as_="arrow", workspace=ws), f"dataset:{pinned}"


def store_reference(
    reference: Any,
    path: str | Path,
    *,
    categorical: Iterable[str] = (),
    numeric: Iterable[str] = (),
    workspace: Workspace | None = None,
) -> Path:
    """Keep a reference ready: every column sorted, cut and counted once, with its type fixed from now on.

    Parameters
    ----------
    reference : frame, path, str, DatasetVersion or list of them
        As for `drift`.
    path : str or Path
        Where to; its name ends in `.reference`. It holds the reference's values.
    categorical, numeric : iterable of str
        Columns to treat so whatever their type.
    workspace : Workspace, optional
        Where datasets are; the one found from here when left out.

    Returns
    -------
    Path
        What `drift` takes as its reference, and answers as it would with the reference itself.

    Raises
    ------
    InvalidValue
        It is no frame, a column holds no numbers, the name ends otherwise, or a dataset hides values.
    """
    from mlops_ext.monitoring.drift.hiding import hidden_in
    from mlops_ext.monitoring.drift.profile import write_profile
    from mlops_ext.monitoring.drift.references import joined
    from mlops_ext.monitoring.sources import columns_of

    several = list(reference) if isinstance(reference, list | tuple) else [reference]
    windows = [frame_of(side, workspace) for side in several]
    hidden = hidden_in([name for _, name in windows], workspace)
    if hidden:
        raise InvalidValue(f"the values of {min(hidden)!r} are hidden", hint="Compare with the dataset itself")
    usual = joined([columns_of(each, "reference") for each, _ in windows])
    made_of = [name for _, name in windows if name.startswith("dataset:")]
    return write_profile(usual, path, categorical=categorical, numeric=numeric, sources=made_of)
