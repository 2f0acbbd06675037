"""What push and pull have in common: how far they are, and the sums of what moved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mlops_ext.datasets.remotes.types import DatasetEntry, Move, MovedVersion, State

__all__ = ["Progress", "Tally", "move_of"]

Progress = Callable[[int, int, str], None]
"""Called with the bytes that are done, how many there are, and what moves."""


class Tally:
    """Counts bytes and tells of them.

    Parameters
    ----------
    progress : callable, optional
        Whom it tells.
    total : int
        How many bytes there are.
    what : str
        What moves.
    """

    def __init__(self, progress: Progress | None, total: int, what: str) -> None:
        self._progress = progress
        self._total = total
        self._what = what
        self._done = 0
        self.add(0)

    def add(self, size: int) -> None:
        """Count bytes that have moved."""
        self._done += size
        if self._progress is not None:
            self._progress(self._done, self._total, self._what)


def move_of(
    remote: str, entries: Iterable[tuple[str, DatasetEntry, State]], travel: Mapping[str, int], *, done: bool
) -> Move:
    """Sum up a push or a pull.

    Parameters
    ----------
    entries : iterable of tuple
        Each version with the name that it is to be shown by, and what becomes of it.
    travel : mapping of str to int
        The pieces that travel, with their sizes; each counts for the first version that has it.
    """
    left = dict(travel)
    versions = []
    for name, entry, state in entries:
        own = [left.pop(digest) for digest in entry.blobs if digest in left] if state != "known" else []
        made = MovedVersion(
            ref=f"{name}@{entry.version}",
            digest=entry.digest,
            state=state,
            rows=entry.record.rows,
            pieces=len(own),
            bytes=sum(own),
        )
        versions.append(made)
    return Move(
        remote=remote,
        done=done,
        pieces=sum(each.pieces for each in versions),
        bytes=sum(each.bytes for each in versions),
        versions=tuple(versions),
    )
