"""Registering: a version with its number, or the latest again when it is the same model."""

from __future__ import annotations

import json
import math
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from mlops_ext.errors import Conflict, InvalidValue
from mlops_ext.models.lookup.references import number_row
from mlops_ext.models.lookup.rows import DETAILS, version_record
from mlops_ext.models.measures import Measures, check_measures, store_measures
from mlops_ext.models.tables import environment_locks, model_links, model_versions, models
from mlops_ext.models.types import Execution, ModelFile, ModelVersion, Register
from mlops_ext.operations import operation
from mlops_ext.records import new_id
from mlops_ext.refs import Number, Ref, check_name
from mlops_ext.store.catalog import Change
from mlops_ext.store.curation import check_text
from mlops_ext.store.hashing import canonical_json, digest_of
from mlops_ext.store.prepared import Prepared
from mlops_ext.workspace import Workspace

__all__ = ["Past", "checked", "content_digest", "enter", "model_to_register", "register"]

FORMAT = 1
MAX_BYTES = 4_000_000

# Built once: building a statement costs several times what running it does.
_MODEL = Prepared(select(models).where(models.c.name == bindparam("name")))
_LOCK = Prepared(select(environment_locks.c.digest).where(environment_locks.c.digest == bindparam("digest")))
_INSERT_MODEL, _INSERT_VERSION = Prepared(insert(models)), Prepared(insert(model_versions))
_INSERT_LOCK = Prepared(insert(environment_locks))
_MOVE_MODEL = Prepared(
    update(models)
    .where(models.c.id == bindparam("of_model"))
    .values(latest=bindparam("number"), highest=bindparam("number"), updated_at=bindparam("now"))
)


@dataclass(frozen=True)
class Past:
    """What another registry said of a version that comes from there.

    Attributes
    ----------
    number : int
        Its number, higher than any given here.
    created_at : datetime
        When it was made.
    told : dict
        What its event says of where it comes from.
    """

    number: int
    created_at: datetime
    told: dict[str, str]


@operation("models.register", "POST /models/{name}/versions", writes=True)
def register(ws: Workspace, request: Register) -> ModelVersion:
    """Register a model whose files are stored; an equal one is the version that there is already."""
    asked = checked(request)
    locked = "" if asked.lock is None else asked.lock.model_dump_json()

    def write(change: Change) -> ModelVersion:
        digest = content_digest(asked, change.algorithm)
        model = model_to_register(change, asked.name)
        latest = number_row(change, model.id, model.latest) if model is not None and model.latest else None
        if latest is not None and latest.digest == digest and not asked.new and not _cleaner(asked, latest):
            _link(change, latest, asked.run)
            return version_record(change, latest)
        lock = _lock_row(locked, change.algorithm) if locked else None
        return enter(change, model, asked, digest, lock)

    return ws.catalog.write(write)


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


def enter(
    change: Change,
    model: Row[Any] | None,
    asked: Register,
    digest: str,
    lock: dict[str, Any] | None,
    past: Past | None = None,
) -> ModelVersion:
    """Write a new version with the next number, or with the one that it had elsewhere, and its event."""
    model_id, number = (new_id(), 1) if model is None else (model.id, model.highest + 1)
    number, created_at = (past.number, past.created_at) if past else (number, change.now)
    if model is None:
        row = {"id": model_id, "name": asked.name, "description": "", "state": "active"} | dict.fromkeys(
            ("latest", "highest"), number
        )
        change.execute(_INSERT_MODEL, {**row, "created_at": change.now, "updated_at": change.now})
    else:
        change.execute(_MOVE_MODEL, {"of_model": model_id, "number": number, "now": change.now})
    if lock is not None:
        _store_lock(change, lock)
    details = asked.model_dump(mode="json", include=set(DETAILS), exclude_defaults=True)
    made = {
        "model_id": model_id,
        "version": number,
        "digest": digest,
        "flavor": asked.flavor,
        "run": asked.run,
        "lock_digest": None if lock is None else lock["digest"],
        "details": details,
        "description": asked.description,
        "state": "active",
        "created_at": created_at,
        "created_by": change.actor,
    }
    change.execute(_INSERT_VERSION, made)
    store_measures(change, model_id, number, Measures(asked.metrics, asked.parameters, asked.tags))
    change.name_blobs(f"model:{model_id}@{number}", _blobs(asked))
    change.event(
        "model.registered",
        f"model:{asked.name}@{number}",
        {**_event_data(asked, digest), **(past.told if past else {})},
    )
    return _record(asked, number, digest, change).model_copy(update={"created_at": created_at})


def _cleaner(asked: Register, latest: Row[Any]) -> bool:
    """Tell whether an equal model comes from code that can be run again, unlike the latest: that is worth a version."""
    known = latest.details.get("execution")
    former = None if known is None else Execution.model_validate(known)
    return bool(asked.execution and asked.execution.repeatable) and not (former and former.repeatable)


def _record(asked: Register, number: int, digest: str, change: Change) -> ModelVersion:
    """Give the record of what was just written, as reading it would."""
    shared = {name: getattr(asked, name) for name in ModelVersion.model_fields if name in Register.model_fields}
    for pairs in ("metrics", "parameters", "tags"):
        shared[pairs] = dict(sorted(shared[pairs].items()))
    return ModelVersion(**shared, version=number, digest=digest, created_at=change.now, created_by=change.actor)


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
        "notebook": asked.notebook or "",
        "execution": asked.execution.kind if asked.execution else "",
        "inputs": inputs,
    }


def model_to_register(change: Change, name: str) -> Row[Any] | None:
    """Give the model to register into, or None when it is new; an archived or deleted one takes no versions."""
    model: Row[Any] | None = change.execute(_MODEL, {"name": name}).one_or_none()
    if model is not None and model.state != "active":
        raise Conflict(
            f"the model {name!r} is {model.state} and takes no versions",
            hint=f"Bring it back: mlops models restore {name}, or choose another name",
        )
    return model


@lru_cache(maxsize=8)
def _lock_row(lock: str, algorithm: str) -> dict[str, Any]:
    """Hash a lock once for all versions that it surrounds: it names hundreds of packages."""
    content = json.loads(lock)
    return {"digest": digest_of(canonical_json(content), algorithm), "lock": content}


def _store_lock(change: Change, lock: dict[str, Any]) -> None:
    if change.execute(_LOCK, {"digest": lock["digest"]}).one_or_none() is None:
        change.execute(_INSERT_LOCK, lock)


def _blobs(asked: Register) -> list[str]:
    others = [asked.notebook, asked.git.diff if asked.git else None]
    return [*(file.digest for file in asked.files), *(each for each in others if each is not None)]


def checked(request: Register) -> Register:
    """Refuse what cannot be kept; give the rest in its one form."""
    paths = [_path(file) for file in request.files]
    for path in paths:
        if paths.count(path) > 1:
            raise InvalidValue(f"two files of the model go by {path!r}", hint="Give each its own path")
    size = len(request.model_dump_json())
    if size > MAX_BYTES:
        raise InvalidValue(
            f"the model's metadata has {size} bytes", hint=f"At most {MAX_BYTES} fit; log large things as artifacts"
        )
    check_measures(request)
    for name, share in request.importance.items():
        if not 0 <= share < math.inf:
            raise InvalidValue(f"the importance of {name!r} is {share}", hint="Give shares or gains of at least 0")
    check_text("description", request.description)
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
