"""How a notebook is run: where it works, for how long, with which kernel, and what is kept of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.runs import edge, service
from mlops_ext.runs.execution import streams
from mlops_ext.runs.execution.streams import Streams
from mlops_ext.runs.result import result_of
from mlops_ext.runs.types import ListJobs, RunResult, ShowJob
from mlops_ext.tracking.types import Run
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

pytestmark = pytest.mark.usefixtures("shared_parents")


def ran(ws: Workspace, *cells: Any, **settings: Any) -> RunResult:
    write_notebook(ws.root / "nb" / "it.ipynb", *cells)
    job = edge.queue("nb/it.ipynb", settings.pop("output", None), workspace=ws, **settings)
    return result_of(ws, edge.run_job(job, workspace=ws))


def test_files_made_beside_the_notebook_become_artifacts_and_stay(ws: Workspace) -> None:
    (ws.root / "nb" / "input.csv").write_text("1")
    (ws.root / "nb" / "old.csv").write_text("1")
    found = ran(
        ws, "open('old.csv', 'w').write('22'); import os; os.mkdir('deep'); open('deep/new.csv', 'w').write('3')"
    )
    assert (found.status, found.artifacts) == ("succeeded", ("deep/new.csv", "old.csv"))
    assert (ws.root / "nb" / "deep" / "new.csv").read_text() == "3"


def test_an_isolated_run_touches_no_other_folder_and_finds_the_helpers(ws: Workspace) -> None:
    (ws.root / "nb" / "helper.py").write_text("VALUE = 'h'")
    before = sorted(path.name for path in (ws.root / "nb").iterdir())
    found = ran(
        ws, "import helper, os; assert os.listdir() == []; open('made.txt', 'w').write(helper.VALUE)", isolated=True
    )
    assert (found.status, found.artifacts) == ("succeeded", ("made.txt",)), found.error
    after = {path.name for path in (ws.root / "nb").iterdir()} - {"__pycache__", "it.ipynb"}
    assert after == set(before) - {"it.ipynb"}


def test_another_folder_is_worked_in(ws: Workspace) -> None:
    (ws.root / "data").mkdir()
    found = ran(ws, "import os; print(os.path.basename(os.getcwd())); open('made.txt', 'w').write('1')", cwd="data")
    assert found.artifacts == ("made.txt",)
    assert (ws.root / "data" / "made.txt").exists()


def test_a_cell_that_takes_too_long_is_named(ws: Workspace) -> None:
    found = ran(ws, "1", "import time; time.sleep(300)", "2", cell_timeout=1)
    assert (found.status, found.exit_code) == ("timed_out", 4)
    assert (found.error.cell, found.error.type) == (2, "CellTimeout")
    assert [cell.status for cell in found.cells] == ["ok", "interrupted", "not_run"]


def test_a_timeout_is_tried_again_only_where_that_was_asked(ws: Workspace) -> None:
    slow_once = (
        "open('wrote.txt', 'a').write('x'); import time; time.sleep(0 if len(open('wrote.txt').read()) > 1 else 300)"
    )
    found = ran(ws, slow_once, cell_timeout=2, retries=1, retry_on=["timeout"])
    assert found.status == "succeeded"
    (ws.root / "nb" / "wrote.txt").unlink()
    assert ran(ws, slow_once, cell_timeout=2, retries=1, retry_on=["died"]).status == "timed_out"


def test_the_result_names_cell_line_and_cause(ws: Workspace) -> None:
    chained = "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('bad') from error"
    found = ran(ws, "print('fine')", chained, "3", output="out.ipynb")
    assert found.error.model_dump() == {
        "cell": 2, "line": 4, "type": "ValueError", "message": "bad", "cause": "ZeroDivisionError: division by zero",
    }  # fmt: skip
    assert (found.exit_code, found.output) == (1, "out.ipynb")
    assert [cell.status for cell in found.cells] == ["ok", "failed", "not_run"]


def test_a_syntax_error_is_found_before_the_first_cell_runs(ws: Workspace) -> None:
    fine = (
        "!true",
        "%matplotlib --list",
        "await __import__('asyncio').sleep(0)",
        "%%bash\nif [ ; then",
        ("1 +", "raises-exception"),
    )
    with pytest.raises(InvalidValue, match=r"it.ipynb, cell 7, line 2: "):
        ran(ws, "open('wrote.txt', 'a').write('x')", *fine, "a = 1\nb = = 2")
    assert not (ws.root / "nb" / "wrote.txt").exists()


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"kernel": "no-such"}, NotFound, "no-such"),
        ({"cwd": "nowhere"}, InvalidValue, "no folder"),
        ({"cwd": "../.."}, InvalidValue, "outside"),
        ({"retry_on": ["dead"]}, InvalidValue, "'dead'"),
    ],
)
def test_wrong_settings_start_nothing(ws: Workspace, settings: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        ran(ws, "1", **settings)
    assert not ws.exists() or not ws.call(service.list_jobs, ListJobs()).items


def test_a_flood_of_output_keeps_head_and_tail_and_the_whole_aside(ws: Workspace) -> None:
    found = ran(ws, "#md one", "for i in range(120_000):\n    print(i)")
    assert found.artifacts == ("printed/cell-1-stdout.txt",)
    run = edge.run_of(ws.call(service.show, ShowJob(job=found.job)), ws)
    whole = ws.get_blob(run.artifacts[0].digest).decode()
    assert whole == "".join(f"{i}\n" for i in range(120_000))
    text = json.loads(ws.get_blob(run.output))["cells"][1]["outputs"][0]["text"]
    shown = "".join(text)
    assert len(shown) < streams.HEAD + streams.TAIL + 200
    assert shown.startswith("0\n1\n")
    assert shown.endswith("119998\n119999\n")
    assert "characters are left out" in shown


@pytest.mark.fast
def test_streams_that_alternate_stay_in_their_order(tmp_path: Path) -> None:
    outs: list[Any] = []
    kept = Streams(tmp_path)
    for name, text in [("stdout", "a"), ("stdout", "b"), ("stderr", "!"), ("stdout", "c")]:
        kept.add(outs, name, text, 0)
    kept.settle(0)
    assert [(out.name, out.text) for out in outs] == [("stdout", "ab"), ("stderr", "!"), ("stdout", "c")]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fast
@pytest.mark.parametrize(
    "size", [streams.HEAD, streams.HEAD + 1, streams.HEAD + streams.TAIL, streams.HEAD + streams.TAIL + 1]
)
@pytest.mark.parametrize("piece", [1000, 300_000, 10**7])
def test_nothing_is_lost_at_the_seams(tmp_path: Path, size: int, piece: int) -> None:
    text = "".join(chr(97 + i % 26) for i in range(size))
    outs: list[Any] = []
    kept = Streams(tmp_path)
    kept.name(0, "cell-1")
    for start in range(0, size, piece):
        kept.add(outs, "stdout", text[start : start + piece], 0)
    kept.settle(0)
    if size <= streams.HEAD + streams.TAIL:
        assert outs[0].text == text
    else:
        assert outs[0].text.startswith(text[: streams.HEAD])
        assert outs[0].text.endswith(text[-streams.TAIL :])
        assert (tmp_path / "cell-1-stdout.txt").read_text() == text


def test_the_command_takes_what_papermill_takes(ws: Workspace) -> None:
    write_notebook(
        ws.root / "it.ipynb", ("a: str = ''\nb: int = 0\nc: list = []\nd: str = ''", "parameters"), "print(a, b, c, d)"
    )
    (ws.root / "given.yaml").write_text("a: from file\nb: 1\n")
    words = [
        "run",
        "it.ipynb",
        "out.ipynb",
        "-f",
        "given.yaml",
        "-y",
        "{b: 2, c: [1, x]}",
        "-r",
        "a",
        "007",
        "-p",
        "d",
        "007",
        "--json",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "mlops_ext.cli.main", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["parameters"] == {"a": "007", "b": 2, "c": [1, "x"], "d": "007"}
    assert (result["output"], result["exit_code"], result["error"]) == ("out.ipynb", 0, None)


def test_run_still_gives_the_run(ws: Workspace) -> None:
    write_notebook(ws.root / "it.ipynb", "1")
    assert isinstance(edge.run("it.ipynb", workspace=ws), Run)


def test_what_cells_print_arrives_while_they_run(ws: Workspace) -> None:
    # The second cell ends only when what the first one printed has been seen here.
    waits = "import os, time\nwhile not os.path.exists('seen'): time.sleep(0.02)\nprint('go on'); 6 * 7"
    write_notebook(
        ws.root / "nb" / "it.ipynb", ('api_key: str = ""', "parameters"), "print('key', api_key)", waits, "1/0"
    )
    heard: list[tuple[int, str, str]] = []

    def listen(pieces: Any) -> None:
        heard.extend((each.cell, each.stream, each.text) for each in pieces)
        (ws.root / "nb" / "seen").touch()

    run = edge.run("nb/it.ipynb", parameters={"api_key": "hunter-22"}, on_output=listen, timeout=60, workspace=ws)
    assert isinstance(run, Run)
    assert (run.status, heard[:3]) == (
        "failed",
        [(2, "stdout", "key ***\n"), (3, "stdout", "go on\n"), (3, "result", "42\n")],
    )
    assert (heard[-1][0], heard[-1][1]) == (4, "error")
    assert "ZeroDivisionError" in heard[-1][2]
