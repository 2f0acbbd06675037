"""Candidates: what a run that makes a version again would have registered, kept with the run and nowhere else."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from mlops_ext.datasets.again import FirstTime
from mlops_ext.datasets.used import pin_again
from mlops_ext.models.registration import checked, content_digest
from mlops_ext.models.types import ModelVersion, Register
from mlops_ext.records import now
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import Artifact, Run, ShowRun

if TYPE_CHECKING:
    from mlops_ext.tracking.active import ActiveRun
    from mlops_ext.workspace import Workspace

__all__ = ["candidates_of", "capture", "version_of"]

_FOLDER = "candidates/"
_captured = itertools.count(1)


def capture(ws: Workspace, request: Register, run: ActiveRun, first: FirstTime) -> ModelVersion:
    """Keep with the run what would have been registered, and answer as registering did the first time."""
    asked = checked(request)
    content = asked.model_dump_json().encode()
    path = f"{_FOLDER}{next(_captured):03}-{asked.name}.json"
    run.log(artifacts=(Artifact(path=path, digest=ws.put_blob(content), size=len(content)),))
    version = version_of(ws, asked, first.made.get(f"model:{asked.name}", 0))
    pin_again(f"model:{version.ref}")
    return version


def candidates_of(ws: Workspace, run: str, name: str) -> list[Register]:
    """Give what a run would have registered by a name, in order."""
    found: Run = ws.call(tracking.show, ShowRun(run=run))
    kept = sorted((each.path, each.digest) for each in found.artifacts if each.path.startswith(_FOLDER))
    asked = [Register.model_validate_json(ws.get_blob(digest)) for _, digest in kept]
    return [each for each in asked if each.name == name]


def version_of(ws: Workspace, request: Register, number: int) -> ModelVersion:
    """Give the record that a candidate would have as a version; it is written nowhere."""
    shared = {name: getattr(request, name) for name in ModelVersion.model_fields if name in Register.model_fields}
    return ModelVersion(
        **shared,
        version=number,
        digest=content_digest(request, ws.algorithm),
        created_at=now(),
        created_by=ws.actor.name,
    )
