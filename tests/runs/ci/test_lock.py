"""mlops.lock: what it names, what a locked run loads, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import mlops_ext as mlops
from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.runs.ci.lock import LOCK, lock, read_lock, update
from mlops_ext.tracking.curation import runs as kept
from mlops_ext.tracking.curation.types import ChangeRunState
from mlops_ext.tracking.types import Run
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

pytestmark = pytest.mark.usefixtures("shared_parents")
LOAD = "import mlops_ext as mlops\nmlops.log_metric('rows', len(mlops.load('flights')))"


def snapshot(ws: Workspace, name: str, rows: int) -> str:
    return mlops.snapshot(pd.DataFrame({"x": range(rows)}), name, workspace=ws).digest


def lines(ws: Workspace) -> list[str]:
    return [line for line in (ws.root / LOCK).read_text().splitlines() if not line.startswith("#")]


def test_the_lock_names_what_is_loaded_and_keeps_it_until_it_is_moved(ws: Workspace) -> None:
    first, other = snapshot(ws, "flights", 1), snapshot(ws, "airports", 1)
    write_notebook(ws.root / "nb" / "train.ipynb", LOAD, "mlops.load('airports'); mlops.load('weather@2')")
    write_notebook(ws.root / "make.ipynb", "import mlops_ext as mlops\nmlops.snapshot(1, 'made')\nmlops.load('made')")
    assert lock(ws).added == ("dataset:airports@1", "dataset:flights@1")
    assert lines(ws) == [f"dataset:airports@1 {other}", f"dataset:flights@1 {first}"]
    written = (ws.root / LOCK).stat().st_mtime_ns

    second = snapshot(ws, "flights", 2)
    assert lock(ws).changed == ()
    assert (ws.root / LOCK).stat().st_mtime_ns == written, "what says the same is not written again"
    assert update(ws, ["flights"]).changed == ("dataset:flights@1 -> 2",)
    assert lines(ws)[1] == f"dataset:flights@2 {second}"
    (ws.root / "nb" / "train.ipynb").unlink()
    assert lock(ws).removed == ("dataset:airports", "dataset:flights")


def test_names_without_a_version_and_unknown_names_are_told(ws: Workspace) -> None:
    write_notebook(ws.root / "train.ipynb", LOAD)
    assert lock(ws).missing == ("dataset:flights (train.ipynb)",)
    snapshot(ws, "flights", 1)
    lock(ws)
    with pytest.raises(NotFound, match="dataset:flights"):
        update(ws, ["flihgts"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<<<<<<< HEAD\n", "merge marker"),
        ("dataset:flights@1 b3:00\ndataset:flights@2 b3:01\n", "line 2: dataset:flights a second time"),
        ("dataset:flights b3:00\n", "pins nothing"),
        ("nonsense\n", "line 1"),
    ],
)
def test_a_damaged_lock_is_refused_with_its_line(ws: Workspace, text: str, says: str) -> None:
    (ws.root / LOCK).write_text(text)
    with pytest.raises(InvalidValue) as caught:
        read_lock(ws.root)
    assert says in str(caught.value)


def test_a_locked_run_loads_what_the_lock_says(ws: Workspace) -> None:
    snapshot(ws, "flights", 3)
    write_notebook(ws.root / "train.ipynb", LOAD)
    lock(ws)
    snapshot(ws, "flights", 5)
    locked = mlops.run("train.ipynb", locked=True, workspace=ws)
    free = mlops.run("train.ipynb", workspace=ws)
    assert isinstance(locked, Run)
    assert isinstance(free, Run)
    assert (locked.metrics["rows"], free.metrics["rows"]) == (3, 5)
    assert locked.inputs == ("dataset:flights@1",)


def test_a_locked_run_refuses_a_name_that_is_not_locked_before_and_while_it_runs(ws: Workspace) -> None:
    snapshot(ws, "flights", 3)
    snapshot(ws, "hidden", 3)
    write_notebook(ws.root / "train.ipynb", LOAD)
    with pytest.raises(InvalidValue, match="does not name dataset:flights"):
        mlops.run("train.ipynb", locked=True, workspace=ws)
    computed = "mlops.snapshot(mlops.load('flights'), 'own')\nmlops.load('ow' + 'n')\nmlops.load('hid' + 'den')"
    write_notebook(ws.root / "train.ipynb", "import mlops_ext as mlops", computed)
    lock(ws)
    ended = mlops.run("train.ipynb", locked=True, workspace=ws)
    assert isinstance(ended, Run)
    assert ended.status == "failed"
    assert "does not name dataset:hidden" in ended.error


def test_a_run_that_was_seen_to_read_more_adds_to_the_lock(ws: Workspace) -> None:
    snapshot(ws, "hidden", 3)
    write_notebook(ws.root / "train.ipynb", "import mlops_ext as mlops\nmlops.load('hid' + 'den')")
    assert lock(ws).lines == ()
    run = mlops.run("train.ipynb", workspace=ws).ref
    ws.call(kept.delete_, ChangeRunState(run=run))
    assert lock(ws).lines == ()
    ws.call(kept.restore, ChangeRunState(run=run))
    assert lock(ws).added == ("dataset:hidden@1",)


def test_a_lock_of_another_workspace_is_refused(ws: Workspace) -> None:
    snapshot(ws, "flights", 3)
    write_notebook(ws.root / "train.ipynb", LOAD)
    lock(ws)
    path = Path(ws.root / LOCK)
    path.write_text(path.read_text().replace("b3:", "b3:00"))
    with pytest.raises(InvalidValue, match="here it is"):
        mlops.run("train.ipynb", locked=True, workspace=ws)
