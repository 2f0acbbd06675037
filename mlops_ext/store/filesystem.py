"""What lies under a folder: whether its file system is local, files written whole or not at all, and full disks."""

from __future__ import annotations

import errno
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from mlops_ext.errors import StoreReadOnly

__all__ = ["NETWORK", "fsync_file", "fsync_folder", "is_network", "temporary_folder", "write_whole", "writing_to"]

NETWORK = "on a network or fuse file system: one host at a time may write; several hosts need PostgreSQL"
"""What is said of a catalog that lies there."""

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}

_LOCAL = {
    "apfs", "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "hfs", "jfs", "nilfs2", "overlay", "ramfs",
    "reiserfs", "tmpfs", "udf", "ufs", "vfat", "exfat", "xfs", "zfs", "rootfs", "erofs", "squashfs", "aufs",
}  # fmt: skip

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_OS_ERROR = re.compile(r"\(os error (\d+)\)")


def is_network(path: Path) -> bool:
    """Tell whether a path lies on a network or fuse file system; an unknown one counts as such."""
    if not sys.platform.startswith("linux"):
        return False
    return _file_system(str(path.parent.resolve())) not in _LOCAL


@lru_cache(maxsize=64)
def _file_system(folder: str) -> str:
    best, kind = "", "unknown"
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return kind
    for line in lines:
        left, _, right = line.partition(" - ")
        mount = left.split()[4].replace("\\040", " ")
        inside = folder == mount or folder.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, right.split()[0]
    return kind


def fsync_file(path: Path) -> None:
    """Make what a file holds durable, whoever wrote it."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_folder(folder: Path) -> None:
    """Make a rename in a folder durable."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, data: bytes | Iterable[bytes], *, new: bool = False) -> None:
    """Write a file under a temporary name, make it durable, then rename it into place.

    Parameters
    ----------
    data : bytes or iterable of bytes
        All of it, or one piece after the other.
    new : bool
        Take the place of no other file.

    Raises
    ------
    FileExistsError
        `new`, and a file is there.
    """
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as file:
            for piece in (data,) if isinstance(data, bytes) else data:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if new:
            _link(temporary, path)
        else:
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Make a folder for files under way, and take it away again.

    Parameters
    ----------
    parent : Path, optional
        Where; the system's folder for temporary files when left out.

    Raises
    ------
    StoreReadOnly
        There is no room for temporary files.
    """
    try:
        place = parent or Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise StoreReadOnly(
            f"cannot write temporary files: {error.strerror}", hint="Free some space, or set TMPDIR"
        ) from error
    with writing_to(place, "Free some space or make it writable" if parent else "Free some space, or set TMPDIR"):
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="mlops-", dir=place, ignore_cleanup_errors=True) as folder:
            yield Path(folder)


@contextmanager
def writing_to(folder: Path, hint: str = "Free some space or make it writable") -> Iterator[None]:
    """Say where a disk is full or read-only; other errors pass.

    Raises
    ------
    StoreReadOnly
        The disk takes no more.
    """
    try:
        yield
    except OSError as error:
        number = _number(error)
        if number not in _NO_ROOM:
            raise
        raise StoreReadOnly(f"cannot write to {folder}: {os.strerror(number)}", hint=hint) from error


def _number(error: OSError) -> int:
    """Give the number of an error; libraries in Rust write it into the text alone."""
    written = _OS_ERROR.search(str(error))
    return error.errno or (int(written[1]) if written else 0)


def _link(temporary: Path, path: Path) -> None:
    """Give a file a name that no other has: of two who link at once, one finds the place taken."""
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A share without links: a look and a rename, between which another may come.
        if path.exists():
            raise FileExistsError(errno.EEXIST, "there already", str(path)) from error
        temporary.replace(path)
    else:
        temporary.unlink()
