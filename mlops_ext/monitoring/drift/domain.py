"""Drift of all columns together: can a classifier tell the current window from the reference?

Each fold's classifier is judged on rows that it has not seen. Without drift their scores are exchangeable, so that the
Mann-Whitney test of a fold is valid whatever the classifier is. The folds depend on each other; twice the median of
their p-values is valid under any dependence.

References
----------
Lopez-Paz, Oquab, "Revisiting classifier two-sample tests", ICLR (2017).
Kim, Ramdas, Singh, Wasserman, "Classification accuracy as a proxy for two-sample testing", Ann. Stat. 49 (2021).
DeLong, DeLong, Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating characteristic
curves", Biometrics 44 (1988): the interval.
Rüger, "Das maximale Signifikanzniveau des Tests", Metrika 25 (1978); Vovk, Wang, "Combining p-values via averaging",
Biometrika 107 (2020): twice the median.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.errors import InvalidValue, MissingExtra
from mlops_ext.monitoring.drift.columns import Floats, categories_of, codes_of, kind_of
from mlops_ext.monitoring.drift.profile import Stored
from mlops_ext.monitoring.sources import Columns
from mlops_ext.records import Record

__all__ = ["AUC_BOUND", "FOLDS", "HASHED", "MOST_ROWS", "ColumnShift", "DomainReport", "compare_domains"]

AUC_BOUND = 0.55
"""The area under the ROC curve from which a difference counts in practice; 0.5 is none."""
MOST_ROWS = 10_000
"""Of more rows a side, so many are drawn."""
HASHED = 256
"""Columns that the words of a text column are hashed into."""
FOLDS = 5
SEED = 2013
_LABELS = 100
_LEAST = 20
_NORMAL = 1.959963984540054


class ColumnShift(Record):
    """How much a column helps to tell the sides apart."""

    shown: ClassVar[tuple[str, ...]] = ("column", "kind", "importance")
    column: str
    kind: str
    """`numeric`, `categorical`, `text` or `vector`."""
    importance: float
    """By how much the area falls, on unseen rows, when the column's values are shuffled."""


class DomainReport(Record):
    """Whether a classifier tells the current window from the reference, and by which columns."""

    tables: ClassVar[tuple[str, ...]] = ("columns",)
    drifted: bool
    auc: float
    """Mean over the folds; 0.5 when the sides cannot be told apart, 1 when always."""
    low: float
    high: float
    """Interval of `auc` at 95 %, after DeLong."""
    p_value: float
    folds: tuple[float, ...]
    """The area of each fold."""
    columns: tuple[ColumnShift, ...]
    """Those that tell most first."""
    left_out: dict[str, str]
    rows: tuple[int, int]
    """Of reference and current, as they were compared."""
    alpha: float
    bound: float
    seed: int
    method: str

    @property
    def sentence(self) -> str:
        """What was found, in one line."""
        first = ", ".join(f"{each.column} ({each.importance:.3f})" for each in self.columns[:3])
        told = "tells them apart" if self.drifted else "does not tell them apart"
        numbers = f"AUC {self.auc:.3f} [{self.low:.3f}, {self.high:.3f}], p {self.p_value:.2g}"
        return f"a classifier of all columns {told}: {numbers}" + (f", most by {first}" if self.drifted else "")


@dataclass(frozen=True)
class _Column:
    """A column as the classifier takes it: both sides below each other, in one or several numbers."""

    name: str
    kind: str
    values: Floats


def compare_domains(
    reference: Columns,
    current: Columns,
    columns: Sequence[str],
    *,
    text: Sequence[str] = (),
    alpha: float = 0.05,
    bound: float = AUC_BOUND,
    seed: int = SEED,
) -> DomainReport:
    """Train a classifier in each fold and judge it on the others' rows.

    Parameters
    ----------
    reference, current : Columns
        Rows themselves; a stored reference has none.
    columns : sequence of str
        Which, of those on both sides.
    text : sequence of str
        Columns whose words are compared.
    alpha, bound : float
        Level of the test, and the least area that matters.
    seed : int
        Of folds, draws and classifiers.

    Raises
    ------
    InvalidValue
        There are fewer than 20 rows a side, no column can be compared, or a side is stored without its rows.
    MissingExtra
        scikit-learn is not installed.
    """
    if min(reference.rows, current.rows) < _LEAST:
        rows = f"{reference.rows} and {current.rows} rows"
        raise InvalidValue(f"{rows} are too few for a classifier", hint=f"Give at least {_LEAST} rows a side")
    rng = np.random.default_rng(seed)
    picks = [_drawn(side.rows, rng) for side in (reference, current)]
    left_out: dict[str, str] = {}
    taken = list(_columns(reference, current, picks, columns, text, left_out))
    if not taken:
        why = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise InvalidValue("a classifier can take no column", hint=why or "Give columns that both sides have")
    side = np.repeat([0, 1], [len(pick) for pick in picks])
    found, importance = _folds(taken, side, seed, rng)
    shifts = [
        ColumnShift(column=c.name, kind=c.kind, importance=float(i)) for c, i in zip(taken, importance, strict=True)
    ]
    p_value = float(min(1.0, 2 * np.median([each.p_value for each in found])))
    auc = float(np.mean([each.area for each in found]))
    margin = _NORMAL * math.sqrt(sum(each.variance for each in found)) / len(found)
    return DomainReport(
        drifted=p_value <= alpha and auc >= bound,
        auc=auc,
        low=max(0.0, auc - margin),
        high=min(1.0, auc + margin),
        p_value=p_value,
        folds=tuple(each.area for each in found),
        columns=tuple(sorted(shifts, key=lambda each: -each.importance)),
        left_out=left_out,
        rows=(len(picks[0]), len(picks[1])),
        alpha=alpha,
        bound=bound,
        seed=seed,
        method=(
            f"gradient boosting, {FOLDS} folds, at most {MOST_ROWS} rows a side; twice the median of the folds' "
            f"one-sided Mann-Whitney p-values at most {alpha:g}, and an area of at least {bound:g}"
        ),
    )


@dataclass(frozen=True)
class _Fold:
    """What one fold's classifier did on rows that it had not seen."""

    area: float
    variance: float
    p_value: float


def _folds(
    taken: Sequence[_Column], side: npt.NDArray[Any], seed: int, rng: np.random.Generator
) -> tuple[list[_Fold], Floats]:
    """Judge each fold, and give the mean fall of the area when a column is shuffled."""
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.metrics import roc_auc_score
        from sklearn.model_selection import StratifiedKFold
    except ImportError as error:
        raise MissingExtra.of("scikit-learn", "models") from error
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    data = np.concatenate([each.values for each in taken], axis=1)
    widths = [each.values.shape[1] for each in taken]
    ends = np.cumsum(widths)
    categorical = np.repeat([each.kind == "categorical" for each in taken], widths)
    found: list[_Fold] = []
    falls = np.zeros(len(taken))
    with threadpool_limits(1, "openmp"):  # threads that wait for each other on a busy machine cost more than they do
        for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(data, side):
            model = HistGradientBoostingClassifier(
                max_iter=60, max_leaf_nodes=15, categorical_features=categorical, early_stopping=False,
                random_state=seed,
            )  # fmt: skip
            model.fit(data[train], side[train])
            unseen, truth = data[test], side[test]
            found.append(_judged(model.predict_proba(unseen)[:, 1], truth))
            for place, (end, width) in enumerate(zip(ends, widths, strict=True)):
                shuffled = unseen.copy()
                shuffled[:, end - width : end] = unseen[rng.permutation(len(unseen)), end - width : end]
                area = roc_auc_score(truth, model.predict_proba(shuffled)[:, 1])
                falls[place] += (found[-1].area - area) / FOLDS
    return found, falls


def _judged(score: Floats, truth: npt.NDArray[Any]) -> _Fold:
    """Give the area, its variance after DeLong, and the one-sided p-value of Mann and Whitney."""
    from scipy.stats import mannwhitneyu, rankdata

    ours, theirs = score[truth == 1], score[truth == 0]
    together = rankdata(np.concatenate([ours, theirs]))
    above = (together[: len(ours)] - rankdata(ours)) / len(theirs)
    below = 1 - (together[len(ours) :] - rankdata(theirs)) / len(ours)
    variance = float(np.var(above, ddof=1) / len(ours) + np.var(below, ddof=1) / len(theirs))
    p_value = float(mannwhitneyu(ours, theirs, alternative="greater").pvalue)
    return _Fold(float(above.mean()), variance, p_value)


def _columns(
    reference: Columns,
    current: Columns,
    picks: Sequence[npt.NDArray[np.int64]],
    names: Sequence[str],
    text: Sequence[str],
    left_out: dict[str, str],
) -> Iterator[_Column]:
    for name in names:
        sides = [_taken(side, pick, name) for side, pick in zip((reference, current), picks, strict=True)]
        kinds = {kind_of(side) for side in sides} - {"empty"}
        if name in text:
            yield _Column(name, "text", np.concatenate([_hashed(side) for side in sides]))
        elif kinds == {"numeric"}:
            yield _Column(name, "numeric", np.concatenate([_floats(side) for side in sides])[:, None])
        elif kinds == {"categorical"}:
            labels = _most_frequent(sides)
            if len(labels) < 2:
                left_out[name] = "its labels hardly repeat; name it in `text` to compare its words"
                continue
            codes = np.concatenate([codes_of(side, labels) for side in sides]).astype(np.float64)
            yield _Column(name, "categorical", np.where(codes < 0, np.nan, codes)[:, None])
        elif kinds == {"nested"} and all(_is_list(each.type) for each in sides):
            vectors = [_vectors(side, name) for side in sides]
            if vectors[0].shape[1] != vectors[1].shape[1]:
                raise InvalidValue(
                    f"the vectors of {name!r} have different lengths", hint="Use one model for both sides"
                )
            yield _Column(name, "vector", np.concatenate(vectors))
        else:
            left_out[name] = f"holds {' and '.join(sorted(kinds)) or 'no value'}"


def _drawn(rows: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    return np.arange(rows) if rows <= MOST_ROWS else np.sort(rng.choice(rows, MOST_ROWS, replace=False))


def _taken(side: Columns, pick: npt.NDArray[np.int64], name: str) -> Any:
    """Take rows of a column; a long one is read batch by batch."""
    batches = side.long(name)
    if batches is None:
        return _rows(side[name], pick, name)
    found, start = [], 0
    for batch in batches():
        first, last = np.searchsorted(pick, [start, start + len(batch)])
        found.append(_rows(batch, pick[first:last] - start, name))
        start += len(batch)
    if all(isinstance(each, np.ndarray) for each in found):
        return np.concatenate(found)
    arrays = [each.dictionary_decode() if pa.types.is_dictionary(each.type) else each for each in found]
    return pa.concat_arrays(arrays)


def _rows(column: Any, pick: npt.NDArray[np.int64], name: str) -> Any:
    if isinstance(column, Stored):
        raise InvalidValue(f"column {name!r} is stored without its rows", hint="Give the reference itself")
    if isinstance(column, np.ndarray):
        return column[pick]
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.take(pa.array(pick))


def _floats(column: Any) -> Floats:
    if not isinstance(column, np.ndarray):
        column = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    values = np.asarray(column, dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _most_frequent(sides: Sequence[Any]) -> list[str]:
    """Give the labels of both sides that repeat, at most a hundred."""
    counts: dict[str, int] = {}
    for side in sides:
        found = categories_of(side)
        for label, count in zip(found.labels.to_pylist(), found.counts.tolist(), strict=True):
            counts[label] = counts.get(label, 0) + count
    often = sorted((label for label, count in counts.items() if count > 1), key=lambda label: (-counts[label], label))
    return often[:_LABELS]


def _hashed(column: Any) -> Floats:
    """Hash words and pairs of words into a fixed number of columns; a missing text has none."""
    from sklearn.feature_extraction.text import HashingVectorizer

    texts = ["" if value is None else str(value) for value in column.to_pylist()]
    found: Floats = (
        HashingVectorizer(n_features=HASHED, ngram_range=(1, 2), alternate_sign=True).transform(texts).toarray()
    )
    return found


def _vectors(column: Any, name: str) -> Floats:
    """Give one row of numbers a vector; a missing one is missing throughout."""
    held = column.drop_null()
    widths = pc.unique(pc.list_value_length(held)).to_pylist() if _is_list(column.type) else []
    if len(widths) != 1:
        found = f"vectors of {len(widths)} lengths" if widths else f"{column.type}"
        raise InvalidValue(f"column {name!r} holds {found}", hint="Give vectors of one length, or leave it out")
    try:
        numbers = pc.list_flatten(held).cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid as error:
        raise InvalidValue(f"column {name!r} holds no vectors of numbers", hint="Leave it out of columns") from error
    values = np.full((len(column), widths[0]), np.nan)
    values[column.is_valid().to_numpy(zero_copy_only=False)] = numbers.reshape(len(held), widths[0])
    return values


def _is_list(kind: pa.DataType) -> bool:
    return any(is_a(kind) for is_a in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list))
