"""Every operation has its command; requests are read from words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mlops_ext.cli.main import invoke
from mlops_ext.cli.options import request_of
from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Root
from mlops_ext.cli.words import EDGE, MODULES, TOPICS
from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.operations import OPERATIONS as DECLARED
from mlops_ext.records import Page
from mlops_ext.rooms import OPERATIONS


def run(*words: str) -> Any:
    return CliRunner().invoke(Root(()), list(words), obj=Session())


def squeezed(text: str) -> str:
    return "".join(text.split()).replace("-", "")


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=list(OPERATIONS))
def test_every_operation_has_a_command_whose_help_shows_its_summary(operation: Any) -> None:
    shown = run(*operation.command, "--help")
    assert shown.exit_code == 0, shown.output
    if operation.command in EDGE:
        return
    assert squeezed(operation.summary) in squeezed(shown.output)
    for name in operation.request.model_fields:
        word = name.upper() if name in operation.path_fields else f"--{name.replace('_', '-')}"
        assert word in shown.output


@pytest.mark.parametrize("words", EDGE, ids=" ".join)
def test_every_command_by_hand_has_help(words: tuple[str, ...]) -> None:
    shown = run(*words, "--help")
    assert shown.exit_code == 0, shown.output
    for option in ("--json", "--workspace", "--traceback", "--quiet"):
        assert option in shown.output


def test_the_table_of_first_words_is_complete() -> None:
    table = {word for topic in TOPICS.values() for word in topic}
    assert table == {each.command[0] for each in OPERATIONS.values()} | {words[0] for words in EDGE}


def test_the_table_of_modules_says_where_the_operations_of_each_first_word_lie() -> None:
    found: dict[str, set[str]] = {}
    for each in OPERATIONS.values():
        found.setdefault(each.command[0], set()).add(each.function.__module__.removeprefix("mlops_ext."))
    assert {word: set(modules) for word, modules in MODULES.items()} == found


def test_a_command_loads_no_other_room_and_nothing_heavy() -> None:
    code = "import sys; from mlops_ext.cli.tree import commands_of; commands_of('rollback'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "mlops_ext.models.promotion.history" in loaded
    for other in ("mlops_ext.monitoring", "mlops_ext.runs", "jupyter_client", "nbformat", "numpy", "pandas", "rich"):
        assert other not in loaded


@pytest.mark.deep
@pytest.mark.parametrize("word", MODULES)
def test_the_modules_of_each_first_word_can_be_loaded_alone(word: str) -> None:
    code = f"from mlops_ext.cli.tree import commands_of; print(len(commands_of({word!r})))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(told) >= 1


def test_no_two_operations_share_their_words() -> None:
    words = [each.command for each in OPERATIONS.values()]
    assert len(set(words)) == len(words)
    assert all(one == other[: len(one)] for one in words for other in words if one == other)
    assert OPERATIONS is DECLARED


def test_values_of_dictionaries_are_read_as_json_and_those_of_pairs_by_the_notebook() -> None:
    submit = OPERATIONS["jobs.submit"]
    pairs = {
        "notebook": "a.ipynb",
        "parameters": ("a=1", "b=x", '{"c": [1]}'),
        "parameters__pairs": (("d", "true"), ("e", "01")),
    }
    request = request_of(submit, pairs)
    assert request.parameters == {"a": 1, "b": "x", "c": [1], "d": "true", "e": "01"}  # type: ignore[attr-defined]
    with pytest.raises(InvalidValue, match="'oops'"):
        request_of(submit, {"notebook": "a.ipynb", "parameters": ("oops",)})


def test_lists_come_repeated_or_as_json() -> None:
    define = OPERATIONS["features.define"]
    given = {"name": "v", "dataset": "d", "entity": ("a", "b"), "time": "t", "features": ('["x", "y"]',)}
    request = request_of(define, given)
    assert (request.entity, request.features) == (("a", "b"), ("x", "y"))  # type: ignore[attr-defined]


def test_invoke_gives_the_record_and_raises_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_WORKSPACE", str(tmp_path))
    assert isinstance(invoke(["models", "list"]), Page)
    with pytest.raises(NotFound):
        invoke(["models", "show", "nobody"])
    with pytest.raises(InvalidValue, match="modles"):
        invoke(["modles"])


def test_invoke_snapshots_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    pandas = pytest.importorskip("pandas")
    monkeypatch.setenv("MLOPS_WORKSPACE", str(tmp_path))
    frame = pandas.DataFrame({"x": [1, 2]})
    version: Any = invoke(["snapshot", "df", "--name", "numbers", "--tag", "source=test"], {"df": frame})
    assert (version.ref, version.rows, version.tags) == ("numbers@1", 2, {"source": "test"})
    assert capsys.readouterr().out == ""
