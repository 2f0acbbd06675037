"""Notebooks that trip runners up: odd formats, odd cells, far too much of something. Many cases to a kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mlops_ext.errors import InvalidValue
from mlops_ext.runs import edge, service
from mlops_ext.runs.result import result_of
from mlops_ext.runs.types import ListJobs, RunResult
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

pytestmark = pytest.mark.usefixtures("shared_parents")
ODD = (
    "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
    ("input('who? ')", "raises-exception"),
    "await __import__('asyncio').sleep(0)\nasync def f(): return 7\nawait f()",
    "!echo from a shell",
    "%%bash\necho from bash\nfalse || echo on",
    "import warnings; warnings.warn('careful')",
    "from IPython.display import display\nh = display('first', display_id=True); h.update('second')",
    "display({'application/vnd.jupyter.widget-view+json': {'model_id': 'x'}, 'text/plain': 'a slider'}, raw=True)",
    "display({'image/png': 'iVBORw0KGgo=', 'text/plain': '<Figure>'}, raw=True)",
    "",
    "# only a comment",
    "print('ü 漢 {brace} \\x00', end='')",
)


def ran(ws: Workspace, path: Path, **settings: Any) -> RunResult:
    job = edge.queue(path, workspace=ws, **settings)
    return result_of(ws, edge.run_job(job, workspace=ws))


def executed(ws: Workspace, found: RunResult) -> Any:
    nb = nbformat.read(ws.root / found.output, as_version=4)
    nbformat.validate(nb)
    return nb


def printed(cell: Any) -> str:
    return "".join(out.get("text", "") for out in cell.outputs)


def test_odd_cells_run_as_they_do_in_a_notebook(ws: Workspace) -> None:
    found = ran(ws, write_notebook(ws.root / "nb" / "ödd {0} {x}.ipynb", *ODD, "import sys; sys.exit(3)", "1"))
    assert (found.status, found.exit_code) == ("failed", 1)
    assert found.error is not None
    assert (found.error.cell, found.error.type, found.error.message) == (len(ODD) + 1, "SystemExit", "3")
    assert [cell.status for cell in found.cells] == ["ok"] * len(ODD) + ["failed", "not_run"]
    cells = executed(ws, found).cells
    assert cells[1].outputs[0].ename == "StdinNotImplementedError"
    assert cells[2].outputs[0].data["text/plain"] == "7"
    assert (printed(cells[3]).split("\r\n")[0], printed(cells[4])) == ("from a shell", "from bash\non\n")
    assert "careful" in printed(cells[5])
    assert cells[5].outputs[0].name == "stderr"
    assert [out.data["text/plain"] for out in cells[6].outputs] == ["'second'"]
    assert cells[7].outputs[0].data["text/plain"] == "a slider"
    assert cells[8].outputs[0].data["image/png"].strip() == "iVBORw0KGgo="
    assert printed(cells[11]) == "ü 漢 {brace} \x00"


def old(cells: list[dict[str, Any]]) -> dict[str, Any]:
    code = [{"cell_type": "code", "input": each["source"], "outputs": [], "language": "python"} for each in cells]
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": code}]}


def without_ids(cells: list[dict[str, Any]]) -> dict[str, Any]:
    bare = [{key: value for key, value in each.items() if key != "id"} for each in cells]
    return {"nbformat": 4, "nbformat_minor": 0, "metadata": {}, "cells": bare}


def from_the_future(cells: list[dict[str, Any]]) -> dict[str, Any]:
    more = [{**each, "metadata": {"new": True}} for each in cells]
    return {"nbformat": 4, "nbformat_minor": 99, "metadata": {}, "cells": more}


@pytest.mark.parametrize("made", [old, without_ids, from_the_future])
def test_notebooks_of_other_formats_run(ws: Workspace, made: Any) -> None:
    path = write_notebook(ws.root / "nb" / "it.ipynb", "x = 20", "x + 22")
    path.write_text(json.dumps(made(json.loads(path.read_text())["cells"])))
    found = ran(ws, path)
    assert (found.status, [cell.status for cell in found.cells]) == ("succeeded", ["ok", "ok"]), found.error
    assert executed(ws, found).cells[1].outputs[0].data["text/plain"] == "42"


def test_a_notebook_without_cells_succeeds(ws: Workspace) -> None:
    found = ran(ws, write_notebook(ws.root / "nb" / "it.ipynb"))
    assert (found.status, found.cells) == ("succeeded", ())
    assert executed(ws, found).cells == []


@pytest.mark.fast
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"), ("  \n", "empty"), ("{", "JSON"), ("[]", "no notebook"), ("{}", "no notebook"),
        ('{"nbformat": 4,\n<<<<<<< ours\n"a": 1\n=======\n>>>>>>> theirs\n}', "merge"),
        ('{"nbformat": 2, "cells": []}', "format 2"), ('{"nbformat": 4}', "no valid notebook"),
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_refused_before_anything_starts(ws: Workspace, text: str, said: str) -> None:
    (ws.root / "nb" / "it.ipynb").write_text(text)
    with pytest.raises(InvalidValue, match=said):
        edge.queue("nb/it.ipynb", workspace=ws)
    assert not ws.exists() or not ws.call(service.list_jobs, ListJobs()).items


@pytest.mark.deep
def test_two_thousand_cells_and_fifty_megabytes_come_whole(ws: Workspace) -> None:
    flood = "for i in range(500_000):\n    print(f'{i:099}')"
    found = ran(ws, write_notebook(ws.root / "nb" / "it.ipynb", *["x = 1"] * 1999, flood))
    assert (found.status, found.artifacts) == ("succeeded", ("printed/cell-2000-stdout.txt",))
    assert [cell.status for cell in found.cells] == ["ok"] * 2000
    assert (ws.root / found.output).stat().st_size < 5 * 2**20
    run = edge.run_of(service.show(ws, service.ShowJob(job=found.job)), ws)
    assert run.artifacts[0].size == 50_000_000
