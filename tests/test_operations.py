"""Declaring operations: what is wrong with a declaration is said when it is made."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mlops_ext.errors import NotFound
from mlops_ext.operations import OPERATIONS, find, operation
from mlops_ext.records import Record, Request
from mlops_ext.workspace import Workspace

pytestmark = pytest.mark.fast

HEAVY = ("pandas", "numpy", "sqlalchemy", "plotly", "tornado", "papermill", "pydantic", "pyarrow", "IPython", "click")


class Echo(Request):
    """What to say."""

    text: str


class Echoed(Record):
    """What was said."""

    text: str


@pytest.fixture(autouse=True)
def undeclared(monkeypatch):
    """Forget what a test declares."""
    before = dict(OPERATIONS)
    yield
    OPERATIONS.clear()
    OPERATIONS.update(before)


def declare(name: str = "tests.echo", route: str = "GET /echo/{text}", **flags: object):
    @operation(name, route, **flags)
    def echo(ws: Workspace, request: Echo) -> Echoed:
        """Say it again.

        More words.
        """
        return Echoed(text=request.text)

    return echo


def test_a_declaration_tells_all_that_the_doors_need(tmp_path):
    echo = declare()
    assert (echo.method, echo.path, echo.path_fields) == ("GET", "/echo/{text}", ("text",))
    assert (echo.command, echo.action, echo.summary) == (("tests", "echo"), "read", "Say it again.")
    assert (echo.request, echo.result) == (Echo, Echoed)
    assert find("tests.echo") is echo
    assert Workspace(tmp_path).call(echo, Echo(text="hm")) == Echoed(text="hm")


@pytest.mark.parametrize("flags", [{"writes": True}, {"telemetry": True}])
def test_what_changes_anything_asks_for_write(flags):
    assert declare(route="POST /echo", **flags).action == "write"


def test_two_operations_of_one_name_are_refused():
    declare()
    with pytest.raises(ValueError, match="twice"):
        declare()


@pytest.mark.parametrize(
    ("route", "told"), [("FETCH /echo", "unknown method"), ("GET /echo/{txet}", "not in the request")]
)
def test_a_wrong_route_is_refused_and_declares_nothing(route, told):
    with pytest.raises(ValueError, match=told):
        declare(route=route)
    assert "tests.echo" not in OPERATIONS


def test_an_operation_without_a_docstring_is_refused():
    with pytest.raises(ValueError, match="docstring"):

        @operation("tests.mute", "GET /mute")
        def mute(ws: Workspace, request: Echo) -> Echoed:
            return Echoed(text="")


def test_an_unknown_operation_names_the_nearest():
    declare()
    with pytest.raises(NotFound, match=r"tests\.echo"):
        find("tests.ehco")


def loaded_by(code: str) -> set[str]:
    """Name the modules that a fresh process has loaded after running code."""
    script = f"{code}\nimport sys; print('\\n'.join(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(answer.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    assert loaded_by("import mlops_ext").isdisjoint(HEAVY)


def test_every_name_of_the_notebooks_face_has_a_home():
    import mlops_ext

    assert set(mlops_ext._HOMES) == set(mlops_ext.__all__)
    assert set(mlops_ext.__all__) < set(dir(mlops_ext))
