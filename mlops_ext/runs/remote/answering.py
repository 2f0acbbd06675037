"""Answering: what a process elsewhere asks of the workspace is done here, and what goes wrong is told it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeAlias

from pydantic import ValidationError

from mlops_ext.errors import Conflict, MlopsError
from mlops_ext.operations import find
from mlops_ext.workspace import Workspace

__all__ = ["Answer", "answer", "guarded"]

Answer: TypeAlias = tuple[dict[str, Any], bytes]
_SAME_RELEASE = "Use the same release at both ends"
log = logging.getLogger("mlops_ext.runs")


def guarded(answering: Callable[[], Answer]) -> Answer:
    """Give an answer, or as the answer what went wrong, whatever it is: who asked would wait for another in vain."""
    try:
        return answering()
    except MlopsError as error:
        return _failure_of(error), b""
    except ValidationError as error:
        fault = error.errors()[0]
        named = ".".join(str(each) for each in fault["loc"])
        said = f"{error.title}.{named} of the run elsewhere is not understood here: {fault['msg'].lower()}"
        return _failure_of(Conflict(said, hint=_SAME_RELEASE)), b""
    except Exception as error:
        log.exception("what a run elsewhere asked could not be done")
        return _failure_of(MlopsError(f"the workspace failed: {error!r}", hint="See the log of who runs the job")), b""


def answer(ws: Workspace, told: dict[str, Any], data: bytes) -> Answer:
    """Do what a process elsewhere asks of the workspace here: an operation, or a blob to be put or got."""
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
    raise Conflict(f"nobody knows how to do {told['do']!r}", hint=_SAME_RELEASE)


def _failure_of(error: MlopsError) -> dict[str, Any]:
    """Write an error so that the other end can raise it."""
    return {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
