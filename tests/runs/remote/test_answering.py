"""What a run elsewhere asks is answered whatever happens, since nobody else would tell it."""

from __future__ import annotations

from typing import Any

import pytest

from mlops_ext.runs.remote.answering import answer, guarded
from mlops_ext.workspace import Workspace


@pytest.mark.fast
@pytest.mark.parametrize(
    ("told", "code", "says"),
    [
        ({"do": "fly"}, "conflict", "nobody knows how to do 'fly'"),
        ({"do": "get", "digest": "b3:" + "0" * 64}, "not_found", "0000"),
        ({"do": "call", "operation": "datasets.fly", "request": "{}"}, "not_found", "datasets.fly"),
        ({"do": "call", "operation": "datasets.list", "request": '{"novel": 1}'}, "conflict", "ListDatasets.novel"),
        ({"do": "get"}, "error", "KeyError('digest')"),
    ],
)
def test_what_goes_wrong_is_the_answer(ws: Workspace, told: dict[str, Any], code: str, says: str) -> None:
    ws.ensure()
    answered, data = guarded(lambda: answer(ws, told, b""))
    assert (answered["error"]["code"], data) == (code, b"")
    assert says in answered["error"]["message"]
    assert answered["error"]["hint"]


@pytest.mark.fast
def test_what_is_asked_is_done(ws: Workspace) -> None:
    put, _ = guarded(lambda: answer(ws, {"do": "put"}, b"content"))
    assert guarded(lambda: answer(ws, {"do": "get", "digest": put["digest"]}, b"")) == ({}, b"content")
