"""The exact floor: sort, and one compiled pass that merges both sides (Numba)."""

from functools import partial
from typing import Any

import numba
import numpy as np
from clock import measure
from floor_numpy import compute, read


@numba.njit(nogil=True)
def merge(a: Any, b: Any) -> tuple[float, float]:
    n, m = len(a), len(b)
    i = j = 0
    largest, area = 0.0, 0.0
    before = min(a[0], b[0])
    while i < n or j < m:
        at = a[i] if j == m or (i < n and a[i] <= b[j]) else b[j]
        gap = abs(i / n - j / m)
        area += gap * (at - before)
        before = at
        while i < n and a[i] == at:
            i += 1
        while j < m and b[j] == at:
            j += 1
        largest = max(largest, abs(i / n - j / m))
    return largest, area


if __name__ == "__main__":
    merge(np.zeros(2), np.ones(2))
    measure(read, partial(compute, gaps=merge))
