"""Signed heads: an Ed25519 signature over the trail's head, with a key that lies outside the workspace."""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mlops_ext.errors import CheckRefused, Conflict, InvalidValue, MissingExtra
from mlops_ext.governance.types import Head
from mlops_ext.models.plugins import load_plugin
from mlops_ext.store.hashing import canonical_json
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["FileSigner", "Signer", "check", "check_signature", "make_key", "sign", "signed", "signer"]

VARIABLE = "MLOPS_AUDIT_KEY"
SIGNERS = "mlops_ext.signers"
PLUGIN = "plugin:"
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
    return _base64(FileSigner(key).public_key)


def sign(ws: Workspace, head: Head, key: str | Path = "") -> Head:
    """Sign a head.

    Parameters
    ----------
    head : Head
        From `audit head`.
    key : str or Path, optional
        As `signer` takes it.
    """
    return signed(head, signer(ws, key))


def signed(head: Head, by: Signer) -> Head:
    """Give a head with its signature."""
    return head.model_copy(update={"signature": _base64(by.sign(_payload(head))), "public_key": _base64(by.public_key)})


def signer(ws: Workspace, key: str | Path = "") -> Signer:
    """Give what signs: a private key that the workspace does not hold.

    Parameters
    ----------
    ws : Workspace
        Which must not hold the key.
    key : str or Path, optional
        A file with an Ed25519 key as PEM; ``plugin:NAME`` for an entry point of the group `mlops_ext.signers`, such as
        a hardware key; the variable MLOPS_AUDIT_KEY when left out, which holds either of them or the PEM itself.

    Raises
    ------
    InvalidValue
        No key is given, or it is missing, lies in the workspace's store, or is no Ed25519 key.
    """
    text = str(key) or os.environ.get(VARIABLE, "")
    if not text:
        raise InvalidValue("no key to sign with", hint=f"Give --key FILE, or set {VARIABLE}; make one: mlops audit key")
    if text.startswith(PLUGIN):
        by: Signer = load_plugin(SIGNERS, text.removeprefix(PLUGIN))()
        return by
    if text.lstrip().startswith("-----BEGIN"):
        return FileSigner.read(text.encode(), VARIABLE)
    place = _outside(ws, Path(text))
    try:
        data = place.read_bytes()
    except OSError as error:
        raise InvalidValue(f"cannot read {place}: {error.strerror}", hint="Make one: mlops audit key FILE") from error
    return FileSigner.read(data, str(place))


class Signer(Protocol):
    """What signs heads and bundles; a plug-in of the group `mlops_ext.signers` is called without arguments to give it.

    Attributes
    ----------
    public_key : bytes
        The raw Ed25519 public key, 32 bytes.
    """

    @property
    def public_key(self) -> bytes: ...  # noqa: D102

    def sign(self, data: bytes, /) -> bytes:
        """Give the raw Ed25519 signature, 64 bytes."""
        ...


@dataclass(frozen=True)
class FileSigner:
    """Signs with a private key that was read into memory."""

    key: Ed25519PrivateKey

    @classmethod
    def read(cls, pem: bytes, source: str) -> FileSigner:
        """Read a key from PEM; `source` names it in an error."""
        ed25519, serialization = _cryptography()
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise InvalidValue(f"{source} holds no key that can be read", hint="Write PEM, not encrypted") from error
        if not isinstance(key, ed25519.Ed25519PrivateKey):
            raise InvalidValue(f"{source} holds no Ed25519 key", hint="Make one: mlops audit key FILE")
        return cls(key)

    @property
    def public_key(self) -> bytes:
        """The raw public key."""
        return bytes(self.key.public_key().public_bytes_raw())

    def sign(self, data: bytes, /) -> bytes:
        """Sign bytes."""
        return bytes(self.key.sign(data))


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
    if not head.signature:
        raise CheckRefused("the head is not signed", hint="Sign it: mlops audit head --key FILE")
    if not check_signature(head.signature, public_key, _payload(head)):
        raise CheckRefused(
            f"the signature does not fit the head at event {head.seq}", hint="It was changed, or another key signed it"
        )


def check_signature(signature: str, public_key: str, data: bytes) -> bool:
    """Tell whether a signature over data is of a public key; both are base64."""
    ed25519, _ = _cryptography()
    from cryptography.exceptions import InvalidSignature

    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidValue(f"not an Ed25519 public key or signature: {error}", hint="Both are base64") from error
    try:
        key.verify(raw, data)
    except InvalidSignature:
        return False
    return True


def _payload(head: Head) -> bytes:
    """Give what is signed; a head from before there were roots has none, and its signature holds."""
    if not head.root:
        return canonical_json({"format": 1, **head.model_dump(mode="json", include=set(_SIGNED))})
    return canonical_json({"format": 2, **head.model_dump(mode="json", include={*_SIGNED, "root"})})


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


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
