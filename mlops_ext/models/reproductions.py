"""Reproductions on record: what making a version again gave beside it, and what may explain the difference."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field
from sqlalchemy import Row, insert, select

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.models.comparison import Difference
from mlops_ext.models.lookup.references import Reader, find_version
from mlops_ext.models.tables import model_reproductions
from mlops_ext.operations import operation
from mlops_ext.records import Digest, Record, Request, Timestamp, new_id
from mlops_ext.store.catalog import Change
from mlops_ext.workspace import Workspace

__all__ = [
    "ComparedMetric",
    "ComparedPredictions",
    "NoteReproduction",
    "NotedReproduction",
    "Reproduction",
    "ShowReproduction",
    "Verdict",
    "newest",
    "note",
    "show",
]

Verdict = Literal["reproduced", "differs", "not_comparable"]


class ComparedMetric(Record):
    """One metric of a version and of what came out when it was made again."""

    shown: ClassVar[tuple[str, ...]] = ("name", "before", "after", "difference", "within")
    name: str
    before: float | None = None
    after: float | None = None
    difference: float | None = None
    """After minus before."""
    within: bool
    """Whether both are there and as near as the tolerances ask."""


class ComparedPredictions(Record):
    """What both models answered to the same rows."""

    dataset: str
    """The dataset version whose first rows they were."""
    rows: int = 0
    answers: int = 0
    different: int = 0
    """Answers that are not as near as the tolerances ask."""
    largest: float | None = None
    """The largest difference of two numbers; None where answers are no numbers."""
    why_not: str = ""
    """Why they were not compared."""

    @property
    def within(self) -> bool:
        """Whether all are as near as the tolerances ask."""
        return not self.why_not and not self.different


class Reproduction(Record):
    """What making a version again gave beside it."""

    tables: ClassVar[tuple[str, ...]] = ("metrics", "differences")
    model: str
    verdict: Verdict
    reason: str
    """The verdict in a sentence."""
    relative: float
    absolute: float
    """A value is near another when they differ by at most `absolute` + `relative` · the first one's size."""
    environment: Literal["check", "build"]
    """Whether the version's packages were compared with those here, or installed anew."""
    metrics: tuple[ComparedMetric, ...] = ()
    predictions: ComparedPredictions | None = None
    same_files: bool = False
    """Whether the model's files are equal, byte for byte."""
    differences: tuple[Difference, ...] = ()
    """What went into the two that is not the same: what may explain it."""
    pinned: tuple[str, ...] = ()
    """Dataset and model versions that loading by a bare name gave."""
    notes: tuple[str, ...] = ()
    run: str = ""
    job: str = ""


class NoteReproduction(Request):
    """What to put on record."""

    model: str = Field(description="Reference of the version")
    reproduction: Reproduction
    record: Digest = Field(description="Blob of the reproduction as JSON")


class ShowReproduction(Request):
    """Of which version."""

    model: str = Field(description="Reference of the version")


class NotedReproduction(Record):
    """The newest reproduction of a version on record."""

    shown: ClassVar[tuple[str, ...]] = ("model", "verdict", "reason", "run", "created_at", "created_by")
    model: str
    verdict: Verdict
    reason: str
    run: str
    record: Digest
    """Blob of the whole reproduction as JSON."""
    created_at: Timestamp
    created_by: str


@operation("models.note_reproduction", "POST /model-versions/{model}/reproductions", writes=True)
def note(ws: Workspace, request: NoteReproduction) -> NotedReproduction:
    """Put on record what making a version again gave; `mlops reproduce` makes it and does this."""
    told = request.reproduction

    def tie(change: Change) -> NotedReproduction:
        row = find_version(change, request.model)
        ref = f"{row.name}@{row.version}"
        if ref != told.model:
            raise InvalidValue(f"the reproduction is of {told.model}, not of {ref}", hint="Name the version it is of")
        former = _newest_row(change, row.model_id, row.version)
        if former is not None and former.record == request.record:
            return _noted(ref, former)
        values = {
            "id": new_id(),
            "model_id": row.model_id,
            "version": row.version,
            "verdict": told.verdict,
            "reason": told.reason,
            "run": told.run,
            "record": request.record,
            "created_at": change.now,
            "created_by": change.actor,
        }
        change.execute(insert(model_reproductions).values(**values))
        change.name_blobs(f"model:{row.model_id}@{row.version}", [request.record])
        change.event("model.reproduced", f"model:{ref}", _event_data(told, request.record))
        return NotedReproduction(model=ref, **{name: values[name] for name in _SAME})

    return ws.catalog.write(tie)


@operation("models.reproduction", "GET /model-versions/{model}/reproduction", command="models reproduction")
def show(ws: Workspace, request: ShowReproduction) -> NotedReproduction:
    """Show the newest reproduction of a version that is on record."""
    with ws.catalog.read() as connection:
        row = find_version(connection, request.model)
        ref = f"{row.name}@{row.version}"
        found = newest(connection, row.model_id, row.version, ref)
    if found is None:
        raise NotFound(f"no reproduction of {ref} is on record", hint=f"Make one: mlops reproduce {ref}")
    return found


def newest(reader: Reader, model_id: str, version: int, ref: str) -> NotedReproduction | None:
    """Give the newest reproduction of a version; None when there is none."""
    row = _newest_row(reader, model_id, version)
    return None if row is None else _noted(ref, row)


_SAME = ("verdict", "reason", "run", "record", "created_at", "created_by")


def _newest_row(reader: Reader, model_id: str, version: int) -> Row[Any] | None:
    table = model_reproductions
    mine = select(table).where(table.c.model_id == model_id, table.c.version == version)
    row: Row[Any] | None = reader.execute(mine.order_by(table.c.id.desc()).limit(1)).one_or_none()
    return row


def _noted(ref: str, row: Row[Any]) -> NotedReproduction:
    return NotedReproduction(model=ref, **{name: getattr(row, name) for name in _SAME})


def _event_data(told: Reproduction, record: str) -> dict[str, Any]:
    return {
        "verdict": told.verdict,
        "reason": told.reason,
        "record": record,
        "tolerances": {"relative": told.relative, "absolute": told.absolute},
        "environment": told.environment,
        # What was made again is no part of the version's own lineage, so that the run is no input of it.
        "made": f"run:{told.run}" if told.run else "",
        "inputs": [],
        "outputs": [],
    }
