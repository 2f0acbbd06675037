"""Sweeps as records."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.errors import NotFound, did_you_mean
from mlops_ext.records import PageRequest, Record, Request, Timestamp
from mlops_ext.runs.types import JobStatus

__all__ = ["ListSweeps", "NameSweep", "SubmitSweep", "Sweep", "SweepPoint"]

MOST_POINTS = 1000


class SubmitSweep(Request):
    notebook: str = Field(description="Path of the notebook, relative to the workspace's folder")
    points: tuple[dict[str, Any], ...] = Field(
        min_length=1, max_length=MOST_POINTS, description="The parameters of each run"
    )
    folder: str = Field(default="", description="Folder for the executed notebooks; chosen when left out")
    experiment: str = ""
    priority: int = Field(default=0, ge=-100, le=100)
    max_attempts: int = Field(default=1, ge=1, le=20)
    timeout_seconds: float | None = Field(default=None, gt=0)
    cell_timeout_seconds: float | None = Field(default=None, gt=0, description="Longest that one cell may take")
    kernel: str = Field(default="", description="Kernel to use instead of the notebook's own")
    secrets: tuple[str, ...] = Field(default=(), description="Names whose values are secret and are stored nowhere")
    memory: str = Field(default="", description="Memory that a run may use, such as 2GiB; that of mlops.toml if empty")
    tags: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        default=(), description="What limits in mlops.toml may count its runs by"
    )
    cache: bool = Field(default=False, description="Give the earlier run of a point that is as before")
    trigger: str = Field(default="", description="Reference of what asked for it, such as schedule:nightly")


class SweepPoint(Record):
    """One run of a sweep."""

    shown: ClassVar[tuple[str, ...]] = ("point", "parameters", "status", "metrics", "output", "error")
    point: int
    """From 1."""
    parameters: dict[str, Any]
    status: JobStatus
    metrics: dict[str, float] = Field(default={})
    seconds: float | None = None
    output: str = ""
    error: str = ""
    job: str
    run: str = ""


class Sweep(Record):
    """One notebook run with many parameters."""

    shown: ClassVar[tuple[str, ...]] = ("id", "notebook", "total", "succeeded", "unfinished", "folder", "created_at")
    tables: ClassVar[tuple[str, ...]] = ("points",)
    id: str
    notebook: str
    folder: str
    total: int
    succeeded: int
    unfinished: int
    """Runs that are queued or running."""
    points: tuple[SweepPoint, ...] = ()
    """In the order of the points; a list of sweeps leaves them out."""
    created_at: Timestamp
    created_by: str

    @property
    def ref(self) -> str:
        """`sweep:ID`."""
        return f"sweep:{self.id}"

    @property
    def df(self) -> Any:
        """The points as a pandas DataFrame: a column a parameter, a column a metric."""
        import pandas as pd

        rows = [
            {"point": each.point, **each.parameters, "status": each.status, **each.metrics, "seconds": each.seconds,
             "output": each.output, "error": each.error}
            for each in self.points
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def best(self, metric: str, goal: Literal["max", "min"] = "max") -> SweepPoint:
        """Give the succeeded point with the best value of a metric; of equal ones the first.

        Raises
        ------
        NotFound
            No succeeded point has the metric as a number.
        """
        having = [each for each in self.points if each.status == "succeeded" and _is_number(each.metrics.get(metric))]
        if not having:
            known = {name for each in self.points for name in each.metrics}
            hint = did_you_mean(metric, sorted(known))
            raise NotFound(f"no succeeded run of {self.ref} logged {metric!r}", hint=hint)
        sign = 1 if goal == "max" else -1
        return max(having, key=lambda each: (sign * each.metrics[metric], -each.point))

    def figure(self, metric: str = "") -> Any:
        """Draw the points as parallel coordinates; see `mlops_ext.runs.sweeps.figure.draw`."""
        from mlops_ext.runs.sweeps.figure import draw

        return draw(self, metric)


class ListSweeps(PageRequest):
    pass


class NameSweep(Request):
    sweep: str = Field(description="Id of the sweep")


def _is_number(value: float | None) -> bool:
    return value is not None and value == value  # noqa: PLR0124 - nan is no number
