"""ks w1 psi js chi2 by this package against a stored reference, reading the current window from its file."""

from pathlib import Path
from typing import Any

from clock import measure
from ours import ASKED

from mlops_ext.monitoring.drift.compare import compare_frames
from mlops_ext.monitoring.drift.profile import write_profile


def read(reference: str, current: str) -> Any:
    kept = Path(reference).with_suffix(".reference")
    if not kept.exists():
        write_profile(Path(reference), kept)
    return kept, Path(current)


def compute(kept: Any, current: Any) -> object:
    return sum(row.value for row in compare_frames(kept, current, ASKED).rows if row.statistic == "ks")


if __name__ == "__main__":
    measure(read, compute)
