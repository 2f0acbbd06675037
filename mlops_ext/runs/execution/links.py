"""What a notebook read and made, as its kernel noted it, becomes the inputs and outputs of its run."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import LogRun
from mlops_ext.workspace import Workspace

__all__ = ["new_notes", "record_links"]


def new_notes() -> Path:
    """Make an empty file for a kernel's notes."""
    descriptor, name = tempfile.mkstemp(prefix="mlops-used-")
    os.close(descriptor)
    return Path(name)


def record_links(ws: Workspace, run: str, notes: Path) -> None:
    """Read the notes of a kernel that has ended, enter them into its run, and remove them.

    What a run made and then read is no input of it.
    """
    lines = [line.split(" ", 1) for line in notes.read_text(encoding="utf-8").splitlines() if " " in line]
    notes.unlink(missing_ok=True)
    made = list(dict.fromkeys(ref for role, ref in lines if role == "out"))
    read = list(dict.fromkeys(ref for role, ref in lines if role == "in" and ref not in made))
    if read or made:
        ws.call(tracking.log, LogRun(run=run, inputs=tuple(read), outputs=tuple(made)))
