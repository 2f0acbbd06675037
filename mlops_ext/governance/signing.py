"""Signed heads: an Ed25519 signature over the trail's head, with a key that lies outside the workspace."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_ext.errors import CheckRefused, Conflict, InvalidValue, MissingExtra
from mlops_ext.governance.types import Head
from mlops_ext.store.hashing import canonical_json
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["check", "make_key", "public_key_of", "sign"]

FORMAT = 1
_SIGNED = ("workspace", "seq", "hash", "time")


def make_key(ws: Workspace, path: Path) -> str:
    """Make a private key in a new file that only its owner may read.

    Parameters
    ----------
    ws : Workspace
        Which must not hold the key.
    path : Path
        The new file.

    Returns
    -------
    str
        The public key, as base64; keep it where the workspace's writers cannot change it.

    Raises
    ------
    InvalidValue
        The path lies in the workspace's store.
    Conflict
        The file exists.
    """
    ed25519, serialization = _cryptography()
    place = _outside(ws, path)
    key = ed25519.Ed25519PrivateKey.generate()
    data = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Conflict(f"{place} exists", hint="Choose another file; a key is never overwritten") from error
    except OSError as error:
        raise InvalidValue(f"cannot write {place}: {error.strerror}", hint="Choose another folder") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return public_key_of(key)


def sign(ws: Workspace, head: Head, path: Path) -> Head:
    """Sign a head with the private key in a file outside the workspace.

    Raises
    ------
    InvalidValue
        The file is missing, lies in the workspace's store, or holds no Ed25519 key.
    """
    ed25519, serialization = _cryptography()
    place = _outside(ws, path)
    try:
        key = serialization.load_pem_private_key(place.read_bytes(), password=None)
    except OSError as error:
        raise InvalidValue(f"cannot read {place}: {error.strerror}", hint="Make one: mlops audit key FILE") from error
    except (ValueError, TypeError) as error:
        raise InvalidValue(f"{place} holds no key that can be read", hint="It must be PEM, not encrypted") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise InvalidValue(f"{place} holds no Ed25519 key", hint="Make one: mlops audit key FILE")
    signature = base64.b64encode(key.sign(_payload(head))).decode()
    return head.model_copy(update={"signature": signature, "public_key": public_key_of(key)})


def check(head: Head, public_key: str) -> None:
    """Check that a head was signed with a known key.

    Parameters
    ----------
    head : Head
        As it was kept.
    public_key : str
        The key that is trusted, as base64; the one inside the head proves nothing by itself.

    Raises
    ------
    CheckRefused
        There is no signature, or it is not of that key over these fields.
    """
    ed25519, _ = _cryptography()
    from cryptography.exceptions import InvalidSignature

    if not head.signature:
        raise CheckRefused("the head is not signed", hint="Sign it: mlops audit head --key FILE")
    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        signature = base64.b64decode(head.signature, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidValue(f"not an Ed25519 public key or signature: {error}", hint="Both are base64") from error
    try:
        key.verify(signature, _payload(head))
    except InvalidSignature as error:
        raise CheckRefused(
            f"the signature does not fit the head at event {head.seq}", hint="It was changed, or another key signed it"
        ) from error


def public_key_of(key: Ed25519PrivateKey) -> str:
    """Give the raw public key of a private one, as base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def _payload(head: Head) -> bytes:
    fields = head.model_dump(mode="json", include=set(_SIGNED))
    return canonical_json({"format": FORMAT, **fields})


def _outside(ws: Workspace, path: Path) -> Path:
    place = path.expanduser().resolve()
    if place.is_relative_to(ws.home.resolve()):
        raise InvalidValue(
            f"the key {place} lies in the workspace", hint="Keep it where the workspace's writers cannot read it"
        )
    return place


def _cryptography() -> tuple[Any, Any]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise MissingExtra.of("cryptography", "signing") from error
    return ed25519, serialization
