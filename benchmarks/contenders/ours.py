"""ks w1 psi js chi2 by this package, from frames in memory."""

from typing import Any

import pyarrow.parquet as pq
import scipy.special  # noqa: F401  what code takes is no memory of the windows
from clock import measure

from mlops_ext.monitoring.drift.compare import Treatment, compare_frames

ASKED = Treatment(statistics=("ks", "w1", "psi", "js", "chi2"))


def read(reference: str, current: str) -> Any:
    return pq.read_table(reference), pq.read_table(current)


def compute(reference: Any, current: Any) -> object:
    found = compare_frames(reference, current, ASKED)
    return sum(row.value for row in found.rows if row.statistic == "ks")


if __name__ == "__main__":
    measure(read, compute)
