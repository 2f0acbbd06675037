"""The part of a profile that the snapshot takes on its way: a few thousand rows, drawn alike for all columns."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mlops_ext.datasets.profile.columns import profile_column
from mlops_ext.datasets.profile.types import ColumnProfile, Profile
from mlops_ext.datasets.storage.manifest import GZIP_LEVEL
from mlops_ext.datasets.types import Column
from mlops_ext.store.hashing import digest_of

if TYPE_CHECKING:
    from mlops_ext.datasets.storage.manifest import Manifest
    from mlops_ext.workspace import Workspace

__all__ = ["profiled", "rank_error", "read_profile", "sampled", "write_profile"]

SAMPLE_ROWS = 10_000
FORMAT = "p1"


def sampled(table: pa.Table, columns: Sequence[Column], known: Mapping[str, ColumnProfile] | None = None) -> Profile:
    """Describe every column from the same rows: all of them when they are few, else some drawn by lot.

    Parameters
    ----------
    table : pyarrow.Table
        The rows.
    columns : sequence of Column
        Its columns with digests and nulls.
    known : dict of digest to ColumnProfile, optional
        From the version before: a column whose content was described is as it was.
    """
    rows = table.num_rows
    wanted = np.arange(rows)
    if rows > SAMPLE_ROWS:
        wanted = np.unique(np.random.default_rng(rows).integers(0, rows, SAMPLE_ROWS))
    found = []
    for place, column in enumerate(columns):
        before = (known or {}).get(column.digest)
        if before is not None and (before.rows, before.type) == (rows, column.type):
            found.append(before.model_copy(update={"name": column.name}))
        else:
            found.append(profile_column(column, _drawn(table.column(place), wanted), rows))
    drawn = len(wanted)
    return Profile(
        rows=rows, sample=drawn, rank_error=rank_error(drawn, rows), counted=drawn == rows, columns=tuple(found)
    )


def profiled(
    ws: Workspace, manifest: Manifest, table: pa.Table, parent: Manifest | None = None
) -> tuple[Manifest, bytes]:
    """Describe a version's rows and name the profile in its manifest; the parent's columns serve again."""
    before = read_profile(ws.get_blob(parent.profile)) if parent is not None and parent.profile else None
    known = {each.digest: each for each in before.columns} if before else {}
    written = write_profile(sampled(table, manifest.schema_, known))
    return manifest.model_copy(update={"profile": digest_of(written, ws.algorithm)}), written


def _drawn(values: pa.ChunkedArray, wanted: np.ndarray) -> pa.ChunkedArray:
    """Take rows chunk by chunk, so that no chunks are joined first."""
    if len(wanted) == len(values):
        return values
    parts, start = [], 0
    for chunk in values.chunks:
        low, high = np.searchsorted(wanted, [start, start + len(chunk)])
        if low < high:
            parts.append(chunk.take(pa.array(wanted[low:high] - start)))
        start += len(chunk)
    return pa.chunked_array(parts, values.type)


def rank_error(drawn: int, rows: int) -> float:
    """Bound how far a quantile's rank is off (Dvoretzky-Kiefer-Wolfowitz, 95 %)."""
    return 0.0 if drawn >= rows else math.sqrt(math.log(2 / 0.05) / (2 * drawn))


def write_profile(profile: Profile) -> bytes:
    """Write a profile as JSON in gzip."""
    held = {"format": FORMAT, **profile.model_dump(mode="json")}
    return gzip.compress(json.dumps(held, sort_keys=True, separators=(",", ":")).encode(), GZIP_LEVEL, mtime=0)


def read_profile(data: bytes) -> Profile | None:
    """Read what `write_profile` wrote; nothing when a later release did."""
    held = json.loads(gzip.decompress(data))
    return Profile.model_validate(held) if held.pop("format") == FORMAT else None
