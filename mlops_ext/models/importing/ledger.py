"""What one import has done so far, and what it remembers of those before."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from mlops_ext.errors import StoreUnavailable
from mlops_ext.models.importing import service
from mlops_ext.models.importing.mlflow import MlflowStore
from mlops_ext.models.importing.types import Brought, Count, ImportReport, ListImported
from mlops_ext.operations import every
from mlops_ext.workspace import Workspace

__all__ = ["KINDS", "Ledger", "Progress", "fitting"]

Progress = Callable[[int, int, str], None]

KINDS = ("experiment", "run", "parameter", "metric", "point", "tag", "artifact", "dataset", "logged_model", "model",
         "version", "file", "alias")  # fmt: skip
_FORBIDDEN = "/:@\\"


class Ledger:
    """One import under way.

    Parameters
    ----------
    ws : Workspace
        Where to.
    store : MlflowStore
        Where from.
    dry_run : bool
        Write nothing.
    progress : callable, optional
        Told how many bytes are done, of how many, and what is done beside.
    """

    def __init__(
        self,
        ws: Workspace,
        store: MlflowStore,
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.ws, self.store, self.dry_run = ws, store, dry_run
        self.there: Counter[str] = Counter()
        self.new: Counter[str] = Counter()
        self.known: Counter[str] = Counter()
        self.out: Counter[str] = Counter()
        self.bytes = 0
        self.renamed: list[Brought] = []
        self.differences: list[str] = []
        self.notes: list[str] = []
        self.binned: set[str] = set()
        """Experiments that are deleted in the source; their runs follow them here."""
        self.logged: dict[str, Any] = {}
        """The logged models of the source by their ids."""
        self._progress = progress
        self._things, self._done = 0, 0
        self._bytes, self._arrived = 0, 0
        asked = [ListImported(source=store.name, kind=kind, limit=1000) for kind in ("", "open")]
        listed = [each for request in asked for each in every(ws, service.list_imported, request)]
        self._held: dict[tuple[str, str], str] = {(each.kind, each.source_id): each.subject for each in listed}

    def held(self, kind: str, source_id: str) -> str:
        """Give what a thing of the source is here; empty when it has not come over."""
        return self._held.get((kind, source_id), "")

    def everything(self) -> list[tuple[str, str]]:
        """List kind and id of all that has come over."""
        return list(self._held)

    def remember(self, kind: str, source_id: str, subject: str) -> None:
        """Note what a thing has become."""
        self._held[kind, source_id] = subject

    def count(self, kind: str, number: int = 1, *, new: int = 0, known: int = 0, out: int = 0) -> None:
        """Count things of a kind that the source has, and what became of them."""
        self.there[kind] += number
        self.new[kind] += new
        self.known[kind] += known
        self.out[kind] += out

    def leave(self, kind: str, what: str, why: str) -> None:
        """Leave one thing out, and say why."""
        self.out[kind] += 1
        self.differences.append(f"{what}: {why}")

    def expect(self, folders: Sequence[str]) -> None:
        """Expect one more run or version, and the files that lie in folders of the source."""
        self._things += 1
        for folder in folders:
            try:
                self._bytes += sum(each.size or 0 for each in self.store.files(folder))
            except StoreUnavailable:  # told when its turn comes, with the run or version that it belongs to
                continue

    def arrived(self, size: int) -> None:
        """Tell that bytes came over, or were here."""
        self._arrived += size
        self._tell()

    def step(self) -> None:
        """Tell that one more run or version is done."""
        self._done += 1
        self._tell()

    def _tell(self) -> None:
        if self._progress:
            told = f"{self._done} of {self._things} runs and versions"
            self._progress(self._arrived, max(self._bytes, self._arrived), told)

    def report(self) -> ImportReport:
        """Give what was done."""
        counts = [
            Count(
                kind=each,
                there=self.there[each],
                imported=self.new[each],
                known=self.known[each],
                left_out=self.out[each],
            )
            for each in KINDS
            if self.there[each]
        ]
        return ImportReport(
            source=self.store.name,
            dry_run=self.dry_run,
            counts=tuple(counts),
            bytes=self._bytes if self.dry_run else self.bytes,
            renamed=tuple(self.renamed),
            differences=tuple(self.differences),
            notes=tuple(dict.fromkeys(self.notes)),
        )


def fitting(name: str) -> str:
    """Give a name that is allowed here and as near as can be to one of MLflow's.

    Examples
    --------
    >>> fitting("/Shared/delay model")
    'Shared-delay model'
    """
    normal = unicodedata.normalize("NFC", name).strip().strip("/")
    allowed = "".join("-" if each in _FORBIDDEN or not each.isprintable() else each for each in normal)
    return allowed.strip()[:250].strip() or "unnamed"
