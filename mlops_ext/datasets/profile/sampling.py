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

__all__ = ["profiled", "rank_error", "read_profile", "sampled", "stored_profile", "write_profile"]

SAMPLE_ROWS = 10_000
FORMAT, FORMAT_OVER = "p1", "p2"


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
    before = stored_profile(ws, parent) if parent else None
    profile = sampled(table, manifest.schema_, {each.digest: each for each in before.columns} if before else {})
    named = (parent.profile_base or parent.profile) if parent else None
    base = read_profile(ws.get_blob(named)) if named else None
    written, is_whole = write_profile(profile), True
    if base is not None:
        less = write_profile(profile, base)
        written, is_whole = (written, True) if 2 * len(less) > len(written) else (less, False)
    found = {"profile": digest_of(written, ws.algorithm), "profile_base": None if is_whole else named}
    return manifest.model_copy(update=found), written


def stored_profile(ws: Workspace, manifest: Manifest) -> Profile | None:
    """Read what a snapshot noted; nothing when it noted none, or a later release did."""
    if not manifest.profile:
        return None
    base = read_profile(ws.get_blob(manifest.profile_base)) if manifest.profile_base else None
    return read_profile(ws.get_blob(manifest.profile), base)


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


def write_profile(profile: Profile, base: Profile | None = None) -> bytes:
    """Write a profile as JSON in gzip; of one with a base only the columns that differ from it."""
    held = {"format": FORMAT, **profile.model_dump(mode="json", exclude={"columns"})}
    columns = profile.columns
    if base is not None:
        columns = tuple(each for each in columns if base.column(each.name) != each)
        held |= {"format": FORMAT_OVER, "names": [each.name for each in profile.columns]}
    held["columns"] = [each.model_dump(mode="json") for each in columns]
    return gzip.compress(json.dumps(held, sort_keys=True, separators=(",", ":")).encode(), GZIP_LEVEL, mtime=0)


def read_profile(data: bytes, base: Profile | None = None) -> Profile | None:
    """Read what `write_profile` wrote; nothing when a later release did, or the base is not there."""
    held = json.loads(gzip.decompress(data))
    known = held.pop("format")
    if known == FORMAT:
        return Profile.model_validate(held)
    if known != FORMAT_OVER or base is None:
        return None
    columns = {each.name: each for each in base.columns}
    columns |= {each["name"]: ColumnProfile.model_validate(each) for each in held["columns"]}
    held["columns"] = tuple(columns[name] for name in held.pop("names"))
    return Profile.model_validate(held)
