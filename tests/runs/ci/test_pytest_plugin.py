"""`pytest --mlops-notebooks`: one case a cell, and nothing at all without the option."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree as ET

from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook


def test_each_cell_is_a_case(ws: Workspace) -> None:
    write_notebook(ws.root / "nb" / "bad.ipynb", ("month = 1", "parameters"), "#md # Told", "assert month < 2", "1")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", ".", "nb"]
    options = ["--mlops-notebooks", "--mlops-parameter", "month", "3", "--junitxml", "j.xml"]
    ended = subprocess.run([*command, *options], cwd=ws.root, capture_output=True, text=True, check=False, timeout=200)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    cases = ET.parse(ws.root / "j.xml").getroot()[0].findall("testcase")
    assert [(case.attrib["name"], [child.tag for child in case]) for case in cases] == [
        ("cell 1", []),
        ("cell 2", ["failure"]),
        ("cell 3", ["skipped"]),
        ("notebook", []),
    ]
    assert "AssertionError" in ended.stdout
    assert "assert month < 2" in ended.stdout
    assert "runtest" not in ended.stdout, "the plug-in's own frames are no news"
    without = subprocess.run(command, cwd=ws.root, capture_output=True, text=True, check=False, timeout=100)
    assert "no tests ran" in without.stdout


def test_outputs_are_left_out_and_a_parameter_that_fits_nothing_is_refused(ws: Workspace) -> None:
    for name in ("a.ipynb", "runs/a-1.ipynb", ".hidden/b.ipynb"):
        write_notebook(ws.root / name, ("month = 1", "parameters"))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", ".", "-q"]

    def collected(*options: str) -> tuple[int, list[str], str]:
        words = [*command, "--mlops-notebooks", "--collect-only", *options]
        ended = subprocess.run(words, cwd=ws.root, capture_output=True, text=True, check=False, timeout=100)
        found = [line for line in ended.stdout.splitlines() if "::notebook" in line]
        return ended.returncode, found, ended.stdout + ended.stderr

    assert collected("--mlops-parameter", "month", "2")[:2] == (0, ["a.ipynb::notebook"])
    assert collected("runs")[1] == ["runs/a-1.ipynb::notebook"], "named, it is meant"
    code, _, said = collected("--mlops-parameter", "mont", "2")
    assert code == 4
    assert "no notebook declares the parameter 'mont'. Known: month" in said
