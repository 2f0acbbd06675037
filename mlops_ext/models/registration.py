"""Registering: a version with its number, or the latest again when it is the same model."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Row, insert, select, update

from mlops_ext.errors import InvalidValue
from mlops_ext.models.references import version_rows
from mlops_ext.models.rows import DETAILS, version_record
from mlops_ext.models.tables import environment_locks, model_links, model_versions, models
from mlops_ext.models.types import EnvironmentLock, ModelFile, ModelVersion, Register
from mlops_ext.operations import operation
from mlops_ext.records import new_id
from mlops_ext.refs import Number, Ref, check_name
from mlops_ext.store.catalog import Change
from mlops_ext.store.hashing import canonical_json, digest_of
from mlops_ext.workspace import Workspace

__all__ = ["content_digest", "register"]

FORMAT = 1
MAX_BYTES = 4_000_000
MAX_TEXT = 65_536


@operation("models.register", "POST /models/{name}/versions", writes=True)
def register(ws: Workspace, request: Register) -> ModelVersion:
    """Register a model whose files are stored; an equal one is the version that there is already."""
    asked = _checked(request)
    digest = content_digest(asked, ws.algorithm)
    lock = None if asked.lock is None else _lock_row(asked.lock, ws.algorithm)

    def enter(change: Change) -> ModelVersion:
        model = _model(change, asked)
        latest = None if model is None else _latest(change, model)
        if latest is not None and latest.digest == digest and not asked.new:
            _link(change, latest, asked.run)
            return version_record(change, latest)
        return _enter(change, model, asked, digest, lock)

    return ws.catalog.write(enter)


def content_digest(request: Register | ModelVersion, algorithm: str) -> str:
    """Hash what makes one model equal to another: flavor, files, signature and inputs."""
    content = {
        "format": FORMAT,
        "flavor": request.flavor,
        "files": sorted([file.path, file.digest] for file in request.files),
        "signature": request.signature.model_dump(mode="json"),
        "inputs": sorted(request.inputs),
    }
    return digest_of(canonical_json(content), algorithm)


def _enter(
    change: Change, model: Row[Any] | None, asked: Register, digest: str, lock: dict[str, Any] | None
) -> ModelVersion:
    if model is None:
        model_id, number = new_id(), 1
        row = {"id": model_id, "name": asked.name, "description": "", "latest": 1}
        change.execute(insert(models).values(**row, created_at=change.now, updated_at=change.now))
    else:
        model_id, number = model.id, model.latest + 1
        change.execute(update(models).where(models.c.id == model_id).values(latest=number, updated_at=change.now))
    if lock is not None:
        _store_lock(change, lock)
    change.execute(
        insert(model_versions).values(
            model_id=model_id,
            version=number,
            digest=digest,
            flavor=asked.flavor,
            run=asked.run,
            lock_digest=None if lock is None else lock["digest"],
            details=asked.model_dump(mode="json", include=set(DETAILS)),
            description=asked.description,
            created_at=change.now,
            created_by=change.actor,
        )
    )
    ref = f"model:{asked.name}@{number}"
    change.name_blobs(f"model:{model_id}@{number}", _blobs(asked))
    change.event("model.registered", ref, _event_data(asked, digest))
    row_made = change.execute(version_rows(model_id).where(model_versions.c.version == number)).one()
    return version_record(change, row_made)


def _link(change: Change, latest: Row[Any], run: str) -> None:
    """Remember that another run made the same model."""
    if not run or run == latest.run:
        return
    key = {"model_id": latest.model_id, "version": latest.version, "run": run}
    known = select(model_links.c.run).where(*(model_links.c[name] == value for name, value in key.items()))
    if change.execute(known).one_or_none() is not None:
        return
    change.execute(insert(model_links).values(**key, created_at=change.now))
    change.event("model.linked", f"model:{latest.name}@{latest.version}", {"inputs": [f"run:{run}"]})


def _event_data(asked: Register, digest: str) -> dict[str, Any]:
    inputs = [*asked.inputs, *([f"run:{asked.run}"] if asked.run else [])]
    return {
        "digest": digest,
        "flavor": asked.flavor,
        "files": {file.path: file.digest for file in asked.files},
        "metrics": asked.metrics,
        "git_commit": asked.git.commit if asked.git else "",
        "inputs": inputs,
    }


def _model(change: Change, asked: Register) -> Row[Any] | None:
    return change.execute(select(models).where(models.c.name == asked.name)).one_or_none()


def _latest(change: Change, model: Row[Any]) -> Row[Any]:
    return change.execute(version_rows(model.id).where(model_versions.c.version == model.latest)).one()


def _lock_row(lock: EnvironmentLock, algorithm: str) -> dict[str, Any]:
    content = lock.model_dump(mode="json")
    return {"digest": digest_of(canonical_json(content), algorithm), "lock": content}


def _store_lock(change: Change, lock: dict[str, Any]) -> None:
    known = select(environment_locks.c.digest).where(environment_locks.c.digest == lock["digest"])
    if change.execute(known).one_or_none() is None:
        change.execute(insert(environment_locks).values(lock))


def _blobs(asked: Register) -> list[str]:
    others = [asked.notebook, asked.git.diff if asked.git else None]
    return [*(file.digest for file in asked.files), *(each for each in others if each is not None)]


def _checked(request: Register) -> Register:
    paths = [_path(file) for file in request.files]
    for path in paths:
        if paths.count(path) > 1:
            raise InvalidValue(f"two files of the model go by {path!r}", hint="Give each its own path")
    size = len(request.model_dump_json())
    if size > MAX_BYTES:
        raise InvalidValue(
            f"the model's metadata has {size} bytes", hint=f"At most {MAX_BYTES} fit; log large things as artifacts"
        )
    if len(request.description) > MAX_TEXT or "\0" in request.description:
        raise InvalidValue("the description is too long or has a NUL", hint=f"At most {MAX_TEXT} characters fit")
    run = request.run.removeprefix("run:")
    return request.model_copy(
        update={
            "name": check_name(request.name),
            "flavor": check_name(request.flavor),
            "run": check_name(run) if run else "",
            "inputs": tuple(dict.fromkeys(_input(text) for text in request.inputs)),
        }
    )


def _path(file: ModelFile) -> str:
    """Refuse a path that could leave the folder that a model is loaded into."""
    path = PurePosixPath(unicodedata.normalize("NFC", file.path))
    wrong = path.is_absolute() or ".." in path.parts or str(path) != file.path or str(path) == "."
    if wrong or "\\" in file.path or ":" in file.path or not file.path.isprintable() or len(file.path) > 400:
        raise InvalidValue(
            f"a model's file cannot lie at {file.path!r}", hint="Write a relative path such as model.skops"
        )
    return file.path


def _input(text: str) -> str:
    """Give an input as a full reference to one version."""
    ref = Ref.parse(text)
    if not isinstance(ref.selector, Number):
        raise InvalidValue(f"the input {text!r} names no version", hint=f"Write a number, such as dataset:{ref.name}@1")
    return f"{ref.kind or 'dataset'}:{ref}"
