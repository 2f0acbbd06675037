"""Answering: what a process elsewhere asks of the workspace is done here."""

from __future__ import annotations

from typing import Any

from mlops_ext.errors import Conflict, MlopsError
from mlops_ext.operations import find
from mlops_ext.workspace import Workspace

__all__ = ["answer", "failure_of"]


def answer(ws: Workspace, told: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """Do what a process elsewhere asks of the workspace here: an operation, or a blob to be put or got."""
    try:
        if told["do"] == "call":
            operation = find(told["operation"])
            asked = operation.request.model_validate_json(told["request"])
            return {"result": ws.call(operation, asked).model_dump_json(by_alias=True)}, b""
        if told["do"] == "put":
            return {"digest": ws.put_blob(data)}, b""
        if told["do"] == "get":
            return {}, ws.get_blob(told["digest"])
        if told["do"] == "algorithm":
            return {"algorithm": ws.algorithm}, b""
        raise Conflict(f"nobody knows how to do {told['do']!r}", hint="Use the same release at both ends")
    except MlopsError as error:
        return failure_of(error), b""


def failure_of(error: MlopsError) -> dict[str, Any]:
    """Write an error so that the other end can raise it."""
    return {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
