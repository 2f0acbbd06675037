"""One version, opened to be read: its rows come from the store, or from where they stay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mlops_ext.datasets import service
from mlops_ext.datasets.frames.convert import Representation
from mlops_ext.datasets.loading.selection import Places, condition_columns, matching, row_range
from mlops_ext.datasets.sources.pinned import pinned_rows
from mlops_ext.datasets.storage.manifest import Manifest
from mlops_ext.datasets.storage.reading import read_places, read_table
from mlops_ext.datasets.types import DatasetVersion, ShowDataset

if TYPE_CHECKING:
    from mlops_ext.workspace import Workspace

__all__ = ["OpenVersion", "open_version"]

BATCH_ROWS = 1 << 20


@dataclass(frozen=True)
class OpenVersion:
    """A version with what is needed to read it."""

    ws: Workspace
    version: DatasetVersion
    manifest: Manifest
    representation: Representation

    @property
    def names(self) -> list[str]:
        """The columns as they are stored, those of a pandas index included."""
        return list(self.representation.schema.names)

    def places(self, rows: Any = None, condition: Any = None) -> Places:
        """Find the rows that `rows=` and `filter=` ask for; only the columns of the condition are read."""
        run = row_range(rows, self.version.rows)
        if condition is None:
            return run
        names = condition_columns(condition, self.names)
        return np.asarray(matching(self.read(names, run), condition) + run.start)

    def read(self, columns: Sequence[str] | None = None, places: Places | None = None) -> pa.Table:
        """Read columns and rows with exactly the types they had; nothing else is read."""
        run = range(self.version.rows) if places is None else places
        if self.version.by_reference:
            with pinned_rows(self.version, self.representation, self.ws.root, columns) as table:
                return table.slice(run.start, len(run)) if isinstance(run, range) else table.take(run)
        if isinstance(run, range):
            return read_table(self.ws, self.manifest, self.representation.schema, columns, (run.start, len(run)))
        return read_places(self.ws, self.manifest, self.representation.schema, columns, run)

    def batches(
        self, columns: Sequence[str] | None = None, rows: range | None = None, size: int = BATCH_ROWS
    ) -> Iterator[pa.Table]:
        """Read one run of rows after the other, in bounded memory; at least one, which may be empty."""
        run = rows or range(self.version.rows)
        if self.version.by_reference:
            with pinned_rows(self.version, self.representation, self.ws.root, columns) as table:
                yield from (table.slice(first, min(size, run.stop - first)) for first in run[::size] or [0])
            return
        for first in run[::size] or [0]:
            yield self.read(columns, range(first, min(first + size, run.stop)))


def open_version(ws: Workspace, ref: str) -> OpenVersion:
    """Find a version and read what says how it is stored.

    Raises
    ------
    NotFound
        No such dataset or version.
    """
    version = ws.call(service.show, ShowDataset(dataset=ref))
    manifest = Manifest.from_bytes(ws.get_blob(version.manifest), to_load=True)
    return OpenVersion(ws, version, manifest, Representation.from_bytes(ws.get_blob(manifest.representation)))
