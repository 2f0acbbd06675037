"""Data quality from a notebook: one look at a frame, a file or a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_ext.durations import duration_of
from mlops_ext.errors import InvalidValue, refuse_text
from mlops_ext.monitoring.quality.types import Check, QualityReport
from mlops_ext.monitoring.service import text_of
from mlops_ext.monitoring.types import SaveReport
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from mlops_ext.datasets.expectations.types import Expectations
    from mlops_ext.models.types import ModelVersion

__all__ = ["quality", "request_of"]


def quality(  # noqa: PLR0913  the notebook gives all of them by name
    data: Any,
    *,
    reference: Any = None,
    keys: Sequence[str] = (),
    at: str = "",
    max_age: timedelta | str = "",
    expectations: Expectations | Mapping[str, Any] | str | Path | None = None,
    missing: float = 0.01,
    outside: float = 0.01,
    volume: float = 2.0,
    alpha: float = 0.05,
    window: str = "",
    model: str | ModelVersion = "",
    save: bool = False,
    now: datetime | None = None,
    workspace: Workspace | None = None,
) -> QualityReport:
    """Look at the quality of data: volume, duplicates, freshness, types, missing and infinite values, ranges, labels.

    What is compared with the reference fails only where it matters: a share of missing values or duplicate rows when it
    rose significantly (Benjamini-Hochberg over all columns at `alpha`) and by more than `missing`.

    Parameters
    ----------
    data : frame, path, str or DatasetVersion
        As for `drift`. A dataset version is also held to its dataset's expectations.
    reference : frame, path, str or DatasetVersion, optional
        What is usual; without one the checks that need it are left out or only told.
    keys : sequence of str
        Columns whose values together may not repeat.
    at : str
        Column that says when a row is of.
    max_age : timedelta or str
        How old the newest row may be, such as `2d`; only told when left out.
    expectations : Expectations, mapping, or path, optional
        Further rules, as for `expect`; instead of the dataset's own.
    missing, outside : float
        By how much a share of missing values may rise, and which share of values may lie outside the reference's range
        or among labels that it has not.
    volume : float
        By which factor rows may be more or fewer than the reference's.
    alpha : float
        Share of false alarms among the shares that rose.
    window, model, save
        As for `drift`; the report is of the kind `quality`.
    now : datetime, optional
        The moment that ages are counted to.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    QualityReport
        Shows itself, what failed first; `.passed`, `.failed`, `.checks`, `.df`.

    Raises
    ------
    InvalidValue
        A side is no frame, file or dataset, or a named column is not there.

    Examples
    --------
    >>> report = quality({"x": [1.0, None, 3.0]}, reference={"x": [1.0, 2.0, 3.0]})
    >>> report.passed
    True
    """
    from mlops_ext.monitoring.drift.edge import frame_of
    from mlops_ext.monitoring.drift.hiding import hidden_in
    from mlops_ext.monitoring.quality.checks import Bounds, checks_of
    from mlops_ext.monitoring.sources import columns_of
    from mlops_ext.records import now as this_moment

    refuse_text("keys", keys)
    if volume < 1:
        raise InvalidValue(f"volume is {volume}", hint="Give a factor of at least 1, such as 2")
    frame, named = frame_of(data, workspace)
    usual, usual_name = frame_of(reference, workspace) if reference is not None else (None, "")
    columns = columns_of(frame, "data")
    found = checks_of(
        columns,
        columns_of(usual, "reference") if usual is not None else None,
        Bounds(missing, outside, volume, alpha),
        keys=keys,
        at=at,
        max_age=duration_of(max_age, "max_age") if max_age else None,
        now=now or this_moment(),
    )
    hidden = hidden_in([named, usual_name], workspace)
    found = [_without_values(each) if each.column in hidden else each for each in found]
    found += _expected(columns, named, expectations, workspace)
    checks = tuple(sorted(found, key=lambda each: each.passed))
    failed = sum(not each.passed for each in checks)
    made = QualityReport(
        data=named,
        reference=usual_name,
        window=window or named.partition(":")[2] or "current",
        rows=columns.rows,
        passed=not failed,
        failed=failed,
        checks=checks,
    )
    if not save:
        return made
    from mlops_ext.monitoring.service import report

    saved = (workspace or Workspace.find()).call(report, request_of(made, text_of(model)))
    return made.model_copy(update={"report": saved.id})


def _without_values(check: Check) -> Check:
    """Leave the values of a hidden column out of what is said."""
    if check.check not in ("range", "new_labels", "constant"):
        return check
    return check.model_copy(update={"message": f"{check.value:.2%} of its values; they are hidden"})


def _expected(columns: Any, named: str, given: Any, workspace: Workspace | None) -> list[Check]:
    """Hold the data to the expectations that are given, else to those of its dataset."""
    import numpy as np
    import pyarrow as pa

    from mlops_ext.datasets.expectations.checking import Rows, checked
    from mlops_ext.datasets.expectations.edge import check_dataset, read
    from mlops_ext.datasets.expectations.service import expectations as show_expectations
    from mlops_ext.datasets.expectations.types import Expectations, ShowExpectations

    dataset = named.removeprefix("dataset:") if named.startswith("dataset:") else ""
    ws = workspace or (Workspace.find() if dataset else None)
    rules = read(given) if given is not None else Expectations()
    if dataset and ws is not None:
        if given is None:
            rules = ws.call(show_expectations, ShowExpectations(dataset=dataset.rpartition("@")[0]))
        if rules == Expectations():
            return []
        result = check_dataset(dataset, rules, workspace=ws)
    elif rules == Expectations():
        return []
    else:
        arrays = {name: columns[name] for name in columns}
        table = pa.table({n: pa.array(each) if isinstance(each, np.ndarray) else each for n, each in arrays.items()})
        rows = Rows(named or "the data", table.num_rows, table.schema, lambda column: table[column])
        result = checked(rows, rules, {})
    return [
        Check(
            column=each.column, check="expectation", value=each.share, bound=0, passed=False,
            message=f"{each.rule}: {each.count:,} rows" if each.count else each.rule,
        )
        for each in result.failures
    ] or [Check(check="expectation", value=0, bound=0, message=f"{result.rules} rules are met")]  # fmt: skip


def request_of(made: QualityReport, model: str) -> SaveReport:
    """Give what is stored when the report is saved."""
    return SaveReport(
        kind="quality",
        model=model,
        reference=_stored(made.reference),
        current=_stored(made.data),
        window=made.window,
        status="passed" if made.passed else "failed",
        details={"rows": made.rows, "checks": [each.model_dump(mode="json") for each in made.checks]},
    )


def _stored(name: str) -> str:
    return name if name.startswith("dataset:") else ""
