"""Files that commands write: whole under their name, or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from mlops_ext.errors import InvalidValue

__all__ = ["write_whole"]


def write_whole(path: Path, chunks: Iterable[bytes]) -> int:
    """Write a file beside its place and move it there; give its size.

    Raises
    ------
    InvalidValue
        The folder is missing, or cannot be written to.
    """
    try:
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InvalidValue(f"cannot write {path}: {error.strerror}", hint="Choose another folder") from error
    place = Path(draft)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        place.chmod(0o666 & ~_umask())
        place.replace(path)
    except OSError as error:
        raise InvalidValue(f"cannot write {path}: {error.strerror}", hint="Free some space") from error
    finally:
        place.unlink(missing_ok=True)
    return size


def _umask() -> int:
    """Give the mask of this process, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
