"""Sweeps: what a grid means, that all is checked first, what becomes of failures, and what is left in the folder."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlops_ext as mlops
from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.runs import service as jobs
from mlops_ext.runs.sweeps import edge, service
from mlops_ext.runs.sweeps.grid import parse, points_of
from mlops_ext.runs.sweeps.types import ListSweeps, NameSweep, SubmitSweep
from mlops_ext.runs.types import ListJobs
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

pytestmark = pytest.mark.usefixtures("shared_parents")
CELLS = (
    ("lr: float = 1.0\nkind: str = 'a'", "parameters"),
    "import os, mlops_ext as mlops\nassert lr != 7 or os.path.exists('mended')\nmlops.log_metric('auc', lr * 2)",
)


@pytest.mark.fast
@given(
    st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(), min_size=1, max_size=4, unique=True), min_size=1)
)
def test_one_object_of_lists_means_their_product(grid: dict[str, list[int]]) -> None:
    expected = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    assert points_of(grid) == expected


@pytest.mark.fast
def test_a_drawing_repeats_itself_and_no_point() -> None:
    grid = {"a": list(range(1000)), "b": list(range(1000)), "c": 5}
    drawn = points_of(grid, random=50, seed=3)
    assert drawn == points_of(grid, random=50, seed=3)
    assert drawn != points_of(grid, random=50, seed=4)
    assert len({(point["a"], point["b"]) for point in drawn}) == 50
    assert points_of([{"a": 1}, {"b": 2}], random=9, seed=1) in ([{"a": 1}, {"b": 2}], [{"b": 2}, {"a": 1}])


@pytest.mark.fast
@pytest.mark.parametrize("grid", [{"a": []}, [], "a=1", 5, [1], {"a": list(range(1001))}])
def test_what_makes_no_grid_is_refused(grid: Any) -> None:
    with pytest.raises(InvalidValue):
        points_of(grid)


@pytest.mark.fast
def test_the_command_line_writes_values_with_commas() -> None:
    assert parse(["lr=0.1, 0.01", "layers=[[8], [8, 4]]"]) == {"lr": ["0.1", "0.01"], "layers": [[8], [8, 4]]}
    for wrong in ("lr", "=1", "lr=", "a=[1"):
        with pytest.raises(InvalidValue):
            parse([wrong])


@pytest.mark.fast
def test_one_wrong_point_queues_none(workspace: Workspace) -> None:
    write_notebook(workspace.root / "sw.ipynb", *CELLS)
    with pytest.raises(InvalidValue, match="lr"):
        workspace.call(service.submit, SubmitSweep(notebook="sw.ipynb", points=({"lr": 1}, {"lr": "x"})))
    assert not workspace.exists() or not workspace.call(jobs.list_jobs, ListJobs()).items


@pytest.mark.fast
def test_cancelling_ends_what_waits_and_resuming_queues_it_again(workspace: Workspace) -> None:
    write_notebook(workspace.root / "sw.ipynb", *CELLS)
    points = tuple({"lr": number} for number in range(50))
    sweep = workspace.call(service.submit, SubmitSweep(notebook="sw.ipynb", points=points))
    assert (sweep.total, sweep.unfinished) == (50, 50)
    for _ in range(2):
        cancelled = workspace.call(service.cancel, NameSweep(sweep=sweep.ref))
        assert {point.status for point in cancelled.points} == {"cancelled"}
    resumed = workspace.call(service.resume, NameSweep(sweep=sweep.id))
    assert (resumed.unfinished, [point.parameters["lr"] for point in resumed.points]) == (50, list(range(50)))
    assert workspace.call(service.resume, NameSweep(sweep=sweep.id)) == resumed, "what waits is left as it is"
    [listed] = workspace.call(service.list_sweeps, ListSweeps())
    assert (listed.id, listed.total, listed.points) == (sweep.id, 50, ())


def test_a_sweep_leaves_notebooks_and_a_table_and_goes_on_with_what_failed(ws: Workspace) -> None:
    write_notebook(ws.root / "nb" / "sw.ipynb", *CELLS)
    told: list[tuple[int, int]] = []
    found = mlops.sweep(
        "nb/sw.ipynb", {"lr": [0.5, 7, 2], "kind": ["x"]}, "out", jobs=2, on_progress=lambda *p: told.append(p)
    )
    assert [point.status for point in found.points] == ["succeeded", "failed", "succeeded"]
    assert told[-1] == (3, 3)
    assert (found.best("auc").parameters["lr"], found.best("auc", "min").parameters["lr"]) == (2, 0.5)
    with pytest.raises(NotFound, match="acu"):
        found.best("acu")
    assert found.folder == "out"
    names = ["sw-001.ipynb", "sw-002.ipynb", "sw-003.ipynb", "sweep.csv"]
    assert sorted(path.name for path in Path("out").iterdir()) == names
    for name in names[:3]:
        nbformat.validate(nbformat.read(Path("out") / name, as_version=4))
    rows = list(csv.DictReader(Path("out/sweep.csv").read_text().splitlines()))
    assert [(row["lr"], row["kind"], row["auc"]) for row in rows] == [
        ("0.5", "x", "1.0"),
        ("7.0", "x", ""),
        ("2.0", "x", "4.0"),
    ]
    axes = {axis.label: list(axis["values"]) for axis in found.figure("auc").data[0].dimensions}
    assert axes == {"lr": [0.5, 2.0], "kind": [0, 0], "auc": [1.0, 4.0]}
    assert list(found.df["lr"]) == [0.5, 7.0, 2.0]
    Path("nb/mended").touch()
    ended = edge.work_off(ws.call(service.resume, NameSweep(sweep=found.id)), workspace=ws)
    assert [point.status for point in ended.points] == ["succeeded"] * 3
    assert [point.job for point in ended.points][::2] == [point.job for point in found.points][::2], "run once"
    assert ended.points[1].metrics == {"auc": 14.0}
