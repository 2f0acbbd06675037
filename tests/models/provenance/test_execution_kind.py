"""What a version tells of how its cells ran: judged for cells at hand, then by driving real kernels."""

from __future__ import annotations

import json
import sys
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_ext.models import service
from mlops_ext.models.provenance.execution import FileCell, judge, match
from mlops_ext.models.types import Execution, ModelVersion, ShowVersion
from mlops_ext.tracking.history import Ran
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook
from tests.tracking.kernels import Kernel, kernel

sqlite_only = pytest.mark.parametrize("catalog_url", ["sqlite"], indirect=True)
SOURCES = ("a = 1", "b = 2", "c = 3", "register()")


def judged(*ran: tuple[int, str], sources: tuple[str, ...] = SOURCES, ids: bool = True) -> Execution:
    """Judge executions given as the number of a cell (0 for none) and its source as it ran."""
    cells = [FileCell(number, f"id{number}" if ids else "", source, {}) for number, source in enumerate(sources, 1)]
    done = [
        Ran(count, source, f"id{number}" if ids and number else "") for count, (number, source) in enumerate(ran, 1)
    ]
    return judge(match(done, cells), cells, "train.ipynb")


def in_order(*numbers: int) -> list[tuple[int, str]]:
    return [(number, SOURCES[number - 1]) for number in numbers]


@pytest.mark.fast
@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize(
    ("numbers", "reasons"),
    [
        ((1, 2, 3, 4), ()),
        ((1, 2, 3), ()),
        ((1, 3, 4), ("cell 2 did not run",)),
        ((4,), ("cells 1, 2, 3 did not run",)),
        ((1, 3, 2, 4), ("out of order: cell 2 ran after cell 3 ([3] after [2])",)),
        ((1, 2, 2, 3, 4), ("cell 2 ran twice ([2], [3])",)),
    ],
)
def test_a_whole_run_is_clean_and_any_other_says_which_cells(
    ids: bool, numbers: tuple[int, ...], reasons: tuple[str, ...]
) -> None:
    found = judged(*in_order(*numbers), ids=ids)
    assert found.reasons == reasons
    assert found.kind == ("interactive" if reasons else "clean")


@pytest.mark.fast
def test_an_edited_cell_is_named_by_its_id_and_an_unknown_one_by_its_count() -> None:
    edited = judged((1, "a = 0"), *in_order(2, 3, 4))
    assert edited.reasons == ("cell 1 was edited since it ran as [1], or train.ipynb was not saved since",)
    unknown = judged(*in_order(1, 2), (0, "x = 9"), *in_order(3, 4))
    assert unknown.reasons == (
        "[3] ran what no cell of train.ipynb holds: edited or deleted since, or train.ipynb was not saved since",
    )


@pytest.mark.fast
def test_equal_cells_are_told_apart_by_their_place() -> None:
    sources = ("plot()", "a = 1", "plot()", "register()")
    ran = [(number, sources[number - 1]) for number in (1, 2, 3, 4)]
    assert judged(*ran, sources=sources, ids=False).kind == "clean"


@pytest.mark.fast
@given(st.lists(st.integers(1, 4), min_size=1, max_size=7), st.booleans())
def test_only_the_cells_from_the_first_on_in_order_are_clean(numbers: list[int], ids: bool) -> None:
    whole = numbers == list(range(1, len(numbers) + 1))
    found = judged(*in_order(*numbers), ids=ids)
    assert (found.kind == "clean") == whole
    assert bool(found.reasons) == (not whole)


IMPORT = "import mlops_ext as mlops"
REGISTER = "v = mlops.register(lambda x: x * a, 'twice', inputs=[])"


def run_cells(cells: Kernel, sources: dict[str, str], *order: str) -> list[dict[str, Any]]:
    """Run cells as JupyterLab does, with their ids."""
    replies = []
    for name in order:
        cells.client.session.metadata = {"cellId": name}
        reply = cells.run(sources[name])
        assert reply["status"] == "ok", reply["text"]
        replies.append(reply)
    return replies


def shown(ws: Workspace, ref: str) -> ModelVersion:
    return ws.call(service.version, ShowVersion(model=ref))


def stored(ws: Workspace, version: ModelVersion) -> Any:
    assert version.notebook is not None
    made = nbformat.reads(ws.get_blob(version.notebook).decode(), as_version=4)
    nbformat.validate(made)
    return made


@sqlite_only
def test_a_kernel_keeps_the_cells_as_they_ran_and_tells_how(workspace: Workspace) -> None:
    sources = {"c0": IMPORT, "c1": "a = 2", "c2": "password = 'hunter-22'", "c3": REGISTER}
    path = write_notebook(workspace.root / "train.ipynb", *sources.values())
    with kernel(JPY_SESSION_NAME=str(path)) as cells:
        replies = run_cells(cells, sources, "c0", "c1", "c2", "c3")
        assert "masked 1 secret before storing: password in cell 3, line 1" in replies[-1]["text"]
        run_cells(cells, sources, "c1")
        again = {**sources, "c1": "a = 3"}
        run_cells(cells, again, "c1", "c3")
    clean, later = shown(workspace, "twice@1"), shown(workspace, "twice@2")
    assert clean.execution == Execution(kind="clean")
    made = stored(workspace, clean)
    assert [(cell.execution_count, cell.source) for cell in made.cells] == [
        (1, IMPORT),
        (2, "a = 2"),
        (3, "password = '[masked: password]'"),
        (4, REGISTER),
    ]
    assert [(each.kind, each.where) for each in clean.masked] == [("password", "cell 3, line 1")]
    assert later.execution is not None
    assert later.execution.kind == "interactive"
    assert later.execution.reasons == (
        "cell 2 ran 3 times ([2], [5], [6])",
        "cell 4 ran twice ([4], [7])",
        "cell 2 was edited since it ran as [6], or train.ipynb was not saved since",
    )
    assert [cell.source for cell in stored(workspace, later).cells][-2:] == ["a = 3", REGISTER]
    assert later.seconds is None, "a run that opened by itself does not tell when the work began"


@sqlite_only
def test_a_skipped_cell_is_told_and_registering_again_makes_no_version(workspace: Workspace) -> None:
    sources = {"c0": IMPORT, "c1": "a = 2", "c2": "b = 3", "c3": REGISTER}
    path = write_notebook(workspace.root / "train.ipynb", *sources.values())
    with kernel(JPY_SESSION_NAME=str(path)) as cells:
        run_cells(cells, sources, "c0", "c1", "c3", "c3")
    version = shown(workspace, "twice")
    assert version.ref == "twice@1"
    assert version.execution == Execution(kind="interactive", reasons=("cell 3 did not run",))
    with kernel(JPY_SESSION_NAME=str(path)) as cells:
        run_cells(cells, sources, "c0", "c1", "c2", "c3", "c3")
    assert shown(workspace, "twice").ref == "twice@2", "a whole run of what was interactive is worth a version"
    assert shown(workspace, "twice").execution == Execution(kind="clean")
    assert json.loads(workspace.get_blob(str(version.notebook)))["metadata"]["mlops"]["notebook"] == "train.ipynb"


@sqlite_only
def test_without_a_notebook_file_it_is_interactive_and_without_a_person_clean(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    with kernel() as cells:
        cells.run(f"{IMPORT}; a = 2; {REGISTER}")
        cells.run(REGISTER.replace("'twice'", "'batch'"), allow_stdin=False)
    alone = shown(workspace, "twice").execution
    assert alone is not None
    assert alone.reasons == ("no notebook file is known to compare the cells [1] with",)
    assert shown(workspace, "batch").execution == Execution(kind="clean")


def test_a_script_that_is_in_no_commit_says_so(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    script = workspace.root / "train.py"
    script.write_text("import mlops_ext\n")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(script), raising=False)
    version = registered_here(workspace)
    assert version.execution is not None
    assert version.execution.kind == "script"
    assert any("train.py is in no git commit" in reason for reason in version.execution.reasons)
    assert version.notebook is None


def registered_here(ws: Workspace) -> ModelVersion:
    from mlops_ext.models.edge import register
    from mlops_ext.tracking import active

    version = register(len, "length", inputs=[], workspace=ws)
    active.end(ws, "succeeded")
    return version
