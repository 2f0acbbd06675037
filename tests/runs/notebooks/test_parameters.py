from __future__ import annotations

import ast
import datetime
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_ext.errors import InvalidValue
from mlops_ext.runs.notebooks.conversion import check, convert, jsonable
from mlops_ext.runs.notebooks.files import Notebook, read_notebook
from mlops_ext.runs.notebooks.parameters import parameters_of, source_of
from mlops_ext.runs.types import Parameter
from tests.runs.writing import write_notebook

pytestmark = pytest.mark.fast

DECLARING = """%matplotlib inline
month: int = 1  # up to this month
name: str | None = None
day: datetime.date = datetime.date(2013, 1, 31)
mode: Literal["fast", "slow"] = "fast"  # how
rates: dict[str, list[float]] = {"a": [0.1]}
needed: float
plain = -3  # type: int how many
with_hash = "#no comment"
a = b = 1
"""


def notebook_of(tmp_path: Path, *cells: Any) -> Notebook:
    return read_notebook(write_notebook(tmp_path / "nb.ipynb", *cells).read_bytes(), "nb.ipynb")


def declared(type_: str, default: str = "") -> list[Parameter]:
    return [Parameter(name="x", type=type_, default=default, value=ast.literal_eval(default) if default else None)]


def test_all_that_tagged_cells_declare_is_read(tmp_path: Path) -> None:
    notebook = notebook_of(tmp_path, (DECLARING, "parameters"), "other = 1", ("month: int = 2", "parameters"))
    found = {each.name: each for each in parameters_of(notebook, "nb")}
    assert list(found) == ["month", "name", "day", "mode", "rates", "needed", "plain", "with_hash", "a", "b"]
    assert found["month"].value == 2, "the last declaration counts, as it does when the cells run"
    assert found["name"].type == "str | None"
    assert (found["day"].default, found["day"].value) == ("datetime.date(2013, 1, 31)", None)
    assert (found["mode"].type, found["mode"].help) == ("Literal['fast', 'slow']", "how")
    assert found["rates"].value == {"a": [0.1]}
    assert (found["needed"].default, found["needed"].value) == ("", None)
    assert (found["plain"].type, found["plain"].value, found["plain"].help) == ("int", -3, "how many")
    assert found["with_hash"].help == ""


def test_a_tagged_cell_that_is_no_python_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="line 2"):
        parameters_of(notebook_of(tmp_path, ("a = 1\nb = (", "parameters")), "nb")


@pytest.mark.parametrize(
    ("type_", "given_", "wanted"),
    [
        ("str", "007", "007"), ("int", "2", 2), ("int", 2.0, 2), ("float", 1, 1.0), ("float", "1e5", 1e5),
        ("float", "Infinity", math.inf), ("bool", "true", True), ("str | None", None, None), ("int | None", "none", None),
        ("Optional[int]", "3", 3), ("int | str", "7", "7"), ("Literal[1, 2]", "2", 2), ("list[int]", "[1, 2]", [1, 2]),
        ("list[int]", ["1"], [1]), ("tuple[int, str]", [1, "a"], (1, "a")), ("dict[str, float]", '{"a": 1}', {"a": 1.0}),
        ("datetime.date", "2013-01-31", datetime.date(2013, 1, 31)), ("'int'", "4", 4), ("pd.Timestamp", "x", "x"),
        ("Annotated[int, 'months']", "5", 5), ("datetime.datetime", "2013-01-31T01:00:00Z",
         datetime.datetime(2013, 1, 31, 1, tzinfo=datetime.timezone.utc)),
    ],
)  # fmt: skip
def test_values_become_what_is_declared(type_: str, given_: Any, wanted: Any) -> None:
    result = convert({"x": given_}, declared(type_))["x"]
    assert result == wanted
    assert type(result) is type(wanted)


@pytest.mark.parametrize(
    ("type_", "wrong"),
    [("int", "1.5"), ("int", True), ("int", "two"), ("str", 7), ("bool", 1), ("float", "much"), ("int", None),
     ("Literal['a']", "b"), ("list[int]", ["a"]), ("tuple[int, int]", [1]), ("dict", "[]"), ("datetime.date", "31.1.")],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_by_name_and_value(type_: str, wrong: Any) -> None:
    with pytest.raises(InvalidValue, match="x = "):
        convert({"x": wrong}, declared(type_))


def test_an_undeclared_type_follows_the_default_only_for_text() -> None:
    assert convert({"x": "2"}, declared("", "1"))["x"] == 2
    assert convert({"x": 0.5}, declared("", "1"))["x"] == 0.5
    assert convert({"x": "007"}, declared("", "'1'"))["x"] == "007"


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidValue, match="'mont'") as caught:
        convert({"mont": 2}, [Parameter(name="month")])
    assert "'month'" in caught.value.hint


def test_a_missing_value_is_refused() -> None:
    with pytest.raises(InvalidValue, match="needs a value"):
        convert({}, declared("int"))


def test_values_for_an_untagged_notebook_are_refused_and_not_ignored(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="no effect") as caught:
        check(notebook_of(tmp_path, "x = 1"), "nb", {"x": 2})
    assert "tag" in caught.value.hint


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.datetimes() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=8,
)


@given(VALUES)
def test_every_value_reaches_the_kernel_exactly(value: Any) -> None:
    arrived: dict[str, Any] = {}
    exec(f"x = {source_of(value)}\n", arrived)
    assert repr(arrived["x"]) == repr(value)


@given(st.dictionaries(st.text(min_size=1), st.floats() | st.integers() | st.text() | st.none(), max_size=3))
def test_a_stored_value_converts_back_to_itself(value: dict[str, Any]) -> None:
    type_ = declared("dict[str, float | int | None | str]")
    stored = json.loads(json.dumps(jsonable(value), allow_nan=False))
    floats = {key for key, each in value.items() if isinstance(each, float) and not math.isfinite(each)}
    back = convert({"x": stored}, type_)["x"]
    assert {k: repr(v) for k, v in back.items() if k not in floats} == {
        k: repr(v) for k, v in value.items() if k not in floats
    }


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "empty"), (b"{", "no JSON"), (b"<<<<<<< ours\n{}\n>>>>>>> theirs", "merge markers"), (b"[]", "no nbformat"),
     (b'{"nbformat": 4}', "no valid notebook"), (b'{"nbformat": 2, "cells": []}', "format 2"),
     (b'{"nbformat": 4, "cells": [1]}', "no valid notebook"), (b"\xff\xfe", "no JSON")],
)  # fmt: skip
def test_what_is_no_notebook_is_said_in_one_sentence(data: bytes, said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        read_notebook(data, "nb.ipynb")


def test_a_notebook_of_format_3_is_read() -> None:
    sheet = {"cells": [{"cell_type": "code", "input": ["a = 1\n", "b"], "metadata": {"tags": ["parameters"]}}]}
    data = json.dumps({"nbformat": 3, "metadata": {}, "worksheets": [sheet]}).encode()
    assert [cell.source for cell in read_notebook(data, "old").code] == ["a = 1\nb"]
