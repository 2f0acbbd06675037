"""Artifacts on their way: one file at a time through the disk, its digest taken from what arrived."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from mlops_ext.errors import DamagedBlob, InvalidValue, NotFound
from mlops_ext.models.importing.ledger import Ledger
from mlops_ext.models.importing.mlflow import RemoteFile
from mlops_ext.models.loading import sha256_of
from mlops_ext.tracking import entries
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import Artifact, LogRun, Run

__all__ = ["bring_files", "brought", "download", "folders_of", "pieces"]

T = TypeVar("T")
_FILES = 50


def folders_of(run: Any, models: Sequence[Any]) -> list[tuple[str, str]]:
    """Give the folders of a run and of the models that it logged, each with what stands before its paths here."""
    return [
        (run.info.artifact_uri, ""),
        *((model.artifact_location, f"models/{model.model_id}/") for model in models),
    ]


def bring_files(ledger: Ledger, opened: Run, run: Any, models: Sequence[Any]) -> None:
    """Bring over what a run and its models keep; what came before is checked by size and digest, and stays."""
    for model in models:
        data = json.dumps(_told(model), ensure_ascii=False, indent=1, sort_keys=True).encode()
        about = Artifact(path=f"models/{model.model_id}.json", digest=ledger.ws.put_blob(data), size=len(data))
        ledger.ws.call(tracking.log, LogRun(run=opened.id, artifacts=(about,)))
        ledger.count("logged_model", new=1)
    held = {each.path: each for each in opened.artifacts}
    for folder, prefix in folders_of(run, models):
        files = ledger.store.files(folder)
        ledger.count("artifact", len(files))
        missing = [each for each in files if not _is_here(ledger, held.get(prefix + each.path), each)]
        ledger.known["artifact"] += len(files) - len(missing)
        ledger.arrived(sum(each.size or 0 for each in files) - sum(each.size or 0 for each in missing))
        for some in pieces(brought(ledger, folder, missing, prefix), _FILES):
            _keep(ledger, opened, some)


def pieces(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut what comes into lists of a size."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def _is_here(ledger: Ledger, mine: Artifact | None, file: RemoteFile) -> bool:
    if mine is None or mine.size != file.size:
        return False
    try:
        ledger.ws.blob_path(mine.digest)
    except (DamagedBlob, NotFound):
        return False
    return True


def _keep(ledger: Ledger, opened: Run, some: Sequence[Artifact]) -> None:
    kept = []
    for each in some:
        try:
            entries.check(LogRun(run=opened.id, artifacts=(each,)))
        except InvalidValue as refusal:
            ledger.leave("artifact", f"artifact {each.path!r} of run {opened.id}", refusal.message)
        else:
            kept.append(each)
    ledger.ws.call(tracking.log, LogRun(run=opened.id, artifacts=tuple(kept)))
    ledger.new["artifact"] += len(kept)


def _told(model: Any) -> dict[str, Any]:
    """Give what MLflow says of a logged model."""
    return {
        "model_id": model.model_id,
        "name": model.name,
        "model_type": model.model_type,
        "status": str(getattr(model.status, "value", model.status)),
        "created": model.creation_timestamp,
        "tags": dict(model.tags or {}),
        "params": dict(model.params or {}),
        "metrics": [[each.key, str(each.value), each.step, each.timestamp] for each in model.metrics or ()],
    }


def brought(ledger: Ledger, folder: str, files: list[RemoteFile], prefix: str = "") -> Iterator[Artifact]:
    """Bring files over one by one; each is checked to be in the store as it arrived.

    Raises
    ------
    DamagedBlob
        A file has another size than the source says, or came out of the store changed.
    """
    for file in files:
        with tempfile.TemporaryDirectory(prefix="mlops-") as scratch:
            path = download(ledger, folder, file, Path(scratch))
            digest, sent = ledger.ws.put_blob(path), sha256_of(path)
            size = path.stat().st_size
        if sha256_of(ledger.ws.blob_path(digest)) != sent:
            raise DamagedBlob(
                f"{file.path} of {folder} came out of the store changed", hint="Check the disk, then import again"
            )
        ledger.bytes += size
        ledger.arrived(size)
        yield Artifact(path=f"{prefix}{file.path}", digest=digest, size=size)


def download(ledger: Ledger, folder: str, file: RemoteFile, scratch: Path) -> Path:
    """Copy one file to the disk and check its size.

    Raises
    ------
    DamagedBlob
        It has another size than the source says.
    """
    path = ledger.store.fetch(folder, file.path, scratch)
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        raise DamagedBlob(f"{file.path} of {folder} has {size} bytes, not {file.size}", hint="Import again")
    return path
