"""The files that a run makes in its working folder, kept as its artifacts."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlops_ext.errors import MlopsError
from mlops_ext.runs.notebooks.secrecy import holder
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import Artifact, LogRun
from mlops_ext.workspace import Workspace

__all__ = ["Stamps", "keep", "keep_logs", "stamps"]

MOST_FILES = 20_000
"""Files looked at; a folder with more is left alone."""
MOST_KEPT = 200
LARGEST = 2**30
"""Bytes of one file that is kept."""
_SKIPPED = {"__pycache__", "node_modules"}

Stamps = Mapping[Path, tuple[int, int]]


def stamps(folder: Path, spared: Collection[Path] = ()) -> Stamps | None:
    """Note size and time of every file below a folder; None when there are too many to look at.

    Parameters
    ----------
    folder : Path
        Where a run works. Hidden files and caches are left out.
    spared : collection of Path
        Files and folders that belong to somebody else, such as the folder of outputs.
    """
    found: dict[Path, tuple[int, int]] = {}
    for path, status in _files(folder, {each.resolve() for each in spared}):
        if len(found) >= MOST_FILES:
            return None
        found[path] = (status.st_size, status.st_mtime_ns)
    return found


def keep(
    ws: Workspace,
    run: str,
    folder: Path,
    before: Stamps | None,
    after: Stamps | None,
    secrets: Mapping[str, Any] | None = None,
) -> list[str]:
    """Keep what is new or changed as artifacts of the run; give a warning for each thing that was not kept."""
    if before is None or after is None:
        return [f"{folder} holds more than {MOST_FILES} files: what the run made there is not kept"]
    made = sorted(path for path, stamp in after.items() if before.get(path) != stamp)
    large = [path for path in made if after[path][0] > LARGEST]
    kept = [path for path in made if path not in large][:MOST_KEPT]
    holders = {path: _holder(path, secrets) for path in kept} if secrets else {}
    kept = [path for path in kept if not holders.get(path)]
    warnings = [f"{path.relative_to(folder)} is larger than 1 GiB and is not kept" for path in large]
    warnings += [f"{path.relative_to(folder)} holds {name} and is not kept" for path, name in holders.items() if name]
    if len(made) - len(large) > MOST_KEPT:
        warnings.append(f"the run made {len(made)} files; the first {MOST_KEPT} are kept")
    if not kept:
        return warnings
    try:
        artifacts = [
            Artifact(path=path.relative_to(folder).as_posix(), digest=digest, size=after[path][0])
            for path, digest in zip(kept, ws.put_blobs(kept), strict=True)
        ]
        ws.call(tracking.log, LogRun(run=run, artifacts=tuple(artifacts)))
    except (MlopsError, OSError) as trouble:
        warnings.append(f"the files that the run made were not kept: {trouble}")
    return warnings


def keep_logs(ws: Workspace, run: str, folder: Path, masked: Callable[[str], str]) -> None:
    """Keep what cells printed beyond what the notebook holds, without secrets, as `printed/…` of the run."""
    logs = sorted(folder.glob("*.txt")) if folder.is_dir() else []
    texts = [masked(path.read_text(encoding="utf-8")).encode() for path in logs]
    artifacts = [
        Artifact(path=f"printed/{path.name}", digest=digest, size=len(text))
        for path, text, digest in zip(logs, texts, ws.put_blobs(texts), strict=True)
    ]
    if artifacts:
        ws.call(tracking.log, LogRun(run=run, artifacts=tuple(artifacts)))


def _holder(path: Path, secrets: Mapping[str, Any]) -> str:
    """Name the secret that a file holds."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return holder(data, secrets)
    except (OSError, ValueError):
        # An empty file cannot be mapped, and holds nothing.
        return ""


def _files(folder: Path, spared: Collection[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith(".") or entry.name in _SKIPPED or entry.is_symlink() or path.resolve() in spared:
            continue
        if entry.is_dir():
            yield from _files(path, spared)
        elif entry.is_file():
            yield path, entry.stat()
