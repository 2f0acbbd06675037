"""The rows of a dataset version that have a truth, and the blocks of them that are resampled whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mlops_ext.errors import InvalidValue
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Labelled", "labelled_rows"]

GROUPS = 100
SEED = 2013


@dataclass(frozen=True)
class Labelled:
    """Rows that have a target.

    Attributes
    ----------
    ref : str
        Full reference of the dataset version.
    target : str
        The column with the truth.
    block : ndarray of int64, shape (rows,)
        What is resampled whole: days of a column of times, else 100 groups drawn once.
    """

    ref: str
    frame: pd.DataFrame
    target: str
    block: npt.NDArray[np.int64]

    @property
    def truth(self) -> npt.NDArray[Any]:
        """The values of the target."""
        return self.frame[self.target].to_numpy()


def labelled_rows(ws: Workspace, dataset: str, target: str, at: str = "") -> Labelled:
    """Load the rows of a dataset version whose target is known; loading them is no input of the caller's work.

    Parameters
    ----------
    dataset : str
        Reference of the dataset version.
    target : str
        Its column with the truth.
    at : str
        Its column of times, whose days are resampled whole.

    Raises
    ------
    InvalidValue
        A column is missing, or no row has a target.
    """
    from mlops_ext.datasets import service as datasets
    from mlops_ext.datasets.edge import load
    from mlops_ext.datasets.types import ShowDataset
    from mlops_ext.datasets.used import unnoticed

    pinned = ws.call(datasets.show, ShowDataset(dataset=dataset.removeprefix("dataset:"))).ref
    with unnoticed():
        frame: Any = load(pinned, as_="pandas", workspace=ws)
    for column in (target, at) if at else (target,):
        if column not in frame:
            known = ", ".join(map(str, frame.columns[:20]))
            raise InvalidValue(f"{pinned} has no column {column!r}", hint=f"It has {known}")
    frame = frame[frame[target].notna()]
    if frame.empty:
        raise InvalidValue(f"no row of {pinned} has a {target!r}", hint="Name another dataset or column")
    return Labelled(f"dataset:{pinned}", frame, target, _blocks(frame, at))


def _blocks(frame: pd.DataFrame, at: str) -> npt.NDArray[np.int64]:
    if at:
        import pandas as pd

        days = pd.to_datetime(frame[at], utc=True).dt.floor("D")
        return np.unique(days.to_numpy(), return_inverse=True)[1].astype(np.int64)
    return np.random.default_rng(SEED).permutation(len(frame)).astype(np.int64) % GROUPS
