"""Two versions side by side: each thing that differs is named once, and nothing that does not."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

import mlops_ext as mlops
from mlops_ext.errors import DamagedBlob, InvalidValue, NotFound
from mlops_ext.models import service
from mlops_ext.models.comparison import MAX_LINES, CompareVersions, VersionComparison
from mlops_ext.models.types import EnvironmentLock, Field_, GitState, Signature
from mlops_ext.workspace import Workspace
from tests.models.support import file_of, registered

pytestmark = pytest.mark.sqlite


def compared(ws: Workspace, before: str, after: str) -> VersionComparison:
    return ws.call(service.compare, CompareVersions(model=before, other=after))


def differing(found: VersionComparison) -> dict[tuple[str, str], tuple[str, str]]:
    return {(each.about, each.name): (each.before, each.after) for each in found.differences}


def notebook(ws: Workspace, *cells: str) -> str:
    written = [{"cell_type": "markdown", "source": "# never compared"}]
    written += [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    return ws.put_blob(json.dumps({"cells": written}).encode())


def lock(**packages: str) -> EnvironmentLock:
    return EnvironmentLock(python="3.11.7", platform="Linux", packages=packages)


def test_equal_versions_differ_in_nothing(workspace: Workspace) -> None:
    fields: dict[str, Any] = {"metrics": {"auc": float("nan")}, "parameters": {"a": "1"}, "lock": lock(numpy="2.0")}
    registered(workspace, **fields)
    registered(workspace, new=True, **fields)
    found = compared(workspace, "delay@1", "delay@2")
    assert found == VersionComparison(before="delay@1", after="delay@2", same_content=True)


def test_every_recorded_difference_is_named_once(workspace: Workspace) -> None:
    registered(
        workspace,
        metrics={"auc": 0.7, "old": 1.0},
        parameters={"depth": "3", "same": "1"},
        signature=Signature(inputs=(Field_(name="x", type="int64"),)),
        lock=lock(numpy="2.0", gone="1"),
        git=GitState(commit="a" * 40, branch="main"),
    )
    registered(
        workspace,
        content=b"two",
        metrics={"auc": 0.8},
        parameters={"depth": "4", "same": "1", "new": '""'},
        signature=Signature(inputs=(Field_(name="x", type="float64"),), outputs=(Field_(name="y", type="bool"),)),
        lock=EnvironmentLock(python="3.12.1", platform="Linux", packages={"numpy": "2.1", "came": "1"}),
        git=GitState(commit="b" * 40, branch="main", dirty=True),
    )
    found = compared(workspace, "delay@1", "delay")
    one, two = (file_of(workspace, content).digest for content in (b"one", b"two"))
    assert differing(found) == {
        ("parameter", "depth"): ("3", "4"),
        ("parameter", "new"): ("", '""'),
        ("metric", "auc"): ("0.7", "0.8"),
        ("metric", "old"): ("1.0", ""),
        ("signature", "input x"): ("int64", "float64"),
        ("signature", "output y"): ("", "bool"),
        ("environment", "python"): ("3.11.7", "3.12.1"),
        ("package", "numpy"): ("2.0", "2.1"),
        ("package", "gone"): ("1", ""),
        ("package", "came"): ("", "1"),
        ("code", "commit"): ("a" * 40, "b" * 40),
        ("code", "uncommitted changes"): ("no", "yes"),
        ("file", "model.bin"): (one, two),
    }
    assert not found.same_content
    back = compared(workspace, "delay", "delay@1")
    assert {key: sides[::-1] for key, sides in differing(back).items()} == differing(found)


def test_data_differs_by_version_and_by_column(workspace: Workspace) -> None:
    mlops.snapshot(pd.DataFrame({"x": [1], "gone": [1]}), "flights", workspace=workspace)
    mlops.snapshot(pd.DataFrame({"x": [1.5], "came": ["a"]}), "flights", workspace=workspace)
    registered(workspace, inputs=("flights@1", "dataset:missing@1"))
    registered(workspace, inputs=("flights@2", "dataset:missing@2", "other@1"))
    found = compared(workspace, "delay@1", "delay@2")
    assert differing(found) == {
        ("input", "dataset:flights"): ("@1", "@2"),
        ("input", "dataset:missing"): ("@1", "@2"),
        ("input", "dataset:other"): ("", "@1"),
        ("schema", "flights.x"): ("int64", "float64"),
        ("schema", "flights.gone"): ("int64", ""),
        ("schema", "flights.came"): ("", found.of("schema")[0].after),
    }
    assert found.notes == ("columns of dataset:missing were not compared: no dataset named 'missing'",)


def test_code_cells_and_uncommitted_changes_are_compared_line_by_line(workspace: Workspace) -> None:
    patches = [workspace.put_blob(text.encode()) for text in ("-a\n+b\n", "-a\n+c\n")]
    for number, cells in enumerate((("x = 1\ny = 2", "fit(x)"), ("x = 1\ny = 3", "fit(x)"))):
        git = GitState(commit="a" * 40, dirty=True, diff=patches[number])
        registered(workspace, content=bytes([number]), notebook=notebook(workspace, *cells), git=git)
    found = compared(workspace, "delay@1", "delay@2")
    changed = [line for line in found.notebook_diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed == ["-y = 2", "+y = 3"]
    assert [line for line in found.uncommitted_diff.splitlines() if line in ("-+b", "++c")] == ["-+b", "++c"]
    assert found.notebook_diff.startswith("--- delay@1\n+++ delay@2\n")


def test_hostile_code_is_shown_inert(workspace: Workspace) -> None:
    for number, cell in enumerate(("1", "'</pre><script>alert(1)</script>'")):
        registered(
            workspace, content=bytes([number]), notebook=notebook(workspace, cell), parameters={"<b>": str(number)}
        )
    shown = compared(workspace, "delay@1", "delay@2")._repr_html_()
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "&lt;script&gt;" in shown


def test_what_cannot_be_compared_is_said(workspace: Workspace) -> None:
    registered(workspace, notebook=notebook(workspace, "1"))
    registered(workspace, content=b"two")
    registered(workspace, content=b"three", notebook=workspace.put_blob(b"[]"))
    registered(workspace, content=b"four", notebook=notebook(workspace, "\n".join(map(str, range(MAX_LINES)))))
    assert compared(workspace, "delay@1", "delay@2").notes == ("code was not compared: delay@2 has no notebook",)
    with pytest.raises(InvalidValue, match="is no notebook"):
        compared(workspace, "delay@1", "delay@3")
    assert "are too many to compare" in compared(workspace, "delay@1", "delay@4").notebook_diff
    with pytest.raises(NotFound):
        compared(workspace, "delay@1", "delay@9")


def test_a_tampered_notebook_is_named_and_not_shown(workspace: Workspace) -> None:
    first = notebook(workspace, "1")
    registered(workspace, notebook=first)
    registered(workspace, content=b"two", notebook=notebook(workspace, "2"))
    path = workspace.blob_path(first)
    path.chmod(0o600)
    path.write_bytes(b"{}")
    with pytest.raises(DamagedBlob):
        compared(workspace, "delay@1", "delay@2")


def test_versions_of_two_models_compare_as_those_of_one(workspace: Workspace) -> None:
    registered(workspace, parameters={"a": "1"})
    registered(workspace, name="other", parameters={"a": "2"})
    found = compared(workspace, "delay", "model:other@1")
    assert (found.before, found.after, found.same_content) == ("delay@1", "other@1", True)
    assert differing(found) == {("parameter", "a"): ("1", "2")}
