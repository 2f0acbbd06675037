"""`mlops ci run`: all notebooks run, and JUnit, Markdown and exit code tell what happened."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import xmlschema

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.runs.ci.baseline import baseline_of, commits_of
from mlops_ext.runs.ci.expectations import judged, parse
from mlops_ext.runs.ci.junit import junit
from mlops_ext.runs.ci.markdown import code, report, table
from mlops_ext.runs.ci.running import CiOptions, check_notebooks, found_notebooks
from mlops_ext.runs.ci.types import CheckedNotebook, CiResult, MetricRow
from mlops_ext.runs.types import RunFault
from mlops_ext.tracking.curation import runs as kept
from mlops_ext.tracking.curation.types import ChangeRunState
from mlops_ext.tracking.types import CellState
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

PIXEL = base64.b64encode(b"\x89PNG no real picture").decode()
pytestmark = pytest.mark.usefixtures("shared_parents")
GOOD = ("auc: float = 0.5", "parameters")
LOG = "import mlops_ext as mlops\nmlops.log_metric('auc', auc)"
FIGURE = f"from IPython.display import display\ndisplay({{'image/png': {PIXEL!r}}}, raw=True)"


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    ended = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True)
    return ended.stdout.strip()


def check_as_jenkins_does(data: bytes) -> ET.Element:
    """Check the report against the schema beside this file, and that its counts are true."""
    xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd")).validate(BytesIO(data))
    root = ET.fromstring(data)
    totals = dict.fromkeys(("tests", "failures", "errors"), 0)
    for suite in root:
        for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(key, "0")) == len(suite.findall(f"testcase/{tag}"))
        assert int(suite.attrib["tests"]) == len(suite)
        for key in totals:
            totals[key] += int(suite.attrib[key])
    assert {key: int(root.attrib[key]) for key in totals} == totals
    return root


def test_all_notebooks_run_and_every_form_tells_the_same(ws: Workspace) -> None:
    write_notebook(ws.root / "nb" / "good.ipynb", GOOD, "#md # Told", LOG, FIGURE)
    secret = "api_key = 'hunter22hunter22'\nraise ValueError('no | table\\n<b>')"
    write_notebook(ws.root / "nb" / "bad.ipynb", "x = 1", secret, "x + 1")
    (ws.root / "nb" / "broken.ipynb").write_text("{")
    words = ["ci", "run", "nb/*.ipynb", "--jobs", "2", "-p", "auc", "0.9", "--expect", "auc>=0.8", "--expect", "acu>1"]
    files = ["--junit", "out/j.xml", "--report", "out/r.md", "--artifacts", "out/files"]
    command = [sys.executable, "-m", "mlops_ext", *words, *files, "--json"]
    ended = subprocess.run(command, cwd=ws.root, capture_output=True, text=True, check=False, timeout=200)
    assert ended.returncode == 1, ended.stderr
    told = json.loads(ended.stdout)
    by_name = {Path(each["notebook"]).name: each for each in told["notebooks"]}
    assert {name: (each["status"], each["exit_code"]) for name, each in by_name.items()} == {
        "good.ipynb": ("succeeded", 0),
        "bad.ipynb": ("failed", 1),
        "broken.ipynb": ("rejected", 2),
    }
    assert [(each["expected"], each["passed"]) for each in told["expectations"]] == [
        ("auc>=0.8", True),
        ("acu>1", False),
    ]

    root = check_as_jenkins_does((ws.root / "out" / "j.xml").read_bytes())
    suites = {suite.attrib["name"]: suite for suite in root}
    bad = suites["nb/bad.ipynb"]
    assert [[child.tag for child in case] for case in bad] == [[], ["failure"], ["skipped"]]
    assert bad[1][0].attrib["type"] == "ValueError"
    assert [child.tag for case in suites["nb/broken.ipynb"] for child in case] == ["error"]
    markdown = (ws.root / "out" / "r.md").read_text()
    assert "1 of 3 notebooks" in markdown
    assert "Cell 2, line 2: ValueError" in markdown
    assert "raise ValueError" in markdown
    figure = "files/nb/good/cell-3-figure-1.png"
    assert f"(<{figure}>)" in markdown
    assert (ws.root / "out" / figure).read_bytes() == base64.b64decode(PIXEL)
    executed = json.loads((ws.root / "out" / "files" / "nb" / "bad.ipynb").read_text())
    assert executed["nbformat"] == 4
    everything = markdown + ended.stdout + ended.stderr + (ws.root / "out" / "j.xml").read_text()
    assert "hunter22" not in everything


def test_the_baseline_is_the_run_at_the_nearest_commit(ws: Workspace) -> None:
    git(ws.root, "init", "-b", "main")
    notebook = write_notebook(ws.root / "train.ipynb", GOOD, LOG)
    git(ws.root, "add", "train.ipynb")
    git(ws.root, "commit", "-m", "one")
    first = check_notebooks(ws, [notebook], CiOptions(parameters={"auc": "0.75"}, jobs=1)).notebooks[0]
    git(ws.root, "commit", "--allow-empty", "-m", "two")
    git(ws.root, "checkout", "-b", "better")
    git(ws.root, "commit", "--allow-empty", "-m", "three")
    options = CiOptions(parameters={"auc": "0.8"}, compare="main", jobs=1)
    result = check_notebooks(ws, [notebook], options)
    [done] = result.notebooks
    assert done.baseline is not None
    assert (done.baseline.run, done.baseline.behind) == (first.run, 1)
    [row] = [row for row in done.metrics if row.name == "auc"]
    assert (row.before, row.after, row.difference) == (0.75, 0.8, pytest.approx(0.05))
    assert "| auc | 0.75 | 0.8 | +0.05 |" in report(result)
    git(ws.root, "checkout", "main")
    git(ws.root, "commit", "--allow-empty", "-m", "four")
    [first_there] = check_notebooks(ws, [notebook], options).notebooks
    assert first_there.baseline is not None
    assert (first_there.baseline.run, first_there.baseline.behind) == (first.run, 2), "never the run itself"
    with pytest.raises(InvalidValue, match="git knows no 'master'"):
        check_notebooks(ws, [notebook], CiOptions(compare="master"))
    ws.call(kept.delete_, ChangeRunState(run=first.run))
    gone = baseline_of(ws, commits_of("main", ws.root), "train.ipynb")
    assert gone.run == first_there.run, "a deleted run is no baseline"
    other = write_notebook(ws.root / "other.ipynb", "1")
    [alone] = check_notebooks(ws, [other], CiOptions(compare="main", jobs=1)).notebooks
    assert alone.baseline is not None
    assert "has no whole run of other.ipynb at main" in alone.baseline.message


def test_a_cell_may_take_a_fraction_of_a_second(ws: Workspace) -> None:
    slow = write_notebook(ws.root / "slow.ipynb", "1", "import time; time.sleep(300)")
    result = check_notebooks(ws, [slow], CiOptions(settings={"cell_timeout": 0.2}, jobs=1))
    assert (result.exit_code, result.notebooks[0].status) == (4, "timed_out")


@pytest.mark.fast
def test_a_value_is_written_so_that_it_does_not_belie_the_answer() -> None:
    metrics = (MetricRow(name="auc", after=0.1 + 0.7),)
    ran = CheckedNotebook(notebook="a.ipynb", status="succeeded", exit_code=0, metrics=metrics)
    assert ran.metrics[0].summary() == "auc=0.8"
    [told, other] = judged([parse("auc>=0.8"), parse("auc>=0.9")], [ran])
    assert (told.passed, told.message) == (False, "auc is 0.7999999999999999 in a.ipynb")
    assert (other.passed, other.message) == (False, "auc is 0.8 in a.ipynb")


@pytest.mark.fast
def test_a_pattern_leaves_outputs_and_environments_out_unless_it_names_them(tmp_path: Path) -> None:
    for name in ("a.ipynb", "nb/b.ipynb", "runs/a-1.ipynb", ".venv/lib/c.ipynb", "nb/.ipynb_checkpoints/b.ipynb"):
        write_notebook(tmp_path / name, "1")
    names = [path.relative_to(tmp_path.resolve()).as_posix() for path in found_notebooks(["**/*.ipynb"], tmp_path)]
    assert names == ["a.ipynb", "nb/b.ipynb"]
    assert [path.name for path in found_notebooks(["runs/*.ipynb"], tmp_path)] == ["a-1.ipynb"]


@pytest.mark.fast
@pytest.mark.parametrize("text", ["auc", ">=1", "auc>=high", "auc>=nan", ""])
def test_what_is_no_expectation_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse(text)


@pytest.mark.fast
def test_names_and_parameters_that_fit_nothing_are_refused(ws: Workspace) -> None:
    with pytest.raises(NotFound, match="no notebook fits"):
        found_notebooks(["*.ipynb"], ws.root)
    notebook = write_notebook(ws.root / "a.ipynb", GOOD)
    write_notebook(ws.root / ".ipynb_checkpoints" / "a-checkpoint.ipynb", "1")
    assert found_notebooks(["**/*.ipynb", "a.ipynb", "."], ws.root) == [notebook.resolve()]
    with pytest.raises(InvalidValue, match="'acu'"):
        check_notebooks(ws, [notebook], CiOptions(parameters={"acu": 1}))


def result_of(message: str, **other: Any) -> CiResult:
    fault = RunFault(cell=1, line=2, type="ValueError", message=message)
    cells = (CellState(cell=1, status="failed", seconds=0.1), CellState(cell=2, status="not_run"))
    about = {"notebook": "a|b.ipynb", "status": "failed", "exit_code": 1, "error": fault, "cells": cells}
    checked = CheckedNotebook(**{**about, "sources": ("raise\n```\n", ""), "started": "2026-01-01T00:00:00", **other})
    return CiResult(passed=False, exit_code=1, notebooks=(checked,), seconds=1.0)


@pytest.mark.fast
def test_junit_holds_whatever_a_cell_says() -> None:
    nasty = "\x1b[31mred\x1b[0m \x00 \ud800 ]]> <x> & \uffff 😀"
    root = check_as_jenkins_does(junit(result_of(nasty)))
    assert root[0][0][0].attrib["message"] == "red � � ]]> <x> & � 😀"


@pytest.mark.fast
@pytest.mark.parametrize(
    ("right", "wrong"),
    [(b" tests=", b" cases="), (b' time="0.100"', b' time="0.1s"'), (b"<skipped ", b'<skipped line="1" ')],
)
def test_the_schema_refuses_what_is_no_junit(right: bytes, wrong: bytes) -> None:
    written = junit(result_of("x"))
    assert right in written
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        check_as_jenkins_does(written.replace(right, wrong))


@pytest.mark.fast
def test_markdown_is_not_broken_by_what_it_shows() -> None:
    text = report(result_of("a | b\n# heading <script>"))
    assert "````python\nraise\n```\n````" in text
    assert "<script>" not in text
    assert table(["x"], [["a|b\nc"]])[2] == "| a\\|b c |"
    assert len(code("\n".join("x" * 100))) == 43


@pytest.mark.fast
def test_what_no_cell_is_to_blame_for_is_an_error_of_the_notebook() -> None:
    fault = RunFault(cell=0, type="cancelled", message="cancelled")
    cells = (CellState(cell=1, status="ok", seconds=0.1), CellState(cell=2, status="not_run"))
    root = check_as_jenkins_does(junit(result_of("", status="cancelled", exit_code=5, error=fault, cells=cells)))
    assert [[child.tag for child in case] for case in root[0]] == [[], ["skipped"], ["error"]]
