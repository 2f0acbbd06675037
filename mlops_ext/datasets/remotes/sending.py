"""Sending versions: pieces first, those that the remote lacks; then, when all are there, the entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mlops_ext.datasets.classes.edge import note_read
from mlops_ext.datasets.remotes import service
from mlops_ext.datasets.remotes.moving import Progress, Tally, move_of
from mlops_ext.datasets.remotes.types import DatasetEntry, Move, NotePush, State
from mlops_ext.datasets.service import show
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.errors import Conflict
from mlops_ext.store.remotes.remote import Remote
from mlops_ext.store.remotes.working import side_by_side
from mlops_ext.workspace import Workspace

__all__ = ["Sending"]


@dataclass(frozen=True)
class _Version:
    """A version to be sent: its name here, its entry there, and whether the remote has one that differs."""

    name: str
    entry: DatasetEntry
    state: State


@dataclass
class Sending:
    """Versions on their way to a remote.

    Attributes
    ----------
    under : str
        The name that the dataset gets there; its own when empty.
    pieces : dict of str to int
        What the remote lacks, with sizes.
    """

    ws: Workspace
    remote: Remote
    under: str = ""
    pieces: dict[str, int] = field(default_factory=dict)
    versions: list[_Version] = field(default_factory=list)

    def plan(self, refs: Sequence[str], *, verify: bool = False) -> None:
        """Compare what is here with what the remote has; nothing is sent yet.

        Parameters
        ----------
        verify : bool
            Read the pieces that are there, and send those again whose bytes are not theirs.

        Raises
        ------
        Conflict
            A number is taken there by other content.
        """
        is_new = not self.remote.exists()
        mine = [self.ws.call(service.entry, ShowDataset(dataset=ref)) for ref in refs]
        there = [each.model_copy(update={"name": self.under or each.name}) for each in mine]
        theirs = dict(side_by_side(self._pair, () if is_new else there))
        both = [*there, *(each for each in theirs.values() if each is not None)]
        wanted = {digest: size for each in both for digest, size in each.blobs.items()}
        lacking = wanted if is_new else self.remote.lacking(wanted)
        if verify:
            there_already = {digest: size for digest, size in wanted.items() if digest not in lacking}
            lacking = lacking | {digest: wanted[digest] for digest in self.remote.damaged(there_already)}
        for own, sent in zip(mine, there, strict=True):
            self._add(own.name, sent, theirs.get(sent.path), lacking)

    def send(self, progress: Progress | None) -> None:
        """Send pieces, then entries; note for each dataset what went, once it is there."""
        going = [each for each in self.versions if each.state != "known"]
        if not going and not self.pieces:
            return
        self.remote.ensure()
        self._note_reads()
        tally = Tally(progress, sum(self.pieces.values()), f"to {self.remote.shown}")
        for size in side_by_side(self._put, self.pieces.items()):
            tally.add(size)
        seen: list[_Version] = []
        try:
            for each in going:
                self._show(each)
                seen.append(each)
        finally:
            # Of several, one may be refused at last; those before it can be seen.
            self._note(seen)

    def result(self, *, done: bool) -> Move:
        """Sum up what goes."""
        versions = ((each.name, each.entry, each.state) for each in self.versions)
        return move_of(self.remote.shown, versions, self.pieces, done=done)

    def _pair(self, entry: DatasetEntry) -> tuple[str, DatasetEntry | None]:
        return entry.path, self.remote.entry(DatasetEntry, entry.kind, entry.name, entry.version)

    def _add(self, name: str, mine: DatasetEntry, theirs: DatasetEntry | None, lacking: dict[str, int]) -> None:
        if theirs is None:
            state: State = "new"
        else:
            _refuse_other(mine, theirs, self.remote)
            mine = _merged(mine, theirs, lacking)
            state = "known" if mine == theirs else "updated"
        missing = {digest: size for digest, size in mine.blobs.items() if digest in lacking}
        # Pieces that somebody took away there come back with the version that needs them.
        state = "updated" if missing and state == "known" else state
        self.pieces.update(missing)
        self.versions.append(_Version(name, mine, state))

    def _note_reads(self) -> None:
        """Make the restricted columns that leave events, before they do."""
        for each in self.versions:
            held = each.entry
            rows = set(held.blobs) - {held.record.manifest, held.record.representation}
            if not rows.isdisjoint(self.pieces):
                version = self.ws.call(show, ShowDataset(dataset=f"{each.name}@{held.version}"))
                note_read(self.ws, version, None, f"push to {self.remote.shown}")

    def _put(self, piece: tuple[str, int]) -> int:
        digest, size = piece
        self.remote.put(digest, self.ws.blob_path(digest))
        return size

    def _show(self, version: _Version) -> None:
        """Let a version be seen there; of two who send one number at once, the second compares with the first."""
        if version.state == "new" and self.remote.create(version.entry):
            return
        entry = version.entry
        theirs = self.remote.entry(DatasetEntry, entry.kind, entry.name, entry.version)
        if theirs is not None:
            _refuse_other(entry, theirs, self.remote)
            if theirs == entry:
                return
        self.remote.replace(entry)

    def _note(self, going: Iterable[_Version]) -> None:
        for name, some in _by_name(going):
            moved = move_of("", [(name, each.entry, each.state) for each in some], self.pieces, done=True)
            note = NotePush(
                name=name,
                versions=tuple(each.entry.version for each in some),
                remote=self.remote.shown,
                under=self.under if self.under != name else "",
                pieces=moved.pieces,
                bytes=moved.bytes,
            )
            self.ws.call(service.note_push, note)


def _refuse_other(mine: DatasetEntry, theirs: DatasetEntry, remote: Remote) -> None:
    if mine.content != theirs.content:
        raise Conflict(
            f"{mine.ref} has the content {mine.digest[:19]}… here and {theirs.digest[:19]}… on {remote.shown}: two "
            "versions have one number",
            hint=f"Numbers never change: push it under another name, with --as {mine.name[:40]}-mine",
        )


def _merged(mine: DatasetEntry, theirs: DatasetEntry, lacking: dict[str, int]) -> DatasetEntry:
    """Keep how the remote stores the content, and who made it first; what is said of it now is what is said here."""
    if not lacking.keys().isdisjoint(theirs.blobs) and not theirs.blobs.keys() <= mine.blobs.keys():
        return mine
    kept = {"manifest", "origin", "run", "created_at", "created_by"}
    record = mine.record.model_copy(update={name: getattr(theirs.record, name) for name in kept})
    return mine.model_copy(update={"blobs": theirs.blobs, "record": record})


def _by_name(versions: Iterable[_Version]) -> Iterator[tuple[str, list[_Version]]]:
    found: dict[str, list[_Version]] = {}
    for each in versions:
        found.setdefault(each.name, []).append(each)
    yield from found.items()
