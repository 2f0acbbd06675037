"""Following a job through the catalog: a cursor, a bound, no words of those who have lost the job."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from mlops_ext.errors import NotFound
from mlops_ext.runs import service
from mlops_ext.runs.execution.live import Piece
from mlops_ext.runs.queue import leases, output
from mlops_ext.runs.tables import job_output
from mlops_ext.runs.types import JobOutput, ReadOutput, SubmitJob
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

pytestmark = pytest.mark.fast


@pytest.fixture
def lease(workspace: Workspace) -> leases.Lease:
    write_notebook(workspace.root / "it.ipynb", "1")
    workspace.call(service.submit, SubmitJob(notebook="it.ipynb"))
    claimed = leases.claim(workspace, "w")
    assert claimed is not None
    return claimed.lease


def read(ws: Workspace, lease: leases.Lease, **options: int) -> JobOutput:
    return ws.call(service.output, ReadOutput(job=lease.job, **options))


def test_each_piece_is_given_once_until_the_job_has_ended(workspace: Workspace, lease: leases.Lease) -> None:
    assert read(workspace, lease).pieces == ()
    output.keep(workspace, lease, [Piece(1, "stdout", "a\n"), Piece(1, "stderr", "b\n")])
    first = read(workspace, lease)
    assert [(each.cell, each.stream, each.text) for each in first.pieces] == [
        (1, "stdout", "a\n"),
        (1, "stderr", "b\n"),
    ]
    assert (first.missed, first.ended, first.status) == (False, False, "running")
    assert read(workspace, lease, after=first.next).pieces == ()
    output.keep(workspace, lease, [Piece(2, "result", "c\n")])
    leases.end(workspace, lease, "succeeded")
    page = read(workspace, lease, after=first.next, limit=1)
    assert ([each.text for each in page.pieces], page.ended) == (["c\n"], False), "there may be more"
    assert read(workspace, lease, after=page.next).ended


def test_only_the_newest_are_kept_and_who_comes_late_is_told(workspace: Workspace, lease: leases.Lease) -> None:
    for number in range(10):
        output.keep(workspace, lease, [Piece(number, "stdout", str(place)) for place in range(20)])
    with workspace.catalog.read() as connection:
        assert connection.execute(select(func.count()).select_from(job_output)).scalar_one() == output.KEPT
    late = read(workspace, lease, after=7)
    assert late.missed
    assert (late.pieces[0].seq, late.next) == (200 - output.KEPT + 1, 200)


def test_who_has_lost_the_job_says_nothing_more(workspace: Workspace, lease: leases.Lease) -> None:
    older = leases.Lease(lease.job, lease.fence - 1, lease.attempt)
    output.keep(workspace, older, [Piece(1, "stdout", "a")])
    assert read(workspace, lease).pieces == ()


def test_an_hour_after_its_end_a_job_is_silent_and_one_that_runs_is_not(
    workspace: Workspace, lease: leases.Lease
) -> None:
    def age() -> None:
        workspace.catalog.measure(
            lambda change: change.execute(update(job_output).values(written_at=change.now - timedelta(hours=2)))
        )

    output.keep(workspace, lease, [Piece(1, "stdout", "a")])
    age()
    output.forget(workspace)
    assert len(read(workspace, lease).pieces) == 1
    leases.end(workspace, lease, "succeeded")
    output.forget(workspace)
    assert read(workspace, lease).pieces == ()


def test_a_job_that_is_not_there_has_no_output(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        workspace.call(service.output, ReadOutput(job="nothing"))
