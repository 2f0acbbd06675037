"""Which features of a version may not be shown: those that a dataset it was trained on hides."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_ext.datasets.classes.service import hidden_columns
from mlops_ext.errors import InvalidValue
from mlops_ext.models.service import version as show_version
from mlops_ext.models.types import ShowVersion
from mlops_ext.workspace import Workspace

__all__ = ["HIDDEN", "hidden_features", "refuse_hidden"]

HIDDEN = "•••"
"""What stands for a value that is not shown."""


def hidden_features(ws: Workspace, model: str) -> dict[str, str]:
    """Give the class of each column that an input dataset of a version hides."""
    inputs = ws.call(show_version, ShowVersion(model=model)).inputs
    found: dict[str, str] = {}
    for name in sorted({each.removeprefix("dataset:").partition("@")[0] for each in inputs}):
        found |= hidden_columns(ws, name)
    return found


def refuse_hidden(ws: Workspace, model: str, columns: Sequence[str]) -> None:
    """Refuse columns whose values would stand in a report as the names of groups or slices."""
    hidden = hidden_features(ws, model)
    for name in columns:
        if name in hidden:
            raise InvalidValue(
                f"the values of {name!r} are {hidden[name]} and not shown",
                hint="Use a column whose values may be shown, such as ranges of it",
            )
