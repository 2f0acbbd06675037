"""What a process that makes a model version again knows of the first time: which version it is, and what was made."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from mlops_ext.datasets import service
from mlops_ext.datasets.types import DatasetVersion, ShowDataset
from mlops_ext.errors import NotFound
from mlops_ext.workspace import REPRODUCES, Workspace

__all__ = ["FirstTime", "first_time", "made_before"]


@dataclass(frozen=True)
class FirstTime:
    """The run of which this process is another.

    Attributes
    ----------
    model : str
        Reference of the version that is made again.
    made : mapping of str to int
        The newest version of each thing that the first run made: of a dataset by name, of a model by `model:NAME`.
    """

    model: str
    made: Mapping[str, int]

    def to_json(self) -> str:
        """Write it as the value of the variable that hands it to a kernel."""
        return json.dumps({"model": self.model, "made": dict(self.made)})


def first_time() -> FirstTime | None:
    """Give the run that this process repeats; None in any other process."""
    told = os.environ.get(REPRODUCES)
    return FirstTime(**json.loads(told)) if told else None


def made_before(ws: Workspace, name: str) -> DatasetVersion | None:
    """Give the version of a dataset that the first run made, when this process repeats one that did."""
    first = first_time()
    if first is None or name not in first.made:
        return None
    try:
        return ws.call(service.show, ShowDataset(dataset=f"{name}@{first.made[name]}"))
    except NotFound:
        return None
