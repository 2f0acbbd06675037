"""What must be installed before a job can run here."""

from __future__ import annotations

import importlib.util

from mlops_ext.errors import MissingExtra
from mlops_ext.runs.queue.submission import refuse_windows

__all__ = ["check_requirements"]


def check_requirements() -> None:
    """Refuse to run jobs where that cannot work.

    Raises
    ------
    MissingExtra
        A package of the extra `runs` is missing.
    Conflict
        This is Windows.
    """
    refuse_windows()
    for package in ("papermill", "ipykernel", "nbformat", "psutil"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra.of(package, "runs")
