"""Helpers of the registry's tests: a version from plain bytes, without any model library."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import select

from mlops_ext.models import service
from mlops_ext.models.promotion import edge as promoting
from mlops_ext.models.promotion.types import ApplyPolicy, Policy, Rollback
from mlops_ext.models.types import Execution, ModelFile, ModelVersion, Register
from mlops_ext.store.schema import events
from mlops_ext.workspace import Workspace


def file_of(ws: Workspace, content: bytes, path: str = "model.bin") -> ModelFile:
    return ModelFile(
        path=path, digest=ws.put_blob(content), sha256=hashlib.sha256(content).hexdigest(), size=len(content)
    )


def registered(ws: Workspace, name: str = "delay", content: bytes = b"one", **fields: Any) -> ModelVersion:
    files = fields.pop("files", None) or (file_of(ws, content),)
    fields = {"execution": Execution(kind="clean"), "flavor": "test"} | fields
    request = Register(name=name, files=files, **fields)
    return ws.call(service.register, request)


def promoted(ws: Workspace, ref: str, to: str = "production", comment: str = "") -> Any:
    return promoting.promote(ref, to, comment=comment, workspace=ws)


def rolled_back(ws: Workspace, ref: str = "delay@production", version: int | None = None) -> Any:
    return ws.call(service.rollback, Rollback(model=ref, version=version))


def applied(ws: Workspace, **gates: Any) -> None:
    ws.call(service.apply_policy, ApplyPolicy(policy=Policy(gates=gates)))


def actions(ws: Workspace) -> list[str]:
    with ws.catalog.read() as connection:
        return list(connection.execute(select(events.c.action).order_by(events.c.seq)).scalars())
