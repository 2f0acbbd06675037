"""What may change of experiments and runs beside what runs measure, as records."""

from __future__ import annotations

from pydantic import Field

from mlops_ext.records import Record, Request

__all__ = [
    "ChangeExperimentState", "ChangeRunState", "CreateExperiment", "DeleteExperimentTag", "DeleteRunTag",
    "RenameExperiment", "RenameRun", "RunTags", "SetExperimentTags", "SetRunTags", "ShowExperiment",
]  # fmt: skip

_EXPERIMENT = "Name of the experiment"
_RUN = "Id of the run, or run:ID"


class CreateExperiment(Request):
    experiment: str = Field(description=_EXPERIMENT)
    tags: dict[str, str] = Field(default_factory=dict)


class ShowExperiment(Request):
    experiment: str = Field(description=_EXPERIMENT)


class RenameExperiment(Request):
    experiment: str = Field(description=_EXPERIMENT)
    to: str = Field(description="Its new name")


class SetExperimentTags(Request):
    experiment: str = Field(description=_EXPERIMENT)
    tags: dict[str, str]


class DeleteExperimentTag(Request):
    experiment: str = Field(description=_EXPERIMENT)
    key: str


class ChangeExperimentState(Request):
    experiment: str = Field(description=_EXPERIMENT)
    comment: str = Field(default="", description="Why")


class RenameRun(Request):
    run: str = Field(description=_RUN)
    to: str = Field(description="Its new name")


class SetRunTags(Request):
    run: str = Field(description=_RUN)
    tags: dict[str, str]


class DeleteRunTag(Request):
    run: str = Field(description=_RUN)
    key: str


class ChangeRunState(Request):
    run: str = Field(description=_RUN)
    comment: str = Field(default="", description="Why")


class RunTags(Record):
    """The tags of a run."""

    ref: str
    tags: dict[str, str]
