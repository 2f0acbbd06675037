"""The scan: what the files of a model could run when they are read, told by reading their bytes and nothing else.

Content decides, never a file's name. A pickle is clean only when every name in it is on the reviewed list; a
file that is in no known format, or that cannot be followed to its end, is unsafe.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from mlops_ext.models.scanning import formats
from mlops_ext.models.scanning.arrays import JoblibArrays
from mlops_ext.models.scanning.pickles import Walk, walk
from mlops_ext.models.types import Finding, Scan

__all__ = ["SCANNER", "findings_of", "scan_folder"]

SCANNER = "1"
"""Counts up with the rules and the reviewed list."""

MAX_FINDINGS = 1000
MAX_UNPACKED = 4 << 30
MAX_DEPTH = 4
MAX_STREAMS = 100
_CHUNK = 1 << 20

_UNREADABLE = (OSError, EOFError, ValueError, *formats.PACKING_ERRORS)

_Found = Iterator[tuple[str, str, str]]


def scan_folder(folder: Path, untrusted: Iterable[str] = ()) -> Scan:
    """Scan the files of a model.

    Parameters
    ----------
    folder : Path
        Nothing of it is run, imported or unpickled.
    untrusted : iterable of str
        Names that the model's flavor says loading must trust; each counts as a finding.
    """
    findings = list(findings_of(folder))
    known = {finding.name for finding in findings}
    reason = "loading needs it, and it is not reviewed"
    findings += [Finding(file="", name=name, reason=reason) for name in untrusted if name not in known]
    return Scan(verdict="unsafe" if findings else "clean", findings=tuple(findings), scanner=SCANNER)


def findings_of(folder: Path) -> tuple[Finding, ...]:
    """Give what could run, or cannot be judged, in the files of a folder; each name once a file."""
    found: dict[tuple[str, str], Finding] = {}
    for path in sorted(each for each in folder.rglob("*") if not each.is_dir() or each.is_symlink()):
        label = path.relative_to(folder).as_posix()
        for file, name, reason in _file(path, label):
            found.setdefault((file, name), Finding(file=file, name=name, reason=reason))
            if len(found) >= MAX_FINDINGS:
                more = Finding(file=file, name="more-findings", reason=f"there are more than {MAX_FINDINGS}")
                return (*found.values(), more)
    return tuple(found.values())


def _file(path: Path, label: str) -> _Found:
    if path.is_symlink() or not path.is_file():
        yield label, "unknown-format", "it is no plain file"
        return
    with path.open("rb") as file:
        yield from _content(file, label, 0)


def _content(file: BinaryIO, label: str, depth: int, *, raw: bool = False) -> _Found:
    """Tell what one file, or one member of an archive, could run; `raw` bytes need no known format."""
    if depth > MAX_DEPTH:
        yield label, "too-deep", f"it is packed more than {MAX_DEPTH} times"
        return
    head = file.read(16)
    hides_archive = zipfile.is_zipfile(file)
    file.seek(0)
    if formats.is_zip(head):
        yield from _archive(file, label, depth)
    elif hides_archive:
        yield label, "unknown-format", "an archive lies behind other bytes"
        yield from _archive(file, label, depth)
        yield from _pickle(file, label, raw=raw)
    elif formats.is_packed(head):
        yield from _unpacked(file, label, depth)
    elif formats.is_array(head):
        yield from _array(file, label)
    elif head:
        yield from _pickle(file, label, raw=raw)


def _pickle(file: BinaryIO, label: str, *, raw: bool = False) -> _Found:
    file.seek(0)
    told = _walk(file)
    yield from _names(told, label)
    if told.error and told.referred:
        yield label, "unreadable", f"a pickle that cannot be followed: {told.error}"
    elif told.error:
        # Nothing that unpickles it gets as far as a name. That is no proof for any other reader.
        if not raw and not formats.is_inert(file):
            yield label, "unknown-format", "it is in no format that is known to run nothing"
    else:
        yield from _behind(file, label)


def _behind(file: BinaryIO, label: str) -> _Found:
    """Tell what follows the end of a pickle: nothing may, and what does is followed as by one who reads on."""
    for _ in range(MAX_STREAMS):
        if not file.read(1):
            return
        yield label, "trailing-bytes", "more follows the end of the pickle"
        file.seek(-1, os.SEEK_CUR)
        told = _walk(file)
        yield from _names(told, label)
        if told.error:
            return


def _walk(file: BinaryIO) -> Walk:
    """Follow a pickle, as joblib reads it and, where that differs, as an ordinary unpickler does too."""
    start, arrays = file.tell(), JoblibArrays()
    told = walk(file, arrays)
    if not arrays.met:
        return told
    end = file.tell()
    file.seek(start)
    plain = walk(file)
    file.seek(end)
    return Walk((*told.names, *plain.names), told.referred, told.error)


def _names(told: Walk, label: str) -> _Found:
    for name, reason in told.names:
        yield label, name, reason


def _array(file: BinaryIO, label: str) -> _Found:
    try:
        objects = formats.objects_in_array(file)
    except (ValueError, SyntaxError, TypeError, EOFError, UnicodeError, RecursionError) as error:
        yield label, "unreadable", f"an array that is none: {error}"[:200]
        return
    if not objects:
        return
    told = walk(file)
    yield from _names(told, label)
    if told.error:
        yield label, "unreadable", f"an array of objects that cannot be followed: {told.error}"
    else:
        yield from _behind(file, label)


def _archive(file: BinaryIO, label: str, depth: int) -> _Found:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if len(set(names)) < len(names):
                yield label, "unreadable", "two members of the archive share a name"
            if min((member.header_offset for member in members), default=0) > 0:
                yield label, "unreadable", "bytes lie before the first member of the archive"
            tensors = _tensors(names)
            for member in members:
                inside = f"{label}!{member.filename}"
                with archive.open(member) as packed, tempfile.TemporaryFile() as spool:
                    if not _copied(iter(partial(packed.read, _CHUNK), b""), spool):
                        yield inside, "too-large", f"it unpacks to more than {MAX_UNPACKED:,} bytes"
                        return
                    yield from _content(spool, inside, depth + 1, raw=member.filename in tensors)
    except (*_UNREADABLE, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        yield label, "unreadable", f"an archive that cannot be read: {error}"[:200]


def _tensors(names: list[str]) -> frozenset[str]:
    """Give the members of a PyTorch archive that its reader takes as numbers, whatever bytes they are."""
    roots = {name.removesuffix("data.pkl") for name in names if name.endswith("data.pkl")}
    return frozenset(name for name in names for root in roots if name.startswith(f"{root}data/"))


def _unpacked(file: BinaryIO, label: str, depth: int) -> _Found:
    with tempfile.TemporaryFile() as spool:
        try:
            whole = _copied(formats.unpacked(file), spool)
        except _UNREADABLE as error:
            yield label, "unreadable", f"a packed file that cannot be unpacked: {error}"[:200]
            return
        if not whole:
            yield label, "too-large", f"it unpacks to more than {MAX_UNPACKED:,} bytes"
            return
        yield from _content(spool, label, depth + 1)


def _copied(chunks: Iterable[bytes], target: BinaryIO) -> bool:
    """Write chunks out and stand at the start; False when they are too much."""
    total = 0
    for chunk in chunks:
        total += target.write(chunk)
        if total > MAX_UNPACKED:
            return False
    target.seek(0, os.SEEK_SET)
    return True
