"""Which features of a version may not be shown: those that a dataset it was trained on hides."""

from __future__ import annotations

from mlops_ext.datasets.classes.service import hidden_columns
from mlops_ext.models.service import version as show_version
from mlops_ext.models.types import ShowVersion
from mlops_ext.workspace import Workspace

__all__ = ["HIDDEN", "hidden_features"]

HIDDEN = "•••"
"""What stands for a value that is not shown."""


def hidden_features(ws: Workspace, model: str) -> dict[str, str]:
    """Give the class of each column that an input dataset of a version hides."""
    inputs = ws.call(show_version, ShowVersion(model=model)).inputs
    found: dict[str, str] = {}
    for name in sorted({each.removeprefix("dataset:").partition("@")[0] for each in inputs}):
        found |= hidden_columns(ws, name)
    return found
