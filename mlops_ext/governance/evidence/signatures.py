"""Signatures over a version's files, as OpenSSF's model-signing makes and checks them: offline, with one's own key.

A signature is a blob that an event ties to its version. Private keys are read by who signs and stored nowhere.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Connection, select

from mlops_ext.errors import CheckRefused, InvalidValue, MissingExtra, NotFound
from mlops_ext.governance.evidence.types import AttachSignature, FilesSignature, ShowCard
from mlops_ext.governance.names import during, spans
from mlops_ext.models import service as models
from mlops_ext.models.loading import fetched
from mlops_ext.models.lookup.references import find_version
from mlops_ext.models.types import ModelVersion, ShowVersion
from mlops_ext.operations import operation
from mlops_ext.store import trail
from mlops_ext.store.catalog import Change
from mlops_ext.store.schema import event_data, events
from mlops_ext.workspace import Workspace

__all__ = ["VARIABLE", "NotSigned", "attach", "check_before_load", "newest_signature", "show", "sign", "verify"]

SIGNED = "model.signed"
VARIABLE = "MLOPS_MODEL_PUBLIC_KEY"


class NotSigned(CheckRefused):
    """A version has no signature over the files that it holds now."""

    code: ClassVar[str] = "not_signed"


@operation("governance.sign", "POST /model-versions/{model}/signatures", command="evidence attach", writes=True)
def attach(ws: Workspace, request: AttachSignature) -> FilesSignature:
    """Tie a signature over its files to a version; `mlops sign` makes one and does this."""

    def tie(change: Change) -> FilesSignature:
        row = find_version(change, request.model)
        ref = f"{row.name}@{row.version}"
        newest = _newest(change, row.name, row.version, row.digest)
        if newest is not None and newest.signature == request.signature:
            return newest
        change.name_blobs(f"model:{row.model_id}@{row.version}", [request.signature])
        data = {"digest": row.digest, "signature": request.signature, "public_key": request.public_key}
        change.event(SIGNED, f"model:{ref}", data)
        return _record(ref, data, change.now, change.actor)

    return ws.catalog.write(tie)


def newest_signature(ws: Workspace, version: ModelVersion) -> FilesSignature | None:
    """Give the newest signature over what a version holds."""
    with ws.catalog.read() as connection:
        return _newest(connection, version.name, version.version, version.digest)


@operation("governance.signature", "GET /model-versions/{model}/signature", command="evidence signature")
def show(ws: Workspace, request: ShowCard) -> FilesSignature:
    """Show the newest signature over what a version holds; `mlops verify` checks it."""
    version = ws.call(models.version, ShowVersion(model=request.model))
    found = newest_signature(ws, version)
    if found is None:
        raise NotSigned(f"{version.ref} is not signed", hint="Sign it: mlops sign")
    return found


def sign(ws: Workspace, ref: str, key: Path) -> FilesSignature:
    """Sign the files of a version.

    Parameters
    ----------
    ref : str
        Reference of the version.
    key : Path
        Private elliptic-curve key (P-256, P-384 or P-521) as PEM, which stays where it is.

    Raises
    ------
    InvalidValue
        The key cannot be read, or is of another kind.
    MissingExtra
        model-signing is not installed.
    """
    signing, _, hashing = _library()
    version = ws.call(models.version, ShowVersion(model=ref))
    public = _public_half(key)
    with fetched(ws, version) as folder, tempfile.TemporaryDirectory(prefix="mlops-") as scratch:
        target = Path(scratch) / "model.sig"
        config = signing.Config().use_elliptic_key_signer(private_key=str(key))
        config.set_hashing_config(_all_files(hashing)).sign(folder, target)
        blob = ws.put_blob(target.read_bytes())
    return ws.call(attach, AttachSignature(model=version.ref, signature=blob, public_key=public))


def verify(ws: Workspace, ref: str, public_key: Path) -> FilesSignature:
    """Check a version's newest signature with a key that is trusted, and its files against it.

    Parameters
    ----------
    public_key : Path
        PEM, from a place that the workspace's writers cannot change.

    Raises
    ------
    NotSigned
        There is no signature over what the version holds.
    CheckRefused
        It is of another key, or over other files.
    """
    version = ws.call(models.version, ShowVersion(model=ref))
    found = _found(ws, version)
    with fetched(ws, version) as folder:
        _check(ws, version, found, public_key, folder)
    return found


def check_before_load(ws: Workspace, version: ModelVersion, folder: Path) -> None:
    """Refuse a load whose files have no signature that the trusted key checks; policy names it `signature`.

    The trusted key is the PEM that the variable MLOPS_MODEL_PUBLIC_KEY names.

    Raises
    ------
    NotSigned
        There is no signature over what the version holds.
    CheckRefused
        It does not hold, or nobody said whose key is trusted.
    """
    trusted = os.environ.get(VARIABLE, "")
    if not trusted:
        raise CheckRefused(f"policy asks for a signature, and {VARIABLE} is not set", hint="Set it to the PEM's path")
    _check(ws, version, _found(ws, version), Path(trusted), folder)


def _found(ws: Workspace, version: ModelVersion) -> FilesSignature:
    found = ws.call(show, ShowCard(model=version.ref))
    if found.digest != version.digest:
        raise NotSigned(
            f"{version.ref} is signed over other files", hint=f"Sign it: mlops sign {version.ref} --key FILE"
        )
    return found


def _check(ws: Workspace, version: ModelVersion, found: FilesSignature, public_key: Path, folder: Path) -> None:
    _, verifying, hashing = _library()
    if not public_key.is_file():
        raise NotFound(f"no file {str(public_key)!r}", hint="Name the signer's public key, as PEM")
    with tempfile.TemporaryDirectory(prefix="mlops-") as scratch:
        bundle = Path(scratch) / "model.sig"
        bundle.write_bytes(ws.get_blob(found.signature))
        config = verifying.Config().use_elliptic_key_verifier(public_key=str(public_key))
        try:
            config.set_hashing_config(_all_files(hashing)).verify(folder, bundle)
        except Exception as error:
            # The library raises whatever its parsers and crypto raise; none of it may count as verified.
            raise CheckRefused(
                f"the signature of {version.ref} does not hold: {str(error) or type(error).__name__}",
                hint="Another key signed it, or its files are not those that were signed",
            ) from error


def _newest(reader: Connection | Change, name: str, version: int, digest: str) -> FilesSignature | None:
    joined = select(events.c.time, events.c.actor, event_data.c.data).join(
        event_data, event_data.c.seq == events.c.seq, isouter=True
    )
    named = during(spans(reader, name), version, events.c.subject, events.c.seq)
    for row in reader.execute(joined.where(named, events.c.action == SIGNED).order_by(events.c.seq.desc())):
        data = trail.decoded(row.data)
        if data.get("digest") == digest:
            return _record(f"{name}@{version}", data, row.time, row.actor)
    return None


def _record(ref: str, data: dict[str, Any], at: Any, by: str) -> FilesSignature:
    return FilesSignature(model=ref, **data, signed_at=at, signed_by=by)


def _public_half(key: Path) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except OSError as error:
        raise InvalidValue(f"cannot read {key}: {error.strerror}", hint="Name a private key as PEM") from error
    except (ValueError, TypeError) as error:
        raise InvalidValue(f"{key} holds no key that can be read", hint="Write PEM, not encrypted") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise InvalidValue(f"{key} holds no elliptic-curve key", hint="openssl ecparam -name prime256v1 -genkey -noout")
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def _all_files(hashing: Any) -> Any:
    """Hash every file; left alone, the library would pass over what git keeps."""
    return hashing.Config().set_ignored_paths(paths=[], ignore_git_paths=False)


def _library() -> tuple[Any, Any, Any]:
    try:
        from model_signing import hashing, signing, verifying
    except ImportError as error:
        raise MissingExtra.of(error.name or "model-signing", "model-signing") from error
    return signing, verifying, hashing
