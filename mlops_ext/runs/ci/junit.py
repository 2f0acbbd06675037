"""JUnit: one suite a notebook, one case a code cell, as Jenkins' schema has it and every CI reads it."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from mlops_ext.junit import clean, count, document
from mlops_ext.runs.ci.types import CheckedNotebook, CiResult, Expectation

__all__ = ["junit"]

_LONGEST = 100


def junit(result: CiResult) -> bytes:
    """Write the result as JUnit XML."""
    root = ET.Element("testsuites", name="mlops ci")
    for notebook in result.notebooks:
        _suite(root, notebook)
    if result.expectations:
        _expectations(root, result.expectations)
    return document(root, result.seconds)


def _suite(root: ET.Element, notebook: CheckedNotebook) -> None:
    suite = ET.SubElement(root, "testsuite", name=clean(notebook.notebook))
    cases = [_cell(suite, notebook, number) for number in range(1, len(notebook.sources) + 1)]
    at = notebook.error.cell if notebook.error else 0
    if notebook.exit_code and not any(case.find("failure") is not None for case in cases if at):
        # What no cell is to blame for: it could not be started, was cancelled, or took too long.
        case = ET.SubElement(suite, "testcase", classname=clean(notebook.notebook), name="notebook", time="0.000")
        fault = notebook.error
        said = clean(fault.message if fault else notebook.status)
        ET.SubElement(case, "error", type=clean(notebook.status), message=said.partition("\n")[0]).text = said
    count(suite)
    suite.set("time", f"{notebook.seconds:.3f}")
    suite.set("timestamp", notebook.started)
    suite.set("hostname", socket.gethostname())


def _cell(suite: ET.Element, notebook: CheckedNotebook, number: int) -> ET.Element:
    state = next((each for each in notebook.cells if each.cell == number), None)
    source = notebook.sources[number - 1]
    title = next((line.strip() for line in source.splitlines() if line.strip()), "(empty)")
    name = f"cell {number}: {clean(title)[:_LONGEST]}"
    seconds = state.seconds if state and state.seconds is not None else 0.0
    case = ET.SubElement(suite, "testcase", classname=clean(notebook.notebook), name=name, time=f"{seconds:.3f}")
    fault = notebook.error
    if state is None or state.status == "not_run":
        ET.SubElement(case, "skipped", message="not run")
    elif state.status in ("failed", "interrupted"):
        kind, message = (fault.type, fault.message) if fault and fault.cell == number else (state.status, state.status)
        line = f", line {fault.line}" if fault and fault.cell == number and fault.line else ""
        failure = ET.SubElement(case, "failure", type=clean(kind), message=clean(message).partition("\n")[0])
        cause = f"\ncaused by {fault.cause}" if fault and fault.cell == number and fault.cause else ""
        failure.text = clean(f"{kind}: {message}{cause}\n\ncell {number}{line}:\n{source}")
    return case


def _expectations(root: ET.Element, expectations: Sequence[Expectation]) -> None:
    suite = ET.SubElement(root, "testsuite", name="expectations")
    for each in expectations:
        name = f"{each.expected} ({each.notebook})" if each.notebook else each.expected
        case = ET.SubElement(suite, "testcase", classname="expectations", name=clean(name), time="0.000")
        if not each.passed:
            ET.SubElement(case, "failure", type="expectation", message=clean(each.message)).text = clean(each.message)
    count(suite)
    suite.set("time", "0.000")
