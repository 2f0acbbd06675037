"""Loading a model: its files are checked against their digests, then by policy's verifiers, and only then read."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from mlops_ext.datasets.used import note, pinned
from mlops_ext.errors import DamagedBlob, InvalidValue, NotFound, StoreUnavailable
from mlops_ext.models import service
from mlops_ext.models.flavors import flavor_named
from mlops_ext.models.plugins import load_plugin
from mlops_ext.models.promotion import policy
from mlops_ext.models.signatures.enforcing import Enforced
from mlops_ext.models.types import ModelFile, ModelVersion, NoRequest, ShowVersion
from mlops_ext.workspace import Workspace

__all__ = ["VERIFIERS", "Verifier", "fetched", "load_model", "sha256_of"]

VERIFIERS = "mlops_ext.verifiers"


class Verifier(Protocol):
    """A check that policy asks of every load, found by the entry point group `mlops_ext.verifiers`."""

    def __call__(self, ws: Workspace, version: ModelVersion, folder: Path, /) -> None:
        """Raise an error when the files in the folder, whose digests are right, may not be read."""
        ...


def load_model(
    ref: str | ModelVersion,
    *,
    trust: Collection[str] = (),
    enforce: bool = False,
    workspace: Workspace | None = None,
) -> Any:
    """Load a model; every file is checked against its digest before anything is read from it.

    Parameters
    ----------
    ref : str or ModelVersion
        `delay`, `delay@3`, `delay@production`, `delay@champion`.
    trust : collection of str
        Names to trust beside the reviewed ones and those that the applied policy trusts; the version's
        `trust` lists what it needs.
    enforce : bool
        Give a wrapper that checks what it is asked against the signature: columns by name, in any order,
        and types, with casts that lose nothing.

    Returns
    -------
    object
        What was registered, of the same class (an ONNX model comes as an onnxruntime session); with
        `enforce` a wrapper that passes everything else on to it.

    Raises
    ------
    UntrustedModel
        It refers to what is neither reviewed nor trusted.
    DamagedBlob, StoreUnavailable
        A file differs from its digest or is gone; it is named.
    InvalidValue
        `enforce`, and the version has no signature.

    Examples
    --------
    >>> mlops.load_model("delay@production").predict(X)  # doctest: +SKIP
    """
    if isinstance(trust, str):
        raise InvalidValue(f"trust={trust!r} is one text", hint=f"Write trust=[{trust!r}]")
    ws = workspace or Workspace.find()
    version = ws.call(service.version, ShowVersion(model=pinned(ref, "model") if isinstance(ref, str) else ref.ref))
    note(f"model:{version.ref}")
    if enforce and not version.signature.inputs:
        raise InvalidValue(f"{version.ref} has no signature to enforce", hint="Register it with example=")
    rules = ws.call(policy.show, NoRequest()).policy
    with fetched(ws, version) as folder:
        for name in rules.verify:
            verifier: Verifier = load_plugin(VERIFIERS, name)
            verifier(ws, version, folder)
        model = flavor_named(version.flavor).load(folder, frozenset(trust) | frozenset(rules.trust))
    return Enforced(model, version.signature) if enforce else model


@contextmanager
def fetched(ws: Workspace, version: ModelVersion) -> Iterator[Path]:
    """Give a folder with checked copies of a version's files, for as long as the context lasts.

    Raises
    ------
    DamagedBlob, StoreUnavailable
        A file differs from its digest or is gone; it is named.
    """
    with tempfile.TemporaryDirectory(prefix="mlops-") as scratch:
        folder = Path(scratch)
        for file in version.files:
            _fetch(ws, version, file, folder)
        yield folder


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file in hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _fetch(ws: Workspace, version: ModelVersion, file: ModelFile, folder: Path) -> None:
    """Copy a file of a model into a folder and check the copy, which is what will be read."""
    target = folder / file.path
    if not target.resolve().is_relative_to(folder.resolve()):
        raise DamagedBlob(f"{version.ref} has a file outside its folder: {file.path!r}", hint="Do not trust this store")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(ws.blob_path(file.digest), target)
    except (DamagedBlob, NotFound, StoreUnavailable) as error:
        raise type(error)(f"{file.path} of {version.ref} cannot be read: {error.message}", hint=error.hint) from error
    if sha256_of(target) != file.sha256:
        raise DamagedBlob(f"{file.path} of {version.ref} has another SHA-256 than recorded", hint="Restore a backup")
