"""Fetching versions: manifests, then pieces, each compared with its digest; then the rows are, and all is taken in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlops_ext.datasets.remotes import service
from mlops_ext.datasets.remotes.checking import check_content, check_manifest
from mlops_ext.datasets.remotes.moving import Progress, Tally, move_of
from mlops_ext.datasets.remotes.types import DatasetEntry, Move, PullDataset, PullPlan
from mlops_ext.errors import NotFound
from mlops_ext.store.blobs import Source
from mlops_ext.store.catalog import MissingBlob
from mlops_ext.store.filesystem import temporary_folder
from mlops_ext.store.remotes.remote import Remote
from mlops_ext.store.remotes.working import side_by_side
from mlops_ext.workspace import Workspace

__all__ = ["Fetching"]

_BATCH_PIECES = 32
_BATCH_BYTES = 1 << 26


@dataclass
class Fetching:
    """Versions of datasets on their way here.

    Attributes
    ----------
    requests : list of PullDataset
        One for each dataset.
    """

    ws: Workspace
    remote: Remote
    requests: list[PullDataset] = field(default_factory=list)
    plans: list[PullPlan] = field(default_factory=list)

    def plan(self, wanted: Mapping[str, Sequence[int]], under: str = "") -> None:
        """Read the entries, and compare them with what is here; nothing is fetched yet.

        Parameters
        ----------
        wanted : mapping of str to sequence of int
            Of each dataset the numbers.
        under : str
            The name that the dataset gets here; its own when empty.

        Raises
        ------
        NotFound
            The remote has no such version.
        Conflict
            A number is taken here by other content.
        """
        for name, numbers in wanted.items():
            found = sorted(self.remote.entries(DatasetEntry, "dataset", name, numbers), key=lambda each: each.version)
            lost = sorted(set(numbers) - {each.version for each in found})
            if lost:
                raise NotFound(f"{name}@{lost[0]} is not on {self.remote.shown}", hint=_known(self.remote, name))
            request = PullDataset(name=under or name, entries=tuple(found), remote=self.remote.shown)
            self.plans.append(self.ws.call(service.plan_pull, request))
            self.requests.append(request)

    def fetch(self, progress: Progress | None) -> None:
        """Fetch, check and take in, dataset by dataset; a version is seen when all of it is here, and not before."""
        total = sum(sum(plan.missing.values()) for plan in self.plans)
        tally = Tally(progress, total, f"from {self.remote.shown}")
        for request, plan in zip(self.requests, self.plans, strict=True):
            self._pieces(request, plan, tally)
            try:
                self.ws.call(service.receive, request)
            except MissingBlob:
                # gc took a piece that had been here between planning and naming it
                self._pieces(request, self.ws.call(service.plan_pull, request), tally)
                self.ws.call(service.receive, request)

    def result(self, *, done: bool) -> Move:
        """Sum up what comes."""
        versions = [
            (request.name, each, plan.states[each.version])
            for request, plan in zip(self.requests, self.plans, strict=True)
            for each in request.entries
        ]
        travel = {digest: size for plan in self.plans for digest, size in plan.missing.items()}
        return move_of(self.remote.shown, versions, travel, done=done)

    def _pieces(self, request: PullDataset, plan: PullPlan, tally: Tally) -> None:
        coming = [each for each in request.entries if plan.states[each.version] != "known"]
        first = {each.record.manifest for each in coming} | {each.record.representation for each in coming}
        with temporary_folder() as folder:
            self._get([piece for piece in plan.missing.items() if piece[0] in first], folder, tally)
            for each in coming:
                check_manifest(self.ws, each, self.remote.shown)
            self._get([piece for piece in plan.missing.items() if piece[0] not in first], folder, tally)
        for each in coming:
            check_content(self.ws, each, self.remote.shown)

    def _get(self, pieces: Iterable[tuple[str, int]], folder: Path, tally: Tally) -> None:
        """Fetch pieces side by side and store them, some at once; a killed pull goes on after the last stored."""
        held: list[Source] = []
        size = 0
        for piece, length in side_by_side(lambda each: (self.remote.fetch(*each, folder), each[1]), pieces):
            held.append(piece)
            size += length
            if len(held) == _BATCH_PIECES or size >= _BATCH_BYTES:
                self._keep(held, size, tally)
                held, size = [], 0
        self._keep(held, size, tally)

    def _keep(self, pieces: Sequence[Source], size: int, tally: Tally) -> None:
        self.ws.put_blobs(pieces)
        for each in pieces:
            if isinstance(each, Path):
                each.unlink()
        tally.add(size)


def _known(remote: Remote, name: str) -> str:
    numbers = remote.numbers("dataset", name)
    return f"It has {', '.join(f'{name}@{each}' for each in numbers[-8:])}" if numbers else "Nothing of it is there"
