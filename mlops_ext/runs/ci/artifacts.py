"""Artifacts of CI: the executed notebooks, their figures and files, in a folder that CI uploads."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from mlops_ext.runs.types import RunResult
from mlops_ext.store.filesystem import write_whole
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ShowRun
from mlops_ext.workspace import Workspace

__all__ = ["keep_artifacts"]

_IMAGES = {"image/png": ".png", "image/jpeg": ".jpg", "image/svg+xml": ".svg"}
_MOST = 50


def keep_artifacts(ws: Workspace, folder: Path, notebook: str, told: RunResult) -> tuple[str, ...]:
    """Lay what a run made out below a folder; give the figures, as paths below it.

    Parameters
    ----------
    notebook : str
        The notebook's path, from which the place below the folder is made.
    """
    if not told.run:
        return ()
    run = ws.call(tracking.show, ShowRun(run=told.run))
    place = folder / PurePosixPath(notebook.lstrip("/")).with_suffix("")
    if run.output is None:
        return ()
    executed = ws.get_blob(run.output)
    place.mkdir(parents=True, exist_ok=True)
    write_whole(place.with_suffix(".ipynb"), executed)
    for artifact in run.artifacts:
        target = (place / artifact.path).resolve()
        if target.is_relative_to(place.resolve()):
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, ws.get_blob(artifact.digest))
    figures = []
    for number, (cell, ending, data) in enumerate(_images(json.loads(executed)), 1):
        if number > _MOST:
            break
        target = place / f"cell-{cell}-figure-{number}{ending}"
        write_whole(target, data)
        figures.append(target.relative_to(folder).as_posix())
    return tuple(figures)


def _images(notebook: dict[str, Any]) -> Iterator[tuple[int, str, bytes]]:
    """Give each figure with the number of its code cell among those of the source."""
    code = [cell for cell in notebook.get("cells", ()) if cell.get("cell_type") == "code"]
    source = [cell for cell in code if "injected-parameters" not in (cell.get("metadata", {}).get("tags") or ())]
    for number, cell in enumerate(source, 1):
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            kind = next((kind for kind in _IMAGES if kind in data), None)
            if kind is None:
                continue
            text = data[kind] if isinstance(data[kind], str) else "".join(data[kind])
            try:
                yield number, _IMAGES[kind], text.encode() if kind.endswith("xml") else base64.b64decode(text)
            except binascii.Error:
                continue
