"""Entries: one JSON file for each version that a remote holds, written when all of its pieces are there. Format r1.

An entry says what the version is and lists its pieces; `record` is what the room of its kind needs to have it again.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from mlops_ext.errors import DamagedBlob, InvalidValue
from mlops_ext.records import Digest, Record
from mlops_ext.refs import check_name
from mlops_ext.store.hashing import canonical_json, digest_of

__all__ = ["FORMAT", "LONGEST", "RemoteEntry", "blob_path", "entry_path", "line_path", "number_of"]

FORMAT = "r1"
LONGEST = 1 << 26
"""Bytes that an entry may have."""

E = TypeVar("E", bound="RemoteEntry")


class RemoteEntry(Record):
    """A version as a remote holds it."""

    format: str = FORMAT
    kind: str
    """`dataset`; what other rooms send has theirs."""
    name: str
    version: int = Field(ge=1, lt=10**9)
    """Far below what a database can count to, so that no remote can use the numbers of a dataset up."""
    digest: Digest
    """What names the version's content for ever."""
    blobs: dict[Digest, int]
    """Every piece with its size in bytes."""
    needs: tuple[str, ...] = ()
    """Full references of versions that it refers to, which travel with it."""
    record: Any

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    @property
    def path(self) -> str:
        """Where the remote keeps it."""
        return entry_path(self.kind, self.name, self.version)

    def to_bytes(self) -> bytes:
        """Write it with a digest of itself, so that a flipped byte shows."""
        entry = self.model_dump(mode="json")
        seal = digest_of(canonical_json(entry), self.digest.partition(":")[0])
        return json.dumps({"entry": entry, "seal": seal}, sort_keys=True, ensure_ascii=False, indent=1).encode()

    @classmethod
    def from_bytes(cls: type[E], data: bytes, path: str, where: str) -> E:
        """Read what `to_bytes` wrote, and check all that it says of itself.

        Parameters
        ----------
        path : str
            Where it lay: an entry of another version there is refused.
        where : str
            What the remote is called in messages.

        Raises
        ------
        DamagedBlob
            Its bytes are not those that were written.
        InvalidValue
            A later release wrote it.
        """
        said = f"{path} of {where}"
        if len(data) > LONGEST:
            raise _damaged(said)
        try:
            told = json.loads(data)
            entry = told["entry"]
            written = entry["format"]
            seal = digest_of(canonical_json(entry), str(told["seal"]).partition(":")[0])
            is_whole = seal == told["seal"]
        except (ValueError, KeyError, TypeError, RecursionError, InvalidValue) as error:
            raise _damaged(said) from error
        if written != FORMAT:
            raise InvalidValue(f"{said} is of format {written!r}", hint="Upgrade: pip install -U mlops-ext")
        if not is_whole:
            raise _damaged(said)
        try:
            found = cls.model_validate(entry)
            check_name(found.name)
        except (ValidationError, InvalidValue) as error:
            raise _damaged(said) from error
        if found.path != path or any(size < 0 for size in found.blobs.values()):
            raise _damaged(said)
        return found


def _damaged(said: str) -> DamagedBlob:
    return DamagedBlob(f"{said} is no entry as it was written", hint="Delete it there, then push the version again")


def blob_path(digest: str) -> str:
    """Tell where a remote keeps a blob: by its content alone, so that equal bytes are there once."""
    algorithm, _, digits = digest.partition(":")
    return f"blobs/{algorithm}/{digits[:2]}/{digits}"


def line_path(kind: str, name: str) -> str:
    """Tell in which folder the versions of a thing are; its name is readable there, but not taken as it is."""
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower())[:40].strip("-")
    return f"{kind}s/{readable or 'x'}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def entry_path(kind: str, name: str, version: int) -> str:
    """Tell where the entry of a version is."""
    return f"{line_path(kind, name)}/{version}.json"


def number_of(file: str) -> int | None:
    """Read the number of a version from the name of its file; None for other files."""
    found = re.fullmatch(r"([1-9][0-9]{0,8})\.json", file)
    return int(found[1]) if found else None
