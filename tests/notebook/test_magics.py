"""`%load_ext` and `%mlops` in a real IPython."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from mlops_ext.errors import MlopsError, NotFound
from mlops_ext.notebook import magics
from mlops_ext.records import Page
from mlops_ext.tracking import service
from mlops_ext.tracking.types import ListRuns, StartRun
from mlops_ext.workspace import Workspace
from tests.tracking.kernels import environment, kernel

pytestmark = pytest.mark.sqlite

HEAVY = (
    "pandas",
    "numpy",
    "sqlalchemy",
    "plotly",
    "pyarrow",
    "papermill",
    "pydantic",
    "tornado",
    "sklearn",
    "ipywidgets",
)


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    made = InteractiveShell.instance()
    made.history_manager.enabled = False
    yield made
    InteractiveShell.clear_instance()


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Any]]:
    """Stand in for the command line: it remembers what it was asked, lists runs and fails on demand."""
    asked: list[tuple[list[str], Any]] = []

    def invoke(arguments: list[str], variables: Any) -> Any:
        asked.append((arguments, variables))
        if "fail" in arguments:
            raise NotFound.of("model", "dely", ["delay"])
        return Workspace.find().call(service.list_, ListRuns())

    module = types.ModuleType("mlops_ext.cli.main")
    module.__dict__["invoke"] = invoke
    monkeypatch.setitem(sys.modules, "mlops_ext.cli.main", module)
    return asked


def test_loading_the_extension_imports_nothing_heavy(tmp_path: Path) -> None:
    code = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "mlops_ext")
import mlops_ext
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(IPYTHONDIR=str(tmp_path)), cwd=tmp_path,
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    greeting, loaded = done.stdout.strip().splitlines()
    assert greeting == f"mlops: no workspace yet; the first write makes one in {tmp_path}"
    assert not {name for name in json.loads(loaded) if name.partition(".")[0] in HEAVY}


def test_the_greeting_names_the_workspace_and_warns_when_two_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        (folder / "mlops.toml").write_text("version = 1\n")
    monkeypatch.chdir(one)
    monkeypatch.delenv("MLOPS_WORKSPACE", raising=False)
    assert magics.greeting() == f"mlops: workspace {one}"
    monkeypatch.setenv("MLOPS_WORKSPACE", str(one / ".mlops"))
    (one / ".mlops").mkdir()
    assert magics.greeting() == f"mlops: workspace {one}"
    monkeypatch.setenv("MLOPS_WORKSPACE", str(other))
    assert (
        magics.greeting()
        == f"mlops: workspace {other}, from MLOPS_WORKSPACE; but this folder belongs to the workspace {one}"
    )
    monkeypatch.setenv("MLOPS_WORKSPACE", str(tmp_path / "gone"))
    assert "does not exist" in magics.greeting()


def test_the_magic_runs_the_command_with_the_variables_and_gives_the_record(
    workspace: Workspace, shell: InteractiveShell, commands: list[tuple[list[str], Any]]
) -> None:
    workspace.call(service.start, StartRun(name="a"))
    magics.load(shell)
    shell.run_cell("flights = [1]")
    result = shell.run_cell("found = %mlops snapshot flights --name 'two words'")
    assert result.success
    arguments, variables = commands[0]
    assert arguments == ["snapshot", "flights", "--name", "two words"]
    assert variables["flights"] == [1]
    assert isinstance(shell.user_ns["found"], Page)
    assert result.result is None
    assert shell.run_cell("%mlops runs list").result.items[0].name == "a"


def test_an_error_is_one_sentence_and_its_remedy_and_fails_the_cell(
    workspace: Workspace, shell: InteractiveShell, commands: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    magics.load(shell)
    capsys.readouterr()
    result = shell.run_cell("%mlops fail")
    assert isinstance(result.error_in_exec, NotFound)
    printed = capsys.readouterr()
    assert (printed.out + printed.err).strip().splitlines() == ["mlops: no model named 'dely'", "Did you mean 'delay'?"]
    shell.run_cell("%mlops fail --traceback")
    assert "Traceback" in "".join(capsys.readouterr())
    assert commands[-1][0] == ["fail"]
    assert isinstance(shell.run_cell("%mlops say 'open").error_in_exec, MlopsError)
    assert "Traceback" not in "".join(capsys.readouterr())


def test_words_and_options_are_completed(workspace: Workspace, shell: InteractiveShell) -> None:
    from mlops_ext.notebook.completion import complete

    def offered(line: str) -> list[str]:
        symbol = "" if line.endswith(" ") else line.rsplit(maxsplit=1)[-1]
        return complete(shell, types.SimpleNamespace(text_until_cursor=line, symbol=symbol))

    assert "runs" in offered("%mlops ")
    assert offered("%mlops runs li") == ["list"]
    assert offered("%mlops runs list --sta") == ["--state", "--status"]
    assert offered("%mlops jobs su") == ["submit"]


def test_the_real_command_line_answers_the_magic(
    workspace: Workspace, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    run = workspace.call(service.start, StartRun(name="a"))
    magics.load(shell)
    capsys.readouterr()
    assert shell.run_cell(f"%mlops runs show {run.id}").result.name == "a"
    for line, expected in (
        ("runs show nothing", "no run 'nothing'"),
        ("rusn list", "rusn"),
        ("runs list --stauts x", "--stauts"),
    ):
        result = shell.run_cell(f"%mlops {line}")
        printed = "".join(capsys.readouterr())
        assert isinstance(result.error_in_exec, MlopsError)
        assert expected in printed
        assert "Traceback" not in printed


def test_a_kernel_shows_records_as_tables_and_as_text_when_display_is_minimal(workspace: Workspace) -> None:
    workspace.call(service.start, StartRun(name="trial"))
    with kernel() as cells:
        cells.run("%load_ext mlops_ext")
        show = "import mlops_ext.tracking.edge as edge; edge.runs()"
        rich = cells.run(show)["shown"][0]
        assert set(rich) == {"text/plain", "text/html"}
        assert "trial" in rich["text/plain"]
        assert "<table" in rich["text/html"]
        cells.run("import os; os.environ['MLOPS_DISPLAY'] = 'minimal'")
        assert set(cells.run(show)["shown"][0]) == {"text/plain"}
